//! One client that is connected: who it is, and the way to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use conversations::push_credentials::PushCredential;
use conversations::{Account, Actor, Call, Client, Owned, Scope, Service, Source};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use wire::Sid;

use crate::app::App;

/// A connection whose token holds.
pub struct Connected {
    /// Of this server's connections.
    pub number: u64,
    pub account_sid: Sid<Account>,
    /// The service of the token.
    pub service_sid: Sid<Service>,
    /// Who is connected. A new token changes neither identity nor service.
    pub client: Arc<Client>,
    pub owned: Arc<Owned>,
    pub is_streamed: bool,
    /// Through which credential devices that this client registers are notified.
    pub push_credential_sid: Option<Sid<PushCredential>>,
    /// Scheme and host that the client came by.
    pub base_url: Arc<str>,
    pub outbox: Outbox,
}

impl Connected {
    /// A call on behalf of this client. `path` is what a 404 names.
    pub fn call(&self, app: &App, path: &str) -> Call {
        Call {
            account_sid: self.account_sid,
            service_sid: self.service_sid,
            scope: Scope::Client,
            actor: Actor::Client(Arc::clone(&self.client)),
            source: Source::Sdk,
            hooks: true,
            is_streamed: self.is_streamed,
            limits: app.settings.limits,
            owned: Arc::clone(&self.owned),
            base_url: Arc::clone(&self.base_url),
            path: path.to_owned(),
            ids: Arc::clone(&app.ids),
            vault: Arc::clone(&app.vault),
            rehearsal: None,
        }
    }
}

/// Bytes that wait for one client at most, besides the last frame.
const WAITING: usize = 8 * 1024 * 1024;

/// Bytes that wait for one client at most where too many wait for all of them.
const LITTLE: usize = 64 * 1024;

/// Frames on their way to one client, in order. Whoever reads too slowly is cut off: it comes back, says what it has
/// seen, and is shown the rest.
#[derive(Clone)]
pub struct Outbox {
    frames: mpsc::Sender<Bytes>,
    cut: CancellationToken,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Bytes of the frames that wait.
    waiting: AtomicUsize,
    /// Something has happened to who is there.
    doubt: Notify,
}

impl Outbox {
    /// Room for `frames` frames that wait, of a few megabytes together. `cut` is cancelled when there is no more.
    pub fn new(frames: usize, cut: CancellationToken) -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(frames);
        (Self { frames: sender, cut, shared: Arc::default() }, receiver)
    }

    /// Waits until half of the room is free, or nobody reads any more.
    pub async fn room(&self) {
        let _ = self.frames.reserve_many(self.frames.max_capacity() / 2).await;
    }

    /// Whether the connection ends: it is so before the hub is told that it is gone.
    pub fn is_over(&self) -> bool {
        self.cut.is_cancelled() || self.frames.is_closed()
    }

    /// Has it judged again whether the client may stay.
    pub fn doubt(&self) {
        self.shared.doubt.notify_one();
    }

    /// Waits until somebody doubts that.
    pub async fn doubted(&self) {
        self.shared.doubt.notified().await;
    }

    /// Ends the connection.
    pub fn cut(&self) {
        self.cut.cancel();
    }

    /// Sends a whole frame, which may be shared with others. Never waits.
    pub fn send(&self, frame: Bytes) {
        let length = frame.len();
        let is_full = self.shared.waiting.fetch_add(length, Ordering::Relaxed) > WAITING;
        if is_full || self.frames.try_send(frame).is_err() {
            self.cut.cancel();
        }
    }

    /// Ends the connection where much waits for it.
    pub fn yield_room(&self) {
        if self.shared.waiting.load(Ordering::Relaxed) > LITTLE {
            self.cut.cancel();
        }
    }

    /// A frame of this length waits no longer.
    pub fn taken(&self, length: usize) {
        self.shared.waiting.fetch_sub(length, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_read_is_cut_off_by_frames_and_by_bytes() {
        let cut = CancellationToken::new();
        let (outbox, mut frames) = Outbox::new(2, cut.clone());
        for _ in 0..5 {
            outbox.send(Bytes::from_static(b"abc"));
            outbox.taken(frames.try_recv().expect("it waits").len());
        }
        outbox.send(Bytes::from_static(b"abc"));
        outbox.send(Bytes::from_static(b"abc"));
        assert!(!cut.is_cancelled());
        outbox.send(Bytes::from_static(b"abc"));
        assert!(cut.is_cancelled());

        let cut = CancellationToken::new();
        let (outbox, _frames) = Outbox::new(100, cut.clone());
        outbox.send(Bytes::from(vec![0; LITTLE]));
        outbox.yield_room();
        assert!(!cut.is_cancelled());
        outbox.send(Bytes::from_static(b"abc"));
        outbox.yield_room();
        assert!(cut.is_cancelled());

        let cut = CancellationToken::new();
        let (outbox, _frames) = Outbox::new(100, cut.clone());
        let frame = Bytes::from(vec![0; WAITING / 2]);
        for _ in 0..3 {
            assert!(!cut.is_cancelled());
            outbox.send(frame.clone());
        }
        outbox.send(frame);
        assert!(cut.is_cancelled());
    }
}
