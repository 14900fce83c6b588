//! `/v1/ConversationWithParticipants`: a conversation and its first participants, all or nothing.

use insta::assert_snapshot;
use serde_json::json;
use testkit::{House, on_both};

const PATH: &str = "/v1/ConversationWithParticipants";

/// The form with these participants, after the other parameters.
fn form(others: &str, participants: &[&str]) -> String {
    let mut form = form_urlencoded::Serializer::new(others.to_owned());
    form.extend_pairs(participants.iter().map(|json| ("Participant", json)));
    form.finish()
}

/// What there is of everything: conversations, users, and the conversations of a phone.
async fn census(house: &House) -> (usize, usize, usize) {
    let count = async |path: &str, key: &str| {
        house.get(path).await.get(key).as_array().map(Vec::len).expect("a list")
    };
    (
        count("/v1/Conversations", "conversations").await,
        count("/v1/Users", "users").await,
        count("/v1/ParticipantConversations?Address=%2B15558675310", "conversations").await,
    )
}

const ALICE: &str = r#"{"identity": "alice", "attributes": "{\"seat\": 1}"}"#;
const BOB: &str = r#"{"Identity": "bob"}"#;
const PHONE: &str = r#"{"messaging_binding": {"address": "+15558675310", "proxy_address": "+15017122661"}}"#;

#[tokio::test]
async fn with_participants_it_is_accepted_and_they_are_there() {
    let told = on_both(async |house| {
        let reply = house.post(PATH, &form("FriendlyName=Desk&UniqueName=desk", &[ALICE, PHONE, BOB])).await;
        house.note(reply.text());
        let path = format!("/v1/Conversations/{}", reply.sid());
        let list = house.get(&format!("{path}/Participants")).await.get("participants");
        for one in list.as_array().expect("a list") {
            let shown = ["sid", "identity", "messaging_binding", "attributes", "role_sid"]
                .map(|name| one[name].to_string());
            house.note(shown.join(" "));
        }
        let rows = house.get("/v1/Users/alice/Conversations").await.get("conversations");
        assert_eq!(rows[0]["conversation_sid"], json!(reply.sid()));
        assert_eq!(house.post(&format!("{path}/Participants"), "Identity=alice").await.code(), "409 50433");
        assert_eq!(house.post(&format!("{path}/Messages"), "Body=Hello&Author=bob").await.get("index"), 0);
        let receipts = house.get(&format!("{path}/Messages")).await.get("messages")[0]["sid"].clone();
        let receipts = receipts.as_str().expect("a sid");
        let receipts = house.get(&format!("{path}/Messages/{receipts}/Receipts")).await;
        assert_eq!(receipts.get("delivery_receipts").as_array().map(Vec::len), Some(1));
        assert_eq!(house.get("/v1/Conversations/desk").await.get("state"), "active");
    })
    .await;
    assert_snapshot!(told, @r#"
    202 Accepted
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{}",
      "bindings": {},
      "chat_service_sid": "IS00000000000000000000000000000001",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": "Desk",
      "links": {
        "messages": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages",
        "participants": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants",
        "webhooks": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Webhooks"
      },
      "messaging_service_sid": "MG00000000000000000000000000000007",
      "sid": "CH00000000000000000000000000000009",
      "state": "active",
      "timers": {},
      "unique_name": "desk",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009"
    }

    "MB0000000000000000000000000000000a" "alice" null "{\"seat\": 1}" "RL00000000000000000000000000000005"

    "MB0000000000000000000000000000000b" null {"address":"+15558675310","proxy_address":"+15017122661","type":"sms"} "{}" "RL00000000000000000000000000000005"

    "MB0000000000000000000000000000000c" "bob" null "{}" "RL00000000000000000000000000000005"
    "#);
}

#[tokio::test]
async fn without_participants_it_is_made() {
    let told = on_both(async |house| {
        let parameters = "State=inactive&Timers.Inactive=PT1M&Timers.Closed=PT10M&\
             DateUpdated=2015-12-16T22:18:38Z&Attributes=%7B%22a%22%3A%201%7D";
        let service = house.get("/v1/Services").await.get("services")[0]["sid"].clone();
        let service = service.as_str().expect("a sid");
        let reply =
            house.post(&format!("/v1/Services/{service}/ConversationWithParticipants"), parameters).await;
        house.note(reply.text());
        assert_eq!(house.get(PATH).await.code(), "405 20004");
        let nowhere = "/v1/Services/ISffffffffffffffffffffffffffffffff/ConversationWithParticipants";
        assert_eq!(house.post(nowhere, "Participant=x").await.code(), "404 20404");
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{\"a\": 1}",
      "bindings": {},
      "chat_service_sid": "IS00000000000000000000000000000001",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2015-12-16T22:18:38Z",
      "friendly_name": null,
      "links": {
        "messages": "http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Conversations/CH0000000000000000000000000000000a/Messages",
        "participants": "http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Conversations/CH0000000000000000000000000000000a/Participants",
        "webhooks": "http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Conversations/CH0000000000000000000000000000000a/Webhooks"
      },
      "messaging_service_sid": "MG00000000000000000000000000000007",
      "sid": "CH0000000000000000000000000000000a",
      "state": "inactive",
      "timers": {
        "date_closed": "2015-12-16T22:28:38Z",
        "date_inactive": "2015-12-16T22:19:38Z"
      },
      "unique_name": null,
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Conversations/CH0000000000000000000000000000000a"
    }
    "#);
}

#[tokio::test]
async fn one_that_is_wrong_leaves_nothing_behind() {
    let told = on_both(async |house| {
        house.post("/v1/Conversations", "UniqueName=taken").await;
        let held = house.post(PATH, &form("", &[PHONE])).await.sid();
        let before = census(house).await;
        let other = r#"{"messaging_binding": {"address": "+15558675311", "proxy_address": "+15017122661"}}"#;
        let eleven: Vec<String> =
            (0..11).map(|number| format!("{{\"identity\":\"user-{number}\"}}")).collect();
        let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
        let cases: [(&str, &[&str]); 18] = [
            ("", &["x"]),
            ("", &[""]),
            ("", &[ALICE, "[]"]),
            ("", &[ALICE, r#"{"identity": 5}"#]),
            ("", &[ALICE, "{}"]),
            ("", &eleven),
            ("", &[ALICE, r#"{"identity": "bob", "messaging_binding": {"address": "+15558675311"}}"#]),
            (
                "",
                &[ALICE, r#"{"messaging_binding": {"address": "nobody", "proxy_address": "+15017122661"}}"#],
            ),
            ("", &[ALICE, r#"{"identity": "bob", "attributes": "{"}"#]),
            ("", &[ALICE, r#"{"identity": "bob", "role_sid": "RLffffffffffffffffffffffffffffffff"}"#]),
            ("", &[ALICE, BOB, ALICE]),
            ("", &[ALICE, other, other]),
            ("", &[ALICE, BOB, other, PHONE]),
            ("UniqueName=taken", &[ALICE, BOB]),
            ("State=closed", &[ALICE]),
            ("Timers.Closed=PT1M", &[ALICE]),
            ("Attributes=x", &[ALICE]),
            ("MessagingServiceSid=x", &[ALICE]),
        ];
        for (others, participants) in cases {
            let reply = house.post(PATH, &form(others, participants)).await;
            house.note(format!("{others} {} -> {}", participants.join(" "), reply.code()));
            assert_eq!(census(house).await, before, "{others} {participants:?}");
        }
        // What was refused holds no address and no name.
        assert_eq!(house.post(PATH, &form("", &[other])).await.code(), "202");
        assert_eq!(house.post(&format!("/v1/Conversations/{held}"), "State=closed").await.code(), "200");
        assert_eq!(house.post(PATH, &form("", &[PHONE])).await.code(), "202");
    })
    .await;
    assert_snapshot!(told, @r#"
     x -> 400 50424

      -> 400 50424

     {"identity": "alice", "attributes": "{\"seat\": 1}"} [] -> 400 50424

     {"identity": "alice", "attributes": "{\"seat\": 1}"} {"identity": 5} -> 400 50424

     {"identity": "alice", "attributes": "{\"seat\": 1}"} {} -> 400 50204

     {"identity":"user-0"} {"identity":"user-1"} {"identity":"user-2"} {"identity":"user-3"} {"identity":"user-4"} {"identity":"user-5"} {"identity":"user-6"} {"identity":"user-7"} {"identity":"user-8"} {"identity":"user-9"} {"identity":"user-10"} -> 400 50426

     {"identity": "alice", "attributes": "{\"seat\": 1}"} {"identity": "bob", "messaging_binding": {"address": "+15558675311"}} -> 400 50211

     {"identity": "alice", "attributes": "{\"seat\": 1}"} {"messaging_binding": {"address": "nobody", "proxy_address": "+15017122661"}} -> 400 50407

     {"identity": "alice", "attributes": "{\"seat\": 1}"} {"identity": "bob", "attributes": "{"} -> 400 50304

     {"identity": "alice", "attributes": "{\"seat\": 1}"} {"identity": "bob", "role_sid": "RLffffffffffffffffffffffffffffffff"} -> 400 50100

     {"identity": "alice", "attributes": "{\"seat\": 1}"} {"Identity": "bob"} {"identity": "alice", "attributes": "{\"seat\": 1}"} -> 409 50433

     {"identity": "alice", "attributes": "{\"seat\": 1}"} {"messaging_binding": {"address": "+15558675311", "proxy_address": "+15017122661"}} {"messaging_binding": {"address": "+15558675311", "proxy_address": "+15017122661"}} -> 409 50425

     {"identity": "alice", "attributes": "{\"seat\": 1}"} {"Identity": "bob"} {"messaging_binding": {"address": "+15558675311", "proxy_address": "+15017122661"}} {"messaging_binding": {"address": "+15558675310", "proxy_address": "+15017122661"}} -> 409 50425

    UniqueName=taken {"identity": "alice", "attributes": "{\"seat\": 1}"} {"Identity": "bob"} -> 409 50353

    State=closed {"identity": "alice", "attributes": "{\"seat\": 1}"} -> 400 50384

    Timers.Closed=PT1M {"identity": "alice", "attributes": "{\"seat\": 1}"} -> 400 50376

    Attributes=x {"identity": "alice", "attributes": "{\"seat\": 1}"} -> 400 50304

    MessagingServiceSid=x {"identity": "alice", "attributes": "{\"seat\": 1}"} -> 400 50341
    "#);
}

#[tokio::test]
async fn a_pair_of_a_service_that_is_gone_is_free() {
    on_both(async |house| {
        let other = house.post("/v1/Services", "FriendlyName=Other").await.sid();
        let path = format!("/v1/Services/{other}/ConversationWithParticipants");
        assert_eq!(house.post(&path, &form("", &[PHONE])).await.code(), "202");
        assert_eq!(house.post(PATH, &form("", &[PHONE])).await.code(), "409 50425");
        assert_eq!(house.delete(&format!("/v1/Services/{other}")).await.code(), "204");
        assert_eq!(house.post(PATH, &form("", &[PHONE])).await.code(), "202");
    })
    .await;
}

#[tokio::test]
async fn a_group_begins_whole_or_not_at_all() {
    let told = on_both(async |house| {
        let phone = |number: i64| format!(r#"{{"messaging_binding": {{"address": "+1555867531{number}"}}}}"#);
        let line = r#"{"messaging_binding": {"projected_address": "+15017122661"}}"#;
        let avatar = r#"{"identity": "alice", "messaging_binding": {"projected_address": "+15017122661"}}"#;
        let (one, two, three) = (phone(1), phone(2), phone(3));
        // Two of the three are a conversation of their own already: adding one by one would meet it half-way.
        let pair = house.post("/v1/Conversations", "").await.sid();
        for address in ["Address=%2B15558675311", "ProjectedAddress=%2B15017122661"] {
            let form = format!("MessagingBinding.{address}");
            assert_eq!(
                house.post(&format!("/v1/Conversations/{pair}/Participants"), &form).await.code(),
                "201"
            );
        }
        let cases: [&[&str]; 8] = [
            &[&one, line],
            &[&one, &two, ALICE],
            &[&one, &two, &three],
            &[&one, &one, line],
            &[&one, &two, avatar],
            &[&one, &two, line],
            &[&two, line, &one],
            &[&one, &two, &three, avatar],
        ];
        for participants in cases {
            let reply = house.post(PATH, &form("", participants)).await;
            house.note(format!("{} -> {}", participants.join(" "), reply.code()));
        }
        let group = house.post(PATH, &form("", &[&one, &two, line])).await;
        let message = group.field("message");
        let (_, sid) = message.rsplit_once(' ').expect("it names the conversation");
        let path = format!("/v1/Conversations/{sid}");
        assert_eq!(house.post(&format!("{path}/Messages"), "Body=1").await.code(), "400 50513");
        assert_eq!(house.post(&format!("{path}/Messages"), "Body=1&Author=alice").await.code(), "201");
        assert_eq!(house.post(&path, "State=closed").await.code(), "200");
        assert_eq!(house.post(PATH, &form("", &[&one, &two, line])).await.code(), "202");
    })
    .await;
    assert_snapshot!(told, @r#"
    {"messaging_binding": {"address": "+15558675311"}} {"messaging_binding": {"projected_address": "+15017122661"}} -> 400 50435

    {"messaging_binding": {"address": "+15558675311"}} {"messaging_binding": {"address": "+15558675312"}} {"identity": "alice", "attributes": "{\"seat\": 1}"} -> 400 50435

    {"messaging_binding": {"address": "+15558675311"}} {"messaging_binding": {"address": "+15558675312"}} {"messaging_binding": {"address": "+15558675313"}} -> 400 50435

    {"messaging_binding": {"address": "+15558675311"}} {"messaging_binding": {"address": "+15558675311"}} {"messaging_binding": {"projected_address": "+15017122661"}} -> 409 50437

    {"messaging_binding": {"address": "+15558675311"}} {"messaging_binding": {"address": "+15558675312"}} {"identity": "alice", "messaging_binding": {"projected_address": "+15017122661"}} -> 202

    {"messaging_binding": {"address": "+15558675311"}} {"messaging_binding": {"address": "+15558675312"}} {"messaging_binding": {"projected_address": "+15017122661"}} -> 409 50438

    {"messaging_binding": {"address": "+15558675312"}} {"messaging_binding": {"projected_address": "+15017122661"}} {"messaging_binding": {"address": "+15558675311"}} -> 409 50438

    {"messaging_binding": {"address": "+15558675311"}} {"messaging_binding": {"address": "+15558675312"}} {"messaging_binding": {"address": "+15558675313"}} {"identity": "alice", "messaging_binding": {"projected_address": "+15017122661"}} -> 202
    "#);
}

#[tokio::test]
async fn under_one_key_it_is_done_once_and_accepted_twice() {
    on_both(async |house| {
        let send = async || {
            let request = http::Request::post(PATH)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("idempotency-key", "one");
            house.send(request, &form("", &[ALICE, PHONE])).await
        };
        let (first, second) = (send().await, send().await);
        assert_eq!((first.code(), first.text()), ("202".to_owned(), second.text()));
        assert_eq!(census(house).await, (1, 1, 1));
    })
    .await;
}

#[tokio::test]
async fn known_users_and_new_ones_take_their_seats_together() {
    on_both(async |house| {
        let names = ["dora", "alice", "carol", "bob", "frank", "erin", "heidi", "grace", "ivan", "judy"];
        for name in &names[..6] {
            assert_eq!(house.post("/v1/Users", &format!("Identity={name}")).await.code(), "201");
        }
        let json = names.map(|name| format!("{{\"identity\":\"{name}\"}}"));
        let json: Vec<&str> = json.iter().map(String::as_str).collect();
        let reply = house.post(PATH, &form("", &json)).await;
        assert_eq!(reply.code(), "202");
        let path = format!("/v1/Conversations/{}/Participants", reply.sid());
        let list = house.get(&path).await.get("participants");
        let identities: Vec<_> =
            list.as_array().expect("a list").iter().map(|one| one["identity"].clone()).collect();
        assert_eq!(identities, names);
        assert_eq!(house.get("/v1/Users").await.get("users").as_array().map(Vec::len), Some(10));
        let fifth = house.get(&format!("{path}/erin")).await;
        assert_eq!(fifth.get("identity"), "erin");
        assert_eq!(house.delete(&format!("{path}/erin")).await.code(), "204");
    })
    .await;
}
