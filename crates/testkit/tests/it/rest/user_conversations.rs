//! `/v1/Users/{UserSid}/Conversations`: what is one user's own in a conversation.

use insta::assert_snapshot;
use testkit::{House, on_both};

use super::{codes, conversation};

/// Alice in a conversation named `room` with two messages.
async fn room(house: &House) -> String {
    let sid = house.post("/v1/Conversations", "UniqueName=room&FriendlyName=The+room").await.sid();
    let path = format!("/v1/Conversations/{sid}");
    house.post(&format!("{path}/Participants"), "Identity=alice").await;
    for body in ["one", "two"] {
        house.post(&format!("{path}/Messages"), &format!("Body={body}")).await;
    }
    path
}

#[tokio::test]
async fn it_shows_the_conversation_and_what_is_the_users_own() {
    let told = on_both(async |house| {
        room(house).await;
        house.note(house.get("/v1/Users/alice/Conversations/room").await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{}",
      "chat_service_sid": "IS00000000000000000000000000000001",
      "conversation_sid": "CH00000000000000000000000000000009",
      "conversation_state": "active",
      "created_by": "system",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": "The room",
      "last_read_message_index": null,
      "links": {
        "conversation": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009",
        "participant": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants/MB0000000000000000000000000000000b"
      },
      "notification_level": "default",
      "participant_sid": "MB0000000000000000000000000000000b",
      "timers": {},
      "unique_name": "room",
      "unread_messages_count": null,
      "url": "http://tertulia.test/v1/Users/US0000000000000000000000000000000c/Conversations/CH00000000000000000000000000000009",
      "user_sid": "US0000000000000000000000000000000c"
    }
    "#);
}

#[tokio::test]
async fn unread_is_null_until_something_was_read() {
    let told = on_both(async |house| {
        let room = room(house).await;
        let path = "/v1/Users/alice/Conversations/room";
        let mut seen = Vec::new();
        for form in [
            "NotificationLevel=MUTED",
            "LastReadMessageIndex=0",
            "LastReadMessageIndex=1",
            "LastReadMessageIndex=5",
            "LastReadMessageIndex=null",
            "NotificationLevel=default",
        ] {
            let reply = house.post(path, form).await;
            seen.push(format!(
                "{form} -> {} read {} unread {} {}",
                reply.code(),
                reply.get("last_read_message_index"),
                reply.get("unread_messages_count"),
                reply.get("notification_level"),
            ));
        }
        house.note(seen.join("\n"));
        house.post(path, "LastReadMessageIndex=0").await;
        let participant = house.get(&format!("{room}/Participants/alice")).await;
        assert_eq!(participant.get("last_read_message_index"), 0);
        house.post(&format!("{room}/Participants/alice"), "LastReadMessageIndex=1").await;
        assert_eq!(house.get(path).await.get("unread_messages_count"), 0);
    })
    .await;
    assert_snapshot!(told, @r#"
    NotificationLevel=MUTED -> 200 read null unread null "muted"
    LastReadMessageIndex=0 -> 200 read 0 unread 1 "muted"
    LastReadMessageIndex=1 -> 200 read 1 unread 0 "muted"
    LastReadMessageIndex=5 -> 200 read 5 unread 0 "muted"
    LastReadMessageIndex=null -> 200 read null unread null "muted"
    NotificationLevel=default -> 200 read null unread null "default"
    "#);
}

#[tokio::test]
async fn unread_counts_what_is_there_and_not_what_was_removed() {
    on_both(async |house| {
        let room = room(house).await;
        let path = "/v1/Users/alice/Conversations/room";
        let third = house.post(&format!("{room}/Messages"), "Body=three").await.sid();
        house.post(&format!("{room}/Messages"), "Body=four").await;
        house.delete(&format!("{room}/Messages/{third}")).await;
        assert_eq!(house.post(path, "LastReadMessageIndex=0").await.get("unread_messages_count"), 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_has_its_code() {
    let told = on_both(async |house| {
        let room = room(house).await;
        house.post("/v1/Users", "Identity=bob").await;
        let path = "/v1/Users/alice/Conversations/room".to_owned();
        let requests = [
            (path.clone(), "NotificationLevel=loud"),
            (path.clone(), "LastReadMessageIndex=x"),
            (path.clone(), "LastReadTimestamp=x"),
            ("/v1/Users/bob/Conversations/room".to_owned(), "NotificationLevel=loud"),
            ("/v1/Users/nobody/Conversations/room".to_owned(), "NotificationLevel=muted"),
            ("/v1/Users/alice/Conversations/nowhere".to_owned(), "NotificationLevel=muted"),
        ];
        house.note(codes(house, &requests).await);
        house.post(&room, "State=closed").await;
        assert_eq!(house.post(&path, "NotificationLevel=muted").await.code(), "400 50377");
        assert_eq!(house.get(&path).await.get("conversation_state"), "closed");
    })
    .await;
    assert_snapshot!(told, @"
    NotificationLevel=loud -> 400 50210
    LastReadMessageIndex=x -> 400 50421
    LastReadTimestamp=x -> 400 50405
    NotificationLevel=loud -> 404 20404
    NotificationLevel=muted -> 404 20404
    NotificationLevel=muted -> 404 20404
    ");
}

#[tokio::test]
async fn the_list_is_by_recent_activity_and_ends_with_the_membership() {
    on_both(async |house| {
        let (one, other) = (conversation(house).await, conversation(house).await);
        for path in [&one, &other] {
            house.clock.advance_seconds(1);
            house.post(&format!("{path}/Participants"), "Identity=alice").await;
        }
        house.clock.advance_seconds(1);
        house.post(&format!("{one}/Messages"), "Body=hello").await;
        let listed = async |house: &House| {
            let reply = house.get("/v1/Users/alice/Conversations").await;
            let rows = reply.get("conversations");
            let rows = rows.as_array().expect("a list");
            rows.iter()
                .map(|row| format!("/v1/Conversations/{}", row["conversation_sid"].as_str().expect("a sid")))
                .collect::<Vec<_>>()
        };
        assert_eq!(listed(house).await, [one.clone(), other.clone()]);
        let (_, sid) = one.rsplit_once('/').expect("a path");
        assert_eq!(house.delete(&format!("/v1/Users/alice/Conversations/{sid}")).await.code(), "204");
        assert_eq!(listed(house).await, [other]);
        assert_eq!(house.get(&format!("{one}/Participants/alice")).await.code(), "404 20404");
    })
    .await;
}

#[tokio::test]
async fn an_identity_that_has_become_another_user_is_that_user() {
    on_both(async |house| {
        let path = room(house).await;
        let own = "/v1/Users/alice/Conversations/room";
        let by_sid = format!("/v1/Users/alice{}", path.trim_start_matches("/v1"));
        let mut users = Vec::new();
        for index in [0, 1] {
            for own in [own, &by_sid] {
                let reply = house.post(own, &format!("LastReadMessageIndex={index}")).await;
                assert_eq!(
                    (reply.code(), reply.get("last_read_message_index")),
                    ("200".into(), index.into())
                );
                users.push(reply.get("user_sid"));
            }
            assert_eq!(house.delete("/v1/Users/alice").await.code(), "204");
            assert_eq!(house.post(own, "LastReadMessageIndex=0").await.code(), "404 20404");
            assert_eq!(house.post(&format!("{path}/Participants"), "Identity=alice").await.code(), "201");
        }
        assert!(users[0] == users[1] && users[1] != users[2] && users[2] == users[3], "{users:?}");
    })
    .await;
}
