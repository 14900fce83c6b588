//! What pre-action webhooks were asked, in the administration: listed, looked at, and not asked again.

use conversations::accounts::{self, CreateAccount};
use conversations::{Failure, Vault};
use insta::assert_snapshot;
use server::Settings;
use store::Roots;
use testkit::{AUTH_TOKEN, House, Receiver, on_both_with};
use wire::{signature, signed_text};

use super::pre_action::{ask, post, settings};
use super::{conversation, page};

const LIST: &str = "/tertulia/v1/Webhooks/PreActions";
const ADMIN: &str = "the-admin-token";
/// In the webhook's URL; nobody may find it anywhere.
const PASSWORD: &str = "canary-password";

fn watched() -> Settings {
    Settings { admin_tokens: vec![ADMIN.to_owned()], ..settings() }
}

/// A line for each, in the order of the list.
async fn lines(house: &House, query: &str) -> String {
    let listed = house.get(&format!("{LIST}{query}")).await;
    assert_eq!(listed.code(), "200", "{query}");
    let shown = |one: &serde_json::Value| {
        let words = ["event_type", "target", "decision"].map(|name| one[name].as_str().unwrap_or("-"));
        format!("{} {}", words.join(" "), one["status"])
    };
    let all = listed.get("pre_actions");
    all.as_array().expect("a list").iter().map(shown).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn each_question_is_seen_with_what_came_of_it() {
    let receiver = Receiver::start().await;
    let told = on_both_with(watched(), async |house| {
        let path = conversation(house).await;
        let messages = format!("{path}/Messages");
        let url = receiver.url().replace("http://", &format!("http://canary-user:{PASSWORD}@"));
        ask(house, "/v1", &url).await;
        let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
        ask(house, &format!("/v1/Services/{service}"), &receiver.url()).await;

        receiver.answer(200, r#"{"body":"altered"}"#);
        receiver.answer(200, "{}");
        assert_eq!(post(house, &messages, "Body=hello").await.field("body"), "altered");
        receiver.answer(403, &"no".repeat(5000));
        assert_eq!(post(house, &messages, "Body=hello").await.code(), "403 50056");
        receiver.answer(302, "elsewhere");
        assert_eq!(post(house, "/v1/Conversations", "").await.code(), "201");
        let asked = receiver.take();
        house.note(lines(house, "").await);
        for query in [
            "Decision=refused",
            "EventType=onConversationAdd",
            "Target=service",
            "Target=account&Decision=changed",
        ] {
            house.note(format!("{query}\n{}", lines(house, &format!("?{query}")).await));
        }
        for (query, code) in [
            ("EventType=onMessageAdded", "400 20001"),
            ("Decision=maybe", "400 20001"),
            ("Target=nobody", "400 20001"),
        ] {
            assert_eq!(house.get(&format!("{LIST}?{query}")).await.code(), code, "{query}");
        }

        let refused = house.get(&format!("{LIST}?Decision=refused")).await.get("pre_actions")[0].clone();
        assert!(path.ends_with(refused["conversation_sid"].as_str().expect("it is known")));
        let one = format!("{LIST}/{}", refused["sid"].as_str().expect("a sid"));
        let whole = house.get(&one).await;
        assert_eq!(whole.get("parameters")["Body"], "hello");
        let attempt = whole.get("attempt");
        assert_eq!(attempt["response_body"].as_str().map(str::len), Some(4096));
        let pairs = asked[2].pairs();
        let text =
            signed_text(&receiver.url(), pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        assert_eq!(attempt["signed"], text.as_str());
        let sent = asked[2].headers["x-twilio-signature"].to_str().expect("text");
        assert_eq!(sent, signature(AUTH_TOKEN, &text));
        for shown in [whole.text(), house.get(LIST).await.text()] {
            for secret in [PASSWORD, "canary-user", AUTH_TOKEN] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }

        assert_eq!(house.post(&format!("{one}/Replay"), "").await.code(), "409 20409");
        assert_eq!(house.post(&one, "").await.code(), "405 20004");
        assert_eq!(
            house.get(&format!("{LIST}/WP000000000000000000000000000000ff")).await.code(),
            "404 20404"
        );

        // Page by page, each once.
        let (mut next, mut seen) = (Some(format!("{LIST}?PageSize=2")), 0);
        while let Some(path) = next {
            let reply = house.get(&path).await;
            seen += reply.get("pre_actions").as_array().expect("a list").len();
            next = page(&reply, "next_page_url");
        }
        assert_eq!(seen, 5);
    })
    .await;
    assert_snapshot!(told, @"
    onConversationAdd service allowed 200
    onConversationAdd account unanswered 302
    onMessageAdd account refused 403
    onMessageAdd service allowed 200
    onMessageAdd account changed 200

    Decision=refused
    onMessageAdd account refused 403

    EventType=onConversationAdd
    onConversationAdd service allowed 200
    onConversationAdd account unanswered 302

    Target=service
    onConversationAdd service allowed 200
    onMessageAdd service allowed 200

    Target=account&Decision=changed
    onMessageAdd account changed 200
    ");
}

#[tokio::test]
async fn an_account_sees_its_own_and_they_go_after_their_time() {
    let receiver = Receiver::start().await;
    on_both_with(watched(), async |house| {
        ask(house, "/v1", &receiver.url()).await;
        post(house, "/v1/Conversations", "").await;
        receiver.take();
        let all = house.get(LIST).await.get("pre_actions");
        let sid = all[0]["sid"].as_str().expect("a sid").to_owned();

        let ids = house.ids.clone();
        let create = move |tx: &mut store::Tx<'_>| {
            accounts::create(tx, &*ids, &Vault::new(&[7; 32]), &CreateAccount::default())
        };
        let other =
            house.app.store().write::<_, Failure>(Roots::none(), create).await.expect("another account");
        let credentials = format!("{}:{}", other.account.sid, other.auth_token);
        let credentials = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, credentials);
        let as_other =
            |path: String| http::Request::get(path).header("authorization", format!("Basic {credentials}"));
        let theirs = house.send_as_is(as_other(LIST.to_owned()), "").await;
        assert_eq!(theirs.get("pre_actions"), serde_json::json!([]), "{}", theirs.text());
        assert_eq!(house.send_as_is(as_other(format!("{LIST}/{sid}")), "").await.code(), "404 20404");
        let admin = http::Request::get(LIST).header("authorization", format!("Bearer {ADMIN}"));
        assert_eq!(house.send_as_is(admin, "").await.get("pre_actions"), all);

        house.clock.advance_seconds(24 * 3600);
        house.keep_house().await;
        assert_eq!(house.get(LIST).await.get("pre_actions"), all);
        house.clock.advance_seconds(1);
        house.keep_house().await;
        assert_eq!(house.get(LIST).await.get("pre_actions"), serde_json::json!([]));
    })
    .await;
}
