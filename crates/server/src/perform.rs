//! The one way in: whatever changes state, or shows it, goes through here.
//!
//! The form is read before any transaction, the transaction decides, and the answer is given once it is on
//! disk. Objects of the path that are not there are told before anything that is wrong with the form.
//!
//! What few requests come by has a place of its own on the heap, for as long as it runs: every request is moved there
//! with room for all that it may wait for.

use std::sync::Arc;

use conversations::idempotency::{self, Claimed, IdempotencyKey};
use conversations::{Answer, Call, Failure, Operation, Path, Source, Verb, Work, WriteWork, locate};
use store::{Roots, Tx};
use wire::{Form, Problem};

use crate::app::App;
use crate::timers;
use crate::webhooks::pre_action;

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
    let answer = match work {
        Work::Read(read) if operation.verb == Verb::Fetch => {
            app.store.read_short(|| operation.openings(&call, &path), read).await?
        }
        Work::Read(read) => app.store.read(read).await?,
        Work::Write(roots, write) => {
            let written = match key {
                Some(key) => Box::pin(once(app, (&call, operation, &path, form), key, (roots, write))).await,
                None => asked(app, (&call, operation, &path, form), None, (roots, write)).await,
            };
            if operation.changes_account {
                // Whatever the outcome: a failure may have come after the commit.
                app.known_credentials.forget_account(call.account_sid);
            }
            written?
        }
    };
    match operation.verb {
        Verb::Delete => app.housekeeping.notify_one(),
        Verb::Create | Verb::Update => timers::set(app).await,
        Verb::List | Verb::Fetch => {}
    }
    if call.hooks || operation.starts_deliveries {
        app.deliveries.notify_one();
    }
    if call.is_streamed && !matches!(operation.verb, Verb::List | Verb::Fetch) {
        app.streams.notify_one();
    }
    Ok(answer)
}

/// What a write is made of: who calls, what is to be done, where, and with which form.
type Said<'a> = (&'a Arc<Call>, &'a Operation, &'a Arc<Path>, &'a Form);

/// Runs a write that carries an idempotency key: at most once, with its answer stored beside what it changed.
async fn once(
    app: &App,
    said: Said<'_>,
    asked_once: IdempotencyKey,
    write: (Roots, WriteWork),
) -> Result<Answer, Failure> {
    let of_claim = Arc::clone(said.0);
    let claim = move |tx: &mut Tx<'_>| idempotency::claim(tx, &of_claim, &asked_once);
    let key = match app.store.write(Roots::none(), claim).await? {
        Claimed::Done(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = asked(app, said, Some(key.clone()), write).await;
    let is_undone = match &outcome {
        Ok(_) => false,
        Err(Failure::Refused(_)) => true,
        // Whoever was turned away is told to come back, and must find the key free.
        Err(Failure::Store(error)) => error.is_busy() || error.is_unreachable(),
    };
    if is_undone {
        // Behind the others there is room also where there is none among them.
        app.store.write_behind(Roots::none(), move |tx| idempotency::release(tx, &key)).await?;
    }
    outcome
}

/// Runs a write after those who want to be asked first have been asked. No transaction is open while they are.
async fn asked(
    app: &App,
    (call, operation, path, form): Said<'_>,
    key: Option<IdempotencyKey>,
    (roots, write): (Roots, WriteWork),
) -> Result<Answer, Failure> {
    let changed = if asks_first(app, call) {
        Box::pin(pre_action::ask(app, call, (operation, path), form)).await?
    } else {
        None
    };
    let (roots, write) = match changed {
        None => (roots, write),
        Some(form) => match operation.prepare(call, path, &form)? {
            Work::Write(roots, write) => (roots, write),
            Work::Read(_) => (roots, write),
        },
    };
    let WriteWork { opening, run: write } = write;
    let Some(key) = key else { return app.store.write_opening(roots, opening, write).await };
    let call = Arc::clone(call);
    let run = move |tx: &mut Tx<'_>| {
        let answer = write(tx)?;
        idempotency::complete(tx, &call, &key, &answer)?;
        Ok(answer)
    };
    app.store.write_opening(roots, opening, run).await
}

/// Twilio: a change made by REST is told of where the caller wants it, and asked about nowhere; an operator
/// may want it otherwise.
fn asks_first(app: &App, call: &Call) -> bool {
    match call.source {
        Source::Api => call.hooks && app.settings.webhooks.rest_pre_hooks,
        Source::Sdk => call.hooks,
        Source::Server => false,
    }
}

/// What a request is refused with for `problem` in what it says, once the objects of its path are there.
pub async fn refuse(app: &App, call: Arc<Call>, path: Arc<Path>, problem: Problem) -> Failure {
    if problem == Problem::SERVICE_UNAVAILABLE {
        // There is too much to do already to look for what the path names.
        return problem.into();
    }
    match Box::pin(app.store.read(move |tx| locate(tx, &call, &path))).await {
        Ok(()) => problem.into(),
        Err(failure) => failure,
    }
}
