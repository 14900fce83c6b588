//! How many requests of each account run at this moment.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conversations::Account;
use wire::Sid;

/// The counters. An account without a running request has none.
#[derive(Clone, Default)]
pub struct InFlight(Arc<Mutex<Counters>>);

/// Only who has signed in is here, so that nobody can choose sids that collide; and sids are made by chance.
type Counters = HashMap<Sid<Account>, u64, BuildHasherDefault<Chance>>;

/// Takes the end of a sid for its hash.
#[derive(Default)]
struct Chance(u64);

impl Hasher for Chance {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.0 ^= u64::from_ne_bytes(*last);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// One running request; it ends when this is dropped.
pub struct Running {
    counters: InFlight,
    account_sid: Sid<Account>,
    /// The account's running requests when this one began, with this one.
    pub count: u64,
}

impl InFlight {
    /// Counts a request until the result is dropped.
    pub fn begin(&self, account_sid: Sid<Account>) -> Running {
        let mut counters = self.counters();
        let counter = counters.entry(account_sid).or_default();
        *counter += 1;
        Running { counters: self.clone(), account_sid, count: *counter }
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut counters = self.counters.counters();
        if let Some(counter) = counters.get_mut(&self.account_sid) {
            *counter -= 1;
            if *counter == 0 {
                counters.remove(&self.account_sid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_account_for_itself_and_forgets_the_idle() {
        let in_flight = InFlight::default();
        let (first, second) = (Sid::from_bytes([1; 16]), Sid::from_bytes([2; 16]));
        let running = in_flight.begin(first);
        assert_eq!((running.count, in_flight.begin(first).count, in_flight.begin(second).count), (1, 2, 1));
        drop(running);
        assert_eq!(in_flight.begin(first).count, 1);
        assert!(in_flight.counters().is_empty());
    }
}
