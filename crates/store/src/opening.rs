//! Openings: what a job reads first, known before the job runs.
//!
//! Where a statement has to be waited for, the openings of a batch's jobs go in one flight with BEGIN and the locks,
//! and each body finds its answers there when it asks. A body knows nothing of it. What makes this right:
//!
//! - An opening reads, and nothing else: whatever becomes of its job, there is nothing to undo.
//! - A body is answered from its openings when it asks the same with the same values, before it has written anything.
//!   Whatever it asks besides is asked of the database.
//! - What runs again runs without openings, so that each failure shows where it belongs.
//!
//! Of jobs that write:
//!
//! - An opening reads what lies below the roots that its job declares. These are locked before it runs.
//! - Only the first job of a batch at each of its roots is opened: the others must see what the first has written.
//!   Where one before it has locked such a root without having declared it, the answer is forgotten.
//!
//! Jobs that read are all opened: what their openings are answered and what their bodies ask besides is of one
//! snapshot.

use std::borrow::Cow;

use crate::error::StoreError;
use crate::record::{self, Record};
use crate::session::ReadRow;
use crate::value::{OwnedCell, Row, Source, Value};

/// A SELECT that a job runs first, or nearly so. Of a job that writes: of what lies below the roots that it declares.
pub struct Opening {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) params: Vec<OwnedCell>,
}

impl Opening {
    /// A SELECT whose parameters are still to be given.
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { sql: sql.into(), params: Vec::new() }
    }

    /// The same of what [`Tx::find`](crate::Tx::find) asks with this tail.
    pub fn of<R: Record>(tail: &str) -> Self {
        Self::new(record::select::<R>(tail))
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
