//! `POST {typing}`: a form, not JSON.

use conversations::presences::Node;
use conversations::typings::{self, LAPSE_SECONDS, Typing};
use http::Method;
use insta::assert_snapshot;
use store::{Roots, StoreError};
use testkit::{Client, House, on_both};
use wire::Sid;

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

const HERE: Node = [1; 16];
const THERE: Node = [2; 16];

/// Notes that somebody types, who is called so and connected to a node.
async fn say(house: &House, node: Node, identity: &str) {
    let typing = Typing {
        conversation_sid: Sid::from_bytes([3; 16]),
        participant_sid: Sid::from_bytes([identity.as_bytes()[0]; 16]),
        chat_service_sid: Sid::from_bytes([4; 16]),
        identity: identity.to_owned(),
    };
    let say = move |tx: &mut store::Tx<'_>| typings::say(tx, node, &typing);
    house.app.store().write::<_, StoreError>(Roots::none(), say).await.expect("it is noted");
}

/// Who types, as a node is told.
async fn elsewhere(house: &House, node: Node) -> Vec<String> {
    let read = move |tx: &mut store::Tx<'_>| typings::elsewhere(tx, node);
    let found = house.app.store().read(read).await.expect("it is read");
    found.into_iter().map(|(typing, _)| typing.identity).collect()
}

#[tokio::test]
async fn other_nodes_are_told_who_types_until_it_lapses() {
    on_both(async |house| {
        say(house, HERE, "alice").await;
        house.clock.advance_seconds(1);
        say(house, THERE, "bob").await;
        assert_eq!(elsewhere(house, HERE).await, ["bob"]);
        assert_eq!(elsewhere(house, THERE).await, ["alice"]);
        assert_eq!(elsewhere(house, [5; 16]).await, ["bob", "alice"], "the latest first");
        house.clock.advance_seconds(LAPSE_SECONDS - 1);
        assert_eq!(elsewhere(house, [5; 16]).await, ["bob"]);
        // Who comes back to another node is where it was last.
        say(house, THERE, "alice").await;
        assert!(elsewhere(house, THERE).await.is_empty());
        assert_eq!(elsewhere(house, HERE).await, ["alice", "bob"]);
        house.clock.advance_seconds(61);
        assert!(elsewhere(house, HERE).await.is_empty());
        let forget = |tx: &mut store::Tx<'_>| {
            typings::forget(tx)?;
            tx.row("SELECT COUNT(*) FROM typings", &[], |row| Ok(row.next::<i64>()? == 0))
        };
        let is_empty =
            house.app.store().write::<_, StoreError>(Roots::none(), forget).await.expect("they are gone");
        assert_eq!(is_empty, Some(true));
    })
    .await;
}
