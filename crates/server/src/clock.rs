//! The real time.

use std::time::{SystemTime, UNIX_EPOCH};

use store::Clock;
use wire::Timestamp;

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
