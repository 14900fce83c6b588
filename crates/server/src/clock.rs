//! The time: that of the machine, or one that stands still until it is moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use conversations::clocks;
use store::{Clock, Roots, Store, StoreError};
use tokio::sync::{Mutex, MutexGuard};
use wire::Timestamp;

use crate::stopwatch;

/// The clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the Clock that the rest of the code is given")]
        let now = SystemTime::now();
        // A machine whose clock stands before 1970 gets 1970.
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until the administration moves it, and never goes back.
///
/// Its time is kept in the store, so that it goes on there after a restart. Until it has [begun](Self::begin)
/// it stands at 1970.
#[derive(Debug, Default)]
pub struct ManualClock {
    micros: AtomicI64,
    /// Held by whoever moves it, so that everything happens in the order of time.
    moving: Mutex<()>,
}

impl ManualClock {
    /// Goes on where the store says that it stood; a new one stands at `first`.
    pub async fn begin(&self, store: &Store, first: Timestamp) -> Result<(), StoreError> {
        let kept = store.write::<_, StoreError>(Roots::none(), move |tx| clocks::begin(tx, first));
        self.move_to(kept.await?);
        Ok(())
    }

    /// Moves on, where `to` is later.
    pub fn move_to(&self, to: Timestamp) {
        self.micros.fetch_max(to.micros(), Ordering::SeqCst);
    }

    /// Waits until nobody else moves it.
    pub(crate) async fn take(&self) -> MutexGuard<'_, ()> {
        self.moving.lock().await
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst))
    }
}

/// Time for measuring rates: it only goes forward, however the machine's clock is set, and it is the manual
/// clock's where there is one.
pub struct Steady {
    began: Instant,
    manual: Option<Arc<ManualClock>>,
}

impl Steady {
    /// Begins now.
    pub fn new(manual: Option<Arc<ManualClock>>) -> Self {
        Self { began: stopwatch::start(), manual }
    }

    /// In microseconds.
    pub fn now(&self) -> u64 {
        match &self.manual {
            Some(clock) => u64::try_from(clock.now().micros()).unwrap_or(0),
            None => u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
        }
    }
}
