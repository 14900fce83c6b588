//! The one way in: whatever changes state, or shows it, goes through here.
//!
//! The form is read before any transaction, the transaction decides, and the answer is given once it is on
//! disk. Objects of the path that are not there are told before anything that is wrong with the form.

use std::sync::Arc;

use conversations::idempotency::{self, Claimed, IdempotencyKey};
use conversations::{Answer, Call, Failure, Operation, Path, Verb, Work, WriteWork, locate};
use store::{Roots, Tx};
use wire::{Form, Problem};

use crate::app::App;
use crate::timers;

/// Runs an operation.
pub async fn perform(
    app: &App,
    call: Arc<Call>,
    operation: &Operation,
    path: Arc<Path>,
    (form, key): (&Form, Option<IdempotencyKey>),
) -> Result<Answer, Failure> {
    let work = match operation.prepare(&call, &path, form) {
        Ok(work) => work,
        Err(problem) => return Err(refuse(app, call, path, problem).await),
    };
    // Between the two stands no transaction: this is where pre-action hooks ask, and change the form.
    let answer = match work {
        Work::Read(read) => app.store.read(read).await?,
        Work::Write(roots, write) => {
            let account_sid = call.account_sid;
            let written = match key {
                Some(key) => once(app, call, key, (roots, write)).await,
                None => app.store.write(roots, write).await,
            };
            if operation.changes_account {
                // Whatever the outcome: a failure may have come after the commit.
                app.known_credentials.forget_account(account_sid);
            }
            written?
        }
    };
    match operation.verb {
        Verb::Delete => app.housekeeping.notify_one(),
        Verb::Create | Verb::Update => timers::set(app).await,
        Verb::List | Verb::Fetch => {}
    }
    Ok(answer)
}

/// Runs a write that carries an idempotency key: at most once, with its answer stored beside what it changed.
async fn once(
    app: &App,
    call: Arc<Call>,
    asked: IdempotencyKey,
    (roots, write): (Roots, WriteWork),
) -> Result<Answer, Failure> {
    let of_claim = Arc::clone(&call);
    let claim = move |tx: &mut Tx<'_>| idempotency::claim(tx, &of_claim, &asked);
    let key = match app.store.write(Roots::none(), claim).await? {
        Claimed::Done(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let of_run = key.clone();
    let run = move |tx: &mut Tx<'_>| {
        let answer = write(tx)?;
        idempotency::complete(tx, &call, &of_run, &answer)?;
        Ok(answer)
    };
    let outcome = app.store.write(roots, run).await;
    if let Err(Failure::Refused(_)) = &outcome {
        app.store.write(Roots::none(), move |tx| idempotency::release(tx, &key)).await?;
    }
    outcome
}

/// What a request is refused with for `problem` in what it says, once the objects of its path are there.
pub async fn refuse(app: &App, call: Arc<Call>, path: Arc<Path>, problem: Problem) -> Failure {
    match app.store.read(move |tx| locate(tx, &call, &path)).await {
        Ok(()) => problem.into(),
        Err(failure) => failure,
    }
}
