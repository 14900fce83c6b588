//! A closure on its way through a database thread, and the answer on its way back.
//!
//! A job may run several times; the outcome of the last run counts. The answer is given once, by consuming the
//! job. A job that is dropped unanswered tells its caller that the store has stopped.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::opening::Opening;
use crate::roots::Roots;
use crate::tx::Tx;

pub(crate) trait Job: Send {
    fn roots(&self) -> &Roots;
    /// What it runs first, as far as that is known.
    fn openings(&self) -> &[Arc<Opening>];
    /// Adds roots that a run has asked for. Answers how often that has happened.
    fn declare(&mut self, more: &Roots) -> u32;
    /// Whether the caller has left.
    fn is_abandoned(&self) -> bool;
    /// Runs the closure and keeps its outcome. Whether the closure wants its writes kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Replaces the outcome, whatever it was.
    fn fail(&mut self, error: StoreError);
    fn answer(self: Box<Self>);
}

pub(crate) struct Task<T, E, W> {
    work: W,
    roots: Roots,
    openings: Vec<Arc<Opening>>,
    declared: u32,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, W> Task<T, E, W>
where
    W: FnMut(&mut Tx<'_>) -> Result<T, E>,
{
    pub(crate) fn new(
        roots: Roots,
        openings: impl IntoIterator<Item = Opening>,
        work: W,
    ) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        let openings = openings.into_iter().map(Arc::new).collect();
        (Self { work, roots, openings, declared: 0, outcome: None, reply }, answer)
    }
}

impl<T, E, W> Job for Task<T, E, W>
where
    T: Send,
    E: From<StoreError> + Send,
    W: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
{
    fn roots(&self) -> &Roots {
        &self.roots
    }

    fn openings(&self) -> &[Arc<Opening>] {
        &self.openings
    }

    fn declare(&mut self, more: &Roots) -> u32 {
        self.roots.extend(more);
        self.declared += 1;
        self.declared
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        // A closure cannot change what it has captured, so a panic leaves nothing half done that another run
        // could see.
        let outcome = match catch_unwind(AssertUnwindSafe(|| (self.work)(tx))) {
            Ok(outcome) => outcome,
            Err(panic) => Err(E::from(panicked(&panic_text(&*panic)))),
        };
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn fail(&mut self, error: StoreError) {
        self.outcome = Some(Err(E::from(error)));
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or_else(|| Err(E::from(StoreError::stopped())));
        // A caller who has left in the meantime misses nothing that is not in the database.
        let _ = self.reply.send(outcome);
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// The error of a job that panicked.
fn panicked(text: &str) -> StoreError {
    StoreError::failed(format!("failed to run a transaction: it panicked: {text}"))
}
