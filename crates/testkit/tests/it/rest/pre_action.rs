//! Pre-action webhooks: who is asked before a change, what about, and what the answers do.

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use server::{Guard, Settings, WebhookSettings};
use testkit::{House, Receiver, Reply, on_both_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::conversation;

/// Every event that is asked about before it happens.
const BEFORE: [&str; 10] = [
    "onConversationAdd",
    "onConversationRemove",
    "onConversationUpdate",
    "onMessageAdd",
    "onMessageRemove",
    "onMessageUpdate",
    "onParticipantAdd",
    "onParticipantRemove",
    "onParticipantUpdate",
    "onUserUpdate",
];

fn settings() -> Settings {
    let guard = Guard { allows_private: true, allowed: Vec::new() };
    let webhooks = WebhookSettings { guard, rest_pre_hooks: true, ..WebhookSettings::default() };
    Settings { webhooks, ..Settings::default() }
}

/// Lets whoever is at `url` be asked about everything: for the account, or for a service.
async fn ask(house: &House, place: &str, url: &str) {
    let filters: String = BEFORE.iter().map(|event| format!("&Filters={event}")).collect();
    let form = format!("PreWebhookUrl={url}{filters}");
    assert_eq!(house.post(&format!("{place}/Configuration/Webhooks"), &form).await.code(), "200");
}

/// The place of the account's default service.
async fn default_service(house: &House) -> String {
    format!("/v1/Services/{}", house.get("/v1/Configuration").await.field("default_chat_service_sid"))
}

fn hooked(path: &str) -> http::request::Builder {
    http::Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-twilio-webhook-enabled", "true")
}

/// POST that webhooks hear of.
async fn post(house: &House, path: &str, form: &str) -> Reply {
    house.send(hooked(path), form).await
}

/// DELETE that webhooks hear of.
async fn delete(house: &House, path: &str) -> Reply {
    house.send(http::Request::delete(path).header("x-twilio-webhook-enabled", "true"), "").await
}

/// The events that were asked about since the last time.
fn asked(receiver: &Receiver) -> Vec<String> {
    receiver.take().iter().map(|told| told.get("EventType").unwrap_or_default()).collect()
}

async fn count(house: &House, table: &'static str) -> i64 {
    let count = move |tx: &mut store::Tx<'_>| {
        tx.row(&format!("SELECT COUNT(*) FROM {table}"), &[], crate::conformance::one::<i64>)
    };
    house.app.store().read(count).await.expect("the store reads").expect("a count")
}

#[tokio::test]
async fn each_question_has_its_parameters_and_no_others() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        ask(house, "/v1", &receiver.url()).await;
        let form = "FriendlyName=Desk&UniqueName=desk&Attributes={\"a\":1}";
        let path = format!("/v1/Conversations/{}", post(house, "/v1/Conversations", form).await.sid());
        post(house, &path, "MessagingServiceSid=MG00000000000000000000000000000001").await;
        let participants = format!("{path}/Participants");
        let alice = post(house, &participants, "Identity=alice").await.sid();
        house.clock.advance_seconds(60);
        post(house, &format!("{participants}/{alice}"), "Attributes={\"b\":2}&LastReadMessageIndex=3").await;
        let phone = "MessagingBinding.Address=%2B15550001&MessagingBinding.ProxyAddress=%2B15559999";
        let phone = post(house, &participants, phone).await.sid();
        delete(house, &format!("{participants}/{phone}")).await;
        let messages = format!("{path}/Messages");
        let message = post(house, &messages, "Body=hello&Author=alice").await.sid();
        post(house, &format!("{messages}/{message}"), "Body=changed").await;
        delete(house, &format!("{messages}/{message}")).await;
        post(house, "/v1/Users/alice", "FriendlyName=Alice").await;
        delete(house, &path).await;
        for asked in receiver.take() {
            house.note(asked.text());
        }
    })
    .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn the_account_is_asked_before_the_service_which_sees_what_the_account_made_of_it() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        let service = default_service(house).await;
        ask(house, "/v1", &format!("{}/account", receiver.url())).await;
        ask(house, &service, &format!("{}/service", receiver.url())).await;
        receiver.answer(200, r#"{"friendly_name":"By the account","unknown":1}"#);
        receiver.answer(200, r#"{"attributes":{"by":"the service"}}"#);
        let made = post(house, "/v1/Conversations", "FriendlyName=As+said&UniqueName=kept").await;
        for name in ["friendly_name", "unique_name", "attributes"] {
            house.note(made.field(name));
        }
        let messages = format!("/v1/Conversations/{}/Messages", made.sid());
        receiver.answer(200, r#"{"body":"By the account","author":"bot"}"#);
        receiver.answer(200, r#"{"body":"By the service","attributes":"{\"x\":true}"}"#);
        let message = post(house, &messages, "Body=As+said&Author=alice").await;
        receiver.answer(200, r#"{"body":"Edited by the account"}"#);
        let one = format!("{messages}/{}", message.sid());
        let edited = post(house, &one, "Attributes={}").await;
        for (reply, name) in
            [(&message, "body"), (&message, "author"), (&message, "attributes"), (&edited, "body")]
        {
            house.note(reply.field(name));
        }
        receiver.answer(200, r#"{"friendly_name":"Nobody may say so"}"#);
        house.note(post(house, "/v1/Users", "Identity=carol").await.code());
        let carol = post(house, "/v1/Users/carol", "FriendlyName=Carol").await;
        house.note(carol.field("friendly_name"));
        for asked in receiver.take() {
            let seen = ["EventType", "FriendlyName", "Body", "Author", "Attributes"];
            let seen = seen.map(|name| asked.get(name).unwrap_or_else(|| "-".to_owned()));
            house.note(format!("{} {}", asked.uri, seen.join(" | ")));
        }
    })
    .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn what_a_webhook_changes_is_judged_like_what_the_caller_said() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        ask(house, "/v1", &receiver.url()).await;
        let path = conversation(house).await;
        let messages = format!("{path}/Messages");
        let long = "x".repeat(40_000);
        for (target, form, answer) in [
            (messages.as_str(), "Body=fine", format!(r#"{{"body":"{long}"}}"#)),
            (&messages, "Body=fine", r#"{"attributes":"{no json"}"#.to_owned()),
            (&messages, "Body=fine", format!(r#"{{"author":"{}"}}"#, "a".repeat(257))),
            (&path, "UniqueName=fine", format!(r#"{{"friendly_name":"{}"}}"#, "f".repeat(257))),
            ("/v1/Conversations", "", r#"{"attributes":"[1,"}"#.to_owned()),
        ] {
            receiver.answer(200, &answer);
            house.note(format!("{form} -> {}", post(house, target, form).await.code()));
        }
        let nothing = house.get(&messages).await.get("messages");
        assert_eq!(nothing.as_array().map(Vec::len), Some(0));
        assert_eq!(house.get(&path).await.get("unique_name"), serde_json::Value::Null);
        assert_eq!(count(house, "conversations").await, 1);
    })
    .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn a_refusal_is_told_and_nothing_is_written() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        ask(house, "/v1", &receiver.url()).await;
        let path = conversation(house).await;
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        let messages = format!("{path}/Messages");
        let message = format!("{messages}/{}", house.post(&messages, "Body=zero").await.sid());
        receiver.answer(403, "");
        house.note(post(house, &messages, "Body=no").await.text());
        for status in [400, 404, 429, 500, 503] {
            receiver.answer(status, r#"{"body":"not heard"}"#);
            assert_eq!(post(house, &messages, "Body=no").await.code(), "403 50056");
        }
        let participant = format!("{path}/Participants/alice");
        for (target, form) in [
            (path.as_str(), "FriendlyName=no"),
            (&message, "Body=no"),
            (&format!("{path}/Participants"), "Identity=bob"),
            (&participant, "Attributes={\"no\":1}"),
            ("/v1/Users/alice", "FriendlyName=no"),
            ("/v1/Conversations", "UniqueName=no"),
        ] {
            let before = house.get(target).await.text();
            receiver.answer(403, "");
            assert_eq!(post(house, target, form).await.code(), "403 50056", "{target}");
            assert_eq!(house.get(target).await.text(), before);
        }
        for target in [&message, &participant, &path] {
            receiver.answer(403, "");
            assert_eq!(delete(house, target).await.code(), "403 50056", "{target}");
            assert_eq!(house.get(target).await.status, 200);
        }
        receiver.take();
        // Of the service, after the account has agreed.
        ask(house, &default_service(house).await, &receiver.url()).await;
        receiver.answer(200, "{}");
        receiver.answer(418, "");
        assert_eq!(post(house, &messages, "Body=no").await.code(), "403 50056");
        assert_eq!(asked(&receiver), ["onMessageAdd"; 2]);
        // The account refuses, and nobody else is asked.
        receiver.answer(418, "");
        assert_eq!(post(house, &messages, "Body=no").await.code(), "403 50056");
        assert_eq!(asked(&receiver), ["onMessageAdd"]);
        assert_eq!(house.get(&messages).await.get("messages").as_array().map(Vec::len), Some(1));
        assert_eq!(house.post(&messages, "Body=one").await.get("index"), 1);
    })
    .await;
    assert_snapshot!(told);
}

/// Somebody who answers with these bytes, or with nothing at all, and hangs up when `over` is told.
async fn odd(answer: Option<&'static str>, over: Arc<Notify>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let url = format!("http://{}/odd", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((mut link, _)) = listener.accept().await {
            let over = Arc::clone(&over);
            tokio::spawn(async move {
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
                tokio::spawn(async move { post(&house, &messages, "Body=slow").await.code() })
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
