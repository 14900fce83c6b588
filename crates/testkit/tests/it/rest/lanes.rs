//! Deliveries outlive what they tell of.

use server::Settings;
use testkit::{Receiver, on_both_with, webhooks_inside};

use super::conversation;

fn settings() -> Settings {
    Settings { webhooks: webhooks_inside(), ..Settings::default() }
}

#[tokio::test]
async fn what_waits_is_told_after_its_conversation_or_user_is_gone() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let filters = ["onMessageAdded", "onConversationRemoved", "onUserAdded", "onUserUpdated"];
        let form = format!("PostWebhookUrl={}&Filters={}", receiver.url(), filters.join("&Filters="));
        assert_eq!(house.post("/v1/Configuration/Webhooks", &form).await.code(), "200");
        let path = conversation(house).await;
        house.post_heard(&format!("{path}/Messages"), "Body=hello").await;
        house.delete_heard(&path).await;
        let user = house.post_heard("/v1/Users", "Identity=alice").await.sid();
        house.post_heard(&format!("/v1/Users/{user}"), "FriendlyName=Alice").await;
        house.delete_heard(&format!("/v1/Users/{user}")).await;
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
