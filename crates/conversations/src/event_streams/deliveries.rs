//! What is on its way to sinks: rows that nobody but who sends ever locks.
//!
//! A row waits from the commit of its change until it has arrived, when it goes, or until it is given up.
//! A try that fails puts its rows off, each longer with every try, and lets the sink rest for a moment, so
//! that one which is down is asked now and then and not for every event. What is older than four hours when
//! a try fails is given up, and without ever having been tried what is older than a day.

use super::cloud_event;
use super::sinks::Sink;
use super::subscribed_events;
use crate::events::{Event, Payload};
use crate::prelude::*;

/// A sink for which something waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Waiting {
    pub sid: Sid<Sink>,
    pub account_sid: Sid<Account>,
}

/// A sink that is leased, with what is to be sent there next.
#[derive(Clone, Debug)]
pub struct Leased {
    pub waiting: Waiting,
    /// Real time, in microseconds; tells this lease from any other.
    pub until: i64,
    /// What the account signs with, sealed.
    pub auth_token: Vec<u8>,
    pub destination: String,
    pub batch_events: bool,
    /// Turns in a row in which nothing arrived.
    failures: i64,
    pub items: Vec<Item>,
}

/// One event.
#[derive(Clone, Debug)]
pub struct Item {
    pub number: i64,
    /// JSON text, as it is sent.
    pub event: String,
    /// How often it was tried before.
    pub tries: i64,
}

/// How a turn went: what arrived, and what did not, with why. What is in neither was not tried.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub arrived: Vec<Item>,
    pub failed: Vec<(Item, String)>,
    /// From 0 to 255, so that those who failed together do not come back together.
    pub chance: u8,
}

/// What a turn takes at most.
pub const AT_ONCE: usize = 100;
/// How long everything is tried, in microseconds.
const KEPT: i64 = 4 * 60 * 60 * SECOND;
/// The same for what was never tried, because much else waits for a sink that is down, or because we were.
const KEPT_UNTRIED: i64 = 6 * KEPT;
const SECOND: i64 = 1_000_000;
/// Rows that one step removes or gives up.
const CHUNK: i64 = 500;

// Rules: pure ────────────────────────────────────────────────────────────────

/// How long an event waits after so many tries: from five seconds, doubled each time, to ten minutes.
fn put_off(tries: i64, chance: u8) -> i64 {
    spread((5 * SECOND) << tries.clamp(0, 7), chance).min(600 * SECOND)
}

/// How long a sink rests after so many turns in which nothing arrived: from a second to half a minute.
fn rest(failures: i64, chance: u8) -> i64 {
    spread(SECOND << (failures - 1).clamp(0, 5), chance).min(30 * SECOND)
}

/// Between three quarters of it and the whole.
fn spread(wait: i64, chance: u8) -> i64 {
    wait * 3 / 4 + wait / 4 * i64::from(chance) / i64::from(u8::MAX)
}

// Storage ────────────────────────────────────────────────────────────────────

const ADD: &str = "INSERT INTO stream_deliveries (account_sid, sink_sid, event, status, tries, due, \
     date_created) VALUES ($1, $2, $3, 0, 0, $4, $4)";
// The scan of all tenants' sinks.
const WAITING: &str = "SELECT s.sid, s.account_sid FROM sinks s WHERE s.leased_until < $1 \
     AND (s.is_removed = 1 OR s.due <= $2) AND EXISTS (SELECT 1 FROM stream_deliveries d \
     WHERE d.account_sid = s.account_sid AND d.sink_sid = s.sid AND d.status = 0 AND d.due <= $2) \
     ORDER BY s.due, s.sid LIMIT $3";
const LEASE: &str = "UPDATE sinks SET leased_until = $4 WHERE account_sid = $1 AND sid = $2 \
     AND leased_until < $3 RETURNING destination, batch_events, failures, is_removed";
const AUTH_TOKEN: &str = "SELECT auth_token FROM accounts WHERE sid = $1";
const TAKE: &str = "SELECT number, event, tries FROM stream_deliveries WHERE account_sid = $1 \
     AND sink_sid = $2 AND status = 0 AND due <= $3 ORDER BY due, number LIMIT $4";
const ARRIVED: &str = "DELETE FROM stream_deliveries WHERE account_sid = $1 AND number = $2 AND status = 0";
const FAILED: &str = "UPDATE stream_deliveries SET tries = tries + 1, due = $3, log = $4 \
     WHERE account_sid = $1 AND number = $2 AND status = 0";
const GIVE_UP: &str = "UPDATE stream_deliveries SET status = 2 WHERE account_sid = $1 \
     AND (date_created <= $5 OR (date_created <= $3 AND tries > 0)) AND number IN (SELECT number FROM stream_deliveries \
     WHERE account_sid = $1 AND sink_sid = $2 AND status = 0 ORDER BY number LIMIT $4)";
const RELEASE: &str = "UPDATE sinks SET leased_until = 0, due = $4, failures = $5 \
     WHERE account_sid = $1 AND sid = $2 AND leased_until = $3";
const DROP: &str = "DELETE FROM stream_deliveries WHERE number IN (SELECT number FROM stream_deliveries \
     WHERE account_sid = $1 AND sink_sid = $2 AND status = 0 ORDER BY number LIMIT $3)";

/// Of all tenants: for who is alone with the store.
const FREE_ALL: &str = "UPDATE sinks SET leased_until = 0 WHERE leased_until > 0";

// The scans for what is old: the other statements without a tenant.
const OLD: &str = "SELECT number FROM stream_deliveries WHERE status = 2 AND date_created < $1 ORDER BY date_created LIMIT 1";
const PRUNE: &str = "DELETE FROM stream_deliveries WHERE number IN (SELECT number FROM stream_deliveries \
     WHERE status = 2 AND date_created < $1 ORDER BY date_created LIMIT $2)";

// Operations: within a transaction ───────────────────────────────────────────

/// Puts an event on its way to every sink that has subscribed to it.
pub fn add(
    tx: &mut Tx<'_>,
    listening: &[(Sid<Sink>, i64)],
    event: &Event,
    payload: &Payload,
) -> Result<(), StoreError> {
    for (sink, schema_version) in listening {
        if let Some(text) = cloud_event::of_event(event, payload, *schema_version) {
            tx.put(ADD, &[&event.account_sid, sink, &text, &event.date_created])?;
        }
    }
    Ok(())
}

/// Puts an event on its way that only tries the sink out.
pub fn add_test(tx: &mut Tx<'_>, call: &Call, sink: &Sink) -> Result<(), StoreError> {
    let now = tx.now();
    let id = call.new_sid::<Event>(now).to_string();
    let text = cloud_event::of_test(id, sink.sid, now);
    tx.put(ADD, &[&sink.account_sid, &sink.sid, &text, &now])
}

/// Whether the account is told of anything at all.
pub fn is_streamed(tx: &mut Tx<'_>, account: Sid<Account>) -> Result<bool, StoreError> {
    subscribed_events::is_any(tx, account)
}

/// The sinks that something waits for and that nobody has leased. `real` is the real time in microseconds,
/// which leases are measured in.
pub fn waiting(tx: &mut Tx<'_>, real: i64, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    let now = tx.now();
    tx.rows(WAITING, &[&real, &now, &limit], |row| Ok(Waiting { sid: row.next()?, account_sid: row.next()? }))
}

/// Leases a sink from the real time `real` until `until`, and takes what is due there. Of one that was
/// removed it takes nothing, and some of what waited for it goes.
pub fn lease(
    tx: &mut Tx<'_>,
    waiting: Waiting,
    (real, until): (i64, i64),
) -> Result<Option<Leased>, StoreError> {
    let Waiting { sid, account_sid } = waiting;
    let found = tx.row(LEASE, &[&account_sid, &sid, &real, &until], |row| {
        let (destination, batch_events): (String, bool) = (row.next()?, row.next()?);
        let (failures, is_removed): (i64, bool) = (row.next()?, row.next()?);
        Ok((destination, batch_events, failures, is_removed))
    })?;
    let Some((destination, batch_events, failures, is_removed)) = found else { return Ok(None) };
    let now = tx.now();
    if is_removed {
        tx.put(DROP, &[&account_sid, &sid, &CHUNK])?;
        tx.put(RELEASE, &[&account_sid, &sid, &until, &now, &0_i64])?;
        return Ok(None);
    }
    let Some(auth_token) = tx.row(AUTH_TOKEN, &[&account_sid], one::<Vec<u8>>)? else { return Ok(None) };
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let items = tx.rows(TAKE, &[&account_sid, &sid, &now, &limit], |row| {
        Ok(Item { number: row.next()?, event: row.next()?, tries: row.next()? })
    })?;
    Ok(Some(Leased { waiting, until, auth_token, destination, batch_events, failures, items }))
}

/// Writes down how a turn went, and lets the sink go. A holder whose lease has lapsed still says what it
/// knows of the events, and leaves the sink alone. Answers how many were given up.
pub fn settle(tx: &mut Tx<'_>, leased: &Leased, outcome: &Outcome) -> Result<u64, StoreError> {
    let Waiting { sid, account_sid } = leased.waiting;
    let now = tx.now();
    for item in &outcome.arrived {
        tx.put(ARRIVED, &[&account_sid, &item.number])?;
    }
    for (item, why) in &outcome.failed {
        let due = now.saturating_plus_micros(put_off(item.tries, outcome.chance));
        tx.put(FAILED, &[&account_sid, &item.number, &due, why])?;
    }
    let failures = match (outcome.arrived.is_empty(), outcome.failed.is_empty()) {
        (true, false) => leased.failures + 1,
        (true, true) => leased.failures,
        (false, _) => 0,
    };
    let mut given_up = 0;
    if !outcome.failed.is_empty() {
        let old = now.saturating_plus_micros(-KEPT);
        let older = now.saturating_plus_micros(-KEPT_UNTRIED);
        given_up = tx.execute(GIVE_UP, &[&account_sid, &sid, &old, &CHUNK, &older])?;
    }
    let wait = if failures > 0 { rest(failures, outcome.chance) } else { 0 };
    let due = now.saturating_plus_micros(wait);
    tx.put(RELEASE, &[&account_sid, &sid, &leased.until, &due, &failures])?;
    Ok(given_up)
}

/// Lets every sink go.
pub fn free_all(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.put(FREE_ALL, &[])
}

/// Whether something that was given up is older than `kept`, in microseconds.
pub fn has_old(tx: &mut Tx<'_>, kept: i64) -> Result<bool, StoreError> {
    let before = tx.now().saturating_plus_micros(-kept);
    Ok(tx.row(OLD, &[&before], one::<i64>)?.is_some())
}

/// Removes some of it.
pub fn prune(tx: &mut Tx<'_>, kept: i64) -> Result<(), StoreError> {
    let before = tx.now().saturating_plus_micros(-kept);
    tx.put(PRUNE, &[&before, &CHUNK])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_chance_takes_off_a_quarter_at_most() {
        let seconds = |wait| wait / SECOND;
        let told: Vec<_> = (0..9).map(|tries| seconds(put_off(tries, 255))).collect();
        assert_eq!(told, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(put_off(2, 0), 15 * SECOND);
        let told: Vec<_> = (1..8).map(|failures| seconds(rest(failures, 255))).collect();
        assert_eq!(told, [1, 2, 4, 8, 16, 30, 30]);
    }
}
