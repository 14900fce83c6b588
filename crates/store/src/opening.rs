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
//! - The first job of a batch at each of its roots is opened: the others must see what the first has written. Where
//!   one before it has locked such a root without having declared it, the answer is forgotten.
//! - A job that comes after others at its one root is opened where all of these ask the same of it
//!   ([`Opening::of_row`]), and finds its answer where each that has written has said what it left ([`Left`]).
//!
//! Jobs that read are all opened: what their openings are answered and what their bodies ask besides is of one
//! snapshot.

use std::borrow::Cow;

use crate::error::StoreError;
use crate::record::{self, Record};
use crate::session::ReadRow;
use crate::value::{Cell, OwnedCell, Row, Source, Value};

/// A SELECT that a job runs first, or nearly so. Of a job that writes: of what lies below the roots that it declares.
pub struct Opening {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) params: Vec<OwnedCell>,
    /// How many of the parameters say which row it is that the jobs of one root read and write.
    of_row: Option<usize>,
}

impl Opening {
    /// A SELECT whose parameters are still to be given.
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { sql: sql.into(), params: Vec::new(), of_row: None }
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

    /// Says that the parameters up to here name a row that such jobs write one after another, and say so with
    /// [`Tx::put_leaving`](crate::Tx::put_leaving): then it is worth its while to read ahead for all of them.
    #[must_use]
    pub fn of_row(mut self) -> Self {
        self.of_row = Some(self.params.len());
        self
    }

    /// Whether it reads the row that a job with this opening may have written.
    pub(crate) fn follows(&self, before: &Self) -> bool {
        self.of_row.is_some_and(|count| {
            self.of_row == before.of_row && self.sql == before.sql && self.has(count, &before.params)
        })
    }

    /// Whether it asks nothing else.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.sql == other.sql && cells(&self.params).eq(cells(&other.params))
    }

    /// Whether so many parameters, from the first on, are these.
    fn has(&self, count: usize, others: &[OwnedCell]) -> bool {
        let others = others.get(..count).unwrap_or_default();
        self.params.get(..count).is_some_and(|own| cells(own).eq(cells(others)))
    }
}

fn cells(owned: &[OwnedCell]) -> impl Iterator<Item = Cell<'_>> {
    owned.iter().map(Value::cell)
}

/// What a job has left of a row that it found by its opening: the answer to this statement, asked with these values
/// and whatever others behind them, begins with these cells, and goes on as it did.
pub(crate) struct Left {
    sql: &'static str,
    key: Vec<OwnedCell>,
    row: Vec<OwnedCell>,
}

impl Left {
    pub(crate) fn new(sql: &'static str, key: &[&dyn Value], row: &[&dyn Value]) -> Self {
        let own = |values: &[&dyn Value]| values.iter().map(|value| OwnedCell::new(value.cell())).collect();
        Self { sql, key: own(key), row: own(row) }
    }

    /// Whether an opening reads the row.
    pub(crate) fn is_of(&self, opening: &Opening) -> bool {
        let of_row = opening.of_row == Some(self.key.len());
        of_row && opening.sql == self.sql && opening.has(self.key.len(), &self.key)
    }

    /// Whether this statement may write something else that the opening reads.
    pub(crate) fn is_spoilt_by(&self, write: &str) -> bool {
        written_table(write).is_none_or(|table| may_read(self.sql, table))
    }
}

/// Whether a SELECT reads a table, as far as its words tell.
fn may_read(sql: &str, table: &str) -> bool {
    let words = sql.split_ascii_whitespace();
    let read = words.clone().zip(words.skip(1)).filter(|(before, _)| ["FROM", "JOIN"].contains(before));
    // Behind a comma there would be another, and in brackets anything.
    read.map(|(_, read)| read).any(|read| read == table || read.contains([',', '(', ')']))
}

/// The table that a statement writes, where it begins with it and a space follows.
pub(crate) fn written_table(sql: &str) -> Option<&str> {
    let mut words = sql.split_ascii_whitespace();
    let table = match (words.next()?, words.next()?) {
        ("UPDATE", table) => table,
        ("INSERT", "INTO") | ("DELETE", "FROM") => words.next()?,
        _ => return None,
    };
    (!table.contains('(')).then_some(table)
}

/// What was answered to an opening.
pub(crate) type Answer = Vec<Box<dyn Source + Send>>;

/// An opening and its answer.
#[derive(Clone, Copy)]
pub(crate) struct Opened<'a> {
    pub(crate) opening: &'a Opening,
    pub(crate) answer: &'a Answer,
    /// What has become of the row meanwhile.
    pub(crate) left: Option<&'a Left>,
}

impl Opened<'_> {
    /// Whether it is what this statement would ask.
    pub(crate) fn is(&self, sql: &str, params: &[&dyn Value]) -> bool {
        self.opening.sql == sql && cells(&self.opening.params).eq(params.iter().map(|value| value.cell()))
    }

    /// Shows the rows.
    pub(crate) fn show(&self, read: &mut ReadRow<'_>) -> Result<(), StoreError> {
        for row in self.answer {
            let go_on = match self.left {
                None => read(&mut Row::new(&**row))?,
                Some(left) => read(&mut Row::new(&Written { left, before: &**row }))?,
            };
            if !go_on {
                break;
            }
        }
        Ok(())
    }
}

/// A row of an answer, with what was written to it since.
struct Written<'a> {
    left: &'a Left,
    before: &'a dyn Source,
}

impl Source for Written<'_> {
    fn cell(&self, column: usize) -> Result<Cell<'_>, StoreError> {
        self.left.row.get(column).map_or_else(|| self.before.cell(column), |cell| Ok(cell.cell()))
    }

    fn columns(&self) -> usize {
        self.before.columns()
    }

    fn name(&self, column: usize) -> String {
        self.before.name(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_write_something_that_an_opening_reads() {
        let sql =
            "SELECT total, items, (SELECT guest FROM seats WHERE seats.hall = $1) FROM heads WHERE sid = $1";
        let left = Left::new(sql, &[], &[]);
        for write in [
            "UPDATE heads SET total = 1",
            "INSERT INTO seats (hall) VALUES ($1)",
            "DELETE FROM seats WHERE hall = $1",
            "WITH gone AS (DELETE FROM seats) DELETE FROM items",
            "TRUNCATE items",
        ] {
            assert!(left.is_spoilt_by(write), "{write}");
        }
        for write in
            ["INSERT INTO items (name) VALUES ($1)", "UPDATE items SET heads = 1", "DELETE FROM items"]
        {
            assert!(!left.is_spoilt_by(write), "{write}");
        }
        for sql in ["SELECT 1 FROM heads, items", "SELECT 1 FROM heads WHERE 1 IN (SELECT 1 FROM items)"] {
            assert!(Left::new(sql, &[], &[]).is_spoilt_by("DELETE FROM items"), "{sql}");
        }
    }
}
