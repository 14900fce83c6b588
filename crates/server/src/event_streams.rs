//! Streams events to sinks: takes what waits for a sink, many at a time, and sends it.
//!
//! Nothing is kept in memory but which sinks are under way on this node. What waits stands in the store, and
//! a sink is leased before anything is sent there, so that nodes share the work and one that dies leaves
//! others waiting no longer than a lease. A sink that fails rests for a while and loses nothing; it keeps no
//! other one waiting, because a turn is short and ends with the first failure.
//!
//! It is told of writes on this node, and looks by itself every second.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use conversations::event_streams::Sink;
use conversations::event_streams::deliveries::{self, AT_ONCE, Item, Leased, Outcome, Waiting};
use futures_util::future::join_all;
use store::{Roots, StoreError};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use wire::Target;

use crate::app::App;
use crate::dispatcher::{micros, real_now};
use crate::listen::Stops;
use crate::outbound::Asked;
use crate::stopwatch;
use crate::webhooks::request::{Proof, Request, token_of};

/// How long a sink is leased: longer than the longest turn.
const LEASE: Duration = Duration::from_secs(30);
/// No request of a turn begins later.
const TURN: Duration = Duration::from_secs(15);
/// How long a sink may take to answer.
// Twilio: five seconds, and its connection overrides do not hold here.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long it waits at most before it looks.
const INTERVAL: Duration = Duration::from_secs(1);
/// Sinks that are under way on this node.
const SINKS: usize = 256;
/// Requests to one sink at a time.
const SIDE_BY_SIDE: usize = 8;
/// Bytes of a body, unless one event alone has more.
const BODY: usize = 1024 * 1024;

/// Runs until the server stops; what has been sent by then is written down.
pub async fn run(app: Arc<App>, stops: Stops) {
    let (done, mut over) = mpsc::unbounded_channel();
    let tasks = TaskTracker::new();
    let mut under_way: HashSet<Waiting> = HashSet::new();
    while !stops.soft.is_cancelled() {
        let found = if under_way.len() < SINKS { look(&app).await } else { Ok(Vec::new()) };
        match found {
            Ok(found) => {
                for waiting in found {
                    if under_way.len() < SINKS && under_way.insert(waiting) {
                        let (app, done) = (Arc::clone(&app), done.clone());
                        tasks.spawn(async move {
                            report(turn(&app, waiting).await);
                            // Nobody listens any more where the server stops.
                            let _ = done.send(waiting);
                        });
                    }
                }
            }
            Err(error) => report(Err(error)),
        }
        tokio::select! {
            () = stops.soft.cancelled() => {}
            () = app.streams.notified() => {}
            () = tokio::time::sleep(INTERVAL) => {}
            Some(waiting) = over.recv() => drop(under_way.remove(&waiting)),
        }
        while let Ok(waiting) = over.try_recv() {
            under_way.remove(&waiting);
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// Sends everything that is due, and answers when it has been tried.
pub async fn stream_due(app: &Arc<App>) -> Result<(), StoreError> {
    loop {
        let found = look(app).await?;
        if found.is_empty() {
            return Ok(());
        }
        for outcome in join_all(found.into_iter().map(|waiting| turn(app, waiting))).await {
            outcome?;
        }
    }
}

async fn look(app: &App) -> Result<Vec<Waiting>, StoreError> {
    let (real, limit) = (real_now(), i64::try_from(SINKS).unwrap_or(i64::MAX));
    app.store.read(move |tx| deliveries::waiting(tx, real, limit)).await
}

fn report(outcome: Result<(), StoreError>) {
    match outcome {
        Err(error) if !error.is_busy() => tracing::error!("failed to stream events: {error}"),
        _ => {}
    }
}

/// Leases a sink, sends what is due there, and writes down how that went. Where it cannot be written the
/// lease lapses, and the same is sent again.
async fn turn(app: &App, waiting: Waiting) -> Result<(), StoreError> {
    let real = real_now();
    let until = real.saturating_add(micros(LEASE));
    let roots = Roots::one(Sink::root(waiting.sid));
    let leased =
        app.store.write(roots.clone(), move |tx| deliveries::lease(tx, waiting, (real, until))).await?;
    let Some(leased) = leased else { return Ok(()) };
    let outcome = send(app, &leased).await;
    let (arrived, failed) = (outcome.arrived.len(), outcome.failed.len());
    let given_up = app.store.write(roots, move |tx| deliveries::settle(tx, &leased, &outcome)).await?;
    app.metrics.streamed(arrived as u64, failed as u64, given_up);
    Ok(())
}

async fn send(app: &App, leased: &Leased) -> Outcome {
    let began = stopwatch::start();
    let mut outcome = Outcome::default();
    let groups = groups(&leased.items, leased.batch_events);
    for wave in groups.chunks(SIDE_BY_SIDE) {
        if !outcome.failed.is_empty() || began.elapsed() > TURN {
            break;
        }
        let requests = wave.iter().map(|group| async {
            let items = &leased.items[group.clone()];
            (items, ask(app, leased, items).await)
        });
        for (items, answer) in join_all(requests).await {
            let (chance, why) = answer;
            outcome.chance = chance;
            match why {
                None => outcome.arrived.extend_from_slice(items),
                Some(why) => outcome.failed.extend(items.iter().map(|item| (item.clone(), why.clone()))),
            }
        }
    }
    outcome
}

/// Sends some events in one request. Answers something that is as good as chance, and why they have not
/// arrived where they have not.
async fn ask(app: &App, leased: &Leased, items: &[Item]) -> (u8, Option<String>) {
    let Waiting { sid, account_sid } = leased.waiting;
    let Some(target) = Target::parse(&leased.destination) else {
        return (0, Some("the destination leads nowhere".to_owned()));
    };
    let Some(auth_token) = app.vault.open(account_sid.as_bytes(), &leased.auth_token) else {
        return (
            0,
            Some("the account's auth token cannot be read: the master key is another one".to_owned()),
        );
    };
    let events: Vec<_> = items.iter().map(|item| item.event.as_str()).collect();
    let body = Bytes::from(format!("[{}]", events.join(",")));
    let token = token_of(&body);
    let chance = u8::from_str_radix(&token[..2], 16).unwrap_or_default();
    let standard = app.settings.webhooks.standard_signature;
    let standard = standard.then(|| app.clock.now().unix_seconds());
    let proof = Proof { auth_token: &auth_token, idempotency_token: &token, standard };
    let Request { method, url, headers, body, .. } = Request::json(&target, body, proof);
    let began = stopwatch::start();
    let asked = Asked { method, url, headers, body, connect: None, total: TIMEOUT, most: 1024 };
    let answer = app.outbound.ask(asked).await;
    let why = match &answer {
        Ok(answered) if (200..300).contains(&answered.status) => None,
        Ok(answered) => Some(format!("it answered {}", answered.status)),
        Err(failed) => Some(failed.words().to_owned()),
    };
    tracing::info!(
        sink = %sid,
        account_sid = %account_sid,
        events = items.len(),
        status = answer.as_ref().ok().map(|answered| answered.status),
        error = why,
        milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "event stream"
    );
    (chance, why)
}

/// What goes into one request: one event where they are not to be batched, otherwise many, and the fewer the
/// oftener they have failed, so that one that is refused does not keep others back.
fn groups(items: &[Item], is_batched: bool) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let (mut limit, mut bytes) = (0, 0);
    for (at, item) in items.iter().enumerate() {
        let tries = u32::try_from(item.tries).unwrap_or(u32::MAX);
        let own = if is_batched { AT_ONCE.checked_shr(tries).unwrap_or(0).max(1) } else { 1 };
        match groups.last_mut() {
            Some(group) if group.len() < own.min(limit) && bytes + item.event.len() <= BODY => {
                group.end = at + 1;
                limit = limit.min(own);
                bytes += item.event.len();
            }
            _ => {
                groups.push(at..at + 1);
                (limit, bytes) = (own, item.event.len());
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(given: &[(i64, usize)]) -> Vec<Item> {
        (0..)
            .zip(given)
            .map(|(number, (tries, bytes))| Item { number, event: "x".repeat(*bytes), tries: *tries })
            .collect()
    }

    #[test]
    fn what_has_failed_goes_out_in_ever_smaller_company() {
        let fresh = items(&[(0, 10); 100]);
        assert_eq!(groups(&fresh, true), vec![0..100]);
        assert_eq!(groups(&fresh, false).len(), 100);
        assert_eq!(groups(&items(&[(1, 10); 100]), true), [0..50, 50..100]);
        assert_eq!(
            groups(&items(&[(0, 1), (6, 1), (0, 1), (90, 1), (90, 1)]), true),
            [0..1, 1..2, 2..3, 3..4, 4..5]
        );
        assert_eq!(groups(&[], true), []);
    }

    #[test]
    fn a_body_has_its_bounds() {
        assert_eq!(
            groups(&items(&[(0, BODY / 2), (0, BODY / 2), (0, 1), (0, 2 * BODY)]), true),
            [0..2, 2..3, 3..4]
        );
    }
}
