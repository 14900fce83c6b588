//! Keeps what pre-action webhooks were asked, for people to see.
//!
//! Whoever asked waits for none of it: what was asked is noted in memory, and a task of its own writes what
//! has come together, many to a write. So a server that is killed loses the last of it, and so does one that is
//! asked for more than its store takes in; how much that was is counted. Nothing is done with these rows but
//! to show them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use conversations::deliveries::pre_actions::{self, PreAction};
use store::{Roots, StoreError};
use tokio::sync::Notify;

use crate::app::App;
use crate::listen::Stops;

/// What is in memory at most. A row may have some ten kilobytes.
const MOST: usize = 512;
/// Rows that one write takes.
const AT_ONCE: usize = 64;

/// What is to be written down.
#[derive(Default)]
pub struct Noted {
    waiting: Mutex<VecDeque<PreAction>>,
    wake: Notify,
    /// Held by who writes, so that whoever comes next finds all of it written.
    writing: tokio::sync::Mutex<()>,
}

impl Noted {
    fn take(&self) -> Vec<PreAction> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(AT_ONCE);
        waiting.drain(..count).collect()
    }
}

/// Notes what was asked.
pub fn note(app: &App, asked: PreAction) {
    let mut waiting = app.noted.waiting.lock().unwrap_or_else(PoisonError::into_inner);
    if waiting.len() >= MOST {
        app.metrics.pre_actions_unrecorded.inc();
        return;
    }
    waiting.push_back(asked);
    app.noted.wake.notify_one();
}

/// Writes down what was noted so far. What cannot be written is lost.
pub async fn write_down(app: &App) {
    let _writing = app.noted.writing.lock().await;
    loop {
        let noted = app.noted.take();
        let count = noted.len();
        if count == 0 {
            return;
        }
        let write =
            move |tx: &mut store::Tx<'_>| noted.iter().try_for_each(|asked| pre_actions::add(tx, asked));
        if let Err::<_, StoreError>(error) = app.store.write(Roots::none(), write).await {
            app.metrics.pre_actions_unrecorded.inc_by(count as u64);
            if !error.is_busy() {
                tracing::error!("failed to write down what pre-action webhooks were asked: {error}");
            }
        }
    }
}

/// Runs until the server stops. Requests that run may still ask; what they note is for the end.
pub async fn run(app: Arc<App>, stops: Stops) {
    while !stops.soft.is_cancelled() {
        write_down(&app).await;
        stops.soft.run_until_cancelled(app.noted.wake.notified()).await;
    }
}
