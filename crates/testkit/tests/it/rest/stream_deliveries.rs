//! What waits for a sink, and what was given up, in the administration.

use server::Settings;
use testkit::{AUTH_TOKEN, House, Receiver, Reply, on_both_with, webhooks_inside};

use super::{conversation, page};

const ADMIN: &str = "the-admin-token";
/// In the sink's destination; nobody may find it anywhere.
const PASSWORD: &str = "canary-password";

fn settings() -> Settings {
    Settings { webhooks: webhooks_inside(), admin_tokens: vec![ADMIN.to_owned()], ..Settings::default() }
}

/// A sink that is told of messages; where its deliveries are.
async fn stream(house: &House, receiver: &Receiver) -> String {
    let url = receiver.url().replace("http://", &format!("http://canary-user:{PASSWORD}@"));
    let form = format!(
        r#"Description=a&SinkType=webhook&SinkConfiguration={{"destination":"{url}","batch_events":false}}"#
    );
    let sink = house.post("/v1/Sinks", &form).await.sid();
    let form =
        format!(r#"Description=a&SinkSid={sink}&Types={{"type":"com.twilio.conversations.message.added"}}"#);
    assert_eq!(house.post("/v1/Subscriptions", &form).await.code(), "201");
    format!("/tertulia/v1/Sinks/{sink}/Deliveries")
}

fn deliveries(reply: &Reply) -> Vec<serde_json::Value> {
    assert_eq!(reply.code(), "200", "{}", reply.text());
    reply.get("deliveries").as_array().expect("a list").clone()
}

#[tokio::test]
async fn what_a_sink_has_not_taken_is_seen_and_what_it_has_is_not() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let all = stream(house, &receiver).await;
        let messages = format!("{}/Messages", conversation(house).await);
        for number in 0..3 {
            house.post(&messages, &format!("Body=number+{number}")).await;
        }
        assert_eq!(deliveries(&house.get(&all).await).len(), 3);
        for _ in 0..3 {
            receiver.answer(503, "");
        }
        house.deliver().await;
        assert_eq!(receiver.take().len(), 3);
        let waiting = house.get(&format!("{all}?Status=waiting")).await;
        let found = deliveries(&waiting);
        for one in &found {
            assert_eq!(one["event_type"], "com.twilio.conversations.message.added");
            assert_eq!((one["status"].as_str(), one["tries"].as_i64()), (Some("waiting"), Some(1)));
            assert_eq!(one["last_error"], "it answered 503");
            assert!(one["date_next_try"].is_string(), "{one}");
        }
        let newest = format!("{all}/{}", found[0]["sid"].as_str().expect("a sid"));
        let whole = house.get(&newest).await;
        assert_eq!(whole.get("event")["id"], found[0]["event_id"]);
        assert_eq!(whole.get("event")["data"]["MessageBody"], "number 2", "{}", whole.text());
        for shown in [waiting.text(), whole.text()] {
            for secret in [PASSWORD, "canary-user", AUTH_TOKEN] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }
        let (mut next, mut seen) = (Some(format!("{all}?PageSize=2")), 0);
        while let Some(path) = next {
            let reply = house.get(&path).await;
            seen += deliveries(&reply).len();
            next = page(&reply, "next_page_url");
        }
        assert_eq!(seen, 3);

        house.clock.advance_seconds(3600);
        house.deliver().await;
        assert!(deliveries(&house.get(&all).await).is_empty(), "all of it was taken on {:?}", house.engine);
        assert_eq!(house.get(&newest).await.code(), "404 20404");
        receiver.take();
    })
    .await;
}

#[tokio::test]
async fn what_was_given_up_is_seen_for_as_long_as_it_is_kept() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let all = stream(house, &receiver).await;
        house.post(&format!("{}/Messages", conversation(house).await), "Body=hello").await;
        receiver.answer(503, "");
        house.deliver().await;
        house.clock.advance_seconds(4 * 3600);
        receiver.answer(503, "");
        house.deliver().await;
        house.post(&format!("{}/Messages", conversation(house).await), "Body=later").await;
        let statuses = |reply: &Reply| -> Vec<String> {
            deliveries(reply).iter().map(|one| one["status"].as_str().expect("text").to_owned()).collect()
        };
        assert_eq!(statuses(&house.get(&all).await), ["waiting", "dead"], "{:?}", house.engine);
        let dead = house.get(&format!("{all}?Status=dead")).await;
        assert_eq!(statuses(&dead), ["dead"]);
        assert!(deliveries(&dead)[0]["date_next_try"].is_null());
        // The sink rests for a moment.
        house.clock.advance_seconds(60);
        house.deliver().await;
        house.clock.advance_seconds(24 * 3600);
        house.keep_house().await;
        assert!(deliveries(&house.get(&all).await).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_sink_is_its_accounts_own() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let all = stream(house, &receiver).await;
        let as_admin = async |path: String| {
            let request = http::Request::get(path).header("authorization", format!("Bearer {ADMIN}"));
            house.send_as_is(request, "").await.code()
        };
        assert_eq!(as_admin(format!("{all}?AccountSid={}", testkit::ACCOUNT_SID)).await, "200");
        assert_eq!(as_admin(all.clone()).await, "400 20001", "an account has to be named");
        assert_eq!(house.send_as_is(http::Request::get(all.as_str()), "").await.status, 401);
        assert_eq!(house.get(&format!("{all}?Status=delivered")).await.code(), "400 20001");
        assert_eq!(house.post(&all, "").await.code(), "405 20004");
        for nobody in ["DG00000000000000000000000000000001", "DG1"] {
            assert_eq!(
                house.get(&format!("/tertulia/v1/Sinks/{nobody}/Deliveries")).await.code(),
                "404 20404"
            );
        }
        for nobody in ["WE1", "WEffffffffffffffffffffffffffffffff", "WE000000000000000000000000000000ff"] {
            assert_eq!(house.get(&format!("{all}/{nobody}")).await.code(), "404 20404");
        }
    })
    .await;
}
