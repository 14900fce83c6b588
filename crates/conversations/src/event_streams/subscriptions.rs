//! Subscriptions: which events a sink is told of.

use super::sinks::{self, Sink, required_description};
use super::subscribed_events::{self, Wanted};
use crate::accounts;
use crate::prelude::*;

// Record ─────────────────────────────────────────────────────────────────────

/// In the order of the columns and of the JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Subscription {
    pub sid: Sid<Subscription>,
    pub account_sid: Sid<Account>,
    pub description: String,
    pub sink_sid: Sid<Sink>,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

impl Prefix for Subscription {
    const PREFIX: &'static str = "DF";
}

impl Resource for Subscription {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Subscriptions/{}", self.sid))
    }

    fn links(&self, _: &Call, url: &str) -> Links {
        below(url, &[("subscribed_events", "SubscribedEvents")])
    }
}

// Form parameters ────────────────────────────────────────────────────────────

pub struct CreateSubscription {
    description: String,
    sink_sid: Sid<Sink>,
    types: Vec<Wanted>,
}

impl FromForm for CreateSubscription {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        let description = required_description(form)?;
        let sink_sid = form.sid("SinkSid", no_sink())?;
        let sink_sid = sink_sid.ok_or_else(|| Problem::parameter("Missing required parameter SinkSid"))?;
        let mut types: Vec<Wanted> = Vec::new();
        for text in form.all("Types") {
            let wanted = Wanted::parse_json(text)?;
            types.retain(|there| there.event_type != wanted.event_type);
            types.push(wanted);
        }
        if types.is_empty() {
            return Err(Problem::parameter("Missing required parameter Types"));
        }
        Ok(Self { description, sink_sid, types })
    }
}

pub struct UpdateSubscription {
    description: Option<String>,
    sink_sid: Option<Sid<Sink>>,
}

impl FromForm for UpdateSubscription {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        let sink_sid = form.sid("SinkSid", no_sink())?;
        let description = match form.get("Description") {
            Some(_) => Some(required_description(form)?),
            None => None,
        };
        Ok(Self { description, sink_sid })
    }
}

fn no_sink() -> Problem {
    Problem::invalid_parameter("SinkSid")
}

pub struct OfSink {
    sink_sid: Option<Sid<Sink>>,
}

impl FromForm for OfSink {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        Ok(Self { sink_sid: form.sid("SinkSid", no_sink())? })
    }
}

impl Filter for OfSink {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        self.sink_sid.iter().map(|sid| ("SinkSid", sid.to_string())).collect()
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Record for Subscription {
    const TABLE: &'static str = "subscriptions";
    const KEY: &'static [&'static str] = &["account_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, description, sink_sid, date_created, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.account_sid, &self.description, &self.sink_sid, &self.date_created,
             &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, description: row.next()?, sink_sid: row.next()?,
            date_created: row.next()?, date_updated: row.next()?,
        })
    }
}

const BY_SID: &str = "WHERE account_sid = $1 AND sid = $2";
const OF_ACCOUNT: &str = "WHERE account_sid = $1";
const OF_SINK: &str = "WHERE account_sid = $1 AND sink_sid = $2";

// Operations: one transaction each, with the account held by those that write ─

/// The subscription of the path, or 404.
pub fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Subscription, Failure> {
    let sid = path.sid::<Subscription>(call, "SubscriptionSid")?;
    tx.find(BY_SID, &[&call.account_sid, &sid])?.ok_or_else(|| call.not_found().into())
}

fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    OfSink { sink_sid }: &OfSink,
    request: &PageRequest,
) -> Result<Page<Subscription>, Failure> {
    let cursor = |one: &Subscription| Cursor { at: one.date_created.micros(), sid: *one.sid.as_bytes() };
    let account = &call.account_sid;
    Ok(match sink_sid {
        Some(sink) => list_records(tx, (OF_SINK, &[account, sink]), &BY_CREATION, request, cursor)?,
        None => list_records(tx, (OF_ACCOUNT, &[account]), &BY_CREATION, request, cursor)?,
    })
}

fn require_sink(tx: &mut Tx<'_>, call: &Call, sid: Sid<Sink>) -> Result<(), Failure> {
    match sinks::find(tx, call.account_sid, sid)? {
        Some(_) => Ok(()),
        None => Err(no_sink().into()),
    }
}

fn create(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    form: &CreateSubscription,
) -> Result<Subscription, Failure> {
    accounts::hold(tx, call.account_sid)?;
    require_sink(tx, call, form.sink_sid)?;
    let now = tx.now();
    let subscription = Subscription {
        sid: call.new_sid(now),
        account_sid: call.account_sid,
        description: form.description.clone(),
        sink_sid: form.sink_sid,
        date_created: now,
        date_updated: now,
    };
    tx.append(&subscription)?;
    for wanted in &form.types {
        tx.append(&wanted.subscribed(&subscription, now))?;
    }
    Ok(subscription)
}

fn update(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    UpdateSubscription { description, sink_sid }: &UpdateSubscription,
) -> Result<Subscription, Failure> {
    accounts::hold(tx, call.account_sid)?;
    let subscription = fetch(tx, call, path)?;
    if let Some(sink) = sink_sid {
        require_sink(tx, call, *sink)?;
    }
    if description.is_none() && sink_sid.is_none() {
        return Ok(subscription);
    }
    let subscription = Subscription {
        description: description.clone().unwrap_or(subscription.description),
        sink_sid: sink_sid.unwrap_or(subscription.sink_sid),
        date_updated: tx.now(),
        ..subscription
    };
    tx.replace(&subscription)?;
    Ok(subscription)
}

fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    accounts::hold(tx, call.account_sid)?;
    let subscription = fetch(tx, call, path)?;
    subscribed_events::remove_all(tx, &subscription)?;
    tx.remove(&subscription)?;
    Ok(())
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Subscriptions";
    const ONE: &str = "/Subscriptions/{SubscriptionSid}";
    vec![
        Operation::list(LIST, Paged::new("subscriptions", 1000), list).at(Mount::Account),
        Operation::create(LIST, create).at(Mount::Account).changing_account(),
        Operation::fetch(ONE, fetch).at(Mount::Account),
        Operation::update(ONE, update).at(Mount::Account),
        Operation::delete(ONE, delete).at(Mount::Account).changing_account(),
    ]
}
