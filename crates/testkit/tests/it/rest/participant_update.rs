//! `POST /v1/Conversations/{ConversationSid}/Participants/{Sid}`: all nine parameters.

use insta::assert_snapshot;
use testkit::{House, on_both};

use super::{codes, conversation};

/// Adds a participant and tells its path.
async fn participant(house: &House, form: &str) -> String {
    let path = format!("{}/Participants", conversation(house).await);
    format!("{path}/{}", house.post(&path, form).await.sid())
}

#[tokio::test]
async fn what_is_given_changes_and_the_rest_stays() {
    let told = on_both(async |house| {
        let path = participant(house, "Identity=alice").await;
        house.clock.advance_seconds(60);
        let roles = house.get("/v1/Roles").await;
        let admin = roles.get("roles")[2]["sid"].as_str().expect("a sid").to_owned();
        let form = format!(
            "Attributes=%7B%22b%22%3A2%7D&RoleSid={admin}&LastReadMessageIndex=7&\
             LastReadTimestamp=2025-12-31T23:59:59.9Z&DateCreated=2020-02-03T04:05:06%2B01:00"
        );
        house.note(house.post(&path, &form).await.text());
        let unchanged = house.get(&path).await;
        house.clock.advance_seconds(60);
        assert_eq!(house.post(&path, "Unknown=1").await.text(), unchanged.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{\"b\":2}",
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2020-02-03T03:05:06Z",
      "date_updated": "2026-01-01T00:01:00Z",
      "identity": "alice",
      "last_read_message_index": 7,
      "last_read_timestamp": "2025-12-31T23:59:59Z",
      "messaging_binding": null,
      "role_sid": "RL00000000000000000000000000000004",
      "sid": "MB0000000000000000000000000000000b",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants/MB0000000000000000000000000000000b"
    }
    "#);
}

#[tokio::test]
async fn a_read_index_without_a_time_was_read_now_and_null_takes_both_away() {
    let told = on_both(async |house| {
        let path = participant(house, "Identity=alice").await;
        house.clock.advance_seconds(5);
        let horizon = |reply: &testkit::Reply| {
            format!("{} {}", reply.get("last_read_message_index"), reply.get("last_read_timestamp"))
        };
        let mut seen = Vec::new();
        for form in ["LastReadMessageIndex=3", "LastReadMessageIndex=1", "LastReadMessageIndex=null"] {
            seen.push(format!("{form} -> {}", horizon(&house.post(&path, form).await)));
        }
        house.note(seen.join("\n"));
        let requests: Vec<_> = [
            "LastReadMessageIndex=x",
            "LastReadMessageIndex=-1",
            "LastReadMessageIndex=%2B3",
            "LastReadMessageIndex=1.5",
            "LastReadMessageIndex=99999999999999999999",
            "LastReadTimestamp=now",
        ]
        .iter()
        .map(|form| (path.clone(), *form))
        .collect();
        house.note(codes(house, &requests).await);
    })
    .await;
    assert_snapshot!(told, @r#"
    LastReadMessageIndex=3 -> 3 "2026-01-01T00:00:05Z"
    LastReadMessageIndex=1 -> 1 "2026-01-01T00:00:05Z"
    LastReadMessageIndex=null -> null null

    LastReadMessageIndex=x -> 400 50421
    LastReadMessageIndex=-1 -> 400 50421
    LastReadMessageIndex=%2B3 -> 400 50421
    LastReadMessageIndex=1.5 -> 400 50421
    LastReadMessageIndex=99999999999999999999 -> 400 50421
    LastReadTimestamp=now -> 400 50405
    "#);
}

#[tokio::test]
async fn a_proxy_address_is_added_and_removed_but_never_replaced() {
    let told = on_both(async |house| {
        let pair = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15017122661";
        let sms = participant(house, pair).await;
        let chat = participant(house, "Identity=alice").await;
        let requests = [
            (sms.clone(), "MessagingBinding.ProxyAddress=%2B15017122661"),
            (sms.clone(), "MessagingBinding.ProxyAddress=%2B15017122662"),
            (chat.clone(), "MessagingBinding.ProxyAddress=%2B15017122662"),
            (chat.clone(), "MessagingBinding.ProxyAddress=null"),
            (sms.clone(), "MessagingBinding.ProxyAddress=NULL"),
            (sms.clone(), "MessagingBinding.ProxyAddress="),
            (sms.clone(), "MessagingBinding.ProxyAddress=nobody"),
            (sms.clone(), "MessagingBinding.ProxyAddress=whatsapp:%2B15017122662"),
            (sms.clone(), "MessagingBinding.ProxyAddress=%2B15558675310"),
            (sms.clone(), "MessagingBinding.ProxyAddress=%2B15017122662"),
        ];
        house.note(codes(house, &requests).await);
        let binding = house.get(&sms).await.get("messaging_binding").to_string();
        house.note(binding);
        // The first pair was freed with its proxy, the second is taken.
        let other = format!("{}/Participants", conversation(house).await);
        assert_eq!(house.post(&other, pair).await.code(), "201");
    })
    .await;
    assert_snapshot!(told, @r#"
    MessagingBinding.ProxyAddress=%2B15017122661 -> 400 50441
    MessagingBinding.ProxyAddress=%2B15017122662 -> 400 50441
    MessagingBinding.ProxyAddress=%2B15017122662 -> 400 50441
    MessagingBinding.ProxyAddress=null -> 400 50440
    MessagingBinding.ProxyAddress=NULL -> 200
    MessagingBinding.ProxyAddress= -> 400 50440
    MessagingBinding.ProxyAddress=nobody -> 400 50408
    MessagingBinding.ProxyAddress=whatsapp:%2B15017122662 -> 400 50414
    MessagingBinding.ProxyAddress=%2B15558675310 -> 400 50409
    MessagingBinding.ProxyAddress=%2B15017122662 -> 200

    {"address":"+15558675310","proxy_address":"+15017122662","type":"sms"}
    "#);
}

#[tokio::test]
async fn a_projected_address_comes_and_goes_and_an_identity_takes_it_over() {
    let told = on_both(async |house| {
        let chat = participant(house, "Identity=alice").await;
        let gateway = participant(house, "MessagingBinding.ProjectedAddress=%2B15017122663").await;
        let requests = [
            (chat.clone(), "MessagingBinding.ProjectedAddress=null"),
            (chat.clone(), "MessagingBinding.ProjectedAddress=%2B15017122661"),
            (chat.clone(), "MessagingBinding.ProjectedAddress=%2B15017122662"),
            (chat.clone(), "MessagingBinding.ProjectedAddress="),
            (chat.clone(), "Identity=bob"),
            (chat.clone(), "Identity="),
            (gateway.clone(), "MessagingBinding.ProjectedAddress=null"),
            (gateway.clone(), "Identity=bob"),
            (gateway.clone(), "Identity=bob"),
        ];
        house.note(codes(house, &requests).await);
        let (_, conversation) = gateway.split_once("/Conversations/").expect("a path");
        let (conversation, _) = conversation.split_once('/').expect("a path");
        let joined = house.get(&format!("/v1/Users/bob/Conversations/{conversation}")).await;
        assert_eq!(joined.code(), "200");
    })
    .await;
    assert_snapshot!(told, @"
    MessagingBinding.ProjectedAddress=null -> 400 50442
    MessagingBinding.ProjectedAddress=%2B15017122661 -> 200
    MessagingBinding.ProjectedAddress=%2B15017122662 -> 400 50443
    MessagingBinding.ProjectedAddress= -> 200
    Identity=bob -> 400 50444
    Identity= -> 400 50444
    MessagingBinding.ProjectedAddress=null -> 400 50442
    Identity=bob -> 200
    Identity=bob -> 400 50444
    ");
}

#[tokio::test]
async fn path_then_form_then_state() {
    let told = on_both(async |house| {
        let path = participant(house, "Identity=alice").await;
        let (conversation, _) = path.split_once("/Participants").expect("a path");
        let nobody = format!("{conversation}/Participants/MBaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        let nowhere = "/v1/Conversations/nowhere/Participants/alice".to_owned();
        house.post(conversation, "State=closed").await;
        let requests = [
            (nobody, "Attributes=%7B"),
            (nowhere, "Attributes=%7B"),
            (path.clone(), "Attributes=%7B"),
            (path.clone(), "Attributes=%7B%7D"),
        ];
        house.note(codes(house, &requests).await);
    })
    .await;
    assert_snapshot!(told, @"
    Attributes=%7B -> 404 20404
    Attributes=%7B -> 404 20404
    Attributes=%7B -> 400 50304
    Attributes=%7B%7D -> 400 50377
    ");
}
