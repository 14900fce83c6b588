//! The job loop: how a thread that owns a connection turns waiting jobs into transactions.
//!
//! A writer takes every job that waits, locks the roots of all of them, runs them one after the other in one
//! transaction, commits once, and only then answers. What arrives during a commit is the next batch; on
//! PostgreSQL it waits a moment for more after a large one ([`Company`](crate::company::Company)). What may happen on
//! the way:
//!
//! - A job refuses before it has written: nothing to undo, the others go on.
//! - A job asks for a root that nobody in the batch holds. If it has not written yet, it is put off to the next
//!   batch, with that root among its own; else the batch is undone and runs again with it.
//! - A job fails, panics or refuses after it has written: the batch is undone and runs again with the jobs kept
//!   apart, by savepoints where the engine has them, else each in a transaction of its own. That run shows whose
//!   the failure is: on PostgreSQL a statement that was sent and not waited for fails late, in another job's run.
//! - A deadlock or a serialization failure: each job runs alone, a few times if it must.
//! - The connection is lost before COMMIT was sent: nothing was stored, the batch runs again on a new one.
//! - COMMIT itself fails: every caller of the batch gets the error, and nothing runs again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::ahead::{Changes, Openings, openings};
use crate::error::{Kind, StoreError};
use crate::job::Job;
use crate::opening::{Answer, Opened, Opening};
use crate::queue::Queue;
use crate::roots::{Root, Roots};
use crate::session::{CommitError, Savepoint, Session};
use crate::tools::{Tools, timed};
use crate::tx::{Access, Report, Tx};

pub(crate) type Jobs = Queue<Box<dyn Job>>;

/// How often a batch or a job runs before it is given up.
const TRIES: u32 = 8;

/// Serves a queue of writes until it is closed and empty.
pub(crate) fn write_jobs(session: &mut dyn Session, queue: &Jobs, batch_max: usize, tools: &Tools) {
    let _ending = Ending { queue, tools };
    let company = session.company();
    let mut put_off = Vec::new();
    loop {
        let jobs = if put_off.is_empty() {
            match queue.take(batch_max, company) {
                Some(jobs) => jobs,
                None => return,
            }
        } else {
            put_off.extend(queue.take_ready(batch_max.saturating_sub(put_off.len())));
            std::mem::take(&mut put_off)
        };
        put_off = Writer { session, tools }.run(jobs);
        session.between_batches();
    }
}

/// Serves a queue of reads until it is closed and empty. Up to `together` of those that wait see one snapshot.
pub(crate) fn read_jobs(session: &mut dyn Session, queue: &Jobs, together: usize, tools: &Tools) {
    let _ending = Ending { queue, tools };
    let company = session.company();
    while let Some(jobs) = queue.take(together, company) {
        let mut jobs: VecDeque<_> = jobs.into_iter().filter(|job| !job.is_abandoned()).collect();
        let mut opens = session.opens();
        while !jobs.is_empty() {
            read_together(session, &mut jobs, opens, tools);
            session.rollback();
            // What runs again runs without openings, so that each failure shows where it belongs.
            opens = false;
        }
    }
}

/// Runs and answers jobs, in their order, that see one snapshot: up to one that fails, for it may have spoilt the
/// transaction for those behind it, and none where the openings fail. What is left is to run again.
fn read_together(session: &mut dyn Session, jobs: &mut VecDeque<Box<dyn Job>>, opens: bool, tools: &Tools) {
    let openings: Vec<_> =
        if opens { jobs.iter().flat_map(|job| job.openings()).cloned().collect() } else { Vec::new() };
    let answers = match begin_read(session, &openings) {
        Ok(answers) => answers,
        Err(error) if !openings.is_empty() && matches!(error.kind(), Kind::Failed | Kind::Again) => return,
        Err(error) => {
            fail_all(jobs.drain(..).collect(), &error);
            return;
        }
    };
    let opened =
        openings.iter().zip(&answers).map(|(opening, answer)| Opened { opening, answer, left: None });
    let opened: Vec<_> = opened.collect();
    let mut rest = &opened[..];
    while let Some(mut job) = jobs.pop_front() {
        let (own, others) = rest.split_at(job.openings().len().min(rest.len()));
        rest = others;
        if job.is_abandoned() {
            continue;
        }
        let report = run(session, &mut *job, (Access::Read, own), tools).1;
        tools.observer.statements(report.statements);
        job.answer();
        if report.failure.is_some() {
            return;
        }
    }
}

fn begin_read(session: &mut dyn Session, openings: &[Arc<Opening>]) -> Result<Vec<Answer>, StoreError> {
    let asked: Vec<&Opening> = openings.iter().map(|opening| &**opening).collect();
    let mut tries = 0;
    loop {
        tries += 1;
        match session.begin_read(&asked) {
            Err(error) if error.kind() == Kind::Lost && tries < TRIES => session.rollback(),
            done => return done,
        }
    }
}

/// Runs a job. Whether what it wrote is to be kept, and the report.
fn run(
    session: &mut dyn Session,
    job: &mut dyn Job,
    (access, opened): (Access<'_>, &[Opened<'_>]),
    tools: &Tools,
) -> (bool, Report) {
    let mut tx = Tx::new(session, access, opened, tools);
    let keep = job.run(&mut tx);
    let report = tx.report();
    match &report.failure {
        Some(failure) if keep => job.fail(failure.clone()),
        _ => {}
    }
    (keep && report.failure.is_none(), report)
}

/// Runs one batch.
struct Writer<'a> {
    session: &'a mut dyn Session,
    tools: &'a Tools,
}

/// How the jobs of one transaction are kept apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Apart {
    Together,
    BySavepoints,
}

/// What became of one transaction.
enum Attempt {
    /// Committed. These jobs, by place, are put off: they want more roots.
    Done(Vec<usize>),
    /// Undone because of this failure, or (`None`) because a job refused after it had written.
    Undone(Option<StoreError>),
    /// Nothing of it may run again.
    Final(StoreError),
}

impl Writer<'_> {
    /// Runs and answers the jobs. Returns those that are put off to the next batch.
    fn run(&mut self, mut jobs: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
        jobs.retain(|job| !job.is_abandoned());
        if jobs.is_empty() {
            return jobs;
        }
        let mut apart = Apart::Together;
        for tries in 0..TRIES {
            // What runs again runs without openings, so that each failure shows where it belongs.
            let openings =
                if tries == 0 && self.session.opens() { openings(&jobs) } else { Openings::default() };
            let failure = match self.attempt(&mut jobs, (apart, openings)) {
                Attempt::Done(put_off) => return answer_others(jobs, &put_off),
                Attempt::Final(error) => return fail_all(jobs, &error),
                Attempt::Undone(failure) => failure,
            };
            let is_transient = failure.as_ref().is_some_and(|failure| failure.kind() != Kind::Failed);
            if jobs.len() == 1 && !is_transient {
                // There is nobody else whose failure it could be.
                return answer_others(jobs, &[]);
            }
            self.tools.observer.rerun(jobs.len());
            tracing::debug!(jobs = jobs.len(), failure = ?failure, "a batch runs again");
            match failure.as_ref().map(StoreError::kind) {
                Some(Kind::Lost | Kind::Undeclared) => {}
                Some(Kind::Again) => {
                    yield_to_winner(0);
                    break;
                }
                Some(Kind::Failed) | None if apart == Apart::Together && self.session.has_savepoints() => {
                    apart = Apart::BySavepoints;
                }
                _ => break,
            }
        }
        let mut jobs = jobs.into_iter();
        while let Some(job) = jobs.next() {
            if let Err(error) = self.alone(job) {
                return fail_all(jobs.collect(), &error);
            }
        }
        Vec::new()
    }

    /// Runs one job in a transaction of its own until it is through. An error is that of a database that cannot
    /// be reached, which no other job needs to try again.
    fn alone(&mut self, mut job: Box<dyn Job>) -> Result<(), StoreError> {
        let mut unreachable = Ok(());
        for tries in 1..=TRIES {
            if job.is_abandoned() {
                return Ok(());
            }
            match self.attempt(std::slice::from_mut(&mut job), (Apart::Together, Openings::default())) {
                Attempt::Done(put_off) if put_off.is_empty() => break,
                // The roots are declared now.
                Attempt::Done(_) => {}
                Attempt::Final(error) => {
                    if error.kind() == Kind::Unreachable {
                        unreachable = Err(error.clone());
                    }
                    job.fail(error);
                    break;
                }
                Attempt::Undone(failure) => match failure {
                    Some(failure) if failure.kind() != Kind::Failed => {
                        self.tools.observer.rerun(1);
                        if failure.kind() == Kind::Again {
                            yield_to_winner(tries);
                        }
                        job.fail(StoreError::caused(
                            Kind::Failed,
                            format!("failed to run a transaction {tries} times"),
                            failure,
                        ));
                    }
                    // The job's own outcome says it.
                    _ => break,
                },
            }
        }
        job.answer();
        unreachable
    }

    fn attempt(&mut self, jobs: &mut [Box<dyn Job>], (apart, openings): (Apart, Openings)) -> Attempt {
        if self.tools.is_broken() {
            return Attempt::Final(broken());
        }
        let mut roots = Roots::none();
        for job in &*jobs {
            roots.extend(job.roots());
        }
        let asked: Vec<&Opening> = openings.asked.iter().map(|opening| &**opening).collect();
        let answers: Vec<Answer> = match self.session.begin(&roots, &asked) {
            Ok(answers) => answers,
            Err(error) => {
                self.session.rollback();
                return match error.kind() {
                    Kind::Unreachable | Kind::Stopped => Attempt::Final(error),
                    // A lock that cannot be taken is no job's outcome yet; alone, it is.
                    _ => {
                        for job in jobs {
                            job.fail(error.clone());
                        }
                        Attempt::Undone(Some(error))
                    }
                };
            }
        };
        let mut opened = openings.of_jobs.iter().peekable();
        let mut changes = Changes::since(&openings);
        let mut put_off = Vec::new();
        let mut kept = Vec::with_capacity(jobs.len());
        let mut touched = Vec::new();
        for (place, job) in jobs.iter_mut().enumerate() {
            let asked = opened.next_if(|(of, _)| *of == place).map(|(_, asked)| *asked);
            if job.is_abandoned() {
                continue;
            }
            let asked = asked.map(|asked| (&*openings.asked[asked], &answers[asked]));
            match self.step(&mut **job, (&roots, asked, &mut changes), apart) {
                Step::Kept(mut roots) => {
                    kept.push(place);
                    touched.append(&mut roots);
                }
                Step::Harmless => {}
                Step::PutOff => put_off.push(place),
                Step::Undo(failure) => {
                    self.session.rollback();
                    return Attempt::Undone(failure);
                }
            }
        }
        let done = self.commit(jobs, &kept, put_off);
        if let (Attempt::Done(_), false, Some(listener)) =
            (&done, touched.is_empty(), self.tools.listener.get())
        {
            listener.committed(&touched);
        }
        done
    }

    fn commit(&mut self, jobs: &mut [Box<dyn Job>], kept: &[usize], put_off: Vec<usize>) -> Attempt {
        let (committed, took) = timed(|| self.session.commit());
        match committed {
            Ok(()) => {
                self.tools.observer.committed(jobs.len(), took);
                Attempt::Done(put_off)
            }
            Err(CommitError::Final(error)) => {
                self.session.rollback();
                Attempt::Final(error)
            }
            Err(CommitError::Undone(error)) => {
                self.session.rollback();
                for place in kept {
                    jobs[*place].fail(error.clone());
                }
                Attempt::Undone(Some(error))
            }
        }
    }

    fn step(
        &mut self,
        job: &mut dyn Job,
        (roots, asked, changes): (&Roots, Option<(&Opening, &Answer)>, &mut Changes),
        apart: Apart,
    ) -> Step {
        if apart == Apart::BySavepoints
            && let Err(error) = self.session.savepoint(Savepoint::Open)
        {
            return Step::Undo(Some(error));
        }
        let opened = asked.and_then(|(opening, answer)| changes.present(job.roots(), opening, answer));
        let (keep, mut report) =
            run(self.session, job, (Access::Write(roots), opened.as_slice()), self.tools);
        self.tools.observer.statements(report.statements);
        changes.take(job.roots(), &mut report);
        if report.failure.as_ref().is_some_and(|failure| failure.kind() == Kind::Undeclared) {
            if job.declare(&report.missing) > TRIES {
                job.fail(StoreError::failed("failed to lock: every run asked for other roots"));
                return if report.wrote { Step::Undo(None) } else { Step::Harmless };
            }
            return if report.wrote { Step::Undo(report.failure) } else { Step::PutOff };
        }
        let is_harmless = !report.wrote && report.failure.is_none();
        let savepoint = match (apart, keep || is_harmless) {
            (Apart::BySavepoints, true) => self.session.savepoint(Savepoint::Keep),
            (Apart::BySavepoints, false) => {
                let undone = self.session.savepoint(Savepoint::Undo);
                return undone.err().map_or(Step::Harmless, |error| Step::Undo(Some(error)));
            }
            (Apart::Together, true) => Ok(()),
            (Apart::Together, false) => return Step::Undo(report.failure),
        };
        match savepoint {
            Err(error) => Step::Undo(Some(error)),
            Ok(()) if keep => Step::Kept(report.touched),
            Ok(()) => Step::Harmless,
        }
    }
}

/// What one job's run means for its transaction.
enum Step {
    /// What it wrote is to be committed; these roots it has touched.
    Kept(Vec<Root>),
    /// It left nothing behind, and has its outcome.
    Harmless,
    /// It left nothing behind, and wants to run again with more roots.
    PutOff,
    /// The transaction must be undone.
    Undo(Option<StoreError>),
}

/// Who loses a deadlock and comes back at once may take the same lock before the winner has woken up for it.
fn yield_to_winner(tries: u32) {
    std::thread::sleep(Duration::from_millis(2 << tries.min(7)));
}

fn answer_others(jobs: Vec<Box<dyn Job>>, put_off: &[usize]) -> Vec<Box<dyn Job>> {
    let mut kept = Vec::with_capacity(put_off.len());
    for (place, job) in jobs.into_iter().enumerate() {
        if put_off.contains(&place) {
            kept.push(job);
        } else {
            job.answer();
        }
    }
    kept
}

fn fail_all(jobs: Vec<Box<dyn Job>>, error: &StoreError) -> Vec<Box<dyn Job>> {
    for mut job in jobs {
        job.fail(error.clone());
        job.answer();
    }
    Vec::new()
}

/// Why nothing is written any more.
pub(crate) fn broken() -> StoreError {
    StoreError::new(
        Kind::Stopped,
        "the store has stopped: an earlier commit could not be brought to the disk",
    )
}

/// However a thread ends, nobody waits for it: its queue takes nothing more, and what is left is dropped, which
/// tells the callers.
struct Ending<'a> {
    queue: &'a Jobs,
    tools: &'a Tools,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tools.is_broken.store(true, Ordering::Release);
            self.queue.close();
            drop(self.queue.take_ready(usize::MAX));
        }
    }
}
