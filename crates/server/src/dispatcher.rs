//! The dispatcher: brings deliveries out, a lane at a time.
//!
//! It keeps nothing that would be missed: what waits stands in the store, and a lane is leased before its
//! first delivery is sent, so that any number of nodes share the work. In memory it holds which lanes it has
//! seen, and gives them their turn ([`Board`]): round about among the places they lead to, few at a time to
//! a place that fails or is slow, so that no place keeps others waiting.
//!
//! It is told of writes, knows when the next retry is due, and looks by itself every second for what other
//! nodes have left behind.

mod board;
mod eye;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conversations::Failure;
use conversations::deliveries::{self, LaneKey, Leased, Outcome, Place, TryResult};
use store::StoreError;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::listen::Stops;
use crate::stopwatch;
use crate::webhooks::post_action::{self, Sent};
use board::{Board, Health, Offered};
use eye::{Eye, PAUSE};

/// Lanes that one write leases. Callers may wait for it.
const CHUNK: usize = 16;
/// Deliveries of one lane that are sent before others have their turn.
const IN_A_ROW: usize = 16;
/// After the store has failed.
const FAILED: Duration = Duration::from_millis(250);
/// How long whoever moves a manual clock is kept waiting for webhooks at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// A lane's turn is over.
struct Done {
    lane: LaneKey,
    walked: Option<Walked>,
}

/// How a lane's turn went.
#[derive(Clone, Copy)]
struct Walked {
    health: Health,
    /// Whether more may be due in the lane.
    is_cut: bool,
}

/// A lane that is under way. However it ends, the board is told.
struct Turn {
    lane: LaneKey,
    walked: Option<Walked>,
    done: mpsc::UnboundedSender<Done>,
}

impl Turn {
    fn end(mut self, walked: Walked) {
        self.walked = Some(walked);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Nobody listens any more where the server stops.
        let _ = self.done.send(Done { lane: self.lane.clone(), walked: self.walked });
    }
}

/// Runs until the server stops; what has been sent by then is written down.
pub async fn run(app: Arc<App>, stops: Stops) {
    let (done, mut over) = mpsc::unbounded_channel::<Done>();
    let tasks = TaskTracker::new();
    let (mut board, mut eye) = (Board::default(), Eye::default());
    let mut earliest = now();
    let mut next_look = earliest;
    while !stops.soft.is_cancelled() {
        // Of those whose writes shared a transaction, the first wakes this task: the others are waited for.
        tokio::task::yield_now().await;
        while let Ok(one) = over.try_recv() {
            if is_looked_for_again(&mut board, &one) {
                next_look = next_look.min(earliest);
            }
        }
        if next_look <= now() && !board.is_full() {
            let (pause, wait) = match look(&app, &eye).await {
                Ok(found) => {
                    let is_manual = app.settings.manual_clock.is_some();
                    let (taken, is_over) = offer(&mut board, &found);
                    eye = found.eye.clone();
                    (PAUSE, found.wait(taken, is_over, is_manual))
                }
                Err(error) => {
                    complain("look for deliveries", &error);
                    // It is not asked again at once, whoever writes to it.
                    (FAILED, FAILED)
                }
            };
            (earliest, next_look) = (now() + pause, now() + wait);
        }
        loop {
            let turn = board.take(CHUNK);
            if turn.is_empty() {
                break;
            }
            tasks.spawn(bring(Arc::clone(&app), turn, done.clone(), stops.clone()));
        }
        tokio::select! {
            () = stops.soft.cancelled() => {}
            () = app.deliveries.notified(), if next_look > earliest => next_look = earliest,
            () = sleep_until(next_look), if !board.is_full() => {}
            Some(one) = over.recv() => {
                if is_looked_for_again(&mut board, &one) {
                    next_look = next_look.min(earliest);
                }
            }
        }
    }
    tasks.close();
    stops.hard.run_until_cancelled(tasks.wait()).await;
}

fn is_looked_for_again(board: &mut Board, done: &Done) -> bool {
    let is_offered = board.done(&done.lane, done.walked.map(|walked| walked.health));
    is_offered || done.walked.is_some_and(|walked| walked.is_cut)
}

async fn look(app: &App, eye: &Eye) -> Result<eye::Found, StoreError> {
    let eye = eye.clone();
    app.store.read(move |tx| eye.look(tx, real_now(), eye::PAGE)).await
}

/// Offers what was found. How much of it was new, and whether there was no room for some.
fn offer(board: &mut Board, found: &eye::Found) -> (usize, bool) {
    let (mut taken, mut is_over) = (0, false);
    for waiting in &found.waiting {
        match board.offer(waiting.key.clone(), &waiting.origin) {
            Offered::Taken => taken += 1,
            Offered::Known => {}
            Offered::Over => is_over = true,
        }
    }
    (taken, is_over)
}

/// Sends everything that is due, and answers when it has been. Lanes go side by side.
pub async fn deliver_due(app: &Arc<App>) -> Result<(), StoreError> {
    loop {
        let find = |tx: &mut store::Tx<'_>| deliveries::due(tx, real_now(), &Place::FIRST, eye::PAGE);
        let found = app.store.read::<_, StoreError>(find).await?;
        if found.is_empty() {
            return Ok(());
        }
        let lanes = found.into_iter().map(|waiting| waiting.key).collect();
        let leased = lease(app, lanes).await?;
        let stops = Stops::default();
        futures_util::future::join_all(leased.into_iter().map(|first| walk(app, first, &stops))).await;
    }
}

/// Sends everything that is due, also what somebody else is sending just now, for whoever moves the clock.
/// Endpoints that hang are not waited for without end.
pub async fn settle_due(app: &Arc<App>, patience: &Patience) -> Result<(), StoreError> {
    while !patience.is_over() {
        let Ok(delivered) = tokio::time::timeout(patience.left(), deliver_due(app)).await else { break };
        delivered?;
        if !app.store.read(deliveries::is_any_due).await? {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    app.deliveries.notify_one();
    Ok(())
}

/// How long somebody waits who moves the clock, however many instants it passes.
pub struct Patience(std::time::Instant);

impl Patience {
    /// Begins to wait.
    pub fn begin() -> Self {
        Self(stopwatch::start())
    }

    fn left(&self) -> Duration {
        PATIENCE.saturating_sub(self.0.elapsed())
    }

    fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

/// Leases lanes and brings out what is in them.
async fn bring(app: Arc<App>, lanes: Vec<LaneKey>, done: mpsc::UnboundedSender<Done>, stops: Stops) {
    let turn = |lane| Turn { lane, walked: None, done: done.clone() };
    let turns: Vec<Turn> = lanes.iter().cloned().map(turn).collect();
    let leased = match lease(&app, lanes).await {
        Ok(leased) => leased,
        Err(error) => {
            complain("lease deliveries", &error);
            // Before they are offered again.
            stops.soft.run_until_cancelled(sleep(FAILED)).await;
            return;
        }
    };
    if stops.soft.is_cancelled() {
        return let_go(&app, leased).await;
    }
    let tasks = TaskTracker::new();
    for turn in turns {
        // Where it is not leased, another node has it, or it is empty.
        if let Some(first) = leased.iter().find(|leased| leased.lane == turn.lane) {
            let (app, first, stops) = (Arc::clone(&app), first.clone(), stops.clone());
            tasks.spawn(async move { turn.end(walk(&app, first, &stops).await) });
        }
    }
    tasks.close();
    tasks.wait().await;
}

async fn lease(app: &App, lanes: Vec<LaneKey>) -> Result<Vec<Leased>, StoreError> {
    let length = micros(app.settings.webhooks.lease);
    let roots = deliveries::roots(lanes.iter());
    let ids = Arc::clone(&app.ids);
    let run = move |tx: &mut store::Tx<'_>| {
        // A lease begins when it is written, however long the write has waited.
        let real = real_now();
        deliveries::lease(tx, &*ids, &lanes, (real, real.saturating_add(length)))
    };
    app.store.write_behind(roots, run).await
}

/// Leaves lanes to others at once: this server stops.
async fn let_go(app: &App, leased: Vec<Leased>) {
    let roots = deliveries::roots(leased.iter().map(|leased| &leased.lane));
    let run = move |tx: &mut store::Tx<'_>| {
        let now = tx.now();
        leased.iter().try_for_each(|leased| deliveries::release(tx, leased, now))
    };
    if let Err(error) = app.store.write_behind::<_, StoreError>(roots, run).await {
        complain("leave deliveries to others", &error);
    }
}

/// Sends what is due in a leased lane, one after the other.
async fn walk(app: &App, first: Leased, stops: &Stops) -> Walked {
    let mut next = Some(first);
    let mut walked = Walked { health: Health::Good, is_cut: false };
    for sent in 1..=IN_A_ROW {
        let Some(leased) = next.take() else { break };
        let Sent { outcome, is_well } = post_action::send(app, &leased).await;
        let is_last = sent == IN_A_ROW || !is_well || stops.soft.is_cancelled();
        let is_tried_again = matches!(outcome.result, TryResult::Again(_));
        walked.health = if is_well { Health::Good } else { Health::Bad };
        walked.is_cut = is_last && !is_tried_again;
        app.metrics.delivered(outcome.result);
        next = settle(app, leased, outcome, is_last).await;
    }
    walked
}

/// Writes down how it went, and goes on to the next. A store that fails is asked again while the lease holds;
/// after that the delivery is sent again, under its token.
async fn settle(app: &App, leased: Leased, outcome: Outcome, is_last: bool) -> Option<Leased> {
    let length = micros(app.settings.webhooks.lease);
    let roots = deliveries::roots(std::iter::once(&leased.lane));
    let (until, told) = (leased.until, Arc::new((leased, outcome)));
    loop {
        let (told, ids) = (Arc::clone(&told), Arc::clone(&app.ids));
        let run = move |tx: &mut store::Tx<'_>| {
            // A try takes at most half of a lease: while three quarters are left, it need not be written anew.
            let now = real_now();
            let until = if told.0.until.saturating_sub(now) > length / 4 * 3 {
                told.0.until
            } else {
                now.saturating_add(length)
            };
            let until = (!is_last).then_some(until);
            deliveries::settle(tx, &*ids, &told.0, &told.1, until).map_err(Failure::from)
        };
        match app.store.write_behind(roots.clone(), run).await {
            Ok(next) => return next,
            Err(Failure::Store(error)) if real_now() < until && !app.store.is_broken() => {
                complain("write down a delivery", &error);
                sleep(FAILED).await;
            }
            Err(failure) => {
                tracing::error!("failed to write down a delivery: {failure:?}");
                return None;
            }
        }
    }
}

/// A store that is busy has told so itself.
fn complain(what: &str, error: &StoreError) {
    if !error.is_busy() {
        tracing::error!("failed to {what}: {error}");
    }
}

fn now() -> Instant {
    stopwatch::start().into()
}

/// Leases are between nodes, whose clocks are real whatever the product's clock is.
#[expect(clippy::disallowed_methods, reason = "leases use real time")]
pub(crate) fn real_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
