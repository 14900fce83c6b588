//! The types of events that a subscription is made of.

use serde::Deserialize;

use super::sinks::Sink;
use super::subscriptions::{self, Subscription};
use super::types::{self, LATEST_VERSION};
use crate::accounts;
use crate::events::EventType;
use crate::prelude::*;

// Record ─────────────────────────────────────────────────────────────────────

/// In the order of the columns; what is shown stands in `Shown`.
#[derive(Clone, Debug)]
pub struct SubscribedEvent {
    pub subscription_sid: Sid<Subscription>,
    pub account_sid: Sid<Account>,
    pub event_type: EventType,
    pub schema_version: i64,
    pub date_created: Timestamp,
}

#[derive(Serialize)]
struct Shown {
    account_sid: Sid<Account>,
    subscription_sid: Sid<Subscription>,
    #[serde(rename = "type")]
    event_type: &'static str,
    schema_version: i64,
}

impl Serialize for SubscribedEvent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { subscription_sid, account_sid, event_type, schema_version, date_created: _ } = *self;
        let event_type = types::name(event_type).unwrap_or_default();
        Shown { account_sid, subscription_sid, event_type, schema_version }.serialize(serializer)
    }
}

impl Resource for SubscribedEvent {
    fn url(&self, call: &Call) -> String {
        let name = types::name(self.event_type).unwrap_or_default();
        call.root_url(format_args!("/Subscriptions/{}/SubscribedEvents/{name}", self.subscription_sid))
    }
}

// Form parameters ────────────────────────────────────────────────────────────

/// A type that somebody wants to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub event_type: EventType,
    pub schema_version: i64,
}

impl Wanted {
    /// As a subscription is created with: `{"type":"com.twilio...","schema_version":2}`.
    pub fn parse_json(text: &str) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Given {
            #[serde(rename = "type")]
            name: String,
            #[serde(default)]
            schema_version: Option<i64>,
        }
        let given: Given = serde_json::from_str(text).map_err(|_| {
            Problem::parameter("Each of Types is JSON with a type, and may have a schema_version")
        })?;
        Self::new(&given.name, given.schema_version)
    }

    fn new(name: &str, version: Option<i64>) -> Result<Self, Problem> {
        let unknown = || Problem::parameter(format!("Events of type {name} are not served here"));
        let event_type = types::parse(name).ok_or_else(unknown)?;
        Ok(Self { event_type, schema_version: known(version.unwrap_or(LATEST_VERSION))? })
    }

    pub fn subscribed(self, subscription: &Subscription, now: Timestamp) -> SubscribedEvent {
        SubscribedEvent {
            subscription_sid: subscription.sid,
            account_sid: subscription.account_sid,
            event_type: self.event_type,
            schema_version: self.schema_version,
            date_created: now,
        }
    }
}

fn known(version: i64) -> Result<i64, Problem> {
    match version {
        1..=LATEST_VERSION => Ok(version),
        _ => Err(Problem::parameter("There is no such schema version of this type")),
    }
}

fn version(form: &Form) -> Result<Option<i64>, Problem> {
    const NAME: &str = "SchemaVersion";
    form.get(NAME).map(|text| text.parse().map_err(|_| Problem::invalid_parameter(NAME))).transpose()
}

impl FromForm for Wanted {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        let name = form.required("Type", Problem::parameter("Missing required parameter Type"))?;
        Self::new(name, version(form)?)
    }
}

pub struct UpdateSubscribedEvent {
    schema_version: Option<i64>,
}

impl FromForm for UpdateSubscribedEvent {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        Ok(Self { schema_version: version(form)?.map(known).transpose()? })
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Record for SubscribedEvent {
    const TABLE: &'static str = "subscribed_events";
    const KEY: &'static [&'static str] = &["account_sid", "event_type", "subscription_sid"];
    const COLUMNS: &'static str = "subscription_sid, account_sid, event_type, schema_version, date_created";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.subscription_sid, &self.account_sid, &self.event_type, &self.schema_version,
             &self.date_created]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            subscription_sid: row.next()?, account_sid: row.next()?, event_type: row.next()?,
            schema_version: row.next()?, date_created: row.next()?,
        })
    }
}

const ONE_OF: &str = "WHERE account_sid = $1 AND subscription_sid = $2 AND event_type = $3";
const OF_SUBSCRIPTION: &str =
    "WHERE account_sid = $1 AND subscription_sid = $2 ORDER BY date_created, event_type";
const REMOVE_ALL: &str = "DELETE FROM subscribed_events WHERE account_sid = $1 AND subscription_sid = $2";
const ANY: &str = "SELECT schema_version FROM subscribed_events WHERE account_sid = $1 LIMIT 1";
const LISTENING: &str = "SELECT s.sink_sid, MAX(e.schema_version) FROM subscribed_events e \
     JOIN subscriptions s ON s.account_sid = e.account_sid AND s.sid = e.subscription_sid \
     WHERE e.account_sid = $1 AND e.event_type = $2 GROUP BY s.sink_sid ORDER BY s.sink_sid";

// Operations: one transaction each, with the account held by those that write ─

/// Whether the account has subscribed to anything.
pub fn is_any(tx: &mut Tx<'_>, account: Sid<Account>) -> Result<bool, StoreError> {
    Ok(tx.row(ANY, &[&account], one::<i64>)?.is_some())
}

/// The sinks that are told of events of this type, each once, with the version that they want.
pub fn listening(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    event_type: EventType,
) -> Result<Vec<(Sid<Sink>, i64)>, StoreError> {
    if types::name(event_type).is_none() {
        return Ok(Vec::new());
    }
    tx.rows(LISTENING, &[&account, &event_type], |row| Ok((row.next()?, row.next()?)))
}

/// With the subscription.
pub fn remove_all(tx: &mut Tx<'_>, subscription: &Subscription) -> Result<(), StoreError> {
    tx.put(REMOVE_ALL, &[&subscription.account_sid, &subscription.sid])
}

fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<SubscribedEvent, Failure> {
    let subscription = subscriptions::fetch(tx, call, path)?;
    let event_type = types::of_path(path).ok_or_else(|| call.not_found())?;
    let found = tx.find(ONE_OF, &[&call.account_sid, &subscription.sid, &event_type])?;
    found.ok_or_else(|| call.not_found().into())
}

/// There are at most as many as there are types, and they stand on one page.
fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    _: &NoParameters,
    request: &PageRequest,
) -> Result<Page<SubscribedEvent>, Failure> {
    let subscription = subscriptions::fetch(tx, call, path)?;
    let found: Vec<SubscribedEvent> = tx.list(OF_SUBSCRIPTION, &[&call.account_sid, &subscription.sid])?;
    Ok(types::cut(&found, request))
}

fn create(tx: &mut Tx<'_>, call: &Call, path: &Path, wanted: &Wanted) -> Result<SubscribedEvent, Failure> {
    accounts::hold(tx, call.account_sid)?;
    let subscription = subscriptions::fetch(tx, call, path)?;
    let subscribed = wanted.subscribed(&subscription, tx.now());
    if !tx.insert(&subscribed)? {
        return Err(Problem::conflict("The subscription has this type already").into());
    }
    Ok(subscribed)
}

fn update(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    form: &UpdateSubscribedEvent,
) -> Result<SubscribedEvent, Failure> {
    accounts::hold(tx, call.account_sid)?;
    let subscribed = fetch(tx, call, path)?;
    let schema_version = form.schema_version.unwrap_or(subscribed.schema_version);
    let subscribed = SubscribedEvent { schema_version, ..subscribed };
    tx.replace(&subscribed)?;
    Ok(subscribed)
}

fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    accounts::hold(tx, call.account_sid)?;
    let subscribed = fetch(tx, call, path)?;
    tx.remove(&subscribed)?;
    Ok(())
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Subscriptions/{SubscriptionSid}/SubscribedEvents";
    const ONE: &str = "/Subscriptions/{SubscriptionSid}/SubscribedEvents/{Type}";
    vec![
        Operation::list(LIST, Paged::new("types", 1000), list).at(Mount::Account),
        Operation::create(LIST, create).at(Mount::Account).changing_account(),
        Operation::fetch(ONE, fetch).at(Mount::Account),
        Operation::update(ONE, update).at(Mount::Account),
        Operation::delete(ONE, delete).at(Mount::Account).changing_account(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_a_type_that_is_served() {
        let read = |text| Wanted::parse_json(text).map(|wanted| (wanted.event_type, wanted.schema_version));
        let added = r#"{"type":"com.twilio.conversations.message.added"}"#;
        assert_eq!(read(added), Ok((EventType::MessageAdded, LATEST_VERSION)));
        let first = r#"{"type":"com.twilio.conversations.message.added","schema_version":1}"#;
        assert_eq!(read(first), Ok((EventType::MessageAdded, 1)));
        for wrong in [
            r#"{"type":"com.twilio.conversations.message.added","schema_version":3}"#,
            r#"{"type":"com.twilio.conversations.delivery.updated"}"#,
            r#"{"type":"com.twilio.messaging.message.sent"}"#,
            r#"{"schema_version":1}"#,
            "com.twilio.conversations.message.added",
        ] {
            assert_eq!(read(wrong).expect_err(wrong).status, 400);
        }
    }
}
