//! Memberships: the user-rooted copy of what concerns one user in one conversation. The participant's
//! row is the conversation-rooted one; both are written in one transaction, under both roots.

use crate::prelude::*;
use crate::tombstones::{self, Kind};

// Record ─────────────────────────────────────────────────────────────────────

/// How loudly a user wants to hear of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NotificationLevel {
    #[default]
    Default,
    Muted,
}

/// Field order is the order of the columns.
#[derive(Clone, Debug)]
pub struct Membership {
    pub user_sid: Sid<User>,
    pub conversation_sid: Sid<Conversation>,
    pub participant_sid: Sid<Participant>,
    pub last_read_message_index: Option<i64>,
    pub notification_level: NotificationLevel,
    /// Positions of the user, not of the conversation.
    pub position_added: i64,
    pub position_changed: i64,
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl NotificationLevel {
    /// In any case.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        match text.to_ascii_lowercase().as_str() {
            "default" => Ok(Self::Default),
            "muted" => Ok(Self::Muted),
            _ => Err(Problem::INVALID_NOTIFICATION_LEVEL),
        }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for NotificationLevel {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(match self {
            Self::Default => "default",
            Self::Muted => "muted",
        })
    }
}

impl Column for NotificationLevel {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Self::parse(text).ok(),
            _ => None,
        }
    }
}

impl Record for Membership {
    const TABLE: &'static str = "memberships";
    const KEY: &'static [&'static str] = &["user_sid", "conversation_sid"];
    const COLUMNS: &'static str = "user_sid, conversation_sid, participant_sid, last_read_message_index, \
         notification_level, position_added, position_changed";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.user_sid, &self.conversation_sid, &self.participant_sid, &self.last_read_message_index,
             &self.notification_level, &self.position_added, &self.position_changed]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            user_sid: row.next()?, conversation_sid: row.next()?, participant_sid: row.next()?,
            last_read_message_index: row.next()?, notification_level: row.next()?,
            position_added: row.next()?, position_changed: row.next()?,
        })
    }
}

const ONE: &str = "WHERE user_sid = $1 AND conversation_sid = $2";
const OF_USER: &str = "WHERE user_sid = $1 ORDER BY conversation_sid LIMIT $2";
const ASCENDING: &str = "WHERE user_sid = $1 AND conversation_sid >= $2 AND conversation_sid <= $3 \
     ORDER BY conversation_sid LIMIT $4";
const DESCENDING: &str = "WHERE user_sid = $1 AND conversation_sid >= $2 AND conversation_sid <= $3 \
     ORDER BY conversation_sid DESC LIMIT $4";
const CHANGED: &str = "WHERE user_sid = $1 AND position_changed > $2 \
     AND (position_changed <= $3 OR (position_added > $2 AND position_added <= $3))";
const POSITION: &str = "SELECT position FROM user_heads WHERE sid = $1 {FOR_UPDATE}";
/// A plain update, which goes with others of its kind.
const MOVE_ON: &str = "UPDATE user_heads SET position = $2 WHERE sid = $1";
const COUNT_ON: &str = "UPDATE user_heads SET position = $2, memberships = memberships + $3 WHERE sid = $1";
const COUNT: &str = "SELECT memberships FROM user_heads WHERE sid = $1";
const COUNT_OPEN: &str = "SELECT COUNT(*) FROM memberships m JOIN conversation_heads h \
     ON h.sid = m.conversation_sid WHERE m.user_sid = $1 AND h.state < 2";

// Operations: within a transaction ───────────────────────────────────────────

/// What hangs together of one user and one conversation.
pub fn roots(user: Sid<User>, conversation: Sid<Conversation>) -> Roots {
    Roots::one(Conversation::root(conversation)).and(User::root(user))
}

/// The membership, where the user takes part.
pub fn find(
    tx: &mut Tx<'_>,
    user: Sid<User>,
    conversation: Sid<Conversation>,
) -> Result<Option<Membership>, StoreError> {
    tx.find(ONE, &[&user, &conversation])
}

/// Some of a user's memberships, at most `limit`.
pub fn some(tx: &mut Tx<'_>, user: Sid<User>, limit: i64) -> Result<Vec<Membership>, StoreError> {
    tx.list(OF_USER, &[&user, &limit])
}

/// Up to `limit` memberships of these conversations, both included, from the lowest up or from the highest down.
pub fn between(
    tx: &mut Tx<'_>,
    user: Sid<User>,
    (first, last): (Sid<Conversation>, Sid<Conversation>),
    (is_ascending, limit): (bool, i64),
) -> Result<Vec<Membership>, StoreError> {
    let sql = if is_ascending { ASCENDING } else { DESCENDING };
    tx.list(sql, &[&user, &first, &last, &limit])
}

/// Those that were added, or changed last, after one position and not after another.
pub fn changed(
    tx: &mut Tx<'_>,
    user: Sid<User>,
    (after, through): (i64, i64),
) -> Result<Vec<Membership>, StoreError> {
    tx.list(CHANGED, &[&user, &after, &through])
}

/// Refuses a user who already takes part in as many conversations as are allowed. Closed ones do not
/// count, but are looked at only when the user's own counter says that it matters.
pub fn require_room(tx: &mut Tx<'_>, call: &Call, user: Sid<User>) -> Result<(), Failure> {
    let limit = call.limits.count(1000);
    let all = tx.row(COUNT, &[&user], one::<i64>)?.unwrap_or_default();
    if all >= limit && tx.row(COUNT_OPEN, &[&user], one::<i64>)?.unwrap_or_default() >= limit {
        return Err(Problem::USER_CONVERSATION_LIMIT_EXCEEDED.into());
    }
    Ok(())
}

/// The user takes part from now on.
pub fn begin(tx: &mut Tx<'_>, user: Sid<User>, participant: &Participant) -> Result<(), StoreError> {
    let position = next_position(tx, user, 1)?.unwrap_or(1);
    tx.append(&Membership {
        user_sid: user,
        conversation_sid: participant.conversation_sid,
        participant_sid: participant.sid,
        last_read_message_index: participant.last_read_message_index,
        notification_level: NotificationLevel::Default,
        position_added: position,
        position_changed: position,
    })
}

/// Writes a changed membership back at the user's next position.
pub fn change(tx: &mut Tx<'_>, mut membership: Membership) -> Result<Membership, StoreError> {
    let position = next_position(tx, membership.user_sid, 0)?;
    membership.position_changed = position.unwrap_or(membership.position_changed);
    tx.replace(&membership)?;
    Ok(membership)
}

/// The same where the position of the user is known already, which is locked.
pub fn change_after(
    tx: &mut Tx<'_>,
    mut membership: Membership,
    position: i64,
) -> Result<Membership, StoreError> {
    membership.position_changed = position + 1;
    count_on(tx, membership.user_sid, (position + 1, 0))?;
    tx.replace(&membership)?;
    Ok(membership)
}

/// The user takes part no longer. Of a user that is itself gone, nothing is left to tell.
pub fn end(tx: &mut Tx<'_>, membership: &Membership) -> Result<(), StoreError> {
    tx.remove(membership)?;
    let Membership { user_sid, conversation_sid, .. } = membership;
    if let Some(position) = next_position(tx, *user_sid, -1)? {
        let stone = (Kind::Membership, conversation_sid.as_bytes(), None);
        tombstones::leave(tx, (user_sid.as_bytes(), position), stone)?;
    }
    Ok(())
}

fn next_position(tx: &mut Tx<'_>, user: Sid<User>, more: i64) -> Result<Option<i64>, StoreError> {
    // Two statements, because SQLite makes a table for what a statement returns that writes.
    let Some(position) = tx.row(POSITION, &[&user], one::<i64>)? else { return Ok(None) };
    let next = position + 1;
    count_on(tx, user, (next, more))?;
    Ok(Some(next))
}

fn count_on(tx: &mut Tx<'_>, user: Sid<User>, (position, more): (i64, i64)) -> Result<(), StoreError> {
    tx.touch(User::root(user));
    if more == 0 {
        return tx.put(MOVE_ON, &[&user, &position]);
    }
    tx.put(COUNT_ON, &[&user, &position, &more])
}
