//! Records: rows of one table as Rust values, and the statements that every record has.

use crate::error::StoreError;
use crate::value::{Row, Value};

/// A row of one table.
pub trait Record: Sized {
    /// The table.
    const TABLE: &'static str;
    /// The columns, separated by commas: `"sid, account_sid, .."`.
    const COLUMNS: &'static str;
    /// Those of the columns that identify a row.
    const KEY: &'static [&'static str];

    /// The values, in the order of the columns.
    fn values(&self) -> Vec<&dyn Value>;

    /// Reads the columns, in their order.
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError>;
}

/// The statements of a record, put together by the compiler: they run for every row.
trait Statements: Record {
    const COUNT: usize = count(Self::COLUMNS);
    const INSERT: Text = insert_text(Self::TABLE, Self::COLUMNS, "");
    const INSERT_IF_NEW: Text = insert_text(Self::TABLE, Self::COLUMNS, " ON CONFLICT DO NOTHING");
    const UPDATE: Option<Text> = update_text(Self::TABLE, Self::COLUMNS, Self::KEY);
    const DELETE: (Text, Places) = delete_text(Self::TABLE, Self::COLUMNS, Self::KEY);
}

impl<R: Record> Statements for R {}

pub(crate) fn select<R: Record>(tail: &str) -> String {
    ["SELECT ", R::COLUMNS, " FROM ", R::TABLE, " ", tail].concat()
}

pub(crate) fn insert<R: Record>() -> &'static str {
    const { &R::INSERT }.as_str()
}

pub(crate) fn insert_if_new<R: Record>() -> &'static str {
    const { &R::INSERT_IF_NEW }.as_str()
}

/// `None` when every column belongs to the key, so that there is nothing to replace.
pub(crate) fn update<R: Record>() -> Option<&'static str> {
    const { &R::UPDATE }.as_ref().map(Text::as_str)
}

/// The statement and which of the values it takes.
pub(crate) fn delete<R: Record>() -> (&'static str, &'static [usize]) {
    let (sql, places) = const { &R::DELETE };
    (sql.as_str(), places.all.split_at(places.length).0)
}

/// Refuses what would give the wrong values to the columns. A record whose key is not among its columns, and
/// would touch every row of its table, does not compile.
pub(crate) fn check<R: Record>(values: &[&dyn Value]) -> Result<(), StoreError> {
    const { assert!(has_key(R::COLUMNS, R::KEY), "the key of a record is among its columns") };
    if R::COUNT == values.len() {
        return Ok(());
    }
    Err(StoreError::failed(format!("record of {}: columns and values differ in number", R::TABLE)))
}

// For the compiler ───────────────────────────────────────────────────────────

/// A text of limited length; a longer one does not compile.
struct Text {
    bytes: [u8; 1024],
    length: usize,
}

impl Text {
    const fn of(text: &str) -> Self {
        Self { bytes: [0; 1024], length: 0 }.and(text)
    }

    const fn and(mut self, text: &str) -> Self {
        let mut at = 0;
        while at < text.len() {
            self.bytes[self.length] = text.as_bytes()[at];
            self.length += 1;
            at += 1;
        }
        self
    }

    /// `$7`, of the column with that number.
    const fn and_place(self, place: usize) -> Self {
        const DIGITS: &str = "0123456789";
        assert!(place < 100, "a table has fewer columns");
        let (tens, ones) = (DIGITS.split_at(place / 10).1, DIGITS.split_at(place % 10).1);
        let text = self.and("$");
        let text = if place < 10 { text } else { text.and(tens.split_at(1).0) };
        text.and(ones.split_at(1).0)
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => panic!("it is made of whole texts"),
        }
    }
}

/// Which of the values a statement takes.
struct Places {
    all: [usize; 8],
    length: usize,
}

const fn insert_text(table: &str, columns: &str, tail: &str) -> Text {
    let mut text = Text::of("INSERT INTO ").and(table).and(" (").and(columns).and(") VALUES (");
    let mut index = 0;
    while index < count(columns) {
        text = text.and(if index == 0 { "" } else { ", " }).and_place(index + 1);
        index += 1;
    }
    text.and(")").and(tail)
}

const fn update_text(table: &str, columns: &str, key: &[&str]) -> Option<Text> {
    let mut text = Text::of("UPDATE ").and(table).and(" SET ");
    let (mut index, mut set) = (0, 0);
    while index < count(columns) {
        if !contains(key, column(columns, index)) {
            text = text.and(if set == 0 { "" } else { ", " });
            text = text.and(column(columns, index)).and(" = ").and_place(index + 1);
            set += 1;
        }
        index += 1;
    }
    let (mut index, mut filters) = (0, 0);
    while index < count(columns) {
        if contains(key, column(columns, index)) {
            text = text.and(if filters == 0 { " WHERE " } else { " AND " });
            text = text.and(column(columns, index)).and(" = ").and_place(index + 1);
            filters += 1;
        }
        index += 1;
    }
    if set > 0 { Some(text) } else { None }
}

const fn delete_text(table: &str, columns: &str, key: &[&str]) -> (Text, Places) {
    let mut text = Text::of("DELETE FROM ").and(table);
    let mut places = Places { all: [0; 8], length: 0 };
    let mut index = 0;
    while index < count(columns) {
        if contains(key, column(columns, index)) {
            text = text.and(if places.length == 0 { " WHERE " } else { " AND " });
            places.all[places.length] = index;
            places.length += 1;
            text = text.and(column(columns, index)).and(" = ").and_place(places.length);
        }
        index += 1;
    }
    (text, places)
}

const fn has_key(columns: &str, key: &[&str]) -> bool {
    let (mut index, mut found) = (0, 0);
    while index < count(columns) {
        if contains(key, column(columns, index)) {
            found += 1;
        }
        index += 1;
    }
    found > 0 && found == key.len()
}

const fn count(columns: &str) -> usize {
    let (mut at, mut commas) = (0, 0);
    while at < columns.len() {
        if columns.as_bytes()[at] == b',' {
            commas += 1;
        }
        at += 1;
    }
    commas + 1
}

const fn column(columns: &str, index: usize) -> &str {
    let (mut rest, mut index) = (columns, index);
    loop {
        let mut end = 0;
        while end < rest.len() && rest.as_bytes()[end] != b',' {
            end += 1;
        }
        if index == 0 {
            return rest.split_at(end).0.trim_ascii();
        }
        rest = rest.split_at(end + 1).1;
        index -= 1;
    }
}

const fn contains(key: &[&str], column: &str) -> bool {
    let mut index = 0;
    while index < key.len() {
        if is_same(key[index].as_bytes(), column.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Seat;

    impl Record for Seat {
        const TABLE: &'static str = "seats";
        const COLUMNS: &'static str = "hall, row_no, colour, taken";
        const KEY: &'static [&'static str] = &["hall", "row_no"];

        fn values(&self) -> Vec<&dyn Value> {
            vec![&1, &2, &"red", &true]
        }

        fn read(_: &mut Row<'_>) -> Result<Self, StoreError> {
            Ok(Self)
        }
    }

    #[test]
    fn statements_of_a_record() {
        assert_eq!(
            select::<Seat>("WHERE hall = $1"),
            "SELECT hall, row_no, colour, taken FROM seats WHERE hall = $1"
        );
        let inserted = "INSERT INTO seats (hall, row_no, colour, taken) VALUES ($1, $2, $3, $4)";
        assert_eq!(insert::<Seat>(), inserted);
        assert_eq!(insert_if_new::<Seat>(), format!("{inserted} ON CONFLICT DO NOTHING"));
        assert_eq!(
            update::<Seat>(),
            Some("UPDATE seats SET colour = $3, taken = $4 WHERE hall = $1 AND row_no = $2")
        );
        assert_eq!(
            delete::<Seat>(),
            ("DELETE FROM seats WHERE hall = $1 AND row_no = $2", [0, 1].as_slice())
        );
        assert!(check::<Seat>(&Seat.values()).is_ok());
        assert!(check::<Seat>(&[]).is_err());
    }

    #[test]
    fn what_the_compiler_counts() {
        let columns = "a, bc,\n  d, e, f, g, h, i, j, k, l, m";
        assert_eq!((count(columns), column(columns, 2), column(columns, 11)), (12, "d", "m"));
        assert_eq!(Text::of("x").and_place(9).and_place(10).and_place(42).as_str(), "x$9$10$42");
        assert!(update_text("t", "a, b", &["b", "a"]).is_none());
        assert!(has_key(columns, &["bc", "a"]) && !has_key(columns, &["b"]) && !has_key(columns, &[]));
    }
}
