//! `/v1/Services` and their configuration: the walls within an account.

use insta::assert_snapshot;
use testkit::on_both;

use super::codes;

#[tokio::test]
async fn a_service_links_to_all_that_is_in_it() {
    let told = on_both(async |house| {
        house.note(house.post("/v1/Services", "FriendlyName=Shop").await.text());
        assert_eq!(house.post("/v1/Services", "").await.code(), "400 50000");
        let long = format!("FriendlyName={}", "f".repeat(257));
        assert_eq!(house.post("/v1/Services", &long).await.code(), "400 50003");
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": "Shop",
      "links": {
        "bindings": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Bindings",
        "configuration": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Configuration",
        "conversation_with_participants": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/ConversationWithParticipants",
        "conversations": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Conversations",
        "participant_conversations": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/ParticipantConversations",
        "roles": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Roles",
        "users": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Users"
      },
      "sid": "IS00000000000000000000000000000009",
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009"
    }
    "#);
}

#[tokio::test]
async fn the_configuration_names_three_of_the_four_roles() {
    let told = on_both(async |house| {
        let sid = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let path = format!("/v1/Services/{sid}/Configuration");
        house.note(house.get(&path).await.text());
        let roles = house.get(&format!("/v1/Services/{sid}/Roles")).await.get("roles");
        let [admin, _, creator, _] =
            [0, 1, 2, 3].map(|n| roles[n]["sid"].as_str().expect("a sid").to_owned());
        let form = format!("DefaultConversationRoleSid={creator}&ReachabilityEnabled=tRuE");
        let updated = house.post(&path, &form).await;
        assert_eq!(updated.field("default_conversation_role_sid"), creator);
        assert_eq!(updated.get("reachability_enabled"), true);
        let of_service = format!("DefaultConversationRoleSid={admin}");
        let of_conversation = format!("DefaultChatServiceRoleSid={creator}");
        let requests = [
            (path.clone(), of_service.as_str()),
            (path.clone(), of_conversation.as_str()),
            (path.clone(), "DefaultChatServiceRoleSid=RLaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            (path.clone(), "ReachabilityEnabled=perhaps"),
        ];
        let codes = codes(house, &requests).await;
        let codes: Vec<&str> = codes.lines().filter_map(|line| line.rsplit(" -> ").next()).collect();
        house.note(codes.join("\n"));
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "chat_service_sid": "IS00000000000000000000000000000009",
      "default_chat_service_role_sid": "RL0000000000000000000000000000000b",
      "default_conversation_creator_role_sid": "RL0000000000000000000000000000000c",
      "default_conversation_role_sid": "RL0000000000000000000000000000000d",
      "links": {
        "notifications": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Configuration/Notifications",
        "webhooks": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Configuration/Webhooks"
      },
      "reachability_enabled": false,
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Configuration"
    }

    400 50109
    400 50102
    400 50100
    400 20001
    "#);
}

#[tokio::test]
async fn services_do_not_see_into_one_another() {
    let told = on_both(async |house| {
        let sid = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let inside = format!("/v1/Services/{sid}");
        let conversation = house.post(&format!("{inside}/Conversations"), "UniqueName=room").await;
        house.note(conversation.text());
        assert_eq!(house.get(&format!("/v1/Conversations/{}", conversation.sid())).await.code(), "404 20404");
        assert_eq!(house.post("/v1/Conversations", "UniqueName=room").await.code(), "201");
        house.post(&format!("{inside}/Users"), "Identity=alice").await;
        assert_eq!(house.get("/v1/Users/alice").await.code(), "404 20404");
        assert_eq!(house.post("/v1/Users", "Identity=alice").await.code(), "201");
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{}",
      "bindings": {},
      "chat_service_sid": "IS00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": null,
      "links": {
        "export": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Conversations/CH0000000000000000000000000000000f/Export",
        "messages": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Conversations/CH0000000000000000000000000000000f/Messages",
        "participants": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Conversations/CH0000000000000000000000000000000f/Participants",
        "webhooks": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Conversations/CH0000000000000000000000000000000f/Webhooks"
      },
      "messaging_service_sid": "MG00000000000000000000000000000007",
      "sid": "CH0000000000000000000000000000000f",
      "state": "active",
      "timers": {},
      "unique_name": "room",
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Conversations/CH0000000000000000000000000000000f"
    }
    "#);
}

#[tokio::test]
async fn a_service_goes_with_all_that_is_in_it_but_the_default_one_stays() {
    let told = on_both(async |house| {
        let services = house.get("/v1/Services").await.get("services");
        let default = format!("/v1/Services/{}", services[0]["sid"].as_str().expect("a sid"));
        house.note(house.delete(&default).await.text());
        let sid = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let inside = format!("/v1/Services/{sid}");
        let pair = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15017122661";
        let room = house.post(&format!("{inside}/Conversations"), "").await.sid();
        house.post(&format!("{inside}/Conversations/{room}/Participants"), pair).await;
        assert_eq!(house.delete(&inside).await.code(), "204");
        house.note(house.get(&format!("{inside}/Conversations/{room}")).await.text());
        // Its rows are still there, but what they held is free.
        let path = format!("{}/Participants", super::conversation(house).await);
        assert_eq!(house.post(&path, pair).await.code(), "201");
    })
    .await;
    assert_snapshot!(told, @r#"
    409 Conflict
    {
      "code": 20409,
      "message": "The default service of the account cannot be deleted",
      "more_info": "https://www.twilio.com/docs/errors/20409",
      "status": 409
    }

    404 Not Found
    {
      "code": 20404,
      "message": "The requested resource /Services/IS0000000000000000000000000000000b/Conversations/CH00000000000000000000000000000011 was not found",
      "more_info": "https://www.twilio.com/docs/errors/20404",
      "status": 404
    }
    "#);
}
