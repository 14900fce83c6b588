//! `/v1/Users`: created, known by identity, removed with what hangs on them.

use insta::assert_snapshot;
use testkit::on_both;

use super::{codes, conversation};

#[tokio::test]
async fn a_user_has_the_default_role_and_no_reachability() {
    let told = on_both(async |house| {
        let reply = house.post("/v1/Users", "Identity=alice&FriendlyName=Alice").await;
        house.note(reply.text());
        assert_eq!(house.get("/v1/Users/alice").await.json(), reply.json());
        assert_eq!(house.get(&format!("/v1/Users/{}", reply.sid())).await.json(), reply.json());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{}",
      "chat_service_sid": "IS00000000000000000000000000000001",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": "Alice",
      "identity": "alice",
      "is_notifiable": null,
      "is_online": null,
      "links": {
        "user_conversations": "http://tertulia.test/v1/Users/US00000000000000000000000000000009/Conversations"
      },
      "role_sid": "RL00000000000000000000000000000003",
      "sid": "US00000000000000000000000000000009",
      "url": "http://tertulia.test/v1/Users/US00000000000000000000000000000009"
    }
    "#);
}

#[tokio::test]
async fn reachability_shows_where_the_service_keeps_it_but_never_in_lists() {
    on_both(async |house| {
        let service = house.get("/v1/Services").await.get("services")[0]["sid"].clone();
        let configuration = format!("/v1/Services/{}/Configuration", service.as_str().expect("a sid"));
        house.post("/v1/Users", "Identity=alice").await;
        house.post(&configuration, "ReachabilityEnabled=TRUE").await;
        let user = house.get("/v1/Users/alice").await;
        assert_eq!((user.get("is_online"), user.get("is_notifiable")), (false.into(), ().into()));
        let list = house.get("/v1/Users").await.get("users");
        assert_eq!(list[0]["is_online"], serde_json::Value::Null);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_has_its_code() {
    let told = on_both(async |house| {
        house.post("/v1/Users", "Identity=alice").await;
        let roles = house.get("/v1/Roles").await.get("roles");
        let of_conversations = format!("Identity=bob&RoleSid={}", roles[3]["sid"].as_str().expect("a sid"));
        let forms = [
            "",
            "Identity=alice",
            "Identity=Alice",
            "Identity=system",
            "Identity=USaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            &of_conversations,
            "Identity=bob&RoleSid=RLaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "Identity=bob&Attributes=no",
        ];
        let requests: Vec<_> = forms.iter().map(|form| ("/v1/Users".to_owned(), *form)).collect();
        house.note(codes(house, &requests).await);
        let long = format!("Identity={}", "i".repeat(257));
        assert_eq!(house.post("/v1/Users", &long).await.code(), "400 50207");
    })
    .await;
    assert_snapshot!(told, @"
     -> 400 50204
    Identity=alice -> 409 50201
    Identity=Alice -> 201
    Identity=system -> 400 50203
    Identity=USaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -> 400 50206
    Identity=bob&RoleSid=RL00000000000000000000000000000005 -> 400 50102
    Identity=bob&RoleSid=RLaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -> 400 50100
    Identity=bob&Attributes=no -> 400 50304
    ");
}

#[tokio::test]
async fn an_update_keeps_what_is_not_given() {
    let told = on_both(async |house| {
        house.post("/v1/Users", "Identity=alice&FriendlyName=Alice").await;
        house.clock.advance_seconds(1);
        let form = "FriendlyName=&Attributes=%7B%22k%22%3A%22%C3%A4%22%7D";
        house.note(house.post("/v1/Users/alice", form).await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{\"k\":\"ä\"}",
      "chat_service_sid": "IS00000000000000000000000000000001",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:01Z",
      "friendly_name": "Alice",
      "identity": "alice",
      "is_notifiable": null,
      "is_online": null,
      "links": {
        "user_conversations": "http://tertulia.test/v1/Users/US00000000000000000000000000000009/Conversations"
      },
      "role_sid": "RL00000000000000000000000000000003",
      "sid": "US00000000000000000000000000000009",
      "url": "http://tertulia.test/v1/Users/US00000000000000000000000000000009"
    }
    "#);
}

#[tokio::test]
async fn a_user_who_goes_leaves_its_conversations_and_its_messages_stay() {
    on_both(async |house| {
        let conversation = conversation(house).await;
        house.post(&format!("{conversation}/Participants"), "Identity=alice").await;
        house.post(&format!("{conversation}/Messages"), "Body=hello&Author=alice").await;
        assert_eq!(house.delete("/v1/Users/alice").await.code(), "204");
        assert_eq!(house.delete("/v1/Users/alice").await.code(), "404 20404");
        assert_eq!(house.get(&format!("{conversation}/Participants/alice")).await.code(), "404 20404");
        let message = &house.get(&format!("{conversation}/Messages")).await.get("messages")[0];
        assert_eq!(message["author"], "alice");
        assert_eq!(house.post(&format!("{conversation}/Participants"), "Identity=alice").await.code(), "201");
    })
    .await;
}
