//! Others who take messages, as they ship, measured beside the server: what each does is told with its figures.
//!
//! They are context and no contest: each does other work, and some promise less. All of them are optional, and
//! installed by `make bench-peers`. One that is not is told of as missing.

mod prism;
mod process;
mod rooms;
mod synapse;
mod xmpp;

use std::path::{Path, PathBuf};

use crate::bench::Bench;
use crate::load::Answered;

use process::Process;

/// Where `scripts/install-peers.sh` puts what no package manager of the system has, seen from the root of the
/// repository.
const FOLDER: &str = ".test/peers";

/// One that the server is measured against.
pub struct Peer {
    pub name: &'static str,
    /// What it does with a message, and what is durable when it answers.
    pub does: &'static str,
    /// What our rate divided by its rate should be at least; nothing where that says little.
    pub target: &'static str,
    /// Messages of a round: some seconds' work.
    pub messages: usize,
    /// Whether it is there.
    pub is_installed: fn() -> bool,
    pub start: fn(&Bench) -> anyhow::Result<Box<dyn Running>>,
}

/// A peer that runs until this is dropped.
pub trait Running {
    /// Sends so many messages and waits until all are answered. One that is refused is an error.
    fn send(&self, bench: &Bench, messages: usize) -> anyhow::Result<Sent>;

    fn process(&self) -> &Process;
}

/// How messages were answered.
#[derive(Clone, Copy)]
pub struct Sent {
    pub per_second: f64,
    /// In milliseconds.
    pub p99: f64,
}

/// All of them, in the order in which they are measured.
pub const ALL: &[Peer] = &[prism::PEER, synapse::PEER, rooms::PROSODY, rooms::EJABBERD];

/// How the missing are got.
pub const INSTALL: &str = "not installed: make bench-peers";

impl From<Answered> for Sent {
    fn from(answered: Answered) -> Self {
        Self { per_second: answered.per_second, p99: answered.p99 }
    }
}

/// A file of what was installed.
fn installed(file: &str) -> PathBuf {
    Path::new(FOLDER).join(file)
}

/// Whether a program of the system is there.
fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
