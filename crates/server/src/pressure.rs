//! How much may be under way at a time in the whole server. What is beyond it is answered with 503 and told when to
//! come back, before it has cost much.
//!
//! Connections are counted where they are accepted, and jobs of the store in its queues. What is counted here is what
//! those would let grow: requests, through either door; the bytes of long bodies, with what is made of them, until
//! they are answered; the bytes of long answers, until the caller has taken them in; requests that wait for a
//! pre-action webhook; files on their way. Short bodies and answers are not counted: there are no more of them than
//! requests and connections.
//!
//! What has been written is never turned away: the answer to a change is counted, whether there is room or not.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{Extensions, Method};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use wire::Problem;

use crate::metrics::Metrics;
use crate::web::answer::{self, Note};

/// Bytes of a body, and of an answer, that are not counted.
const SHORT: usize = 8 * 1024;
/// A body that is counted counts so often: it is there as it came, as a form, as a record and as an answer.
const COPIES: usize = 4;

/// How much may be under way at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Requests being answered, of callers and of clients.
    pub requests: usize,
    /// Bytes of long bodies and answers.
    pub bytes: usize,
    /// Files being uploaded.
    pub uploads: usize,
    /// Files being downloaded.
    pub downloads: usize,
    /// How long a caller may take nothing of its answer before it is cut off.
    pub stalled: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            requests: 4096,
            bytes: 128 * 1024 * 1024,
            uploads: 32,
            downloads: 512,
            stalled: Duration::from_secs(30),
        }
    }
}

/// What is under way.
pub struct Pressure {
    metrics: Arc<Metrics>,
    requests: Room,
    bytes: Room,
    uploads: Room,
    downloads: Room,
    /// Requests that wait for what a webhook has to say: half of all, so that slow webhooks leave room.
    asking: Room,
}

impl Pressure {
    pub fn new(bounds: Bounds, metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            requests: Room::new(bounds.requests),
            bytes: Room::new(bounds.bytes),
            uploads: Room::new(bounds.uploads),
            downloads: Room::new(bounds.downloads),
            asking: Room::new(bounds.requests.div_ceil(2)),
        }
    }

    /// A place for a request, until it is answered.
    pub fn request(&self) -> Result<Held, Problem> {
        self.of(&self.requests, 1, "requests")
    }

    /// A place for a request that waits for a webhook.
    pub fn asking(&self) -> Result<Held, Problem> {
        self.of(&self.asking, 1, "pre_actions")
    }

    /// A place for a file on its way in.
    pub fn upload(&self) -> Result<Held, Problem> {
        self.of(&self.uploads, 1, "uploads")
    }

    /// A place for a file on its way out.
    pub fn download(&self) -> Result<Held, Problem> {
        self.of(&self.downloads, 1, "downloads")
    }

    /// Room for a body that is there already, until it is answered.
    pub fn said(&self, length: usize) -> Result<Option<Held>, Problem> {
        let long = Some(length.saturating_mul(COPIES)).filter(|_| length > SHORT);
        long.map(|bytes| self.of(&self.bytes, bytes, "bytes")).transpose()
    }

    /// Bytes of bodies and answers that are counted now.
    pub fn bytes(&self) -> usize {
        self.bytes.0.used.load(Ordering::Relaxed)
    }

    fn of(&self, room: &Room, amount: usize, what: &'static str) -> Result<Held, Problem> {
        room.take(amount).ok_or_else(|| {
            self.metrics.turned_away(what);
            Problem::SERVICE_UNAVAILABLE
        })
    }

    /// A body that is counted as it comes in, where it may be long. What comes with it is held until it is answered.
    pub fn body(self: &Arc<Self>, body: Body, extensions: &mut Extensions) -> (Body, Option<Arc<Coming>>) {
        if body.size_hint().upper().is_some_and(|most| most <= SHORT as u64) {
            return (body, None);
        }
        let held = Held { room: self.bytes.clone(), amount: 0 };
        let coming = Coming {
            pressure: Arc::clone(self),
            held: Mutex::new(held),
            is_passed_on: AtomicBool::new(false),
        };
        let coming = Arc::new(coming);
        extensions.insert(Arc::clone(&coming));
        (Body::new(Counted { body, coming: Arc::clone(&coming) }), Some(coming))
    }

    /// An answer that is counted until it has left, where it is long. Where there is no room for it, another one, of
    /// which the log and the metrics still know what it was about.
    pub fn answer(&self, method: &Method, response: Response, note: &mut Note) -> Response {
        let length = response.body().size_hint().exact().unwrap_or(0);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length <= SHORT {
            return response;
        }
        match self.leaving(length, method) {
            Ok(held) => response.map(|body| Body::new(Leaving { body, held: Some(held) })),
            Err(problem) => {
                note.code = Some(problem.code);
                answer::problem(&problem)
            }
        }
    }

    /// A reply to a client, likewise.
    pub fn reply(&self, method: &Method, length: usize) -> Result<Option<Held>, Problem> {
        if length <= SHORT { Ok(None) } else { self.leaving(length, method).map(Some) }
    }

    /// Only what has changed nothing can be asked for again.
    fn leaving(&self, length: usize, method: &Method) -> Result<Held, Problem> {
        if *method == Method::GET {
            self.of(&self.bytes, length, "bytes")
        } else {
            Ok(self.bytes.take_anyway(length))
        }
    }
}

/// Bytes of frames that wait for clients, each counted once however many it waits for. They are never turned away: who
/// has much waiting is cut off where there is too much.
pub struct Frames(Room);

impl Frames {
    const MOST: usize = 128 * 1024 * 1024;

    /// A frame that is counted for as long as it waits for anybody.
    pub fn counted(&self, frame: Bytes) -> Bytes {
        self.0.take_anyway(frame.len()).with(frame)
    }

    /// Whether there are too many.
    pub fn are_too_many(&self) -> bool {
        self.0.0.used.load(Ordering::Relaxed) > self.0.0.most
    }
}

impl Default for Frames {
    fn default() -> Self {
        Self(Room::new(Self::MOST))
    }
}

/// So much of something, and no more.
#[derive(Clone)]
struct Room(Arc<Inner>);

struct Inner {
    used: AtomicUsize,
    most: usize,
}

impl Room {
    fn new(most: usize) -> Self {
        Self(Arc::new(Inner { used: AtomicUsize::new(0), most }))
    }

    fn take(&self, amount: usize) -> Option<Held> {
        // What is more than all the room is let in when it is alone: else it never would be.
        let fits = |used: usize, after: usize| after <= self.0.most || used == 0;
        let after = |used: usize| used.checked_add(amount).filter(|after| fits(used, *after));
        self.0.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after).ok()?;
        Some(Held { room: self.clone(), amount })
    }

    fn take_anyway(&self, amount: usize) -> Held {
        self.0.used.fetch_add(amount, Ordering::Relaxed);
        Held { room: self.clone(), amount }
    }
}

/// A part of a room, given back when this is dropped.
pub struct Held {
    room: Room,
    amount: usize,
}

impl Held {
    fn grow(&mut self, amount: usize) -> bool {
        let Some(mut more) = self.room.take(amount) else { return false };
        self.amount += std::mem::take(&mut more.amount);
        true
    }

    /// These bytes, which hold it for as long as anybody has them.
    pub fn with(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Owned { bytes, _held: self })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.0.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

struct Owned {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// What has come of a body.
pub struct Coming {
    pressure: Arc<Pressure>,
    held: Mutex<Held>,
    is_passed_on: AtomicBool,
}

impl Coming {
    /// The body is passed on as it comes and does not stay in memory.
    pub fn pass_on(extensions: &Extensions) {
        if let Some(coming) = extensions.get::<Arc<Self>>() {
            coming.is_passed_on.store(true, Ordering::Relaxed);
        }
    }

    fn take(&self, bytes: usize) -> Result<(), NoRoom> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_passed_on.load(Ordering::Relaxed) || held.grow(bytes.saturating_mul(COPIES)) {
            return Ok(());
        }
        self.pressure.metrics.turned_away("bytes");
        Err(NoRoom)
    }
}

/// A body cannot be taken in now.
#[derive(Debug)]
pub struct NoRoom;

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no room for the body")
    }
}

impl Error for NoRoom {}

struct Counted {
    body: Body,
    coming: Arc<Coming>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let bytes = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        Poll::Ready(match self.coming.take(bytes) {
            Ok(()) => frame,
            Err(no_room) => Some(Err(axum::Error::new(no_room))),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer on its way: its bytes hold their room until they have been written.
struct Leaving {
    body: Body,
    held: Option<Held>,
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let held = |bytes: Bytes| match self.held.take() {
            Some(held) => held.with(bytes),
            None => bytes,
        };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(held))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http_body_util::BodyExt;

    use super::*;
    use crate::web::form;

    fn pressure(bytes: usize) -> Arc<Pressure> {
        let bounds = Bounds { requests: 3, bytes, ..Bounds::default() };
        Arc::new(Pressure::new(bounds, Arc::default()))
    }

    fn refused<T>(outcome: Result<T, Problem>) -> bool {
        outcome.err() == Some(Problem::SERVICE_UNAVAILABLE)
    }

    #[test]
    fn there_is_room_for_so_many_and_again_when_they_are_gone() {
        let pressure = pressure(1);
        let held: Vec<_> = (0..3).map(|_| pressure.request()).collect();
        assert!(refused(pressure.request()));
        drop(held);
        assert!(pressure.request().is_ok());
        let asking = [pressure.asking(), pressure.asking()];
        assert!(asking.iter().all(Result::is_ok) && refused(pressure.asking()), "half of all, and one more");
    }

    #[tokio::test]
    async fn a_long_body_is_counted_until_it_is_answered_and_a_short_one_never() {
        let pressure = pressure(COPIES * 3 * SHORT);
        let come = async |length: usize| {
            let mut extensions = Extensions::new();
            let (body, coming) = pressure.body(Body::from(vec![b'x'; length]), &mut extensions);
            (form::read(&HeaderMap::new(), body).await.map(|bytes| bytes.len()), coming)
        };
        let (short, _) = come(SHORT).await;
        assert_eq!((short, pressure.bytes()), (Ok(SHORT), 0));
        let (long, first) = come(2 * SHORT).await;
        assert_eq!((long, pressure.bytes()), (Ok(2 * SHORT), COPIES * 2 * SHORT));
        let (too_much, second) = come(2 * SHORT).await;
        assert!(refused(too_much));
        drop((first, second));
        assert_eq!(pressure.bytes(), 0);
    }

    #[tokio::test]
    async fn what_is_passed_on_is_not_counted() {
        let pressure = pressure(1);
        let mut extensions = Extensions::new();
        let (body, _coming) = pressure.body(Body::from(vec![b'x'; 1 << 20]), &mut extensions);
        Coming::pass_on(&extensions);
        assert_eq!(body.collect().await.expect("it comes").to_bytes().len(), 1 << 20);
    }

    #[tokio::test]
    async fn an_answer_is_counted_until_its_bytes_are_gone_and_only_a_read_is_turned_away() {
        let pressure = pressure(2 * SHORT);
        let long = || answer::json(200, vec![b'1'; 2 * SHORT]);
        let response = pressure.answer(&Method::GET, long(), &mut Note::default());
        assert_eq!(response.body().size_hint().exact(), Some(2 * SHORT as u64));
        let bytes = response.into_body().collect().await.expect("it is there").to_bytes();
        assert_eq!(pressure.bytes(), 2 * SHORT, "somebody has them still");
        assert_eq!(pressure.answer(&Method::GET, long(), &mut Note::default()).status(), 503);
        let written = pressure.answer(&Method::POST, long(), &mut Note::default());
        assert_eq!((written.status().as_u16(), pressure.bytes()), (200, 4 * SHORT));
        drop((bytes, written));
        assert_eq!(pressure.bytes(), 0);
    }
}
