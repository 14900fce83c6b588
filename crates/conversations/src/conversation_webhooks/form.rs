//! What create and update of a conversation's webhooks take.

use super::{Configuration, Flow, Target};
use crate::participants::LARGEST_INDEX;
use crate::prelude::*;
use crate::webhooks::{Method, Texts, URL_LENGTH, is_url, parse_filters, parse_method};

/// Twilio's limits.
const TRIGGERS: usize = 5;
/// Characters.
const TRIGGER_LENGTH: usize = 248;

/// What can be listened to: things that have happened, in a conversation that is there.
pub const EVENTS: [&str; 10] = [
    "onConversationRemoved",
    "onConversationStateUpdated",
    "onConversationUpdated",
    "onDeliveryUpdated",
    "onMessageAdded",
    "onMessageRemoved",
    "onMessageUpdated",
    "onParticipantAdded",
    "onParticipantRemoved",
    "onParticipantUpdated",
];

/// What an update takes. What is given is checked, also what the target does not need.
pub struct UpdateWebhook {
    pub url: Option<String>,
    pub method: Option<Method>,
    pub filters: Option<Texts>,
    pub triggers: Option<Texts>,
    pub flow_sid: Option<Sid<Flow>>,
}

pub struct CreateWebhook {
    pub target: Target,
    pub configuration: Configuration,
}

impl FromForm for UpdateWebhook {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let unknown = Problem::INVALID_CONVERSATION_WEBHOOK_FILTER;
        let filters = parse_filters(form, "Configuration.Filters", &EVENTS, &unknown)?;
        if filters.as_ref().is_some_and(Texts::is_empty) {
            return Err(Problem::CONVERSATION_WEBHOOK_FILTER_NOT_PROVIDED);
        }
        Ok(Self {
            url: parse_url(call, form)?,
            method: parse_method(form, "Configuration.Method")?,
            filters,
            triggers: parse_triggers(call, form)?,
            flow_sid: form.sid("Configuration.FlowSid", Problem::INVALID_CONVERSATION_WEBHOOK_FLOW_SID)?,
        })
    }
}

impl FromForm for CreateWebhook {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let target = parse_target(form)?;
        let replay_after = parse_replay_after(form)?;
        let given = UpdateWebhook::from_form(call, form)?;
        let configuration = Configuration { replay_after, ..Configuration::default() }.with(target, &given);
        configuration.require_whole(target)?;
        Ok(Self { target, configuration })
    }
}

fn parse_target(form: &Form) -> Result<Target, Problem> {
    let target = form.required("Target", Problem::CONVERSATION_WEBHOOK_TYPE_NOT_PROVIDED)?;
    Target::parse(&target.to_ascii_lowercase()).ok_or(Problem::INVALID_CONVERSATION_WEBHOOK_TYPE)
}

fn parse_url(call: &Call, form: &Form) -> Result<Option<String>, Problem> {
    const NAME: &str = "Configuration.Url";
    let too_long = Problem::CONVERSATION_WEBHOOK_URL_TOO_LONG;
    match form.text(NAME, call.limits.limit(URL_LENGTH), too_long)? {
        Some(url) if url.is_empty() => Err(Problem::CONVERSATION_WEBHOOK_URL_NOT_PROVIDED),
        Some(url) if !is_url(&url) => Err(Problem::invalid_parameter(NAME)),
        url => Ok(url),
    }
}

/// Keywords, each once.
fn parse_triggers(call: &Call, form: &Form) -> Result<Option<Texts>, Problem> {
    let mut triggers: Vec<String> = Vec::new();
    for trigger in form.all("Configuration.Triggers") {
        if trigger.is_empty() || trigger.chars().count() > call.limits.limit(TRIGGER_LENGTH) {
            return Err(Problem::INVALID_CONVERSATION_WEBHOOK_TRIGGER);
        }
        if !triggers.iter().any(|there| there == trigger) {
            triggers.push(trigger.to_owned());
        }
    }
    if triggers.len() > call.limits.limit(TRIGGERS) {
        return Err(Problem::TOO_MANY_CONVERSATION_WEBHOOK_TRIGGERS);
    }
    Ok((!triggers.is_empty()).then(|| Texts::new(triggers)))
}

/// An index; -1 is the same as none.
fn parse_replay_after(form: &Form) -> Result<Option<i64>, Problem> {
    const NAME: &str = "Configuration.ReplayAfter";
    match form.get(NAME).map(str::parse::<i64>) {
        None | Some(Ok(-1)) => Ok(None),
        Some(Ok(index)) if (0..=LARGEST_INDEX).contains(&index) => Ok(Some(index)),
        Some(_) => Err(Problem::invalid_parameter(NAME)),
    }
}

impl UpdateWebhook {
    /// Whether an update with it changes nothing.
    pub fn is_empty(&self) -> bool {
        let Self { url, method, filters, triggers, flow_sid } = self;
        url.is_none() && method.is_none() && filters.is_none() && triggers.is_none() && flow_sid.is_none()
    }
}
