//! What a webhook costs those who write.

use crate::bench::{Bench, Database, Scenario};
use crate::load::Load;
use crate::receiver::{Arrival, Receiver};
use crate::server::{Server, as_f64};
use crate::table::{Table, percentile};

use super::{check, messages};

const CONVERSATIONS: usize = 1000;
const CREATES: usize = 10_000;
const CONNECTIONS: usize = 64;

pub const SCENARIO: Scenario = Scenario {
    name: "webhook",
    compares: "10,000 messages into 1,000 conversations over 64 connections, with one webhook of the account \
               whose receiver answers at once, against the same without it (and without X-Twilio-Webhook-Enabled).",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let server = Server::start(bench, database)?;
    let receiver = Receiver::start()?;
    let conversations = bench.wait(server.api.conversations(CONVERSATIONS))?;
    let requests = messages(&conversations);
    let unheard =
        Load { requests: &requests, connections: CONNECTIONS, count: CREATES, hooks: false, rate: None };
    let heard = Load { hooks: true, ..unheard };
    let url = format!("http://{}/hook", receiver.place(0));
    let set = |url: &str| {
        let form = [("PostWebhookUrl", url), ("Filters", "onMessageAdded"), ("Method", "POST")];
        bench.wait(server.api.post("Configuration/Webhooks", &form)).map(|_| ())
    };
    // Caches are filled, and the write-ahead log has its size.
    unheard.run(bench, &server)?;
    let mut table = Table::default();
    for _ in 0..bench.rounds {
        let nobody = heard.run(bench, &server)?;
        let before = server.used()?;
        let without = unheard.run(bench, &server)?;
        let between = server.used()?;
        set(&url)?;
        let with = heard.run(bench, &server)?;
        let arrivals = receiver.take(bench, CREATES)?;
        server.quiet(bench)?;
        let after = server.used()?;
        set("")?;
        check(&arrivals, CREATES)?;
        table.note_against("creates/s with / without", "0.6", with.per_second / without.per_second);
        table.note("creates/s without", without.per_second);
        table.note("creates/s with", with.per_second);
        table.note("creates/s where webhooks may hear of it and there is none", nobody.per_second);
        table.note("p99 of a create without, ms", without.p99);
        table.note("p99 of a create with, ms", with.p99);
        let mut lags: Vec<_> = arrivals.iter().map(Arrival::lag).collect();
        table.note("deliveries/s", rate(&arrivals));
        table.note("lag p50, ms", percentile(&mut lags, 0.5));
        table.note("lag p99, ms", percentile(&mut lags, 0.99));
        let creates = as_f64(CREATES as u64);
        table.note("server CPU a create without, us", (between.cpu - before.cpu) / creates);
        table.note("server CPU a create with its delivery, us", (after.cpu - between.cpu) / creates);
        table.note("disk a create without, KiB", (between.written - before.written) / creates / 1024.0);
        table.note(
            "disk a create with its delivery, KiB",
            (after.written - between.written) / creates / 1024.0,
        );
        table.note("anonymous memory afterwards, MB", after.anonymous / 1e6);
    }
    Ok(table)
}

/// Deliveries a second, from the first change to the last arrival.
fn rate(arrivals: &[Arrival]) -> f64 {
    let first = arrivals.iter().map(|arrival| arrival.made).min().unwrap_or_default();
    let last = arrivals.iter().map(|arrival| arrival.at).max().unwrap_or_default();
    as_f64(arrivals.len() as u64) * 1e6 / as_f64(u64::try_from(last - first).unwrap_or(1).max(1))
}
