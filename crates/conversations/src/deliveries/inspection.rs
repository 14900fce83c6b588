//! Deliveries for people: listed, looked at, and sent again.
//!
//! No index knows every filter. A narrowed list reads a bounded stretch of an account's deliveries for each
//! page, and the next page goes on where it ended: a page may be short, or empty, while there are more.

use std::fmt::Write;

use super::lane::{LaneKey, TargetKey};
use super::{FIRST_DUE, Status};
use crate::conversation_webhooks::Webhook;
use crate::events::{Event, EventType};
use crate::prelude::*;
use crate::webhooks::Method;

// Record ─────────────────────────────────────────────────────────────────────

/// A delivery as it stands, with its event.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its place in the order of all deliveries.
    pub number: i64,
    pub account_sid: Sid<Account>,
    pub event_sid: Sid<Event>,
    pub event_type: EventType,
    pub conversation_sid: Option<Sid<Conversation>>,
    /// Names and values, urlencoded.
    pub payload: String,
    pub lane: LaneKey,
    /// None where nobody could be told. It may hold a password.
    pub url: Option<String>,
    pub method: Method,
    pub status: Status,
    pub tries: i64,
    pub due: Timestamp,
    /// JSON text of an array: the tries so far.
    pub log: Option<String>,
    pub date_created: Timestamp,
}

/// Ours: its digits are the delivery's number.
impl Prefix for Delivery {
    const PREFIX: &'static str = "WD";
}

/// Which deliveries are meant.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// None for those of all accounts.
    pub account_sid: Option<Sid<Account>>,
    pub status: Option<Status>,
    target: Option<Vec<u8>>,
    event_type: Option<EventType>,
    conversation_sid: Option<Sid<Conversation>>,
}

/// What is on its way, of all accounts.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    /// At most [`COUNTED`].
    pub deliveries: i64,
    /// At most [`COUNTED`].
    pub lanes: i64,
    /// Since when the lane waits that is due longest.
    pub due: Option<Timestamp>,
}

/// In which direction a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    NewestFirst,
    OldestFirst,
}

// Form parameters ────────────────────────────────────────────────────────────

const FILTERS: [&str; 4] = ["Target", "EventType", "ConversationSid", "Status"];

impl Wanted {
    /// Reads `Target`, `EventType`, `ConversationSid` and `Status`.
    pub fn from_form(form: &Form, account_sid: Option<Sid<Account>>) -> Result<Self, Problem> {
        let invalid = Problem::invalid_parameter;
        let event_type = |name| EventType::parse(name).ok_or_else(|| invalid("EventType"));
        let target = |text| parse_target(text).ok_or_else(|| invalid("Target"));
        let status = |text| Status::parse(text).ok_or_else(|| invalid("Status"));
        Ok(Self {
            account_sid,
            status: form.get("Status").map(status).transpose()?,
            target: form.get("Target").map(target).transpose()?,
            event_type: form.get("EventType").map(event_type).transpose()?,
            conversation_sid: form.sid("ConversationSid", invalid("ConversationSid"))?,
        })
    }

    /// The filters of a form, as they were given.
    pub fn named(form: &Form) -> Vec<(&'static str, String)> {
        FILTERS.into_iter().filter_map(|name| Some((name, form.get(name)?.to_owned()))).collect()
    }
}

/// A kind of target, or the sid of whoever configured one.
pub(super) fn parse_target(text: &str) -> Option<Vec<u8>> {
    let kind = match text.to_ascii_lowercase().as_str() {
        "account" => Some(b'a'),
        "service" => Some(b's'),
        "webhook" => Some(b'w'),
        _ => None,
    };
    if let Some(kind) = kind {
        return Some(vec![kind]);
    }
    let account = Sid::<Account>::parse(text).map(TargetKey::Account);
    let target = account
        .or_else(|| Sid::<Service>::parse(text).map(TargetKey::Service))
        .or_else(|| Sid::<Webhook>::parse(text).map(TargetKey::Webhook))?;
    Some(LaneKey::half_of(target))
}

// Rules ──────────────────────────────────────────────────────────────────────

/// A delivery that was tried this often is not sent again.
pub const MOST_TRIES: i64 = 100;
/// What is counted of a backlog.
pub const COUNTED: i64 = 100_000;
/// Deliveries that are read for one page of a narrowed list.
pub(super) const SCANNED: i64 = 5_000;

impl Status {
    /// As it is shown, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "waiting" => Some(Self::Waiting),
            "delivered" => Some(Self::Delivered),
            "dead" => Some(Self::Dead),
            _ => None,
        }
    }
}

impl Delivery {
    pub fn sid(&self) -> Sid<Self> {
        sid_of(self.number)
    }

    /// Whether it may be sent again, and why not.
    pub fn check_replay(&self) -> Result<(), Problem> {
        if self.status == Status::Waiting {
            return Err(Problem::conflict("The delivery is on its way already"));
        }
        if self.url.is_none() {
            return Err(Problem::conflict("The delivery has no URL that it could be sent to"));
        }
        if self.tries >= MOST_TRIES {
            return Err(Problem::conflict(format!(
                "The delivery was tried {MOST_TRIES} times, which is the most"
            )));
        }
        Ok(())
    }
}

/// The sid of a number.
pub fn sid_of(number: i64) -> Sid<Delivery> {
    Sid::from_bytes(u128::from(number.unsigned_abs()).to_be_bytes())
}

/// The number of a sid; none where no delivery can have it.
pub fn number_of(sid: Sid<Delivery>) -> Option<i64> {
    i64::try_from(u128::from_be_bytes(*sid.as_bytes())).ok()
}

// Storage ────────────────────────────────────────────────────────────────────

const SELECT: &str = "SELECT d.number, d.account_sid, d.event_sid, e.event_type, e.conversation_sid, e.payload, \
     d.lane, d.url, d.method, d.status, d.tries, d.due, d.log, d.date_created \
     FROM deliveries d JOIN events e ON e.sid = d.event_sid";
const REPLAY: &str = "UPDATE deliveries SET status = 0, due = $3 WHERE account_sid = $1 AND number = $2 \
     AND status > 0 AND url IS NOT NULL AND tries < $4 RETURNING url";
const WAKE_LANE: &str = "INSERT INTO lanes (key, account_sid, origin, due, leased_until) \
     VALUES ($1, $2, $3, $4, 0) ON CONFLICT (key) DO UPDATE SET due = excluded.due \
     WHERE lanes.due > excluded.due";
// What an operator watches: of all tenants.
const WAITING: &str =
    "SELECT COUNT(*) FROM (SELECT 1 AS one FROM deliveries WHERE status = 0 LIMIT $1) counted";
const LANES: &str = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM lanes LIMIT $1) counted";
const LONGEST_DUE: &str = "SELECT due FROM lanes ORDER BY due LIMIT 1";

impl Delivery {
    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.next()?, account_sid: row.next()?, event_sid: row.next()?, event_type: row.next()?,
            conversation_sid: row.next()?, payload: row.next()?, lane: row.next()?, url: row.next()?,
            method: row.next()?, status: row.next()?, tries: row.next()?, due: row.next()?, log: row.next()?,
            date_created: row.next()?,
        })
    }
}

/// A condition that grows, with what it binds.
pub(super) struct Condition<'a> {
    pub(super) text: String,
    pub(super) params: Vec<&'a dyn Value>,
}

impl<'a> Condition<'a> {
    /// The tenant comes first. Whoever may see all accounts reads in the order of the key.
    pub(super) fn of(account_sid: Option<&'a Sid<Account>>) -> Self {
        match account_sid {
            Some(sid) => Self { text: "WHERE d.account_sid = $1".to_owned(), params: vec![sid] },
            None => Self { text: "WHERE d.number > 0".to_owned(), params: Vec::new() },
        }
    }

    pub(super) fn and(&mut self, compared: &str, value: &'a dyn Value) {
        self.params.push(value);
        let _ = write!(self.text, " AND {compared} ${}", self.params.len());
    }
}

impl Wanted {
    fn is_narrowed(&self) -> bool {
        self.status.is_some()
            || self.target.is_some()
            || self.event_type.is_some()
            || self.conversation_sid.is_some()
    }

    fn narrow<'a>(&'a self, condition: &mut Condition<'a>) {
        if let Some(status) = &self.status {
            condition.and("d.status =", status);
        }
        if let Some(target) = &self.target {
            condition.and(&format!("SUBSTR(d.lane, 1, {}) =", target.len()), target);
        }
        if let Some(event_type) = &self.event_type {
            condition.and("e.event_type =", event_type);
        }
        if let Some(conversation_sid) = &self.conversation_sid {
            condition.and("e.conversation_sid =", conversation_sid);
        }
    }
}

impl Way {
    /// How a number compares with the one before it, and with the last that is read; the order, and which of
    /// many is the last.
    fn words(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::NewestFirst => ("d.number <", "d.number >=", "DESC", "MIN"),
            Self::OldestFirst => ("d.number >", "d.number <=", "ASC", "MAX"),
        }
    }
}

// Operations ─────────────────────────────────────────────────────────────────

/// At most `size` of those that are wanted, behind the number `from`, and the number behind which the rest
/// is; none at the end.
pub fn list(
    tx: &mut Tx<'_>,
    wanted: &Wanted,
    (way, from): (Way, Option<i64>),
    size: usize,
) -> Result<(Vec<Delivery>, Option<i64>), StoreError> {
    let (beyond, up_to, order, last) = way.words();
    let mut condition = Condition::of(wanted.account_sid.as_ref());
    if let Some(from) = &from {
        condition.and(beyond, from);
    }
    let end = if wanted.is_narrowed() {
        // The last of a whole stretch; none where there are fewer.
        let end = format!(
            "SELECT CASE WHEN COUNT(*) = {SCANNED} THEN {last}(number) END FROM \
             (SELECT d.number FROM deliveries d {} ORDER BY d.number {order} LIMIT {SCANNED}) AS stretch",
            condition.text
        );
        tx.row(&end, &condition.params, one::<Option<i64>>)?.flatten()
    } else {
        None
    };
    if let Some(end) = &end {
        condition.and(up_to, end);
    }
    wanted.narrow(&mut condition);
    let limit = size + 1;
    let select = format!("{SELECT} {} ORDER BY d.number {order} LIMIT {limit}", condition.text);
    let mut found = tx.rows(&select, &condition.params, Delivery::read)?;
    if found.len() > size {
        found.truncate(size);
        let last = found.last().map(|last| last.number);
        return Ok((found, last));
    }
    Ok((found, end))
}

/// One of an account's, or of any account's.
pub fn find(
    tx: &mut Tx<'_>,
    account_sid: Option<Sid<Account>>,
    number: i64,
) -> Result<Option<Delivery>, StoreError> {
    let mut condition = Condition::of(account_sid.as_ref());
    condition.and("d.number =", &number);
    tx.row(&format!("{SELECT} {}", condition.text), &condition.params, Delivery::read)
}

/// Puts deliveries of one account on their way again, each in its lane, and answers how many. Those that are
/// on their way stay as they are. The roots of the lanes are locked.
pub fn replay(
    tx: &mut Tx<'_>,
    account_sid: Sid<Account>,
    deliveries: &[(i64, LaneKey)],
) -> Result<usize, StoreError> {
    let now = tx.now();
    let mut replayed = 0;
    for (number, lane) in deliveries {
        let url = tx.row(REPLAY, &[&account_sid, number, &now, &MOST_TRIES], one::<String>)?;
        let Some(url) = url else { continue };
        let origin = wire::Target::parse(&url).map_or_else(String::new, |target| target.origin());
        tx.put(WAKE_LANE, &[lane, &account_sid, &origin, &now])?;
        replayed += 1;
    }
    Ok(replayed)
}

/// When the first of a lane is due.
pub(super) fn first_due(tx: &mut Tx<'_>, lane: &LaneKey) -> Result<Option<Timestamp>, StoreError> {
    tx.row(FIRST_DUE, &[lane], one)
}

/// How much is on its way.
pub fn backlog(tx: &mut Tx<'_>) -> Result<Backlog, StoreError> {
    Ok(Backlog {
        deliveries: tx.row(WAITING, &[&COUNTED], one)?.unwrap_or_default(),
        lanes: tx.row(LANES, &[&COUNTED], one)?.unwrap_or_default(),
        due: tx.row(LONGEST_DUE, &[], one)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_is_its_number() {
        assert_eq!(sid_of(255).to_string(), "WD000000000000000000000000000000ff");
        assert_eq!(number_of(sid_of(i64::MAX)), Some(i64::MAX));
        assert_eq!(number_of(Sid::from_bytes([0xFF; 16])), None);
    }

    #[test]
    fn a_target_is_a_kind_or_a_sid() {
        assert_eq!(parse_target("Account"), Some(vec![b'a']));
        assert_eq!(parse_target("webhook"), Some(vec![b'w']));
        let sid: Sid<Webhook> = Sid::from_bytes([7; 16]);
        let half = parse_target(&sid.to_string()).expect("a sid is a target");
        assert_eq!((half[0], &half[1..]), (b'w', &[7; 16][..]));
        for wrong in ["", "nobody", "CH00112233445566778899aabbccddeeff"] {
            assert_eq!(parse_target(wrong), None, "{wrong}");
        }
    }
}
