//! Sinks: where events are streamed to. Of the kinds that Twilio has, webhooks are served.

use serde::Deserialize;

use super::deliveries;
use crate::accounts;
use crate::prelude::*;
use crate::webhooks::{URL_LENGTH, is_url};

// Record ─────────────────────────────────────────────────────────────────────

/// In the order of the columns; what is shown stands in `Shown`.
#[derive(Clone, Debug)]
pub struct Sink {
    pub sid: Sid<Sink>,
    pub account_sid: Sid<Account>,
    pub description: String,
    /// A URL, as it was given.
    pub destination: String,
    /// Whether many events may come at a time.
    pub batch_events: bool,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

/// Field order is the order of the JSON.
// Twilio: sinks are active from the beginning; validating them is of the past.
#[derive(Serialize)]
struct Shown<'a> {
    date_created: Timestamp,
    date_updated: Timestamp,
    description: &'a str,
    sid: Sid<Sink>,
    sink_configuration: ShownConfiguration<'a>,
    sink_type: &'static str,
    status: &'static str,
}

#[derive(Serialize)]
struct ShownConfiguration<'a> {
    destination: &'a str,
    method: &'static str,
    batch_events: bool,
}

const STATUS: &str = "active";

impl Serialize for Sink {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { sid, account_sid: _, description, destination, batch_events, date_created, date_updated } =
            self;
        let sink_configuration =
            ShownConfiguration { destination, method: "POST", batch_events: *batch_events };
        let (date_created, date_updated, sid) = (*date_created, *date_updated, *sid);
        let sink_type = "webhook";
        Shown { date_created, date_updated, description, sid, sink_configuration, sink_type, status: STATUS }
            .serialize(serializer)
    }
}

impl Prefix for Sink {
    const PREFIX: &'static str = "DG";
}

impl Resource for Sink {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Sinks/{}", self.sid))
    }

    fn links(&self, _: &Call, url: &str) -> Links {
        below(url, &[("sink_test", "Test"), ("sink_validate", "Validate")])
    }
}

/// What testing or validating a sink answers.
#[derive(Serialize)]
pub struct Told {
    result: &'static str,
}

impl Resource for Told {
    const PRINTS_URL: bool = false;

    fn url(&self, _: &Call) -> String {
        String::new()
    }
}

// Form parameters ────────────────────────────────────────────────────────────

pub struct CreateSink {
    description: String,
    configuration: Configuration,
}

#[derive(Deserialize)]
struct Configuration {
    destination: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    batch_events: Option<bool>,
}

impl FromForm for CreateSink {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let description = required_description(form)?;
        let sink_type =
            form.required("SinkType", Problem::parameter("Missing required parameter SinkType"))?;
        if !sink_type.eq_ignore_ascii_case("webhook") {
            return Err(Problem::parameter("Only sinks of SinkType webhook are served here"));
        }
        let missing = Problem::parameter("Missing required parameter SinkConfiguration");
        let configuration: Configuration = serde_json::from_str(form.required("SinkConfiguration", missing)?)
            .map_err(|_| {
                Problem::parameter(
                    "SinkConfiguration is JSON with a destination, and may have a method and batch_events",
                )
            })?;
        let length = call.limits.limit(URL_LENGTH);
        if !is_url(&configuration.destination) || configuration.destination.len() > length {
            return Err(Problem::parameter(
                "The destination in SinkConfiguration is not a URL of http or https",
            ));
        }
        // Nothing says what a GET, which Twilio names too, would carry.
        if configuration.method.as_ref().is_some_and(|method| !method.eq_ignore_ascii_case("post")) {
            return Err(Problem::parameter("Of the methods in SinkConfiguration only POST is served here"));
        }
        Ok(Self { description, configuration })
    }
}

/// What sinks and subscriptions must be given.
pub fn required_description(form: &Form) -> Result<String, Problem> {
    let missing = Problem::parameter("Missing required parameter Description");
    let too_long = Problem::invalid_parameter("Description");
    form.required("Description", missing)?;
    form.text("Description", 1024, too_long.clone())?.ok_or(too_long)
}

pub struct UpdateSink {
    description: String,
}

impl FromForm for UpdateSink {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        Ok(Self { description: required_description(form)? })
    }
}

pub struct ValidateSink;

impl FromForm for ValidateSink {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        form.required("TestId", Problem::parameter("Missing required parameter TestId"))?;
        Ok(Self)
    }
}

pub struct WhichSinks {
    in_use: Option<bool>,
    status: Option<String>,
}

impl FromForm for WhichSinks {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        let status = form.get("Status").map(str::to_ascii_lowercase);
        match status.as_deref() {
            None | Some("initialized" | "validating" | "active" | "failed") => {}
            Some(_) => return Err(Problem::invalid_parameter("Status")),
        }
        Ok(Self { in_use: form.boolean("InUse")?, status })
    }
}

impl Filter for WhichSinks {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let in_use = self.in_use.map(|in_use| ("InUse", in_use.to_string()));
        in_use.into_iter().chain(self.status.iter().map(|status| ("Status", status.clone()))).collect()
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Sink {
    /// Who takes what waits for it, and who removes it, come one after the other.
    pub fn root(sid: Sid<Self>) -> Root {
        const KIND: RootKind = RootKind { rank: 6, lock: "SELECT sid FROM sinks WHERE sid = $1" };
        Root::new(&KIND, *sid.as_bytes())
    }
}

impl Record for Sink {
    const TABLE: &'static str = "sinks";
    const KEY: &'static [&'static str] = &["account_sid", "sid"];
    const COLUMNS: &'static str =
        "sid, account_sid, description, destination, batch_events, date_created, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.account_sid, &self.description, &self.destination, &self.batch_events,
             &self.date_created, &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, description: row.next()?, destination: row.next()?,
            batch_events: row.next()?, date_created: row.next()?, date_updated: row.next()?,
        })
    }
}

const BY_SID: &str = "WHERE account_sid = $1 AND sid = $2 AND is_removed = 0";
const OF_ACCOUNT: &str = "WHERE account_sid = $1 AND is_removed = 0";
const USED: &str = "WHERE account_sid = $1 AND is_removed = 0 \
     AND EXISTS (SELECT 1 FROM subscriptions u WHERE u.account_sid = $1 AND u.sink_sid = sinks.sid)";
const UNUSED: &str = "WHERE account_sid = $1 AND is_removed = 0 \
     AND NOT EXISTS (SELECT 1 FROM subscriptions u WHERE u.account_sid = $1 AND u.sink_sid = sinks.sid)";
const A_USE: &str = "SELECT date_created FROM subscriptions WHERE account_sid = $1 AND sink_sid = $2 LIMIT 1";
const REMOVE: &str = "UPDATE sinks SET is_removed = 1, date_updated = $3 WHERE account_sid = $1 AND sid = $2";

// Operations: one transaction each ───────────────────────────────────────────

/// The account's sink of this sid.
pub fn find(tx: &mut Tx<'_>, account: Sid<Account>, sid: Sid<Sink>) -> Result<Option<Sink>, StoreError> {
    tx.find(BY_SID, &[&account, &sid])
}

/// The sink of the path, or 404.
pub fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Sink, Failure> {
    let sid = path.sid(call, "SinkSid")?;
    find(tx, call.account_sid, sid)?.ok_or_else(|| call.not_found().into())
}

fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    which: &WhichSinks,
    request: &PageRequest,
) -> Result<Page<Sink>, Failure> {
    if which.status.as_ref().is_some_and(|status| status != STATUS) {
        return Ok(Page { items: Vec::new(), next: None, previous: None });
    }
    let condition = match which.in_use {
        None => OF_ACCOUNT,
        Some(true) => USED,
        Some(false) => UNUSED,
    };
    let cursor = |sink: &Sink| Cursor { at: sink.date_created.micros(), sid: *sink.sid.as_bytes() };
    Ok(list_records(tx, (condition, &[&call.account_sid]), &BY_CREATION, request, cursor)?)
}

fn create(tx: &mut Tx<'_>, call: &Call, _: &Path, form: &CreateSink) -> Result<Sink, Failure> {
    let now = tx.now();
    let sink = Sink {
        sid: call.new_sid(now),
        account_sid: call.account_sid,
        description: form.description.clone(),
        destination: form.configuration.destination.clone(),
        batch_events: form.configuration.batch_events.unwrap_or(true),
        date_created: now,
        date_updated: now,
    };
    tx.append(&sink)?;
    Ok(sink)
}

/// Locks the account and then the sink, as all do that change it.
fn locked(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Sink, Failure> {
    let sid = path.sid(call, "SinkSid")?;
    tx.lock(&Roots::one(Account::root(call.account_sid)).and(Sink::root(sid)))?;
    fetch(tx, call, path)
}

fn update(tx: &mut Tx<'_>, call: &Call, path: &Path, form: &UpdateSink) -> Result<Sink, Failure> {
    let sink = locked(tx, call, path)?;
    let sink = Sink { description: form.description.clone(), date_updated: tx.now(), ..sink };
    tx.replace(&sink)?;
    Ok(sink)
}

/// What still waits for it is never sent, and goes bit by bit.
fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    let sink = locked(tx, call, path)?;
    if tx.row(A_USE, &[&call.account_sid, &sink.sid], one::<Timestamp>)?.is_some() {
        return Err(Problem::SINK_IN_USE.into());
    }
    let now = tx.now();
    tx.put(REMOVE, &[&call.account_sid, &sink.sid, &now])?;
    Ok(())
}

fn test(tx: &mut Tx<'_>, call: &Call, path: &Path, _: &NoParameters) -> Result<Told, Failure> {
    let sink = fetch(tx, call, path)?;
    deliveries::add_test(tx, call, &sink)?;
    Ok(Told { result: "submitted" })
}

// Twilio: always says so, and does nothing.
fn validate(tx: &mut Tx<'_>, call: &Call, path: &Path, _: &ValidateSink) -> Result<Told, Failure> {
    accounts::hold(tx, call.account_sid)?;
    fetch(tx, call, path)?;
    Ok(Told { result: "valid" })
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Sinks";
    const ONE: &str = "/Sinks/{SinkSid}";
    vec![
        Operation::list(LIST, Paged::new("sinks", 1000), list).at(Mount::Account),
        Operation::create(LIST, create).at(Mount::Account),
        Operation::fetch(ONE, fetch).at(Mount::Account),
        Operation::update(ONE, update).at(Mount::Account),
        Operation::delete(ONE, delete).at(Mount::Account),
        Operation::create("/Sinks/{SinkSid}/Test", test).at(Mount::Account),
        Operation::create("/Sinks/{SinkSid}/Validate", validate).at(Mount::Account),
    ]
}
