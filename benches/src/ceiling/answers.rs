//! What is answered: the members of the API's own resources, in its order, with what the request says of them, and
//! otherwise what the server would say of something new.

use conversations::accounts::MessagingService;
use conversations::{Account, Conversation, Message, Participant, Role, Service, User};
use serde::Serialize;
use wire::{Cursor, Form, List, Meta, PageRequest, Position, Sid, Timestamp, meta};

use super::doors::Asked;

/// What the messages of a page say, as those of the load do.
const LISTED: Said<'static> =
    Said { author: "alice", body: Some(crate::rest::BODY), attributes: crate::rest::ATTRIBUTES };

/// What a message says.
pub struct Said<'a> {
    author: &'a str,
    body: Option<&'a str>,
    attributes: &'a str,
}

impl<'a> Said<'a> {
    pub fn of(form: &'a Form) -> Self {
        Self {
            author: form.get("Author").unwrap_or("system"),
            body: form.get("Body"),
            attributes: form.get("Attributes").unwrap_or("{}"),
        }
    }
}

/// A member that is `null`.
type Nothing = Option<()>;

#[derive(Serialize)]
pub struct MessageShown<'a> {
    sid: Sid<Message>,
    account_sid: Sid<Account>,
    conversation_sid: Sid<Conversation>,
    body: Option<&'a str>,
    media: Nothing,
    author: &'a str,
    participant_sid: Option<Sid<Participant>>,
    attributes: &'a str,
    date_created: Timestamp,
    date_updated: Timestamp,
    index: i64,
    delivery: Nothing,
    content_sid: Nothing,
    url: String,
    links: MessageLinks,
}

#[derive(Serialize)]
struct MessageLinks {
    delivery_receipts: String,
    channel_metadata: String,
}

pub fn message<'a>(
    asked: &Asked,
    (sid, conversation_sid): (Sid<Message>, Sid<Conversation>),
    text: &Said<'a>,
    index: i64,
) -> MessageShown<'a> {
    let url = format!("{}/Conversations/{conversation_sid}/Messages/{sid}", asked.base);
    let Said { author, body, attributes } = *text;
    MessageShown {
        sid,
        account_sid: asked.account_sid,
        conversation_sid,
        body,
        media: None,
        author,
        participant_sid: None,
        attributes,
        date_created: asked.now,
        date_updated: asked.now,
        index,
        delivery: None,
        content_sid: None,
        links: MessageLinks {
            delivery_receipts: format!("{url}/Receipts"),
            channel_metadata: format!("{url}/ChannelMetadata"),
        },
        url,
    }
}

/// A page of messages.
#[derive(Serialize)]
pub struct PageShown<'a> {
    messages: Vec<MessageShown<'a>>,
    meta: Meta,
}

/// None where the query cannot be read. Sids are like one that is known: a list makes none.
pub fn page(
    asked: &Asked,
    conversation_sid: Sid<Conversation>,
    known: Sid<Message>,
) -> Option<PageShown<'static>> {
    let size: u8 = asked.form.get("PageSize").map_or(Ok(50), str::parse).ok()?;
    let row = |number: u8| {
        let mut bytes = *known.as_bytes();
        bytes[15] = number;
        let sids = (Sid::from_bytes(bytes), conversation_sid);
        message(asked, sids, &LISTED, 1000 + i64::from(number))
    };
    let messages: Vec<_> = (0..size).map(row).collect();
    let cursor = Cursor { at: 1000, sid: *known.as_bytes() };
    let is_first = asked.form.get("PageToken").is_none();
    let request = PageRequest {
        page: asked.form.get("Page").map_or(Ok(0), str::parse).ok()?,
        size: usize::from(size),
        position: if is_first { Position::Start } else { Position::After(cursor) },
        list: List::of("messages"),
    };
    let url = format!("{}/Conversations/{conversation_sid}/Messages", asked.base);
    let previous = (!is_first).then_some(cursor);
    Some(PageShown { messages, meta: meta(&url, &[], &request, Some(cursor), previous, "messages") })
}

#[derive(Serialize)]
pub struct ParticipantShown<'a> {
    sid: Sid<Participant>,
    account_sid: Sid<Account>,
    conversation_sid: Sid<Conversation>,
    identity: &'a str,
    attributes: &'a str,
    messaging_binding: Nothing,
    role_sid: Sid<Role>,
    date_created: Timestamp,
    date_updated: Timestamp,
    last_read_message_index: Nothing,
    last_read_timestamp: Nothing,
    url: String,
}

pub fn participant<'a>(
    asked: &'a Asked,
    (sid, conversation_sid): (Sid<Participant>, Sid<Conversation>),
    role_sid: Sid<Role>,
    identity: &'a str,
) -> ParticipantShown<'a> {
    ParticipantShown {
        sid,
        account_sid: asked.account_sid,
        conversation_sid,
        identity,
        attributes: asked.form.get("Attributes").unwrap_or("{}"),
        messaging_binding: None,
        role_sid,
        date_created: asked.now,
        date_updated: asked.now,
        last_read_message_index: None,
        last_read_timestamp: None,
        url: format!("{}/Conversations/{conversation_sid}/Participants/{sid}", asked.base),
    }
}

#[derive(Serialize)]
struct Timers {}

#[derive(Serialize)]
pub struct ConversationShown<'a> {
    sid: Sid<Conversation>,
    account_sid: Sid<Account>,
    chat_service_sid: Sid<Service>,
    messaging_service_sid: Sid<MessagingService>,
    friendly_name: Option<&'a str>,
    unique_name: Option<&'a str>,
    attributes: &'a str,
    date_created: Timestamp,
    date_updated: Timestamp,
    state: &'static str,
    timers: Timers,
    bindings: Timers,
    url: String,
    pub links: ConversationLinks,
}

#[derive(Serialize)]
pub struct ConversationLinks {
    participants: String,
    messages: String,
    webhooks: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
}

pub fn conversation(
    asked: &Asked,
    sid: Sid<Conversation>,
    chat_service_sid: Sid<Service>,
) -> ConversationShown<'_> {
    let url = format!("{}/Conversations/{sid}", asked.base);
    ConversationShown {
        sid,
        account_sid: asked.account_sid,
        chat_service_sid,
        messaging_service_sid: Sid::from_bytes(*chat_service_sid.as_bytes()),
        friendly_name: asked.form.get("FriendlyName"),
        unique_name: asked.form.get("UniqueName"),
        attributes: asked.form.get("Attributes").unwrap_or("{}"),
        date_created: asked.now,
        date_updated: asked.now,
        state: "active",
        timers: Timers {},
        bindings: Timers {},
        links: ConversationLinks {
            participants: format!("{url}/Participants"),
            messages: format!("{url}/Messages"),
            webhooks: format!("{url}/Webhooks"),
            export: Some(format!("{url}/Export")),
        },
        url,
    }
}

/// Whose conversation it is.
#[derive(Clone, Copy)]
pub struct Seat {
    pub service: Sid<Service>,
    pub conversation: Sid<Conversation>,
    pub participant: Sid<Participant>,
    pub user: Sid<User>,
}

#[derive(Serialize)]
pub struct UserConversationShown<'a> {
    account_sid: Sid<Account>,
    chat_service_sid: Sid<Service>,
    conversation_sid: Sid<Conversation>,
    unread_messages_count: Option<i64>,
    last_read_message_index: Option<i64>,
    participant_sid: Sid<Participant>,
    user_sid: Sid<User>,
    friendly_name: &'a str,
    conversation_state: &'static str,
    timers: Timers,
    attributes: &'a str,
    date_created: Timestamp,
    date_updated: Timestamp,
    created_by: &'static str,
    notification_level: &'a str,
    unique_name: Nothing,
    url: String,
    links: UserConversationLinks,
}

#[derive(Serialize)]
struct UserConversationLinks {
    participant: String,
    conversation: String,
}

/// None where no index is said.
pub fn user_conversation(asked: &Asked, seat: Seat) -> Option<UserConversationShown<'_>> {
    let Seat {
        service: chat_service_sid,
        conversation: conversation_sid,
        participant: participant_sid,
        user: user_sid,
    } = seat;
    let index = asked.form.get("LastReadMessageIndex")?.parse().ok()?;
    let conversation = format!("{}/Conversations/{conversation_sid}", asked.base);
    Some(UserConversationShown {
        account_sid: asked.account_sid,
        chat_service_sid,
        conversation_sid,
        unread_messages_count: Some(0),
        last_read_message_index: Some(index),
        participant_sid,
        user_sid,
        friendly_name: "Support",
        conversation_state: "active",
        timers: Timers {},
        attributes: "{}",
        date_created: asked.now,
        date_updated: asked.now,
        created_by: "system",
        notification_level: asked.form.get("NotificationLevel").unwrap_or("default"),
        unique_name: None,
        url: format!("{}/Users/{user_sid}/Conversations/{conversation_sid}", asked.base),
        links: UserConversationLinks {
            participant: format!("{conversation}/Participants/{participant_sid}"),
            conversation,
        },
    })
}
