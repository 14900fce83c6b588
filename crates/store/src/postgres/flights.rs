//! Openings that ask the same of different places, as one statement.
//!
//! `SELECT a FROM t WHERE b = $1` becomes `SELECT found.*, opening.place FROM (SELECT unnest($1::bytea[]) AS p1,
//! generate_subscripts($1, 1) AS place) AS opening, LATERAL (SELECT a FROM t WHERE b = opening.p1 OFFSET 0) AS found`,
//! and the place, which counts from 1, says whose a row is. OFFSET 0 keeps the inner SELECT what it is, a search for
//! each place: joined with the places as a whole it was a scan of the table where that had a thousand rows.

use std::error::Error;

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::gathered::{self, Array};
use super::value::Bound;
use crate::opening::{Answer, Opening};
use crate::value::Value;

/// Which openings go together, by their places.
pub(super) fn of(openings: &[&Opening]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, opening) in openings.iter().enumerate() {
        let same = |group: &&mut Vec<usize>| openings[group[0]].sql == opening.sql;
        // What has no parameters has nothing to be told apart by.
        let group = if opening.params.is_empty() { None } else { groups.iter_mut().find(same) };
        match group {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups
}

/// The statement of many, made of that of one.
pub(super) fn of_many(sql: &str, kinds: &[Type]) -> String {
    let columns = gathered::columns(kinds);
    let one = sql.replace('$', "opening.p");
    format!(
        "SELECT found.*, opening.place FROM (SELECT {columns}, generate_subscripts($1, 1)::bigint AS place) AS \
         opening, LATERAL ({one} OFFSET 0) AS found"
    )
}

/// The values of many, a column for each parameter.
pub(super) fn columns<'a>(
    kinds: &[Type],
    openings: impl Iterator<Item = &'a Opening>,
) -> Result<Vec<Array>, Box<dyn Error + Sync + Send>> {
    let mut columns: Vec<_> = kinds.iter().map(|kind| Array::new(kind.clone())).collect();
    for opening in openings {
        if opening.params.len() != columns.len() {
            return Err("parameters and values differ in number".into());
        }
        for (column, param) in columns.iter_mut().zip(&opening.params) {
            column.push(&Bound(param.cell()))?;
        }
    }
    Ok(columns)
}

/// Gives each row to the opening whose it is.
pub(super) fn hand_out(
    rows: Vec<Row>,
    places: &[usize],
    answers: &mut [Answer],
) -> Result<(), tokio_postgres::Error> {
    for row in rows {
        let number: i64 = row.try_get(row.len() - 1)?;
        if let Some(place) = usize::try_from(number - 1).ok().and_then(|number| places.get(number)) {
            answers[*place].push(Box::new(row));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_of_many_places() {
        let sql = "SELECT total FROM heads WHERE sid = $1 AND total < $2";
        let many = "SELECT found.*, opening.place FROM (SELECT unnest($1::bytea[]) AS p1, unnest($2::int8[]) AS p2, \
             generate_subscripts($1, 1)::bigint AS place) AS opening, LATERAL (SELECT total FROM heads WHERE \
             sid = opening.p1 AND total < opening.p2 OFFSET 0) AS found";
        assert_eq!(of_many(sql, &[Type::BYTEA, Type::INT8]), many);
    }
}
