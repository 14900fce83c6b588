//! Who cleans up behind a benchmark that was stopped halfway.
//!
//! A process of its own is told of each process, folder and database that there is, and that it is there no more.
//! When its input ends, so has the benchmark, in whatever way: it was done, interrupted or killed. Then what is left
//! is ended and removed. Signals from a terminal do not reach it.

use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::home;

/// How long a process may take to end, before it is killed.
const END: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// The benchmark's side of it.
pub struct Keeper {
    input: Arc<Mutex<ChildStdin>>,
}

/// Something that must not outlive the benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Thing {
    Process(i32),
    Folder(PathBuf),
    /// Of PostgreSQL, by the URL of a superuser.
    Database {
        url: String,
        name: String,
    },
}

/// A line of the input.
#[derive(Serialize, Deserialize)]
enum Line {
    Begun(Thing),
    Over(Thing),
}

/// A thing that is there until this is dropped: whoever holds it cleans up first.
pub struct Kept {
    thing: Thing,
    input: Arc<Mutex<ChildStdin>>,
}

/// A folder that is removed when this is dropped, or the benchmark ends.
pub struct Folder {
    folder: TempDir,
    _kept: Kept,
}

impl Keeper {
    pub fn start() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        let mut command = Command::new(program);
        command.arg("keeper").stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
        let input = command.spawn().context("cannot start what cleans up")?.stdin;
        Ok(Self { input: Arc::new(Mutex::new(input.context("its input is piped")?)) })
    }

    /// Has it cleaned up in the end, unless what is returned has been dropped by then.
    pub fn keep(&self, thing: Thing) -> anyhow::Result<Kept> {
        tell(&self.input, &Line::Begun(thing.clone()))?;
        Ok(Kept { thing, input: Arc::clone(&self.input) })
    }

    /// The same for a process that was started.
    pub fn keep_process(&self, process: &Child) -> anyhow::Result<Kept> {
        self.keep(Thing::Process(i32::try_from(process.id())?))
    }

    /// A new folder in this one.
    pub fn folder(&self, inside: &Path, prefix: &str) -> anyhow::Result<Folder> {
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(inside);
        let folder = folder.with_context(|| format!("cannot make a folder in {}", inside.display()))?;
        let kept = self.keep(Thing::Folder(folder.path().to_owned()))?;
        Ok(Folder { folder, _kept: kept })
    }
}

impl Folder {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Where it is gone, nobody cleans up any more.
        let _ = tell(&self.input, &Line::Over(self.thing.clone()));
    }
}

fn tell(input: &Mutex<ChildStdin>, line: &Line) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    let mut input = input.lock().unwrap_or_else(PoisonError::into_inner);
    input.write_all(&text).context("what cleans up is gone")
}

/// Cleans up when its input ends.
pub fn serve(input: impl BufRead) -> anyhow::Result<()> {
    let mut left = Vec::new();
    // The last line may be half a line.
    for line in input.lines().map_while(Result::ok).map_while(|line| serde_json::from_str(&line).ok()) {
        match line {
            Line::Begun(thing) => left.push(thing),
            Line::Over(over) => left.retain(|thing| *thing != over),
        }
    }
    let processes: Vec<_> = left.iter().filter_map(Thing::process).collect();
    end(&processes);
    let removed: Vec<_> = left.iter().rev().map(Thing::remove).collect();
    removed.into_iter().collect()
}

impl Thing {
    fn process(&self) -> Option<Pid> {
        match self {
            Self::Process(number) => Pid::from_raw(*number),
            Self::Folder(_) | Self::Database { .. } => None,
        }
    }

    fn remove(&self) -> anyhow::Result<()> {
        match self {
            Self::Process(_) => Ok(()),
            Self::Folder(path) => {
                std::fs::remove_dir_all(path).with_context(|| format!("{} is left behind", path.display()))
            }
            Self::Database { url, name } => home::drop_database(url, name),
        }
    }
}

/// Asks processes to end, and kills those that do not.
fn end(processes: &[Pid]) {
    for process in processes {
        let _ = kill_process(*process, Signal::TERM);
    }
    let looks = END.as_millis() / LOOK.as_millis();
    for _ in 0..looks {
        if !processes.iter().any(|process| test_kill_process(*process).is_ok()) {
            return;
        }
        std::thread::sleep(LOOK);
    }
    for process in processes {
        let _ = kill_process(*process, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn sleeper() -> (Child, Thing) {
        let child = Command::new("sleep").arg("600").spawn().expect("a process");
        let number = i32::try_from(child.id()).expect("a number");
        (child, Thing::Process(number))
    }

    #[test]
    fn what_is_left_when_the_input_ends_is_ended_and_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let [left, over] = ["left", "over"].map(|name| folder.path().join(name));
        for path in [&left, &over] {
            std::fs::create_dir(path).expect("a folder");
            std::fs::write(path.join("file"), "data").expect("a file");
        }
        let ((mut running, first), (mut released, second)) = (sleeper(), sleeper());
        let begun = [first, second.clone(), Thing::Folder(left.clone()), Thing::Folder(over.clone())];
        let lines = begun.map(Line::Begun).into_iter();
        let lines = lines.chain([second, Thing::Folder(over.clone())].map(Line::Over));
        let lines = lines.map(|line| serde_json::to_string(&line).expect("a line") + "\n");
        let input = lines.collect::<String>() + r#"{"Begun":{"Fol"#;
        std::thread::scope(|scope| {
            let served = scope.spawn(|| serve(input.as_bytes()));
            let ended = running.wait().expect("it has ended");
            assert_eq!(ended.signal(), Some(Signal::TERM.as_raw()));
            served.join().expect("it does not panic").expect("all is removed");
        });
        assert!(!left.exists() && over.join("file").exists());
        assert!(released.try_wait().expect("a process").is_none(), "it was ended too");
        released.kill().and_then(|()| released.wait()).expect("it has ended");
    }
}
