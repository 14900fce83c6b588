//! Deliveries: what is on its way to whoever listens.
//!
//! A delivery stands in a lane: one target, and one conversation or user. What is in one lane goes out in
//! the order of its commits, one after the other; lanes do not wait for each other. Whoever sends leases a
//! lane, takes its first delivery, and says how it went. A lease is an economy, not a promise: where it
//! lapses because its holder died or slept, another takes the lane, and what was in flight is sent again
//! under the same token. So a delivery arrives at least once, and in its order.
//!
//! What arrived and what was given up stays for a while, so that it can be seen and sent again.

pub mod inspection;
mod lane;
pub mod pre_actions;
pub mod replays;

pub use lane::{LaneKey, Subject, TargetKey, free_all};

use crate::events::{Event, EventType};
use crate::ids::Ids;
use crate::prelude::*;
use crate::webhooks::Method;

// Record ─────────────────────────────────────────────────────────────────────

/// Whether it is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Waiting = 0,
    Delivered = 1,
    /// Given up: visible, and sent again only where somebody asks for it.
    Dead = 2,
}

/// A delivery that is leased, with all that is needed to send it.
#[derive(Clone, Debug)]
pub struct Leased {
    pub lane: LaneKey,
    /// Real time, in microseconds; tells this lease from any other of the lane.
    pub until: i64,
    pub number: i64,
    pub account_sid: Sid<Account>,
    /// What the account signs with, sealed.
    pub auth_token: Vec<u8>,
    pub event_sid: Sid<Event>,
    pub event_type: EventType,
    /// Names and values, urlencoded.
    pub payload: String,
    pub url: String,
    pub method: Method,
    /// How often it was tried before.
    pub tries: i64,
    pub date_created: Timestamp,
}

/// A lane in which something is due.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub due: Timestamp,
    pub key: LaneKey,
    /// Scheme, host and port of where it leads.
    pub origin: String,
}

/// How far somebody has looked through the lanes, which stand in the order of their time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    due: Timestamp,
    key: LaneKey,
}

/// How a try went.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub result: TryResult,
    /// JSON text of an object: what was asked and answered, for people.
    pub log: String,
}

/// What becomes of a delivery after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryResult {
    Delivered,
    /// Tried again at this time.
    Again(Timestamp),
    Dead,
}

impl Place {
    /// Before all lanes.
    pub const FIRST: Self = Self::at(Timestamp::MIN);

    /// Before all lanes that fall due at an instant, and later.
    pub const fn at(due: Timestamp) -> Self {
        Self { due, key: LaneKey::FIRST }
    }
}

impl Waiting {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place { due: self.due, key: self.key.clone() }
    }
}

impl Value for Status {
    fn cell(&self) -> Cell<'_> {
        Cell::Int(*self as i64)
    }
}

impl Column for Status {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(0) => Some(Self::Waiting),
            Cell::Int(1) => Some(Self::Delivered),
            Cell::Int(2) => Some(Self::Dead),
            _ => None,
        }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

const INSERT: &str = "INSERT INTO deliveries (account_sid, event_sid, lane, url, method, status, tries, due, \
     log, date_created) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $7)";
const NEWEST: &str =
    "SELECT number FROM deliveries WHERE lane = $1 AND status = 0 ORDER BY number DESC LIMIT 1";
/// A lane that is there already has something that goes before.
const OPEN_LANE: &str = "INSERT INTO lanes (key, account_sid, origin, due, leased_until) \
     VALUES ($1, $2, $3, $4, 0) ON CONFLICT (key) DO NOTHING";
// The scans of all tenants' lanes.
const DUE: &str = "SELECT due, key, origin FROM lanes WHERE due <= $1 AND leased_until < $2 \
     AND (due, key) > ($3, $4) ORDER BY due, key LIMIT $5";
const ANY_DUE: &str = "SELECT due FROM lanes WHERE due <= $1 ORDER BY due LIMIT 1";
const NEXT_DUE: &str = "SELECT due FROM lanes WHERE due > $1 ORDER BY due LIMIT 1";
// A lease takes two statements, because SQLite makes a table for what a statement returns that writes. PostgreSQL
// waits for the look alone, which locks: the lane of a conversation that is gone has no root.
const FREE: &str = "SELECT due FROM lanes WHERE key = $1 AND leased_until < $2 AND due <= $3 {FOR_UPDATE}";
const OWN: &str = "SELECT due FROM lanes WHERE key = $1 AND leased_until = $2 {FOR_UPDATE}";
const LEASE: &str = "UPDATE lanes SET leased_until = $2 WHERE key = $1";
const FIRST: &str = "SELECT d.number, d.account_sid, a.auth_token, d.event_sid, e.event_type, e.payload, \
     d.url, d.method, d.tries, d.due, d.date_created FROM deliveries d \
     JOIN events e ON e.sid = d.event_sid JOIN accounts a ON a.sid = d.account_sid \
     WHERE d.lane = $1 AND d.status = 0 ORDER BY d.number LIMIT 1";
const ONE: &str = "SELECT d.number, d.account_sid, a.auth_token, d.event_sid, e.event_type, e.payload, \
     d.url, d.method, d.tries, d.due, d.date_created FROM deliveries d \
     JOIN events e ON e.sid = d.event_sid JOIN accounts a ON a.sid = d.account_sid \
     WHERE d.lane = $1 AND d.number = $2";
const SETTLE: &str = "UPDATE deliveries SET status = $2, tries = tries + 1, due = $3, log = CASE \
     WHEN log IS NULL THEN '[' || $4 || ']' ELSE SUBSTR(log, 1, LENGTH(log) - 1) || ',' || $4 || ']' END \
     WHERE number = $1 AND status = 0";
const FIRST_DUE: &str = "SELECT due FROM deliveries WHERE lane = $1 AND status = 0 ORDER BY number LIMIT 1";
const HOLD_LEASE: &str = "SELECT due FROM lanes WHERE key = $1 AND leased_until = $2";
const RELEASE: &str = "UPDATE lanes SET due = $3, leased_until = 0 WHERE key = $1 AND leased_until = $2";
const CLOSE_LANE: &str = "DELETE FROM lanes WHERE key = $1 AND leased_until = $2";

// The scans for what is old: the statements here without a tenant. Numbers are in the order of time, so that
// the first which does not wait tells of all.
const OLD: &str = "SELECT date_created FROM deliveries WHERE status > 0 ORDER BY number LIMIT 1";
const PRUNE: &str = "DELETE FROM deliveries WHERE number IN \
     (SELECT number FROM deliveries WHERE status > 0 ORDER BY number LIMIT $2) AND date_created < $1";
const OLDEST: &str = "SELECT date_created FROM deliveries ORDER BY number LIMIT 1";
const OLD_EVENT: &str = "SELECT date_created FROM events ORDER BY sid LIMIT 1";
const PRUNE_EVENTS: &str = "DELETE FROM events WHERE sid IN \
     (SELECT sid FROM events ORDER BY sid LIMIT $2) AND date_created < $1";

/// Rows that one step removes.
const AT_ONCE: i64 = 500;
/// Sids of events are in the order of time but for what clocks of two nodes differ by.
const SKEW: i64 = 60_000_000;

// Operations: within a transaction ───────────────────────────────────────────

/// Puts an event on its way to one target. What has no URL has nobody who could be told, and says so.
pub fn add(
    tx: &mut Tx<'_>,
    event: &Event,
    (target, subject): (TargetKey, Subject),
    (url, method): (Option<&str>, Method),
) -> Result<(), StoreError> {
    let lane = LaneKey::new(target, subject);
    insert(tx, event, &lane, (url, method))?;
    match url {
        Some(url) => open(tx, &lane, event.account_sid, url),
        None => Ok(()),
    }
}

/// Writes a delivery. Whether it waits.
fn insert(
    tx: &mut Tx<'_>,
    event: &Event,
    lane: &LaneKey,
    (url, method): (Option<&str>, Method),
) -> Result<bool, StoreError> {
    const NOBODY: &str = r#"[{"error":"this server has no flow engine: nobody was told"}]"#;
    let now = tx.now();
    let (status, log) = match url {
        Some(_) => (Status::Waiting, None),
        None => (Status::Dead, Some(NOBODY)),
    };
    let params: &[&dyn Value] = &[&event.account_sid, &event.sid, lane, &url, &method, &status, &now, &log];
    tx.put(INSERT, params)?;
    Ok(status == Status::Waiting)
}

/// The number of the last delivery that waits in a lane.
fn newest(tx: &mut Tx<'_>, lane: &LaneKey) -> Result<Option<i64>, StoreError> {
    tx.row(NEWEST, &[lane], one)
}

/// Makes sure that a lane is looked at.
fn open(tx: &mut Tx<'_>, lane: &LaneKey, account: Sid<Account>, url: &str) -> Result<(), StoreError> {
    let now = tx.now();
    let origin = wire::Target::parse_again(url).map_or_else(String::new, |target| target.origin());
    tx.put(OPEN_LANE, &[lane, &account, &origin, &now])
}

/// The lanes in which something is due and that nobody has leased, those first that wait longest, after
/// `after`. `real` is the real time in microseconds, which leases are measured in.
pub fn due(tx: &mut Tx<'_>, real: i64, after: &Place, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    let now = tx.now();
    tx.rows(DUE, &[&now, &real, &after.due, &after.key, &limit], |row| {
        Ok(Waiting { due: row.next()?, key: row.next()?, origin: row.next()? })
    })
}

/// Whether something is due, be it that somebody is sending it.
pub fn is_any_due(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.row(ANY_DUE, &[&now], one::<Timestamp>)?.is_some())
}

/// When something falls due next that is not due yet.
pub fn next_due(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let now = tx.now();
    tx.row(NEXT_DUE, &[&now], one)
}

/// What leasing these lanes, or settling what is in them, locks: who adds to a lane holds the same.
pub fn roots<'a>(lanes: impl Iterator<Item = &'a LaneKey>) -> Roots {
    let mut roots = Roots::none();
    for lane in lanes {
        match lane.subject() {
            Some(Subject::Conversation(sid)) => roots.push(Conversation::root(sid)),
            Some(Subject::User(sid)) => roots.push(User::root(sid)),
            None => {}
        }
    }
    roots
}

/// Leases those of the lanes that still wait, from the real time `real` until `until`, and takes the first
/// delivery of each.
pub fn lease(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    lanes: &[LaneKey],
    (real, until): (i64, i64),
) -> Result<Vec<Leased>, StoreError> {
    let now = tx.now();
    let mut leased = Vec::with_capacity(lanes.len());
    for lane in lanes {
        if tx.row(FREE, &[lane, &real, &now], one::<i64>)?.is_some() {
            tx.put(LEASE, &[lane, &until])?;
            leased.extend(take(tx, ids, lane, until)?);
        }
    }
    Ok(leased)
}

/// Writes down how a try went. Where more is due in the lane, the lease goes on until `until` and the next
/// delivery is answered; without `until`, or where nothing is due, the lane is let go. A holder whose lease
/// has lapsed still says what it knows of the delivery, and leaves the lane alone.
pub fn settle(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    leased: &Leased,
    outcome: &Outcome,
    until: Option<i64>,
) -> Result<Option<Leased>, StoreError> {
    let now = tx.now();
    let (status, due) = match outcome.result {
        TryResult::Delivered => (Status::Delivered, now),
        TryResult::Again(at) => (Status::Waiting, at),
        TryResult::Dead => (Status::Dead, now),
    };
    tx.put(SETTLE, &[&leased.number, &status, &due, &outcome.log])?;
    if let TryResult::Again(at) = outcome.result {
        // One that goes before may have been replayed meanwhile, and that one does not wait.
        let due = inspection::first_due(tx, &leased.lane)?.unwrap_or(at);
        return release(tx, leased, due).map(|()| None);
    }
    let kept = until.unwrap_or(leased.until);
    let own = if kept == leased.until { HOLD_LEASE } else { OWN };
    if tx.row(own, &[&leased.lane, &leased.until], one::<i64>)?.is_none() {
        return Ok(None);
    }
    if kept != leased.until {
        tx.put(LEASE, &[&leased.lane, &kept])?;
    }
    match (take(tx, ids, &leased.lane, kept)?, until) {
        (Some(next), None) => release(tx, &next, now).map(|()| None),
        (next, _) => Ok(next),
    }
}

/// Lets a leased lane go, undone, until `due`.
pub fn release(tx: &mut Tx<'_>, leased: &Leased, due: Timestamp) -> Result<(), StoreError> {
    tx.put(RELEASE, &[&leased.lane, &leased.until, &due])
}

/// Whether something that arrived or was given up is older than `kept`, in microseconds.
pub fn has_old(tx: &mut Tx<'_>, kept: i64) -> Result<bool, StoreError> {
    let before = tx.now().saturating_plus_micros(-kept);
    let oldest = tx.row(OLD, &[], one::<Timestamp>)?;
    Ok(oldest.is_some_and(|oldest| oldest < before) || oldest_event(tx, before)?.is_some())
}

/// Removes some of it, and the events that no delivery needs any more.
pub fn prune(tx: &mut Tx<'_>, kept: i64) -> Result<(), StoreError> {
    let before = tx.now().saturating_plus_micros(-kept);
    tx.execute(PRUNE, &[&before, &AT_ONCE])?;
    match oldest_event(tx, before)? {
        Some(before) => tx.put(PRUNE_EVENTS, &[&before, &AT_ONCE]),
        None => Ok(()),
    }
}

/// The time before which events are not needed any more, where there are such.
fn oldest_event(tx: &mut Tx<'_>, before: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let needed = tx.row(OLDEST, &[], one::<Timestamp>)?.unwrap_or(Timestamp::MAX);
    let before = before.min(needed.saturating_plus_micros(-SKEW));
    Ok(tx.row(OLD_EVENT, &[], one::<Timestamp>)?.filter(|oldest| *oldest < before).map(|_| before))
}

/// The first delivery of a lane that was leased until `until`. A lane whose first is not due yet is let go
/// until then, and one without any is no more.
fn take(tx: &mut Tx<'_>, ids: &dyn Ids, lane: &LaneKey, until: i64) -> Result<Option<Leased>, StoreError> {
    let now = tx.now();
    let replayed = match replays::next(tx, ids, lane)? {
        replays::Step::Tell(number) => Some(number),
        replays::Step::Later => return tx.put(RELEASE, &[lane, &until, &now]).map(|()| None),
        replays::Step::Over => None,
    };
    let read = |row: &mut Row<'_>| {
        let (number, account_sid, auth_token) = (row.next()?, row.next()?, row.next()?);
        let (event_sid, event_type, payload) = (row.next()?, row.next()?, row.next()?);
        let (url, method, tries) = (row.next()?, row.next()?, row.next()?);
        let (due, date_created) = (row.next::<Timestamp>()?, row.next()?);
        let lane = lane.clone();
        #[rustfmt::skip]
        let leased = Leased {
            lane, until, number, account_sid, auth_token, event_sid, event_type, payload, url, method, tries,
            date_created,
        };
        Ok((leased, due))
    };
    let first = match &replayed {
        Some(number) => tx.row(ONE, &[lane, number], read)?,
        None => tx.row(FIRST, &[lane], read)?,
    };
    match first {
        None => tx.put(CLOSE_LANE, &[lane, &until]).map(|()| None),
        Some((leased, due)) if due > now => release(tx, &leased, due).map(|()| None),
        Some((leased, _)) => Ok(Some(leased)),
    }
}
