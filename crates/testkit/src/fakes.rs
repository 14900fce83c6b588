//! Time and chance, held still.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use conversations::Ids;
use store::Clock;
use wire::Timestamp;

/// A clock that moves only when it is told to. It begins at 2026-01-01T00:00:00Z.
pub struct ManualClock(AtomicI64);

impl Default for ManualClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_767_225_600_000_000))
    }
}

impl ManualClock {
    /// Moves on.
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Sids that count from 1, whatever they are for; the request ids among them.
#[derive(Default)]
pub struct CountingIds(AtomicU64);

impl CountingIds {
    fn next(&self) -> [u8; 16] {
        let number = u128::from(self.0.fetch_add(1, Ordering::SeqCst)) + 1;
        number.to_be_bytes()
    }
}

impl Ids for CountingIds {
    fn sid(&self, _: Timestamp) -> [u8; 16] {
        self.next()
    }

    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&self.next());
        bytes
    }
}
