//! Who takes part in a conversation: a map, by the participants' sids.

use std::collections::BTreeMap;

use super::entry::{Entry, Name, date, raw};
use crate::participants::Binding;
use crate::prelude::*;
use crate::sync::SyncObject;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    identity: &'a Option<String>,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_info: Option<String>,
    attributes: &'a str,
    role_sid: Option<Sid<Role>>,
    date_created: String,
    date_updated: String,
    last_consumed_message_index: Option<i64>,
    last_consumption_timestamp: Option<String>,
    /// By the channel.
    bindings: BTreeMap<&'a str, Reached<'a>>,
}

#[derive(Serialize)]
struct Reached<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_address: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projected_address: &'a Option<String>,
}

pub(super) fn entry(participant: &Participant) -> Entry {
    // Whoever has an identity is reached by chat, whatever number stands in for it in a group.
    let kind = match &participant.binding {
        Some(binding) if participant.identity.is_none() => binding.kind.as_str(),
        _ => "chat",
    };
    let data = raw(&Data {
        identity: &participant.identity,
        kind,
        user_info: participant.user_sid.map(|user| SyncObject::UserInfo(user).to_string()),
        attributes: participant.attributes.as_str(),
        role_sid: participant.role_sid,
        date_created: date(participant.date_created),
        date_updated: date(participant.date_updated),
        last_consumed_message_index: participant.last_read_message_index,
        last_consumption_timestamp: participant.last_read_timestamp.map(date),
        bindings: participant.binding.iter().map(address).collect(),
    });
    Entry {
        name: Name::Key(participant.sid.to_string()),
        place: u128::from_be_bytes(*participant.sid.as_bytes()),
        position_added: participant.position_added,
        position_changed: participant.position_changed,
        date_created: participant.date_created,
        date_updated: participant.date_updated,
        data,
        conversation: None,
    }
}

fn address(binding: &Binding) -> (&str, Reached<'_>) {
    let Binding { kind, address, proxy_address, projected_address } = binding;
    (kind, Reached { address, proxy_address, projected_address })
}
