//! Event Streams: sinks, subscriptions, and what comes to a sink.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use conversations::accounts::{self, CreateAccount};
use insta::assert_snapshot;
use serde_json::Value;
use server::Settings;
use testkit::{AUTH_TOKEN, Database, Engine, House, Received, Receiver, on_both_with, webhooks_inside};
use tokio::task::JoinSet;
use wire::signature;

use super::conversation;

fn settings() -> Settings {
    Settings { webhooks: webhooks_inside(), ..Settings::default() }
}

/// The names that come behind `com.twilio.conversations.`.
const TYPES: [&str; 12] = [
    "conversation-state.updated",
    "conversation.added",
    "conversation.removed",
    "conversation.updated",
    "message.added",
    "message.removed",
    "message.updated",
    "participant.added",
    "participant.removed",
    "participant.updated",
    "user.added",
    "user.updated",
];

fn sink_form(url: &str, more: &str) -> String {
    format!(r#"Description=a+sink&SinkType=webhook&SinkConfiguration={{"destination":"{url}"{more}}}"#)
}

fn types_form(types: &[&str]) -> String {
    let one = |name: &&str| format!(r#"&Types={{"type":"com.twilio.conversations.{name}"}}"#);
    types.iter().map(one).collect::<Vec<_>>().concat()
}

/// A sink at the receiver that has subscribed to these types: the sids of sink and subscription.
async fn stream(house: &House, receiver: &Receiver, more: &str, types: &[&str]) -> (String, String) {
    let sink = house.post("/v1/Sinks", &sink_form(&receiver.url(), more)).await.sid();
    let form = format!("Description=all&SinkSid={sink}{}", types_form(types));
    let subscription = house.post("/v1/Subscriptions", &form).await;
    assert_eq!(subscription.code(), "201");
    (sink, subscription.sid())
}

/// The events of a request, in the order of their types; its signature holds.
fn events(received: &Received) -> Vec<Value> {
    let host = received.headers["host"].to_str().expect("text");
    let url = format!("http://{host}{}", received.uri);
    let plain = url.split("?bodySHA256=").next().expect("there is a first");
    assert_eq!(url, wire::with_body_sha256(plain, &received.body));
    let expected = signature(AUTH_TOKEN, &url);
    assert_eq!(received.headers["x-twilio-signature"].to_str().ok(), Some(expected.as_str()));
    assert_eq!(received.headers["content-type"], "application/json");
    let mut events: Vec<Value> = serde_json::from_slice(&received.body).expect("an array");
    events.sort_by_key(|event| event["type"].as_str().map(str::to_owned));
    events
}

fn bodies(received: &[Received]) -> Vec<String> {
    let events = received.iter().flat_map(events);
    let mut bodies: Vec<_> =
        events.filter_map(|event| event["data"]["MessageBody"].as_str().map(str::to_owned)).collect();
    bodies.sort();
    bodies
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, whole answers")]
async fn sinks_and_subscriptions_are_made_shown_changed_and_removed() {
    let told = on_both_with(settings(), async |house| {
        let form = sink_form("https://user:secret@example.com/hook", r#","method":"POST","batch_events":false"#);
        let sink = house.post("/v1/Sinks", &form).await;
        let path = format!("/v1/Sinks/{}", sink.sid());
        house.note(sink.text());
        house.note(house.post(&path, "Description=another").await.text());
        let form = format!(
            r#"Description=some&SinkSid={}&Types={{"type":"com.twilio.conversations.message.added","schema_version":1}}"#,
            sink.sid()
        );
        let subscription = house.post("/v1/Subscriptions", &form).await;
        let subscribed = format!("/v1/Subscriptions/{}", subscription.sid());
        house.note(subscription.text());
        let types = format!("{subscribed}/SubscribedEvents");
        let added = house.post(&types, "Type=com.twilio.conversations.user.added&SchemaVersion=2").await;
        assert_eq!(added.code(), "201");
        let again = house.post(&types, "Type=com.twilio.conversations.user.added").await;
        house.note(again.text());
        let one = format!("{types}/com.twilio.conversations.message.added");
        assert_eq!(house.post(&one, "SchemaVersion=2").await.code(), "200");
        house.note(house.get(&types).await.text());
        assert_eq!(house.delete(&one).await.code(), "204");
        assert_eq!(house.get(&one).await.code(), "404 20404");
        house.note(house.delete(&path).await.text());
        assert_eq!(house.get("/v1/Sinks?InUse=true").await.get("sinks").as_array().map(Vec::len), Some(1));
        assert_eq!(house.delete(&subscribed).await.code(), "204");
        assert_eq!(house.get("/v1/Sinks?InUse=true").await.get("sinks").as_array().map(Vec::len), Some(0));
        assert_eq!(house.delete(&path).await.code(), "204");
        assert_eq!(house.get(&path).await.code(), "404 20404");
        house.note(house.get("/v1/Subscriptions").await.text());
        let page = house.get("/v1/Types?PageSize=2").await;
        house.note(page.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "description": "a sink",
      "links": {
        "sink_test": "http://tertulia.test/v1/Sinks/DG00000000000000000000000000000009/Test",
        "sink_validate": "http://tertulia.test/v1/Sinks/DG00000000000000000000000000000009/Validate"
      },
      "sid": "DG00000000000000000000000000000009",
      "sink_configuration": {
        "batch_events": false,
        "destination": "https://user:secret@example.com/hook",
        "method": "POST"
      },
      "sink_type": "webhook",
      "status": "active",
      "url": "http://tertulia.test/v1/Sinks/DG00000000000000000000000000000009"
    }

    200 OK
    {
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "description": "another",
      "links": {
        "sink_test": "http://tertulia.test/v1/Sinks/DG00000000000000000000000000000009/Test",
        "sink_validate": "http://tertulia.test/v1/Sinks/DG00000000000000000000000000000009/Validate"
      },
      "sid": "DG00000000000000000000000000000009",
      "sink_configuration": {
        "batch_events": false,
        "destination": "https://user:secret@example.com/hook",
        "method": "POST"
      },
      "sink_type": "webhook",
      "status": "active",
      "url": "http://tertulia.test/v1/Sinks/DG00000000000000000000000000000009"
    }

    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "description": "some",
      "links": {
        "subscribed_events": "http://tertulia.test/v1/Subscriptions/DF0000000000000000000000000000000c/SubscribedEvents"
      },
      "sid": "DF0000000000000000000000000000000c",
      "sink_sid": "DG00000000000000000000000000000009",
      "url": "http://tertulia.test/v1/Subscriptions/DF0000000000000000000000000000000c"
    }

    409 Conflict
    {
      "code": 20409,
      "message": "The subscription has this type already",
      "more_info": "https://www.twilio.com/docs/errors/20409",
      "status": 409
    }

    200 OK
    {
      "meta": {
        "first_page_url": "http://tertulia.test/v1/Subscriptions/DF0000000000000000000000000000000c/SubscribedEvents?PageSize=50&Page=0",
        "key": "types",
        "next_page_url": null,
        "page": 0,
        "page_size": 50,
        "previous_page_url": null,
        "url": "http://tertulia.test/v1/Subscriptions/DF0000000000000000000000000000000c/SubscribedEvents?PageSize=50&Page=0"
      },
      "types": [
        {
          "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "schema_version": 2,
          "subscription_sid": "DF0000000000000000000000000000000c",
          "type": "com.twilio.conversations.message.added",
          "url": "http://tertulia.test/v1/Subscriptions/DF0000000000000000000000000000000c/SubscribedEvents/com.twilio.conversations.message.added"
        },
        {
          "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "schema_version": 2,
          "subscription_sid": "DF0000000000000000000000000000000c",
          "type": "com.twilio.conversations.user.added",
          "url": "http://tertulia.test/v1/Subscriptions/DF0000000000000000000000000000000c/SubscribedEvents/com.twilio.conversations.user.added"
        }
      ]
    }

    400 Bad Request
    {
      "code": 91007,
      "message": "Sink still in use",
      "more_info": "https://www.twilio.com/docs/errors/91007",
      "status": 400
    }

    200 OK
    {
      "meta": {
        "first_page_url": "http://tertulia.test/v1/Subscriptions?PageSize=50&Page=0",
        "key": "subscriptions",
        "next_page_url": null,
        "page": 0,
        "page_size": 50,
        "previous_page_url": null,
        "url": "http://tertulia.test/v1/Subscriptions?PageSize=50&Page=0"
      },
      "subscriptions": []
    }

    200 OK
    {
      "meta": {
        "first_page_url": "http://tertulia.test/v1/Types?PageSize=2&Page=0",
        "key": "types",
        "next_page_url": "http://tertulia.test/v1/Types?PageSize=2&Page=1&PageToken=PTeyJvIjoiYSIsImF0IjoyLCJzaWQiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMCIsImxpc3QiOjQwNTY0Njg1NjA5NzY1MzQ5N30",
        "page": 0,
        "page_size": 2,
        "previous_page_url": null,
        "url": "http://tertulia.test/v1/Types?PageSize=2&Page=0"
      },
      "types": [
        {
          "date_created": null,
          "date_updated": null,
          "description": "What webhooks know as onConversationStateUpdated",
          "documentation_url": null,
          "schema_id": "Conversations.ConversationStateUpdated",
          "status": "available",
          "type": "com.twilio.conversations.conversation-state.updated",
          "url": "http://tertulia.test/v1/Types/com.twilio.conversations.conversation-state.updated"
        },
        {
          "date_created": null,
          "date_updated": null,
          "description": "What webhooks know as onConversationAdded",
          "documentation_url": null,
          "schema_id": "Conversations.ConversationAdded",
          "status": "available",
          "type": "com.twilio.conversations.conversation.added",
          "url": "http://tertulia.test/v1/Types/com.twilio.conversations.conversation.added"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn what_is_not_served_is_refused() {
    let told = on_both_with(settings(), async |house| {
        let sink = house.post("/v1/Sinks", &sink_form("https://example.com", "")).await.sid();
        let added = r#"Types={"type":"com.twilio.conversations.message.added"}"#;
        for (path, form) in [
            ("/v1/Sinks", "Description=x&SinkType=kinesis&SinkConfiguration={}".to_owned()),
            ("/v1/Sinks", "Description=x&SinkType=webhook&SinkConfiguration={}".to_owned()),
            ("/v1/Sinks", "SinkType=webhook&SinkConfiguration={}".to_owned()),
            ("/v1/Sinks", sink_form("ftp://example.com", "")),
            ("/v1/Sinks", sink_form("https://example.com", r#","method":"GET""#)),
            ("/v1/Subscriptions", format!("Description=x&{added}")),
            ("/v1/Subscriptions", format!("Description=x&SinkSid=DG{}&{added}", "0".repeat(32))),
            ("/v1/Subscriptions", format!("Description=x&SinkSid={sink}")),
            ("/v1/Subscriptions", format!("Description=x&SinkSid={sink}&Types=all")),
            (
                "/v1/Subscriptions",
                format!(
                    r#"Description=x&SinkSid={sink}&Types={{"type":"com.twilio.messaging.message.sent"}}"#
                ),
            ),
        ] {
            let reply = house.post(path, &form).await;
            house.note(format!("{} {}", reply.code(), reply.get("message")));
        }
        for path in
            ["/v1/Sinks/DG1", "/v1/Subscriptions/DF1/SubscribedEvents", "/v1/Types/none", "/v1/Schemas"]
        {
            assert_eq!(house.get(path).await.code(), "404 20404", "{path}");
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    400 20001 "Only sinks of SinkType webhook are served here"

    400 20001 "SinkConfiguration is JSON with a destination, and may have a method and batch_events"

    400 20001 "Missing required parameter Description"

    400 20001 "The destination in SinkConfiguration is not a URL of http or https"

    400 20001 "Of the methods in SinkConfiguration only POST is served here"

    400 20001 "Missing required parameter SinkSid"

    400 20001 "Invalid value for parameter SinkSid"

    400 20001 "Missing required parameter Types"

    400 20001 "Each of Types is JSON with a type, and may have a schema_version"

    400 20001 "Events of type com.twilio.messaging.message.sent are not served here"
    "#);
}

#[tokio::test]
async fn everything_is_streamed_as_it_was_committed_whoever_asks_for_webhooks() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        stream(house, &receiver, "", &TYPES).await;
        // The same events to the same sink are one delivery.
        let sink = house.get("/v1/Sinks").await.get("sinks")[0]["sid"].as_str().expect("a sid").to_owned();
        let twice = format!("Description=x&SinkSid={sink}{}", types_form(&TYPES));
        house.post("/v1/Subscriptions", &twice).await;
        let path = conversation(house).await;
        let participants = format!("{path}/Participants");
        house.post(&participants, "Identity=alice").await;
        let phone = "MessagingBinding.Address=%2B15550001&MessagingBinding.ProxyAddress=%2B15559999";
        let phone = house.post(&participants, phone).await.sid();
        let message = house.post(&format!("{path}/Messages"), "Body=hello&Author=alice").await.sid();
        let message = format!("{path}/Messages/{message}");
        house.post(&message, "Body=edited").await;
        house.delete(&message).await;
        house.delete(&format!("{participants}/{phone}")).await;
        house.post("/v1/Users/alice", "FriendlyName=Alice").await;
        house.post(&path, "FriendlyName=Desk").await;
        house.post(&path, "State=closed").await;
        house.delete(&path).await;
        house.deliver().await;
        let batches = receiver.take();
        assert_eq!(batches.len(), 1, "they come in one request");
        for event in events(&batches[0]) {
            house.note(event.to_string());
        }
        house.deliver().await;
        assert!(receiver.take().is_empty(), "and once");
    })
    .await;
    assert_snapshot!(told, @r#"
    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ConversationSid":"CH00000000000000000000000000000010","MessagingServiceSid":"MG00000000000000000000000000000007","Reason":"API","StateFrom":"active","StateTo":"closed","StateUpdated":"2026-01-01T00:00:00.000Z"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.ConversationStateUpdated/2","id":"EV00000000000000000000000000000029","source":"/v1/Conversations/CH00000000000000000000000000000010","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.conversation-state.updated"}

    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ConversationSid":"CH00000000000000000000000000000010","DateCreated":"2026-01-01T00:00:00.000Z","DateUpdated":"2026-01-01T00:00:00.000Z","MessagingServiceSid":"MG00000000000000000000000000000007","State":"active"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.ConversationAdded/2","id":"EV00000000000000000000000000000011","source":"/v1/Conversations/CH00000000000000000000000000000010","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.conversation.added"}

    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ConversationSid":"CH00000000000000000000000000000010","DateCreated":"2026-01-01T00:00:00.000Z","DateRemoved":"2026-01-01T00:00:00.000Z","DateUpdated":"2026-01-01T00:00:00.000Z","FriendlyName":"Desk","MessagingServiceSid":"MG00000000000000000000000000000007","State":"closed"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.ConversationRemoved/2","id":"EV0000000000000000000000000000002b","source":"/v1/Conversations/CH00000000000000000000000000000010","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.conversation.removed"}

    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ConversationSid":"CH00000000000000000000000000000010","DateCreated":"2026-01-01T00:00:00.000Z","DateUpdated":"2026-01-01T00:00:00.000Z","FriendlyName":"Desk","MessagingServiceSid":"MG00000000000000000000000000000007","State":"active"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.ConversationUpdated/2","id":"EV00000000000000000000000000000027","source":"/v1/Conversations/CH00000000000000000000000000000010","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.conversation.updated"}

    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","Author":"alice","ConversationSid":"CH00000000000000000000000000000010","DateCreated":"2026-01-01T00:00:00.000Z","Index":0,"MessageBody":"hello","MessageSid":"IM0000000000000000000000000000001b","MessagingServiceSid":"MG00000000000000000000000000000007","ParticipantSid":"MB00000000000000000000000000000013"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.MessageAdded/2","id":"EV0000000000000000000000000000001d","source":"/v1/Conversations/CH00000000000000000000000000000010","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.message.added"}

    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","Author":"alice","ConversationSid":"CH00000000000000000000000000000010","DateCreated":"2026-01-01T00:00:00.000Z","DateRemoved":"2026-01-01T00:00:00.000Z","DateUpdated":"2026-01-01T00:00:00.000Z","Index":0,"MessageBody":"edited","MessageSid":"IM0000000000000000000000000000001b","ParticipantSid":"MB00000000000000000000000000000013"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.MessageRemoved/2","id":"EV00000000000000000000000000000021","source":"/v1/Conversations/CH00000000000000000000000000000010","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.message.removed"}

    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","Author":"alice","ConversationSid":"CH00000000000000000000000000000010","DateCreated":"2026-01-01T00:00:00.000Z","DateUpdated":"2026-01-01T00:00:00.000Z","Index":0,"MessageBody":"edited","MessageSid":"IM0000000000000000000000000000001b","ParticipantSid":"MB00000000000000000000000000000013"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.MessageUpdated/2","id":"EV0000000000000000000000000000001f","source":"/v1/Conversations/CH00000000000000000000000000000010","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.message.updated"}

    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ConversationSid":"CH00000000000000000000000000000010","DateCreated":"2026-01-01T00:00:00.000Z","Identity":"alice","MessagingBinding":{"Type":"CHAT"},"ParticipantSid":"MB00000000000000000000000000000013","RoleSid":"RL00000000000000000000000000000005"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.ParticipantAdded/2","id":"EV00000000000000000000000000000016","source":"/v1/Conversations/CH00000000000000000000000000000010","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.participant.added"}

    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ConversationSid":"CH00000000000000000000000000000010","DateCreated":"2026-01-01T00:00:00.000Z","MessagingBinding":{"Address":"+15550001","ProxyAddress":"+15559999","Type":"SMS"},"ParticipantSid":"MB00000000000000000000000000000018","RoleSid":"RL00000000000000000000000000000005"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.ParticipantAdded/2","id":"EV00000000000000000000000000000019","source":"/v1/Conversations/CH00000000000000000000000000000010","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.participant.added"}

    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ConversationSid":"CH00000000000000000000000000000010","DateCreated":"2026-01-01T00:00:00.000Z","DateRemoved":"2026-01-01T00:00:00.000Z","DateUpdated":"2026-01-01T00:00:00.000Z","MessagingBinding":{"Address":"+15550001","ProxyAddress":"+15559999","Type":"SMS"},"ParticipantSid":"MB00000000000000000000000000000018","RoleSid":"RL00000000000000000000000000000005"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.ParticipantRemoved/2","id":"EV00000000000000000000000000000023","source":"/v1/Conversations/CH00000000000000000000000000000010","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.participant.removed"}

    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","DateCreated":"2026-01-01T00:00:00.000Z","Identity":"alice","RoleSid":"RL00000000000000000000000000000003","UserSid":"US00000000000000000000000000000014"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.UserAdded/2","id":"EV00000000000000000000000000000015","source":"/v1/Users/US00000000000000000000000000000014","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.user.added"}

    {"data":{"AccountSid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","DateCreated":"2026-01-01T00:00:00.000Z","DateUpdated":"2026-01-01T00:00:00.000Z","FriendlyName":"Alice","Identity":"alice","RoleSid":"RL00000000000000000000000000000003","UserSid":"US00000000000000000000000000000014"},"datacontenttype":"application/json","dataschema":"https://events-schemas.twilio.com/Conversations.UserUpdated/2","id":"EV00000000000000000000000000000025","source":"/v1/Users/US00000000000000000000000000000014","specversion":"1.0","time":"2026-01-01T00:00:00.000Z","type":"com.twilio.conversations.user.updated"}
    "#);
}

#[tokio::test]
async fn what_timers_do_is_streamed_too_and_nothing_after_the_subscription_is_gone() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let (_, subscription) = stream(house, &receiver, "", &["conversation-state.updated"]).await;
        let timed = async || {
            house.post("/v1/Conversations", "Timers.Closed=PT10M").await;
            house.clock.advance_seconds(3600);
            house.fire_timers().await;
            house.deliver().await;
            receiver.take().iter().flat_map(events).collect::<Vec<_>>()
        };
        let told = timed().await;
        assert_eq!((told.len(), &told[0]["data"]["Reason"]), (1, &Value::from("TIMER")));
        house.delete(&format!("/v1/Subscriptions/{subscription}")).await;
        assert!(timed().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_sink_that_was_down_gets_everything_with_the_same_ids() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        stream(house, &receiver, "", &["message.added"]).await;
        let messages = format!("{}/Messages", conversation(house).await);
        house.post(&messages, "Body=1").await;
        receiver.answer(500, "");
        house.deliver().await;
        let first = receiver.take();
        assert_eq!(bodies(&first), ["1"]);
        house.post(&messages, "Body=2").await;
        house.deliver().await;
        assert!(receiver.take().is_empty(), "it rests");
        house.clock.advance_seconds(10);
        house.deliver().await;
        let second = receiver.take();
        assert_eq!(bodies(&second), ["1", "2"]);
        let ids = |received: &[Received]| -> Vec<Value> {
            received.iter().flat_map(events).filter(|event| event["data"]["MessageBody"] == "1").collect()
        };
        assert_eq!(ids(&first), ids(&second));
        house.clock.advance_seconds(3600);
        house.deliver().await;
        assert!(receiver.take().is_empty());
    })
    .await;
}

#[tokio::test]
async fn after_four_hours_of_failures_an_event_is_given_up() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        stream(house, &receiver, "", &["message.added"]).await;
        house.post(&format!("{}/Messages", conversation(house).await), "Body=1").await;
        let mut seconds = 0;
        loop {
            receiver.answer(503, "");
            house.deliver().await;
            if receiver.take().is_empty() {
                break;
            }
            house.clock.advance_seconds(600);
            seconds += 600;
        }
        assert!((4 * 3600..5 * 3600).contains(&seconds), "{seconds}");
        house.clock.advance_seconds(48 * 3600);
        house.keep_house().await;
        house.deliver().await;
        assert!(receiver.take().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_sink_without_batches_gets_its_events_one_by_one() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        stream(house, &receiver, r#","batch_events":false"#, &["message.added"]).await;
        let messages = format!("{}/Messages", conversation(house).await);
        for number in 0..20 {
            house.post(&messages, &format!("Body={number}")).await;
        }
        house.deliver().await;
        let batches = receiver.take();
        assert!(batches.iter().all(|one| events(one).len() == 1));
        assert_eq!(bodies(&batches).len(), 20);
    })
    .await;
}

#[tokio::test]
async fn a_test_comes_to_its_sink_and_what_waits_for_a_removed_one_goes() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let sink = house.post("/v1/Sinks", &sink_form(&receiver.url(), "")).await.sid();
        let test = house.post(&format!("/v1/Sinks/{sink}/Test"), "").await;
        assert_eq!((test.code().as_str(), test.field("result").as_str()), ("201", "submitted"));
        house.deliver().await;
        let told: Vec<_> = receiver.take().iter().flat_map(events).collect();
        assert_eq!((told.len(), &told[0]["type"]), (1, &Value::from("com.twilio.eventstreams.test-event")));
        let valid = house.post(&format!("/v1/Sinks/{sink}/Validate"), "TestId=EV1").await;
        assert_eq!(valid.field("result"), "valid");
        house.post(&format!("/v1/Sinks/{sink}/Test"), "").await;
        house.delete(&format!("/v1/Sinks/{sink}")).await;
        house.deliver().await;
        assert!(receiver.take().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_another_accounts_is_not_there() {
    on_both_with(settings(), async |house| {
        let ids = Arc::clone(&house.ids);
        let create = move |tx: &mut store::Tx<'_>| {
            let vault = conversations::Vault::new(&[7; 32]);
            let form =
                CreateAccount { auth_token: Some("another-token".to_owned()), ..CreateAccount::default() };
            accounts::create(tx, &*ids, &vault, &form)
        };
        let made = house.app.store().write::<_, conversations::Failure>(store::Roots::none(), create).await;
        let account = made.expect("the account is made").account.sid;
        let credentials = BASE64_STANDARD.encode(format!("{account}:another-token"));
        let ask = async |method: &str, path: &str, form: &str| {
            let request = http::Request::builder().method(method).uri(path);
            let request = request.header("authorization", format!("Basic {credentials}"));
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            house.send_as_is(request, form).await
        };
        let receiver = Receiver::start().await;
        let (sink, subscription) = stream(house, &receiver, "", &["message.added"]).await;
        let sink_path = format!("/v1/Sinks/{sink}");
        let path = format!("/v1/Subscriptions/{subscription}");
        let one = format!("{path}/SubscribedEvents/com.twilio.conversations.message.added");
        for (method, path, form) in [
            ("GET", sink_path.clone(), ""),
            ("POST", sink_path.clone(), "Description=mine"),
            ("DELETE", sink_path.clone(), ""),
            ("POST", format!("{sink_path}/Test"), ""),
            ("POST", format!("{sink_path}/Validate"), "TestId=1"),
            ("GET", path.clone(), ""),
            ("POST", path.clone(), "Description=mine"),
            ("DELETE", path.clone(), ""),
            ("GET", format!("{path}/SubscribedEvents"), ""),
            ("POST", format!("{path}/SubscribedEvents"), "Type=com.twilio.conversations.user.added"),
            ("GET", one.clone(), ""),
            ("DELETE", one, ""),
        ] {
            assert_eq!(ask(method, &path, form).await.code(), "404 20404", "{method} {path}");
        }
        let form = format!("Description=x&SinkSid={sink}{}", types_form(&["message.added"]));
        assert_eq!(ask("POST", "/v1/Subscriptions", &form).await.code(), "400 20001");
        for (list, key) in [("/v1/Sinks", "sinks"), ("/v1/Subscriptions", "subscriptions")] {
            assert_eq!(ask("GET", list, "").await.get(key).as_array().map(Vec::len), Some(0));
        }
        // And nobody is told of what another account does.
        let conversation = ask("POST", "/v1/Conversations", "").await.sid();
        ask("POST", &format!("/v1/Conversations/{conversation}/Messages"), "Body=secret").await;
        house.deliver().await;
        assert!(receiver.take().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_share_the_work_and_conversations_share_a_sink_without_waiting() {
    let receiver = Receiver::start().await;
    let database = Database::create(Engine::Postgres).await;
    let one = House::open(Engine::Postgres, &database, settings()).await;
    let other = House::join(Engine::Postgres, &database, settings(), Arc::clone(&one.ids));
    stream(&one, &receiver, "", &["message.added"]).await;
    stream(&one, &receiver, "", &["message.added"]).await;
    let mut creates = JoinSet::new();
    for number in 0..16 {
        let house = if number % 2 == 0 { one.clone() } else { other.clone() };
        creates.spawn(async move {
            let messages = format!("{}/Messages", conversation(&house).await);
            for _ in 0..10 {
                assert_eq!(house.post(&messages, &format!("Body={number}")).await.code(), "201");
                house.deliver().await;
            }
        });
    }
    creates.join_all().await;
    one.deliver().await;
    assert_eq!(bodies(&receiver.take()).len(), 2 * 160, "each came once to each sink");
    one.close();
    other.close();
    drop((one, other));
    database.remove().await;
}
