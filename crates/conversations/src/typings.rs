//! Typings: who types where, written down for the clients of other nodes alone. Those of this node are told without it.
//!
//! A row is worth something for [`LAPSE_SECONDS`]. Nothing is locked, counted or announced by it, and who comes later
//! has missed nothing. The clocks of nodes may differ by a few seconds.

use crate::prelude::*;
use crate::presences::Node;

/// How long somebody types who does not say it again.
pub const LAPSE_SECONDS: i64 = 6;
const SECOND: i64 = 1_000_000;
/// After so long nobody looks at a row, whatever the clock it was written by.
const KEPT_SECONDS: i64 = 60;
/// Who types beyond these is not told of: they all type within a few seconds.
const AT_ONCE: i64 = 5_000;

/// Somebody types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typing {
    pub conversation_sid: Sid<Conversation>,
    pub participant_sid: Sid<Participant>,
    pub chat_service_sid: Sid<Service>,
    pub identity: String,
}

// Storage ────────────────────────────────────────────────────────────────────

const SAY: &str = "INSERT INTO typings \
     (conversation_sid, participant_sid, chat_service_sid, identity, node, said_at) \
     VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (conversation_sid, participant_sid) \
     DO UPDATE SET node = excluded.node, said_at = excluded.said_at";

// What belongs to nodes, and to no tenant.
const ELSEWHERE: &str = "SELECT conversation_sid, participant_sid, chat_service_sid, identity, said_at \
     FROM typings WHERE said_at > $1 AND node <> $2 ORDER BY said_at DESC LIMIT $3";
const FORGET: &str = "DELETE FROM typings WHERE said_at <= $1";

// Operations: within a transaction ───────────────────────────────────────────

/// Notes that somebody types, who said so to this node.
pub fn say(tx: &mut Tx<'_>, node: Node, typing: &Typing) -> Result<(), StoreError> {
    let Typing { conversation_sid, participant_sid, chat_service_sid, identity } = typing;
    let now = tx.now();
    tx.put(SAY, &[conversation_sid, participant_sid, chat_service_sid, identity, &node, &now])
}

/// Who types and said so to another node, with when; the latest first.
pub fn elsewhere(tx: &mut Tx<'_>, node: Node) -> Result<Vec<(Typing, Timestamp)>, StoreError> {
    let since = tx.now().saturating_plus_micros(-LAPSE_SECONDS * SECOND);
    tx.rows(ELSEWHERE, &[&since, &node, &AT_ONCE], |row| {
        let typing = Typing {
            conversation_sid: row.next()?,
            participant_sid: row.next()?,
            chat_service_sid: row.next()?,
            identity: row.next()?,
        };
        Ok((typing, row.next()?))
    })
}

/// Removes what is long past.
pub fn forget(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let before = tx.now().saturating_plus_micros(-KEPT_SECONDS * SECOND);
    tx.put(FORGET, &[&before])
}
