//! How far a user has read.

use crate::bench::{Bench, Database, Scenario};
use crate::load::Request;
use crate::rest::{Requests, Sides, Targets};
use crate::table::Table;

use super::{messages, repeated};

const CONVERSATIONS: usize = 1000;
/// In each.
const MESSAGES: usize = 8;

pub const SCENARIO: Scenario = Scenario {
    name: "horizon",
    compares: "Update the read horizon of the one user of one of 1,000 conversations, each with 8 messages, to any \
               of them, over 64 connections, beside the ceiling.",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let sides = Sides::start(bench, database)?;
    let conversations = sides.conversations(CONVERSATIONS)?;
    sides.participants(&conversations)?;
    sides.prepare(&repeated(&messages(&conversations), MESSAGES))?;
    let read = |(number, sid)| {
        (0..MESSAGES).map(move |index| Request {
            method: "POST",
            path: format!("/v1/Users/customer-{number}/Conversations/{sid}"),
            body: format!("LastReadMessageIndex={index}"),
        })
    };
    let requests: Vec<_> = conversations.iter().enumerate().flat_map(read).collect();
    sides.table(Requests::Any(&requests), Targets { ratio: "0.35", ..Targets::default() })
}
