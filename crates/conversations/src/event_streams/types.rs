//! The types of events that can be subscribed to. They are the server's own and the same for everybody.

use crate::events::EventType;
use crate::prelude::*;

// Record ─────────────────────────────────────────────────────────────────────

/// One type. When it came to be is not known here.
#[derive(Clone, Debug, Serialize)]
pub struct StreamedType {
    #[serde(rename = "type")]
    name: &'static str,
    schema_id: String,
    date_created: Option<Timestamp>,
    date_updated: Option<Timestamp>,
    description: String,
    status: &'static str,
    documentation_url: Option<String>,
}

/// What a type's data looks like has had two versions, which differ in nothing that is sent.
pub const LATEST_VERSION: i64 = 2;

impl Prefix for StreamedType {
    const PREFIX: &'static str = "XX";
}

impl Resource for StreamedType {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Types/{}", self.name))
    }
}

// Form parameters ────────────────────────────────────────────────────────────

pub struct OfSchema {
    schema_id: Option<String>,
}

impl FromForm for OfSchema {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        Ok(Self { schema_id: form.get("SchemaId").map(str::to_owned) })
    }
}

impl Filter for OfSchema {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        self.schema_id.iter().map(|id| ("SchemaId", id.clone())).collect()
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

/// As it is streamed; none for what is told to webhooks alone.
// Twilio: `delivery.updated` is discontinued.
pub fn name(event_type: EventType) -> Option<&'static str> {
    Some(match event_type {
        EventType::ConversationAdded => "com.twilio.conversations.conversation.added",
        EventType::ConversationRemoved => "com.twilio.conversations.conversation.removed",
        EventType::ConversationUpdated => "com.twilio.conversations.conversation.updated",
        EventType::ConversationStateUpdated => "com.twilio.conversations.conversation-state.updated",
        EventType::MessageAdded => "com.twilio.conversations.message.added",
        EventType::MessageUpdated => "com.twilio.conversations.message.updated",
        EventType::MessageRemoved => "com.twilio.conversations.message.removed",
        EventType::ParticipantAdded => "com.twilio.conversations.participant.added",
        EventType::ParticipantUpdated => "com.twilio.conversations.participant.updated",
        EventType::ParticipantRemoved => "com.twilio.conversations.participant.removed",
        EventType::UserAdded => "com.twilio.conversations.user.added",
        EventType::UserUpdated => "com.twilio.conversations.user.updated",
        EventType::DeliveryUpdated => return None,
    })
}

/// The type of a name as it is streamed.
pub fn parse(text: &str) -> Option<EventType> {
    EventType::ALL.into_iter().find(|event_type| name(*event_type) == Some(text))
}

/// The name of what its data looks like: `Conversations.MessageAdded`.
pub fn schema_id(event_type: EventType) -> String {
    format!("Conversations.{}", event_type.name().trim_start_matches("on"))
}

fn of(event_type: EventType) -> Option<StreamedType> {
    Some(StreamedType {
        name: name(event_type)?,
        schema_id: schema_id(event_type),
        date_created: None,
        date_updated: None,
        description: format!("What webhooks know as {}", event_type.name()),
        status: "available",
        documentation_url: None,
    })
}

/// Of a list that is whole and short, what stands from one place on, or before it.
pub fn cut<T: Clone>(found: &[T], request: &PageRequest) -> Page<T> {
    use wire::Position;
    let at = |cursor: &Cursor| usize::try_from(cursor.at).unwrap_or(0).min(found.len());
    let (begin, end) = match &request.position {
        Position::Start => (0, request.size.min(found.len())),
        Position::After(cursor) => (at(cursor), (at(cursor) + request.size).min(found.len())),
        Position::Before(cursor) => (at(cursor).saturating_sub(request.size), at(cursor)),
    };
    let cursor = |at: usize| Cursor { at: i64::try_from(at).unwrap_or(0), sid: [0; 16] };
    Page {
        items: found[begin..end].to_vec(),
        next: (end < found.len()).then(|| cursor(end)),
        previous: (begin > 0).then(|| cursor(begin)),
    }
}

// Operations: nothing is read ────────────────────────────────────────────────

#[expect(clippy::unnecessary_wraps, reason = "operations are of this form")]
fn list(
    _: &mut Tx<'_>,
    _: &Call,
    _: &Path,
    filter: &OfSchema,
    request: &PageRequest,
) -> Result<Page<StreamedType>, Failure> {
    let mut found: Vec<_> = EventType::ALL.into_iter().filter_map(of).collect();
    found.retain(|one| filter.schema_id.as_ref().is_none_or(|id| *id == one.schema_id));
    found.sort_unstable_by_key(|one| one.name);
    Ok(cut(&found, request))
}

fn fetch(_: &mut Tx<'_>, call: &Call, path: &Path) -> Result<StreamedType, Failure> {
    let event_type = of_path(path).ok_or_else(|| call.not_found())?;
    of(event_type).ok_or_else(|| call.not_found().into())
}

/// The type that a path names.
pub fn of_path(path: &Path) -> Option<EventType> {
    match path.key::<StreamedType>("Type") {
        Key::Name(text) => parse(&text),
        Key::Sid(_) => None,
    }
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::list("/Types", Paged::new("types", 1000), list).at(Mount::Account),
        Operation::fetch("/Types/{Type}", fetch).at(Mount::Account),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for event_type in EventType::ALL {
            let found = name(event_type).and_then(parse);
            assert_eq!(found, Some(event_type).filter(|one| *one != EventType::DeliveryUpdated));
        }
        assert_eq!(parse("com.twilio.conversations.delivery.updated"), None);
        assert_eq!(schema_id(EventType::ConversationStateUpdated), "Conversations.ConversationStateUpdated");
    }

    #[test]
    fn pages_meet() {
        let all: Vec<_> = EventType::ALL.into_iter().filter_map(of).collect();
        let list = wire::List::of("types");
        let page = |size, position| cut(&all, &PageRequest { size, page: 0, position, list });
        let first = page(5, wire::Position::Start);
        assert_eq!((first.items.len(), first.previous.is_none()), (5, true));
        let second = page(5, wire::Position::After(first.next.expect("there are more")));
        let third = page(5, wire::Position::After(second.next.expect("there are more")));
        assert_eq!((second.items[0].name, third.items.len()), (all[5].name, 2));
        assert!(third.next.is_none());
        let back = page(5, wire::Position::Before(third.previous.expect("there is one before")));
        assert_eq!(back.items[0].name, all[5].name);
    }
}
