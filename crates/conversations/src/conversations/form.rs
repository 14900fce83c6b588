//! What create, update and list of conversations take.

use serde::Deserialize;
use wire::{Channel, IsoDuration, channel_of};

use crate::heads::State;
use crate::permissions::{self, Permission};
use crate::prelude::*;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
/// What runs longer ends in the year 9999 anyway, and added to a date it stays a number.
const LONGEST: i64 = Timestamp::MAX.micros();

/// What a client may not say of a conversation.
const NOT_OF_CLIENTS: [&str; 8] = [
    "State",
    "Timers.Inactive",
    "Timers.Closed",
    "MessagingServiceSid",
    "Bindings.Email.Address",
    "Bindings.Email.Name",
    "DateCreated",
    "DateUpdated",
];

/// What create and update share. On create an empty text is none; on update an empty `UniqueName`
/// clears and an empty `FriendlyName` or `MessagingServiceSid` is passed over. From clients an empty `FriendlyName`
/// clears, too.
#[derive(Clone, Debug)]
pub struct ConversationForm {
    pub friendly_name: Option<String>,
    pub unique_name: Option<String>,
    pub messaging_service_sid: Option<Sid<MessagingService>>,
    pub attributes: Option<Attributes>,
    pub state: Option<State>,
    /// Microseconds; 0 switches off.
    pub inactive_after: Option<i64>,
    /// Microseconds; 0 switches off.
    pub closed_after: Option<i64>,
    pub bindings: Bindings,
    pub date_created: Option<Timestamp>,
    pub date_updated: Option<Timestamp>,
    /// What a client needs to update with it.
    pub needs: Vec<Permission>,
}

impl FromForm for ConversationForm {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        permissions::refuse(call, form, &NOT_OF_CLIENTS, Problem::USER_NOT_AUTHORIZED)?;
        let attributes = |text| Attributes::parse(text, call.limits.limit(16 * 1024));
        Ok(Self {
            // Twilio: an empty FriendlyName does not clear, but from an SDK.
            friendly_name: form
                .text("FriendlyName", call.limits.limit(256), Problem::FRIENDLY_NAME_TOO_LONG)?
                .filter(|name| !name.is_empty() || call.client().is_some()),
            unique_name: form.get("UniqueName").map(|name| parse_unique_name(call, name)).transpose()?,
            messaging_service_sid: match form.get("MessagingServiceSid") {
                None | Some("") => None,
                Some(sid) => Some(Sid::parse(sid).ok_or(Problem::INVALID_MESSAGING_SERVICE_SID)?),
            },
            attributes: form.get("Attributes").map(attributes).transpose()?,
            state: form.get("State").map(parse_state).transpose()?,
            inactive_after: inactive_timer(call, form.get("Timers.Inactive"))?
                .map(|after| after.micros().min(LONGEST)),
            closed_after: closed_timer(call, form.get("Timers.Closed"))?
                .map(|after| after.micros().min(LONGEST)),
            bindings: Bindings::from_form(form)?,
            date_created: form.timestamp("DateCreated", Problem::INVALID_DATE_CREATED)?,
            date_updated: form.timestamp("DateUpdated", Problem::INVALID_DATE_UPDATED)?,
            needs: needs(form),
        })
    }
}

fn needs(form: &Form) -> Vec<Permission> {
    let parts = [
        ("FriendlyName", Permission::EditConversationName),
        ("UniqueName", Permission::EditConversationName),
        ("Attributes", Permission::EditConversationAttributes),
    ];
    parts.into_iter().filter(|(name, _)| form.says(name)).map(|(_, permission)| permission).collect()
}

impl ConversationForm {
    /// Whether an update with it changes nothing: the state that the conversation has is no change.
    pub fn asks_nothing_of(&self, present: State) -> bool {
        self.state.is_none_or(|state| state == present) && !self.asks_more_than_a_state()
    }

    /// Whether an update with it changes anything but the state.
    pub fn asks_more_than_a_state(&self) -> bool {
        let Self {
            friendly_name,
            unique_name,
            messaging_service_sid,
            attributes,
            state: _,
            inactive_after,
            closed_after,
            bindings,
            date_created,
            date_updated,
            needs: _,
        } = self;
        friendly_name.is_some()
            || unique_name.is_some()
            || messaging_service_sid.is_some()
            || attributes.is_some()
            || inactive_after.is_some()
            || closed_after.is_some()
            || bindings.email.is_some()
            || date_created.is_some()
            || date_updated.is_some()
    }
}

/// Any text that cannot be taken for a sid.
fn parse_unique_name(call: &Call, name: &str) -> Result<String, Problem> {
    if Sid::<Conversation>::parse(name).is_some() {
        return Err(Problem::UNIQUE_NAME_LOOKS_LIKE_SID);
    }
    if name.chars().count() > call.limits.name_length() {
        return Err(Problem::UNIQUE_NAME_TOO_LONG);
    }
    Ok(name.to_owned())
}

fn parse_state(text: &str) -> Result<State, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "" => Err(Problem::STATE_EMPTY),
        "active" => Ok(State::Active),
        "inactive" => Ok(State::Inactive),
        "closed" => Ok(State::Closed),
        _ => Err(Problem::INVALID_STATE),
    }
}

/// What makes a conversation inactive, or an account's default for it.
pub fn inactive_timer(call: &Call, text: Option<&str>) -> Result<Option<IsoDuration>, Problem> {
    let too_short = (call.limits.count(MINUTE), Problem::INACTIVE_TIMER_TOO_SHORT);
    timer(text, too_short, Problem::INVALID_INACTIVE_TIMER)
}

/// What closes a conversation, or an account's default for it.
pub fn closed_timer(call: &Call, text: Option<&str>) -> Result<Option<IsoDuration>, Problem> {
    let too_short = (call.limits.count(10 * MINUTE), Problem::CLOSED_TIMER_TOO_SHORT);
    timer(text, too_short, Problem::INVALID_CLOSED_TIMER)
}

/// A duration that is zero (off) or at least `least`.
fn timer(
    text: Option<&str>,
    (least, too_short): (i64, Problem),
    malformed: Problem,
) -> Result<Option<IsoDuration>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let after = IsoDuration::parse(text).ok_or(malformed)?;
    if after.micros() != 0 && least != i64::MAX && after.micros() < least {
        return Err(too_short);
    }
    Ok(Some(after))
}

/// The account's default, which was checked when it was set.
pub fn default_timer(text: Option<&str>) -> Option<i64> {
    text.and_then(IsoDuration::parse)
        .map(|duration| duration.micros().min(LONGEST))
        .filter(|after| *after > 0)
}

// Bindings ───────────────────────────────────────────────────────────────────

/// What a conversation is reached by from outside: its own e-mail address.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Bindings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<EmailBinding>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct EmailBinding {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    projected_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl Bindings {
    fn from_form(form: &Form) -> Result<Self, Problem> {
        let projected_address = form.text("Bindings.Email.Address", 256, Problem::INVALID_ADDRESS)?;
        let is_email = |address: &String| channel_of(address) == Some(Channel::Email);
        if projected_address.as_ref().is_some_and(|address| !is_email(address)) {
            return Err(Problem::INVALID_ADDRESS);
        }
        let too_long = Problem::parameter("Bindings.Email.Name is too long: 256 characters are allowed");
        let name = form.text("Bindings.Email.Name", 256, too_long)?;
        let is_given = projected_address.is_some() || name.is_some();
        Ok(Self { email: is_given.then_some(EmailBinding { projected_address, name }) })
    }

    /// The JSON text of what was stored with what is given in its place.
    pub fn over(&self, stored: &str) -> String {
        let Some(given) = self.email.clone() else { return stored.to_owned() };
        let mut bindings: Self = serde_json::from_str(stored).unwrap_or_default();
        let email = bindings.email.get_or_insert_default();
        email.projected_address = given.projected_address.or(email.projected_address.take());
        email.name = given.name.or(email.name.take());
        serde_json::to_string(&bindings).unwrap_or_else(|_| stored.to_owned())
    }
}

// Filters ────────────────────────────────────────────────────────────────────

/// What narrows the list: a state, and the days of creation, both ends within.
pub struct ListConversations {
    state: Option<State>,
    start: Option<(String, Timestamp)>,
    end: Option<(String, Timestamp)>,
}

impl FromForm for ListConversations {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        let date = |name| match form.get(name) {
            None | Some("") => Ok(None),
            Some(text) => {
                let at = Timestamp::parse(text).ok_or_else(|| Problem::invalid_parameter(name))?;
                Ok(Some((text.to_owned(), at)))
            }
        };
        let state = form.get("State").filter(|text| !text.is_empty()).map(parse_state).transpose()?;
        let (start, end) = (date("StartDate")?, date("EndDate")?);
        if let (Some((_, start)), Some((_, end))) = (&start, &end)
            && end <= start
        {
            return Err(Problem::END_DATE_BEFORE_START_DATE);
        }
        // Dates are shown in whole seconds, so the second of the end is within.
        let end = end.map(|(text, at): (String, Timestamp)| (text, at.saturating_plus_micros(SECOND - 1)));
        Ok(Self { state, start, end })
    }
}

impl Filter for ListConversations {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let date =
            |name, given: &Option<(String, Timestamp)>| given.as_ref().map(|(text, _)| (name, text.clone()));
        let state = self.state.map(|state| {
            let text = match state {
                State::Active => "active",
                State::Inactive => "inactive",
                State::Closed => "closed",
                State::Initializing => "initializing",
            };
            ("State", text.to_owned())
        });
        [date("StartDate", &self.start), date("EndDate", &self.end), state].into_iter().flatten().collect()
    }
}

impl ListConversations {
    /// Whether it is a list by creation.
    pub fn has_dates(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }

    /// The states that are listed.
    pub fn states(&self) -> &[State] {
        self.state.as_ref().map_or(State::LISTED, std::slice::from_ref)
    }

    /// The state that alone is listed.
    pub fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// The range of a list by creation.
    pub fn dates(&self) -> (Option<i64>, Option<i64>) {
        let micros = |given: &Option<(String, Timestamp)>| given.as_ref().map(|(_, at)| at.micros());
        (micros(&self.start), micros(&self.end))
    }
}
