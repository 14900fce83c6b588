//! Deliveries outlive what they tell of.

use server::{Guard, Settings, WebhookSettings};
use testkit::{House, Receiver, Reply, on_both_with};

use super::conversation;

fn settings() -> Settings {
    let guard = Guard { allows_private: true, allowed: Vec::new() };
    Settings { webhooks: WebhookSettings { guard, ..WebhookSettings::default() }, ..Settings::default() }
}

async fn heard(house: &House, method: &str, path: &str, form: &str) -> Reply {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-twilio-webhook-enabled", "true");
    house.send(request, form).await
}

#[tokio::test]
async fn what_waits_is_told_after_its_conversation_or_user_is_gone() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let filters = ["onMessageAdded", "onConversationRemoved", "onUserAdded", "onUserUpdated"];
        let form = format!("PostWebhookUrl={}&Filters={}", receiver.url(), filters.join("&Filters="));
        assert_eq!(house.post("/v1/Configuration/Webhooks", &form).await.code(), "200");
        let path = conversation(house).await;
        heard(house, "POST", &format!("{path}/Messages"), "Body=hello").await;
        heard(house, "DELETE", &path, "").await;
        let user = heard(house, "POST", "/v1/Users", "Identity=alice").await.sid();
        heard(house, "POST", &format!("/v1/Users/{user}"), "FriendlyName=Alice").await;
        heard(house, "DELETE", &format!("/v1/Users/{user}"), "").await;
        house.keep_house().await;
        house.deliver().await;
        let mut told: Vec<_> = receiver
            .take()
            .iter()
            .map(|told| (told.get("UserSid").is_some(), told.get("EventType").unwrap_or_default()))
            .collect();
        told.sort_by_key(|(is_of_user, _)| *is_of_user);
        let told: Vec<&str> = told.iter().map(|(_, event)| event.as_str()).collect();
        assert_eq!(told, ["onMessageAdded", "onConversationRemoved", "onUserAdded", "onUserUpdated"]);
    })
    .await;
}
