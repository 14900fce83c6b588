//! The one place where a Rust test may wait: until a condition holds, never for a length of time.

use std::time::Duration;

/// Asks again and again; false where the condition did not hold in time. A test clock does not move what
/// doors keep in memory, so that what is promised of it is waited for in real time.
pub async fn holds_within(limit: Duration, mut condition: impl AsyncFnMut() -> bool) -> bool {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(limit, waiting).await.is_ok()
}
