//! One element of a list or a map: what a page shows of it, and an event.

use serde_json::value::{RawValue, to_raw_value};

use crate::prelude::*;
use crate::sync::SyncObject;

/// What an element is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Index(i64),
    Key(String),
}

/// An element as its object makes it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: Name,
    /// Where it lies among the others: the number of its index, or of the digits of its key.
    pub place: u128,
    /// Positions of the object's root.
    pub position_added: i64,
    pub position_changed: i64,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
    pub data: Box<RawValue>,
    /// Of a membership.
    pub conversation: Option<Sid<Conversation>>,
}

/// An element as a page shows it.
#[derive(Debug, Serialize)]
pub struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<i64>,
    url: String,
    revision: String,
    last_event_id: i64,
    data: Box<RawValue>,
    date_created: String,
    date_updated: String,
    date_expires: Option<()>,
}

impl Entry {
    pub fn shown(self, call: &Call, object: &SyncObject) -> Item {
        let url = object.url(&call.base_url);
        let (key, index, url) = match self.name {
            Name::Index(index) => (None, Some(index), format!("{url}/Items/{index}")),
            Name::Key(key) => {
                let url = format!("{url}/Items/{key}");
                (Some(key), None, url)
            }
        };
        Item {
            key,
            index,
            url,
            revision: revision(self.position_changed),
            last_event_id: self.position_changed,
            data: self.data,
            date_created: date(self.date_created),
            date_updated: date(self.date_updated),
            date_expires: None,
        }
    }
}

/// What stands in `data`.
pub(super) fn raw(data: &impl Serialize) -> Box<RawValue> {
    to_raw_value(data).expect("all keys are text")
}

/// JSON text that was stored, where it is some.
pub(super) fn stored(json: Option<&str>) -> Option<&RawValue> {
    json.and_then(|text| serde_json::from_str(text).ok())
}

/// Clients compare them with nothing; they change with the position.
pub(super) fn revision(position: i64) -> String {
    format!("{position:x}")
}

pub(super) fn date(at: Timestamp) -> String {
    at.milliseconds().to_string()
}
