//! Tombstones: what was removed from a root, and at which position, so that a client that was away
//! can be told. Those of messages stay as long as the conversation; the others 30 days.

use crate::prelude::*;

/// What was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message of a conversation: its index says which.
    Message = 1,
    /// A participant of a conversation.
    Participant = 2,
    /// A conversation of a user.
    Membership = 3,
}

const LEAVE: &str = "INSERT INTO tombstones (root, kind, position, item_sid, item_index, date_removed) \
     VALUES ($1, $2, $3, $4, $5, $6)";

const BETWEEN: &str = "SELECT position, item_sid, item_index, date_removed FROM tombstones \
     WHERE root = $1 AND kind = $2 AND position > $3 AND position <= $4 ORDER BY position";

/// How long a client may be away and still be told what was removed, but for messages.
const KEPT_DAYS: i64 = 30;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;
/// Stones that one step removes.
const AT_ONCE: i64 = 500;

// The scans for what is old: the statements here without a tenant.
const OLD: &str = "SELECT kind FROM tombstones WHERE kind > 1 AND date_removed < $1 LIMIT 1";
const PRUNE: &str = "DELETE FROM tombstones WHERE kind > 1 AND (root, kind, position) IN \
     (SELECT root, kind, position FROM tombstones WHERE kind > 1 AND date_removed < $1 \
     ORDER BY date_removed LIMIT $2)";

/// One stone.
#[derive(Clone, Debug)]
pub struct Stone {
    pub position: i64,
    pub item: [u8; 16],
    /// Of a message.
    pub index: Option<i64>,
    pub date_removed: Timestamp,
}

/// The stones of one kind that were left on a root after one position and not after another, in order.
pub fn between(
    tx: &mut Tx<'_>,
    (root, kind): (&[u8; 16], Kind),
    (after, through): (i64, i64),
) -> Result<Vec<Stone>, StoreError> {
    tx.rows(BETWEEN, &[root, &(kind as i64), &after, &through], |row| {
        Ok(Stone { position: row.next()?, item: row.next()?, index: row.next()?, date_removed: row.next()? })
    })
}

/// Whether there are stones that are old.
pub fn has_old(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let before = tx.now().saturating_plus_micros(-KEPT_DAYS * DAY);
    Ok(tx.row(OLD, &[&before], one::<i64>)?.is_some())
}

/// Removes some of them.
pub fn prune(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let before = tx.now().saturating_plus_micros(-KEPT_DAYS * DAY);
    tx.put(PRUNE, &[&before, &AT_ONCE])
}

/// Leaves the stone of `item` at `position` of `root`.
pub fn leave(
    tx: &mut Tx<'_>,
    (root, position): (&[u8; 16], i64),
    (kind, item, index): (Kind, &[u8; 16], Option<i64>),
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(LEAVE, &[root, &(kind as i64), &position, item, &index, &now])
}
