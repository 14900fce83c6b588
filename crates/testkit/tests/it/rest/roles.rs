//! `/v1/Roles`: the four that a service is born with, and those that are made.

use insta::assert_snapshot;
use testkit::on_both;

use super::codes;

#[tokio::test]
async fn a_service_is_born_with_four_roles() {
    let told = on_both(async |house| {
        let roles = house.get("/v1/Roles").await.get("roles");
        let roles = roles.as_array().expect("a list");
        let lines: Vec<String> = roles
            .iter()
            .map(|role| format!("{} {} {}", role["friendly_name"], role["type"], role["permissions"]))
            .collect();
        house.note(lines.join("\n"));
    })
    .await;
    assert_snapshot!(told, @r#"
    "service admin" "service" ["createConversation","joinConversation","deleteConversation","editConversationAttributes","editConversationName","addParticipant","addNonChatParticipant","removeParticipant","editAnyParticipantAttributes","editAnyMessage","deleteAnyMessage","editAnyMessageAttributes","editAnyUserInfo"]
    "service user" "service" ["createConversation","editOwnUserInfo","joinConversation"]
    "channel admin" "conversation" ["addParticipant","addNonChatParticipant","removeParticipant","deleteConversation","editConversationName","editConversationAttributes","editAnyMessage","editAnyMessageAttributes","deleteAnyMessage","editAnyParticipantAttributes","editNotificationLevel","sendMessage","sendMediaMessage","leaveConversation","editOwnMessage","deleteOwnMessage"]
    "channel user" "conversation" ["sendMessage","sendMediaMessage","leaveConversation","editNotificationLevel","editOwnMessage","editOwnMessageAttributes","deleteOwnMessage","editOwnParticipantAttributes"]
    "#);
}

#[tokio::test]
async fn a_role_keeps_the_order_of_its_permissions_and_an_update_replaces_them() {
    let told = on_both(async |house| {
        let form = "FriendlyName=Guest&Type=Conversation&Permission=sendMessage&Permission=addParticipant";
        let reply = house.post("/v1/Roles", form).await;
        house.note(reply.text());
        let path = format!("/v1/Roles/{}", reply.sid());
        let updated = house.post(&path, "Permission=leaveConversation&FriendlyName=Other").await;
        assert_eq!(updated.get("permissions"), serde_json::json!(["leaveConversation"]));
        assert_eq!(updated.field("friendly_name"), "Guest");
        assert_eq!(house.delete(&path).await.code(), "204");
        assert_eq!(house.get(&path).await.code(), "404 20404");
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "chat_service_sid": "IS00000000000000000000000000000001",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": "Guest",
      "permissions": [
        "sendMessage",
        "addParticipant"
      ],
      "sid": "RL00000000000000000000000000000009",
      "type": "conversation",
      "url": "http://tertulia.test/v1/Roles/RL00000000000000000000000000000009"
    }
    "#);
}

#[tokio::test]
async fn what_is_wrong_has_its_code() {
    let told = on_both(async |house| {
        let path = "/v1/Roles".to_owned();
        let requests = [
            (path.clone(), "Type=service&Permission=joinConversation"),
            (path.clone(), "FriendlyName=a&Type=deployment&Permission=joinConversation"),
            (path.clone(), "FriendlyName=a&Permission=joinConversation"),
            (path.clone(), "FriendlyName=a&Type=service"),
            (path.clone(), "FriendlyName=a&Type=service&Permission=fly"),
            (path.clone(), "FriendlyName=a&Type=service&Permission=sendMessage"),
        ];
        house.note(codes(house, &requests).await);
    })
    .await;
    assert_snapshot!(told, @"
    Type=service&Permission=joinConversation -> 400 50000
    FriendlyName=a&Type=deployment&Permission=joinConversation -> 400 50105
    FriendlyName=a&Permission=joinConversation -> 400 50105
    FriendlyName=a&Type=service -> 400 50104
    FriendlyName=a&Type=service&Permission=fly -> 400 50104
    FriendlyName=a&Type=service&Permission=sendMessage -> 400 50104
    ");
}

#[tokio::test]
async fn a_role_that_is_needed_stays() {
    let told = on_both(async |house| {
        let roles = house.get("/v1/Roles").await.get("roles");
        let default = format!("/v1/Roles/{}", roles[3]["sid"].as_str().expect("a sid"));
        house.note(house.delete(&default).await.text());
        let form = "FriendlyName=a&Type=service&Permission=joinConversation";
        let sid = house.post("/v1/Roles", form).await.sid();
        house.post("/v1/Users", &format!("Identity=alice&RoleSid={sid}")).await;
        house.note(house.delete(&format!("/v1/Roles/{sid}")).await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    409 Conflict
    {
      "code": 20409,
      "message": "The role is a default role of its service",
      "more_info": "https://www.twilio.com/docs/errors/20409",
      "status": 409
    }

    409 Conflict
    {
      "code": 20409,
      "message": "The role is in use",
      "more_info": "https://www.twilio.com/docs/errors/20409",
      "status": 409
    }
    "#);
}
