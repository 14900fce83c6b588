//! One client that has been let in, from then to its last frame.
//!
//! A task for each reads frames, writes frames and keeps the time. Requests run in tasks of their own, so many at a time
//! and no more: while they run, or while their replies have not left, nothing more is read, and whoever sends on without
//! taking what comes back is held up by its own socket. Requests that change something at one path run in the order in
//! which they came. Notifications come through the [`Outbox`], which cuts off who does not keep up.
//!
//! A token is good until it expires, and is judged again every minute, so that a key that was taken back, or a user who
//! was deleted, ends the connection. What cannot be read as a frame ends it too. When the server stops, requests that
//! run are answered, and the socket is dropped: clients come back at once then, and later if they are told to close.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use conversations::Failure;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::{Problem, Timestamp};

use super::connection::{End, Entered, Socket, binary, broken, write};
use super::frame::{self, Frame, Status};
use super::{Connected, Request, requests, sign_in, tunnelled};
use crate::app::App;
use crate::listen::Stops;
use crate::stopwatch;
use crate::web::access_token::Granted;

/// Requests of one client that run, or whose replies wait to leave.
const REQUESTS: usize = 64;
/// How many of them leave before anything else is looked at.
const AT_ONCE: usize = 64;
/// How long before its end a client is told to get a new token.
const WARNING: i64 = 3 * 60 * 1_000_000;
/// How often a token is judged again, in microseconds.
const JUDGED: i64 = 60 * 1_000_000;
/// How often a manual clock is looked at, which tells nobody that it was moved.
const MANUAL_TICK: Duration = Duration::from_millis(50);

/// Something that ran beside the connection is done. Small, because every connection has room for some of them.
enum Done {
    /// A request, with its place among those that may run.
    Request(Box<(Bytes, OwnedSemaphorePermit)>),
    /// A new token was judged.
    Updated(Box<Updated>),
    /// A token was judged again: which one it was of the connection's.
    Judged(u64, Box<Result<Granted, Failure>>),
}

/// What came of a new token.
struct Updated {
    /// The frame's.
    id: String,
    token: String,
    outcome: Result<Granted, Failure>,
    permit: OwnedSemaphorePermit,
}

/// Somebody who has been let in.
pub struct Session {
    app: Arc<App>,
    pub socket: Socket,
    pub connected: Arc<Connected>,
    token: String,
    /// How many tokens there were before.
    tokens: u64,
    expires_at: Timestamp,
    is_warned: bool,
    judged_at: Timestamp,
    notifications: mpsc::Receiver<Bytes>,
    cut: CancellationToken,
    permits: Arc<Semaphore>,
    /// A place for the next request. Without one nothing is read.
    permit: Option<OwnedSemaphorePermit>,
    done: (mpsc::UnboundedSender<Done>, mpsc::UnboundedReceiver<Done>),
    /// By path, what tells that the last change that was asked for there is done.
    lanes: HashMap<String, oneshot::Receiver<()>>,
    /// Whether anything came since the last ping.
    is_heard: bool,
    ping_at: Instant,
    tasks: TaskTracker,
    stops: Stops,
}

impl Session {
    pub fn new(
        app: &Arc<App>,
        socket: Socket,
        entered: Entered,
        (tasks, stops): (TaskTracker, Stops),
    ) -> Self {
        let Entered { granted, connected, token, notifications, cut } = entered;
        Self {
            app: Arc::clone(app),
            socket,
            connected: Arc::new(connected),
            token,
            tokens: 0,
            expires_at: granted.expires_at,
            is_warned: false,
            judged_at: app.clock.now(),
            notifications,
            cut,
            permits: Arc::new(Semaphore::new(REQUESTS)),
            permit: None,
            done: mpsc::unbounded_channel(),
            lanes: HashMap::new(),
            is_heard: true,
            ping_at: Instant::now() + app.settings.realtime.ping_interval,
            tasks,
            stops,
        }
    }

    /// Ends with the reason.
    pub async fn run(&mut self) -> End {
        let (cut, stop) = (self.cut.clone(), self.stops.soft.clone());
        let end = tokio::select! {
            end = self.converse() => end,
            // Also while a frame cannot leave.
            () = cut.cancelled() => End::Slow,
            () = stop.cancelled() => End::Stopped,
        };
        if matches!(end, End::Stopped) {
            let _ = timeout(self.app.settings.realtime.farewell_time, Box::pin(self.answer_the_rest())).await;
        }
        end
    }

    async fn converse(&mut self) -> End {
        loop {
            if let Err(end) = self.turn().await {
                return end;
            }
        }
    }

    /// Waits for one thing to happen, and does what it asks for.
    async fn turn(&mut self) -> Result<(), End> {
        let wake_at = self.look().await?;
        tokio::select! {
            permit = Arc::clone(&self.permits).acquire_owned(), if self.permit.is_none() => {
                self.permit = permit.ok();
                // Who was not listened to has not been silent.
                self.is_heard = true;
            }
            message = self.socket.next(), if self.permit.is_some() => {
                self.is_heard = true;
                if let Some(bytes) = binary(message)? {
                    self.app.metrics.realtime_frames_in.inc();
                    self.hear(&bytes).await?;
                }
            }
            Some(frame) = self.notifications.recv() => self.notify(frame).await?,
            Some(done) = self.done.1.recv() => self.take(done).await?,
            () = self.connected.outbox.doubted() => self.judge(),
            () = sleep_until(wake_at) => {}
        }
        Ok(())
    }

    /// Sends a notification, and some of those that wait behind it.
    async fn notify(&mut self, frame: Bytes) -> Result<(), End> {
        self.write_notification(frame).await?;
        for _ in 1..AT_ONCE {
            let Ok(frame) = self.notifications.try_recv() else { break };
            self.write_notification(frame).await?;
        }
        Ok(())
    }

    async fn write_notification(&mut self, frame: Bytes) -> Result<(), End> {
        let length = frame.len();
        self.write(frame).await?;
        self.connected.outbox.taken(length);
        Ok(())
    }

    /// Does what is due, and tells when to look again.
    async fn look(&mut self) -> Result<Instant, End> {
        let now = self.app.clock.now();
        if now >= self.expires_at {
            let problem = Problem { status: 410, ..Problem::ACCESS_TOKEN_EXPIRED };
            return Err(self.part(&problem).await);
        }
        let warn_at = self.expires_at.saturating_plus_micros(-WARNING);
        if !self.is_warned && now >= warn_at {
            self.is_warned = true;
            self.write(frame::token_about_to_expire()).await?;
        }
        let judge_at = self.judged_at.saturating_plus_micros(JUDGED);
        if now >= judge_at {
            self.judge();
        }
        let present = Instant::now();
        if present >= self.ping_at {
            if !self.is_heard && self.permit.is_some() {
                return Err(End::Gone);
            }
            self.is_heard = false;
            self.ping_at = present + self.app.settings.realtime.ping_interval;
            let ping = self.socket.send(Message::Ping(Bytes::new()));
            if !matches!(timeout(self.app.settings.realtime.write_time, ping).await, Ok(Ok(()))) {
                return Err(End::Gone);
            }
        }
        if self.app.settings.manual_clock.is_some() {
            return Ok(self.ping_at.min(present + MANUAL_TICK));
        }
        let due_at = if self.is_warned { self.expires_at } else { warn_at }.min(judge_at);
        let micros = u64::try_from(due_at.micros().saturating_sub(now.micros())).unwrap_or(0);
        // The clock of the machine may be set: nothing is waited for longer than a ping.
        Ok(self.ping_at.min(present + Duration::from_micros(micros) + Duration::from_millis(1)))
    }

    /// Begins to judge again whether the client may stay.
    fn judge(&mut self) {
        self.judged_at = self.app.clock.now();
        let (app, token, tokens) = (Arc::clone(&self.app), self.token.clone(), self.tokens);
        let user_sid = self.connected.client.user_sid;
        self.beside(
            async move { Done::Judged(tokens, Box::new(sign_in::stay(&app, &token, user_sid).await)) },
        );
    }

    /// Does what a frame says.
    async fn hear(&mut self, bytes: &Bytes) -> Result<(), End> {
        let Frame { header, payload } = Frame::parse(bytes).map_err(broken)?;
        match &*header.method {
            // Acknowledgements of what we have sent, and what was not asked for.
            "reply" | "telemetry.v1" => Ok(()),
            "close" => Err(End::Farewell),
            "message" => {
                let body = bytes.slice(payload);
                match tunnelled::read(header.http_request, header.payload_type, body) {
                    Ok(request) => {
                        self.begin(header.id.into_owned(), request);
                        Ok(())
                    }
                    Err(problem) => {
                        requests::refused(&self.app, &self.connected, &problem);
                        self.write(frame::refusal(&header.id, &problem)).await
                    }
                }
            }
            "update" => {
                self.update(header.id.clone().into_owned(), header.token().unwrap_or_default());
                Ok(())
            }
            "init" => {
                let problem = Problem::CONFLICT;
                self.write(frame::acknowledgement(&header.id, Status::refused(&problem))).await
            }
            // Twilio: it has more methods than anybody knows; clients wait for an answer to all of them.
            _ => self.write(frame::acknowledgement(&header.id, Status::OK)).await,
        }
    }

    /// Begins to answer a request.
    fn begin(&mut self, id: String, request: Request) {
        let permit = self.permit.take().expect("nothing is read without one");
        let began = stopwatch::start();
        let turn = (request.method != http::Method::GET).then(|| self.in_lane(&request.path));
        let (app, connected) = (Arc::clone(&self.app), Arc::clone(&self.connected));
        self.beside(async move {
            let (before, _after) = turn.unzip();
            if let Some(before) = before.flatten() {
                // It ends by being dropped.
                let _ = before.await;
            }
            let reply = requests::serve(&app, &connected, request, began).await;
            Done::Request(Box::new((frame::reply(&id, &reply), permit)))
        });
    }

    /// Puts somebody at the end of a lane: what it waits for, and what it drops when it is done.
    fn in_lane(&mut self, path: &str) -> (Option<oneshot::Receiver<()>>, oneshot::Sender<()>) {
        if self.lanes.len() > REQUESTS {
            self.lanes.retain(|_, last| matches!(last.try_recv(), Err(oneshot::error::TryRecvError::Empty)));
        }
        let (after, last) = oneshot::channel();
        (self.lanes.insert(path.to_owned(), last), after)
    }

    /// Begins to judge a new token.
    fn update(&mut self, id: String, token: String) {
        let permit = self.permit.take().expect("nothing is read without one");
        // No request has an empty path: tokens are judged in their order.
        let (before, after) = self.in_lane("");
        let (app, user_sid) = (Arc::clone(&self.app), self.connected.client.user_sid);
        self.beside(async move {
            if let Some(before) = before {
                let _ = before.await;
            }
            let outcome = sign_in::stay(&app, &token, user_sid).await;
            drop(after);
            Done::Updated(Box::new(Updated { id, token, outcome, permit }))
        });
    }

    /// Runs something beside the connection. When the server may not wait any longer, it is left.
    fn beside(&self, work: impl Future<Output = Done> + Send + 'static) {
        let (done, hard) = (self.done.0.clone(), self.stops.hard.clone());
        self.tasks.spawn(async move {
            if let Some(outcome) = hard.run_until_cancelled(work).await {
                // Nobody may wait for it any more.
                let _ = done.send(outcome);
            }
        });
    }

    async fn take(&mut self, done: Done) -> Result<(), End> {
        match done {
            Done::Request(answered) => {
                let (frame, permit) = *answered;
                self.write(frame).await?;
                drop(permit);
                Ok(())
            }
            Done::Updated(updated) => self.take_update(*updated).await,
            // Another token came meanwhile, and was judged by itself.
            Done::Judged(tokens, _) if tokens != self.tokens => Ok(()),
            Done::Judged(_, outcome) => match *outcome {
                Ok(granted) => {
                    self.renew(granted);
                    Ok(())
                }
                // It comes back when its application has got it another token.
                Err(Failure::Refused(problem)) => {
                    let is_over = problem.code == Problem::ACCESS_TOKEN_EXPIRED.code;
                    let status = if is_over { 410 } else { 401 };
                    Err(self.part(&Problem { status, ..problem }).await)
                }
                Err(Failure::Store(error)) => {
                    tracing::warn!("a client's token was not judged again: {error:?}");
                    Ok(())
                }
            },
        }
    }

    async fn take_update(&mut self, updated: Updated) -> Result<(), End> {
        let Updated { id, token, outcome, permit } = updated;
        match outcome {
            Ok(granted) => {
                self.token = token;
                self.tokens += 1;
                self.expires_at = granted.expires_at;
                (self.is_warned, self.judged_at) = (false, self.app.clock.now());
                self.renew(granted);
                self.write(frame::acknowledgement(&id, Status::OK)).await?;
            }
            // The token before stays what it was.
            Err(failure) => {
                let problem = sign_in::told(failure);
                self.write(frame::acknowledgement(&id, Status::refused(&problem))).await?;
            }
        }
        drop(permit);
        Ok(())
    }

    /// What the account is like may have changed since. Requests that run have seen what it was.
    fn renew(&mut self, granted: Granted) {
        let Granted { owned, is_streamed, push_credential_sid, .. } = granted;
        let Connected { number, account_sid, service_sid, .. } = *self.connected;
        let Connected { client, base_url, outbox, .. } = &*self.connected;
        self.connected = Arc::new(Connected {
            number,
            account_sid,
            service_sid,
            client: Arc::clone(client),
            owned,
            is_streamed,
            push_credential_sid,
            base_url: Arc::clone(base_url),
            outbox: outbox.clone(),
        });
    }

    /// Tells the client to go, and why.
    async fn part(&mut self, problem: &Problem) -> End {
        match self.write(frame::close(problem)).await {
            Ok(()) => End::Farewell,
            Err(end) => end,
        }
    }

    async fn write(&mut self, frame: Bytes) -> Result<(), End> {
        write(&self.app, &mut self.socket, frame).await
    }

    /// Reads nothing more, and lets leave what is done until everything that runs is done.
    async fn answer_the_rest(&mut self) -> Result<(), End> {
        self.permit = None;
        loop {
            let all = u32::try_from(REQUESTS).expect("it is small");
            tokio::select! {
                Some(done) = self.done.1.recv() => self.take(done).await?,
                _ = Arc::clone(&self.permits).acquire_many_owned(all) => break,
            }
        }
        // What waits longest comes first, and a client that does not take it is not waited for.
        while let Ok(frame) = self.notifications.try_recv() {
            self.write(frame).await?;
        }
        Ok(())
    }
}
