//! What it costs that much has gathered: `make bench-curve`.
//!
//! One database grows from size to size, filled through the store. At each size two servers run side by side, one on
//! it and one on a fresh database of the smallest size, and are loaded in turn while the other is idle: what is told
//! is the ratio of the two. At the smallest size both are alike, which shows how far ratios of equals differ.

mod disk;
mod drawing;
mod pages;
mod report;
mod sizes;
mod users;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::bench::{Bench, Database};
use crate::filling::{self, Town};
use crate::home::Home;
use crate::server::Server;
use crate::table::Table;

/// What is measured at, in messages.
const SIZES: [u64; 4] = [1000, 100_000, 1_000_000, 10_000_000];
/// PostgreSQL grows less far.
const LARGEST_ON_POSTGRES: u64 = 1_000_000;
const CONVERSATIONS: usize = 1000;

/// Measures what creates, lists, starts and memory cost as messages gather.
#[derive(Args)]
pub struct Arguments {
    /// How often each side is measured
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    rounds: u32,

    /// A superuser's URL: PostgreSQL is measured too, up to a million messages
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,

    /// How many messages there are at most
    #[arg(long, value_name = "COUNT", default_value_t = SIZES[SIZES.len() - 1])]
    largest: u64,

    /// Where to write the figures and the drawing: the folder with BENCHMARKS.md
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
}

/// What was measured at one size.
pub struct Point {
    pub messages: u64,
    pub table: Table,
}

/// The sizes of one database.
pub struct Curve {
    pub database: &'static str,
    pub points: Vec<Point>,
}

/// What grows.
struct Grown {
    home: Arc<Home>,
    town: Town,
    /// The sids of those who are in one conversation, in as many as a page shows, in all.
    users: Vec<String>,
}

/// `arguments` begin with the word `curve`.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let bench = Bench::new(arguments.rounds)?;
    let mut databases = vec![Database::Sqlite];
    databases.extend(arguments.postgres.clone().map(Database::Postgres));
    for database in &databases {
        disk::require(&bench, database, largest(database, arguments.largest))?;
    }
    println!("{}\n", bench.machine());
    let mut curves = Vec::new();
    for database in &databases {
        let curve = Curve::of(&bench, database, largest(database, arguments.largest))?;
        println!("## Growth on {}\n\n{}", curve.database, report::table(&curve));
        curves.push(curve);
    }
    match &arguments.write {
        Some(folder) => report::write(&bench, folder, &curves),
        None => Ok(()),
    }
}

fn largest(database: &Database, wanted: u64) -> u64 {
    match database {
        Database::Sqlite => wanted,
        Database::Postgres(_) => wanted.min(LARGEST_ON_POSTGRES),
    }
}

impl Curve {
    fn of(bench: &Bench, database: &Database, largest: u64) -> anyhow::Result<Self> {
        let (home, town) = filling::found(bench, database, CONVERSATIONS, SIZES[0])?;
        let identities = [filling::ONCE, filling::OFTEN, filling::EVERYWHERE].map(str::to_owned);
        let users = filling::fill(bench, &home, async |filler| filler.users(&identities).await)?;
        let mut grown = Grown { home, town, users };
        let mut points = Vec::new();
        for messages in SIZES.into_iter().filter(|size| *size <= largest) {
            let mut table = Table::default();
            grown.to(bench, messages, &mut table)?;
            sizes::measure(bench, database, &grown, &mut table)?;
            let server = Server::start_in(bench, &grown.home)?;
            pages::measure(bench, &server, &grown.town, &mut table)?;
            // Once, because what they write all goes into one conversation.
            if is_last(messages, largest) {
                users::measure(bench, &server, &grown, &mut table)?;
            }
            points.push(Point { messages, table });
        }
        Ok(Self { database: database.name(), points })
    }
}

/// Whether no larger size is measured.
fn is_last(messages: u64, largest: u64) -> bool {
    SIZES.into_iter().all(|size| size <= messages || size > largest)
}

impl Grown {
    /// Fills it up to this size.
    fn to(&mut self, bench: &Bench, messages: u64, table: &mut Table) -> anyhow::Result<()> {
        let Self { home, town, users: _ } = self;
        let deepest = if messages > pages::DEEP { pages::DEEP } else { 0 };
        let began = tokio::time::Instant::now();
        let made = filling::fill(bench, home, async |filler| filler.grow(town, messages, deepest).await)?;
        if made > 0 {
            println!("{made} messages were filled in within {:.1} s", began.elapsed().as_secs_f64());
        }
        let bytes = home.bytes(bench)?;
        let bytes_each = crate::server::as_f64(bytes) / crate::server::as_f64(town.messages());
        table.note("disk a message, bytes", bytes_each);
        Ok(())
    }
}
