//! What was said, for whoever reads it piece by piece.

use super::{Message, MessageKey};
use crate::heads::Head;
use crate::prelude::*;

// The conversation's number leads the key, and its head has been found under its tenant.
const BETWEEN: &str = "WHERE key >= $1 AND key <= $2 ORDER BY key LIMIT $3";

/// The messages of these indexes, both included, up to `limit`.
pub fn between(
    tx: &mut Tx<'_>,
    head: &Head,
    (first, last): (i64, i64),
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    if first > last {
        return Ok(Vec::new());
    }
    let key = |index| MessageKey::new(head.number, index);
    tx.list(BETWEEN, &[&key(first), &key(last), &limit])
}
