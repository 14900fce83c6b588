//! Pre-action webhooks that do not answer, that are not asked, and that leave nothing behind.

use std::sync::Arc;
use std::time::Duration;

use testkit::{Receiver, on_both_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::conversation;
use super::pre_action::{ask, asked, count, hooked, post, settings};

/// Somebody who answers with these bytes, or with nothing at all, and hangs up when `over` is told.
async fn odd(answer: Option<&'static str>, over: Arc<Notify>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let url = format!("http://{}/odd", listener.local_addr().expect("it is bound"));
    TaskTracker::new().spawn(async move {
        while let Ok((mut link, _)) = listener.accept().await {
            let over = Arc::clone(&over);
            TaskTracker::new().spawn(async move {
                let mut seen = [0; 4096];
                let _ = link.read(&mut seen).await;
                match answer {
                    Some(answer) => {
                        let _ = link.write_all(answer.as_bytes()).await;
                    }
                    None => over.notified().await,
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn without_an_answer_the_change_goes_through_as_it_was() {
    let receiver = Receiver::start().await;
    let over = Arc::new(Notify::new());
    let mut settings = settings();
    settings.webhooks.timeout = Duration::from_millis(200);
    on_both_with(settings, async |house| {
        let path = conversation(house).await;
        let messages = format!("{path}/Messages");
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
            format!("http://{}/", listener.local_addr().expect("it is bound"))
        };
        let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"body\":\"changed\"}";
        for url in [
            odd(None, Arc::clone(&over)).await,
            odd(Some(cut), Arc::clone(&over)).await,
            odd(Some("what?\r\n\r\n"), Arc::clone(&over)).await,
            odd(Some("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n"), Arc::clone(&over)).await,
            closed,
        ] {
            ask(house, "/v1", &url).await;
            let made = post(house, &messages, "Body=as+it+was").await;
            assert_eq!(
                (made.code(), made.field("body")),
                ("201".to_owned(), "as it was".to_owned()),
                "{url}"
            );
        }
        ask(house, "/v1", &receiver.url()).await;
        for (status, body) in [
            (200, ""),
            (200, "junk"),
            (200, "[]"),
            (200, r#"{"body":7}"#),
            (204, ""),
            (301, r#"{"body":"x"}"#),
        ] {
            receiver.answer(status, body);
            let made = post(house, &messages, "Body=as+it+was").await;
            assert_eq!(
                (made.code(), made.field("body")),
                ("201".to_owned(), "as it was".to_owned()),
                "{body}"
            );
        }
        let huge = format!(r#"{{"body":"x","filler":"{}"}}"#, "y".repeat(600 * 1024));
        receiver.answer(200, &huge);
        assert_eq!(post(house, &messages, "Body=as+it+was").await.field("body"), "as it was");
        over.notify_waiters();
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_anyway_is_not_asked_about() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        ask(house, "/v1", &receiver.url()).await;
        let path = conversation(house).await;
        house.post("/v1/Conversations", "UniqueName=taken").await;
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        for (target, form, code) in [
            ("/v1/Conversations", "UniqueName=taken", "409 50353"),
            (&format!("{path}/Participants"), "Identity=alice", "409 50433"),
            (&format!("{path}/Messages"), "Attributes=junk", "400 50304"),
            ("/v1/Conversations/CH00000000000000000000000000000000/Messages", "Body=x", "404 20404"),
        ] {
            assert_eq!(post(house, target, form).await.code(), code, "{target}");
        }
        house.post(&path, "State=closed").await;
        assert_eq!(post(house, &format!("{path}/Messages"), "Body=late").await.status, 400);
        assert!(asked(&receiver).is_empty());
    })
    .await;
}

#[tokio::test]
async fn who_asks_for_no_webhooks_asks_nobody() {
    let receiver = Receiver::start().await;
    let quiet = {
        let mut settings = settings();
        settings.webhooks.rest_pre_hooks = false;
        settings
    };
    for (settings, is_asked) in [(quiet, false), (settings(), true)] {
        on_both_with(settings, async |house| {
            ask(house, "/v1", &receiver.url()).await;
            let path = conversation(house).await;
            house.post(&format!("{path}/Messages"), "Body=without").await;
            let no = http::Request::post(format!("{path}/Messages"))
                .header("content-type", "application/x-www-form-urlencoded")
                .header("x-twilio-webhook-enabled", "false");
            assert_eq!(house.send(no, "Body=false").await.code(), "201");
            assert!(asked(&receiver).is_empty());
            post(house, &format!("{path}/Messages"), "Body=with").await;
            assert_eq!(asked(&receiver).len(), usize::from(is_asked));
            // An event that is not among the filters is not asked about.
            house.post("/v1/Configuration/Webhooks", "Filters=onMessageRemove").await;
            post(house, &format!("{path}/Messages"), "Body=with").await;
            assert!(asked(&receiver).is_empty());
        })
        .await;
    }
}

#[tokio::test]
async fn a_replayed_answer_asks_nobody() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        ask(house, "/v1", &receiver.url()).await;
        let messages = format!("{}/Messages", conversation(house).await);
        let send = async || house.send(hooked(&messages).header("idempotency-key", "k"), "Body=once").await;
        receiver.answer(500, "");
        assert_eq!(send().await.code(), "403 50056");
        receiver.answer(200, r#"{"body":"changed"}"#);
        let first = send().await;
        assert_eq!((first.code(), first.field("body")), ("201".to_owned(), "changed".to_owned()));
        assert_eq!(asked(&receiver).len(), 2);
        let again = send().await;
        assert_eq!(
            (again.text(), again.header("tertulia-idempotent-replayed")),
            (first.text(), Some("true"))
        );
        assert!(asked(&receiver).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_rehearsal_leaves_nothing_behind() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        ask(house, "/v1", &receiver.url()).await;
        house.post("/v1/Configuration/Webhooks", "PostWebhookUrl=http://127.0.0.1:1/").await;
        let path = conversation(house).await;
        let messages = format!("{path}/Messages");
        let tables =
            ["events", "deliveries", "lanes", "messages", "users", "participants", "conversations", "claims"];
        let before: Vec<i64> = {
            let mut counts = Vec::new();
            for table in tables {
                counts.push(count(house, table).await);
            }
            counts
        };
        for (target, form) in [
            (&messages, "Body=no"),
            (&format!("{path}/Participants"), "Identity=alice"),
            (&"/v1/Conversations".to_owned(), "UniqueName=mine"),
            (
                &"/v1/ConversationWithParticipants".to_owned(),
                "UniqueName=ours&Participant={\"identity\":\"bob\"}",
            ),
        ] {
            receiver.answer(403, "");
            assert_eq!(post(house, target, form).await.code(), "403 50056", "{target}");
        }
        for (table, before) in tables.iter().zip(before) {
            assert_eq!(count(house, table).await, before, "{table}");
        }
        for index in 0..3 {
            assert_eq!(post(house, &messages, "Body=yes").await.get("index"), index);
        }
        let position = |tx: &mut store::Tx<'_>| {
            tx.row("SELECT position FROM conversation_heads", &[], crate::conformance::one::<i64>)
        };
        let position = house.app.store().read(position).await.expect("the store reads");
        assert_eq!(position, Some(4), "one for the conversation, one for each message");
    })
    .await;
}

#[tokio::test]
async fn a_conversation_with_participants_is_asked_about_in_parts() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        ask(house, "/v1", &receiver.url()).await;
        let form =
            "FriendlyName=As+said&Participant={\"identity\":\"alice\"}&Participant={\"identity\":\"bob\"}";
        receiver.answer(200, r#"{"friendly_name":"Changed","attributes":"{\"c\":1}"}"#);
        let made = post(house, "/v1/ConversationWithParticipants", form).await;
        let shown = house.get(&format!("/v1/Conversations/{}", made.sid())).await;
        assert_eq!(
            (shown.field("friendly_name"), shown.field("attributes")),
            ("Changed".to_owned(), "{\"c\":1}".to_owned())
        );
        assert_eq!(asked(&receiver), ["onConversationAdd", "onParticipantAdd", "onParticipantAdd"]);
        receiver.answer(200, "");
        receiver.answer(200, "");
        receiver.answer(400, "");
        assert_eq!(post(house, "/v1/ConversationWithParticipants", form).await.code(), "403 50056");
        assert_eq!(asked(&receiver).len(), 3);
        assert_eq!(count(house, "conversations").await, 1);
    })
    .await;
}

#[tokio::test]
async fn who_thinks_long_keeps_nobody_else_waiting() {
    let over = Arc::new(Notify::new());
    on_both_with(settings(), async |house| {
        let path = conversation(house).await;
        let messages = format!("{path}/Messages");
        ask(house, "/v1", &odd(None, Arc::clone(&over)).await).await;
        let slow: Vec<_> = (0..20)
            .map(|_| {
                let (house, messages) = (house.clone(), messages.clone());
                TaskTracker::new().spawn(async move { post(&house, &messages, "Body=slow").await.code() })
            })
            .collect();
        // In the same conversation and of the same account, as long as nobody is asked about it.
        for _ in 0..20 {
            assert_eq!(house.post(&messages, "Body=quick").await.code(), "201");
        }
        assert_eq!(house.get(&messages).await.status, 200);
        assert!(slow.iter().all(|task| !task.is_finished()), "they wait for their answer");
        let mut slow = slow;
        while let Some(task) = slow.pop() {
            task.abort();
        }
    })
    .await;
}

#[tokio::test]
async fn requests_that_wait_for_a_webhook_leave_room_for_others() {
    let over = Arc::new(Notify::new());
    let mut settings = settings();
    settings.webhooks.timeout = Duration::from_secs(1);
    // One of them may wait.
    settings.bounds.requests = 2;
    on_both_with(settings, async |house| {
        let messages = format!("{}/Messages", conversation(house).await);
        ask(house, "/v1", &odd(None, Arc::clone(&over)).await).await;
        let (one, other) = tokio::join!(post(house, &messages, "Body=x"), post(house, &messages, "Body=x"));
        let mut codes = [one.code(), other.code()];
        codes.sort();
        assert_eq!(codes, ["201", "503 20503"]);
        assert_eq!(count(house, "messages").await, 1);
    })
    .await;
}
