//! Pages of messages: the first one, and one that lies deep.

use anyhow::Context;

use crate::bench::{Bench, Database, Scenario};
use crate::load::Request;
use crate::rest::{Requests, Sides, Targets};
use crate::table::Table;

use super::{messages, repeated};

const FIRST: Made = Made { conversations: 1000, messages: 60, page: 0 };
const DEEP: Made = Made { conversations: 20, messages: 2100, page: 30 };

pub const SCENARIO: Scenario = Scenario {
    name: "list",
    compares: "List the first 50 of the 60 messages of one of 1,000 conversations, over 64 connections, beside a \
               ceiling that answers a page of the same size.",
    run: |bench, database| run(bench, database, &FIRST),
};

pub const SCENARIO_OF_DEEP: Scenario = Scenario {
    name: "list-deep",
    compares: "List 50 messages 30 pages behind the first, by their page token, of one of 20 conversations with \
               2,100 messages each, over 64 connections, beside a ceiling that answers a page of the same size.",
    run: |bench, database| run(bench, database, &DEEP),
};

/// What is made, and which page of it is read.
struct Made {
    conversations: usize,
    messages: usize,
    page: usize,
}

fn run(bench: &Bench, database: &Database, made: &Made) -> anyhow::Result<Table> {
    let sides = Sides::start(bench, database)?;
    let conversations = sides.conversations(made.conversations)?;
    sides.prepare(&repeated(&messages(&conversations), made.messages))?;
    let mut requests = Vec::new();
    for sid in &conversations {
        let mut path = format!("Conversations/{sid}/Messages?PageSize=50");
        for _ in 0..made.page {
            let page = bench.wait(sides.server.api.get(&path))?;
            let next = page["meta"]["next_page_url"].as_str().context("another page follows")?;
            next.split_once("/v1/").context("it is below the version")?.1.clone_into(&mut path);
        }
        requests.push(Request { method: "GET", path: format!("/v1/{path}"), body: String::new() });
    }
    let targets = match database {
        Database::Sqlite => Targets { ratio: "0.65", ..Targets::default() },
        Database::Postgres(_) => Targets::default(),
    };
    sides.table(Requests::Any(&requests), targets)
}
