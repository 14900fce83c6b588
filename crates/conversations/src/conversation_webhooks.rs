//! The webhooks of one conversation: told of what has happened in it, at most five of them, and of what was
//! said before where they ask for it.

mod form;

use serde::Serializer;

pub use form::{CreateWebhook, EVENTS, UpdateWebhook};

use crate::deliveries::replays;
use crate::prelude::*;
use crate::webhooks::{Method, Texts};
use crate::{heads, services};

/// Twilio's limit.
const WEBHOOKS: i64 = 5;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns.
#[derive(Clone, Debug, Serialize)]
pub struct Webhook {
    pub sid: Sid<Webhook>,
    pub account_sid: Sid<Account>,
    pub conversation_sid: Sid<Conversation>,
    pub target: Target,
    /// Six columns.
    pub configuration: Configuration,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
    /// Positions of the conversation.
    #[serde(skip)]
    pub position_added: i64,
    #[serde(skip)]
    pub position_changed: i64,
}

/// What is told: events as they happen, messages with a keyword, or messages to a flow of another product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    Webhook,
    Trigger,
    Studio,
}

/// What the target needs, and nothing else.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Configuration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "in_lower_case")]
    pub method: Option<Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Texts>,
    // Twilio: examples of the public description print keywords as `filters`; here they have their own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Texts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_sid: Option<Sid<Flow>>,
    /// Messages of a higher index are told again when the webhook is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_after: Option<i64>,
}

/// A flow is only ever named: what it does is another product's.
#[derive(Clone, Debug)]
pub enum Flow {}

impl Prefix for Flow {
    const PREFIX: &'static str = "FW";
}

impl Prefix for Webhook {
    const PREFIX: &'static str = "WH";
}

impl Resource for Webhook {
    const NAMES_SERVICE: bool = true;

    fn url(&self, call: &Call) -> String {
        call.service_url(format_args!("/Conversations/{}/Webhooks/{}", self.conversation_sid, self.sid))
    }
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn in_lower_case<S: Serializer>(method: &Option<Method>, serializer: S) -> Result<S::Ok, S::Error> {
    method.map(Method::lower_name).serialize(serializer)
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl Target {
    const ALL: [Self; 3] = [Self::Webhook, Self::Trigger, Self::Studio];

    fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Trigger => "trigger",
            Self::Studio => "studio",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }
}

impl Configuration {
    /// A parameter left out keeps its value, and one that the target does not need is passed over.
    fn with(self, target: Target, form: &UpdateWebhook) -> Self {
        let UpdateWebhook { url, method, filters, triggers, flow_sid } = form;
        if target == Target::Studio {
            return Self { flow_sid: flow_sid.or(self.flow_sid), ..self };
        }
        let (filters, triggers) = match target {
            Target::Webhook => (filters.clone().or(self.filters), None),
            Target::Trigger | Target::Studio => (None, triggers.clone().or(self.triggers)),
        };
        Self {
            url: url.clone().or(self.url),
            method: method.or(self.method).or(Some(Method::Post)),
            filters,
            triggers,
            ..self
        }
    }

    /// Refuses a webhook that lacks what its target needs.
    fn require_whole(&self, target: Target) -> Result<(), Problem> {
        let Self { url, filters, triggers, flow_sid, method: _, replay_after: _ } = self;
        match target {
            Target::Webhook | Target::Trigger if url.is_none() => {
                Err(Problem::CONVERSATION_WEBHOOK_URL_NOT_PROVIDED)
            }
            Target::Webhook if filters.is_none() => Err(Problem::CONVERSATION_WEBHOOK_FILTER_NOT_PROVIDED),
            Target::Trigger if triggers.is_none() => Err(Problem::CONVERSATION_WEBHOOK_TRIGGER_NOT_PROVIDED),
            Target::Studio if flow_sid.is_none() => Err(Problem::INVALID_CONVERSATION_WEBHOOK_FLOW_SID),
            Target::Webhook | Target::Trigger | Target::Studio => Ok(()),
        }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for Target {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.name())
    }
}

impl Column for Target {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(name) => Self::parse(name),
            _ => None,
        }
    }
}

impl Record for Webhook {
    const TABLE: &'static str = "conversation_webhooks";
    const KEY: &'static [&'static str] = &["conversation_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, conversation_sid, target, url, method, filters, triggers, \
         flow_sid, replay_after, date_created, date_updated, position_added, position_changed";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        let Configuration { url, method, filters, triggers, flow_sid, replay_after } = &self.configuration;
        vec![&self.sid, &self.account_sid, &self.conversation_sid, &self.target, url, method, filters,
             triggers, flow_sid, replay_after, &self.date_created, &self.date_updated,
             &self.position_added, &self.position_changed]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, conversation_sid: row.next()?, target: row.next()?,
            configuration: Configuration {
                url: row.next()?, method: row.next()?, filters: row.next()?, triggers: row.next()?,
                flow_sid: row.next()?, replay_after: row.next()?,
            },
            date_created: row.next()?, date_updated: row.next()?, position_added: row.next()?,
            position_changed: row.next()?,
        })
    }
}

// The conversation that leads each of these has been found under its tenant.
const BY_SID: &str = "WHERE conversation_sid = $1 AND sid = $2";
const OF_CONVERSATION: &str = "WHERE conversation_sid = $1";
const COUNT: &str = "SELECT COUNT(*) FROM conversation_webhooks WHERE conversation_sid = $1";

// Operations: one transaction each ───────────────────────────────────────────

/// The webhook of the path, or 404.
pub fn of_path(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    conversation: Sid<Conversation>,
) -> Result<Webhook, Failure> {
    let sid = path.sid::<Webhook>(call, "WebhookSid")?;
    tx.find(BY_SID, &[&conversation, &sid])?.ok_or_else(|| call.not_found().into())
}

/// The webhook of this sid.
pub fn find(
    tx: &mut Tx<'_>,
    conversation: Sid<Conversation>,
    sid: Sid<Webhook>,
) -> Result<Option<Webhook>, StoreError> {
    tx.find(BY_SID, &[&conversation, &sid])
}

fn create(tx: &mut Tx<'_>, call: &Call, path: &Path, form: &CreateWebhook) -> Result<Webhook, Failure> {
    services::require(tx, call)?;
    let mut head = heads::lock_open(tx, call, path)?;
    let count: i64 = tx.row(COUNT, &[&head.sid], one)?.unwrap_or_default();
    if count >= call.limits.count(WEBHOOKS) {
        return Err(Problem::TOO_MANY_CONVERSATION_WEBHOOKS.into());
    }
    let (now, position) = (tx.now(), head.advance());
    let webhook = Webhook {
        sid: call.new_sid(now),
        account_sid: call.account_sid,
        conversation_sid: head.sid,
        target: form.target,
        configuration: form.configuration.clone(),
        date_created: now,
        date_updated: now,
        position_added: position,
        position_changed: position,
    };
    tx.append(&webhook)?;
    heads::replace(tx, &head)?;
    if let (Some(after), Some(last)) = (webhook.configuration.replay_after, head.last_message_index)
        && after < last
    {
        replays::begin(tx, &webhook, head.chat_service_sid, (after + 1, last))?;
    }
    Ok(webhook)
}

fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Webhook, Failure> {
    services::require(tx, call)?;
    let head = heads::fetch(tx, call, path)?;
    of_path(tx, call, path, head.sid)
}

fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    _: &NoParameters,
    request: &PageRequest,
) -> Result<Page<Webhook>, Failure> {
    services::require(tx, call)?;
    let head = heads::fetch(tx, call, path)?;
    let order = Order::ascending("position_added", None);
    let cursor = |one: &Webhook| Cursor { at: one.position_added, sid: *one.sid.as_bytes() };
    Ok(list_records(tx, (OF_CONVERSATION, &[&head.sid]), &order, request, cursor)?)
}

fn update(tx: &mut Tx<'_>, call: &Call, path: &Path, form: &UpdateWebhook) -> Result<Webhook, Failure> {
    services::require(tx, call)?;
    let mut head = heads::lock(tx, call, path)?;
    let webhook = of_path(tx, call, path, head.sid)?;
    head.require_open()?;
    if form.is_empty() {
        return Ok(webhook);
    }
    let webhook = Webhook {
        configuration: webhook.configuration.with(webhook.target, form),
        date_updated: tx.now(),
        position_changed: head.advance(),
        ..webhook
    };
    tx.replace(&webhook)?;
    heads::replace(tx, &head)?;
    Ok(webhook)
}

/// Closed or not. No tombstone is left, because no client keeps a copy of webhooks.
fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    services::require(tx, call)?;
    let mut head = heads::lock(tx, call, path)?;
    let webhook = of_path(tx, call, path, head.sid)?;
    head.advance();
    tx.remove(&webhook)?;
    heads::replace(tx, &head)?;
    Ok(())
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Conversations/{ConversationSid}/Webhooks";
    const ONE: &str = "/Conversations/{ConversationSid}/Webhooks/{WebhookSid}";
    vec![
        Operation::list(LIST, Paged { key: "webhooks", default: 5, max: 5 }, list),
        // It may ask for what was said before it was there.
        Operation::create(LIST, create).starting_deliveries(),
        Operation::fetch(ONE, fetch),
        Operation::update(ONE, update),
        Operation::delete(ONE, delete),
    ]
}
