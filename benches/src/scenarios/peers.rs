//! Messages that others take, beside those that the server takes.

use crate::bench::{Bench, Database, Scenario};
use crate::load::{Load, Request};
use crate::peers::{ALL, INSTALL, Peer};
use crate::server::{Server, as_f64};
use crate::table::Table;

use super::messages;

const CONVERSATIONS: usize = 1000;
const CREATES: usize = 10_000;
const CONNECTIONS: usize = 64;

pub const SCENARIO: Scenario = Scenario {
    name: "peers",
    compares: "10,000 messages into 1,000 conversations over 64 connections, each answered when it is durable, against \
               others who take messages. Each side is measured in turn, while the other does nothing.",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let mut table = Table::default();
    for peer in ALL {
        if (peer.is_installed)() {
            table.remark(peer.does.to_owned());
            against(bench, database, peer, &mut table)?;
        } else {
            table.remark(format!("{}: {INSTALL}", peer.name));
        }
    }
    Ok(table)
}

fn against(bench: &Bench, database: &Database, peer: &Peer, table: &mut Table) -> anyhow::Result<()> {
    let server = Server::start(bench, database)?;
    let conversations = bench.wait(server.api.conversations(CONVERSATIONS))?;
    let requests: Vec<Request> = messages(&conversations);
    let load =
        Load { requests: &requests, connections: CONNECTIONS, count: CREATES, hooks: false, rate: None };
    let running = (peer.start)(bench)?;
    // Caches are filled on both sides.
    load.run(bench, &server)?;
    running.send(bench, peer.messages)?;
    let name = peer.name;
    for _ in 0..bench.rounds {
        let before = server.used()?;
        let ours = load.run(bench, &server)?;
        let after = server.used()?;
        let before_theirs = running.process().used()?;
        let theirs = running.send(bench, peer.messages)?;
        let after_theirs = running.process().used()?;
        let each = |micros: f64, count: usize| micros / as_f64(count as u64);
        table.note_against(
            format!("messages/s, ours / {name}"),
            peer.target,
            ours.per_second / theirs.per_second,
        );
        table.note(format!("messages/s, ours beside {name}"), ours.per_second);
        table.note(format!("messages/s, {name}"), theirs.per_second);
        table.note(format!("p99 of a message, ours beside {name}, ms"), ours.p99);
        table.note(format!("p99 of a message, {name}, ms"), theirs.p99);
        table.note(format!("CPU a message, ours beside {name}, us"), each(after.cpu - before.cpu, CREATES));
        table.note(
            format!("CPU a message, {name}, us"),
            each(after_theirs.cpu - before_theirs.cpu, peer.messages),
        );
        table.note(format!("anonymous memory, ours beside {name}, MB"), after.anonymous / 1e6);
        table.note(format!("anonymous memory, {name}, MB"), after_theirs.anonymous / 1e6);
    }
    Ok(())
}
