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

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conversations::Failure;
use conversations::deliveries::{self, LaneKey, Leased, Waiting};
use store::StoreError;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::listen::Stops;
use crate::webhooks::post_action;
use board::{Board, Health};

/// How long a lane is leased: longer than the longest try, and what a node that dies leaves others waiting.
const LEASE: Duration = Duration::from_secs(30);
/// How long the dispatcher waits at most before it looks.
const INTERVAL: Duration = Duration::from_secs(1);
/// Lanes that are looked for at a time.
const LOOK: i64 = 512;
/// Lanes that one write leases.
const CHUNK: usize = 64;
/// Deliveries of one lane that are sent before others have their turn.
const IN_A_ROW: usize = 16;

/// A lane's turn is over.
struct Done {
    lane: LaneKey,
    health: Option<Health>,
}

/// Runs until the server stops; what has been sent by then is written down.
pub async fn run(app: Arc<App>, stops: Stops) {
    let (done, mut over) = mpsc::unbounded_channel::<Done>();
    let tasks = TaskTracker::new();
    let mut board = Board::default();
    let mut last: Option<Waiting> = None;
    while !stops.soft.is_cancelled() {
        let mut wait = INTERVAL;
        match look(&app, last.as_ref()).await {
            Ok(found) => {
                let is_all = found.len() < usize::try_from(LOOK).unwrap_or(usize::MAX);
                last = if is_all { None } else { found.last().cloned() };
                if !is_all {
                    wait = Duration::ZERO;
                }
                found.into_iter().for_each(|waiting| board.offer(waiting.key, &waiting.origin));
            }
            Err(error) if error.is_busy() => {}
            Err(error) => tracing::error!("failed to look for deliveries: {error}"),
        }
        loop {
            let turn = board.take(CHUNK);
            if turn.is_empty() {
                break;
            }
            wait = wait.min(INTERVAL);
            tasks.spawn(bring(Arc::clone(&app), turn, done.clone(), stops.clone()));
        }
        if let Ok(Some(next)) = app.store.read(deliveries::next_due).await {
            let micros = next.micros().saturating_sub(app.clock.now().micros());
            wait = wait.min(Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
        }
        tokio::select! {
            () = stops.soft.cancelled() => {}
            () = app.deliveries.notified() => {}
            () = tokio::time::sleep(wait), if !board.is_full() => {}
            Some(one) = over.recv() => board.done(&one.lane, one.health),
        }
        while let Ok(one) = over.try_recv() {
            board.done(&one.lane, one.health);
        }
    }
    tasks.close();
    tasks.wait().await;
}

async fn look(app: &App, after: Option<&Waiting>) -> Result<Vec<Waiting>, StoreError> {
    let (real, after) = (real_now(), after.cloned());
    app.store.read(move |tx| deliveries::due(tx, real, after.as_ref(), LOOK)).await
}

/// Sends everything that is due, and answers when it has been. Lanes go side by side.
pub async fn deliver_due(app: &Arc<App>) -> Result<(), StoreError> {
    loop {
        let found = look(app, None).await?;
        if found.is_empty() {
            return Ok(());
        }
        let lanes = found.into_iter().map(|waiting| waiting.key).collect();
        let leased = lease(app, lanes).await?;
        let stops = Stops::default();
        futures_util::future::join_all(leased.into_iter().map(|first| walk(app, first, &stops))).await;
    }
}

/// Leases lanes and brings out what is in them.
async fn bring(app: Arc<App>, lanes: Vec<LaneKey>, done: mpsc::UnboundedSender<Done>, stops: Stops) {
    let over = |lane: LaneKey, health| {
        // Nobody listens any more where the server stops.
        let _ = done.send(Done { lane, health });
    };
    let leased = match lease(&app, lanes.clone()).await {
        Ok(leased) => leased,
        Err(error) => {
            if !error.is_busy() {
                tracing::error!("failed to lease deliveries: {error}");
            }
            Vec::new()
        }
    };
    let tasks = TaskTracker::new();
    for lane in lanes {
        match leased.iter().find(|leased| leased.lane == lane) {
            // Another node has it, or it is empty.
            None => over(lane, None),
            Some(first) => {
                let (app, first, done, stops) =
                    (Arc::clone(&app), first.clone(), done.clone(), stops.clone());
                tasks.spawn(async move {
                    let health = walk(&app, first, &stops).await;
                    let _ = done.send(Done { lane, health: Some(health) });
                });
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

async fn lease(app: &App, lanes: Vec<LaneKey>) -> Result<Vec<Leased>, StoreError> {
    let real = real_now();
    let until = real.saturating_add(micros(LEASE));
    let roots = deliveries::roots(lanes.iter());
    app.store.write(roots, move |tx| deliveries::lease(tx, &lanes, (real, until))).await
}

/// Sends what is due in a leased lane, one after the other.
async fn walk(app: &App, first: Leased, stops: &Stops) -> Health {
    let mut next = Some(first);
    let mut health = Health::Good;
    for sent in 1..=IN_A_ROW {
        let Some(leased) = next.take() else { break };
        let outcome = post_action::send(app, &leased).await;
        health = Health::of(&outcome);
        app.metrics.delivered(outcome.result);
        let is_last = sent == IN_A_ROW || health == Health::Bad || stops.soft.is_cancelled();
        match settle(app, leased, outcome, is_last).await {
            Ok(more) => next = more,
            // The lease lapses, and the delivery is sent again under its token.
            Err(error) => tracing::error!("failed to write down a delivery: {error:?}"),
        }
    }
    health
}

async fn settle(
    app: &App,
    leased: Leased,
    outcome: deliveries::Outcome,
    is_last: bool,
) -> Result<Option<Leased>, Failure> {
    let roots = deliveries::roots(std::iter::once(&leased.lane));
    let until = (!is_last).then(|| real_now().saturating_add(micros(LEASE)));
    let next = app
        .store
        .write(roots, move |tx| deliveries::settle(tx, &leased, &outcome, until).map_err(Failure::from))
        .await?;
    Ok(next)
}

/// Leases are between nodes, whose clocks are real whatever the product's clock is.
#[expect(clippy::disallowed_methods, reason = "leases use real time")]
fn real_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
