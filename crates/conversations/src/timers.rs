//! Timers: conversations that become inactive, or closed, because their time has come.
//!
//! The head of a conversation holds the instant at which its next timer fires, in an index that has no
//! place for conversations without timers. Whoever runs timers asks what is due and fires it. Between the
//! two anybody may change anything: [`fire`] looks again under the conversation's lock, so that it does no
//! harm to be late, to come twice, or to come from two nodes at once.

use crate::conversations::{self, Shown};
use crate::ids::Ids;
use crate::prelude::*;

/// A timer whose time has come, when it was looked for. They are ordered by what fires first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When it should fire.
    pub at: Timestamp,
    sid: [u8; 16],
}

/// How many one transaction fires, so that others need not wait for long.
pub const CHUNK: usize = 25;

impl Due {
    /// Before all others.
    pub const FIRST: Self = Self { at: Timestamp::MIN, sid: [0; 16] };
}

// Storage: the scans that begin with no tenant ───────────────────────────────

const NEXT: &str =
    "SELECT due FROM conversation_heads WHERE due IS NOT NULL AND due > $1 ORDER BY due LIMIT 1";
const DUE: &str = "SELECT due, sid FROM conversation_heads WHERE due IS NOT NULL \
     AND due <= $1 AND (due, sid) > ($2, $3) ORDER BY due, sid LIMIT $4";
/// The number keeps the planner to the index whatever it believes about the range; a chunk has fewer.
const STILL_DUE: &str = "WHERE h.due IS NOT NULL AND h.due <= $1 AND (h.due, h.sid) >= ($2, $3) \
     AND (h.due, h.sid) <= ($4, $5) ORDER BY h.due, h.sid LIMIT 50";

// Operations ─────────────────────────────────────────────────────────────────

/// When the first of all timers after `now` fires.
pub fn next(tx: &mut Tx<'_>, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    tx.row(NEXT, &[&now], one)
}

/// The timers that are due at `now` and come after `after`, in their order.
pub fn due(tx: &mut Tx<'_>, now: Timestamp, after: &Due, limit: i64) -> Result<Vec<Due>, StoreError> {
    tx.rows(DUE, &[&now, &after.at, &after.sid, &limit], |row| Ok(Due { at: row.next()?, sid: row.next()? }))
}

/// What firing these locks.
pub fn roots(due: &[Due]) -> Roots {
    let mut roots = Roots::none();
    for one in due {
        roots.push(Conversation::root(Sid::from_bytes(one.sid)));
    }
    roots
}

/// Fires those that are still due, and tells how many that were. They are a [`CHUNK`] at most, in order.
pub fn fire(tx: &mut Tx<'_>, ids: &dyn Ids, due: &[Due]) -> Result<usize, Failure> {
    let (Some(first), Some(last)) = (due.first(), due.last()) else { return Ok(0) };
    tx.lock(&roots(due))?;
    let now = tx.now();
    let found = format!("{} {STILL_DUE}", Shown::select());
    let params: &[&dyn Value] = &[&now, &first.at, &first.sid, &last.at, &last.sid];
    let mut fired = 0;
    for shown in tx.rows(&found, params, Shown::read)? {
        // Between the first and the last may by now be others, which are not locked.
        let is_locked = due.iter().any(|one| one.sid == *shown.head.sid.as_bytes());
        if let Some((_, state)) = shown.head.next_timer().filter(|_| is_locked) {
            conversations::elapse(tx, ids, shown, state)?;
            fired += 1;
        }
    }
    Ok(fired)
}
