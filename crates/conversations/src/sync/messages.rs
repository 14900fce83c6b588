//! What is said in a conversation: a list, by index.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::entry::{Entry, Name, date, raw, stored};
use crate::Message;
use crate::content_templates::ContentTemplate;
use crate::prelude::*;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    sid: Sid<Message>,
    author: &'a str,
    text: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: &'a Option<String>,
    timestamp: String,
    date_updated: String,
    last_updated_by: &'a Option<String>,
    attributes: &'a str,
    member_sid: Option<Sid<Participant>>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    medias: Vec<File>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<&'a RawValue>,
    content_sid: Option<Sid<ContentTemplate>>,
}

/// A file that a message carries: read as it is stored, written as the SDK has it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all(serialize = "camelCase"))]
struct File {
    sid: String,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    filename: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    size: Option<i64>,
}

pub(super) fn entry(message: &Message) -> Entry {
    let medias: Vec<File> =
        message.media.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    // What only describes the body does not make a message a picture.
    let is_media = medias.iter().any(|file| file.category.as_deref().is_none_or(|name| name == "media"));
    let index = message.key.index();
    let data = raw(&Data {
        sid: message.sid,
        author: &message.author,
        text: &message.body,
        subject: &message.subject,
        timestamp: date(message.date_created),
        date_updated: date(message.date_updated),
        last_updated_by: &message.last_updated_by,
        attributes: message.attributes.as_str(),
        member_sid: message.participant_sid,
        kind: if is_media { "media" } else { "text" },
        medias,
        delivery: stored(message.delivery.as_deref()),
        content_sid: message.content_sid,
    });
    Entry {
        name: Name::Index(index),
        place: u128::try_from(index).expect("an index is not negative"),
        position_added: message.position_added,
        position_changed: message.position_changed.unwrap_or(message.position_added),
        date_created: message.date_created,
        date_updated: message.date_updated,
        data,
        conversation: None,
    }
}
