//! Heads: the narrow row of a conversation. It is the root that is locked, holds all that decisions
//! need, and counts: positions, indexes, members.
//!
//! What is read from the wide row to decide is read after the head, in a statement of its own: a row
//! joined to the one that was waited for may still be an older moment's.

use std::sync::LazyLock;

use store::Opening;

use crate::prelude::*;

// Record ─────────────────────────────────────────────────────────────────────

/// Where a conversation stands. `Closed` is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Active = 0,
    Inactive = 1,
    Closed = 2,
    Initializing = 3,
}

/// Field order is the order of the columns.
#[derive(Clone, Debug)]
pub struct Head {
    /// Names the conversation in message keys; of this database alone, never shown.
    pub number: i64,
    pub chat_service_sid: Sid<Service>,
    pub sid: Sid<Conversation>,
    pub state: State,
    /// Of the latest change of anything that hangs on the conversation.
    pub position: i64,
    /// Of the latest change of its own fields or its last message.
    pub document_position: i64,
    pub next_index: i64,
    pub last_message_index: Option<i64>,
    pub last_message_at: Option<Timestamp>,
    /// What lists are ordered by: the latest message, or the creation.
    pub last_activity: Timestamp,
    pub messages: i64,
    pub participants: i64,
    /// Those without an identity.
    pub non_chat_participants: i64,
    /// Those with a messaging binding, identities with a projected address among them.
    pub bound_participants: i64,
    /// Microseconds.
    pub inactive_after: Option<i64>,
    /// Microseconds.
    pub closed_after: Option<i64>,
    pub date_inactive: Option<Timestamp>,
    pub date_closed: Option<Timestamp>,
    /// When it was made here, whatever date its creator gave it.
    pub created_at: Timestamp,
}

/// Where a head stands in the indexes of its table; most messages leave it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    state: State,
    /// The whole second of the latest activity. Lists are ordered by the activity itself, but an index of that
    /// would change with every message.
    active_second: i64,
    due: Option<Timestamp>,
}

/// The instants at which a conversation changes by itself; those that are armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Timers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_inactive: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_closed: Option<Timestamp>,
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl Head {
    /// The head of a new conversation. Its number comes from the database.
    pub fn new(service: Sid<Service>, sid: Sid<Conversation>, now: Timestamp) -> Self {
        Self {
            number: 0,
            chat_service_sid: service,
            sid,
            state: State::Active,
            position: 1,
            document_position: 1,
            next_index: 0,
            last_message_index: None,
            last_message_at: None,
            last_activity: now,
            messages: 0,
            participants: 0,
            non_chat_participants: 0,
            bound_participants: 0,
            inactive_after: None,
            closed_after: None,
            date_inactive: None,
            date_closed: None,
            created_at: now,
        }
    }

    /// Refuses what may not be changed: a closed conversation is final, one that is being put together
    /// is not ready.
    pub fn require_open(&self) -> Result<(), Problem> {
        match self.state {
            State::Active | State::Inactive => Ok(()),
            State::Closed => Err(Problem::CONVERSATION_CLOSED),
            State::Initializing => Err(Problem::CONVERSATION_INITIALIZING),
        }
    }

    /// Takes the next position.
    pub fn advance(&mut self) -> i64 {
        self.position += 1;
        self.position
    }

    /// Counts one more message, whose index is the last now. Activity makes an inactive conversation active and
    /// sets its timers anew.
    pub fn add_message(&mut self, now: Timestamp) {
        self.document_position = self.advance();
        self.last_message_index = Some(self.next_index);
        self.next_index += 1;
        self.messages += 1;
        self.last_message_at = Some(now);
        self.last_activity = now;
        self.state = State::Active;
        self.arm(now);
    }

    /// Sets both timers anew, counted from `base`.
    pub fn arm(&mut self, base: Timestamp) {
        self.date_inactive = self.inactive_after.map(|after| base.saturating_plus_micros(after));
        self.date_closed = self.closed_after.map(|after| base.saturating_plus_micros(after));
    }

    /// When which timer fires next, and the state that it leads to. What is to happen at one instant
    /// happens in the order of the states; an inactive conversation only waits for its end.
    pub fn next_timer(&self) -> Option<(Timestamp, State)> {
        // The date is counted from what may lie in the past of an imported history, which must not end here
        // before anybody has seen it.
        let at = |date: Option<Timestamp>, after: Option<i64>| {
            Some(date?.max(self.created_at.saturating_plus_micros(after?)))
        };
        let inactive = at(self.date_inactive, self.inactive_after).filter(|_| self.state == State::Active);
        let is_open = matches!(self.state, State::Active | State::Inactive);
        let closed = at(self.date_closed, self.closed_after).filter(|_| is_open);
        match (inactive, closed) {
            (Some(inactive), closed) if closed.is_none_or(|closed| inactive <= closed) => {
                Some((inactive, State::Inactive))
            }
            (_, closed) => closed.map(|closed| (closed, State::Closed)),
        }
    }

    /// What the index of timers knows of it.
    fn due(&self) -> Option<Timestamp> {
        self.next_timer().map(|(at, _)| at)
    }

    pub fn place(&self) -> Place {
        let active_second = self.last_activity.unix_seconds();
        Place { state: self.state, active_second, due: self.due() }
    }

    /// Takes the state that a timer leads to. A date is shown until its timer has fired, and a closed
    /// conversation keeps what it showed last.
    pub fn elapse(&mut self, state: State) {
        self.state = state;
        if state == State::Inactive {
            self.date_inactive = None;
        }
    }

    pub fn timers(&self) -> Timers {
        Timers { date_inactive: self.date_inactive, date_closed: self.date_closed }
    }
}

impl State {
    const ALL: [Self; 4] = [Self::Active, Self::Inactive, Self::Closed, Self::Initializing];

    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Closed => "closed",
            Self::Initializing => "initializing",
        }
    }

    /// Those that a list without a filter shows.
    pub const LISTED: &'static [Self] = &Self::ALL;
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for State {
    fn cell(&self) -> Cell<'_> {
        Cell::Int(*self as i64)
    }
}

impl Column for State {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(number) => Self::ALL.into_iter().find(|state| *state as i64 == number),
            _ => None,
        }
    }
}

impl Head {
    /// In the order of the fields.
    pub const COLUMNS: &'static str = "number, chat_service_sid, sid, state, position, document_position, \
         next_index, last_message_index, last_message_at, last_activity, messages, participants, \
         non_chat_participants, bound_participants, inactive_after, closed_after, date_inactive, date_closed, \
         created_at";

    #[rustfmt::skip]
    pub fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.next()?, chat_service_sid: row.next()?, sid: row.next()?, state: row.next()?,
            position: row.next()?, document_position: row.next()?, next_index: row.next()?,
            last_message_index: row.next()?, last_message_at: row.next()?, last_activity: row.next()?,
            messages: row.next()?, participants: row.next()?, non_chat_participants: row.next()?,
            bound_participants: row.next()?, inactive_after: row.next()?, closed_after: row.next()?,
            date_inactive: row.next()?, date_closed: row.next()?, created_at: row.next()?,
        })
    }

    /// What [`Self::read`] reads.
    fn row(&self) -> [&dyn Value; 19] {
        let mut row: [&dyn Value; 19] = [&self.number; 19];
        row[1..18].copy_from_slice(&self.values());
        row[18] = &self.created_at;
        row
    }

    /// All but the number and the creation.
    #[rustfmt::skip]
    fn values(&self) -> [&dyn Value; 17] {
        [&self.chat_service_sid, &self.sid, &self.state, &self.position, &self.document_position,
         &self.next_index, &self.last_message_index, &self.last_message_at, &self.last_activity,
         &self.messages, &self.participants, &self.non_chat_participants, &self.bound_participants,
         &self.inactive_after, &self.closed_after, &self.date_inactive, &self.date_closed]
    }
}

const INSERT: &str = "INSERT INTO conversation_heads (chat_service_sid, sid, state, position, \
     document_position, next_index, last_message_index, last_message_at, last_activity, messages, \
     participants, non_chat_participants, bound_participants, inactive_after, closed_after, date_inactive, \
     date_closed, due, active_second, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
     $13, $14, $15, $16, $17, $18, $19, $20)";
const REPLACE: &str = "UPDATE conversation_heads SET state = $3, position = $4, document_position = $5, \
     next_index = $6, last_message_index = $7, last_message_at = $8, last_activity = $9, messages = $10, \
     participants = $11, non_chat_participants = $12, bound_participants = $13, inactive_after = $14, \
     closed_after = $15, date_inactive = $16, date_closed = $17, due = $18, \
     active_second = $19 \
     WHERE chat_service_sid = $1 AND sid = $2";
const REMOVE: &str = "DELETE FROM conversation_heads WHERE chat_service_sid = $1 AND sid = $2";
const BY_SID: &str = "SELECT {columns} FROM conversation_heads WHERE chat_service_sid = $1 AND sid = $2";
const BY_NAME: &str = "SELECT {columns} FROM conversation_heads WHERE chat_service_sid = $1 AND sid = \
     (SELECT owner FROM claims WHERE tenant = $1 AND kind = 1 AND key = $2)";
const OF_ACCOUNT: &str = "SELECT {columns} FROM conversation_heads WHERE sid = $2 AND chat_service_sid IN \
     (SELECT sid FROM services WHERE account_sid = $1)";
const FIRST: &str = "SELECT {columns} FROM conversation_heads WHERE chat_service_sid = $1 \
     ORDER BY chat_service_sid, state, active_second LIMIT 1";
/// What a message changes of it; found by the number, which spares a search.
const AFTER_MESSAGE: &str = "UPDATE conversation_heads SET state = $3, position = $4, document_position = $5, \
     next_index = $6, last_message_index = $7, last_message_at = $8, last_activity = $9, messages = $10, \
     date_inactive = $11, date_closed = $12, due = $13, active_second = $14 \
     WHERE chat_service_sid = $1 AND number = $2";
/// The same of one that keeps its place. SQLite writes every index anew of which a column is named.
const AFTER_MESSAGE_IN_PLACE: &str = "UPDATE conversation_heads SET position = $3, document_position = $4, \
     next_index = $5, last_message_index = $6, last_message_at = $7, last_activity = $8, messages = $9, \
     date_inactive = $10, date_closed = $11 WHERE chat_service_sid = $1 AND number = $2";
/// What a change of those who take part changes of it: nothing that lists or timers are found by.
const AFTER_PARTICIPANT: &str = "UPDATE conversation_heads SET position = $3, document_position = $4, \
     participants = $5, non_chat_participants = $6, bound_participants = $7 \
     WHERE chat_service_sid = $1 AND number = $2";
/// The participant of an identity comes along, who is asked for with every message. SQLite makes a table for what
/// a statement returns that writes, so this reads, and what is written is said by the next.
const BY_SID_WITH_SPEAKER: &str = "SELECT {columns}, (SELECT participants.sid FROM participants \
     WHERE participants.conversation_sid = $2 AND participants.identity = $3) \
     FROM conversation_heads WHERE chat_service_sid = $1 AND sid = $2";

/// The statement that begins every message, made once.
static WITH_SPEAKER: LazyLock<String> = LazyLock::new(|| with_columns(BY_SID_WITH_SPEAKER));

fn with_columns(sql: &str) -> String {
    sql.replace("{columns}", Head::COLUMNS)
}

// Operations: within a transaction ───────────────────────────────────────────

/// The head that a sid or a unique name says, of this service.
pub fn find(
    tx: &mut Tx<'_>,
    service: Sid<Service>,
    key: &Key<Conversation>,
) -> Result<Option<Head>, StoreError> {
    match key {
        Key::Sid(sid) => tx.row(&with_columns(BY_SID), &[&service, sid], Head::read),
        Key::Name(name) => tx.row(&with_columns(BY_NAME), &[&service, name], Head::read),
    }
}

/// What [`find`] reads for a sid.
pub fn look(service: Sid<Service>, sid: Sid<Conversation>) -> Opening {
    Opening::new(with_columns(BY_SID)).with(&service).with(&sid)
}

/// The head of the path, or 404.
pub fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Head, Failure> {
    let found = find(tx, call.service_sid, &path.key("ConversationSid"))?;
    Ok(found.ok_or_else(|| call.lacks(Problem::CONVERSATION_NOT_FOUND))?)
}

/// The head of the path, locked; closed or not.
pub fn lock(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Head, Failure> {
    let head = fetch(tx, call, path)?;
    tx.lock(&Roots::one(Conversation::root(head.sid)))?;
    Ok(head)
}

/// The same, of one that may be written to.
pub fn lock_open(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Head, Failure> {
    let head = lock(tx, call, path)?;
    head.require_open()?;
    Ok(head)
}

/// The head of the path, locked, and which participant has this identity there.
pub fn lock_with_speaker(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    identity: &str,
) -> Result<(Head, Option<Sid<Participant>>), Failure> {
    let sid = match path.key("ConversationSid") {
        Key::Sid(sid) => sid,
        Key::Name(_) => fetch(tx, call, path)?.sid,
    };
    tx.lock(&Roots::one(Conversation::root(sid)))?;
    let read = |row: &mut Row<'_>| Ok((Head::read(row)?, row.next()?));
    let found = tx.row(&WITH_SPEAKER, &[&call.service_sid, &sid, &identity], read)?;
    Ok(found.ok_or_else(|| call.lacks(Problem::CONVERSATION_NOT_FOUND))?)
}

/// The statement of [`lock_with_speaker`], where the path names the conversation by its sid.
pub fn open_with_speaker(call: &Call, path: &Path, identity: &str) -> Option<Opening> {
    let Some(Key::Sid(sid)) = path.find_key::<Conversation>("ConversationSid") else { return None };
    let opening = Opening::new(WITH_SPEAKER.as_str()).with(&call.service_sid).with(&sid);
    Some(opening.of_row().with(&identity))
}

/// Writes a locked head back to which a message was added, and nothing else done. `before` is its place without
/// the message.
#[rustfmt::skip]
pub fn replace_after_message(tx: &mut Tx<'_>, head: &Head, before: Place) -> Result<(), StoreError> {
    tx.touch(Conversation::root(head.sid));
    let place = head.place();
    // What gathers writes compares what they write as well, and needs no second text that parts them.
    if place == before && !tx.gathers() {
        return tx.put(AFTER_MESSAGE_IN_PLACE, &[
            &head.chat_service_sid, &head.number, &head.position, &head.document_position, &head.next_index,
            &head.last_message_index, &head.last_message_at, &head.last_activity, &head.messages,
            &head.date_inactive, &head.date_closed,
        ]);
    }
    let Place { state, active_second, due } = place;
    let written: (_, &[&dyn Value]) = (AFTER_MESSAGE, &[
        &head.chat_service_sid, &head.number, &state, &head.position, &head.document_position,
        &head.next_index, &head.last_message_index, &head.last_message_at, &head.last_activity, &head.messages,
        &head.date_inactive, &head.date_closed, &due, &active_second,
    ]);
    tx.put_leaving(written, (&WITH_SPEAKER, &[&head.chat_service_sid, &head.sid], &head.row()))
}

/// The head of this sid, in whichever service of the account.
pub fn of_account(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    sid: Sid<Conversation>,
) -> Result<Option<Head>, StoreError> {
    tx.row(&with_columns(OF_ACCOUNT), &[&account, &sid], Head::read)
}

/// Some head of a service.
pub fn first(tx: &mut Tx<'_>, service: Sid<Service>) -> Result<Option<Head>, StoreError> {
    tx.row(&with_columns(FIRST), &[&service], Head::read)
}

/// Adds a new head.
pub fn insert(tx: &mut Tx<'_>, head: &Head) -> Result<(), StoreError> {
    let Place { due, active_second, .. } = head.place();
    let mut values = head.values().to_vec();
    values.extend([&due as &dyn Value, &active_second, &head.created_at]);
    tx.put(INSERT, &values)
}

/// Writes a locked head back.
pub fn replace(tx: &mut Tx<'_>, head: &Head) -> Result<(), StoreError> {
    let Place { due, active_second, .. } = head.place();
    let mut values = head.values().to_vec();
    values.extend([&due as &dyn Value, &active_second]);
    tx.touch(Conversation::root(head.sid));
    tx.put(REPLACE, &values)
}

/// The same where only participants, or what belongs to one of them, were changed.
#[rustfmt::skip]
pub fn replace_after_participant(tx: &mut Tx<'_>, head: &Head) -> Result<(), StoreError> {
    tx.touch(Conversation::root(head.sid));
    tx.put(AFTER_PARTICIPANT, &[
        &head.chat_service_sid, &head.number, &head.position, &head.document_position, &head.participants,
        &head.non_chat_participants, &head.bound_participants,
    ])
}

/// Takes a conversation out of sight.
pub fn remove(tx: &mut Tx<'_>, head: &Head) -> Result<(), StoreError> {
    tx.touch(Conversation::root(head.sid));
    tx.put(REMOVE, &[&head.chat_service_sid, &head.sid])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    const MINUTE: i64 = 60_000_000;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_micros(1_767_225_600_000_000 + minutes * MINUTE)
    }

    #[test]
    fn a_row_has_its_columns_in_their_order() {
        let mut head = Head::new(Sid::from_bytes([1; 16]), Sid::from_bytes([2; 16]), at(20));
        (head.number, head.state, head.position, head.document_position) = (3, State::Inactive, 4, 5);
        (head.next_index, head.last_message_index, head.last_message_at) = (6, Some(7), Some(at(8)));
        (head.last_activity, head.messages, head.participants) = (at(9), 10, 11);
        (head.non_chat_participants, head.bound_participants) = (12, 13);
        (head.inactive_after, head.closed_after) = (Some(14), Some(15));
        (head.date_inactive, head.date_closed) = (Some(at(16)), Some(at(17)));
        let Head { number, chat_service_sid, sid, state, position, document_position, next_index, .. } =
            &head;
        let Head { last_message_index, last_message_at, last_activity, messages, participants, .. } = &head;
        let Head { non_chat_participants, bound_participants, inactive_after, closed_after, .. } = &head;
        let Head { date_inactive, date_closed, created_at, .. } = &head;
        macro_rules! named {
            ($($field:ident),*) => { [$((stringify!($field), $field.cell())),*] };
        }
        #[rustfmt::skip]
        let fields = named!(
            number, chat_service_sid, sid, state, position, document_position, next_index, last_message_index,
            last_message_at, last_activity, messages, participants, non_chat_participants, bound_participants,
            inactive_after, closed_after, date_inactive, date_closed, created_at
        );
        let columns: Vec<_> = Head::COLUMNS.split(',').map(str::trim).collect();
        assert_eq!(columns, fields.map(|(name, _)| name));
        assert_eq!(head.row().map(Value::cell), fields.map(|(_, cell)| cell));
    }

    /// Made at minute 0, with both timers counted from `base`.
    fn armed(inactive: Option<i64>, closed: Option<i64>, base: i64) -> Head {
        let mut head = Head::new(Sid::from_bytes([1; 16]), Sid::from_bytes([2; 16]), at(0));
        head.inactive_after = inactive.map(|minutes| minutes * MINUTE);
        head.closed_after = closed.map(|minutes| minutes * MINUTE);
        head.arm(at(base));
        head
    }

    #[test]
    fn what_comes_first_fires_first_and_inactive_comes_before_closed() {
        assert_eq!(armed(None, None, 0).next_timer(), None);
        assert_eq!(armed(Some(1), Some(10), 0).next_timer(), Some((at(1), State::Inactive)));
        assert_eq!(armed(Some(11), Some(10), 0).next_timer(), Some((at(10), State::Closed)));
        assert_eq!(armed(Some(10), Some(10), 0).next_timer(), Some((at(10), State::Inactive)));
        assert_eq!(armed(None, Some(10), 5).next_timer(), Some((at(15), State::Closed)));
    }

    #[test]
    fn nothing_fires_before_its_time_after_the_creation_whatever_date_is_shown() {
        let head = armed(Some(1), Some(10), -1_000_000);
        assert_eq!(head.date_inactive, Some(at(-999_999)));
        assert_eq!(head.next_timer(), Some((at(1), State::Inactive)));
    }

    #[test]
    fn one_timer_after_the_other_until_the_end_which_is_final() {
        let mut head = armed(Some(1), Some(10), 0);
        head.elapse(State::Inactive);
        assert_eq!(head.timers(), Timers { date_inactive: None, date_closed: Some(at(10)) });
        assert_eq!(head.next_timer(), Some((at(10), State::Closed)));
        head.elapse(State::Closed);
        assert_eq!(head.timers(), Timers { date_inactive: None, date_closed: Some(at(10)) });
        assert_eq!(head.next_timer(), None);
    }

    #[test]
    fn a_closed_conversation_keeps_both_dates_where_the_end_came_first() {
        let mut head = armed(Some(20), Some(10), 0);
        head.elapse(State::Closed);
        assert_eq!(head.timers(), Timers { date_inactive: Some(at(20)), date_closed: Some(at(10)) });
    }

    #[test]
    fn an_inactive_conversation_shows_both_dates_and_waits_for_its_end() {
        let mut head = armed(Some(1), Some(10), 0);
        head.state = State::Inactive;
        assert_eq!(head.timers(), Timers { date_inactive: Some(at(1)), date_closed: Some(at(10)) });
        assert_eq!(head.next_timer(), Some((at(10), State::Closed)));
        head.state = State::Initializing;
        assert_eq!(head.next_timer(), None);
    }

    /// The columns that the indexes of the table hold, those of a condition among them.
    fn indexed() -> Vec<&'static str> {
        let mut indexes: Vec<(&str, Vec<&str>)> = Vec::new();
        let statements = crate::MIGRATIONS.iter().flat_map(|migration| migration.sql.split(';'));
        for statement in statements {
            let statement = statement.trim_start();
            let created = statement.split_once("INDEX ").filter(|(verb, _)| verb.starts_with("CREATE "));
            if let Some((name, columns)) =
                created.and_then(|(_, rest)| rest.split_once(" ON conversation_heads ("))
            {
                indexes.push((name, columns.split([',', ' ', ')']).collect()));
            } else if let Some(name) = statement.strip_prefix("DROP INDEX ") {
                indexes.retain(|(created, _)| *created != name.trim_end());
            }
        }
        assert_eq!(indexes.len(), 3, "{indexes:?}");
        indexes.into_iter().flat_map(|(_, columns)| columns).collect()
    }

    #[test]
    fn no_index_is_written_for_a_message_that_keeps_the_place() {
        let (indexed, sets) = (indexed(), |text: &'static str| {
            let (_, sets) = text.split_once(" SET ").expect("it sets");
            let (sets, _) = sets.split_once(" WHERE ").expect("it has a condition");
            sets.split(", ").map(|set| set.split(' ').next().unwrap_or_default())
        });
        let is_indexed = |column: &&str| indexed.contains(column);
        assert_eq!(sets(AFTER_MESSAGE_IN_PLACE).filter(is_indexed).count(), 0);
        let place: Vec<_> = sets(AFTER_MESSAGE).filter(is_indexed).collect();
        assert_eq!(place, ["state", "due", "active_second"], "what a place is");
    }

    #[test]
    fn a_message_in_the_same_second_keeps_the_place() {
        let mut head = armed(None, None, 0);
        let place = head.place();
        head.add_message(at(0).saturating_plus_micros(SECOND - 1));
        assert_eq!(head.place(), place);
        head.add_message(at(0).saturating_plus_micros(SECOND));
        assert_ne!(head.place(), place);
        let mut armed = armed(Some(1), None, 0);
        let place = armed.place();
        armed.add_message(at(0).saturating_plus_micros(1));
        assert_ne!(armed.place(), place, "its timer fires later");
    }
}
