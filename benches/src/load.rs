//! The load: `wrk`, which is told how many requests it sends, and stops when the last one is answered.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::Bench;
use crate::server::{ACCOUNT_SID, AUTH_TOKEN, Server, as_f64};

const SCRIPT: &str = include_str!("load.lua");
const THREADS: usize = 2;
/// In seconds. A load that takes longer has failed.
const LONGEST: u32 = 180;

/// A request, as it is sent again and again.
#[derive(Clone)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    /// A form, urlencoded; empty for none.
    pub body: String,
}

/// What is sent: `count` requests, each one of `requests` by chance; or, where there are as many of them as are sent,
/// each of them once.
#[derive(Clone, Copy)]
pub struct Load<'a> {
    pub requests: &'a [Request],
    pub connections: usize,
    pub count: usize,
    /// Whether webhooks may hear of it.
    pub hooks: bool,
    /// Requests a second in all, at most; as many as are answered where there is none.
    pub rate: Option<usize>,
}

/// How it was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    pub per_second: f64,
    /// In milliseconds, and so is the next.
    pub p50: f64,
    pub p99: f64,
}

/// Says how to get wrk where it is missing.
pub fn require_wrk() -> anyhow::Result<()> {
    let found = Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        bail!("wrk is missing, which makes the load: apt-get install wrk");
    }
    Ok(())
}

impl Load<'_> {
    /// Sends all of it. Anything but a success is an error.
    pub fn run(&self, bench: &Bench, server: &Server) -> anyhow::Result<Answered> {
        self.run_at(bench, &server.api.url)
    }

    /// The same to whoever answers at this URL.
    pub fn run_at(&self, bench: &Bench, url: &str) -> anyhow::Result<Answered> {
        let folder = bench.new_folder("load-")?;
        let (script, requests) = (folder.path().join("load.lua"), folder.path().join("requests"));
        std::fs::write(&script, SCRIPT)?;
        let mut file = std::io::BufWriter::new(std::fs::File::create(&requests)?);
        for Request { method, path, body } in self.requests {
            writeln!(file, "{method}\t{path}\t{body}")?;
        }
        file.flush()?;
        drop(file);
        // Of one connection, in milliseconds: so many share the rate.
        let pause = self.rate.map_or(0, |rate| 1000 * self.connections / rate.max(1));
        let apart = if self.count == self.requests.len() { THREADS } else { 0 };
        let credentials = BASE64_STANDARD.encode(format!("{ACCOUNT_SID}:{AUTH_TOKEN}"));
        let mut child = Command::new("wrk")
            .args(["-t", &THREADS.to_string(), "-c", &self.connections.to_string()])
            .args(["-d", &format!("{LONGEST}s"), "--timeout", "20s", "-s"])
            .arg(&script)
            .args(["-H", &format!("Authorization: Basic {credentials}")])
            .args(["-H", &format!("X-Twilio-Webhook-Enabled: {}", self.hooks), url, "--"])
            .arg(&requests)
            .args([self.count / THREADS, self.connections / THREADS, pause, apart].map(|n| n.to_string()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start wrk")?;
        let _kept = bench.keeper.keep_process(&child)?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process has a number")?;
        let out = child.stdout.take().context("its output is piped")?;
        let (mut finished, mut told) = (0, None);
        for line in BufReader::new(out).lines() {
            let line = line?;
            if line == "finished" {
                finished += 1;
                // It would sleep on to the end of its time.
                if finished == THREADS {
                    kill_process(pid, Signal::INT)?;
                }
            }
            told = line.strip_prefix("told ").map(str::to_owned).or(told);
        }
        child.wait()?;
        self.read(&told.context("wrk told nothing")?)
    }

    fn read(&self, told: &str) -> anyhow::Result<Answered> {
        let numbers: Vec<u64> = told.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [micros, answered, failed, p50, p99] = numbers[..] else {
            bail!("wrk told something else: {told}")
        };
        ensure!(failed == 0, "{failed} of {answered} requests failed: {told}");
        ensure!(answered == self.count as u64, "{answered} of {} requests were answered", self.count);
        let milliseconds = |micros: u64| Duration::from_micros(micros).as_secs_f64() * 1000.0;
        let per_second = as_f64(answered) * 1e6 / as_f64(micros);
        Ok(Answered { per_second, p50: milliseconds(p50), p99: milliseconds(p99) })
    }
}
