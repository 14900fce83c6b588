//! What tasks beside a connection have come to, on its way to the connection's own.
//!
//! A channel without a limit, but one that holds no memory while nothing is in it: how much there can be is bounded by
//! how many tasks a connection may have.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// One waits for it, any number put something in.
pub struct Finished<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    things: VecDeque<T>,
    taker: Option<Waker>,
}

impl<T> Default for Finished<T> {
    fn default() -> Self {
        Self { state: Mutex::new(State { things: VecDeque::new(), taker: None }) }
    }
}

impl<T> Finished<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something in.
    pub fn put(&self, thing: T) {
        let mut state = self.state();
        state.things.push_back(thing);
        let taker = state.taker.take();
        drop(state);
        if let Some(taker) = taker {
            taker.wake();
        }
    }

    /// Waits for the next thing. Only one may wait.
    pub async fn next(&self) -> T {
        poll_fn(|context| {
            let mut state = self.state();
            if let Some(thing) = state.things.pop_front() {
                if state.things.is_empty() {
                    state.things = VecDeque::new();
                }
                return Poll::Ready(thing);
            }
            if !state.taker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                state.taker = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn everything_comes_in_order_and_whoever_waits_is_woken() {
        let finished = Finished::default();
        finished.put(1);
        finished.put(2);
        assert_eq!((finished.next().await, finished.next().await), (1, 2));
        assert_eq!(finished.next().now_or_never(), None);
        let (third, ()) = tokio::join!(finished.next(), async { finished.put(3) });
        assert_eq!(third, 3);
    }
}
