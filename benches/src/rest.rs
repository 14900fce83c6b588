//! What the scenarios of the REST API have in common: the server beside the ceiling, in turn, by the same load.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::backends;
use crate::bench::{Bench, Database};
use crate::ceiling::Ceiling;
use crate::load::{Answered, Load, Request};
use crate::server::{Server, Used, as_f64};
use crate::table::Table;

/// What every message says.
pub const BODY: &str = "The parcel has left our house this morning and should be with you by Thursday";
pub const ATTRIBUTES: &str = "{\"order\": 4711, \"urgent\": false}";

pub const CONNECTIONS: usize = 64;
/// Requests at a time by which a scenario begins.
const AT_ONCE: usize = 16;
/// How long one measurement should take.
const SECONDS: f64 = 2.5;
/// Requests of one measurement, whatever the rate.
const FEWEST: usize = 500;
const MOST: usize = 150_000;
/// Of the first trial.
const TRIAL: usize = 2000;
/// By how much the sizes of two answers may differ: an index has more digits than another.
const SIZES: f64 = 0.02;
/// How long a server may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);
/// Microseconds between two looks: two ticks of the clock by which time is counted.
const AT_REST: f64 = 20_000.0;

/// A server, and the ceiling beside it.
pub struct Sides<'a> {
    pub bench: &'a Bench,
    pub server: Server,
    ceiling: Ceiling,
    /// The same with a thread for each core.
    broad: Ceiling,
}

/// What is sent to both.
pub enum Requests<'a> {
    /// Any of these, by chance, again and again.
    Any(&'a [Request]),
    /// The request of each number, once.
    Once(&'a dyn Fn(usize) -> Request),
}

/// What is aimed at; nothing is told where it is empty.
#[derive(Clone, Copy, Default)]
pub struct Targets {
    /// Requests a second against the ceiling's.
    pub ratio: &'static str,
    /// The 99th percentile against the ceiling's.
    pub p99: &'static str,
    /// Of anonymous memory, in MB.
    pub memory: &'static str,
}

/// One load, and what is aimed at.
pub struct Comparison<'a> {
    pub requests: Requests<'a>,
    pub connections: usize,
    pub targets: Targets,
    /// Stands behind the names of the figures.
    pub suffix: &'static str,
}

/// One side of a round.
struct Side {
    answered: Answered,
    /// Of all cores, for each request, in microseconds.
    cpu: f64,
    /// The same of PostgreSQL.
    database_cpu: Option<f64>,
    used: Used,
}

impl<'a> Sides<'a> {
    /// Starts both.
    pub fn start(bench: &'a Bench, database: &Database) -> anyhow::Result<Self> {
        let (ceiling, broad) = (Ceiling::start()?, Ceiling::start_broad()?);
        Ok(Self { bench, server: Server::start(bench, database)?, ceiling, broad })
    }

    /// Makes conversations; their sids.
    pub fn conversations(&self, count: usize) -> anyhow::Result<Vec<String>> {
        self.bench.wait(self.server.api.conversations(count))
    }

    /// Adds one participant to each, `customer-0` to the first; their sids.
    pub fn participants(&self, conversations: &[String]) -> anyhow::Result<Vec<String>> {
        let api = &self.server.api;
        let join = async |(number, sid): (usize, &String)| {
            let path = format!("Conversations/{sid}/Participants");
            let made = api.post(&path, &[("Identity", &format!("customer-{number}"))]).await?;
            anyhow::Ok(made["sid"].as_str().context("it has a sid")?.to_owned())
        };
        let joining = stream::iter(conversations.iter().enumerate()).map(join).buffered(AT_ONCE);
        self.bench.wait(joining.try_collect())
    }

    /// Sends each of these once: what a scenario begins with.
    pub fn prepare(&self, requests: &[Request]) -> anyhow::Result<()> {
        ensure!(requests.len().is_multiple_of(2), "two threads share what is sent");
        let count = requests.len();
        let load = Load { requests, connections: CONNECTIONS, count, hooks: false, rate: None };
        load.run(self.bench, &self.server).map(|_| ())
    }

    /// Measures both over 64 connections; the table of it.
    pub fn table(&self, requests: Requests<'_>, targets: Targets) -> anyhow::Result<Table> {
        let mut table = Table::default();
        let comparison = Comparison { requests, connections: CONNECTIONS, targets, suffix: "" };
        self.compare(&comparison, &mut table)?;
        Ok(table)
    }

    /// Measures both in turn, as often as there are rounds.
    pub fn compare(&self, comparison: &Comparison<'_>, table: &mut Table) -> anyhow::Result<()> {
        let mut next = 0;
        self.require_equal_sizes(comparison, &mut next)?;
        let ceiling_count = self.trials(comparison, &mut next, &self.ceiling.api.url)?;
        let broad_count = self.trials(comparison, &mut next, &self.broad.api.url)?;
        let count = self.trials(comparison, &mut next, &self.server.api.url)?;
        for _ in 0..self.bench.rounds {
            let ceiling = self.measure_ceiling(&self.ceiling, comparison, (&mut next, ceiling_count))?;
            let server = self.measure_server(comparison, &mut next, count)?;
            let broad = self.measure_ceiling(&self.broad, comparison, (&mut next, broad_count))?;
            comparison.note(&server, [&broad, &ceiling], table);
        }
        Ok(())
    }

    /// Nobody is measured against somebody who says less.
    fn require_equal_sizes(&self, comparison: &Comparison<'_>, next: &mut usize) -> anyhow::Result<()> {
        let requests = comparison.requests.take(1, next);
        let request = requests.first().context("there is a request")?;
        let server = self.bench.wait(self.server.api.send(request))?;
        let ceiling = self.bench.wait(self.ceiling.api.send(request))?;
        let size = |body: &String| as_f64(body.len() as u64);
        let is_equal = (size(&server) - size(&ceiling)).abs() <= size(&server) * SIZES;
        ensure!(is_equal, "the ceiling answers in another size:\n{ceiling}\nand the server\n{server}");
        Ok(())
    }

    /// How much is a measurement. Meanwhile caches are filled, and the first trial is too short to know the rate.
    fn trials(&self, comparison: &Comparison<'_>, next: &mut usize, url: &str) -> anyhow::Result<usize> {
        let short = comparison.run(self.bench, (url, TRIAL), next)?;
        let longer = comparison.run(self.bench, (url, count(short.per_second / 4.0)), next)?;
        Ok(count(longer.per_second))
    }

    fn database_cpu(&self) -> anyhow::Result<Option<f64>> {
        let Some(url) = self.server.postgres() else { return Ok(None) };
        self.bench.wait(backends::cpu_of(&url))
    }

    fn measure_ceiling(
        &self,
        ceiling: &Ceiling,
        comparison: &Comparison<'_>,
        (next, count): (&mut usize, usize),
    ) -> anyhow::Result<Side> {
        rest(self.bench, &[&self.server])?;
        let before = ceiling.used()?;
        let answered = comparison.run(self.bench, (&ceiling.api.url, count), next)?;
        let used = ceiling.used()?;
        Ok(Side { answered, cpu: (used.cpu - before.cpu) / as_f64(count as u64), database_cpu: None, used })
    }

    fn measure_server(
        &self,
        comparison: &Comparison<'_>,
        next: &mut usize,
        count: usize,
    ) -> anyhow::Result<Side> {
        rest(self.bench, &[&self.server])?;
        let database_before = self.database_cpu()?;
        let before = self.server.used()?;
        let answered = comparison.run(self.bench, (&self.server.api.url, count), next)?;
        let used = self.server.used()?;
        let database = self.database_cpu()?;
        let each = |used: f64| used / as_f64(count as u64);
        let database_cpu = database.zip(database_before).map(|(after, before)| each(after - before));
        Ok(Side { answered, cpu: each(used.cpu - before.cpu), database_cpu, used })
    }
}

/// Waits until servers have nothing left to do: what they do in the background would slow the next side down.
pub fn rest(bench: &Bench, servers: &[&Server]) -> anyhow::Result<()> {
    for server in servers {
        server.quiet(bench)?;
        bench.wait(async {
            let resting = async {
                let mut before = server.used()?.cpu;
                loop {
                    tokio::time::sleep(LOOK).await;
                    let now = server.used()?.cpu;
                    if now - before <= AT_REST {
                        return anyhow::Ok(());
                    }
                    before = now;
                }
            };
            tokio::time::timeout(PATIENCE, resting).await.context("the server does not come to rest")?
        })?;
    }
    Ok(())
}

/// How much is a measurement at this rate: as much from each of two threads.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is between the bounds")]
pub fn count(per_second: f64) -> usize {
    ((per_second * SECONDS) as usize).clamp(FEWEST, MOST) / 2 * 2
}

impl Requests<'_> {
    /// So many for one load, the next ones where each is sent once.
    fn take(&self, count: usize, next: &mut usize) -> Cow<'_, [Request]> {
        match self {
            Self::Any(requests) => Cow::Borrowed(requests),
            Self::Once(request) => {
                let numbers = *next..*next + count;
                *next = numbers.end;
                Cow::Owned(numbers.map(request).collect())
            }
        }
    }
}

impl Comparison<'_> {
    fn run(&self, bench: &Bench, (url, count): (&str, usize), next: &mut usize) -> anyhow::Result<Answered> {
        let requests = self.requests.take(count, next);
        let connections = self.connections;
        Load { requests: &requests, connections, count, hooks: false, rate: None }.run_at(bench, url)
    }

    /// The targets were set beside a ceiling with a thread for each core. With one less it wakes nobody else, and is
    /// faster where answers are small: that is told besides.
    fn note(&self, server: &Side, [ceiling, narrow]: [&Side; 2], table: &mut Table) {
        let Targets { ratio, p99, memory } = self.targets;
        let mut note = |name: &str, target, figure| {
            table.note_against(format!("{name}{}", self.suffix), target, figure);
        };
        note("requests/s / the ceiling's", ratio, server.answered.per_second / ceiling.answered.per_second);
        note("requests/s", "", server.answered.per_second);
        note("the ceiling's requests/s", "", ceiling.answered.per_second);
        let narrow_ratio = server.answered.per_second / narrow.answered.per_second;
        note("requests/s / those of a ceiling with a thread less", "", narrow_ratio);
        note("p99 / the ceiling's p99", p99, server.answered.p99 / ceiling.answered.p99);
        note("p50, ms", "", server.answered.p50);
        note("p99, ms", "", server.answered.p99);
        note("the ceiling's p50, ms", "", ceiling.answered.p50);
        note("the ceiling's p99, ms", "", ceiling.answered.p99);
        note("server CPU a request, us", "", server.cpu);
        if let Some(cpu) = server.database_cpu {
            note("PostgreSQL's CPU a request, us", "", cpu);
        }
        note("the ceiling's CPU a request, us", "", ceiling.cpu);
        note("anonymous memory afterwards, MB", memory, server.used.anonymous / 1e6);
        note("the ceiling's anonymous memory, MB", "", ceiling.used.anonymous / 1e6);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: usize) -> Request {
        Request { method: "GET", path: format!("/{number}"), body: String::new() }
    }

    #[test]
    fn a_measurement_is_bounded_and_even() {
        assert_eq!(count(10.0), FEWEST);
        assert_eq!(count(1e9), MOST);
        assert_eq!(count(4000.6), 10_000);
    }

    #[test]
    fn what_is_sent_once_is_never_taken_again() {
        let mut next = 0;
        let requests = Requests::Once(&request);
        let paths = |taken: Cow<'_, [Request]>| taken.iter().map(|one| one.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(requests.take(2, &mut next)), ["/0", "/1"]);
        assert_eq!(paths(requests.take(1, &mut next)), ["/2"]);
        let any = [request(7)];
        assert_eq!(paths(Requests::Any(&any).take(3, &mut next)), ["/7"]);
        assert_eq!(next, 3);
    }
}
