//! Where many roots stand now, for who missed being told.

use std::fmt::Write as _;
use std::sync::LazyLock;

use crate::prelude::*;

/// How many roots one statement asks for.
const AT_ONCE: usize = 100;

// Of roots that somebody has been let see: the statements here without a tenant.
static CONVERSATIONS: LazyLock<String> =
    LazyLock::new(|| of_many("SELECT sid, position FROM conversation_heads WHERE sid IN ("));
static USERS: LazyLock<String> =
    LazyLock::new(|| of_many("SELECT sid, position FROM user_heads WHERE sid IN ("));

/// Present positions. What is gone is not among them.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    pub conversations: Vec<(Sid<Conversation>, i64)>,
    pub users: Vec<(Sid<User>, i64)>,
}

/// The present positions of these roots, in one statement for each hundred.
pub fn positions(
    tx: &mut Tx<'_>,
    conversations: &[Sid<Conversation>],
    users: &[Sid<User>],
) -> Result<Positions, StoreError> {
    Ok(Positions { conversations: read(tx, &CONVERSATIONS, conversations)?, users: read(tx, &USERS, users)? })
}

fn of_many(sql: &str) -> String {
    let mut sql = sql.to_owned();
    for place in 1..=AT_ONCE {
        let comma = if place == 1 { "" } else { ", " };
        write!(sql, "{comma}${place}").expect("a text grows");
    }
    sql + ")"
}

fn read<R: Prefix>(tx: &mut Tx<'_>, sql: &str, sids: &[Sid<R>]) -> Result<Vec<(Sid<R>, i64)>, StoreError> {
    let mut found = Vec::with_capacity(sids.len());
    for chunk in sids.chunks(AT_ONCE) {
        // One statement for any number: what is left of its places holds the first one again.
        let places = (0..AT_ONCE).map(|place| chunk.get(place).unwrap_or(&chunk[0]) as &dyn Value);
        let params: Vec<&dyn Value> = places.collect();
        found.extend(tx.rows(sql, &params, |row| Ok((row.next()?, row.next()?)))?);
    }
    Ok(found)
}
