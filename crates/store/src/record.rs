//! Records: rows of one table as Rust values, and the statements that every record has.

use std::fmt::Write;

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

fn columns<R: Record>() -> impl Iterator<Item = &'static str> {
    R::COLUMNS.split(',').map(str::trim)
}

pub(crate) fn select<R: Record>(tail: &str) -> String {
    format!("SELECT {} FROM {} {tail}", R::COLUMNS, R::TABLE)
}

pub(crate) fn insert<R: Record>(tail: &str) -> String {
    let mut sql = format!("INSERT INTO {} ({}) VALUES (", R::TABLE, R::COLUMNS);
    for place in 1..=columns::<R>().count() {
        let _ = write!(sql, "{}${place}", if place == 1 { "" } else { ", " });
    }
    sql.push(')');
    sql.push_str(tail);
    sql
}

/// `None` when every column belongs to the key, so that there is nothing to replace.
pub(crate) fn update<R: Record>() -> Option<String> {
    let mut sql = format!("UPDATE {} SET ", R::TABLE);
    let mut set = 0;
    let mut filter = String::new();
    for (index, column) in columns::<R>().enumerate() {
        let place = index + 1;
        if R::KEY.contains(&column) {
            let _ =
                write!(filter, " {} {column} = ${place}", if filter.is_empty() { "WHERE" } else { "AND" });
        } else {
            let _ = write!(sql, "{}{column} = ${place}", if set == 0 { "" } else { ", " });
            set += 1;
        }
    }
    sql.push_str(&filter);
    (set > 0).then_some(sql)
}

/// The statement and which of the values it takes.
pub(crate) fn delete<R: Record>() -> (String, Vec<usize>) {
    let mut sql = format!("DELETE FROM {}", R::TABLE);
    let mut places = Vec::with_capacity(R::KEY.len());
    for (index, column) in columns::<R>().enumerate() {
        if R::KEY.contains(&column) {
            let word = if places.is_empty() { "WHERE" } else { "AND" };
            places.push(index);
            let _ = write!(sql, " {word} {column} = ${}", places.len());
        }
    }
    (sql, places)
}

/// Refuses what would touch every row of a table, or give the wrong values to the columns.
pub(crate) fn check<R: Record>(values: &[&dyn Value]) -> Result<(), StoreError> {
    if columns::<R>().count() != values.len() {
        return Err(StoreError::failed(format!(
            "record of {}: columns and values differ in number",
            R::TABLE
        )));
    }
    let keys = columns::<R>().filter(|column| R::KEY.contains(column)).count();
    if keys == 0 || keys != R::KEY.len() {
        return Err(StoreError::failed(format!("record of {}: the key is not among its columns", R::TABLE)));
    }
    Ok(())
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
        assert_eq!(
            insert::<Seat>(" ON CONFLICT DO NOTHING"),
            "INSERT INTO seats (hall, row_no, colour, taken) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
        );
        assert_eq!(
            update::<Seat>().as_deref(),
            Some("UPDATE seats SET colour = $3, taken = $4 WHERE hall = $1 AND row_no = $2")
        );
        assert_eq!(
            delete::<Seat>(),
            ("DELETE FROM seats WHERE hall = $1 AND row_no = $2".into(), vec![0, 1])
        );
        assert!(check::<Seat>(&Seat.values()).is_ok());
        assert!(check::<Seat>(&[]).is_err());
    }
}
