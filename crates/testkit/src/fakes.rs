//! Time and chance, held still.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conversations::Ids;
use store::Clock;
use wire::Timestamp;

/// The server's own manual clock. It begins at 2026-01-01T00:00:00Z.
pub struct ManualClock(Arc<server::ManualClock>);

impl Default for ManualClock {
    fn default() -> Self {
        Self::over(Arc::default())
    }
}

impl ManualClock {
    /// One that the server may move too.
    pub fn over(clock: Arc<server::ManualClock>) -> Self {
        clock.move_to(Timestamp::from_micros(1_767_225_600_000_000));
        Self(clock)
    }

    /// Moves on. Nothing falls due by it: see [`House::fire_timers`](crate::House::fire_timers).
    pub fn advance_seconds(&self, seconds: i64) {
        self.advance_micros(seconds * 1_000_000);
    }

    /// The same by less than a second.
    pub fn advance_micros(&self, micros: i64) {
        self.0.move_to(self.now().saturating_plus_micros(micros));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.now()
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
