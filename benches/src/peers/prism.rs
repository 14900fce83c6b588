//! Stoplight Prism: a mock of the same API, made from its public description.

use std::process::Command;

use crate::bench::Bench;
use crate::load::{Load, Request};
use crate::server::{ACCOUNT_SID, free_address};

use super::process::{Process, folder};
use super::{Peer, Running, Sent, found, installed};

const PROGRAM: &str = "prism/node_modules/@stoplight/prism-cli/dist/index.js";
const DESCRIPTION: &str = "prism/conversations.json";

pub const PEER: Peer = Peer {
    name: "Prism",
    does: "Prism's mock checks each request against the public description of the same API and answers with an \
           example: it stores nothing, so nothing is durable. The same form by wrk over 64 connections.",
    target: "60",
    messages: 1500,
    is_installed: || found("node") && installed(PROGRAM).is_file() && installed(DESCRIPTION).is_file(),
    start,
};

struct Prism {
    process: Process,
    url: String,
    requests: Vec<Request>,
}

fn start(bench: &Bench) -> anyhow::Result<Box<dyn Running>> {
    let address = free_address()?;
    let mut program = Command::new("node");
    program.arg(installed(PROGRAM)).arg("mock").arg(installed(DESCRIPTION));
    program.args(["--host", "127.0.0.1", "--port", &address.port().to_string()]);
    // A line for each request is no part of the mock's work, and a mock is no cluster by default.
    program.args(["--verboseLevel", "warn", "--multiprocess", "false"]);
    let process = Process::start(bench, folder(bench, "prism")?, program, address)?;
    // It knows no conversations, and takes any sid.
    let requests = crate::scenarios::messages(&[ACCOUNT_SID.replacen("AC", "CH", 1)]);
    Ok(Box::new(Prism { process, url: format!("http://{address}"), requests }))
}

impl Running for Prism {
    fn send(&self, bench: &Bench, messages: usize) -> anyhow::Result<Sent> {
        let load =
            Load { requests: &self.requests, connections: 64, count: messages, hooks: false, rate: None };
        Ok(load.run_at(bench, &self.url)?.into())
    }

    fn process(&self) -> &Process {
        &self.process
    }
}
