//! The conversations that a user takes part in, with what is that user's own in each: a map, by their sids.

use super::entry::{Entry, Name, raw};
use crate::memberships::{Membership, NotificationLevel};
use crate::prelude::*;
use crate::sync::SyncObject;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    status: &'static str,
    channel: String,
    messages: String,
    roster: String,
    last_consumed_message_index: Option<i64>,
    notification_level: NotificationLevel,
}

/// A membership has no dates of its own; `at` stands in for them.
pub(super) fn entry(membership: &Membership, at: Timestamp) -> Entry {
    let conversation = membership.conversation_sid;
    let data = raw(&Data {
        status: "joined",
        channel: SyncObject::Conversation(conversation).to_string(),
        messages: SyncObject::Messages(conversation).to_string(),
        roster: SyncObject::Roster(conversation).to_string(),
        last_consumed_message_index: membership.last_read_message_index,
        notification_level: membership.notification_level,
    });
    Entry {
        name: Name::Key(conversation.to_string()),
        place: u128::from_be_bytes(*conversation.as_bytes()),
        position_added: membership.position_added,
        position_changed: membership.position_changed,
        date_created: at,
        date_updated: at,
        data,
        conversation: Some(conversation),
    }
}
