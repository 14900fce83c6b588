//! Between the first frame and the last: tokens, methods, and the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tertulia_server::{ManualClock, Settings};
use wire::Timestamp;

use super::client::House;

/// A server whose clock is moved by hand.
async fn with_clock() -> (House, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    clock.move_to(Timestamp::from_micros(1_767_225_600_000_000));
    let settings = Settings { manual_clock: Some(Arc::clone(&clock)), ..Settings::default() };
    (House::with(settings).await, clock)
}

fn seconds(house: &House, seconds: i64) -> Timestamp {
    house.now().saturating_plus_micros(seconds * 1_000_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_gets_what_it_waits_for() {
    let mut house = House::open().await;
    let mut client = house.client("alice").await;
    for method in ["ping", "put_notification_ctx", "delete_notification_ctx", "something new", ""] {
        client.send(json!({"id": "TM1", "method": method, "payload_size": 0})).await;
        let (header, _) = client.frame().await;
        assert_eq!((&header["id"], &header["method"]), (&json!("TM1"), &json!("reply")));
        assert_eq!(header["status"], json!({"code": 200, "status": "OK"}));
    }
    // Nothing comes of these: the next reply is that of a request.
    client.send(json!({"id": "TM2", "method": "telemetry.v1", "events": [], "payload_size": 0})).await;
    client.send(json!({"id": "TM3", "method": "reply", "status": {"code": 200}, "payload_size": 0})).await;
    client.ask("TM4", "GET", "/Client/v2/Nothing/%C3%A9").await;
    let (header, payload) = client.frame().await;
    assert_eq!((&header["id"], &header["status"]["code"]), (&json!("TM4"), &json!(200)));
    assert_eq!(header["http_status"], json!({"code": 404, "status": "Not Found"}));
    assert_eq!((&payload["status"], &payload["code"]), (&json!(404), &json!(20404)));

    for request in [json!(null), json!({"method": "GET"}), json!({"path": "/", "method": "GET", "params": 7})]
    {
        client.send(json!({"id": "TM5", "method": "message", "http_request": request})).await;
        let (header, payload) = client.frame().await;
        assert_eq!((&header["status"]["code"], &header["http_status"]["code"]), (&json!(400), &json!(400)));
        assert_eq!(payload["code"], 20001, "{request}");
    }
    let second = client.init(&house.token("alice")).await;
    assert_eq!(second["status"]["code"], 409);
    client.send(json!({"id": "TM6", "method": "close", "payload_size": 0})).await;
    client.socket.close(None).await.expect("it may");
    client.gone().await;
    house.falls_to("tertulia_realtime_connections", 0).await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_is_announced_and_ends_the_connection() {
    let (mut house, clock) = with_clock().await;
    let mut client = house.client("alice").await;
    clock.move_to(seconds(&house, 3600 - 181));
    client.ask("TM1", "GET", "/nothing").await;
    assert_eq!(client.frame().await.0["id"], "TM1", "nothing else has come");
    clock.move_to(seconds(&house, 1));
    let (header, _) = client.frame().await;
    assert_eq!(header["method"], "client_update");
    assert_eq!(header["client_update_type"], "token_about_to_expire");
    clock.move_to(seconds(&house, 179));
    client.ask("TM2", "GET", "/nothing").await;
    assert_eq!(client.frame().await.0["id"], "TM2", "it is told once");
    clock.move_to(seconds(&house, 1));
    let (header, _) = client.frame().await;
    assert_eq!(header["method"], "close");
    assert_eq!((&header["status"]["code"], &header["status"]["errorCode"]), (&json!(410), &json!(20104)));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_token_takes_the_place_of_the_old_one() {
    let (mut house, clock) = with_clock().await;
    let mut client = house.client("alice").await;
    clock.move_to(seconds(&house, 3599));
    assert_eq!(client.frame().await.0["method"], "client_update");
    assert_eq!(client.update(&house.token("alice")).await, json!({"code": 200, "status": "OK"}));
    clock.move_to(seconds(&house, 3000));
    client.ask("TM1", "GET", "/nothing").await;
    assert_eq!(client.frame().await.0["id"], "TM1");

    // Another user's, one without a good signature, and one that has ended, change nothing.
    let mut ended = house.claims("alice");
    ended.expires_at = house.now();
    let good = house.token("alice");
    house.client("bob").await;
    for (token, status, code) in [
        (house.token("bob"), 403, 20106),
        (house.token("somebody new"), 403, 20106),
        (good[..good.len() - 4].to_owned(), 401, 20107),
        (house.sign(&ended), 401, 20104),
        (String::new(), 401, 20101),
    ] {
        let told = client.update(&token).await;
        assert_eq!((&told["code"], &told["errorCode"]), (&json!(status), &json!(code)), "{told}");
    }
    client.ask("TM2", "GET", "/nothing").await;
    assert_eq!(client.frame().await.0["id"], "TM2");
    clock.move_to(seconds(&house, 599));
    assert_eq!(client.frame().await.0["method"], "client_update");
    clock.move_to(seconds(&house, 1));
    assert_eq!(client.frame().await.0["method"], "close");
    house.stop().await;
}

async fn closes_with_401(house: &mut House, clock: &ManualClock, path: &str) {
    let (mut gone, mut stays) = (house.client("alice").await, house.client("bob").await);
    let answer = house.harness.ask("DELETE", path, &[], "").await;
    assert_eq!(answer.status, 204, "{path}");
    if path.contains("Keys") {
        // Credentials are known for a second.
        while house.stranger().await.init(&house.token("x")).await["status"]["code"] == 200 {}
    }
    clock.move_to(seconds(house, 60));
    let (header, _) = gone.frame().await;
    assert_eq!((&header["method"], &header["status"]["code"]), (&json!("close"), &json!(401)), "{path}");
    if path.contains("Users") {
        stays.ask("TM1", "GET", "/nothing").await;
        assert_eq!(stays.frame().await.0["id"], "TM1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_user_and_a_deleted_key_end_the_connection_within_a_minute() {
    let (mut house, clock) = with_clock().await;
    closes_with_401(&mut house, &clock, "/v1/Users/alice").await;
    let key = format!("/2010-04-01/Accounts/{}/Keys/{}.json", house.harness.account_sid, house.key_sid);
    closes_with_401(&mut house, &clock, &key).await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_drops_its_clients_at_once() {
    let mut house = House::open().await;
    let (mut stranger, mut client) = (house.stranger().await, house.client("alice").await);
    client.ask("TM1", "GET", "/nothing").await;
    let began = began();
    house.stop().await;
    assert!(began.elapsed() < Duration::from_secs(4), "nobody waits for clients");
    // What was asked before may be answered or not; there is no word of farewell.
    let told = client.next().await;
    if let super::client::Told::Frame(header, _) = told {
        assert_eq!(header["id"], Value::from("TM1"));
        client.gone().await;
    }
    stranger.gone().await;
}

#[expect(clippy::disallowed_methods, reason = "a test measures how long something takes")]
fn began() -> Instant {
    Instant::now()
}
