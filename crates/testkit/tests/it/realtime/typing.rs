//! `POST {typing}`: a form, not JSON.

use http::Method;
use insta::assert_snapshot;
use testkit::{Client, on_both};

async fn typing(client: &Client, form: &str) -> String {
    let content_type = "application/x-www-form-urlencoded";
    client.ask(Method::POST, &client.below("/Typing"), (content_type, form)).await.text()
}

#[tokio::test]
async fn participants_of_open_conversations_type() {
    let told = on_both(async |house| {
        let (alice, bob) = (house.client("alice").await, house.client("bob").await);
        let sid = house.post("/v1/Conversations", "").await.sid();
        let path = format!("/v1/Conversations/{sid}");
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        let form = format!("ChannelSid={sid}");
        house.note(typing(&alice, &form).await);
        house.note(typing(&bob, &form).await);
        for wrong in ["", "ChannelSid=x", "ChannelSid=CH00000000000000000000000000000fff"] {
            house.note(typing(&alice, wrong).await);
        }
        house.note(alice.get("/Typing").await.code());
        house.post(&path, "State=closed").await;
        house.note(typing(&alice, &form).await);
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "typing_timeout": 5
    }

    403 Forbidden
    {
      "code": 50430,
      "message": "User not participant of conversation",
      "status": 403
    }

    400 Bad Request
    {
      "code": 20001,
      "message": "Missing parameter ChannelSid",
      "status": 400
    }

    400 Bad Request
    {
      "code": 20001,
      "message": "Invalid value for parameter ChannelSid",
      "status": 400
    }

    404 Not Found
    {
      "code": 50350,
      "message": "Conversation not found",
      "status": 404
    }

    405 20004

    400 Bad Request
    {
      "code": 50377,
      "message": "Can't update conversation as it's in final closed state",
      "status": 400
    }
    "#);
}
