//! SQLite's write-ahead log: what is committed lies there until a checkpoint copies it into the database file.
//!
//! A thread of its own checkpoints about four times a second while there are writes, and sleeps without a tick
//! while there are none, so that the writer pays for no checkpoint. When readers or writes without a pause keep
//! the log from starting anew and it has grown long, the writer forces a new start between two batches: it copies
//! what is left, and everybody waits. So the thread comes back first, until that is little.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;
use crate::tools::Tools;

const PAUSE: Duration = Duration::from_millis(250);

/// 128 MiB of pages of 4 KiB.
const LONG: i64 = 32 * 1024;

/// How often a long log is copied before the writer is told.
const PASSES: u32 = 3;

/// How long the writer waits for readers that hold on to a long log.
const RESTART_PATIENCE: Duration = Duration::from_millis(100);

pub(crate) struct Log {
    path: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
    /// As the last checkpoint found it.
    pages: AtomicI64,
}

#[derive(Default)]
struct State {
    is_written: bool,
    is_closed: bool,
}

/// The connection that [`Log::bring_home`] uses.
pub(crate) fn open_for_checkpoints(path: &Path) -> Result<Connection, StoreError> {
    super::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

impl Log {
    pub(crate) fn new(database: &Path) -> Self {
        let mut path = OsString::from(database);
        path.push("-wal");
        let state = Mutex::new(State::default());
        Self { path: path.into(), state, changed: Condvar::new(), pages: AtomicI64::new(0) }
    }

    /// How large the file is. It keeps its size when the log starts anew.
    pub(crate) fn bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// Something was committed.
    pub(crate) fn written(&self) {
        let mut state = self.state();
        if !state.is_written {
            state.is_written = true;
            self.changed.notify_one();
        }
    }

    /// Ends [`Self::bring_home`]. Every other connection has been closed.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
    }

    /// The thread that checkpoints, until the log is closed.
    pub(crate) fn bring_home(&self, connection: &Connection, tools: &Tools) {
        loop {
            let idle = |state: &mut State| !state.is_written && !state.is_closed;
            let state = self.changed.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
            let open = |state: &mut State| !state.is_closed;
            let waited = self.changed.wait_timeout_while(state, PAUSE, open);
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.is_closed {
                break;
            }
            state.is_written = false;
            drop(state);
            let copy = || checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)");
            let mut pages = copy();
            for _ in 1..PASSES {
                if pages.is_some_and(|pages| pages > LONG) {
                    pages = copy();
                }
            }
            self.note(pages);
        }
        // After a failed commit nobody knows what the log holds; the next start finds out.
        if !tools.is_broken() {
            checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    /// By the writer, between two batches.
    pub(crate) fn restart_if_long(&self, connection: &Connection, patience: Duration) {
        // Set to zero first: the next try comes after the next checkpoint has looked.
        if self.pages.load(Ordering::Relaxed) > LONG && self.pages.swap(0, Ordering::Relaxed) > LONG {
            let _ = connection.busy_timeout(RESTART_PATIENCE);
            let pages = checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)");
            self.note(pages);
            let _ = connection.busy_timeout(patience);
        }
    }

    fn note(&self, pages: Option<i64>) {
        if let Some(pages) = pages {
            self.pages.store(pages, Ordering::Relaxed);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the log is then. A checkpoint that fails is no loss: the next one does its work.
fn checkpoint(connection: &Connection, sql: &str) -> Option<i64> {
    let pages = connection.query_row(sql, [], |row| {
        let (is_busy, pages, copied) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?);
        // A log that is copied whole starts anew by itself at the next write, unless a reader holds it.
        Ok(if is_busy == 0 && sql.contains("RESTART") { 0 } else { pages.max(copied) })
    });
    pages.inspect_err(|error| tracing::warn!(%error, "failed to checkpoint")).ok()
}
