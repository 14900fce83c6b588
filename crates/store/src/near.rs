//! Readers for what is short: a few rows by their keys, found in memory nearly always. Handing such a read to a reader
//! thread and its answer back costs more than the read, so it runs on the thread of its caller, who is held meanwhile.
//!
//! That is right for as long as it is quick. After a read that was not (the disk was needed, or others hold the
//! machine) the next ones go to the reader threads, where nobody else is held, and it is tried again after them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::batch;
use crate::job::Job;
use crate::session::Session;
use crate::tools::{Tools, timed};

/// What no read out of memory takes.
const SLOW: Duration = Duration::from_millis(2);

/// So many go to the reader threads after a slow one.
const SENT_AWAY: u32 = 256;

pub(crate) struct Near {
    state: Mutex<State>,
    returned: Condvar,
    pace: Pace,
}

struct State {
    idle: Vec<Box<dyn Session>>,
    lent: usize,
    is_closed: bool,
}

impl Near {
    pub(crate) fn new(sessions: Vec<Box<dyn Session>>) -> Self {
        let state = State { idle: sessions, lent: 0, is_closed: false };
        Self { state: Mutex::new(state), returned: Condvar::new(), pace: Pace::default() }
    }

    /// Runs and answers the job, or gives it back for the reader threads.
    pub(crate) fn run(&self, job: Box<dyn Job>, tools: &Tools) -> Result<(), Box<dyn Job>> {
        if !self.pace.allows() {
            return Err(job);
        }
        let Some(mut lent) = self.lend() else { return Err(job) };
        let session = lent.session.as_deref_mut().expect("it is taken back at the end alone");
        let ((), took) = timed(|| batch::read_job(session, job, tools));
        self.pace.took(took);
        Ok(())
    }

    fn lend(&self) -> Option<Lent<'_>> {
        let mut state = self.state();
        let session = state.idle.pop()?;
        state.lent += 1;
        Some(Lent { near: self, session: Some(session) })
    }

    /// Closes the connections, and waits for those that are lent.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.idle.clear();
        let lent = |state: &mut State| state.lent > 0;
        drop(self.returned.wait_while(state, lent).unwrap_or_else(PoisonError::into_inner));
    }

    /// Nothing under this lock can panic halfway, so a poisoned one is still whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session for one job, which comes back however that ends.
struct Lent<'a> {
    near: &'a Near,
    session: Option<Box<dyn Session>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.near.state();
        state.lent -= 1;
        if state.is_closed {
            drop(self.session.take());
            self.near.returned.notify_all();
        } else {
            state.idle.extend(self.session.take());
        }
    }
}

/// Whether reads are quick at present.
#[derive(Default)]
struct Pace {
    /// How many more go to the reader threads.
    away: AtomicU32,
}

impl Pace {
    fn allows(&self) -> bool {
        // Whoever comes between the two only goes to the threads once more or once less.
        match self.away.load(Ordering::Relaxed) {
            0 => true,
            away => {
                self.away.store(away - 1, Ordering::Relaxed);
                false
            }
        }
    }

    fn took(&self, time: Duration) {
        if time >= SLOW {
            self.away.store(SENT_AWAY, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_slow_read_the_next_ones_go_to_the_threads() {
        let pace = Pace::default();
        pace.took(SLOW / 2);
        assert!(pace.allows());
        pace.took(SLOW);
        assert!((0..SENT_AWAY).all(|_| !pace.allows()));
        assert!(pace.allows());
    }
}
