//! Accounts that have lists of their own addresses and messaging services: what is not on them is refused.

use http::Request;
use insta::assert_snapshot;
use testkit::{ACCOUNT_SID, House, Reply, on_both_with};

use super::{codes, conversation};

const ADMIN_TOKEN: &str = "the admin token";
const LISTS: &str = "Senders=%2B15017122661&Senders=whatsapp:%2B15017122662&Senders=12345\
                     &MessagingServiceSids=MG00112233445566778899AABBCCDDEEFF";
const OTHER: &str = "MG00000000000000000000000000000001";

fn settings() -> server::Settings {
    server::Settings { admin_tokens: vec![ADMIN_TOKEN.to_owned()], ..server::Settings::default() }
}

/// An update of the account, with the server's token.
async fn change(house: &House, form: &str) -> Reply {
    let request = Request::post(format!("/tertulia/v1/Accounts/{ACCOUNT_SID}"))
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
        .header("content-type", "application/x-www-form-urlencoded");
    house.send_as_is(request, form).await
}

#[tokio::test]
async fn lists_are_set_shown_and_cleared() {
    let told = on_both_with(settings(), async |house| {
        house.note(change(house, LISTS).await.text());
        let unchanged = change(house, "FriendlyName=Mine").await;
        house.note(unchanged.get("senders").to_string());
        house.note(change(house, "Senders=%2B15017122661&Senders=nobody").await.text());
        house.note(change(house, "MessagingServiceSids=MG1").await.text());
        let cleared = change(house, "Senders=&MessagingServiceSids=").await;
        house.note(format!("{} {}", cleared.get("senders"), cleared.get("messaging_service_sids")));
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "default_chat_service_sid": "IS00000000000000000000000000000001",
      "default_closed_timer": null,
      "default_inactive_timer": null,
      "default_messaging_service_sid": "MG00000000000000000000000000000007",
      "friendly_name": "My account",
      "messaging_service_sids": [
        "MG00112233445566778899aabbccddeeff"
      ],
      "owner_account_sid": null,
      "senders": [
        "+15017122661",
        "whatsapp:+15017122662",
        "12345"
      ],
      "sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "status": "active"
    }

    ["+15017122661","whatsapp:+15017122662","12345"]

    400 Bad Request
    {
      "code": 20001,
      "message": "Invalid value for parameter Senders: nobody",
      "more_info": "https://www.twilio.com/docs/errors/20001",
      "status": 400
    }

    400 Bad Request
    {
      "code": 20001,
      "message": "Invalid value for parameter MessagingServiceSids: MG1",
      "more_info": "https://www.twilio.com/docs/errors/20001",
      "status": 400
    }

    null null
    "#);
}

#[tokio::test]
async fn participants_use_addresses_of_the_list() {
    let told = on_both_with(settings(), async |house| {
        let before = conversation(house).await;
        let pair = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B19998887777";
        house.post(&format!("{before}/Participants"), pair).await;
        change(house, LISTS).await;
        let path = format!("{}/Participants", conversation(house).await);
        let requests: Vec<_> = [
            // Taken by somebody, but first of all not ours.
            pair,
            "MessagingBinding.Address=%2B15558675311&MessagingBinding.ProxyAddress=%2B15017122662",
            "MessagingBinding.Address=whatsapp:%2B15558675311&MessagingBinding.ProxyAddress=whatsapp:%2B15017122661",
            "MessagingBinding.Address=messenger:1&MessagingBinding.ProxyAddress=messenger:2",
            "MessagingBinding.ProjectedAddress=%2B15017122662",
            "MessagingBinding.Address=%2B15558675311&MessagingBinding.ProxyAddress=%2B15017122661",
            "MessagingBinding.Address=%2B15558675312&MessagingBinding.ProxyAddress=12345",
            "MessagingBinding.Address=whatsapp:%2B15558675311&MessagingBinding.ProxyAddress=whatsapp:%2B15017122662",
            "MessagingBinding.Address=alice@example.org",
            "Identity=alice",
        ]
        .into_iter()
        .map(|form| (path.clone(), form))
        .collect();
        house.note(codes(house, &requests).await);
        // What was there before the list stays, and goes.
        let there = house.get(&format!("{before}/Participants")).await.get("participants");
        let there = format!("{before}/Participants/{}", there[0]["sid"].as_str().expect("a sid"));
        assert_eq!(house.post(&there, "Attributes=%7B%7D").await.code(), "200");
        assert_eq!(house.delete(&there).await.code(), "204");
    })
    .await;
    assert_snapshot!(told, @"
    MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B19998887777 -> 403 50413
    MessagingBinding.Address=%2B15558675311&MessagingBinding.ProxyAddress=%2B15017122662 -> 403 50413
    MessagingBinding.Address=whatsapp:%2B15558675311&MessagingBinding.ProxyAddress=whatsapp:%2B15017122661 -> 400 50415
    MessagingBinding.Address=messenger:1&MessagingBinding.ProxyAddress=messenger:2 -> 403 50413
    MessagingBinding.ProjectedAddress=%2B15017122662 -> 403 50439
    MessagingBinding.Address=%2B15558675311&MessagingBinding.ProxyAddress=%2B15017122661 -> 201
    MessagingBinding.Address=%2B15558675312&MessagingBinding.ProxyAddress=12345 -> 201
    MessagingBinding.Address=whatsapp:%2B15558675311&MessagingBinding.ProxyAddress=whatsapp:%2B15017122662 -> 201
    MessagingBinding.Address=alice@example.org -> 201
    Identity=alice -> 201
    ");
}

#[tokio::test]
async fn what_changes_or_comes_together_is_held_against_the_list_too() {
    let told = on_both_with(settings(), async |house| {
        change(house, LISTS).await;
        let group = format!("{}/Participants", conversation(house).await);
        let phone = house.post(&group, "MessagingBinding.Address=%2B15558675310").await.sid();
        let projected = "MessagingBinding.ProjectedAddress=%2B15017122661";
        assert_eq!(house.post(&group, projected).await.code(), "201");
        let chat = format!("{}/Participants", conversation(house).await);
        let alice = house.post(&chat, "Identity=alice").await.sid();
        let requests = [
            (format!("{group}/{phone}"), "MessagingBinding.ProxyAddress=%2B19998887777"),
            (format!("{group}/{phone}"), "MessagingBinding.ProxyAddress=12345"),
            (format!("{chat}/{alice}"), "MessagingBinding.ProjectedAddress=%2B19998887777"),
            (format!("{chat}/{alice}"), projected),
        ];
        house.note(codes(house, &requests).await);
        let together = |binding: &str| {
            let text = format!("{{\"messaging_binding\":{binding}}}");
            let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            format!("Participant={text}")
        };
        for binding in [
            r#"{"address":"+15558675399","proxy_address":"+19998887777"}"#,
            r#"{"address":"+15558675399","proxy_address":"+15017122661"}"#,
        ] {
            let reply = house.post("/v1/ConversationWithParticipants", &together(binding)).await;
            house.note(format!("{binding} -> {}", reply.code()));
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    MessagingBinding.ProxyAddress=%2B19998887777 -> 403 50413
    MessagingBinding.ProxyAddress=12345 -> 200
    MessagingBinding.ProjectedAddress=%2B19998887777 -> 403 50439
    MessagingBinding.ProjectedAddress=%2B15017122661 -> 200

    {"address":"+15558675399","proxy_address":"+19998887777"} -> 403 50413

    {"address":"+15558675399","proxy_address":"+15017122661"} -> 202
    "#);
}

#[tokio::test]
async fn address_configurations_are_of_the_list_but_for_chat() {
    let told = on_both_with(settings(), async |house| {
        change(house, LISTS).await;
        let list = "/v1/Configuration/Addresses";
        let requests: Vec<_> = [
            "Type=sms&Address=%2B19998887777",
            "Type=whatsapp&Address=whatsapp:%2B15017122661",
            "Type=sms&Address=%2B15017122661",
            "Type=whatsapp&Address=whatsapp:%2B15017122662",
            "Type=chat&Address=reception",
        ]
        .into_iter()
        .map(|form| (list.to_owned(), form))
        .collect();
        house.note(codes(house, &requests).await);
    })
    .await;
    assert_snapshot!(told, @"
    Type=sms&Address=%2B19998887777 -> 403 50413
    Type=whatsapp&Address=whatsapp:%2B15017122661 -> 400 50415
    Type=sms&Address=%2B15017122661 -> 201
    Type=whatsapp&Address=whatsapp:%2B15017122662 -> 201
    Type=chat&Address=reception -> 201
    ");
}

#[tokio::test]
async fn messaging_services_are_of_the_list_or_the_default_one() {
    let told = on_both_with(settings(), async |house| {
        let named = |name: &str, sid: &str| format!("{name}={sid}");
        let unlisted = house.post("/v1/Conversations", &named("MessagingServiceSid", OTHER)).await.sid();
        change(house, LISTS).await;
        let default = house.get("/v1/Configuration").await.field("default_messaging_service_sid");
        assert_eq!(house.post("/v1/Conversations", "").await.field("messaging_service_sid"), default);
        let made = conversation(house).await;
        let other = named("MessagingServiceSid", OTHER);
        let ours = "MessagingServiceSid=MG00112233445566778899aabbccddeeff";
        let default = named("MessagingServiceSid", &default);
        let configured = named("DefaultMessagingServiceSid", OTHER);
        let requests = [
            ("/v1/Conversations".to_owned(), &*other),
            ("/v1/ConversationWithParticipants".to_owned(), &*other),
            (made.clone(), &*other),
            ("/v1/Configuration".to_owned(), &*configured),
            ("/v1/Conversations".to_owned(), ours),
            (made.clone(), ours),
            (made, &*default),
            // What a conversation has already is no change.
            (format!("/v1/Conversations/{unlisted}"), &*other),
            ("/v1/Configuration".to_owned(), "DefaultMessagingServiceSid=MG00112233445566778899aabbccddeeff"),
        ];
        house.note(codes(house, &requests).await);
    })
    .await;
    assert_snapshot!(told, @"
    MessagingServiceSid=MG00000000000000000000000000000001 -> 400 50342
    MessagingServiceSid=MG00000000000000000000000000000001 -> 400 50342
    MessagingServiceSid=MG00000000000000000000000000000001 -> 400 50342
    DefaultMessagingServiceSid=MG00000000000000000000000000000001 -> 400 50342
    MessagingServiceSid=MG00112233445566778899aabbccddeeff -> 201
    MessagingServiceSid=MG00112233445566778899aabbccddeeff -> 200
    MessagingServiceSid=MG00000000000000000000000000000007 -> 200
    MessagingServiceSid=MG00000000000000000000000000000001 -> 200
    DefaultMessagingServiceSid=MG00112233445566778899aabbccddeeff -> 200
    ");
}
