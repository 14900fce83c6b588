//! Openings: what a job reads first, known before the job runs.
//!
//! Where a statement has to be waited for, the openings of a batch's jobs go in one flight with BEGIN and the locks,
//! and each body finds its answer there when it asks. A body knows nothing of it. What makes this right:
//!
//! - An opening reads, and nothing else: whatever becomes of its job, there is nothing to undo.
//! - It reads what lies below the roots that its job declares. These are locked before it runs.
//! - Only the first job of a batch at each of its roots is opened: the others must see what the first has written.
//!   Where one before it has locked such a root without having declared it, the answer is forgotten.
//! - A body is answered from its opening when it asks the same with the same values, before it has written anything.
//!   Whatever it asks besides is asked of the database.
//! - What runs again runs without openings, so that each failure shows where it belongs.

use crate::error::StoreError;
use crate::session::ReadRow;
use crate::value::{OwnedCell, Row, Source, Value};

/// A SELECT that a job runs first, or nearly so, of what lies below the roots that it declares.
pub struct Opening {
    pub(crate) sql: &'static str,
    pub(crate) params: Vec<OwnedCell>,
}

impl Opening {
    /// A SELECT whose parameters are still to be given.
    pub fn new(sql: &'static str) -> Self {
        Self { sql, params: Vec::new() }
    }

    /// The next parameter.
    #[must_use]
    pub fn with(mut self, value: &dyn Value) -> Self {
        self.params.push(OwnedCell::new(value.cell()));
        self
    }
}

/// What was answered to an opening.
pub(crate) type Answer = Vec<Box<dyn Source + Send>>;

/// An opening and its answer.
#[derive(Clone, Copy)]
pub(crate) struct Opened<'a> {
    pub(crate) opening: &'a Opening,
    pub(crate) answer: &'a Answer,
}

impl Opened<'_> {
    /// Whether it is what this statement would ask.
    pub(crate) fn is(&self, sql: &str, params: &[&dyn Value]) -> bool {
        let cells = self.opening.params.iter().map(Value::cell);
        self.opening.sql == sql && cells.eq(params.iter().map(Value::cell))
    }

    /// Shows the rows.
    pub(crate) fn show(&self, read: &mut ReadRow<'_>) -> Result<(), StoreError> {
        for row in self.answer {
            if !read(&mut Row::new(&**row))? {
                break;
            }
        }
        Ok(())
    }
}
