//! The bytes of a request as they come in, bounded in size and in time.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout, timeout_at};
use wire::Problem;

/// For the next bytes to come.
const PAUSE: Duration = Duration::from_secs(30);
/// For all of them: well before an upload counts as given up.
const WHOLE: Duration = Duration::from_hours(1);

/// A body that is read piece by piece.
pub struct Source {
    body: BodyDataStream,
    left: u64,
    ends: Instant,
}

impl Source {
    /// At most `limit` bytes.
    pub fn new(body: Body, limit: u64) -> Self {
        Self { body: body.into_data_stream(), left: limit, ends: Instant::now() + WHOLE }
    }

    /// What came next; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let late = || Problem::parameter("The body did not arrive in time");
        let next = timeout_at(self.ends, timeout(PAUSE, self.body.next())).await;
        let next = next.map_err(|_| late())?.map_err(|_| late())?;
        let Some(chunk) = next else { return Ok(None) };
        let chunk = chunk.map_err(|_| Problem::parameter("The body could not be read"))?;
        self.left = self.left.checked_sub(chunk.len() as u64).ok_or(Problem::REQUEST_ENTITY_TOO_LARGE)?;
        Ok(Some(chunk))
    }
}
