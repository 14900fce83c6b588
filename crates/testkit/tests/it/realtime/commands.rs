//! Commands: what the SDK's methods send, and what is answered.

use http::Method;
use insta::assert_snapshot;
use serde_json::Value;
use testkit::{Client, House, on_both};

/// Alice, and a conversation whose administrator she is.
pub async fn room(house: &House) -> (Client, String) {
    let sid = house.post("/v1/Conversations", "UniqueName=room").await.sid();
    let path = format!("/Conversations/{sid}");
    let roles = house.get("/v1/Roles").await.json();
    let is_admin = |role: &&Value| role["friendly_name"] == "channel admin";
    let role =
        roles["roles"].as_array().and_then(|roles| roles.iter().find(is_admin)).expect("it is founded");
    let form = format!("Identity=alice&RoleSid={}", role["sid"].as_str().expect("a sid"));
    // A user who is there already would cost PostgreSQL a second run, and with it a sid.
    assert_eq!(house.post(&format!("/v1{path}/Participants"), &form).await.code(), "201");
    (house.client("alice").await, path)
}

fn sid_of(path: &str) -> &str {
    path.rsplit('/').next().expect("a path has a last segment")
}

#[tokio::test]
async fn a_conversation_is_created_changed_and_deleted() {
    let told = on_both(async |house| {
        let alice = house.client("alice").await;
        let made = r#"{"friendly_name":"The room","unique_name":"room","attributes":"{\"a\":1}"}"#;
        let made = alice.post("/Conversations", made).await;
        house.note(made.text());
        let path = format!("/Conversations/{}", made.sid());
        alice.post(&format!("{path}/Participants"), r#"{"identity":"alice"}"#).await;
        house.note(alice.get(&path).await.text());
        let changed = alice.post(&path, r#"{"unique_name":null,"attributes":"{}"}"#).await.json();
        assert!(changed["unique_name"].is_null() && changed["attributes"] == "{}", "{changed}");
        house.note(alice.delete(&path).await.text());
        house.note(alice.get(&path).await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{\"a\":1}",
      "bindings": {},
      "chat_service_sid": "IS00000000000000000000000000000001",
      "created_by": "alice",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": "The room",
      "links": {
        "messages": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH0000000000000000000000000000000b/Messages",
        "participants": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH0000000000000000000000000000000b/Participants"
      },
      "messages_count": 0,
      "messaging_service_sid": "MG00000000000000000000000000000007",
      "participants_count": 0,
      "sid": "CH0000000000000000000000000000000b",
      "state": "active",
      "sync_objects": {
        "conversation": "CH0000000000000000000000000000000b.channel",
        "messages": "CH0000000000000000000000000000000b.messages",
        "participants": "CH0000000000000000000000000000000b.roster"
      },
      "timers": {},
      "unique_name": "room",
      "url": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH0000000000000000000000000000000b"
    }

    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{\"a\":1}",
      "bindings": {},
      "chat_service_sid": "IS00000000000000000000000000000001",
      "created_by": "alice",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": "The room",
      "last_read_message_index": null,
      "links": {
        "messages": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH0000000000000000000000000000000b/Messages",
        "participants": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH0000000000000000000000000000000b/Participants"
      },
      "messages_count": 0,
      "messaging_service_sid": "MG00000000000000000000000000000007",
      "notification_level": "default",
      "participants_count": 1,
      "sid": "CH0000000000000000000000000000000b",
      "state": "active",
      "status": "joined",
      "sync_objects": {
        "conversation": "CH0000000000000000000000000000000b.channel",
        "messages": "CH0000000000000000000000000000000b.messages",
        "participants": "CH0000000000000000000000000000000b.roster"
      },
      "timers": {},
      "unique_name": "room",
      "url": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH0000000000000000000000000000000b"
    }

    204 No Content

    404 Not Found
    {
      "code": 50350,
      "message": "Conversation not found",
      "status": 404
    }
    "#);
}

#[tokio::test]
async fn participants_join_and_leave() {
    let told = on_both(async |house| {
        let (alice, path) = room(house).await;
        let participants = format!("{path}/Participants");
        let added = r#"{"identity":"bob b/c","attributes":"{\"role\":\"guest\"}"}"#;
        house.note(alice.post(&participants, added).await.text());
        house.note(alice.post(&participants, added).await.text());
        let bound =
            r#"{"attributes":"{}","messaging_binding":{"address":"+15550001","proxy_address":"+15550002"}}"#;
        let bound = alice.post(&participants, bound).await;
        house.note(bound.get("messaging_binding").to_string());
        let one = format!("{participants}/{}", bound.sid());
        house.note(alice.post(&one, r#"{"attributes":"{\"b\":2}"}"#).await.field("attributes"));
        house.note(alice.delete(&one).await.code());
        house.note(alice.delete(&format!("{participants}/bob%20b%2Fc")).await.code());
        house.note(alice.delete(&format!("{participants}/alice")).await.code());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{\"role\":\"guest\"}",
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "identity": "bob b/c",
      "last_read_message_index": null,
      "last_read_timestamp": null,
      "messaging_binding": null,
      "role_sid": "RL00000000000000000000000000000005",
      "sid": "MB00000000000000000000000000000011",
      "url": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009/Participants/MB00000000000000000000000000000011"
    }

    409 Conflict
    {
      "code": 50433,
      "message": "Participant already exists",
      "status": 409
    }

    {"address":"+15550001","proxy_address":"+15550002","type":"sms"}

    {"b":2}

    204

    204

    204
    "#);
}

#[tokio::test]
async fn messages_are_sent_edited_and_removed() {
    let told = on_both(async |house| {
        let (alice, path) = room(house).await;
        let messages = format!("{path}/Messages");
        let sent = r#"{"body":"hello \ud83d\udc4b","attributes":"{\"a\":1}","subject":"greeting"}"#;
        let sent = alice.post(&messages, sent).await;
        house.note(sent.text());
        let one = format!("{messages}/{}", sent.sid());
        house.note(alice.post(&one, r#"{"body":"bye"}"#).await.field("body"));
        house.note(alice.get(&format!("{one}/Receipts")).await.text());
        house.note(alice.delete(&one).await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{\"a\":1}",
      "author": "alice",
      "body": "hello 👋",
      "content_sid": null,
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "delivery": null,
      "index": 0,
      "links": {
        "channel_metadata": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009/Messages/IM00000000000000000000000000000011/ChannelMetadata",
        "delivery_receipts": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009/Messages/IM00000000000000000000000000000011/Receipts"
      },
      "media": null,
      "participant_sid": "MB0000000000000000000000000000000c",
      "sid": "IM00000000000000000000000000000011",
      "subject": "greeting",
      "url": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009/Messages/IM00000000000000000000000000000011"
    }

    bye

    200 OK
    {
      "delivery_receipts": [],
      "meta": {
        "next_token": null,
        "previous_token": null
      }
    }

    204 No Content
    "#);
}

#[tokio::test]
async fn detailed_receipts_are_listed_page_by_page() {
    let told = on_both(async |house| {
        let (alice, path) = room(house).await;
        for number in 1..=2 {
            let binding = format!(r#"{{"address":"+1555000{number}","proxy_address":"+15559999"}}"#);
            let binding = format!(r#"{{"messaging_binding":{binding}}}"#);
            alice.post(&format!("{path}/Participants"), &binding).await;
        }
        let message = alice.post(&format!("{path}/Messages"), r#"{"body":"x"}"#).await.sid();
        let receipts = format!("{path}/Messages/{message}/Receipts");
        let first = alice.get(&format!("{receipts}?PageSize=1")).await;
        house.note(first.text());
        let token = first.json()["meta"]["next_token"].as_str().expect("there is more").to_owned();
        let last = alice.get(&format!("{receipts}?PageSize=1&PageToken={token}")).await.json();
        assert!(last["meta"]["next_token"].is_null(), "{last}");
        let back = last["meta"]["previous_token"].as_str().expect("there is one before").to_owned();
        let back = alice.get(&format!("{receipts}?PageSize=1&PageToken={back}")).await.json();
        assert_eq!(back["delivery_receipts"], first.get("delivery_receipts"));
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "delivery_receipts": [
        {
          "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "channel_message_sid": null,
          "conversation_sid": "CH00000000000000000000000000000009",
          "date_created": "2026-01-01T00:00:00Z",
          "date_updated": "2026-01-01T00:00:00Z",
          "error_code": null,
          "message_sid": "IM00000000000000000000000000000013",
          "participant_sid": "MB00000000000000000000000000000011",
          "sid": "DY00000000000000000000000000000014",
          "status": null,
          "url": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009/Messages/IM00000000000000000000000000000013/Receipts/DY00000000000000000000000000000014"
        }
      ],
      "meta": {
        "next_token": "PTeyJvIjoiYSIsImF0IjowLCJzaWQiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAxMSIsImxpc3QiOjE0NTgwODM4NjQ2MTgyMDUxMjMzfQ",
        "previous_token": null
      }
    }
    "#);
}

#[tokio::test]
async fn what_only_clients_ask_for_is_answered() {
    let told = on_both(async |house| {
        let (alice, path) = room(house).await;
        let binding = r#"{"messaging_binding":{"address":"+15550001","proxy_address":"+15559999"}}"#;
        alice.post(&format!("{path}/Participants"), binding).await;
        let message = alice.post(&format!("{path}/Messages"), r#"{"body":"x"}"#).await.sid();
        house.note(alice.get(&format!("{path}/MessageRecipients?MessageSid={message}")).await.text());
        house.note(alice.get(&format!("{path}/Messages/{message}/ChannelMetadata")).await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "message_recipients": [
        {
          "address": "+15550001",
          "level": null,
          "message_sid": "IM00000000000000000000000000000012",
          "name": null,
          "type": "sms"
        }
      ],
      "meta": {
        "next_token": null,
        "previous_token": null
      }
    }

    404 Not Found
    {
      "code": 50530,
      "message": "Channel Metadata not found",
      "status": 404
    }
    "#);
}

#[tokio::test]
async fn my_conversations_are_what_is_ones_own() {
    let told = on_both(async |house| {
        let (alice, path) = room(house).await;
        alice.post(&format!("{path}/Messages"), r#"{"body":"one"}"#).await;
        house.note(alice.get(&alice.mine("")).await.text());
        let by_name = alice.get(&alice.mine("/room")).await.json();
        let mine = alice.mine(&format!("/{}", sid_of(&path)));
        assert_eq!(by_name, alice.get(&mine).await.json());
        for change in [
            r#"{"last_read_message_index":0}"#,
            r#"{"last_read_message_index":null}"#,
            r#"{"notification_level":"muted"}"#,
            r#"{"notification_level":"loud"}"#,
            r#"{"last_read_message_index":-1}"#,
        ] {
            let answer = alice.post(&mine, change).await;
            let members = ["last_read_message_index", "unread_messages_count", "notification_level", "code"];
            let members = members.map(|name| answer.json()[name].to_string());
            house.note(format!("{change}: {}", members.join(" ")));
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "conversations": [
        {
          "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "attributes": "{}",
          "chat_service_sid": "IS00000000000000000000000000000001",
          "conversation_sid": "CH00000000000000000000000000000009",
          "conversation_state": "active",
          "created_by": "system",
          "date_created": "2026-01-01T00:00:00Z",
          "date_updated": "2026-01-01T00:00:00Z",
          "friendly_name": null,
          "last_read_message_index": null,
          "links": {
            "conversation": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009",
            "participant": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009/Participants/MB0000000000000000000000000000000c"
          },
          "notification_level": "default",
          "participant_sid": "MB0000000000000000000000000000000c",
          "status": "joined",
          "sync_objects": {
            "conversation": "CH00000000000000000000000000000009.channel",
            "messages": "CH00000000000000000000000000000009.messages",
            "participants": "CH00000000000000000000000000000009.roster"
          },
          "timers": {},
          "unique_name": "room",
          "unread_messages_count": null,
          "url": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Users/US0000000000000000000000000000000d/Conversations/CH00000000000000000000000000000009",
          "user_sid": "US0000000000000000000000000000000d"
        }
      ],
      "meta": {
        "next_token": null,
        "previous_token": null
      }
    }

    {"last_read_message_index":0}: 0 0 "default" null

    {"last_read_message_index":null}: null null "default" null

    {"notification_level":"muted"}: null null "muted" null

    {"notification_level":"loud"}: null null null 50210

    {"last_read_message_index":-1}: null null null 50421
    "#);
}

#[tokio::test]
async fn nobody_moves_in_my_conversations_while_they_are_read() {
    on_both(async |house| {
        let alice = house.client("alice").await;
        for _ in 0..5 {
            let sid = alice.post("/Conversations", "{}").await.sid();
            alice.post(&format!("/Conversations/{sid}/Participants"), r#"{"identity":"alice"}"#).await;
        }
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = alice.get(&alice.mine(&format!("?PageSize=2{token}"))).await.json();
            let of_page = page["conversations"].as_array().expect("a list").clone();
            seen.extend(of_page.iter().map(|one| one["conversation_sid"].clone()));
            // The one that would be last in the order of activity becomes the first.
            let last = house.get("/v1/Users/alice/Conversations?PageSize=50").await.json();
            let last = last["conversations"].as_array().expect("a list").last().expect("one").clone();
            let last = last["conversation_sid"].as_str().expect("a sid").to_owned();
            house.clock.advance_seconds(1);
            alice.post(&format!("/Conversations/{last}/Messages"), r#"{"body":"x"}"#).await;
            let Some(next) = page["meta"]["next_token"].as_str() else { break };
            token = format!("&PageToken={next}");
        }
        let mut sorted = seen.clone();
        sorted.sort_by_key(ToString::to_string);
        sorted.dedup();
        assert_eq!((seen.len(), &seen), (5, &sorted));
    })
    .await;
}

#[tokio::test]
async fn users_are_shown_and_change_themselves() {
    let told = on_both(async |house| {
        let alice = house.client("alice").await;
        house.note(alice.get("/Users/alice").await.text());
        let changed = r#"{"friendly_name":"Alice","attributes":"{\"a\":1}"}"#;
        let changed = alice.post("/Users/alice", changed).await;
        house.note(format!("{} {}", changed.field("friendly_name"), changed.field("attributes")));
        house.note(alice.get("/Users/nobody").await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{}",
      "chat_service_sid": "IS00000000000000000000000000000001",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": null,
      "identity": "alice",
      "is_notifiable": null,
      "is_online": null,
      "links": {
        "user_conversations": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Users/US00000000000000000000000000000009/Conversations"
      },
      "role_sid": "RL00000000000000000000000000000003",
      "sid": "US00000000000000000000000000000009",
      "sync_objects": {
        "user_info_map": "US00000000000000000000000000000009.info"
      },
      "url": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Users/US00000000000000000000000000000009"
    }

    Alice {"a":1}

    404 Not Found
    {
      "code": 50200,
      "message": "User not found",
      "status": 404
    }
    "#);
}

#[tokio::test]
async fn what_is_wrong_is_told_as_errors_are_read() {
    let told = on_both(async |house| {
        let (alice, path) = room(house).await;
        house.note(alice.post(&format!("{path}/Messages"), "[]").await.text());
        house.note(alice.post("/Conversations", r#"{"unique_name":"room"}"#).await.text());
        let gone = "/Conversations/CH00000000000000000000000000000fff";
        // Of two things that are wrong, the path is told first.
        house.note(alice.post(gone, "[]").await.text());
        let missing = "/Client/v2/Services/IS00000000000000000000000000000fff/Users/alice";
        let others = [
            (Method::GET, missing.to_owned()),
            (Method::GET, alice.below("")),
            (Method::GET, alice.below("/")),
            (Method::GET, alice.below("/Conversations//Messages")),
            (Method::GET, alice.below("/Conversations/%ff")),
            (Method::GET, alice.below("/Roles")),
            (Method::GET, alice.below("/Bindings")),
            (Method::GET, alice.below("/Conversations")),
            (Method::PUT, alice.below(&path)),
            (Method::GET, "/Client/v2".to_owned()),
            (Method::GET, "/Client/v2/Services/".to_owned()),
            (Method::GET, String::new()),
            (Method::GET, "/v1/Conversations".to_owned()),
        ];
        for (method, path) in others {
            let code = alice.ask(method.clone(), &path, ("", "")).await.code();
            house.note(format!("{method} {path}: {code}"));
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    400 Bad Request
    {
      "code": 20001,
      "message": "The body is not a JSON object",
      "status": 400
    }

    409 Conflict
    {
      "code": 50353,
      "message": "Conversation with provided unique name already exists",
      "status": 409
    }

    404 Not Found
    {
      "code": 50350,
      "message": "Conversation not found",
      "status": 404
    }

    GET /Client/v2/Services/IS00000000000000000000000000000fff/Users/alice: 404 20404

    GET /Client/v2/Services/IS00000000000000000000000000000001: 404 20404

    GET /Client/v2/Services/IS00000000000000000000000000000001/: 404 20404

    GET /Client/v2/Services/IS00000000000000000000000000000001/Conversations//Messages: 404 20404

    GET /Client/v2/Services/IS00000000000000000000000000000001/Conversations/%ff: 404 20404

    GET /Client/v2/Services/IS00000000000000000000000000000001/Roles: 404 20404

    GET /Client/v2/Services/IS00000000000000000000000000000001/Bindings: 404 20404

    GET /Client/v2/Services/IS00000000000000000000000000000001/Conversations: 405 20004

    PUT /Client/v2/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009: 405 20004

    GET /Client/v2: 404 20404

    GET /Client/v2/Services/: 404 20404

    GET : 404 20404

    GET /v1/Conversations: 404 20404
    "#);
}
