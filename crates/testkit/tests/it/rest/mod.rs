//! The REST surface, a file for each place of the path.

mod access_tokens;
mod account_configuration;
mod accounts_2010;
mod address_configurations;
pub mod bindings;
mod clock;
mod connecting;
mod content_templates;
mod conversation_webhooks;
mod conversation_with_participants;
mod conversations;
mod deliveries;
mod event_streams;
mod event_tables;
mod event_ways;
mod events;
mod group_sets;
mod idempotency;
mod lanes;
mod lenient;
mod letter;
mod media;
mod media_tokens;
mod messages;
mod openapi;
mod outbound;
mod participant_conversations;
mod participant_update;
mod participants;
pub mod pre_action;
mod pre_action_log;
mod pre_action_silence;
mod push_credentials;
mod rates;
mod receipts;
mod receipts_by_hand;
mod replays;
mod roles;
mod senders;
mod service_notifications;
mod services;
mod stream_deliveries;
mod timers;
mod user_conversations;
mod users;
mod webhook_configurations;
mod webhook_loops;

use testkit::{House, Reply};

/// A conversation's path.
pub async fn conversation(house: &House) -> String {
    format!("/v1/Conversations/{}", house.post("/v1/Conversations", "").await.sid())
}

/// The path of a page beside this one: `next_page_url` or `previous_page_url`.
pub fn page(reply: &Reply, name: &str) -> Option<String> {
    let meta = reply.get("meta");
    let url = meta[name].as_str()?;
    Some(url.strip_prefix("http://tertulia.test").expect("the URL is on the host").to_owned())
}

/// The code of each answer, one a line: for rules that come in rows.
pub async fn codes(house: &House, requests: &[(String, &str)]) -> String {
    let mut lines = Vec::new();
    for (path, form) in requests {
        let reply = house.post(path, form).await;
        lines.push(format!("{form} -> {}", reply.code()));
    }
    lines.join("\n")
}
