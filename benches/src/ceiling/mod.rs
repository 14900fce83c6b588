//! The ceiling: what the machine can do where nothing is stored, logged or counted.
//!
//! A minimal server of the same HTTP stack as ours. It routes the same paths, parses the same form, checks the same
//! credentials in the same way, makes a sid, and renders an answer of the same size. It is a process of its own, so
//! that its time and memory are measured apart.

mod answers;
mod doors;
mod serve;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use crate::api::Api;
use crate::server::Used;

pub use serve::serve;

/// A ceiling that runs until this is dropped.
pub struct Ceiling {
    pub api: Api,
    child: Child,
}

impl Ceiling {
    /// Starts one, with as many threads as the server has that serve: one less than there are cores.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(&[])
    }

    /// Starts one with a thread for each core, as the library has it by itself.
    pub fn start_broad() -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::start_with(&["--workers", &cores.to_string()])
    }

    fn start_with(arguments: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        // It ends when its input does, and so with whoever started it.
        let mut child = Command::new(program)
            .arg("ceiling")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the ceiling")?;
        let out = child.stdout.take().context("its output is piped")?;
        let url = BufReader::new(out)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("URL").map(|url| url.trim().to_owned()))
            .context("the ceiling ended before it was ready")?;
        Ok(Self { api: Api::new(url)?, child })
    }

    /// What it has used so far.
    pub fn used(&self) -> anyhow::Result<Used> {
        Used::by(self.child.id())
    }
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
