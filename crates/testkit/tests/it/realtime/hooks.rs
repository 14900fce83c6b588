//! Webhooks hear of everything that clients do, those that are asked first included.

use insta::assert_snapshot;
use server::Settings;
use testkit::{Receiver, on_both_with, webhooks_inside};

use super::commands::room;

#[tokio::test]
async fn commands_are_asked_about_and_told_without_being_asked_to() {
    let receiver = Receiver::start().await;
    // Of the REST API nobody would be asked first.
    let settings = Settings { webhooks: webhooks_inside(), ..Settings::default() };
    let told = on_both_with(settings, async |house| {
        let (alice, path) = room(house).await;
        let url = receiver.url();
        let form =
            format!("PreWebhookUrl={url}&PostWebhookUrl={url}&Filters=onMessageAdd&Filters=onMessageAdded");
        assert_eq!(house.post("/v1/Configuration/Webhooks", &form).await.code(), "200");
        let messages = format!("{path}/Messages");
        let sent = alice.post(&messages, r#"{"body":"hello"}"#).await;
        house.note(sent.code());
        house.deliver().await;
        for told in receiver.take() {
            let named = ["EventType", "Source", "ClientIdentity", "Author", "Body"];
            let named = named.map(|name| format!("{name}={}", told.get(name).unwrap_or_default()));
            house.note(named.join(" "));
        }
        receiver.answer(200, r#"{"body":"HELLO"}"#);
        house.note(alice.post(&messages, r#"{"body":"hello"}"#).await.field("body"));
        receiver.answer(403, "");
        house.note(alice.post(&messages, r#"{"body":"hello"}"#).await.text());
        house.deliver().await;
        receiver.take();
    })
    .await;
    assert_snapshot!(told, @r#"
    201

    EventType=onMessageAdd Source=SDK ClientIdentity=alice Author=alice Body=hello

    EventType=onMessageAdded Source=SDK ClientIdentity=alice Author=alice Body=hello

    HELLO

    403 Forbidden
    {
      "code": 50056,
      "message": "Webhook disabled processing of command",
      "status": 403
    }
    "#);
}
