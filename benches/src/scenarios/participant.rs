//! Participants, each a user who was not known before.

use crate::bench::{Bench, Database, Scenario};
use crate::load::Request;
use crate::rest::{Requests, Sides, Targets};
use crate::table::Table;

const CONVERSATIONS: usize = 1000;

pub const SCENARIO: Scenario = Scenario {
    name: "participant",
    compares: "Create a participant with a new identity, in 1,000 conversations in turn, over 64 connections, \
               beside the ceiling.",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let sides = Sides::start(bench, database)?;
    let conversations = sides.conversations(CONVERSATIONS)?;
    let join = |number: usize| Request {
        method: "POST",
        path: format!("/v1/Conversations/{}/Participants", conversations[number % CONVERSATIONS]),
        body: format!("Identity=customer-{number}"),
    };
    sides.table(Requests::Once(&join), Targets::default())
}
