//! Plain updates of several rows, as one statement.
//!
//! `UPDATE t SET a = $2 WHERE b = $1` becomes `UPDATE t SET a = given.p2 FROM (SELECT unnest($1::int8[]) AS p1,
//! unnest($2::text[]) AS p2) AS given WHERE t.b = given.p1`. That does what one after the other did because
//!
//! - no two of them ask for the same row: their conditions are equalities of the same columns, with other values;
//! - none changes what another looks for: what is set and what is asked for are different columns.
//!
//! Only the order in which a unique index sees the rows may be another. Where that fails, the batch runs again, each
//! job alone.

use tokio_postgres::types::Type;

use super::gathered;
use crate::value::{Cell, Value};

/// An UPDATE that sets columns to its parameters where others are equal to its parameters, and does nothing else.
pub(super) struct Update {
    table: String,
    sets: Vec<(String, usize)>,
    filters: Vec<(String, usize)>,
}

impl Update {
    /// `None` for a statement of any other form.
    pub(super) fn read(sql: &str) -> Option<Self> {
        let words: Vec<_> = sql.split_ascii_whitespace().collect();
        let text = words.join(" ");
        let (table, rest) = text.strip_prefix("UPDATE ")?.split_once(" SET ")?;
        let (sets, filters) = rest.split_once(" WHERE ")?;
        let sets = sets.split(", ").map(equality).collect::<Option<Vec<_>>>()?;
        let filters = filters.split(" AND ").map(equality).collect::<Option<Vec<_>>>()?;
        let is_apart = sets.iter().all(|(set, _)| filters.iter().all(|(filter, _)| set != filter));
        (is_name(table) && is_apart).then(|| Self { table: table.to_owned(), sets, filters })
    }

    /// The statement of many.
    pub(super) fn of_many(&self, kinds: &[Type]) -> String {
        let Self { table, sets, filters } = self;
        let columns = gathered::columns(kinds);
        let sets: Vec<_> = sets.iter().map(|(column, place)| format!("{column} = given.p{place}")).collect();
        let sets = sets.join(", ");
        let filters: Vec<_> =
            filters.iter().map(|(column, place)| format!("{table}.{column} = given.p{place}")).collect();
        let filters = filters.join(" AND ");
        format!("UPDATE {table} SET {sets} FROM (SELECT {columns}) AS given WHERE {filters}")
    }

    /// Which row it asks for. Two that differ in it ask for different ones.
    pub(super) fn key(&self, params: &[&dyn Value]) -> Vec<u8> {
        let mut key = Vec::new();
        for (_, place) in &self.filters {
            let number;
            let (kind, bytes) = match params.get(place - 1).map_or(Cell::Null, |param| param.cell()) {
                Cell::Null => (0, [].as_slice()),
                Cell::Int(value) => {
                    number = value.to_be_bytes();
                    (1, number.as_slice())
                }
                Cell::Text(text) => (2, text.as_bytes()),
                Cell::Bytes(bytes) => (3, bytes),
            };
            key.push(kind);
            key.extend_from_slice(&bytes.len().to_be_bytes());
            key.extend_from_slice(bytes);
        }
        key
    }
}

/// `name = $1`.
fn equality(text: &str) -> Option<(String, usize)> {
    let (column, place) = text.split_once(" = $")?;
    let is_number = place.bytes().all(|digit| digit.is_ascii_digit());
    let place = place.parse().ok().filter(|place| is_number && *place > 0)?;
    is_name(column).then(|| (column.to_owned(), place))
}

fn is_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(is_of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_of_many_rows() {
        let sql = "UPDATE seats SET guest = $3, note = $3 \n WHERE hall = $1 AND place = $2";
        let update = Update::read(sql).unwrap();
        let many = "UPDATE seats SET guest = given.p3, note = given.p3 \
             FROM (SELECT unnest($1::int8[]) AS p1, unnest($2::bytea[]) AS p2, unnest($3::text[]) AS p3) AS given \
             WHERE seats.hall = given.p1 AND seats.place = given.p2";
        assert_eq!(update.of_many(&[Type::INT8, Type::BYTEA, Type::TEXT]), many);
    }

    #[test]
    fn whatever_is_more_than_plain_stays_as_it_is() {
        for other in [
            "UPDATE seats SET guest = $2",
            "UPDATE seats SET guest = $2 WHERE hall = $1 RETURNING guest",
            "UPDATE seats SET guest = $2 WHERE hall = $1 OR place = $1",
            "UPDATE seats SET guest = $2 WHERE hall > $1",
            "UPDATE seats SET guest = $2 WHERE hall = 1",
            "UPDATE seats SET guest = $2 WHERE hall = $1 AND place IS NULL",
            "UPDATE seats SET guest = $2 WHERE lower(guest) = $1",
            "UPDATE seats SET guest = NULL WHERE hall = $1",
            "UPDATE seats SET total = total + $2 WHERE hall = $1",
            "UPDATE seats SET total = $2 + 1 WHERE hall = $1",
            "UPDATE seats SET hall = $2 WHERE hall = $1",
            "UPDATE seats SET guest = $2 WHERE hall = $0",
            "UPDATE seats SET guest = $2 WHERE hall = $+1",
            "UPDATE seats SET guest = (SELECT $2) WHERE hall = $1",
            "UPDATE seats SET guest = $2 FROM halls WHERE hall = $1",
            "UPDATE seats AS taken SET guest = $2 WHERE hall = $1",
            "INSERT INTO seats (hall) VALUES ($1)",
        ] {
            assert!(Update::read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn keys_differ_where_one_of_their_values_does() {
        let update = Update::read("UPDATE seats SET guest = $3 WHERE hall = $1 AND place = $2").unwrap();
        let (none, text): (Option<i64>, _) = (None, "1");
        let pairs: [[&dyn Value; 2]; 7] =
            [[&1, &2], [&2, &1], [&none, &1], [&1, &none], [&text, &"2"], [&"12", &""], [&"", &"12"]];
        for (place, one) in pairs.iter().enumerate() {
            for (other_place, other) in pairs.iter().enumerate() {
                let keys = [one, other].map(|values| update.key(&[values[0], values[1], &"guest"]));
                assert_eq!(keys[0] == keys[1], place == other_place, "{place} and {other_place}");
            }
        }
        // What is set is no part of it.
        assert_eq!(update.key(&[&1, &2, &"a"]), update.key(&[&1, &2, &"b"]));
    }
}
