//! Pre-action webhooks that were asked, for people only: what was asked, what came back, and what that led to.
//!
//! Nothing here is on its way: a row is written after the answer, and a question is not asked again.

use super::inspection::{Condition, SCANNED, parse_target};
use super::lane::LaneKey;
use crate::events::{EVENT_TYPES, EventType};
use crate::prelude::*;

// Record ─────────────────────────────────────────────────────────────────────

/// What the answer made of the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It went on as it was.
    Allowed,
    /// It went on, judged again, with what the answer said.
    Changed,
    Refused,
    /// There was no answer, or none that says anything: it went on as it was.
    Unanswered,
}

/// A question that was put.
#[derive(Clone, Debug)]
pub struct PreAction {
    pub account_sid: Sid<Account>,
    /// Whose webhook was asked; nothing of an order.
    pub target: LaneKey,
    /// As it is asked about, `onMessageAdd`.
    pub event_type: String,
    /// None where it was not there yet, and of users.
    pub conversation_sid: Option<Sid<Conversation>>,
    /// Names and values, urlencoded.
    pub payload: String,
    pub decision: Decision,
    /// JSON text of an object: the try.
    pub log: String,
    pub date_created: Timestamp,
}

/// One that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    pub number: i64,
    pub asked: PreAction,
}

/// Ours: its digits are the number.
impl Prefix for Kept {
    const PREFIX: &'static str = "WP";
}

/// Which are meant.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// None for those of all accounts.
    pub account_sid: Option<Sid<Account>>,
    decision: Option<Decision>,
    target: Option<Vec<u8>>,
    event_type: Option<String>,
    conversation_sid: Option<Sid<Conversation>>,
}

// Form parameters ────────────────────────────────────────────────────────────

const FILTERS: [&str; 4] = ["Target", "EventType", "ConversationSid", "Decision"];

impl Wanted {
    /// Reads `Target`, `EventType`, `ConversationSid` and `Decision`.
    pub fn from_form(form: &Form, account_sid: Option<Sid<Account>>) -> Result<Self, Problem> {
        let invalid = Problem::invalid_parameter;
        let is_asked = |name: &&str| EVENT_TYPES.contains(name) && EventType::parse(name).is_none();
        let event_type =
            |name| Some(name).filter(is_asked).map(str::to_owned).ok_or_else(|| invalid("EventType"));
        let target = |text| parse_target(text).ok_or_else(|| invalid("Target"));
        let decision = |text| Decision::parse(text).ok_or_else(|| invalid("Decision"));
        Ok(Self {
            account_sid,
            decision: form.get("Decision").map(decision).transpose()?,
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

// Rules: pure ────────────────────────────────────────────────────────────────

impl Decision {
    fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Changed => "changed",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
        }
    }

    /// As it is shown, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Allowed, Self::Changed, Self::Refused, Self::Unanswered]
            .into_iter()
            .find(|decision| text.eq_ignore_ascii_case(decision.name()))
    }
}

impl Kept {
    pub fn sid(&self) -> Sid<Self> {
        Sid::from_bytes(u128::from(self.number.unsigned_abs()).to_be_bytes())
    }

    /// The number of a sid; none where nothing can have it.
    pub fn number_of(sid: Sid<Self>) -> Option<i64> {
        i64::try_from(u128::from_be_bytes(*sid.as_bytes())).ok()
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for Decision {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.name())
    }
}

impl Column for Decision {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Self::parse(text),
            _ => None,
        }
    }
}

impl Kept {
    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.next()?,
            asked: PreAction {
                account_sid: row.next()?, target: row.next()?, event_type: row.next()?,
                conversation_sid: row.next()?, payload: row.next()?, decision: row.next()?,
                log: row.next()?, date_created: row.next()?,
            },
        })
    }
}

const INSERT: &str = "INSERT INTO pre_actions (account_sid, target, event_type, conversation_sid, payload, \
     decision, log, date_created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const SELECT: &str = "SELECT d.number, d.account_sid, d.target, d.event_type, d.conversation_sid, d.payload, \
     d.decision, d.log, d.date_created FROM pre_actions d";

// The scans for what is old: the statements here without a tenant. Numbers are in the order of time.
const OLDEST: &str = "SELECT date_created FROM pre_actions ORDER BY number LIMIT 1";
const PRUNE: &str = "DELETE FROM pre_actions WHERE number IN \
     (SELECT number FROM pre_actions ORDER BY number LIMIT $2) AND date_created < $1";

/// Rows that one step removes.
const AT_ONCE: i64 = 500;

// Operations ─────────────────────────────────────────────────────────────────

/// Keeps what was asked.
pub fn add(tx: &mut Tx<'_>, asked: &PreAction) -> Result<(), StoreError> {
    let PreAction { account_sid, target, event_type, conversation_sid, payload, decision, log, date_created } =
        asked;
    #[rustfmt::skip]
    let values: &[&dyn Value] = &[account_sid, target, event_type, conversation_sid, payload, decision, log,
        date_created];
    tx.put(INSERT, values)
}

/// At most `size` of those that are wanted, newest first, before the number `from`, and the number before
/// which the rest is; none at the end.
pub fn list(
    tx: &mut Tx<'_>,
    wanted: &Wanted,
    from: Option<i64>,
    size: usize,
) -> Result<(Vec<Kept>, Option<i64>), StoreError> {
    let Wanted { account_sid, decision, target, event_type, conversation_sid } = wanted;
    let mut condition = Condition::of(account_sid.as_ref());
    if let Some(from) = &from {
        condition.and("d.number <", from);
    }
    let is_narrowed =
        decision.is_some() || target.is_some() || event_type.is_some() || conversation_sid.is_some();
    let end = if is_narrowed {
        // The last of a whole stretch; none where there are fewer.
        let end = format!(
            "SELECT CASE WHEN COUNT(*) = {SCANNED} THEN MIN(number) END FROM \
             (SELECT d.number FROM pre_actions d {} ORDER BY d.number DESC LIMIT {SCANNED}) AS stretch",
            condition.text
        );
        tx.row(&end, &condition.params, one::<Option<i64>>)?.flatten()
    } else {
        None
    };
    if let Some(end) = &end {
        condition.and("d.number >=", end);
    }
    if let Some(decision) = decision {
        condition.and("d.decision =", decision);
    }
    if let Some(target) = target {
        condition.and(&format!("SUBSTR(d.target, 1, {}) =", target.len()), target);
    }
    if let Some(event_type) = event_type {
        condition.and("d.event_type =", event_type);
    }
    if let Some(conversation_sid) = conversation_sid {
        condition.and("d.conversation_sid =", conversation_sid);
    }
    let limit = size + 1;
    let select = format!("{SELECT} {} ORDER BY d.number DESC LIMIT {limit}", condition.text);
    let mut found = tx.rows(&select, &condition.params, Kept::read)?;
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
) -> Result<Option<Kept>, StoreError> {
    let mut condition = Condition::of(account_sid.as_ref());
    condition.and("d.number =", &number);
    tx.row(&format!("{SELECT} {}", condition.text), &condition.params, Kept::read)
}

/// Whether something is older than `kept`, in microseconds.
pub fn has_old(tx: &mut Tx<'_>, kept: i64) -> Result<bool, StoreError> {
    let before = tx.now().saturating_plus_micros(-kept);
    Ok(tx.row(OLDEST, &[], one::<Timestamp>)?.is_some_and(|oldest| oldest < before))
}

/// Removes some of it.
pub fn prune(tx: &mut Tx<'_>, kept: i64) -> Result<(), StoreError> {
    let before = tx.now().saturating_plus_micros(-kept);
    tx.put(PRUNE, &[&before, &AT_ONCE])
}
