//! A conversation's own fields, and where its last message is: the one document.

use serde_json::value::RawValue;

use super::entry::{date, raw, stored};
use crate::heads::Head;
use crate::prelude::*;
use crate::sync::SyncObject;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    messages: String,
    roster: String,
    friendly_name: &'a Option<String>,
    unique_name: &'a Option<String>,
    attributes: &'a str,
    date_created: String,
    date_updated: String,
    created_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<LastMessage>,
    state: State,
    bindings: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct LastMessage {
    index: i64,
    timestamp: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    current: &'static str,
    date_updated: String,
}

/// What the document of this conversation holds. What is one user's own stands in that user's map.
pub(super) fn data(head: &Head, conversation: &Conversation) -> Box<RawValue> {
    let last_message = head
        .last_message_index
        .zip(head.last_message_at)
        .map(|(index, at)| LastMessage { index, timestamp: date(at) });
    let state_updated = conversation.state_updated.unwrap_or(head.created_at);
    raw(&Data {
        messages: SyncObject::Messages(head.sid).to_string(),
        roster: SyncObject::Roster(head.sid).to_string(),
        friendly_name: &conversation.friendly_name,
        unique_name: &conversation.unique_name,
        attributes: conversation.attributes.as_str(),
        date_created: date(conversation.date_created),
        date_updated: date(conversation.date_updated),
        created_by: &conversation.created_by,
        last_message,
        state: State { current: head.state.name(), date_updated: date(state_updated) },
        bindings: stored(Some(&conversation.bindings)),
    })
}
