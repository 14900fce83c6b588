//! Messages that all go into one conversation, and so through one root.

use crate::bench::{Bench, Database, Scenario};
use crate::rest::{Requests, Sides, Targets};
use crate::table::Table;

use super::messages;

pub const SCENARIO: Scenario = Scenario {
    name: "create-one",
    compares: "Create a message, all in one conversation, over 64 connections, beside the ceiling.",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let sides = Sides::start(bench, database)?;
    let requests = messages(&sides.conversations(1)?);
    sides.table(Requests::Any(&requests), Targets::default())
}
