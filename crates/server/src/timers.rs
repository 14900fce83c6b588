//! Timers: conversations become inactive, or closed, when their time comes.
//!
//! The store knows what is due, and nothing is kept here: what fell due while no server ran is fired at
//! start, and of two nodes that find the same timer one fires it. Timers are fired in the order of their
//! time, a bounded chunk to each write and a few writes at a time, so that ten thousand of one instant take
//! seconds and whoever writes meanwhile hardly waits. A chunk that cannot be stored is tried one by one,
//! and one that cannot be fired does not keep those behind it from firing.
//!
//! On the real clock a task waits for the next instant. It is told of writes, and looks by itself every few
//! seconds for what other nodes have set. A manual clock is moved from one instant to the next, and whoever
//! moves it is answered when everything is done, webhooks included as far as they answer. What falls due without a move (a date in the past was
//! given) runs before the request that set it is answered, so that the next request finds it done.

use std::sync::Arc;
use std::time::Duration;

use conversations::timers::{self, Due};
use conversations::{Failure, clocks, deliveries};
use store::{Clock, Roots, StoreError};
use wire::Timestamp;

use crate::app::App;
use crate::clock::ManualClock;
use crate::dispatcher::{self, Patience};
use crate::listen::Stops;

/// How long the task waits at most.
const INTERVAL: Duration = Duration::from_secs(5);
/// After it was told of a write. Many writes are one reason to look.
const PAUSE: Duration = Duration::from_millis(100);
/// Timers that are looked for at a time: as many as four writes fire.
const SCAN: i64 = 100;

/// Runs until the server stops; what has begun is finished.
pub async fn run(app: Arc<App>, stops: Stops) {
    while !stops.soft.is_cancelled() {
        let wait = match look(&app).await {
            Ok(wait) => wait,
            Err(Failure::Store(error)) if error.is_busy() => PAUSE,
            Err(failure) => {
                tracing::error!("failed to fire timers: {failure:?}");
                INTERVAL
            }
        };
        let waiting = async {
            if tokio::time::timeout(wait, app.timers.notified()).await.is_ok() {
                tokio::time::sleep(PAUSE).await;
            }
        };
        stops.soft.run_until_cancelled(waiting).await;
    }
}

/// Fires what is due, and tells how long there is nothing to do.
async fn look(app: &App) -> Result<Duration, Failure> {
    if let Some(clock) = &app.settings.manual_clock {
        // Another node may have moved it.
        clock.move_to(app.store.read(clocks::find).await?.unwrap_or(Timestamp::MIN));
    }
    fire_due(app).await?;
    let now = app.clock.now();
    let next = app.store.read(move |tx| timers::next(tx, now)).await?;
    if app.settings.manual_clock.is_some() {
        return Ok(INTERVAL);
    }
    let micros = next.and_then(|next| u64::try_from(next.micros() - now.micros()).ok());
    Ok(micros.map_or(INTERVAL, |micros| Duration::from_micros(micros).min(INTERVAL)))
}

/// Something was written that may have set a timer.
pub async fn set(app: &App) {
    if app.settings.manual_clock.is_none() {
        app.timers.notify_one();
    } else if let Err(failure) = Box::pin(fire_due(app)).await {
        tracing::error!("failed to fire timers: {failure:?}");
    }
}

/// Fires everything that is due, in its order.
pub async fn fire_due(app: &App) -> Result<(), Failure> {
    // Of one conversation two timers may be due: the second falls due by the firing of the first.
    while sweep(app).await? > 0 {}
    Ok(())
}

/// Goes over all that is due once, and tells how many timers fired. What failed is told in the end.
async fn sweep(app: &App) -> Result<usize, Failure> {
    let now = app.clock.now();
    let (mut after, mut fired, mut failed) = (Due::FIRST, 0, None);
    loop {
        let due = app.store.read(move |tx| timers::due(tx, now, &after, SCAN)).await?;
        let Some(last) = due.last() else { break };
        after = *last;
        match fire(app, &due).await {
            Ok(count) => fired += count,
            Err(Failure::Store(error)) if error.is_busy() => return Err(error.into()),
            Err(failure) => failed = Some(failure),
        }
    }
    failed.map_or(Ok(fired), Err)
}

/// Fires these, at most four chunks, with a write for each.
async fn fire(app: &App, due: &[Due]) -> Result<usize, Failure> {
    let mut chunks = due.chunks(timers::CHUNK);
    let mut next = || fire_chunk(app, chunks.next().unwrap_or_default());
    let done = tokio::join!(next(), next(), next(), next());
    Ok(done.0? + done.1? + done.2? + done.3?)
}

/// Where they cannot be fired together, each is tried alone.
async fn fire_chunk(app: &App, due: &[Due]) -> Result<usize, Failure> {
    match fire_together(app, due).await {
        Err(Failure::Store(error)) if error.is_busy() => Err(error.into()),
        Err(_) if due.len() > 1 => {
            let (mut fired, mut failed) = (0, None);
            for one in due {
                match fire_together(app, std::slice::from_ref(one)).await {
                    Ok(count) => fired += count,
                    Err(failure) => failed = Some(failure),
                }
            }
            failed.map_or(Ok(fired), Err)
        }
        done => done,
    }
}

async fn fire_together(app: &App, due: &[Due]) -> Result<usize, Failure> {
    if due.is_empty() {
        return Ok(0);
    }
    let (roots, due, ids) = (timers::roots(due), due.to_vec(), Arc::clone(&app.ids));
    let fired = app.store.write(roots, move |tx| timers::fire(tx, &*ids, &due)).await;
    app.deliveries.notify_one();
    fired
}

/// Moves a manual clock to `target`, from one instant at which something falls due to the next: a timer, or
/// another try of a delivery. What cannot be fired is told in the end, and does not keep the clock from
/// moving.
pub async fn move_clock(app: &Arc<App>, clock: &ManualClock, target: Timestamp) -> Result<(), Failure> {
    let (mut failed, patience) = (None, Patience::begin());
    loop {
        if let Err(failure) = fire_due(app).await {
            failed = Some(failure);
        }
        if let Err(error) = dispatcher::settle_due(app, &patience).await {
            failed = Some(error.into());
        }
        let now = clock.now();
        if now >= target {
            app.housekeeping.notify_one();
            return failed.map_or(Ok(()), Err);
        }
        let next = app.store.read(move |tx| {
            let timer = timers::next(tx, now)?;
            Ok::<_, StoreError>(timer.into_iter().chain(deliveries::next_due(tx)?).min())
        });
        let instant = next.await?.map_or(target, |next| next.min(target));
        // Kept before anybody sees it: after a crash nothing is later than the clock.
        let keep = app.store.write::<_, StoreError>(Roots::none(), move |tx| clocks::move_to(tx, instant));
        keep.await?;
        clock.move_to(instant);
    }
}
