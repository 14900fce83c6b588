//! Pre-action webhooks: who is asked before a change, what about, and what the answers do.

use insta::assert_snapshot;
use server::{Settings, WebhookSettings};
use testkit::{House, Receiver, Reply, heard, on_both_with, webhooks_inside};

use super::conversation;

/// Every event that is asked about before it happens.
const BEFORE: [&str; 10] = [
    "onConversationAdd",
    "onConversationRemove",
    "onConversationUpdate",
    "onMessageAdd",
    "onMessageRemove",
    "onMessageUpdate",
    "onParticipantAdd",
    "onParticipantRemove",
    "onParticipantUpdate",
    "onUserUpdate",
];

pub fn settings() -> Settings {
    let webhooks = WebhookSettings { rest_pre_hooks: true, ..webhooks_inside() };
    Settings { webhooks, ..Settings::default() }
}

/// Lets whoever is at `url` be asked about everything: for the account, or for a service.
pub async fn ask(house: &House, place: &str, url: &str) {
    let form = format!("PreWebhookUrl={url}&Filters={}", BEFORE.join("&Filters="));
    assert_eq!(house.post(&format!("{place}/Configuration/Webhooks"), &form).await.code(), "200");
}

/// The place of the account's default service.
async fn default_service(house: &House) -> String {
    format!("/v1/Services/{}", house.get("/v1/Configuration").await.field("default_chat_service_sid"))
}

pub fn hooked(path: &str) -> http::request::Builder {
    heard(http::Request::post(path))
}

/// POST that webhooks hear of.
pub async fn post(house: &House, path: &str, form: &str) -> Reply {
    house.post_heard(path, form).await
}

/// The events that were asked about since the last time.
pub fn asked(receiver: &Receiver) -> Vec<String> {
    receiver.take().iter().map(|told| told.get("EventType").unwrap_or_default()).collect()
}

pub async fn count(house: &House, table: &'static str) -> i64 {
    let count = move |tx: &mut store::Tx<'_>| {
        tx.row(&format!("SELECT COUNT(*) FROM {table}"), &[], crate::conformance::one::<i64>)
    };
    house.app.store().read(count).await.expect("the store reads").expect("a count")
}

#[expect(clippy::too_many_lines, reason = "most of it is what was asked")]
#[tokio::test]
async fn each_question_has_its_parameters_and_no_others() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        ask(house, "/v1", &receiver.url()).await;
        let form = "FriendlyName=Desk&UniqueName=desk&Attributes={\"a\":1}";
        let path = format!("/v1/Conversations/{}", post(house, "/v1/Conversations", form).await.sid());
        post(house, &path, "MessagingServiceSid=MG00000000000000000000000000000001").await;
        let participants = format!("{path}/Participants");
        let alice = post(house, &participants, "Identity=alice").await.sid();
        house.clock.advance_seconds(60);
        post(house, &format!("{participants}/{alice}"), "Attributes={\"b\":2}&LastReadMessageIndex=3").await;
        let phone = "MessagingBinding.Address=%2B15550001&MessagingBinding.ProxyAddress=%2B15559999";
        let phone = post(house, &participants, phone).await.sid();
        house.delete_heard(&format!("{participants}/{phone}")).await;
        let messages = format!("{path}/Messages");
        let message = post(house, &messages, "Body=hello&Author=alice").await.sid();
        post(house, &format!("{messages}/{message}"), "Body=changed").await;
        house.delete_heard(&format!("{messages}/{message}")).await;
        post(house, "/v1/Users/alice", "FriendlyName=Alice").await;
        house.delete_heard(&path).await;
        for asked in receiver.take() {
            house.note(asked.text());
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={"a":1}
    ChatServiceSid=IS00000000000000000000000000000001
    EventType=onConversationAdd
    FriendlyName=Desk
    MessagingServiceSid=MG00000000000000000000000000000007
    RetryCount=0
    Source=API
    State=active
    UniqueName=desk

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={"a":1}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000c
    DateCreated=2026-01-01T00:00:00.000Z
    DateUpdated=2026-01-01T00:00:00.000Z
    EventType=onConversationUpdate
    FriendlyName=Desk
    MessagingServiceSid=MG00000000000000000000000000000001
    RetryCount=0
    Source=API
    State=active
    UniqueName=desk

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000c
    EventType=onParticipantAdd
    Identity=alice
    MessagingBinding.Type=chat
    RetryCount=0
    RoleSid=RL00000000000000000000000000000005
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={"b":2}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000c
    DateCreated=2026-01-01T00:00:00.000Z
    DateUpdated=2026-01-01T00:01:00.000Z
    EventType=onParticipantUpdate
    Identity=alice
    MessagingBinding.Type=chat
    ParticipantSid=MB00000000000000000000000000000013
    RetryCount=0
    RoleSid=RL00000000000000000000000000000005
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000c
    EventType=onParticipantAdd
    MessagingBinding.Address=+15550001
    MessagingBinding.ProxyAddress=+15559999
    MessagingBinding.Type=sms
    RetryCount=0
    RoleSid=RL00000000000000000000000000000005
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000c
    DateCreated=2026-01-01T00:01:00.000Z
    DateUpdated=2026-01-01T00:01:00.000Z
    EventType=onParticipantRemove
    MessagingBinding.Address=+15550001
    MessagingBinding.ProxyAddress=+15559999
    MessagingBinding.Type=sms
    ParticipantSid=MB0000000000000000000000000000001a
    RetryCount=0
    RoleSid=RL00000000000000000000000000000005
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    Author=alice
    Body=hello
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000c
    EventType=onMessageAdd
    ParticipantSid=MB00000000000000000000000000000013
    RetryCount=0
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    Author=alice
    Body=changed
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000c
    DateCreated=2026-01-01T00:01:00.000Z
    DateUpdated=2026-01-01T00:01:00.000Z
    EventType=onMessageUpdate
    Index=0
    MessageSid=IM00000000000000000000000000000020
    ParticipantSid=MB00000000000000000000000000000013
    RetryCount=0
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    Author=alice
    Body=changed
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000c
    DateCreated=2026-01-01T00:01:00.000Z
    DateUpdated=2026-01-01T00:01:00.000Z
    EventType=onMessageRemove
    Index=0
    MessageSid=IM00000000000000000000000000000020
    ParticipantSid=MB00000000000000000000000000000013
    RetryCount=0
    Source=API

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={}
    ChatServiceSid=IS00000000000000000000000000000001
    DateUpdated=2026-01-01T00:01:00.000Z
    EventType=onUserUpdate
    FriendlyName=Alice
    Identity=alice
    RetryCount=0
    RoleSid=RL00000000000000000000000000000003
    Source=API
    UserSid=US00000000000000000000000000000014

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Attributes={"a":1}
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH0000000000000000000000000000000c
    DateCreated=2026-01-01T00:00:00.000Z
    DateUpdated=2026-01-01T00:00:00.000Z
    EventType=onConversationRemove
    FriendlyName=Desk
    MessagingServiceSid=MG00000000000000000000000000000001
    RetryCount=0
    Source=API
    State=active
    UniqueName=desk
    "#);
}

#[tokio::test]
async fn the_account_is_asked_before_the_service_which_sees_what_the_account_made_of_it() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        let service = default_service(house).await;
        ask(house, "/v1", &format!("{}/account", receiver.url())).await;
        ask(house, &service, &format!("{}/service", receiver.url())).await;
        receiver.answer(200, r#"{"friendly_name":"By the account","unknown":1}"#);
        receiver.answer(200, r#"{"attributes":{"by":"the service"}}"#);
        let made = post(house, "/v1/Conversations", "FriendlyName=As+said&UniqueName=kept").await;
        for name in ["friendly_name", "unique_name", "attributes"] {
            house.note(made.field(name));
        }
        let participants = format!("/v1/Conversations/{}/Participants", made.sid());
        house.post(&participants, "Identity=alice").await;
        let messages = format!("/v1/Conversations/{}/Messages", made.sid());
        receiver.answer(200, r#"{"body":"By the account","author":"bot"}"#);
        receiver.answer(200, r#"{"body":"By the service","attributes":"{\"x\":true}"}"#);
        let message = post(house, &messages, "Body=As+said&Author=alice").await;
        receiver.answer(200, r#"{"body":"Edited by the account"}"#);
        let one = format!("{messages}/{}", message.sid());
        let edited = post(house, &one, "Attributes={}").await;
        for (reply, name) in
            [(&message, "body"), (&message, "author"), (&message, "attributes"), (&edited, "body")]
        {
            house.note(reply.field(name));
        }
        receiver.answer(200, r#"{"friendly_name":"Nobody may say so"}"#);
        house.note(post(house, "/v1/Users", "Identity=carol").await.code());
        let carol = post(house, "/v1/Users/carol", "FriendlyName=Carol").await;
        house.note(carol.field("friendly_name"));
        for asked in receiver.take() {
            let seen = ["EventType", "FriendlyName", "Body", "Author", "Attributes", "ParticipantSid"];
            let seen = seen.map(|name| asked.get(name).unwrap_or_else(|| "-".to_owned()));
            house.note(format!("{} {}", asked.uri, seen.join(" | ")));
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    By the account

    kept

    {"by":"the service"}

    By the service

    bot

    {"x":true}

    Edited by the account

    201

    Carol

    /hook/account onConversationAdd | As said | - | - | {} | -

    /hook/service onConversationAdd | By the account | - | - | {} | -

    /hook/account onMessageAdd | - | As said | alice | {} | MB00000000000000000000000000000012

    /hook/service onMessageAdd | - | By the account | bot | {} | -

    /hook/account onMessageUpdate | - | By the service | bot | {} | -

    /hook/service onMessageUpdate | - | Edited by the account | bot | {} | -

    /hook/account onUserUpdate | Carol | - | - | {} | -

    /hook/service onUserUpdate | Carol | - | - | {} | -
    "#);
}

#[tokio::test]
async fn what_a_webhook_changes_is_judged_like_what_the_caller_said() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        ask(house, "/v1", &receiver.url()).await;
        let path = conversation(house).await;
        let messages = format!("{path}/Messages");
        let long = "x".repeat(40_000);
        for (target, form, answer) in [
            (messages.as_str(), "Body=fine", format!(r#"{{"body":"{long}"}}"#)),
            (&messages, "Body=fine", r#"{"attributes":"{no json"}"#.to_owned()),
            (&messages, "Body=fine", format!(r#"{{"author":"{}"}}"#, "a".repeat(257))),
            (&path, "UniqueName=fine", format!(r#"{{"friendly_name":"{}"}}"#, "f".repeat(257))),
            ("/v1/Conversations", "", r#"{"attributes":"[1,"}"#.to_owned()),
        ] {
            receiver.answer(200, &answer);
            house.note(format!("{form} -> {}", post(house, target, form).await.code()));
        }
        let nothing = house.get(&messages).await.get("messages");
        assert_eq!(nothing.as_array().map(Vec::len), Some(0));
        assert_eq!(house.get(&path).await.get("unique_name"), serde_json::Value::Null);
        assert_eq!(count(house, "conversations").await, 1);
    })
    .await;
    assert_snapshot!(told, @"
    Body=fine -> 400 50504

    Body=fine -> 400 50304

    Body=fine -> 400 50310

    UniqueName=fine -> 400 50003

     -> 400 50304
    ");
}

#[tokio::test]
async fn a_refusal_is_told_and_nothing_is_written() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        ask(house, "/v1", &receiver.url()).await;
        let path = conversation(house).await;
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        let messages = format!("{path}/Messages");
        let message = format!("{messages}/{}", house.post(&messages, "Body=zero").await.sid());
        receiver.answer(403, "");
        house.note(post(house, &messages, "Body=no").await.text());
        for status in [400, 404, 429, 500, 503] {
            receiver.answer(status, r#"{"body":"not heard"}"#);
            assert_eq!(post(house, &messages, "Body=no").await.code(), "403 50056");
        }
        let participant = format!("{path}/Participants/alice");
        for (target, form) in [
            (path.as_str(), "FriendlyName=no"),
            (&message, "Body=no"),
            (&format!("{path}/Participants"), "Identity=bob"),
            (&participant, "Attributes={\"no\":1}"),
            ("/v1/Users/alice", "FriendlyName=no"),
            ("/v1/Conversations", "UniqueName=no"),
        ] {
            let before = house.get(target).await.text();
            receiver.answer(403, "");
            assert_eq!(post(house, target, form).await.code(), "403 50056", "{target}");
            assert_eq!(house.get(target).await.text(), before);
        }
        for target in [&message, &participant, &path] {
            receiver.answer(403, "");
            assert_eq!(house.delete_heard(target).await.code(), "403 50056", "{target}");
            assert_eq!(house.get(target).await.status, 200);
        }
        receiver.take();
        // Of the service, after the account has agreed.
        ask(house, &default_service(house).await, &receiver.url()).await;
        receiver.answer(200, "{}");
        receiver.answer(418, "");
        assert_eq!(post(house, &messages, "Body=no").await.code(), "403 50056");
        assert_eq!(asked(&receiver), ["onMessageAdd"; 2]);
        // The account refuses, and nobody else is asked.
        receiver.answer(418, "");
        assert_eq!(post(house, &messages, "Body=no").await.code(), "403 50056");
        assert_eq!(asked(&receiver), ["onMessageAdd"]);
        assert_eq!(house.get(&messages).await.get("messages").as_array().map(Vec::len), Some(1));
        assert_eq!(house.post(&messages, "Body=one").await.get("index"), 1);
    })
    .await;
    assert_snapshot!(told, @r#"
    403 Forbidden
    {
      "code": 50056,
      "message": "Webhook disabled processing of command",
      "more_info": "https://www.twilio.com/docs/errors/50056",
      "status": 403
    }
    "#);
}
