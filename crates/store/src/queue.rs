//! A bounded queue between the callers and the threads that own a connection.
//!
//! Callers never wait: a full queue refuses. Threads sleep until there is something, and take all of it (up to
//! what they ask for) at once. A closed queue takes nothing more, and hands out what it holds before it ends.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    max: usize,
}

struct State<T> {
    items: VecDeque<T>,
    sleepers: usize,
    is_closed: bool,
}

/// Why an item was not taken in.
pub(crate) enum Refusal {
    Full,
    Closed,
}

impl<T> Queue<T> {
    pub(crate) fn new(max: usize) -> Self {
        let state = State { items: VecDeque::new(), sleepers: 0, is_closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), max }
    }

    pub(crate) fn push(&self, item: T) -> Result<(), Refusal> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Refusal::Closed);
        }
        if state.items.len() >= self.max {
            return Err(Refusal::Full);
        }
        state.items.push_back(item);
        // Waking costs a system call, so nobody is woken who is not asleep.
        if state.sleepers > 0 {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for items and takes up to `max` of them. `None` once the queue is closed and empty.
    pub(crate) fn take(&self, max: usize) -> Option<Vec<T>> {
        let mut state = self.state();
        while state.items.is_empty() {
            if state.is_closed {
                return None;
            }
            state.sleepers += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleepers -= 1;
        }
        let count = state.items.len().min(max);
        Some(state.items.drain(..count).collect())
    }

    /// Takes up to `max` of the items that are there, without waiting.
    pub(crate) fn take_ready(&self, max: usize) -> Vec<T> {
        let mut state = self.state();
        let count = state.items.len().min(max);
        state.items.drain(..count).collect()
    }

    pub(crate) fn depth(&self) -> usize {
        self.state().items.len()
    }

    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.filled.notify_all();
    }

    /// Nothing under this lock can panic halfway, so a poisoned one is still whole.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
