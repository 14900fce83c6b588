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

use crate::company::Company;
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
    /// How many of those before were taken the last time.
    taken: usize,
    /// How many of those before a thread waits for; zero while none waits for company.
    wanted: usize,
    is_closed: bool,
}

/// Why an item was not taken in.
pub(crate) enum Refusal {
    Full,
    Closed,
}

impl<T> Queue<T> {
    pub(crate) fn new(max: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            behind: VecDeque::new(),
            sleepers: 0,
            taken: 0,
            wanted: 0,
            is_closed: false,
        };
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
        // Waking costs a system call, so nobody is woken who is not asleep or would not find enough.
        if state.sleepers > 0 && state.items.len() >= state.wanted {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for items and takes up to `max` of them. `None` once the queue is closed and empty. Where one thread
    /// takes more than one at a time, it waits for company; it may come back with none then, where what was there has
    /// been taken out meanwhile.
    pub(crate) fn take(&self, max: usize, company: Company) -> Option<Vec<T>> {
        let mut state = self.filled()?;
        let wanted = company.wanted(state.taken).min(max);
        if state.items.len() < wanted {
            state.sleepers += 1;
            state.wanted = wanted;
            let is_short = |state: &mut State<T>| state.items.len() < state.wanted && !state.is_closed;
            let outcome = self.filled.wait_timeout_while(state, company.patience, is_short);
            state = outcome.unwrap_or_else(PoisonError::into_inner).0;
            state.wanted = 0;
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
        self.state().len()
    }

    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.filled.notify_all();
    }

    /// Waits for an item. `None` once the queue is closed and empty.
    fn filled(&self) -> Option<MutexGuard<'_, State<T>>> {
        let mut state = self.state();
        while state.len() == 0 {
            if state.is_closed {
                return None;
            }
            state.sleepers += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleepers -= 1;
        }
        Some(state)
    }

    /// Nothing under this lock can panic halfway, so a poisoned one is still whole.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn len(&self) -> usize {
        self.items.len() + self.behind.len()
    }

    fn take(&mut self, max: usize) -> Vec<T> {
        let count = self.items.len().min(max);
        self.taken = count;
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
        assert_eq!(busy.take(1, Company::NONE), Some(vec![0, 100]));
        assert_eq!(busy.take(8, Company::NONE), Some((1..9).chain(101..105).collect()));
        assert_eq!(busy.take_ready(80), (9..89).chain(105..110).collect::<Vec<_>>());
        assert_eq!(busy.take_ready(80), (89..100).chain(110..114).collect::<Vec<_>>());
        assert_eq!(busy.depth(), 6);
        assert_eq!(busy.take(4, Company::NONE), Some((114..118).collect()), "nobody else is there");
        assert_eq!(busy.take(4, Company::NONE), Some((118..120).collect()));
    }

    #[test]
    fn what_has_waited_too_long_is_taken_out_but_for_what_stands_behind() {
        let queue = queue(0..3, 10..12);
        assert!(queue.overdue(Duration::from_hours(1)).is_empty());
        assert_eq!(queue.overdue(Duration::ZERO), [0, 1, 2]);
        assert_eq!(queue.take(8, Company::NONE), Some(vec![10, 11]));
    }

    #[test]
    fn who_had_many_waits_for_as_many_again() {
        let queue = &queue(0..4, 10..11);
        let push = |item| assert!(queue.push(item, Standing::Before).is_ok(), "there is room");
        let patient = |patience| Company { from: 3, patience };
        let (for_an_hour, for_no_time) = (patient(Duration::from_hours(1)), patient(Duration::ZERO));
        assert_eq!(queue.take(3, for_an_hour), Some(vec![0, 1, 2, 10]));
        std::thread::scope(|scope| {
            let taken = scope.spawn(move || queue.take(8, for_an_hour));
            while queue.state().wanted < 3 {
                std::thread::yield_now();
            }
            push(4);
            push(5);
            assert_eq!(taken.join().unwrap(), Some(vec![3, 4, 5]));
            push(6);
            assert_eq!(queue.take(8, for_no_time), Some(vec![6]), "its patience is at an end");
            push(7);
            assert_eq!(queue.take(8, for_an_hour), Some(vec![7]), "one is no company");
            (8..12).for_each(push);
            assert_eq!(queue.take(8, for_an_hour), Some(vec![8, 9, 10, 11]));
            push(12);
            let left = scope.spawn(move || queue.take(8, for_an_hour));
            queue.close();
            assert_eq!(left.join().unwrap(), Some(vec![12]), "nobody comes any more");
            assert_eq!(queue.take(8, for_an_hour), None);
        });
    }

    #[test]
    fn both_are_bounded_and_handed_out_after_the_end() {
        let queue = queue(0..100, 100..200);
        assert!(queue.push(1, Standing::Before).is_err() && queue.push(1, Standing::Behind).is_err());
        queue.close();
        let mut left = 0;
        while let Some(taken) = queue.take(64, Company::NONE) {
            left += taken.len();
        }
        assert_eq!(left, 200);
    }
}
