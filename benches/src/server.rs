//! A server of the release build, on a fresh data directory, as it ships: durable commits, a log, metrics.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::api::Api;
use crate::bench::{Bench, Database};
use crate::home::Home;
use crate::keeper::Kept;

pub const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
pub const AUTH_TOKEN: &str = "fedcba9876543210fedcba9876543210";
pub const API_KEY_SID: &str = "SK0123456789abcdef0123456789abcdef";
pub const API_KEY_SECRET: &str = "a-secret-of-thirty-two-letters-00";

/// How long a server may take to do what it does in the background.
const PATIENCE: Duration = Duration::from_mins(2);

/// A server that runs until this is dropped.
pub struct Server {
    pub api: Api,
    metrics: String,
    child: Child,
    _kept: Kept,
    /// From the start of the process until it said that it listens.
    pub ready_after: Duration,
    /// Removed last, unless another server is to go on with it.
    home: Arc<Home>,
}

/// What a server has used since it began, or holds.
#[derive(Clone, Copy)]
pub struct Used {
    /// Time of all cores, in microseconds.
    pub cpu: f64,
    /// Bytes of memory that no file stands behind.
    pub anonymous: f64,
    /// Bytes that it has sent to the disk.
    pub written: f64,
}

impl Server {
    /// Starts one, with webhooks that may lead to loopback.
    pub fn start(bench: &Bench, database: &Database) -> anyhow::Result<Self> {
        Self::start_with(bench, database, "")
    }

    /// The same, with this in its configuration file.
    pub fn start_with(bench: &Bench, database: &Database, configuration: &str) -> anyhow::Result<Self> {
        Self::configured(bench, &Arc::new(Home::make(bench, database)?), configuration)
    }

    /// The same on what an earlier one has left, or a [`Filler`](crate::filling::Filler) has made.
    pub fn start_in(bench: &Bench, home: &Arc<Home>) -> anyhow::Result<Self> {
        Self::configured(bench, home, "")
    }

    fn configured(bench: &Bench, home: &Arc<Home>, configuration: &str) -> anyhow::Result<Self> {
        let program = bench.server();
        if !program.is_file() {
            bail!("{} is missing: `make bench` builds it", program.display());
        }
        let file = home.data().join("tertulia.toml");
        std::fs::write(&file, configuration)?;
        let metrics = free_address()?;
        let mut command = Command::new(program);
        command
            .arg("serve")
            .arg("--data")
            .arg(home.data())
            .arg("--config")
            .arg(file)
            .args(["--listen", "127.0.0.1:0", "--metrics-listen", &metrics.to_string()])
            .env("TERTULIA_ACCOUNT_SID", ACCOUNT_SID)
            .env("TERTULIA_AUTH_TOKEN", AUTH_TOKEN)
            .env("TERTULIA_API_KEY_SID", API_KEY_SID)
            .env("TERTULIA_API_KEY_SECRET", API_KEY_SECRET)
            .env("TERTULIA_WEBHOOK_ALLOW_PRIVATE", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(home.data().join("server.log"))?);
        if let Some(url) = home.postgres() {
            command.env("TERTULIA_DATABASE", url);
        }
        let began = Instant::now();
        let mut child = command.spawn().context("cannot start the server")?;
        let kept = bench.keeper.keep_process(&child)?;
        let out = child.stdout.take().context("its output is piped")?;
        let url = BufReader::new(out)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("URL").map(|url| url.trim().to_owned()))
            .context("the server ended before it was ready")?;
        let ready_after = began.elapsed();
        let metrics = format!("http://{metrics}/metrics");
        Ok(Self { api: Api::new(url)?, metrics, child, _kept: kept, ready_after, home: Arc::clone(home) })
    }

    /// Waits until nothing waits to be delivered any more.
    pub fn quiet(&self, bench: &Bench) -> anyhow::Result<()> {
        bench.wait(async {
            let waiting = async {
                while self.waiting().await? > 0.0 {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                anyhow::Ok(())
            };
            tokio::time::timeout(PATIENCE, waiting).await.context("deliveries still wait")?
        })
    }

    async fn waiting(&self) -> anyhow::Result<f64> {
        self.metric("tertulia_webhook_lanes").await
    }

    /// A number of its metrics.
    pub async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let metrics = self.api.text(&self.metrics).await?;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.context("the metric is there")?.trim().parse().context("it is a number")
    }

    /// What it has used so far.
    pub fn used(&self) -> anyhow::Result<Used> {
        Used::by(self.child.id())
    }

    /// The URL of its database where that is PostgreSQL's.
    pub fn postgres(&self) -> Option<String> {
        self.home.postgres()
    }
}

impl Used {
    /// What a process has used so far.
    pub fn by(process: u32) -> anyhow::Result<Self> {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{process}/{file}"));
        let status = read("status")?;
        let anonymous = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kibibytes = anonymous.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
        let io = read("io")?;
        let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok());
        Ok(Self {
            cpu: cpu(&process.to_string())?,
            anonymous: kibibytes.unwrap_or_default() * 1024.0,
            written: as_f64(written.unwrap_or_default()),
        })
    }
}

/// Time of all cores that a process has used, in microseconds.
pub fn cpu(process: &str) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let after_name = stat.rsplit_once(')').context("a name stands in brackets")?.1;
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    Ok(as_f64(ticks) * 1e6 / as_f64(rustix::param::clock_ticks_per_second()))
}

/// Counts of a measurement are far below what would lose digits.
#[expect(clippy::cast_precision_loss, reason = "figures are shown with three digits")]
pub fn as_f64(count: u64) -> f64 {
    count as f64
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// A port that is free just now, for those who do not tell theirs: the metrics, and peers.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
