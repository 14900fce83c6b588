//! What has become of a conversation's messages, for those who keep a copy of them.

use super::{Message, MessageKey};
use crate::heads::Head;
use crate::prelude::*;

// The conversation's number leads the key, and its head has been found under its tenant.
const ASCENDING: &str = "WHERE key >= $1 AND key <= $2 ORDER BY key LIMIT $3";
const DESCENDING: &str = "WHERE key >= $1 AND key <= $2 ORDER BY key DESC LIMIT $3";
const ADDED: &str =
    "WHERE key >= $1 AND key <= $2 AND position_added > $3 AND position_added <= $4 ORDER BY key";
const CHANGED: &str = "WHERE conversation_sid = $1 AND position_changed > $2 AND position_changed <= $3 \
     AND position_added <= $2 ORDER BY position_changed";
const NEXT_ADDED: &str =
    "SELECT key, position_added FROM messages WHERE key >= $1 AND key <= $2 ORDER BY key LIMIT 1";

/// Up to `limit` messages of these indexes, both included, from the lowest up or from the highest down.
pub fn some(
    tx: &mut Tx<'_>,
    head: &Head,
    (first, last): (i64, i64),
    (is_ascending, limit): (bool, i64),
) -> Result<Vec<Message>, StoreError> {
    let key = |index| MessageKey::new(head.number, index);
    let sql = if is_ascending { ASCENDING } else { DESCENDING };
    tx.list(sql, &[&key(first), &key(last), &limit])
}

/// Those that are there and were added after one position and not after another.
///
/// Each took a position with its index, so that indexes and positions rise together, and what was added since a
/// position lies within as many indexes as there are positions.
pub fn added(tx: &mut Tx<'_>, head: &Head, (after, through): (i64, i64)) -> Result<Vec<Message>, StoreError> {
    let mut first = (head.next_index - (head.position - after)).max(0);
    let mut end = head.next_index - 1;
    if through < head.position {
        first = first_after(tx, head, (first, after))?;
        // Not as many indexes on as there are positions: those of removed messages lie between.
        end = first_after(tx, head, (first, through))? - 1;
    }
    if first > end {
        return Ok(Vec::new());
    }
    let key = |index| MessageKey::new(head.number, index);
    tx.list(ADDED, &[&key(first), &key(end), &after, &through])
}

/// The index from which on messages were added after this position, at or above `first`.
fn first_after(tx: &mut Tx<'_>, head: &Head, (first, after): (i64, i64)) -> Result<i64, StoreError> {
    let (mut low, mut high) = (first, head.next_index);
    let last = MessageKey::new(head.number, head.next_index - 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let at = MessageKey::new(head.number, middle);
        let read = |row: &mut Row<'_>| Ok((row.next::<MessageKey>()?, row.next::<i64>()?));
        match tx.row(NEXT_ADDED, &[&at, &last], read)? {
            Some((key, position)) if position <= after => low = key.index() + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Those that had been added by one position, and were changed last after it and not after another.
pub fn changed(
    tx: &mut Tx<'_>,
    head: &Head,
    (after, through): (i64, i64),
) -> Result<Vec<Message>, StoreError> {
    tx.list(CHANGED, &[&head.sid, &after, &through])
}
