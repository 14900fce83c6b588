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

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use conversations::Failure;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::task::TaskTracker;
use wire::{Problem, Timestamp};

use super::connection::{End, Entered, Socket, binary, broken};
use super::finished::Finished;
use super::frame::{self, Frame, Status};
use super::outbox::{Called, Waiting};
use super::{Connected, Reply, Request, requests, sign_in, tunnelled};
use crate::app::App;
use crate::listen::Stops;
use crate::stopwatch;
use crate::web::access_token::Granted;

/// Requests of one client that run, or whose replies wait to leave.
const REQUESTS: usize = 64;
/// How long before its end a client is told to get a new token.
const WARNING: i64 = 3 * 60 * 1_000_000;
/// How often a token is judged again, in microseconds.
const JUDGED: i64 = 60 * 1_000_000;
/// How often a manual clock is looked at, which tells nobody that it was moved.
const MANUAL_TICK: Duration = Duration::from_millis(50);
/// So much later than it is due something may be done.
const TOLERANCE: Duration = Duration::from_millis(1);

/// Answers a request that began then, where there is room for it and for its reply.
async fn replied(
    app: &Arc<App>,
    connected: &Arc<Connected>,
    (id, request): (&str, Request),
    began: std::time::Instant,
) -> Bytes {
    let turned_away = |problem| {
        requests::refused(app, connected, &problem);
        frame::reply(id, &Reply::problem(&problem))
    };
    let (_place, _room) = match (app.pressure.request(), app.pressure.said(request.body.len())) {
        (Ok(place), Ok(room)) => (place, room),
        (Err(problem), _) | (_, Err(problem)) => return turned_away(problem),
    };
    let method = request.method.clone();
    let reply = frame::reply(id, &requests::serve(app, connected, request, began).await);
    match app.pressure.reply(&method, reply.len()) {
        Ok(Some(held)) => held.with(reply),
        Ok(None) => reply,
        Err(problem) => turned_away(problem),
    }
}

/// Something that ran beside the connection is done.
enum Done {
    /// A request, with its place among those that may run.
    Request(Bytes, OwnedSemaphorePermit),
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
    pub socket: Box<Socket>,
    pub connected: Arc<Connected>,
    token: String,
    /// How many tokens there were before.
    tokens: u64,
    expires_at: Timestamp,
    is_warned: bool,
    judged_at: Timestamp,
    permits: Arc<Semaphore>,
    /// A place for the next request. Without one nothing is read.
    permit: Option<OwnedSemaphorePermit>,
    done: Arc<Finished<Done>>,
    /// By path, what tells that the last change that was asked for there is done.
    lanes: HashMap<String, oneshot::Receiver<()>>,
    /// Notifications that were taken, and have not left.
    notified: Waiting,
    /// Whether anything came since the last ping.
    is_heard: bool,
    ping_at: Instant,
    /// When to look at the latest what is due.
    wake: Pin<Box<Sleep>>,
    tasks: TaskTracker,
    stops: Stops,
}

impl Session {
    pub fn new(
        app: &Arc<App>,
        socket: Box<Socket>,
        entered: Entered,
        (tasks, stops): (TaskTracker, Stops),
    ) -> Self {
        let Entered { granted, connected, token } = entered;
        let ping_at = Instant::now() + app.settings.realtime.ping_interval;
        Self {
            app: Arc::clone(app),
            socket,
            connected: Arc::new(connected),
            token,
            tokens: 0,
            expires_at: granted.expires_at,
            is_warned: false,
            judged_at: app.clock.now(),
            permits: Arc::new(Semaphore::new(REQUESTS)),
            permit: None,
            done: Arc::default(),
            lanes: HashMap::new(),
            notified: Waiting::default(),
            is_heard: true,
            ping_at,
            wake: Box::pin(sleep_until(ping_at)),
            tasks,
            stops,
        }
    }

    /// Ends with the reason.
    pub async fn run(&mut self) -> End {
        let (outbox, stop) = (self.connected.outbox.clone(), self.stops.soft.clone());
        let end = tokio::select! {
            end = self.converse() => end,
            // Also while a frame cannot leave.
            () = outbox.is_cut() => End::Slow,
            () = stop.cancelled() => End::Stopped,
        };
        if matches!(end, End::Stopped) {
            let _ = timeout(self.app.settings.realtime.farewell_time, Box::pin(self.answer_the_rest())).await;
        }
        end
    }

    async fn converse(&mut self) -> End {
        loop {
            let outcome = self.turn().await;
            // Whatever is told leaves before anything else is looked at, and before the end.
            if let Err(end) = self.flush().await.and(outcome) {
                return end;
            }
        }
    }

    /// Waits for one thing to happen, and does what it asks for. What is to be told waits in the socket.
    async fn turn(&mut self) -> Result<(), End> {
        self.look()?;
        if self.socket.is_leaving() {
            return Ok(());
        }
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
                    self.hear(&bytes)?;
                }
            }
            called = self.connected.outbox.called() => match called {
                Called::Frames(frames) => self.notify(frames),
                Called::Doubt => self.judge(),
            },
            done = self.done.next() => self.take(done)?,
            () = self.wake.as_mut() => {}
        }
        Ok(())
    }

    /// Does what is due, and sees to it that it is looked at again in time.
    fn look(&mut self) -> Result<(), End> {
        let now = self.app.clock.now();
        if now >= self.expires_at {
            let problem = Problem { status: 410, ..Problem::ACCESS_TOKEN_EXPIRED };
            return Err(self.part(&problem));
        }
        let warn_at = self.expires_at.saturating_plus_micros(-WARNING);
        if !self.is_warned && now >= warn_at {
            self.is_warned = true;
            self.socket.push(frame::token_about_to_expire());
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
            self.socket.push_ping();
        }
        let due_at = if self.is_warned { self.expires_at } else { warn_at }.min(judge_at);
        let micros = u64::try_from(due_at.micros().saturating_sub(now.micros())).unwrap_or(0);
        let due_in = if self.app.settings.manual_clock.is_some() {
            MANUAL_TICK
        } else {
            Duration::from_micros(micros) + TOLERANCE
        };
        // The clock of the machine may be set: nothing is waited for longer than a ping.
        let wake_at = self.ping_at.min(present + due_in);
        // Setting it costs more than everything else here, and is hardly ever needed.
        if self.wake.is_elapsed() || wake_at + TOLERANCE < self.wake.deadline() {
            self.wake.as_mut().reset(wake_at);
        }
        Ok(())
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
    fn hear(&mut self, bytes: &Bytes) -> Result<(), End> {
        let Frame { header, payload } = Frame::parse(bytes).map_err(broken)?;
        match &*header.method {
            // Acknowledgements of what we have sent, and what was not asked for.
            "reply" | "telemetry.v1" => {}
            "close" => return Err(End::Farewell),
            "message" => {
                let body = bytes.slice(payload);
                match tunnelled::read(header.http_request, header.payload_type, body) {
                    Ok(request) => self.begin(header.id.into_owned(), request),
                    Err(problem) => {
                        requests::refused(&self.app, &self.connected, &problem);
                        self.socket.push(frame::refusal(&header.id, &problem));
                    }
                }
            }
            "update" => self.update(header.id.clone().into_owned(), header.token().unwrap_or_default()),
            "init" => {
                let problem = Problem::CONFLICT;
                self.socket.push(frame::acknowledgement(&header.id, Status::refused(&problem)));
            }
            // Twilio: it has more methods than anybody knows; clients wait for an answer to all of them.
            _ => self.socket.push(frame::acknowledgement(&header.id, Status::OK)),
        }
        Ok(())
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
            Done::Request(replied(&app, &connected, (&id, request), began).await, permit)
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
        let (done, hard) = (Arc::clone(&self.done), self.stops.hard.clone());
        self.tasks.spawn(async move {
            if let Some(outcome) = hard.run_until_cancelled(work).await {
                // Nobody may wait for it any more.
                done.put(outcome);
            }
        });
    }

    fn take(&mut self, done: Done) -> Result<(), End> {
        match done {
            Done::Request(frame, permit) => {
                self.socket.push(frame);
                drop(permit);
                if self.permits.available_permits() + usize::from(self.permit.is_some()) == REQUESTS {
                    // Nothing runs any more, so nobody waits for anybody.
                    self.lanes = HashMap::new();
                }
            }
            Done::Updated(updated) => self.take_update(*updated),
            // Another token came meanwhile, and was judged by itself.
            Done::Judged(tokens, _) if tokens != self.tokens => {}
            Done::Judged(_, outcome) => match *outcome {
                Ok(granted) => self.renew(granted),
                // It comes back when its application has got it another token.
                Err(Failure::Refused(problem)) => {
                    let is_over = problem.code == Problem::ACCESS_TOKEN_EXPIRED.code;
                    let status = if is_over { 410 } else { 401 };
                    return Err(self.part(&Problem { status, ..problem }));
                }
                Err(Failure::Store(error)) => {
                    tracing::warn!("a client's token was not judged again: {error:?}");
                }
            },
        }
        Ok(())
    }

    fn take_update(&mut self, updated: Updated) {
        let Updated { id, token, outcome, permit } = updated;
        match outcome {
            Ok(granted) => {
                self.token = token;
                self.tokens += 1;
                self.expires_at = granted.expires_at;
                (self.is_warned, self.judged_at) = (false, self.app.clock.now());
                self.renew(granted);
                self.socket.push(frame::acknowledgement(&id, Status::OK));
            }
            // The token before stays what it was.
            Err(failure) => {
                let problem = sign_in::told(failure);
                self.socket.push(frame::acknowledgement(&id, Status::refused(&problem)));
            }
        }
        drop(permit);
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
    fn part(&mut self, problem: &Problem) -> End {
        self.socket.push(frame::close(problem));
        End::Farewell
    }

    /// Begins to send notifications.
    fn notify(&mut self, frames: VecDeque<Bytes>) {
        self.notified = Waiting::of(&frames);
        for frame in frames {
            self.socket.push(frame);
        }
    }

    /// Sends whatever is to be told.
    async fn flush(&mut self) -> Result<(), End> {
        self.socket.flush(&self.app).await?;
        if self.notified.frames > 0 {
            self.connected.outbox.left(mem::take(&mut self.notified));
        }
        Ok(())
    }

    /// Reads nothing more, and lets leave what is done until everything that runs is done.
    async fn answer_the_rest(&mut self) -> Result<(), End> {
        self.permit = None;
        let all = u32::try_from(REQUESTS).expect("it is small");
        loop {
            // Also what has left in part.
            self.flush().await?;
            tokio::select! {
                done = self.done.next() => {
                    let outcome = self.take(done);
                    self.flush().await?;
                    outcome?;
                }
                _ = Arc::clone(&self.permits).acquire_many_owned(all) => break,
            }
        }
        // What waits longest comes first, and a client that does not take it is not waited for.
        loop {
            let frames = self.connected.outbox.take();
            if frames.is_empty() {
                return Ok(());
            }
            self.notify(frames);
            self.flush().await?;
        }
    }
}
