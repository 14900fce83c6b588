//! Rows that wait to be sent: one INSERT or UPDATE for each table, however many jobs have added to it.
//!
//! They are sent before any statement that might look for them, so that none misses them, in the order in which their
//! tables were first added to; a write that looks at no other table than its own waits only for those of its table.
//! Rows of different tables may change places by it, which no constraint of the schema notices: none refers to another
//! table and is checked at once. Beside the rows of an UPDATE no others of its table are held, and none of the same
//! key; where nothing can refuse it, the later takes the place of the earlier, for it sets all that this has set, and
//! nobody has looked in between.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::link::Statement;
use super::value::Bound;
use crate::opening::written_table;
use crate::value::Value;

/// What is held back at most, so that memory does not grow with what a job adds.
const ROWS: usize = 1024;
const BYTES: usize = 1 << 20;

/// What becomes of a row that an UPDATE asks for twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Same {
    /// Each is run, for the earlier may fail.
    Apart,
    /// The later takes the place of the earlier.
    Over,
}

/// The rows of one transaction.
#[derive(Default)]
pub(super) struct Gathered {
    tables: Vec<Table>,
}

/// Rows of one statement.
pub(super) struct Table {
    /// The statement of a single row.
    pub(super) one: Statement,
    pub(super) rows: usize,
    columns: Vec<Array>,
    /// Which rows an UPDATE asks for, each with its place.
    keys: HashMap<Vec<u8>, usize>,
}

impl Gathered {
    /// Whether rows of this statement have their place.
    pub(super) fn has(&self, sql: &str) -> bool {
        self.tables.iter().any(|table| *table.one.sql == *sql)
    }

    /// Makes place for the rows of a statement.
    pub(super) fn begin(&mut self, one: Statement) {
        let columns = one.params().iter().map(|kind| Array::new(kind.clone())).collect();
        self.tables.push(Table { one, rows: 0, columns, keys: HashMap::new() });
    }

    /// Whether a row of this statement can be added to those that wait.
    pub(super) fn takes(&self, statement: &Statement, params: &[&dyn Value], same: Same) -> bool {
        let (Some(update), sql) = (&statement.update, &statement.sql) else { return false };
        let table = self.tables.iter().find(|table| table.one.sql == *sql);
        table.is_some_and(|table| same == Same::Over || !table.keys.contains_key(&update.key(params)))
    }

    /// Adds a row. Whether so many have gathered that they are to be sent. After a failure the whole transaction
    /// must be undone.
    pub(super) fn add(
        &mut self,
        sql: &str,
        params: &[&dyn Value],
    ) -> Result<bool, Box<dyn Error + Sync + Send>> {
        let table = self.tables.iter_mut().find(|table| *table.one.sql == *sql);
        let table = table.ok_or("a table has its place")?;
        if table.columns.len() != params.len() {
            return Err("parameters and columns differ in number".into());
        }
        let before = match &table.one.update {
            Some(update) => match table.keys.entry(update.key(params)) {
                Entry::Occupied(before) => Some(*before.get()),
                Entry::Vacant(free) => {
                    free.insert(table.rows);
                    None
                }
            },
            None => None,
        };
        let mut bytes = 0;
        for (column, param) in table.columns.iter_mut().zip(params) {
            match before {
                Some(place) => column.replace(place, &Bound(param.cell()))?,
                None => column.push(&Bound(param.cell()))?,
            }
            bytes += column.bytes.len();
        }
        table.rows += usize::from(before.is_none());
        Ok(table.rows >= ROWS || bytes >= BYTES)
    }

    /// Those that this statement might look for, or stand in the way of.
    pub(super) fn take_before(&mut self, statement: &Statement) -> Vec<Table> {
        let concerns = |table: &Table| {
            let tables = (&table.one.table, &statement.table);
            tables.0.is_none() || tables.1.is_none() || tables.0 == tables.1
        };
        if self.tables.iter().any(concerns) {
            let (before, others) = self.take().into_iter().partition(concerns);
            self.tables = others;
            return before;
        }
        Vec::new()
    }

    /// The same for new rows, which stand in no other new row's way.
    pub(super) fn take_updates_before(&mut self, insert: &Statement) -> Vec<Table> {
        let has_update = self.tables.iter().any(|table| table.one.update.is_some());
        if has_update { self.take_before(insert) } else { Vec::new() }
    }

    pub(super) fn take(&mut self) -> Vec<Table> {
        std::mem::take(&mut self.tables)
    }
}

impl Table {
    /// The columns, each as an array of the values of all rows.
    pub(super) fn into_arrays(self) -> Vec<Array> {
        self.columns
    }

    /// The columns of a single row, each as its value.
    pub(super) fn into_values(self) -> Vec<Only> {
        self.columns.into_iter().map(Only).collect()
    }
}

/// The one table that a writing statement looks at. `None` for whatever is not plain to see.
pub(super) fn only_table(sql: &str) -> Option<&str> {
    let table = written_table(sql)?;
    let (_, behind) = sql.split_once(table)?;
    // Behind the table's name, nothing may name another.
    let is_plain =
        |word: &str| !["FROM", "USING", "JOIN", "TABLE"].contains(&word) && !word.contains("SELECT");
    behind.split_ascii_whitespace().all(is_plain).then_some(table)
}

/// The INSERT of many rows, made of that of one: `VALUES ($1, $2)` becomes a SELECT from arrays. `None` where it has
/// another form.
pub(super) fn of_many(sql: &str, kinds: &[Type]) -> Option<String> {
    let (head, _) = sql.split_once(" VALUES (")?;
    Some(format!("{head} SELECT {}", columns(kinds)))
}

/// `unnest($1::int8[]) AS p1, unnest($2::text[]) AS p2`: a row of each place in the arrays, which are equally long.
/// In a list of what is selected the rows are made as they are read; in a FROM each array would become a table of its
/// own first.
pub(super) fn columns(kinds: &[Type]) -> String {
    let column = |(kind, place): (&Type, usize)| format!("unnest(${place}::{}[]) AS p{place}", kind.name());
    kinds.iter().zip(1..).map(column).collect::<Vec<_>>().join(", ")
}

/// Values of one type, as the server reads an array of them.
#[derive(Debug)]
pub(super) struct Array {
    kind: Type,
    count: i32,
    has_null: bool,
    /// The elements, each behind its length.
    bytes: BytesMut,
}

impl Array {
    pub(super) fn new(kind: Type) -> Self {
        Self { kind, count: 0, has_null: false, bytes: BytesMut::new() }
    }

    pub(super) fn push(&mut self, value: &Bound<'_>) -> Result<(), Box<dyn Error + Sync + Send>> {
        let start = self.bytes.len();
        self.bytes.put_i32(-1);
        match value.to_sql(&self.kind, &mut self.bytes)? {
            IsNull::Yes => self.has_null = true,
            IsNull::No => {
                let length = i32::try_from(self.bytes.len() - start - 4)?;
                self.bytes[start..start + 4].copy_from_slice(&length.to_be_bytes());
            }
        }
        self.count += 1;
        Ok(())
    }

    /// Puts a value in the place of an earlier one.
    fn replace(&mut self, place: usize, value: &Bound<'_>) -> Result<(), Box<dyn Error + Sync + Send>> {
        let mut start = 0;
        for _ in 0..place {
            start = self.end(start);
        }
        let behind = self.bytes.split_off(self.end(start));
        self.bytes.truncate(start);
        self.count -= 1;
        self.push(value)?;
        self.bytes.put_slice(&behind);
        Ok(())
    }

    /// Where the element ends that starts here.
    fn end(&self, start: usize) -> usize {
        let length = self.bytes[start..].first_chunk().map_or(-1, |length| i32::from_be_bytes(*length));
        start + 4 + usize::try_from(length).unwrap_or(0)
    }

    /// Whether the first element is null.
    fn starts_with_null(&self) -> bool {
        self.bytes.starts_with(&(-1_i32).to_be_bytes())
    }
}

impl ToSql for Array {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let dimensions = 1;
        let first_index = 1;
        out.put_i32(dimensions);
        out.put_i32(i32::from(self.has_null));
        out.put_u32(self.kind.oid());
        out.put_i32(self.count);
        out.put_i32(first_index);
        out.put_slice(&self.bytes);
        Ok(IsNull::No)
    }

    /// The statement was made for it.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The one value of an array that has no other.
#[derive(Debug)]
pub(super) struct Only(Array);

impl ToSql for Only {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        if self.0.starts_with_null() {
            return Ok(IsNull::Yes);
        }
        out.put_slice(self.0.bytes.get(4..).unwrap_or_default());
        Ok(IsNull::No)
    }

    /// It was encoded for the type of its parameter.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Cell;

    #[test]
    fn an_insert_of_many_rows() {
        let sql = "INSERT INTO seats (hall, guest, raw) VALUES ($1, $2, $3)";
        let many = "INSERT INTO seats (hall, guest, raw) SELECT unnest($1::int8[]) AS p1, unnest($2::text[]) AS p2, \
             unnest($3::bytea[]) AS p3";
        assert_eq!(of_many(sql, &[Type::INT8, Type::TEXT, Type::BYTEA]).as_deref(), Some(many));
        assert_eq!(of_many("DELETE FROM seats", &[]), None);
    }

    #[test]
    fn the_table_of_a_plain_write() {
        assert_eq!(only_table("UPDATE heads SET messages = $2 WHERE sid = $1"), Some("heads"));
        assert_eq!(only_table("DELETE FROM seats WHERE hall = $1"), Some("seats"));
        assert_eq!(only_table("INSERT INTO seats (hall) VALUES ($1) ON CONFLICT DO NOTHING"), Some("seats"));
        for other in [
            "SELECT total FROM heads",
            "UPDATE heads SET total = (SELECT COUNT(*) FROM seats)",
            "UPDATE heads SET total = 1 FROM seats WHERE hall = sid",
            "DELETE FROM heads USING seats WHERE hall = sid",
            "INSERT INTO seats (hall) SELECT sid FROM heads",
            "WITH gone AS (DELETE FROM heads) UPDATE seats SET hall = 1",
        ] {
            assert_eq!(only_table(other), None, "{other}");
        }
    }

    #[test]
    fn an_array_says_its_type_its_length_and_that_of_each_element() -> Result<(), Box<dyn Error + Sync + Send>>
    {
        let mut array = Array::new(Type::TEXT);
        array.push(&Bound(Cell::Text("ab")))?;
        array.push(&Bound(Cell::Null))?;
        let mut out = BytesMut::new();
        array.to_sql(&Type::TEXT_ARRAY, &mut out)?;
        let numbers = [1, 1, 25, 2, 1, 2].map(i32::to_be_bytes).concat();
        assert_eq!(out, [&numbers[..], b"ab", &(-1_i32).to_be_bytes()].concat());
        assert!(array.push(&Bound(Cell::Int(1))).is_err());
        Ok(())
    }
}
