//! What webhooks are asked and told of a client's doings, and what they may make of them.

use testkit::{House, Receiver, on_both_with};

use super::{conversation, role};
use crate::rest::pre_action::{ask, settings};

const TOLD: [&str; 8] = [
    "onConversationAdded",
    "onConversationUpdated",
    "onConversationRemoved",
    "onParticipantAdded",
    "onParticipantUpdated",
    "onMessageAdded",
    "onMessageUpdated",
    "onMessageRemoved",
];

async fn listen(house: &House, receiver: &Receiver) {
    let form = format!("PostWebhookUrl={}&Filters={}", receiver.url(), TOLD.join("&Filters="));
    assert_eq!(house.post("/v1/Configuration/Webhooks", &form).await.code(), "200");
}

#[tokio::test]
async fn it_is_told_under_its_name() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        listen(house, &receiver).await;
        let alice = house.sdk_user("alice").await;
        let path = format!("/Conversations/{}", alice.create("/Conversations", "").await.sid());
        alice.create(&format!("{path}/Participants"), "Identity=alice").await;
        alice.update(&path, "FriendlyName=Desk").await;
        alice.update(&format!("{path}/Participants/alice"), "Attributes={}").await;
        let message = alice.create(&format!("{path}/Messages"), "Body=Hello").await.sid();
        let one = format!("{path}/Messages/{message}");
        alice.update(&one, "Body=Hello+again").await;
        alice.delete(&one).await;
        alice.update(&format!("/Users/alice{path}"), "LastReadMessageIndex=0").await;
        alice.delete(&path).await;
        house.deliver().await;
        let told = receiver.take();
        for event in TOLD {
            assert!(told.iter().any(|one| one.get("EventType").as_deref() == Some(event)), "{event}");
        }
        for one in &told {
            let named = (one.get("Source"), one.get("ClientIdentity"));
            assert_eq!(named, (Some("SDK".to_owned()), Some("alice".to_owned())), "{}", one.text());
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_webhook_makes_of_it_needs_no_permission_of_the_clients() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = conversation(house, &["alice"]).await;
        let alice = house.sdk_user("alice").await;
        let writes = role(house, "conversation", &["sendMessage", "editOwnMessage"]).await;
        house.post(&format!("/v1{path}/Participants/alice"), &format!("RoleSid={writes}")).await;
        ask(house, "/v1", &receiver.url()).await;
        let messages = format!("{path}/Messages");
        let sent = alice.create(&messages, "Body=Hello").await;
        assert_eq!(sent.field("author"), "alice");
        let asked = receiver.take();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].get("ClientIdentity").as_deref(), Some("alice"));
        // More than the client has said, and more than it may say.
        let one = format!("{messages}/{}", sent.sid());
        receiver.answer(200, r#"{"body":"Hi","attributes":"{\"x\":1}"}"#);
        let edited = alice.update(&one, "Body=Hello+again").await;
        assert_eq!((edited.field("body"), edited.field("attributes")), ("Hi".into(), "{\"x\":1}".into()));
        receiver.answer(200, r#"{"author":"bot"}"#);
        assert_eq!(alice.create(&messages, "Body=Hello").await.field("author"), "bot");
        // Who may not is refused before anybody is asked; who is asked may refuse.
        receiver.take();
        assert_eq!(alice.update(&one, "Attributes={}").await.code(), "403 50107");
        assert_eq!(receiver.take().len(), 0);
        receiver.answer(403, "");
        assert_eq!(alice.create(&messages, "Body=Hello").await.code(), "403 50056");
        // What is left would be taken for the next database's.
        receiver.take();
    })
    .await;
}
