//! Auto-creation: what becomes of a message from somebody new. A conversation is made, and a webhook or
//! a flow is attached to it, or neither. Pure: settings and forms in, settings or a problem out.

use crate::conversation_webhooks::{EVENTS, Flow};
use crate::prelude::*;
use crate::webhooks::{Method, Texts, URL_LENGTH, is_url, parse_filters, parse_method};

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns. Members that are not set are not printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AutoCreation {
    pub enabled: bool,
    #[serde(rename = "type")]
    pub kind: AutoCreationType,
    /// The service of the new conversation; the account's default one where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_service_sid: Option<Sid<Service>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_method: Option<Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_filters: Option<Texts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub studio_flow_sid: Option<Sid<Flow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub studio_retry_count: Option<i64>,
}

/// What is attached to the new conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AutoCreationType {
    Webhook,
    Studio,
    /// Nothing.
    #[default]
    Default,
}

// Form parameters ────────────────────────────────────────────────────────────

/// What is given of it.
#[derive(Default, PartialEq)]
pub struct AutoCreationForm {
    enabled: Option<bool>,
    kind: Option<AutoCreationType>,
    pub conversation_service_sid: Option<Sid<Service>>,
    webhook_url: Option<String>,
    webhook_method: Option<Method>,
    webhook_filters: Option<Texts>,
    studio_flow_sid: Option<Sid<Flow>>,
    studio_retry_count: Option<i64>,
}

impl FromForm for AutoCreationForm {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let kind = |text| {
            AutoCreationType::parse(text).ok_or_else(|| Problem::invalid_parameter("AutoCreation.Type"))
        };
        Ok(Self {
            enabled: form.boolean("AutoCreation.Enabled")?,
            kind: form.get("AutoCreation.Type").map(kind).transpose()?,
            conversation_service_sid: form.sid(
                "AutoCreation.ConversationServiceSid",
                Problem { status: 400, ..Problem::SERVICE_NOT_FOUND },
            )?,
            webhook_url: parse_url(call, form)?,
            webhook_method: parse_method(form, "AutoCreation.WebhookMethod")?,
            webhook_filters: parse_events(form)?,
            studio_flow_sid: form
                .sid("AutoCreation.StudioFlowSid", Problem::INVALID_CONVERSATION_WEBHOOK_FLOW_SID)?,
            studio_retry_count: form.get("AutoCreation.StudioRetryCount").map(parse_retries).transpose()?,
        })
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

fn parse_url(call: &Call, form: &Form) -> Result<Option<String>, Problem> {
    const NAME: &str = "AutoCreation.WebhookUrl";
    let too_long = Problem::CONVERSATION_WEBHOOK_URL_TOO_LONG;
    match form.text(NAME, call.limits.limit(URL_LENGTH), too_long)? {
        Some(url) if url.is_empty() => Err(Problem::CONVERSATION_WEBHOOK_URL_NOT_PROVIDED),
        Some(url) if !is_url(&url) => Err(Problem::invalid_parameter(NAME)),
        url => Ok(url),
    }
}

/// What the webhooks of a conversation can listen to: that is where this one will be attached.
fn parse_events(form: &Form) -> Result<Option<Texts>, Problem> {
    let unknown = Problem::INVALID_CONVERSATION_WEBHOOK_FILTER;
    let events = parse_filters(form, "AutoCreation.WebhookFilters", &EVENTS, &unknown)?;
    if events.as_ref().is_some_and(Texts::is_empty) {
        return Err(Problem::CONVERSATION_WEBHOOK_FILTER_NOT_PROVIDED);
    }
    Ok(events)
}

fn parse_retries(text: &str) -> Result<i64, Problem> {
    let count = text.parse().ok().filter(|count| (0..=3).contains(count));
    count.ok_or(Problem::INVALID_WEBHOOK_RETRY_COUNT)
}

impl AutoCreationType {
    fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Studio => "studio",
            Self::Default => "default",
        }
    }

    /// In any case.
    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Webhook, Self::Studio, Self::Default];
        all.into_iter().find(|known| known.name().eq_ignore_ascii_case(text))
    }
}

impl AutoCreationForm {
    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl AutoCreation {
    /// A parameter left out keeps its value. What belongs to another type is not kept, and what the type
    /// cannot do without must be there.
    pub fn with(self, form: &AutoCreationForm) -> Result<Self, Problem> {
        let kind = form.kind.unwrap_or(self.kind);
        let common = Self {
            enabled: form.enabled.unwrap_or(self.enabled),
            kind,
            conversation_service_sid: form.conversation_service_sid.or(self.conversation_service_sid),
            ..Self::default()
        };
        Ok(match kind {
            AutoCreationType::Default => common,
            AutoCreationType::Webhook => {
                let url = form.webhook_url.clone().or(self.webhook_url);
                let filters = form.webhook_filters.clone().or(self.webhook_filters);
                Self {
                    webhook_url: Some(url.ok_or(Problem::CONVERSATION_WEBHOOK_URL_NOT_PROVIDED)?),
                    webhook_method: form.webhook_method.or(self.webhook_method).or(Some(Method::Post)),
                    webhook_filters: Some(filters.ok_or(Problem::CONVERSATION_WEBHOOK_FILTER_NOT_PROVIDED)?),
                    ..common
                }
            }
            AutoCreationType::Studio => {
                let flow = form.studio_flow_sid.or(self.studio_flow_sid);
                Self {
                    studio_flow_sid: Some(flow.ok_or(Problem::INVALID_CONVERSATION_WEBHOOK_FLOW_SID)?),
                    studio_retry_count: form.studio_retry_count.or(self.studio_retry_count),
                    ..common
                }
            }
        })
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for AutoCreationType {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.name())
    }
}

impl Column for AutoCreationType {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Self::parse(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook() -> AutoCreationForm {
        AutoCreationForm {
            kind: Some(AutoCreationType::Webhook),
            webhook_url: Some("https://example.com".to_owned()),
            webhook_filters: Some(Texts::new(vec!["onMessageAdded".to_owned()])),
            ..AutoCreationForm::default()
        }
    }

    #[test]
    fn nothing_given_is_switched_off_and_attaches_nothing() {
        let made = AutoCreation::default().with(&AutoCreationForm::default()).expect("nothing is needed");
        assert_eq!(serde_json::to_string(&made).expect("text"), r#"{"enabled":false,"type":"default"}"#);
    }

    #[test]
    fn a_type_must_have_what_it_cannot_do_without() {
        let with =
            |form: AutoCreationForm| AutoCreation::default().with(&form).map(|made| made.webhook_method);
        assert_eq!(with(webhook()), Ok(Some(Method::Post)));
        let no_url = with(AutoCreationForm { webhook_url: None, ..webhook() });
        assert_eq!(no_url, Err(Problem::CONVERSATION_WEBHOOK_URL_NOT_PROVIDED));
        let no_filters = with(AutoCreationForm { webhook_filters: None, ..webhook() });
        assert_eq!(no_filters, Err(Problem::CONVERSATION_WEBHOOK_FILTER_NOT_PROVIDED));
        let no_flow = with(AutoCreationForm { kind: Some(AutoCreationType::Studio), ..webhook() });
        assert_eq!(no_flow, Err(Problem::INVALID_CONVERSATION_WEBHOOK_FLOW_SID));
    }

    #[test]
    fn what_belongs_to_another_type_goes() {
        let service = Sid::from_bytes([1; 16]);
        let made = AutoCreation::default()
            .with(&AutoCreationForm { conversation_service_sid: Some(service), ..webhook() })
            .expect("all is there");
        let studio = AutoCreationForm {
            kind: Some(AutoCreationType::Studio),
            studio_flow_sid: Some(Sid::from_bytes([2; 16])),
            ..AutoCreationForm::default()
        };
        let studio = made.with(&studio).expect("the flow is there");
        assert_eq!(studio.conversation_service_sid, Some(service));
        assert_eq!(
            (&studio.webhook_url, studio.webhook_method, &studio.webhook_filters),
            (&None, None, &None)
        );
        let form = AutoCreationForm { kind: Some(AutoCreationType::Webhook), ..AutoCreationForm::default() };
        assert_eq!(studio.with(&form), Err(Problem::CONVERSATION_WEBHOOK_URL_NOT_PROVIDED));
    }

    #[test]
    fn a_flow_is_tried_again_at_most_three_times() {
        assert_eq!((parse_retries("0"), parse_retries("3")), (Ok(0), Ok(3)));
        for bad in ["4", "-1", "", "1.5", "x"] {
            assert_eq!(parse_retries(bad), Err(Problem::INVALID_WEBHOOK_RETRY_COUNT), "{bad}");
        }
    }
}
