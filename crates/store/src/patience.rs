//! Nobody waits for ever: a job whose turn has not come in time is refused, while its caller is still there.
//!
//! A job is either in a queue or with the thread that runs it, and is taken out of the queue under its lock. So what
//! is refused has never run and never will, even where the thread that should have taken it is held by a database
//! that does not answer. A job that was taken is not refused any more.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::batch::Jobs;
use crate::error::{Kind, StoreError};
use crate::tools::Tools;

/// How often the queues are looked at: so much later than it should a job is refused at most.
const OFTEN: Duration = Duration::from_millis(500);

/// Refuses what waits for longer than `patience`, until the other end of `ended` is dropped.
pub(crate) fn watch(queues: &[Arc<Jobs>], patience: Duration, tools: &Tools, ended: &Receiver<()>) {
    let pause = (patience / 4).clamp(Duration::from_millis(1), OFTEN);
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(pause) {
        for overdue in queues.iter().map(|queue| queue.overdue(patience)).filter(|jobs| !jobs.is_empty()) {
            tools.observer.expired(overdue.len());
            let error =
                StoreError::new(Kind::Busy, "the store is busy: the job waited too long for its turn");
            for mut job in overdue {
                job.fail(error.clone());
                job.answer();
            }
        }
    }
}
