//! The prepared statements of a connection.
//!
//! They live as long as the connection and are found by their text, without copying or hashing it: the same few
//! statements run for every job. What is to be known of a statement before it runs is found out once.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, PrepFlags, Statement, ToSql};

use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::value::{Cell, Value};

/// How many are kept.
const MANY: usize = 512;

/// Texts whose lengths differ by a multiple of this lie in one place.
const PLACES: usize = 256;

/// More bytes than this are not kept for nothing until the statement runs again.
const LARGE: usize = 4096;

pub(super) struct Statements<'c> {
    connection: &'c Connection,
    /// By the lengths of their texts: statements of one length are few.
    kept: Vec<Vec<Kept<'c>>>,
    count: usize,
    /// How often one was asked for.
    asked: u64,
}

/// A statement that is kept.
pub(super) struct Kept<'c> {
    /// As it is asked for.
    sql: Box<str>,
    pub(super) statement: Statement<'c>,
    /// Which value each of its parameters takes. In SQLite `$2` is a name, and its place is that of its first
    /// appearance.
    values: Box<[usize]>,
    /// How many values it takes.
    takes: usize,
    pub(super) is_read: bool,
    /// When it was asked for last.
    last: u64,
}

impl<'c> Statements<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        let kept = std::iter::repeat_with(Vec::new).take(PLACES).collect();
        Self { connection, kept, count: 0, asked: 0 }
    }

    /// The statement with this text, prepared.
    pub(super) fn get(&mut self, sql: &str) -> rusqlite::Result<&mut Kept<'c>> {
        self.asked += 1;
        let place = sql.len() % PLACES;
        let index = match self.kept[place].iter().position(|kept| *kept.sql == *sql) {
            Some(index) => index,
            None => self.add(sql, place)?,
        };
        let kept = &mut self.kept[place][index];
        kept.last = self.asked;
        Ok(kept)
    }

    fn add(&mut self, sql: &str, place: usize) -> rusqlite::Result<usize> {
        let kept = Kept::new(self.connection, sql)?;
        if self.count == MANY {
            self.forget_half();
        }
        self.count += 1;
        self.kept[place].push(kept);
        Ok(self.kept[place].len() - 1)
    }

    /// Those that were not asked for lately.
    fn forget_half(&mut self) {
        let mut times: Vec<_> = self.kept.iter().flatten().map(|kept| kept.last).collect();
        let (_, middle, _) = times.select_nth_unstable(MANY / 2);
        self.kept.iter_mut().for_each(|place| place.retain(|kept| kept.last >= *middle));
        self.count = self.kept.iter().map(Vec::len).sum();
    }
}

impl<'c> Kept<'c> {
    fn new(connection: &'c Connection, sql: &str) -> rusqlite::Result<Self> {
        let text = Dialect::Sqlite.statement(sql);
        let statement = connection.prepare_with_flags(&text, PrepFlags::SQLITE_PREPARE_PERSISTENT)?;
        let value = |place| {
            let name = statement.parameter_name(place).unwrap_or_default();
            let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
            let not_numbered = || Error::InvalidParameterName(format!("{name:?} is not $1, $2, .."));
            number.and_then(|number| number.checked_sub(1)).ok_or_else(not_numbered)
        };
        let values = (1..=statement.parameter_count()).map(value).collect::<Result<Box<[_]>, _>>()?;
        let takes = values.iter().map(|value| value + 1).max().unwrap_or(0);
        let is_read = statement.readonly();
        Ok(Self { sql: sql.into(), statement, values, takes, is_read, last: 0 })
    }

    /// Gives it its values. Whether they are large.
    pub(super) fn bind(&mut self, params: &[&dyn Value]) -> Result<bool, StoreError> {
        let (takes, given) = (self.takes, params.len());
        if takes != given {
            let sql = &self.sql;
            return Err(StoreError::failed(format!("failed to bind: {given} values for ${takes} in {sql}")));
        }
        let mut bytes = 0;
        for (place, value) in self.values.iter().enumerate() {
            let cell = params[*value].cell();
            match cell {
                Cell::Text(text) if memchr::memchr(0, text.as_bytes()).is_some() => {
                    let (number, sql) = (value + 1, &self.sql);
                    return Err(StoreError::failed(format!(
                        "failed to bind ${number}: a NUL in text, in {sql}"
                    )));
                }
                Cell::Text(text) => bytes += text.len(),
                Cell::Bytes(blob) => bytes += blob.len(),
                Cell::Null | Cell::Int(_) => {}
            }
            let bound = self.statement.raw_bind_parameter(place + 1, Bound(cell));
            bound.map_err(|error| super::failed(&self.sql, error))?;
        }
        Ok(bytes > LARGE)
    }
}

struct Bound<'a>(Cell<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Cell::Null => ValueRef::Null,
            Cell::Int(value) => ValueRef::Integer(value),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Connection {
        Connection::open_in_memory().expect("memory is always there")
    }

    #[test]
    fn each_parameter_takes_the_value_of_its_number() {
        let connection = memory();
        let values =
            |sql: &str| Kept::new(&connection, sql).map(|kept| (kept.values.to_vec(), kept.takes)).ok();
        assert_eq!(values("SELECT 1"), Some((vec![], 0)));
        assert_eq!(values("SELECT $1, $2, $1"), Some((vec![0, 1], 2)));
        assert_eq!(values("SELECT $3, '$4', $1, $2 {FOR_UPDATE}"), Some((vec![2, 0, 1], 3)));
        for other in ["SELECT $0", "SELECT $a", "SELECT ?", "SELECT :1", "SELECT"] {
            assert_eq!(values(other), None, "{other}");
        }
    }

    #[test]
    fn what_was_asked_for_lately_is_kept() {
        let connection = memory();
        let mut statements = Statements::new(&connection);
        let get = |statements: &mut Statements<'_>, number: usize| {
            statements.get(&format!("SELECT {number}")).expect("it is a statement").last
        };
        for number in 0..MANY {
            get(&mut statements, number);
        }
        get(&mut statements, 0);
        assert_eq!(statements.count, MANY);
        get(&mut statements, MANY);
        assert_eq!(statements.count, MANY / 2 + 1);
        for number in [0, MANY - 1, MANY] {
            get(&mut statements, number);
        }
        assert_eq!(statements.count, MANY / 2 + 1, "none of these was prepared anew");
        get(&mut statements, 1);
        assert_eq!(statements.count, MANY / 2 + 2);
    }
}
