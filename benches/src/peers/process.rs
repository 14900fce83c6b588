//! The process of a peer: its data in a folder that goes with it, its end with this program's.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use crate::bench::Bench;
use crate::keeper::{Folder, Kept};
use crate::server::Used;

/// How long one may take to start.
const START: Duration = Duration::from_mins(1);
/// How long one may take to end, before it is killed.
const END: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);
const LOG: &str = "process.log";

/// A process that runs until this is dropped.
pub struct Process {
    child: Child,
    _kept: Kept,
    /// Removed last.
    folder: Folder,
}

/// A folder for the data of one peer, on the disk of the build as the server's is.
pub fn folder(bench: &Bench, name: &str) -> anyhow::Result<Folder> {
    bench.new_folder(&format!("peer-{name}-"))
}

impl Process {
    /// Starts it and waits until somebody listens at `address`. It must not be one that goes on in the background.
    pub fn start(
        bench: &Bench,
        folder: Folder,
        mut command: Command,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let log = File::create(folder.path().join(LOG))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let kept = bench.keeper.keep_process(&child)?;
        let mut process = Self { child, _kept: kept, folder };
        bench.wait(async {
            let began = Instant::now();
            while TcpStream::connect(address).is_err() {
                let has_ended = process.child.try_wait()?.is_some();
                if has_ended || began.elapsed() > START {
                    bail!("{command:?} does not listen:\n{}", process.log());
                }
                sleep(LOOK).await;
            }
            Ok(())
        })?;
        Ok(process)
    }

    /// What it has used so far.
    pub fn used(&self) -> anyhow::Result<Used> {
        Used::by(self.child.id())
    }

    /// What it has written to its outputs.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default()
    }

    fn end(&mut self) -> anyhow::Result<()> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let looks = END.as_millis() / LOOK.as_millis();
        for _ in 0..looks {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        self.child.kill()?;
        self.child.wait()?;
        bail!("it did not end within {END:?}, and was killed")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("a peer did not end well: {error:#}");
        }
    }
}
