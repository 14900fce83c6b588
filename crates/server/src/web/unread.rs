//! What nobody has read of a short body.
//!
//! A request that is refused before its body is read leaves that body in its connection. Where it has not come yet,
//! the connection ends behind the answer, and the caller's next request on it fails for no reason that the caller
//! could know. So a body that is announced and short is taken in nevertheless, once all that the request held has been
//! given back, and the answer leaves after that. Behind a long one the connection ends.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Of a body that is worth it.
const MOST: u64 = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(2);

/// Where what is left of a body comes back to.
pub struct Unread<B>(Option<Back<B>>);

type Back<B> = Arc<Mutex<Option<B>>>;

impl<B> Unread<B>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    /// The same body, which comes back when it is dropped before its end.
    pub fn watch(body: B) -> (Body, Self) {
        match body.size_hint().exact() {
            Some(0) => (Body::empty(), Self(None)),
            Some(1..=MOST) => {
                let back = Arc::default();
                let watched = Watched { body: Some(body), back: Arc::clone(&back) };
                (Body::new(watched), Self(Some(back)))
            }
            // One that does not say how long it is may never end.
            _ => (Body::new(body), Self(None)),
        }
    }

    /// Takes in what is left, and forgets it.
    pub async fn pass_over(self) {
        let left = |back: Back<B>| back.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut left) = self.0.and_then(left) else { return };
        let passing = Box::pin(async move { while let Some(Ok(_)) = left.frame().await {} });
        // Who is slower than this finds the connection closed.
        let _ = tokio::time::timeout(PATIENCE, passing).await;
    }
}

struct Watched<B: HttpBody> {
    /// None once it has come to its end.
    body: Option<B>,
    back: Back<B>,
}

impl<B: HttpBody + Unpin> HttpBody for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(&mut *body).poll_frame(context));
        if frame.is_none() || body.is_end_stream() {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl<B: HttpBody> Drop for Watched<B> {
    fn drop(&mut self) {
        if let Some(left) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.back.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_left(unread: &Unread<Body>) -> bool {
        unread.0.as_ref().is_some_and(|back| back.lock().expect("nothing panics").is_some())
    }

    #[tokio::test]
    async fn what_was_not_read_comes_back_and_what_was_read_does_not() {
        let (body, unread) = Unread::watch(Body::from("A=1"));
        assert_eq!(body.size_hint().exact(), Some(3));
        drop(body);
        assert!(is_left(&unread));
        unread.pass_over().await;
        let (body, unread) = Unread::watch(Body::from("A=1"));
        assert_eq!(body.collect().await.expect("it is there").to_bytes(), "A=1");
        assert!(!is_left(&unread));
    }

    #[test]
    fn a_long_body_and_one_without_a_length_stay_as_they_are() {
        let endless = Body::from_stream(futures_util::stream::pending::<Result<Bytes, axum::Error>>());
        for body in [Body::empty(), Body::from(vec![b'x'; 64 * 1024 + 1]), endless] {
            let (body, unread) = Unread::watch(body);
            drop(body);
            assert!(!is_left(&unread));
        }
    }
}
