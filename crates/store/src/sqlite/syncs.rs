//! Commits that are written and not yet on the disk.
//!
//! The disk is slow and needs nobody's help, so that the writer goes on with the next batch while a thread of its own
//! waits for what the last one has written, and answers it then. Invariants:
//!
//! - Nobody is answered before the disk has what the answer tells of. That holds for reads too: one that may have seen
//!   such a commit is kept back until it is there.
//! - Commits are synced in their order; one sync serves all that are written by then.
//! - Few go ahead at once. Who comes after them waits for the disk, and others gather meanwhile.
//! - After a sync that failed nobody knows what the disk holds: whoever waits is told, and the store stops.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::answers::Answers;
use crate::batch;
use crate::error::{Kind, StoreError};
use crate::job::Job;
use crate::tools::Tools;

/// So many commits may be on their way to the disk while the writer goes on.
const AHEAD: u64 = 2;

pub(crate) struct Syncs {
    /// The log, by a handle of its own.
    log: File,
    state: Mutex<State>,
    changed: Condvar,
    /// The last commit that went ahead, by its number. Known before anybody can see it.
    ahead: AtomicU64,
    /// The last one that is on the disk.
    synced: AtomicU64,
}

#[derive(Default)]
struct State {
    /// The last commit that is written.
    written: u64,
    /// Who waits for which commit.
    waiting: Vec<(u64, Answers)>,
    is_closed: bool,
    has_failed: bool,
}

/// A commit that goes ahead. It is written, or has failed, when this is dropped.
pub(crate) struct Ahead {
    syncs: Arc<Syncs>,
    number: u64,
    answers: Option<Answers>,
}

impl Syncs {
    /// Of a log that is there.
    pub(crate) fn of(log: &Path) -> Result<Self, StoreError> {
        let log = File::options().read(true).write(true).open(log);
        let log =
            log.map_err(|error| StoreError::caused(Kind::Failed, "failed to open SQLite's log", error))?;
        Ok(Self {
            log,
            state: Mutex::default(),
            changed: Condvar::new(),
            ahead: AtomicU64::new(0),
            synced: AtomicU64::new(0),
        })
    }

    /// Lets the commit that comes next go ahead, unless enough others do. There is one writer.
    pub(super) fn go_ahead(self: &Arc<Self>) -> Option<Ahead> {
        let on_their_way = self.ahead.load(Ordering::SeqCst) - self.synced.load(Ordering::SeqCst);
        (on_their_way < AHEAD).then(|| {
            let number = self.ahead.fetch_add(1, Ordering::SeqCst) + 1;
            Ahead { syncs: Arc::clone(self), number, answers: None }
        })
    }

    /// Answers a read that has run, once all that it may have seen is on the disk.
    pub(super) fn answer(&self, mut read: Box<dyn Job>) {
        // Whatever the read has seen had its number before.
        let seen = self.ahead.load(Ordering::SeqCst);
        if seen > self.synced.load(Ordering::SeqCst) {
            let mut state = self.state();
            if state.has_failed {
                read.fail(batch::broken());
            } else if seen > self.synced.load(Ordering::SeqCst) {
                state.waiting.push((seen, Answers::of_read(read)));
                return;
            }
        }
        read.answer();
    }

    /// The thread that waits for the disk, until this is closed.
    pub(crate) fn bring_to_disk(&self, tools: &Tools) {
        while let Some(written) = self.next() {
            match self.log.sync_data() {
                Ok(()) => self.arrived(written).into_iter().for_each(|answers| answers.give(tools)),
                Err(error) => {
                    tracing::error!(%error, "the store stops: a commit could not be brought to the disk");
                    tools.is_broken.store(true, Ordering::Release);
                    self.failed().into_iter().for_each(Answers::fail);
                }
            }
        }
    }

    /// Ends [`Self::bring_to_disk`], once all is done. Nothing is written or read any more.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
    }

    fn written(&self, number: u64, answers: Option<Answers>) {
        let mut state = self.state();
        state.written = number;
        if state.has_failed {
            drop(state);
            answers.into_iter().for_each(Answers::fail);
        } else {
            state.waiting.extend(answers.map(|answers| (number, answers)));
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Waits for what is written and not on the disk. `None` at the end, and after a failure.
    fn next(&self) -> Option<u64> {
        let synced = self.synced.load(Ordering::SeqCst);
        let idle = |state: &mut State| state.written == synced && !state.is_closed && !state.has_failed;
        let state = self.changed.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
        (state.written > synced && !state.has_failed).then_some(state.written)
    }

    /// Whoever has waited for what is on the disk now.
    fn arrived(&self, written: u64) -> Vec<Answers> {
        let mut state = self.state();
        self.synced.store(written, Ordering::SeqCst);
        let has_arrived = |(number, _): &mut (u64, Answers)| *number <= written;
        state.waiting.extract_if(.., has_arrived).map(|(_, answers)| answers).collect()
    }

    /// Whoever waits: nothing more will be on the disk.
    fn failed(&self) -> Vec<Answers> {
        let mut state = self.state();
        state.has_failed = true;
        state.waiting.drain(..).map(|(_, answers)| answers).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ahead {
    /// It is written: these are answered once it is on the disk.
    pub(crate) fn leave(mut self, answers: Answers) {
        self.answers = Some(answers);
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.syncs.written(self.number, self.answers.take());
    }
}
