//! What is told of an object as a whole when it is opened.

use serde_json::value::RawValue;

use super::document;
use super::entry::{Item, date, revision};
use super::items::{ItemsRequest, page};
use super::object::{ObjectType, SyncObject};
use super::rights::{Opened, not_found, open};
use crate::conversations;
use crate::prelude::*;

/// An object as it is opened.
#[derive(Debug, Serialize)]
pub struct RootView {
    sid: String,
    unique_name: String,
    url: String,
    revision: String,
    /// From here on the client wants to be told of changes. No item that is there now changed later.
    pub last_event_id: i64,
    date_created: String,
    date_updated: String,
    date_expires: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<RootLinks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<Item>>,
}

#[derive(Debug, Serialize)]
struct RootLinks {
    items: String,
}

/// Opens an object that the client of this call may see. `with_items` adds the first items of a map.
pub fn root(
    tx: &mut Tx<'_>,
    call: &Call,
    object: &SyncObject,
    with_items: bool,
) -> Result<RootView, Failure> {
    let opened = open(tx, call, object)?;
    let mut data = None;
    let (position, created, updated) = match (&opened, object) {
        (Opened::Conversation(head), SyncObject::Conversation(_)) => {
            let conversation = conversations::find(tx, head)?;
            let conversation = conversation.ok_or_else(|| not_found(ObjectType::Document))?;
            data = Some(document::data(head, &conversation));
            (head.document_position, conversation.date_created, conversation.date_updated)
        }
        // The dates of a list or a map as a whole are not kept.
        (Opened::Conversation(head), _) => (head.position, head.created_at, head.last_activity),
        (Opened::User { user, position, .. }, SyncObject::MyConversations(_)) => {
            (*position, user.date_created, user.date_updated)
        }
        (Opened::User { user, profile_position, .. }, _) => {
            (*profile_position, user.date_created, user.date_updated)
        }
    };
    let url = object.url(&call.base_url);
    let links =
        (object.object_type() != ObjectType::Document).then(|| RootLinks { items: format!("{url}/Items") });
    let items = if with_items && object.object_type() == ObjectType::Map {
        Some(page(tx, call, (object, opened), &ItemsRequest::first())?.items)
    } else {
        None
    };
    let name = object.to_string();
    Ok(RootView {
        sid: name.clone(),
        unique_name: name,
        url,
        revision: revision(position),
        last_event_id: position,
        date_created: date(created),
        date_updated: date(updated),
        date_expires: None,
        data,
        links,
        items,
    })
}
