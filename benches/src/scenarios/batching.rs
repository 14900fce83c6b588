//! What it brings that writes share a commit.

use crate::bench::{Bench, Database, Scenario};
use crate::load::Load;
use crate::rest::{CONNECTIONS, count, rest};
use crate::server::Server;
use crate::table::Table;

use super::messages;

const CONVERSATIONS: usize = 1000;
/// By which the rate is found.
const TRIAL: usize = 1000;

pub const SCENARIO: Scenario = Scenario {
    name: "batching",
    compares: "Create a message in one of 1,000 conversations, over 64 connections, beside a server with \
               `storage.batch_max = 1`, which commits each one alone.",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let together = Server::start(bench, database)?;
    let alone = Server::start_with(bench, database, "[storage]\nbatch_max = 1\n")?;
    let requests_of =
        |server: &Server| anyhow::Ok(messages(&bench.wait(server.api.conversations(CONVERSATIONS))?));
    let requests = [requests_of(&together)?, requests_of(&alone)?];
    let [mut of_together, mut of_alone] = requests.each_ref().map(|requests| Load {
        requests,
        connections: CONNECTIONS,
        count: TRIAL,
        hooks: false,
        rate: None,
    });
    of_together.count = count(of_together.run(bench, &together)?.per_second);
    of_alone.count = count(of_alone.run(bench, &alone)?.per_second);
    let mut table = Table::default();
    for _ in 0..bench.rounds {
        rest(bench, &[&together, &alone])?;
        let one = of_alone.run(bench, &alone)?;
        rest(bench, &[&together, &alone])?;
        let all = of_together.run(bench, &together)?;
        table.note_against("creates/s together / alone", "5", all.per_second / one.per_second);
        table.note("creates/s together", all.per_second);
        table.note("creates/s alone", one.per_second);
        table.note("p50 together, ms", all.p50);
        table.note("p99 together, ms", all.p99);
        table.note("p50 alone, ms", one.p50);
        table.note("p99 alone, ms", one.p99);
    }
    Ok(table)
}
