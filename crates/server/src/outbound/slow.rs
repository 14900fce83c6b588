//! A body that arrives in pieces, as over a bad line.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::Frame;

/// In how many pieces a body is sent.
const PIECES: usize = 10;

/// The pieces of a body, with a pause before each.
pub fn pieces(
    body: Bytes,
    pause: Duration,
) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + Sync {
    let size = body.len().div_ceil(PIECES).max(1);
    futures_util::stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let piece = rest.split_to(size.min(rest.len()));
        Some((Ok(Frame::data(piece)), rest))
    })
}
