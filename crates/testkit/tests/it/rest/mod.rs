//! The REST surface, a file for each place of the path.

mod account_configuration;
mod conversation_webhooks;
mod conversations;
mod letter;
mod messages;
mod participant_update;
mod participants;
mod roles;
mod service_notifications;
mod services;
mod user_conversations;
mod users;
mod webhook_configurations;

use testkit::House;

/// A conversation's path.
pub async fn conversation(house: &House) -> String {
    format!("/v1/Conversations/{}", house.post("/v1/Conversations", "").await.sid())
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
