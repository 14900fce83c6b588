//! Housekeeping: what deletions have left behind is removed in chunks, one write at a time, with a rest after
//! each that is as long.
//!
//! It is woken by a deletion and looks by itself every few seconds, so that what another node deleted, or
//! a server that was killed left, goes too. It keeps nothing in memory: each step reads what is to be done.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use conversations::deliveries::pre_actions;
use conversations::event_streams::deliveries as streams;
use conversations::media::removals;
use conversations::{Failure, deliveries, idempotency, media, purges, tombstones};
use store::Roots;

use crate::app::App;
use crate::listen::Stops;
use crate::stopwatch;

const INTERVAL: Duration = Duration::from_secs(5);

/// Runs until the server stops; a chunk that has begun is finished.
pub async fn run(app: Arc<App>, stops: Stops) {
    while !stops.soft.is_cancelled() {
        let began = stopwatch::start();
        match step(&app).await {
            Ok(ControlFlow::Continue(())) => {
                // The slower the store answers, the more of it is left to others.
                let rest = tokio::time::sleep(began.elapsed().min(INTERVAL));
                stops.soft.run_until_cancelled(rest).await;
                continue;
            }
            Ok(ControlFlow::Break(())) => {}
            Err(Failure::Store(error)) if error.is_busy() => {}
            Err(failure) => tracing::error!("failed to purge: {failure:?}"),
        }
        let woken = tokio::time::timeout(INTERVAL, app.housekeeping.notified());
        stops.soft.run_until_cancelled(woken).await;
    }
}

/// Does what there is to do now, for whoever does not want to wait until it is done by itself.
pub async fn keep_house(app: &App) -> Result<(), Failure> {
    while step(app).await?.is_continue() {}
    Ok(())
}

/// Removes one chunk. Breaks when there is nothing to remove.
async fn step(app: &App) -> Result<ControlFlow<()>, Failure> {
    let kept = i64::try_from(app.settings.webhooks.retention.as_micros()).unwrap_or(i64::MAX);
    if let Some(purge) = app.store.read(purges::next).await? {
        let (ids, is_told) = (Arc::clone(&app.ids), purge.is_told());
        app.store.write(Roots::none(), move |tx| purges::advance(tx, &*ids, &purge)).await?;
        if is_told {
            app.deliveries.notify_one();
            app.streams.notify_one();
        }
    } else if app.store.read(tombstones::has_old).await? {
        app.store.write(Roots::none(), tombstones::prune).await?;
    } else if app.store.read(idempotency::has_old).await? {
        app.store.write(Roots::none(), idempotency::prune).await?;
    } else if app.store.read(move |tx| deliveries::has_old(tx, kept)).await? {
        app.store.write(Roots::none(), move |tx| deliveries::prune(tx, kept)).await?;
    } else if app.store.read(move |tx| pre_actions::has_old(tx, kept)).await? {
        app.store.write(Roots::none(), move |tx| pre_actions::prune(tx, kept)).await?;
    } else if app.store.read(move |tx| streams::has_old(tx, kept)).await? {
        app.store.write(Roots::none(), move |tx| streams::prune(tx, kept)).await?;
    } else if app.store.read(media::has_expired).await? {
        app.store.write(Roots::none(), media::expire).await?;
    } else if !remove_files(app).await? {
        return Ok(ControlFlow::Break(()));
    }
    Ok(ControlFlow::Continue(()))
}

/// Removes some of the files that are to go, and tells whether there were any. Their lines go last: what is
/// interrupted is done again.
async fn remove_files(app: &App) -> Result<bool, Failure> {
    let files = app.store.read(removals::due).await?;
    if files.is_empty() {
        return Ok(false);
    }
    for file in &files {
        app.media.remove(*file).await.map_err(|error| error.reported())?;
    }
    app.store.write(Roots::none(), move |tx| removals::done(tx, &files)).await?;
    Ok(true)
}
