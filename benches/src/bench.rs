//! What every scenario has: the programs, a folder for data, rounds, and a runtime.

use std::future::Future;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tokio::runtime::{Builder, Runtime};

use crate::keeper::{Folder, Keeper};

/// What scenarios are run with.
pub struct Bench {
    pub rounds: u32,
    /// The folder that holds this program, and the server's.
    programs: PathBuf,
    pub keeper: Keeper,
    runtime: Runtime,
}

/// Where the server keeps its data.
#[derive(Clone, Debug)]
pub enum Database {
    Sqlite,
    /// By the URL of a superuser, who makes a database for each server.
    Postgres(String),
}

/// A scenario: what it is called, what it compares, and how it is run.
pub struct Scenario {
    pub name: &'static str,
    pub compares: &'static str,
    pub run: fn(&Bench, &Database) -> anyhow::Result<crate::table::Table>,
}

impl Database {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

impl Bench {
    pub fn new(rounds: u32) -> anyhow::Result<Self> {
        if cfg!(debug_assertions) {
            bail!("a debug build would measure itself: `make bench` builds what it needs");
        }
        crate::load::require_wrk()?;
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        let programs = program.parent().context("a program lies in a folder")?.to_owned();
        let runtime = Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
        Ok(Self { rounds: rounds.max(1), programs, keeper: Keeper::start()?, runtime })
    }

    /// The server's program.
    pub fn server(&self) -> PathBuf {
        self.programs.join("tertulia")
    }

    /// A folder for data on the disk of the build: what is in memory alone would not be measured honestly.
    pub fn folder(&self) -> &Path {
        &self.programs
    }

    /// A new folder in it, which is removed with what is in it.
    pub fn new_folder(&self, prefix: &str) -> anyhow::Result<Folder> {
        self.keeper.folder(&self.programs, prefix)
    }

    /// Waits for what a scenario asks for.
    pub fn wait<T>(&self, asked: impl Future<Output = T>) -> T {
        self.runtime.block_on(asked)
    }

    /// The machine in one line.
    pub fn machine(&self) -> String {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
        };
        let processor =
            value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "a processor".to_owned());
        let memory = value(&read("/proc/meminfo"), "MemTotal").unwrap_or_else(|| "some memory".to_owned());
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        format!("{cores} cores of {processor}, {memory}; {} rounds", self.rounds)
    }
}
