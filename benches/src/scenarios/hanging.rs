//! What endpoints that never answer cost the others.

use std::collections::HashSet;

use crate::bench::{Bench, Database, Scenario};
use crate::load::Load;
use crate::receiver::{Arrival, Receiver};
use crate::server::Server;
use crate::table::{Table, percentile};

use super::{check, messages};

const ENDPOINTS: usize = 1000;
/// Every tenth.
const HANG: usize = 10;
const CREATES: usize = 4000;
const CONNECTIONS: usize = 64;
/// Creates a second: what the machine does easily, so that the lag is not that of a queue.
const RATE: usize = 1000;

pub const SCENARIO: Scenario = Scenario {
    name: "hanging",
    compares: "4,000 messages, 1,000 a second, into 1,000 conversations, each with a webhook at a place of its \
               own. The lag of the 900 others while 100 places never answer, against the lag of the same 900 \
               while all answer at once.",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let server = Server::start(bench, database)?;
    let receiver = Receiver::start()?;
    let conversations = bench.wait(server.api.conversations(ENDPOINTS))?;
    let place = |number: usize| receiver.place(number);
    let urls: Vec<_> = (0..ENDPOINTS).map(|number| format!("http://{}/hook", place(number))).collect();
    let forms: Vec<_> = conversations
        .iter()
        .zip(&urls)
        .map(|(sid, url)| {
            let form = vec![
                ("Target", "webhook"),
                ("Configuration.Url", url.as_str()),
                ("Configuration.Method", "POST"),
                ("Configuration.Filters", "onMessageAdded"),
            ];
            (format!("Conversations/{sid}/Webhooks"), form)
        })
        .collect();
    bench.wait(server.api.post_all(&forms))?;
    let hanging: HashSet<_> = conversations.iter().step_by(HANG).collect();
    let requests = messages(&conversations);
    let load =
        Load { requests: &requests, connections: CONNECTIONS, count: CREATES, hooks: true, rate: Some(RATE) };
    load.run(bench, &server)?;
    receiver.take(bench, CREATES)?;
    let mut table = Table::default();
    for _ in 0..bench.rounds {
        server.quiet(bench)?;
        load.run(bench, &server)?;
        let healthy = receiver.take(bench, CREATES)?;
        check(&healthy, CREATES)?;
        server.quiet(bench)?;

        receiver.hang((0..ENDPOINTS).step_by(HANG).map(place));
        load.run(bench, &server)?;
        server.quiet(bench)?;
        receiver.hang(std::iter::empty());
        let others = receiver.take(bench, 1)?;
        let of_others = |arrivals: &[Arrival]| {
            arrivals.iter().filter(|arrival| !hanging.contains(&arrival.conversation)).count()
        };
        // The same load, by the same chance.
        check(&others, of_others(&healthy))?;
        let (p50, p99) = lag(&healthy, &hanging);
        let (p50_beside, p99_beside) = lag(&others, &hanging);
        table.note_against("lag p99 beside places that hang / of all healthy", "2 at most", p99_beside / p99);
        table.note("lag p50 healthy, ms", p50);
        table.note("lag p50 beside, ms", p50_beside);
        table.note("lag p99 healthy, ms", p99);
        table.note("lag p99 beside, ms", p99_beside);
    }
    Ok(table)
}

/// The median and the 99th percentile of those whose place always answers.
fn lag(arrivals: &[Arrival], hanging: &HashSet<&String>) -> (f64, f64) {
    let others = arrivals.iter().filter(|arrival| !hanging.contains(&arrival.conversation));
    let mut lags: Vec<_> = others.map(Arrival::lag).collect();
    (percentile(&mut lags, 0.5), percentile(&mut lags, 0.99))
}
