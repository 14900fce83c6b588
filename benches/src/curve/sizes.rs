//! Creates, the start and memory at one size, beside the smallest.

use std::time::Duration;

use crate::backends;
use crate::bench::{Bench, Database};
use crate::filling;
use crate::load::{Answered, Load, Request};
use crate::scenarios::messages;
use crate::server::{Server, Used, as_f64};
use crate::table::Table;

use super::{CONVERSATIONS, Grown, SIZES};

pub const CREATES: usize = 10_000;
pub const CONNECTIONS: usize = 64;
/// Requests that make no message: caches are filled by them, and the write-ahead log has its size.
const WARM_UP: usize = 4000;

/// How long nothing has to be written.
const QUIET: Duration = Duration::from_millis(500);

pub const RATIO: &str = "creates/s / at 1,000";
pub const READY: &str = "from the start to ready, ms";
pub const MEMORY: &str = "anonymous memory after the load, MB";

/// A server and what it is asked for.
struct Side {
    server: Server,
    creates: Vec<Request>,
    changes: Vec<Request>,
}

/// What has been used so far.
struct Spent {
    server: Used,
    /// Bytes of PostgreSQL's write-ahead log.
    logged: Option<f64>,
    /// Time of all cores in PostgreSQL's processes, in microseconds, where they are on this machine.
    database_cpu: Option<f64>,
}

/// What a load has taken.
struct Taken {
    answered: Answered,
    before: Spent,
    after: Spent,
}

pub fn measure(bench: &Bench, database: &Database, grown: &Grown, table: &mut Table) -> anyhow::Result<()> {
    for round in 0..bench.rounds {
        let (home, town) = filling::found(bench, database, CONVERSATIONS, SIZES[0])?;
        let large = Side::of(Server::start_in(bench, &grown.home)?, &grown.town.sids());
        let small = Side::of(Server::start_in(bench, &home)?, &town.sids());
        let milliseconds = |side: &Side| side.server.ready_after.as_secs_f64() * 1000.0;
        table.note(READY, milliseconds(&large));
        table.note("from the start to ready / at 1,000", milliseconds(&large) / milliseconds(&small));
        table.note("anonymous memory at the start, MB", large.server.used()?.anonymous / 1e6);
        for side in [&large, &small] {
            side.warm_up(bench)?;
            side.quiet(bench)?;
        }
        // Neither is always the first.
        let (at_large, at_small) = if round % 2 == 0 {
            let at_large = large.create(bench)?;
            (at_large, small.create(bench)?)
        } else {
            let at_small = small.create(bench)?;
            (large.create(bench)?, at_small)
        };
        let rate = |taken: &Taken| taken.answered.per_second;
        let target = "0.90 at 1,000,000; 0.80 at 10,000,000";
        table.note_against(RATIO, target, rate(&at_large) / rate(&at_small));
        table.note("creates/s", rate(&at_large));
        table.note("creates/s at 1,000 meanwhile", rate(&at_small));
        table.note("p99 of a create, ms", at_large.answered.p99);
        table.note("p99 of a create at 1,000 meanwhile, ms", at_small.answered.p99);
        table.note("server CPU a create, us", at_large.cpu());
        table.note("server CPU a create / at 1,000", at_large.cpu() / at_small.cpu());
        if let Some((large, small)) = at_large.database_cpu().zip(at_small.database_cpu()) {
            table.note("PostgreSQL's CPU a create, us", large);
            table.note("PostgreSQL's CPU a create / at 1,000", large / small);
        }
        let name = if at_large.after.logged.is_some() { "to the log" } else { "to disk" };
        table.note(format!("written {name} a create, KiB"), at_large.written());
        table.note(format!("written {name} a create at 1,000 meanwhile, KiB"), at_small.written());
        table.note(MEMORY, large.server.used()?.anonymous / 1e6);
        table.note("anonymous memory after the load at 1,000, MB", small.server.used()?.anonymous / 1e6);
    }
    Ok(())
}

impl Side {
    fn of(server: Server, conversations: &[String]) -> Self {
        let change = |sid| Request {
            method: "POST",
            path: format!("/v1/Conversations/{sid}"),
            body: "FriendlyName=Support".to_owned(),
        };
        let changes = conversations.iter().map(change).collect();
        Self { server, creates: messages(conversations), changes }
    }

    fn warm_up(&self, bench: &Bench) -> anyhow::Result<()> {
        load(&self.changes, WARM_UP).run(bench, &self.server).map(|_| ())
    }

    fn create(&self, bench: &Bench) -> anyhow::Result<Taken> {
        let before = self.spent(bench)?;
        let answered = load(&self.creates, CREATES).run(bench, &self.server)?;
        let after = self.spent(bench)?;
        self.quiet(bench)?;
        Ok(Taken { answered, before, after })
    }

    fn spent(&self, bench: &Bench) -> anyhow::Result<Spent> {
        let (mut logged, mut database_cpu) = (None, None);
        if let Some(url) = self.server.postgres() {
            logged = Some(bench.wait(backends::logged(&url))?);
            database_cpu = bench.wait(backends::cpu_of(&url))?;
        }
        Ok(Spent { server: self.server.used()?, logged, database_cpu })
    }

    /// Waits until it writes no more: its log is brought home a quarter of a second after the last request, which
    /// must not disturb the other side.
    fn quiet(&self, bench: &Bench) -> anyhow::Result<()> {
        loop {
            let before = self.server.used()?;
            bench.wait(async { tokio::time::sleep(QUIET).await });
            let after = self.server.used()?;
            if (after.written - before.written).abs() < 1.0 {
                return Ok(());
            }
        }
    }
}

impl Taken {
    fn cpu(&self) -> f64 {
        (self.after.server.cpu - self.before.server.cpu) / as_f64(CREATES as u64)
    }

    fn database_cpu(&self) -> Option<f64> {
        let (before, after) = self.before.database_cpu.zip(self.after.database_cpu)?;
        Some((after - before) / as_f64(CREATES as u64))
    }

    /// By the server itself, or where PostgreSQL writes for it, to PostgreSQL's log: its pages follow later. In KiB.
    fn written(&self) -> f64 {
        let by_server = self.after.server.written - self.before.server.written;
        let logged = self.before.logged.zip(self.after.logged).map(|(before, after)| after - before);
        logged.unwrap_or(by_server) / as_f64(CREATES as u64) / 1024.0
    }
}

/// As fast as it is answered, and nobody hears of it.
pub fn load(requests: &[Request], count: usize) -> Load<'_> {
    Load { requests, connections: CONNECTIONS, count, hooks: false, rate: None }
}
