//! Messages into many conversations, by few callers and by many.

use crate::bench::{Bench, Database, Scenario};
use crate::rest::{Comparison, Requests, Sides, Targets};
use crate::table::Table;

use super::messages;

const CONVERSATIONS: usize = 1000;

pub const SCENARIO: Scenario = Scenario {
    name: "create",
    compares: "Create a message in one of 1,000 conversations, over 64, 8 and 256 connections, beside the ceiling.",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let sides = Sides::start(bench, database)?;
    let requests = messages(&sides.conversations(CONVERSATIONS)?);
    let (ratio, ratio_of_many) = match database {
        Database::Sqlite => ("0.50", "0.60"),
        Database::Postgres(_) => ("0.30", ""),
    };
    let mut table = Table::default();
    for (connections, suffix, targets) in [
        (64, ", 64 connections", Targets { ratio, p99: "3 at most", memory: "48 at most" }),
        (8, ", 8 connections", Targets::default()),
        (256, ", 256 connections", Targets { ratio: ratio_of_many, ..Targets::default() }),
    ] {
        let comparison = Comparison { requests: Requests::Any(&requests), connections, targets, suffix };
        sides.compare(&comparison, &mut table)?;
    }
    Ok(table)
}
