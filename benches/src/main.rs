//! What the server can do, measured against itself: `make bench`.
//!
//! Only ratios of one run count: rates move by half between runs of one binary on a shared machine, and the load
//! and the receivers share its cores. So every scenario measures its two sides in turn, A B A B, each from a
//! quiet server, and what is told is the median of the rounds' ratios. A scenario is one file in `scenarios/`,
//! and one line in its list.

mod api;
mod bench;
mod load;
mod peers;
mod receiver;
mod scenarios;
mod server;
mod table;
mod tunnel;

use std::process::ExitCode;

use anyhow::bail;
use clap::Parser;

use bench::{Bench, Database};

/// Measures the release build of tertulia that lies beside this program.
#[derive(Parser)]
#[command(name = "tertulia-bench", version)]
struct Arguments {
    /// The scenarios to run; all of them where none is named
    scenarios: Vec<String>,

    /// How often each side is measured
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    rounds: u32,

    /// A superuser's URL: everything is measured on this PostgreSQL too, in databases that are dropped again
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
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
    let is_wanted = |name: &str| {
        arguments.scenarios.is_empty() || arguments.scenarios.iter().any(|wanted| wanted == name)
    };
    for scenario in scenarios::ALL.iter().filter(|scenario| is_wanted(scenario.name)) {
        for database in &databases {
            let table = (scenario.run)(&bench, database)?;
            println!("## {} on {}\n\n{}\n\n{table}", scenario.name, database.name(), scenario.compares);
        }
    }
    Ok(())
}
