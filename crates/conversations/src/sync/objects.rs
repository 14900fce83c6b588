//! The objects that belong to a resource, as answers to clients name them.

use super::SyncObject;
use crate::prelude::*;

/// Those of a conversation.
#[derive(Serialize)]
pub struct SyncObjects {
    conversation: String,
    participants: String,
    messages: String,
}

impl SyncObjects {
    pub fn of(sid: Sid<Conversation>) -> Self {
        Self {
            conversation: SyncObject::Conversation(sid).to_string(),
            participants: SyncObject::Roster(sid).to_string(),
            messages: SyncObject::Messages(sid).to_string(),
        }
    }
}

/// That of a user which others may open.
#[derive(Serialize)]
pub struct SyncObjectsOfUser {
    user_info_map: String,
}

impl SyncObjectsOfUser {
    pub fn of(sid: Sid<User>) -> Self {
        Self { user_info_map: SyncObject::UserInfo(sid).to_string() }
    }
}
