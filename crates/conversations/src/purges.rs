//! Purges: what a deletion has taken out of sight and still has to remove, a bounded chunk at a time.
//!
//! A deletion is one short transaction that ends with a row here. Housekeeping takes the oldest row
//! and advances it until nothing is left; it may be stopped at any moment and goes on where it was.

use crate::call::Source;
use crate::events::{Cause, Reason};
use crate::heads;
use crate::ids::Ids;
use crate::messages::MessageKey;
use crate::participants;
use crate::prelude::*;
use crate::{conversations, media, memberships, service_notifications, service_webhooks, users};

/// Rows that one step removes of what nothing else depends on. Others wait while it runs: it is short beside
/// what they wait for anyway.
const ROWS: i64 = 100;
/// Things that one step removes where each touches other roots.
const THINGS: i64 = 20;

// Record ─────────────────────────────────────────────────────────────────────

/// What a purge removes the rest of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PurgeKind {
    Conversation,
    User,
    Service,
}

/// Field order is the order of the columns.
#[derive(Clone, Debug)]
pub struct Purge {
    number: i64,
    kind: PurgeKind,
    account_sid: Sid<Account>,
    chat_service_sid: Sid<Service>,
    root: [u8; 16],
    conversation_number: Option<i64>,
    told: Told,
}

/// Of whose doing the rest is told, and to whom. Field order is the order of the columns.
#[derive(Clone, Debug, Default)]
struct Told {
    source: Option<Source>,
    client_identity: Option<String>,
    is_heard: bool,
    is_streamed: bool,
}

impl Told {
    fn of(cause: &Cause<'_>) -> Self {
        Self {
            source: Some(cause.source),
            client_identity: cause.client_identity.map(str::to_owned),
            is_heard: cause.is_heard,
            is_streamed: cause.is_streamed,
        }
    }
}

impl Purge {
    /// Whether what is removed may be told to somebody.
    pub fn is_told(&self) -> bool {
        self.told.is_heard || self.told.is_streamed
    }

    /// The cause of the deletion, of what is left of it.
    fn cause<'a>(&'a self, ids: &'a dyn Ids) -> Cause<'a> {
        let Told { source, client_identity, is_heard, is_streamed } = &self.told;
        Cause {
            source: source.unwrap_or(Source::Server),
            client_identity: client_identity.as_deref(),
            reason: Reason::Api,
            is_heard: *is_heard,
            is_streamed: *is_streamed,
            ..Cause::of_server(self.account_sid, self.chat_service_sid, ids)
        }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for PurgeKind {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(match self {
            Self::Conversation => "conversation",
            Self::User => "user",
            Self::Service => "service",
        })
    }
}

impl Column for PurgeKind {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text("conversation") => Some(Self::Conversation),
            Cell::Text("user") => Some(Self::User),
            Cell::Text("service") => Some(Self::Service),
            _ => None,
        }
    }
}

impl Value for Source {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(match self {
            Self::Api => "api",
            Self::Sdk => "sdk",
            Self::Server => "server",
        })
    }
}

impl Column for Source {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text("api") => Some(Self::Api),
            Cell::Text("sdk") => Some(Self::Sdk),
            Cell::Text("server") => Some(Self::Server),
            _ => None,
        }
    }
}

/// The scan for what is to be purged: the one query here without a tenant.
const OLDEST: &str = "SELECT number, kind, account_sid, chat_service_sid, root, conversation_number, source, \
     client_identity, is_heard, is_streamed FROM purges ORDER BY number LIMIT 1";
const BEGIN: &str = "INSERT INTO purges (kind, account_sid, chat_service_sid, root, conversation_number, \
     source, client_identity, is_heard, is_streamed, date_created) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const IS_THERE: &str = "SELECT number FROM purges WHERE number = $1";
const END: &str = "DELETE FROM purges WHERE number = $1";
const MESSAGES: &str = "DELETE FROM messages WHERE key IN \
     (SELECT key FROM messages WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3)";
const RECEIPTS: &str = "DELETE FROM receipts WHERE message_key IN \
     (SELECT message_key FROM receipts WHERE message_key >= $1 AND message_key < $2 \
     ORDER BY message_key LIMIT $3)";
const PARTICIPANTS: &str = "DELETE FROM participants WHERE conversation_sid = $1 AND sid IN \
     (SELECT sid FROM participants WHERE conversation_sid = $1 ORDER BY sid LIMIT $2)";
const WEBHOOKS: &str = "DELETE FROM conversation_webhooks WHERE conversation_sid = $1 AND sid IN \
     (SELECT sid FROM conversation_webhooks WHERE conversation_sid = $1 ORDER BY sid LIMIT $2)";
const TOMBSTONES: &str = "DELETE FROM tombstones WHERE root = $1 AND position IN \
     (SELECT position FROM tombstones WHERE root = $1 ORDER BY kind, position LIMIT $2)";
const MEMBERSHIPS: &str = "DELETE FROM memberships WHERE user_sid = $1 AND conversation_sid IN \
     (SELECT conversation_sid FROM memberships WHERE user_sid = $1 ORDER BY conversation_sid LIMIT $2)";
const ROLES: &str = "DELETE FROM roles WHERE chat_service_sid = $1 AND sid IN \
     (SELECT sid FROM roles WHERE chat_service_sid = $1 ORDER BY date_created, sid LIMIT $2)";
const USERS: &str = "WHERE chat_service_sid = $1 ORDER BY date_created, sid LIMIT $2";

// Operations ─────────────────────────────────────────────────────────────────

/// A conversation that was taken out of sight. That it is gone says that nobody takes part in it any more.
pub fn conversation(tx: &mut Tx<'_>, gone: &Conversation, number: i64) -> Result<(), StoreError> {
    let tenant = (gone.account_sid, gone.chat_service_sid);
    begin(tx, PurgeKind::Conversation, tenant, (*gone.sid.as_bytes(), Some(number)), &Told::default())
}

/// A user that was taken out of sight, perhaps while still a member of conversations: that it leaves them is told
/// as of the same cause.
pub fn user(tx: &mut Tx<'_>, cause: &Cause<'_>, gone: &User) -> Result<(), StoreError> {
    let tenant = (gone.account_sid, gone.chat_service_sid);
    begin(tx, PurgeKind::User, tenant, (*gone.sid.as_bytes(), None), &Told::of(cause))
}

/// A service that was taken out of sight with all that is in it.
pub fn service(tx: &mut Tx<'_>, gone: &Service) -> Result<(), StoreError> {
    let tenant = (gone.account_sid, gone.sid);
    begin(tx, PurgeKind::Service, tenant, (*gone.sid.as_bytes(), None), &Told::default())
}

fn begin(
    tx: &mut Tx<'_>,
    kind: PurgeKind,
    (account, service): (Sid<Account>, Sid<Service>),
    (root, number): ([u8; 16], Option<i64>),
    Told { source, client_identity, is_heard, is_streamed }: &Told,
) -> Result<(), StoreError> {
    let now = tx.now();
    #[rustfmt::skip]
    let values: &[&dyn Value] = &[&kind, &account, &service, &root, &number, source, client_identity,
        is_heard, is_streamed, &now];
    tx.put(BEGIN, values)
}

/// The oldest purge that is not done.
pub fn next(tx: &mut Tx<'_>) -> Result<Option<Purge>, StoreError> {
    tx.row(OLDEST, &[], |row| {
        Ok(Purge {
            number: row.next()?,
            kind: row.next()?,
            account_sid: row.next()?,
            chat_service_sid: row.next()?,
            root: row.next()?,
            conversation_number: row.next()?,
            told: Told {
                source: row.next()?,
                client_identity: row.next()?,
                is_heard: row.next()?,
                is_streamed: row.next()?,
            },
        })
    })
}

/// Removes the next chunk, or the purge itself where nothing is left. Of two nodes at the same purge
/// one does the work and the other finds less to do. A step finds the roots that it locks as it goes.
pub fn advance(tx: &mut Tx<'_>, ids: &dyn Ids, purge: &Purge) -> Result<(), Failure> {
    if tx.row(IS_THERE, &[&purge.number], one::<i64>)?.is_none() {
        return Ok(());
    }
    let is_done = match purge.kind {
        PurgeKind::Conversation => advance_conversation(tx, purge)?,
        PurgeKind::User => advance_user(tx, ids, purge)?,
        PurgeKind::Service => advance_service(tx, purge)?,
    };
    if is_done {
        tx.put(END, &[&purge.number])?;
    }
    Ok(())
}

/// What a step may still remove.
struct Budget(i64);

impl Budget {
    /// Removes what a statement finds, whose last parameter is how many at most. Whether nothing is left.
    fn clear(&mut self, tx: &mut Tx<'_>, sql: &str, of: &[&dyn Value]) -> Result<bool, StoreError> {
        let limit = self.0;
        let mut params = of.to_vec();
        params.push(&limit);
        let removed = i64::try_from(tx.execute(sql, &params)?).unwrap_or(i64::MAX);
        self.0 = limit.saturating_sub(removed);
        Ok(removed < limit)
    }
}

fn advance_conversation(tx: &mut Tx<'_>, purge: &Purge) -> Result<bool, Failure> {
    let sid: Sid<Conversation> = Sid::from_bytes(purge.root);
    let mut budget = Budget(ROWS);
    if let Some(number) = purge.conversation_number {
        let (first, end) = MessageKey::range(number);
        if !(budget.clear(tx, MESSAGES, &[&first, &end])? && budget.clear(tx, RECEIPTS, &[&first, &end])?) {
            return Ok(false);
        }
    }
    if budget.0 < ROWS || media::remove_some_of(tx, sid)? || participants::end_some(tx, sid, THINGS)? > 0 {
        return Ok(false);
    }
    Ok(budget.clear(tx, PARTICIPANTS, &[&sid])?
        && budget.clear(tx, WEBHOOKS, &[&sid])?
        && budget.clear(tx, TOMBSTONES, &[&purge.root])?)
}

fn advance_user(tx: &mut Tx<'_>, ids: &dyn Ids, purge: &Purge) -> Result<bool, Failure> {
    let memberships = memberships::some(tx, Sid::from_bytes(purge.root), THINGS)?;
    if !memberships.is_empty() {
        participants::leave_all(tx, &purge.cause(ids), &memberships)?;
        return Ok(false);
    }
    Ok(Budget(ROWS).clear(tx, TOMBSTONES, &[&purge.root])?)
}

fn advance_service(tx: &mut Tx<'_>, purge: &Purge) -> Result<bool, Failure> {
    if let Some(head) = heads::first(tx, purge.chat_service_sid)? {
        tx.lock(&Roots::one(Conversation::root(head.sid)))?;
        conversations::remove(tx, &head)?;
        return Ok(false);
    }
    let users: Vec<User> = tx.list(USERS, &[&purge.chat_service_sid, &THINGS])?;
    let mut budget = Budget(ROWS);
    for user in &users {
        if !(budget.clear(tx, MEMBERSHIPS, &[&user.sid])? && budget.clear(tx, TOMBSTONES, &[&user.sid])?) {
            return Ok(false);
        }
        users::remove(tx, user)?;
    }
    if !users.is_empty() {
        return Ok(false);
    }
    if media::remove_some_in(tx, purge.chat_service_sid)? {
        return Ok(false);
    }
    service_notifications::remove(tx, purge.chat_service_sid)?;
    service_webhooks::remove(tx, purge.chat_service_sid)?;
    Ok(budget.clear(tx, ROLES, &[&purge.chat_service_sid])?)
}
