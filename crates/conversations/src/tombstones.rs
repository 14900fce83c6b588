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

/// Leaves the stone of `item` at `position` of `root`.
pub fn leave(
    tx: &mut Tx<'_>,
    (root, position): (&[u8; 16], i64),
    (kind, item, index): (Kind, &[u8; 16], Option<i64>),
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(LEAVE, &[root, &(kind as i64), &position, item, &index, &now])
}
