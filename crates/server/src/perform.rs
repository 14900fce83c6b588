//! The one way in: whatever changes state, or shows it, goes through here.
//!
//! The form is read before any transaction, the transaction decides, and the answer is given once it is on
//! disk. Objects of the path that are not there are told before anything that is wrong with the form.

use std::sync::Arc;

use conversations::{Answer, Call, Failure, Operation, Path, Verb, Work, locate};
use wire::{Form, Problem};

use crate::app::App;

/// Runs an operation.
pub async fn perform(
    app: &App,
    call: Arc<Call>,
    operation: &Operation,
    path: Arc<Path>,
    form: &Form,
) -> Result<Answer, Failure> {
    let work = match operation.prepare(&call, &path, form) {
        Ok(work) => work,
        Err(problem) => return Err(refuse(app, call, path, problem).await),
    };
    // Between the two stands no transaction: this is where pre-action hooks ask, and change the form.
    let answer = match work {
        Work::Read(read) => app.store.read(read).await?,
        Work::Write(roots, write) => {
            let written = app.store.write(roots, write).await;
            if operation.changes_account {
                // Whatever the outcome: a failure may have come after the commit.
                app.known_credentials.forget_account(call.account_sid);
            }
            written?
        }
    };
    if operation.verb == Verb::Delete {
        app.housekeeping.notify_one();
    }
    Ok(answer)
}

/// What a request is refused with for `problem` in what it says, once the objects of its path are there.
pub async fn refuse(app: &App, call: Arc<Call>, path: Arc<Path>, problem: Problem) -> Failure {
    match app.store.read(move |tx| locate(tx, &call, &path)).await {
        Ok(()) => problem.into(),
        Err(failure) => failure,
    }
}
