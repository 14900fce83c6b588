//! What most servers do all day, on what has gathered over the years.

use std::sync::Arc;

use crate::bench::{Bench, Database, Scenario};
use crate::filling::{self, Town, member};
use crate::home::Home;
use crate::load::{Answered, Load, Request};
use crate::server::{Server, as_f64};
use crate::table::Table;

use super::messages;

const CONVERSATIONS: usize = 1000;
const LARGE: u64 = 1_000_000;
/// As many as a page in each conversation, so that lists are as long as those of the large one.
const EVEN: u64 = 50_000;
const SMALL: u64 = 1000;
const REQUESTS: usize = 10_000;
const CONNECTIONS: usize = 64;

pub const SCENARIO: Scenario = Scenario {
    name: "mix",
    compares: "10,000 requests over 64 connections, 70 % of which create a message, 20 % list the latest 50 and \
               10 % move a read horizon, on a database of 1,000,000 messages in 1,000 conversations, against the \
               same on one of 50,000 (whose lists are as long) and one of 1,000.",
    run,
};

/// A server on so many messages, and what is asked of it.
struct Side {
    server: Server,
    requests: Vec<Request>,
}

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let side = |count| Side::of(bench, database, count);
    let sides = [side(LARGE)?, side(EVEN)?, side(SMALL)?];
    for side in &sides {
        // Caches are filled, and the write-ahead log has its size.
        side.load().run(bench, &side.server)?;
    }
    let mut table = Table::default();
    for _ in 0..bench.rounds {
        let [large, even, small] =
            [sides[0].measure(bench)?, sides[1].measure(bench)?, sides[2].measure(bench)?];
        let rate = |(answered, _): &(Answered, f64)| answered.per_second;
        table.note("requests/s at 1,000,000 / at 50,000", rate(&large) / rate(&even));
        table.note("requests/s at 1,000,000 / at 1,000", rate(&large) / rate(&small));
        table.note("requests/s at 1,000,000", rate(&large));
        table.note("requests/s at 50,000", rate(&even));
        table.note("requests/s at 1,000", rate(&small));
        table.note("p99 at 1,000,000, ms", large.0.p99);
        table.note("p99 at 50,000, ms", even.0.p99);
        table.note("p99 at 1,000, ms", small.0.p99);
        table.note("server CPU a request at 1,000,000, us", large.1);
        table.note("server CPU a request at 50,000, us", even.1);
        table.note("server CPU a request at 1,000, us", small.1);
        table.note("anonymous memory at 1,000,000, MB", sides[0].server.used()?.anonymous / 1e6);
    }
    Ok(table)
}

impl Side {
    fn of(bench: &Bench, database: &Database, count: u64) -> anyhow::Result<Self> {
        let (home, town) = filling::found(bench, database, CONVERSATIONS, count)?;
        let requests = requests(bench, &home, &town)?;
        Ok(Self { server: Server::start_in(bench, &home)?, requests })
    }

    fn load(&self) -> Load<'_> {
        Load { requests: &self.requests, connections: CONNECTIONS, count: REQUESTS, hooks: false, rate: None }
    }

    /// With the CPU time of a request.
    fn measure(&self, bench: &Bench) -> anyhow::Result<(Answered, f64)> {
        let before = self.server.used()?;
        let answered = self.load().run(bench, &self.server)?;
        let after = self.server.used()?;
        Ok((answered, (after.cpu - before.cpu) / as_f64(REQUESTS as u64)))
    }
}

/// Seven messages for each conversation, two lists and a horizon: one of them is chosen by chance.
fn requests(bench: &Bench, home: &Arc<Home>, town: &Town) -> anyhow::Result<Vec<Request>> {
    let sids = town.sids();
    let members: Vec<_> = (0..sids.len()).map(member).collect();
    let users = filling::fill(bench, home, async |filler| filler.users(&members).await)?;
    let mut requests: Vec<_> = (0..7).flat_map(|_| messages(&sids)).collect();
    for ((sid, user), place) in sids.iter().zip(users).zip(&town.conversations) {
        let list = format!("/v1/Conversations/{sid}/Messages?Order=desc&PageSize=50");
        requests.extend((0..2).map(|_| Request { method: "GET", path: list.clone(), body: String::new() }));
        let path = format!("/v1/Users/{user}/Conversations/{sid}");
        let body = format!("LastReadMessageIndex={}", place.messages.saturating_sub(1));
        requests.push(Request { method: "POST", path, body });
    }
    Ok(requests)
}
