//! Frames on their way to one client, in order.
//!
//! Whoever reads too slowly is cut off: it comes back, says what it has seen, and is shown the rest. An outbox that is
//! empty holds no memory but itself, because most are, for hours. It has one taker, the connection's task; whatever a
//! waiting task leaves here of itself (a [`Waker`]) is woken at most once, outside the lock.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

/// Bytes that wait for one client at most, besides the last frame.
const WAITING: usize = 8 * 1024 * 1024;
/// Bytes that wait for one client at most where too many wait for all of them.
const LITTLE: usize = 64 * 1024;
/// Frames that are taken at a time.
const AT_ONCE: usize = 64;

/// The way to one client. Clones lead to the same one.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

struct Shared {
    /// Frames that wait at most.
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Bytes>,
    /// Frames that have not left: these, and those that were taken.
    waiting: Waiting,
    /// Something has happened to who is there.
    is_doubted: bool,
    is_cut: bool,
    taker: Option<Waker>,
    /// Who ends the connection when it is cut.
    ender: Option<Waker>,
    /// Who waits for room.
    patient: Vec<Waker>,
}

/// How much it is that waits.
#[derive(Clone, Copy, Default)]
pub struct Waiting {
    pub frames: usize,
    pub bytes: usize,
}

/// What a client's task is called for.
pub enum Called {
    /// To send these, and to say when they have left.
    Frames(VecDeque<Bytes>),
    /// To judge again whether the client may stay.
    Doubt,
}

impl Waiting {
    pub fn of(frames: &VecDeque<Bytes>) -> Self {
        Self { frames: frames.len(), bytes: frames.iter().map(Bytes::len).sum() }
    }
}

impl Outbox {
    /// Room for `most` frames that wait, of a few megabytes together.
    pub fn new(most: usize) -> Self {
        Self { shared: Arc::new(Shared { most, state: Mutex::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a whole frame, which may be shared with others. Never waits.
    pub fn send(&self, frame: Bytes) {
        let mut state = self.state();
        if state.is_cut {
            return;
        }
        if state.waiting.bytes > WAITING || state.waiting.frames >= self.shared.most {
            drop(state);
            self.cut();
            return;
        }
        state.waiting.frames += 1;
        state.waiting.bytes += frame.len();
        state.frames.push_back(frame);
        wake(state, |state| &mut state.taker);
    }

    /// Has it judged again whether the client may stay.
    pub fn doubt(&self) {
        let mut state = self.state();
        state.is_doubted = true;
        wake(state, |state| &mut state.taker);
    }

    /// Waits until there is something to do. Only one may wait.
    pub async fn called(&self) -> Called {
        poll_fn(|context| {
            let mut state = self.state();
            if state.is_doubted {
                state.is_doubted = false;
                return Poll::Ready(Called::Doubt);
            }
            if !state.frames.is_empty() {
                return Poll::Ready(Called::Frames(state.take()));
            }
            register(&mut state.taker, context);
            Poll::Pending
        })
        .await
    }

    /// Frames that wait, if any, of which is to be said when they have left.
    pub fn take(&self) -> VecDeque<Bytes> {
        self.state().take()
    }

    /// Whether something was doubted since this was last asked.
    pub fn is_doubted(&self) -> bool {
        mem::take(&mut self.state().is_doubted)
    }

    /// So much of what was taken waits no longer.
    pub fn left(&self, Waiting { frames, bytes }: Waiting) {
        let mut state = self.state();
        state.waiting.frames = state.waiting.frames.saturating_sub(frames);
        state.waiting.bytes = state.waiting.bytes.saturating_sub(bytes);
        if !state.patient.is_empty() && self.has_room(&state) {
            let patient = mem::take(&mut state.patient);
            drop(state);
            patient.into_iter().for_each(Waker::wake);
        }
    }

    fn has_room(&self, state: &State) -> bool {
        state.is_cut || state.waiting.frames <= self.shared.most / 2
    }

    /// Waits until half of the room is free, or the connection ends.
    pub async fn room(&self) {
        poll_fn(|context| {
            let mut state = self.state();
            if self.has_room(&state) {
                return Poll::Ready(());
            }
            if !state.patient.iter().any(|waker| waker.will_wake(context.waker())) {
                state.patient.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Ends the connection, and forgets what waits for it.
    pub fn cut(&self) {
        let mut state = self.state();
        state.is_cut = true;
        state.frames = VecDeque::new();
        let patient = mem::take(&mut state.patient);
        wake(state, |state| &mut state.ender);
        patient.into_iter().for_each(Waker::wake);
    }

    /// Ends the connection where much waits for it.
    pub fn yield_room(&self) {
        if self.state().waiting.bytes > LITTLE {
            self.cut();
        }
    }

    /// Whether the connection ends: it is so before the hub is told that it is gone.
    pub fn is_over(&self) -> bool {
        self.state().is_cut
    }

    /// Waits until the connection is to end. Only one may wait.
    pub async fn is_cut(&self) {
        poll_fn(|context| {
            let mut state = self.state();
            if state.is_cut {
                return Poll::Ready(());
            }
            register(&mut state.ender, context);
            Poll::Pending
        })
        .await;
    }
}

impl State {
    fn take(&mut self) -> VecDeque<Bytes> {
        if self.frames.len() <= AT_ONCE {
            return mem::take(&mut self.frames);
        }
        self.frames.drain(..AT_ONCE).collect()
    }
}

fn register(place: &mut Option<Waker>, context: &Context<'_>) {
    if !place.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
        *place = Some(context.waker().clone());
    }
}

/// Whoever is woken may want the lock at once.
fn wake(mut state: MutexGuard<'_, State>, place: impl FnOnce(&mut State) -> &mut Option<Waker>) {
    let waker = place(&mut state).take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn frame() -> Bytes {
        Bytes::from_static(b"abc")
    }

    fn taken(outbox: &Outbox) -> usize {
        let frames = outbox.take();
        outbox.left(Waiting::of(&frames));
        frames.len()
    }

    #[test]
    fn who_does_not_read_is_cut_off_by_frames_and_by_bytes() {
        let outbox = Outbox::new(2);
        for _ in 0..5 {
            outbox.send(frame());
            assert_eq!(taken(&outbox), 1);
        }
        outbox.send(frame());
        assert_eq!(outbox.take().len(), 1);
        // What was taken has not left.
        outbox.send(frame());
        assert!(!outbox.is_over());
        outbox.send(frame());
        assert!(outbox.is_over() && outbox.is_cut().now_or_never().is_some());
        assert!(outbox.take().is_empty(), "nobody will send it");

        let outbox = Outbox::new(100);
        outbox.send(Bytes::from(vec![0; LITTLE]));
        outbox.yield_room();
        assert!(!outbox.is_over());
        outbox.send(frame());
        outbox.yield_room();
        assert!(outbox.is_over());

        let outbox = Outbox::new(100);
        let frame = Bytes::from(vec![0; WAITING / 2]);
        for _ in 0..3 {
            outbox.send(frame.clone());
            assert!(!outbox.is_over());
        }
        outbox.send(frame);
        assert!(outbox.is_over());
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let outbox = Outbox::new(200);
        assert!(outbox.called().now_or_never().is_none());
        let sender = outbox.clone();
        let (called, ()) = tokio::join!(outbox.called(), async { sender.send(frame()) });
        assert!(matches!(called, Called::Frames(frames) if frames.len() == 1));
        let (called, ()) = tokio::join!(outbox.called(), async { sender.doubt() });
        assert!(matches!(called, Called::Doubt));
        for _ in 0..150 {
            outbox.send(frame());
        }
        assert!(outbox.room().now_or_never().is_none());
        let taking = async {
            assert_eq!([taken(&sender), taken(&sender), taken(&sender)], [64, 64, 22]);
        };
        tokio::join!(outbox.room(), outbox.room(), taking);
        tokio::join!(outbox.is_cut(), async { sender.cut() });
    }
}
