//! What the engine needs from outside: the time, and somebody who may watch.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use wire::Timestamp;

use crate::roots::Root;

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present time.
    fn now(&self) -> Timestamp;
}

/// What an operator may watch. The methods are called on database threads and must not block.
pub trait Observer: Send + Sync + 'static {
    /// A batch of `jobs` was committed; COMMIT alone took `commit`.
    fn committed(&self, jobs: usize, commit: Duration);

    /// A batch of `jobs` was undone and runs again, because of a failure, a deadlock, an undeclared root, or a
    /// lost connection.
    fn rerun(&self, jobs: usize) {
        let _ = jobs;
    }

    /// A job was refused because its queue was full.
    fn refused(&self) {}

    /// These jobs were refused because they had waited too long for their turn.
    fn expired(&self, jobs: usize) {
        let _ = jobs;
    }

    /// A job has run `count` statements.
    fn statements(&self, count: u64) {
        let _ = count;
    }

    /// A database thread waits for an answer of the server; never on SQLite.
    fn waits(&self) {}

    /// A connection to the database was lost.
    fn disconnected(&self) {}

    /// Whether every statement of a read runs a second time, to be examined. For tests.
    fn examines(&self) -> bool {
        false
    }

    /// A statement of a read was examined.
    fn examined(&self, statement: Examined) {
        let _ = statement;
    }
}

/// How the engine runs a statement, with the values that it was given.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The statement's text.
    pub sql: String,
    /// On SQLite a line for each step of `EXPLAIN QUERY PLAN`, on PostgreSQL the JSON of `EXPLAIN (ANALYZE)`.
    pub plan: String,
    /// SQLite's counters of the run: steps in scans of a whole table, sorts, indexes made for it, and the steps
    /// of its machine in all. On PostgreSQL the plan tells.
    pub counters: Option<Counters>,
}

/// See [`Examined`].
#[derive(Clone, Copy, Debug)]
pub struct Counters {
    /// Rows stepped over in scans without an index.
    pub scanned: i32,
    /// Sorts.
    pub sorts: i32,
    /// Rows put into an index that was made for this one run.
    pub indexed: i32,
    /// Instructions of SQLite's machine.
    pub steps: i32,
}

/// Who wants to know which roots have changed. Called on database threads, once for each commit that has touched any:
/// it must neither block nor fail.
pub trait Listener: Send + Sync + 'static {
    /// These roots were touched by what was just committed ([`Tx::touch`](crate::Tx::touch)); one may stand there
    /// more than once.
    fn committed(&self, touched: &[Root]);
}

/// Watches nothing.
pub struct NoObserver;

impl Observer for NoObserver {
    fn committed(&self, _jobs: usize, _commit: Duration) {}
}

/// What every database thread of a store shares.
pub(crate) struct Tools {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    /// Told of what was committed, once there is somebody.
    pub(crate) listener: OnceLock<Arc<dyn Listener>>,
    /// Set when a commit could not be brought to the disk: nothing is written from then on.
    pub(crate) is_broken: AtomicBool,
    /// Set when the store is being closed: nobody waits for a database that does not come back.
    pub(crate) is_closing: AtomicBool,
    /// Set while the database does not answer, and everybody has been waited for once.
    is_unreachable: AtomicBool,
    latest: AtomicI64,
}

impl Tools {
    pub(crate) fn new(clock: Arc<dyn Clock>, observer: Arc<dyn Observer>) -> Self {
        Self {
            clock,
            observer,
            listener: OnceLock::new(),
            is_broken: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            is_unreachable: AtomicBool::new(false),
            latest: AtomicI64::new(i64::MIN),
        }
    }

    /// The time for a job that starts now: never before that of an earlier job, even if the clock was set back.
    pub(crate) fn stamp(&self) -> Timestamp {
        let now = self.clock.now().micros();
        Timestamp::from_micros(now.max(self.latest.fetch_max(now, Ordering::Relaxed)))
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }

    pub(crate) fn is_unreachable(&self) -> bool {
        self.is_unreachable.load(Ordering::Acquire)
    }

    pub(crate) fn set_unreachable(&self, is_unreachable: bool) {
        self.is_unreachable.store(is_unreachable, Ordering::Release);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }
}

/// How long `work` takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = present();
    let done = work();
    (done, start.elapsed())
}

/// The beginning of a duration.
#[expect(clippy::disallowed_methods, reason = "a duration is measured, no point in time is taken")]
pub(crate) fn present() -> Instant {
    Instant::now()
}
