//! What has become of a conversation's participants, for those who keep a copy of them.

use std::collections::HashSet;

use crate::prelude::*;

// The conversation that leads each of these has been found under its tenant.
const ASCENDING: &str = "WHERE conversation_sid = $1 AND sid >= $2 AND sid <= $3 ORDER BY sid LIMIT $4";
const DESCENDING: &str = "WHERE conversation_sid = $1 AND sid >= $2 AND sid <= $3 ORDER BY sid DESC LIMIT $4";
const CHANGED: &str = "WHERE conversation_sid = $1 AND position_changed > $2 \
     AND (position_changed <= $3 OR (position_added > $2 AND position_added <= $3))";
const USERS: &str = "SELECT user_sid FROM participants WHERE conversation_sid = $1 AND user_sid IS NOT NULL";

/// Up to `limit` participants of these sids, both included, from the lowest up or from the highest down.
pub fn some(
    tx: &mut Tx<'_>,
    conversation: Sid<Conversation>,
    (first, last): (Sid<Participant>, Sid<Participant>),
    (is_ascending, limit): (bool, i64),
) -> Result<Vec<Participant>, StoreError> {
    let sql = if is_ascending { ASCENDING } else { DESCENDING };
    tx.list(sql, &[&conversation, &first, &last, &limit])
}

/// Those that were added, or changed last, after one position and not after another.
pub fn changed(
    tx: &mut Tx<'_>,
    conversation: Sid<Conversation>,
    (after, through): (i64, i64),
) -> Result<Vec<Participant>, StoreError> {
    tx.list(CHANGED, &[&conversation, &after, &through])
}

/// The users who take part.
pub fn users(tx: &mut Tx<'_>, conversation: Sid<Conversation>) -> Result<HashSet<Sid<User>>, StoreError> {
    Ok(tx.rows(USERS, &[&conversation], one)?.into_iter().collect())
}
