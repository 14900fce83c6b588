//! What one connection can do. The two engines differ behind this trait and nowhere else: the job loop, the
//! retries and the answers are written once, on top of it.

use crate::company::Company;
use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::opening::{Answer, Opening};
use crate::roots::Roots;
use crate::tools::Examined;
use crate::value::{Row, Value};

/// A connection on its way to its thread. Only there it becomes a session, which may keep what borrows from it.
pub(crate) trait Connected: Send + 'static {
    /// Serves with it until `work` returns, and closes it.
    fn serve(self, work: impl FnOnce(&mut dyn Session));
}

pub(crate) trait Session {
    /// Whether roots need a lock. Where there is one writer they do not.
    fn locks(&self) -> bool;

    /// Whether a job can be undone inside its batch.
    fn has_savepoints(&self) -> bool;

    /// Whether openings are run. Where nothing has to be waited for, it would gain nothing.
    fn opens(&self) -> bool {
        false
    }

    /// Whether what is put is gathered by its text.
    fn gathers(&self) -> bool {
        false
    }

    /// When the thread that serves with it waits for more jobs. Where a transaction costs little, it would gain nothing.
    fn company(&self) -> Company {
        Company::NONE
    }

    /// Opens a transaction that writes, locks the roots, in their order, and runs the openings. Answers what these
    /// were answered, or nothing at all where they are not run.
    fn begin(&mut self, roots: &Roots, openings: &[&Opening]) -> Result<Vec<Answer>, StoreError>;

    /// Opens a transaction that reads one snapshot, and runs the openings. Answers as `begin` does.
    fn begin_read(&mut self, openings: &[&Opening]) -> Result<Vec<Answer>, StoreError>;

    fn commit(&mut self) -> Result<(), CommitError>;

    /// Undoes the open transaction, if there is one. Leaves a connection that can begin anew, or none.
    fn rollback(&mut self);

    /// Opens, undoes and forgets the one savepoint of a job.
    fn savepoint(&mut self, step: Savepoint) -> Result<(), StoreError>;

    /// Runs a statement and shows its rows. Answers how many rows it changed.
    fn query(&mut self, sql: &str, params: &[&dyn Value], rows: &mut ReadRow<'_>) -> Result<u64, StoreError>;

    /// Runs a write whose answer nobody needs. A failure may show later, at the COMMIT at the latest.
    fn put(&mut self, sql: &str, params: &[&dyn Value]) -> Result<(), StoreError>;

    /// The same for a write of one row by its key, which nothing can refuse and which sets all that one of the same
    /// text has set before: of two, the later may be all that is run.
    fn put_over(&mut self, sql: &str, params: &[&dyn Value]) -> Result<(), StoreError> {
        self.put(sql, params)
    }

    /// Inserts a row whose answer nobody needs. It is there for every later statement.
    fn append(&mut self, sql: &'static str, params: &[&dyn Value]) -> Result<(), StoreError> {
        self.put(sql, params)
    }

    /// Runs a statement that reads once more, to tell how.
    fn examine(&mut self, sql: &str, params: &[&dyn Value]) -> Result<Examined, StoreError>;

    /// Prepares a statement without running it.
    fn prepare(&mut self, sql: &str) -> Result<(), StoreError>;

    /// Which words this engine uses.
    fn dialect(&self) -> Dialect;

    /// Runs several statements at once, without parameters, in the open transaction.
    fn script(&mut self, sql: &str) -> Result<(), StoreError>;

    /// Waits until no other process migrates this database. Holds until the open transaction ends.
    fn migrate_alone(&mut self) -> Result<(), StoreError>;

    /// Called between two batches.
    fn between_batches(&mut self) {}
}

/// Reads one row; says whether it wants to see another.
pub(crate) type ReadRow<'a> = dyn FnMut(&mut Row<'_>) -> Result<bool, StoreError> + 'a;

#[derive(Clone, Copy)]
pub(crate) enum Savepoint {
    Open,
    Undo,
    Keep,
}

/// What became of a transaction that was to be committed.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// Nothing was stored, and the database is well: the batch may run again.
    Undone(StoreError),
    /// Nothing was stored, or nobody knows: the batch must not run again.
    Final(StoreError),
}
