//! Timers: conversations that become inactive, or closed, because their time has come.
//!
//! The head of a conversation holds the instant at which its next timer fires, in an index that has no
//! place for conversations without timers. Whoever runs timers asks what is due and fires it. Between the
//! two anybody may change anything: [`fire`] looks again under the conversation's lock, so that it does no
//! harm to be late, to come twice, or to come from two nodes at once.

use crate::conversations;
use crate::heads;
use crate::prelude::*;

/// A timer whose time has come, when it was looked for. They are ordered by what fires first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When it should fire.
    pub at: Timestamp,
    sid: [u8; 16],
    service: [u8; 16],
}

impl Due {
    /// Before all others.
    pub const FIRST: Self = Self { at: Timestamp::MIN, sid: [0; 16], service: [0; 16] };
}

// Storage: the scans that begin with no tenant ───────────────────────────────

const NEXT: &str =
    "SELECT due FROM conversation_heads WHERE due IS NOT NULL AND due > $1 ORDER BY due LIMIT 1";
const DUE: &str = "SELECT due, sid, chat_service_sid FROM conversation_heads WHERE due IS NOT NULL \
     AND due <= $1 AND (due, sid) > ($2, $3) ORDER BY due, sid LIMIT $4";

// Operations ─────────────────────────────────────────────────────────────────

/// When the first of all timers after `now` fires.
pub fn next(tx: &mut Tx<'_>, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    tx.row(NEXT, &[&now], one)
}

/// The timers that are due at `now` and come after `after`, in their order.
pub fn due(tx: &mut Tx<'_>, now: Timestamp, after: &Due, limit: i64) -> Result<Vec<Due>, StoreError> {
    tx.rows(DUE, &[&now, &after.at, &after.sid, &limit], |row| {
        Ok(Due { at: row.next()?, sid: row.next()?, service: row.next()? })
    })
}

/// What firing these locks.
pub fn roots(due: &[Due]) -> Roots {
    let mut roots = Roots::none();
    for one in due {
        roots.push(Conversation::root(Sid::from_bytes(one.sid)));
    }
    roots
}

/// Fires those that are still due, and tells how many that were.
pub fn fire(tx: &mut Tx<'_>, due: &[Due]) -> Result<usize, Failure> {
    tx.lock(&roots(due))?;
    let now = tx.now();
    let mut fired = 0;
    for one in due {
        let key = Key::Sid(Sid::from_bytes(one.sid));
        let Some(head) = heads::find(tx, Sid::from_bytes(one.service), &key)? else { continue };
        if let Some((_, state)) = head.next_timer().filter(|(at, _)| *at <= now) {
            conversations::elapse(tx, head, state)?;
            fired += 1;
        }
    }
    Ok(fired)
}
