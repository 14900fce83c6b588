//! A bounded queue between the callers and the threads that own a connection.
//!
//! Callers never wait: a full queue refuses. Threads sleep until there is something, and take all of it (up to
//! what they ask for) at once. A closed queue takes nothing more, and hands out what it holds before it ends.
//!
//! What stands behind gives way: beside others, few of it are taken at a time, so that nobody waits much longer
//! for its sake, and it comes through all the same. It may wait for ever; what stands before is taken out again, by
//! whoever asks for what is [`overdue`](Queue::overdue), when it has waited too long.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::tools::present;

/// Of those behind, so many are taken along with others: a few always, so that they keep up where the others do not
/// fill a batch, and one for so many others where these are many.
const FEW: usize = 4;
const SHARE: usize = 16;

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Before,
    Behind,
}

pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    max: usize,
}

struct State<T> {
    /// With the instant at which each came.
    items: VecDeque<(T, Instant)>,
    behind: VecDeque<T>,
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
        let state = State { items: VecDeque::new(), behind: VecDeque::new(), sleepers: 0, is_closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), max }
    }

    pub(crate) fn push(&self, item: T, standing: Standing) -> Result<(), Refusal> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Refusal::Closed);
        }
        match standing {
            Standing::Before if state.items.len() < self.max => state.items.push_back((item, present())),
            Standing::Behind if state.behind.len() < self.max => state.behind.push_back(item),
            Standing::Before | Standing::Behind => return Err(Refusal::Full),
        }
        // Waking costs a system call, so nobody is woken who is not asleep.
        if state.sleepers > 0 {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for items and takes up to `max` of them. `None` once the queue is closed and empty.
    pub(crate) fn take(&self, max: usize) -> Option<Vec<T>> {
        let mut state = self.state();
        while state.is_empty() {
            if state.is_closed {
                return None;
            }
            state.sleepers += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleepers -= 1;
        }
        Some(state.take(max))
    }

    /// Takes up to `max` of the items that are there, without waiting.
    pub(crate) fn take_ready(&self, max: usize) -> Vec<T> {
        self.state().take(max)
    }

    /// Takes out what came longer ago than this and was not taken yet.
    pub(crate) fn overdue(&self, patience: Duration) -> Vec<T> {
        let mut state = self.state();
        let count = state.items.iter().take_while(|(_, came)| came.elapsed() >= patience).count();
        state.items.drain(..count).map(|(item, _)| item).collect()
    }

    pub(crate) fn depth(&self) -> usize {
        let state = self.state();
        state.items.len() + state.behind.len()
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

impl<T> State<T> {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.behind.is_empty()
    }

    fn take(&mut self, max: usize) -> Vec<T> {
        let count = self.items.len().min(max);
        let beside = if count == 0 { max } else { (count / SHARE).max(FEW).min(max) };
        let behind = self.behind.len().min(beside);
        // A batch that is full without them is one longer for them: they may not starve.
        let mut taken: Vec<_> = self.items.drain(..count).map(|(item, _)| item).collect();
        taken.extend(self.behind.drain(..behind));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(items: std::ops::Range<u32>, behind: std::ops::Range<u32>) -> Queue<u32> {
        let queue = Queue::new(100);
        let push = |item, standing| assert!(queue.push(item, standing).is_ok(), "there is room");
        behind.for_each(|item| push(item, Standing::Behind));
        items.for_each(|item| push(item, Standing::Before));
        queue
    }

    #[test]
    fn what_stands_behind_gives_way_and_comes_through() {
        let busy = queue(0..100, 100..120);
        assert_eq!(busy.take(1), Some(vec![0, 100]));
        assert_eq!(busy.take(8), Some((1..9).chain(101..105).collect()));
        assert_eq!(busy.take_ready(80), (9..89).chain(105..110).collect::<Vec<_>>());
        assert_eq!(busy.take_ready(80), (89..100).chain(110..114).collect::<Vec<_>>());
        assert_eq!(busy.depth(), 6);
        assert_eq!(busy.take(4), Some((114..118).collect()), "nobody else is there");
        assert_eq!(busy.take(4), Some((118..120).collect()));
    }

    #[test]
    fn what_has_waited_too_long_is_taken_out_but_for_what_stands_behind() {
        let queue = queue(0..3, 10..12);
        assert!(queue.overdue(Duration::from_hours(1)).is_empty());
        assert_eq!(queue.overdue(Duration::ZERO), [0, 1, 2]);
        assert_eq!(queue.take(8), Some(vec![10, 11]));
    }

    #[test]
    fn both_are_bounded_and_handed_out_after_the_end() {
        let queue = queue(0..100, 100..200);
        assert!(queue.push(1, Standing::Before).is_err() && queue.push(1, Standing::Behind).is_err());
        queue.close();
        let mut left = 0;
        while let Some(taken) = queue.take(64) {
            left += taken.len();
        }
        assert_eq!(left, 200);
    }
}
