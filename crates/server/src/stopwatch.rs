//! How long things take: the one place here that looks at the machine's monotonic clock.

use std::time::Instant;

/// A moment to measure from. It says nothing about the time of day.
#[expect(clippy::disallowed_methods, reason = "durations are measured, no point in time is taken")]
pub fn start() -> Instant {
    Instant::now()
}
