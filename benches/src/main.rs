//! What the server can do, measured against itself: `make bench`.
//!
//! Only ratios of one run count: rates move by half between runs of one binary on a shared machine, and the load
//! and the receivers share its cores. So every scenario measures its two sides in turn, A B A B, each from a
//! quiet server, and what is told is the median of the rounds' ratios. A scenario is one file in `scenarios/`,
//! and one line in its list.

mod api;
mod backends;
mod bench;
mod ceiling;
mod curve;
mod filling;
mod home;
mod keeper;
mod load;
mod peers;
mod receiver;
mod report;
mod rest;
mod scenarios;
mod server;
mod table;
mod tunnel;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Parser, Subcommand};

use bench::{Bench, Database};
use report::Report;

/// The server's, since the ceiling is a process of this program.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Measures the release build of tertulia that lies beside this program.
#[derive(Parser)]
#[command(name = "tertulia-bench", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,

    /// The scenarios to run; all of them where none is named
    scenarios: Vec<String>,

    /// How often each side is measured
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    rounds: u32,

    /// A superuser's URL: everything is measured on this PostgreSQL too, in databases that are dropped again
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,

    /// Writes the tables into this page as well, each in the place of the last one
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// What is no scenario.
#[derive(Subcommand)]
#[command(disable_help_subcommand = true)]
enum Part {
    /// Serves what the machine can do at most; ends with its input
    #[command(hide = true)]
    Ceiling {
        /// Threads that serve; as many as the server has where none is said
        #[arg(long)]
        workers: Option<usize>,
    },
    /// Cleans up behind a benchmark that was stopped; begins with the end of its input
    #[command(hide = true)]
    Keeper,
    /// Measures what creates, lists, starts and memory cost as messages gather
    Curve(curve::Arguments),
}

fn main() -> ExitCode {
    match begin(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn begin(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.part {
        Some(Part::Ceiling { workers }) => ceiling::serve(*workers),
        Some(Part::Keeper) => keeper::serve(std::io::stdin().lock()),
        Some(Part::Curve(arguments)) => curve::run(arguments),
        None => run(arguments),
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let known: Vec<_> = scenarios::ALL.iter().map(|scenario| scenario.name).collect();
    if let Some(unknown) = arguments.scenarios.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no scenario {unknown}; there are {}", known.join(", "));
    }
    let bench = Bench::new(arguments.rounds)?;
    let mut databases = vec![Database::Sqlite];
    databases.extend(arguments.postgres.clone().map(Database::Postgres));
    println!("{}\n", bench.machine());
    let report = arguments.write.as_ref().map(|file| Report::open(file, bench.machine())).transpose()?;
    let is_wanted = |name: &str| {
        arguments.scenarios.is_empty() || arguments.scenarios.iter().any(|wanted| wanted == name)
    };
    for scenario in scenarios::ALL.iter().filter(|scenario| is_wanted(scenario.name)) {
        for database in &databases {
            let table = (scenario.run)(&bench, database)?;
            println!("## {} on {}\n\n{}\n\n{table}", scenario.name, database.name(), scenario.compares);
            if let Some(report) = &report {
                report.put(scenario.name, database.name(), &table)?;
            }
        }
    }
    Ok(())
}
