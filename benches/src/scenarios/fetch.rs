//! One participant, by its sid.

use crate::bench::{Bench, Database, Scenario};
use crate::load::Request;
use crate::rest::{Requests, Sides, Targets};
use crate::table::Table;

const CONVERSATIONS: usize = 1000;

pub const SCENARIO: Scenario = Scenario {
    name: "fetch",
    compares: "Fetch the one participant of one of 1,000 conversations, over 64 connections, beside the ceiling.",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let sides = Sides::start(bench, database)?;
    let conversations = sides.conversations(CONVERSATIONS)?;
    let participants = sides.participants(&conversations)?;
    let fetch = |(conversation, sid): (&String, &String)| Request {
        method: "GET",
        path: format!("/v1/Conversations/{conversation}/Participants/{sid}"),
        body: String::new(),
    };
    let requests: Vec<_> = conversations.iter().zip(&participants).map(fetch).collect();
    sides.table(Requests::Any(&requests), Targets { ratio: "0.70", ..Targets::default() })
}
