//! What webhooks are told, and in which order: whole requests, as a receiver sees them.

use insta::assert_snapshot;
use server::Settings;
use testkit::{AUTH_TOKEN, House, Received, Receiver, on_both_with, webhooks_inside};
use wire::{signature, signed_text};

use super::conversation;

/// Every event that is told after it has happened.
const AFTER: [&str; 13] = [
    "onConversationAdded",
    "onConversationRemoved",
    "onConversationStateUpdated",
    "onConversationUpdated",
    "onDeliveryUpdated",
    "onMessageAdded",
    "onMessageRemoved",
    "onMessageUpdated",
    "onParticipantAdded",
    "onParticipantRemoved",
    "onParticipantUpdated",
    "onUserAdded",
    "onUserUpdated",
];

fn settings() -> Settings {
    Settings { webhooks: webhooks_inside(), ..Settings::default() }
}

/// Lets the account's webhook listen to everything.
async fn listen(house: &House, receiver: &Receiver) {
    let form = format!("PostWebhookUrl={}&Filters={}", receiver.url(), AFTER.join("&Filters="));
    assert_eq!(house.post("/v1/Configuration/Webhooks", &form).await.code(), "200");
}

/// What has been received, after everything that is due was sent. Lanes do not wait for each other, so those
/// of users come behind; within a lane the order is as it came.
async fn received(house: &House, receiver: &Receiver) -> Vec<Received> {
    house.deliver().await;
    let mut told = receiver.take();
    told.sort_by_key(|told| told.get("UserSid").is_some());
    told
}

/// Notes what was received since the last time.
async fn note(house: &House, receiver: &Receiver) {
    for received in received(house, receiver).await {
        house.note(received.text());
    }
}

#[tokio::test]
async fn a_conversations_events_are_told_as_they_were_committed() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        listen(house, &receiver).await;
        let made = house.post_heard(
            "/v1/Conversations",
            "FriendlyName=Desk+%26+chair&UniqueName=desk&Attributes={\"a\":1}",
        );
        let path = format!("/v1/Conversations/{}", made.await.sid());
        note(house, &receiver).await;
        house.clock.advance_seconds(60);
        house.post_heard(&path, "FriendlyName=Table").await;
        note(house, &receiver).await;
        house.post_heard(&path, "State=inactive").await;
        note(house, &receiver).await;
        house.delete_heard(&path).await;
        note(house, &receiver).await;
    })
    .await;
    assert_snapshot!(told, @r#"
    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={"a":1}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    DateCreated=2026-01-01T00:00:00.000Z
    DateUpdated=2026-01-01T00:00:00.000Z
    EventType=onConversationAdded
    FriendlyName=Desk & chair
    MessagingServiceSid=MG00000000000000000000000000000007
    RetryCount=0
    Source=API
    State=active
    UniqueName=desk

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={"a":1}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    DateCreated=2026-01-01T00:00:00.000Z
    DateUpdated=2026-01-01T00:01:00.000Z
    EventType=onConversationUpdated
    FriendlyName=Table
    MessagingServiceSid=MG00000000000000000000000000000007
    RetryCount=0
    Source=API
    State=active
    UniqueName=desk

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    EventType=onConversationStateUpdated
    MessagingServiceSid=MG00000000000000000000000000000007
    Reason=API
    RetryCount=0
    Source=API
    StateFrom=active
    StateTo=inactive
    StateUpdated=2026-01-01T00:01:00.000Z

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={"a":1}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    DateCreated=2026-01-01T00:00:00.000Z
    DateRemoved=2026-01-01T00:01:00.000Z
    DateUpdated=2026-01-01T00:01:00.000Z
    EventType=onConversationRemoved
    FriendlyName=Table
    MessagingServiceSid=MG00000000000000000000000000000007
    RetryCount=0
    Source=API
    State=inactive
    UniqueName=desk
    "#);
}

#[tokio::test]
async fn a_messages_events_are_told_as_they_were_committed() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        listen(house, &receiver).await;
        let path = conversation(house).await;
        let form = "MessagingServiceSid=MG00000000000000000000000000000001&State=inactive";
        house.post(&path, form).await;
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        let message =
            house.post_heard(&format!("{path}/Messages"), "Body=it%27s+me&Author=alice").await.sid();
        note(house, &receiver).await;
        house.clock.advance_seconds(1);
        let message = format!("{path}/Messages/{message}");
        house.post_heard(&message, "Attributes={\"seen\":true}&Author=system").await;
        house.delete_heard(&message).await;
        note(house, &receiver).await;
    })
    .await;
    assert_snapshot!(told, @r#"
    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    Author=alice
    Body=it's me
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    DateCreated=2026-01-01T00:00:00.000Z
    EventType=onMessageAdded
    Index=0
    MessageSid=IM00000000000000000000000000000010
    MessagingServiceSid=MG00000000000000000000000000000001
    ParticipantSid=MB0000000000000000000000000000000d
    RetryCount=0
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    EventType=onConversationStateUpdated
    MessagingServiceSid=MG00000000000000000000000000000001
    Reason=EVENT
    RetryCount=0
    Source=API
    StateFrom=inactive
    StateTo=active
    StateUpdated=2026-01-01T00:00:00.000Z

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={"seen":true}
    Author=system
    Body=it's me
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    DateCreated=2026-01-01T00:00:00.000Z
    DateUpdated=2026-01-01T00:00:01.000Z
    EventType=onMessageUpdated
    Index=0
    MessageSid=IM00000000000000000000000000000010
    RetryCount=0
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={"seen":true}
    Author=system
    Body=it's me
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    DateCreated=2026-01-01T00:00:00.000Z
    DateRemoved=2026-01-01T00:00:01.000Z
    DateUpdated=2026-01-01T00:00:01.000Z
    EventType=onMessageRemoved
    Index=0
    MessageSid=IM00000000000000000000000000000010
    RetryCount=0
    Source=API
    "#);
}

#[tokio::test]
async fn participants_and_users_events_are_told_as_they_were_committed() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        listen(house, &receiver).await;
        let path = conversation(house).await;
        house.post(&path, "MessagingServiceSid=MG00000000000000000000000000000001").await;
        let participants = format!("{path}/Participants");
        let alice = house.post_heard(&participants, "Identity=alice").await.sid();
        house.post_heard(&format!("{participants}/{alice}"), "LastReadMessageIndex=7").await;
        let phone = "MessagingBinding.Address=%2B15550001&MessagingBinding.ProxyAddress=%2B15559999";
        let phone = house.post_heard(&participants, phone).await.sid();
        house.delete_heard(&format!("{participants}/{phone}")).await;
        house.post_heard("/v1/Users/alice", "FriendlyName=Alice").await;
        note(house, &receiver).await;
    })
    .await;
    assert_snapshot!(told, @"
    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    DateCreated=2026-01-01T00:00:00.000Z
    EventType=onParticipantAdded
    Identity=alice
    MessagingBinding.Type=chat
    ParticipantSid=MB0000000000000000000000000000000d
    RetryCount=0
    RoleSid=RL00000000000000000000000000000005
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    DateCreated=2026-01-01T00:00:00.000Z
    DateUpdated=2026-01-01T00:00:00.000Z
    EventType=onParticipantUpdated
    Identity=alice
    LastReadMessageIndex=7
    MessagingBinding.Type=chat
    ParticipantSid=MB0000000000000000000000000000000d
    RetryCount=0
    RoleSid=RL00000000000000000000000000000005
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    DateCreated=2026-01-01T00:00:00.000Z
    EventType=onParticipantAdded
    MessagingBinding.Address=+15550001
    MessagingBinding.ProxyAddress=+15559999
    MessagingBinding.Type=sms
    ParticipantSid=MB00000000000000000000000000000014
    RetryCount=0
    RoleSid=RL00000000000000000000000000000005
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000a
    DateCreated=2026-01-01T00:00:00.000Z
    DateRemoved=2026-01-01T00:00:00.000Z
    DateUpdated=2026-01-01T00:00:00.000Z
    EventType=onParticipantRemoved
    MessagingBinding.Address=+15550001
    MessagingBinding.ProxyAddress=+15559999
    MessagingBinding.Type=sms
    ParticipantSid=MB00000000000000000000000000000014
    RetryCount=0
    RoleSid=RL00000000000000000000000000000005
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    ChatServiceSid=IS00000000000000000000000000000001
    DateCreated=2026-01-01T00:00:00.000Z
    EventType=onUserAdded
    Identity=alice
    RetryCount=0
    RoleSid=RL00000000000000000000000000000003
    Source=API
    UserSid=US0000000000000000000000000000000e

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    ChatServiceSid=IS00000000000000000000000000000001
    DateCreated=2026-01-01T00:00:00.000Z
    DateUpdated=2026-01-01T00:00:00.000Z
    EventType=onUserUpdated
    FriendlyName=Alice
    Identity=alice
    RetryCount=0
    RoleSid=RL00000000000000000000000000000003
    Source=API
    UserSid=US0000000000000000000000000000000e
    ");
}

#[tokio::test]
async fn nothing_is_told_of_what_rest_does_unless_the_caller_wants_it() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        listen(house, &receiver).await;
        let path = conversation(house).await;
        house.post(&format!("{path}/Messages"), "Body=quiet").await;
        assert!(received(house, &receiver).await.is_empty());
        house.post_heard(&format!("{path}/Messages"), "Body=loud").await;
        let told = received(house, &receiver).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].get("Body").as_deref(), Some("loud"));
    })
    .await;
}

#[tokio::test]
async fn a_request_is_signed_and_its_token_is_its_own() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        listen(house, &receiver).await;
        let path = conversation(house).await;
        for method in ["POST", "GET"] {
            house.post("/v1/Configuration/Webhooks", &format!("Method={method}")).await;
            house.post_heard(&format!("{path}/Messages"), "Body=hi+there").await;
        }
        let told = received(house, &receiver).await;
        let url = receiver.url();
        let pairs = told[0].pairs();
        let text = signed_text(&url, pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let query = told[1].uri.query().expect("a GET has its values there");
        let expected = [signature(AUTH_TOKEN, &text), signature(AUTH_TOKEN, &format!("{url}?{query}"))];
        let header = |told: &Received, name| told.headers[name].to_str().expect("text").to_owned();
        assert_eq!(
            [header(&told[0], "x-twilio-signature"), header(&told[1], "x-twilio-signature")],
            expected
        );
        let token = |told: &Received| header(told, "i-twilio-idempotency-token");
        assert_ne!(token(&told[0]), token(&told[1]));
        assert_eq!(told[0].get("RetryCount").as_deref(), Some("0"));
    })
    .await;
}

#[tokio::test]
async fn each_level_has_its_own_copy_and_a_keyword_or_a_filter_decides() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        let service = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let service = format!("/v1/Services/{service}");
        let path = format!(
            "{service}/Conversations/{}",
            house.post(&format!("{service}/Conversations"), "").await.sid()
        );
        let url = receiver.url();
        let hook = |place: &str| {
            format!("PostWebhookUrl={url}/{place}&Filters=onMessageAdded&Filters=onMessageRemoved")
        };
        house.post("/v1/Configuration/Webhooks", &hook("account")).await;
        house.post(&format!("{service}/Configuration/Webhooks"), &hook("service")).await;
        let webhooks = format!("{path}/Webhooks");
        for form in [
            format!("Target=webhook&Configuration.Url={url}/webhook&Configuration.Filters=onMessageAdded"),
            format!("Target=trigger&Configuration.Url={url}/trigger&Configuration.Triggers=help"),
            "Target=studio&Configuration.FlowSid=FW00000000000000000000000000000001".to_owned(),
        ] {
            assert_eq!(house.post(&webhooks, &form).await.code(), "201");
        }
        let messages = format!("{path}/Messages");
        let first = house.post_heard(&messages, "Body=I+need+HELP").await.sid();
        house.post_heard(&messages, "Body=thanks").await;
        house.delete_heard(&format!("{messages}/{first}")).await;
        let mut told: Vec<String> = received(house, &receiver)
            .await
            .iter()
            .map(|told| {
                format!("{} {} {:?}", told.uri, told.get("EventType").unwrap_or_default(), told.get("Body"))
            })
            .collect();
        // Lanes do not wait for each other; within one the order holds, and sorting keeps it.
        told.sort_by_key(|line| line.split(' ').next().map(str::to_owned));
        house.note(told.join("\n"));
    })
    .await;
    assert_snapshot!(told, @r#"
    /hook/account onMessageAdded Some("I need HELP")
    /hook/account onMessageAdded Some("thanks")
    /hook/account onMessageRemoved Some("I need HELP")
    /hook/service onMessageAdded Some("I need HELP")
    /hook/service onMessageAdded Some("thanks")
    /hook/service onMessageRemoved Some("I need HELP")
    /hook/trigger onMessageAdded Some("I need HELP")
    /hook/webhook onMessageAdded Some("I need HELP")
    /hook/webhook onMessageAdded Some("thanks")
    "#);
}
