//! `/v1/Conversations/{ConversationSid}/Participants`: joining, leaving, being found.

use insta::assert_snapshot;
use testkit::on_both;

use super::{codes, conversation};

#[tokio::test]
async fn a_chat_participant_has_twelve_fields_and_makes_its_user() {
    let told = on_both(async |house| {
        let conversation = conversation(house).await;
        let reply = house
            .post(&format!("{conversation}/Participants"), "Identity=alice&Attributes=%7B%22a%22%3A%201%7D")
            .await;
        house.note(reply.text());
        let user = house.get("/v1/Users/alice").await;
        house.note(user.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{\"a\": 1}",
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "identity": "alice",
      "last_read_message_index": null,
      "last_read_timestamp": null,
      "messaging_binding": null,
      "role_sid": "RL00000000000000000000000000000005",
      "sid": "MB0000000000000000000000000000000b",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants/MB0000000000000000000000000000000b"
    }

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
        "user_conversations": "http://tertulia.test/v1/Users/US0000000000000000000000000000000c/Conversations"
      },
      "role_sid": "RL00000000000000000000000000000003",
      "sid": "US0000000000000000000000000000000c",
      "url": "http://tertulia.test/v1/Users/US0000000000000000000000000000000c"
    }
    "#);
}

#[tokio::test]
async fn every_kind_shows_the_members_of_its_binding() {
    let told = on_both(async |house| {
        let mut bindings = Vec::new();
        for form in [
            "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15017122661",
            "MessagingBinding.Address=whatsapp:%2B15558675310&MessagingBinding.ProxyAddress=whatsapp:%2B15017122661",
            "MessagingBinding.Address=rcs:%2B15558675310&MessagingBinding.ProxyAddress=rcs:brand_agent",
            "MessagingBinding.Address=messenger:123&MessagingBinding.ProxyAddress=messenger:456",
            "MessagingBinding.Address=%2B15558675311",
            "Identity=alice&MessagingBinding.ProjectedAddress=%2B15017122662",
            "MessagingBinding.ProjectedAddress=%2B15017122662",
        ] {
            let path = format!("{}/Participants", conversation(house).await);
            let reply = house.post(&path, form).await;
            bindings.push(format!("{} {}", reply.status.as_u16(), reply.get("messaging_binding")));
        }
        house.note(bindings.join("\n"));
    })
    .await;
    assert_snapshot!(told, @r#"
    201 {"address":"+15558675310","proxy_address":"+15017122661","type":"sms"}
    201 {"address":"whatsapp:+15558675310","proxy_address":"whatsapp:+15017122661","type":"whatsapp"}
    201 {"address":"rcs:+15558675310","proxy_address":"rcs:brand_agent","type":"rcs"}
    201 {"address":"messenger:123","proxy_address":"messenger:456","type":"messenger"}
    201 {"address":"+15558675311","type":"sms"}
    201 {"projected_address":"+15017122662","type":"sms"}
    201 {"projected_address":"+15017122662","type":"sms"}
    "#);
}

#[tokio::test]
async fn the_service_path_names_the_service() {
    let told = on_both(async |house| {
        let service = house.get("/v1/Services").await.get("services")[0]["sid"].clone();
        let service = service.as_str().expect("a sid");
        let sid = house.post(&format!("/v1/Services/{service}/Conversations"), "").await.sid();
        let path = format!("/v1/Services/{service}/Conversations/{sid}/Participants");
        house.note(house.post(&path, "Identity=alice").await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{}",
      "chat_service_sid": "IS00000000000000000000000000000001",
      "conversation_sid": "CH0000000000000000000000000000000a",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "identity": "alice",
      "last_read_message_index": null,
      "last_read_timestamp": null,
      "messaging_binding": null,
      "role_sid": "RL00000000000000000000000000000005",
      "sid": "MB0000000000000000000000000000000c",
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Conversations/CH0000000000000000000000000000000a/Participants/MB0000000000000000000000000000000c"
    }
    "#);
}

#[tokio::test]
async fn what_cannot_be_a_participant_is_refused_with_its_code() {
    let told = on_both(async |house| {
        let path = format!("{}/Participants", conversation(house).await);
        let forms = [
            "",
            "Identity=",
            "Identity=alice&MessagingBinding.Address=%2B15558675310",
            "MessagingBinding.ProxyAddress=%2B15558675310",
            "MessagingBinding.Address=&MessagingBinding.ProxyAddress=%2B15558675310",
            "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=",
            "MessagingBinding.Address=nobody&MessagingBinding.ProxyAddress=%2B15558675310",
            "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=nobody",
            "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=whatsapp:%2B15017122661",
            "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15558675310",
            "Identity=system",
            "Identity=USaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "Identity=alice&Attributes=%7B",
            "Identity=alice&DateCreated=yesterday",
            "Identity=alice&DateUpdated=yesterday",
            "Identity=alice&RoleSid=RLaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "Identity=alice&RoleSid=admin",
        ];
        let requests: Vec<_> = forms.iter().map(|form| (path.clone(), *form)).collect();
        house.note(codes(house, &requests).await);
        assert_eq!(house.get(&path).await.get("participants"), serde_json::json!([]));
    })
    .await;
    assert_snapshot!(told, @"
     -> 400 50204
    Identity= -> 400 50204
    Identity=alice&MessagingBinding.Address=%2B15558675310 -> 400 50211
    MessagingBinding.ProxyAddress=%2B15558675310 -> 400 50411
    MessagingBinding.Address=&MessagingBinding.ProxyAddress=%2B15558675310 -> 400 50411
    MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress= -> 400 50412
    MessagingBinding.Address=nobody&MessagingBinding.ProxyAddress=%2B15558675310 -> 400 50407
    MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=nobody -> 400 50408
    MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=whatsapp:%2B15017122661 -> 400 50414
    MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15558675310 -> 400 50409
    Identity=system -> 400 50203
    Identity=USaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -> 400 50206
    Identity=alice&Attributes=%7B -> 400 50304
    Identity=alice&DateCreated=yesterday -> 400 50308
    Identity=alice&DateUpdated=yesterday -> 400 50309
    Identity=alice&RoleSid=RLaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -> 400 50100
    Identity=alice&RoleSid=admin -> 400 50100
    ");
}

#[tokio::test]
async fn an_identity_and_a_pair_take_part_once() {
    let told = on_both(async |house| {
        let (one, other) = (conversation(house).await, conversation(house).await);
        let path = format!("{one}/Participants");
        let pair = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15017122661";
        assert_eq!(house.post(&path, "Identity=alice").await.code(), "201");
        house.note(house.post(&path, "Identity=alice").await.text());
        assert_eq!(house.post(&path, pair).await.code(), "201");
        house.note(house.post(&path, pair).await.text());
        let elsewhere = format!("{other}/Participants");
        let refused = house.post(&elsewhere, pair).await;
        let (_, named) = one.rsplit_once('/').expect("a path");
        assert!(refused.field("message").ends_with(&format!("in Conversation {named}")));
        assert_eq!(house.post(&one, "State=inactive").await.code(), "200");
        assert_eq!(house.post(&elsewhere, pair).await.code(), "409 50416");
        assert_eq!(house.post(&one, "State=closed").await.code(), "200");
        assert_eq!(house.post(&elsewhere, pair).await.code(), "201");
        assert_eq!(house.post(&path, "Identity=bob").await.code(), "400 50377");
    })
    .await;
    assert_snapshot!(told, @r#"
    409 Conflict
    {
      "code": 50433,
      "message": "Participant already exists",
      "more_info": "https://www.twilio.com/docs/errors/50433",
      "status": 409
    }

    409 Conflict
    {
      "code": 50416,
      "message": "A binding for this participant and proxy address already exists in Conversation CH00000000000000000000000000000009",
      "more_info": "https://www.twilio.com/docs/errors/50416",
      "status": 409
    }
    "#);
}

#[tokio::test]
async fn a_pair_is_free_again_when_its_participant_or_conversation_goes() {
    on_both(async |house| {
        let pair = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15017122661";
        let (one, other) = (conversation(house).await, conversation(house).await);
        let sid = house.post(&format!("{one}/Participants"), pair).await.sid();
        assert_eq!(house.delete(&format!("{one}/Participants/{sid}")).await.code(), "204");
        assert_eq!(house.post(&format!("{other}/Participants"), pair).await.code(), "201");
        assert_eq!(house.delete(&other).await.code(), "204");
        assert_eq!(house.post(&format!("{one}/Participants"), pair).await.code(), "201");
    })
    .await;
}

#[tokio::test]
async fn a_group_is_known_by_its_set_of_addresses() {
    let told = on_both(async |house| {
        let (one, other) = (conversation(house).await, conversation(house).await);
        let (one, other) = (format!("{one}/Participants"), format!("{other}/Participants"));
        let requests = [
            (one.clone(), "MessagingBinding.Address=%2B15558675310"),
            (one.clone(), "MessagingBinding.Address=%2B15558675310"),
            (one.clone(), "Identity=alice"),
            (one.clone(), "Identity=alice&MessagingBinding.ProjectedAddress=%2B15017122661"),
            (one.clone(), "Identity=alice&MessagingBinding.ProjectedAddress=%2B15017122661"),
            (other.clone(), "MessagingBinding.ProjectedAddress=%2B15017122661"),
            (other.clone(), "MessagingBinding.Address=%2B15558675310"),
            (other.clone(), "MessagingBinding.Address=%2B15558675311"),
        ];
        house.note(codes(house, &requests).await);
    })
    .await;
    assert_snapshot!(told, @"
    MessagingBinding.Address=%2B15558675310 -> 201
    MessagingBinding.Address=%2B15558675310 -> 409 50437
    Identity=alice -> 400 50434
    Identity=alice&MessagingBinding.ProjectedAddress=%2B15017122661 -> 201
    Identity=alice&MessagingBinding.ProjectedAddress=%2B15017122661 -> 409 50437
    MessagingBinding.ProjectedAddress=%2B15017122661 -> 201
    MessagingBinding.Address=%2B15558675310 -> 409 50438
    MessagingBinding.Address=%2B15558675311 -> 201
    ");
}

#[tokio::test]
async fn a_participant_is_found_by_sid_and_by_identity() {
    let told = on_both(async |house| {
        let path = format!("{}/Participants", conversation(house).await);
        let sid = house.post(&path, "Identity=alice%40example.org").await.sid();
        let by_sid = house.get(&format!("{path}/{sid}")).await;
        let by_identity = house.get(&format!("{path}/alice%40example.org")).await;
        assert_eq!(by_sid.text(), by_identity.text());
        house.note(house.get(&format!("{path}/bob")).await.text());
        assert_eq!(house.delete(&format!("{path}/alice%40example.org")).await.code(), "204");
        assert_eq!(house.delete(&format!("{path}/{sid}")).await.code(), "404 20404");
        assert_eq!(house.post(&path, "Identity=alice%40example.org").await.code(), "201");
    })
    .await;
    assert_snapshot!(told, @r#"
    404 Not Found
    {
      "code": 20404,
      "message": "The requested resource /Conversations/CH00000000000000000000000000000009/Participants/bob was not found",
      "more_info": "https://www.twilio.com/docs/errors/20404",
      "status": 404
    }
    "#);
}

#[tokio::test]
async fn the_list_is_in_the_order_of_joining_and_pages_both_ways() {
    let told = on_both(async |house| {
        let path = format!("{}/Participants", conversation(house).await);
        for identity in ["alice", "bob", "carol"] {
            house.post(&path, &format!("Identity={identity}")).await;
        }
        let first = house.get(&format!("{path}?PageSize=2")).await;
        house.note(first.text());
        let next = first.get("meta")["next_page_url"].as_str().expect("there is more").to_owned();
        let next = next.strip_prefix("http://tertulia.test").expect("the URL is on the host");
        let second = house.get(next).await;
        assert_eq!(second.get("participants")[0]["identity"], "carol");
        assert_eq!(second.get("meta")["next_page_url"], serde_json::Value::Null);
        let back = second.get("meta")["previous_page_url"].as_str().expect("there is less").to_owned();
        let back = house.get(back.strip_prefix("http://tertulia.test").expect("on the host")).await;
        assert_eq!(back.get("participants"), first.get("participants"));
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "meta": {
        "first_page_url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants?PageSize=2&Page=0",
        "key": "participants",
        "next_page_url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants?PageSize=2&Page=1&PageToken=PTeyJvIjoiYSIsImF0IjozLCJzaWQiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwZSIsImxpc3QiOjE3MjczNDc1Njg2MjYxMTM1NjAwfQ",
        "page": 0,
        "page_size": 2,
        "previous_page_url": null,
        "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants?PageSize=2&Page=0"
      },
      "participants": [
        {
          "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "attributes": "{}",
          "conversation_sid": "CH00000000000000000000000000000009",
          "date_created": "2026-01-01T00:00:00Z",
          "date_updated": "2026-01-01T00:00:00Z",
          "identity": "alice",
          "last_read_message_index": null,
          "last_read_timestamp": null,
          "messaging_binding": null,
          "role_sid": "RL00000000000000000000000000000005",
          "sid": "MB0000000000000000000000000000000b",
          "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants/MB0000000000000000000000000000000b"
        },
        {
          "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "attributes": "{}",
          "conversation_sid": "CH00000000000000000000000000000009",
          "date_created": "2026-01-01T00:00:00Z",
          "date_updated": "2026-01-01T00:00:00Z",
          "identity": "bob",
          "last_read_message_index": null,
          "last_read_timestamp": null,
          "messaging_binding": null,
          "role_sid": "RL00000000000000000000000000000005",
          "sid": "MB0000000000000000000000000000000e",
          "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants/MB0000000000000000000000000000000e"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_number_is_an_address_or_stands_in_for_one_and_an_email_address_is_there_once() {
    let told = on_both(async |house| {
        let path = format!("{}/Participants", conversation(house).await);
        let requests = [
            (path.clone(), "MessagingBinding.Address=%2B15570001"),
            (path.clone(), "MessagingBinding.ProjectedAddress=%2B15570001"),
            (path.clone(), "MessagingBinding.Address=a%40example.org"),
            (path.clone(), "MessagingBinding.Address=a%40example.org"),
        ];
        house.note(codes(house, &requests).await);
        let other = format!("{}/Participants", conversation(house).await);
        let pair = "MessagingBinding.Address=whatsapp:%2B15570002&MessagingBinding.ProxyAddress=whatsapp:%2B15570003";
        let sid = house.post(&other, pair).await.sid();
        let removed = house.post(&format!("{other}/{sid}"), "MessagingBinding.ProxyAddress=null").await;
        assert_eq!(removed.code(), "400 50440");
        let phone = format!("{}/Participants", conversation(house).await);
        let sid = house.post(&phone, "MessagingBinding.Address=%2B15570004").await.sid();
        let paired = house.post(&format!("{phone}/{sid}"), "MessagingBinding.ProxyAddress=%2B15570005").await;
        assert!(paired.field("role_sid").starts_with("RL"));
    })
    .await;
    assert_snapshot!(told, @"
    MessagingBinding.Address=%2B15570001 -> 201
    MessagingBinding.ProjectedAddress=%2B15570001 -> 400 50409
    MessagingBinding.Address=a%40example.org -> 201
    MessagingBinding.Address=a%40example.org -> 409 50433
    ");
}
