//! The handshake, and the first frame.

use serde_json::json;
use tertulia_server::Settings;

use super::client::House;
use crate::harness::{ADMIN_TOKEN, FORM, Harness};

const UPGRADE: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

#[tokio::test]
async fn the_door_is_for_websockets() {
    let harness = Harness::new().await;
    let answer = harness.send("GET", "/v3/wsconnect", &[], "").await;
    assert_eq!((answer.status, answer.header("sec-websocket-version")), (426, "13"));
    assert_eq!(answer.refusal().1, 20001);
    let answer = harness.send("POST", "/v3/wsconnect", &UPGRADE, "").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET"));
    for (host, status) in
        [("tsock.us1.twilio.com", 101), ("aim.us1.twilio.com", 404), ("conversations.twilio.com", 404)]
    {
        let answer = harness.send_to(host, "GET", "/v3/wsconnect", &UPGRADE, "").await;
        assert_eq!(answer.status, status, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_a_token_is_let_in_and_becomes_a_user() {
    let mut house = House::open().await;
    let mut client = house.stranger().await;
    let header = client.init(&house.token("alice")).await;
    assert_eq!(header["status"], json!({"code": 200, "status": "OK"}));
    assert_eq!(header["capabilities"], json!(["client_update"]));
    assert!(header["continuation_token"].is_string() && header["offline_storage"].is_null());
    let user = house.harness.ask("GET", "/v1/Users/alice", &[], "").await;
    assert_eq!((user.status, &user.body["identity"]), (200, &json!("alice")));

    // Many at a time are one user.
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(house.client("alice").await);
    }
    let users = house.harness.ask("GET", "/v1/Users", &[], "").await;
    assert_eq!(users.body["users"].as_array().map(Vec::len), Some(1));
    assert_eq!(house.metric("tertulia_realtime_connections").await, 21);
    assert_eq!(house.metric("tertulia_realtime_clients").await, 21);
    assert!(house.metric("tertulia_realtime_frames_in_total").await >= 21);
    assert!(house.metric("tertulia_realtime_frames_out_total").await >= 21);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_user_gets_the_role_that_the_token_asks_for() {
    let mut house = House::open().await;
    let roles = house.harness.ask("GET", "/v1/Roles", &[], "").await.body;
    let role = |name: &str| {
        let mut roles = roles["roles"].as_array().expect("a list").iter();
        let role = roles.find(|role| role["friendly_name"] == name).expect("it is there");
        role["sid"].as_str().expect("a sid").to_owned()
    };
    let token_with = |role_sid: &str| {
        let mut claims = house.claims("alice");
        claims.chat.deployment_role_sid = Some(role_sid.to_owned());
        house.sign(&claims)
    };
    for role_sid in [&*role("channel admin"), "RL00000000000000000000000000000009"] {
        let status = house.stranger().await.init(&token_with(role_sid)).await["status"].take();
        assert_eq!((&status["code"], &status["status"]), (&json!(403), &json!("FORBIDDEN")), "{status}");
    }
    let admin = role("service admin");
    assert_eq!(house.stranger().await.init(&token_with(&admin)).await["status"]["code"], 200);
    let user = house.harness.ask("GET", "/v1/Users/alice", &[], "").await;
    assert_eq!(user.body["role_sid"], admin);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_none_is_told_why_and_left_to_go() {
    let mut house = House::open().await;
    let with = |change: &dyn Fn(&mut wire::AccessToken)| {
        let mut claims = house.claims("alice");
        change(&mut claims);
        house.sign(&claims)
    };
    let good = house.token("alice");
    let (signed, _) = good.rsplit_once('.').expect("three parts");
    let past = house.now().saturating_plus_micros(-1_000_000);
    let later = house.now().saturating_plus_micros(600_000_000);
    let long = house.now().saturating_plus_micros(25 * 3_600_000_000);
    let other = "IS00000000000000000000000000000009";
    for (token, code) in [
        ("", 20101),
        ("nonsense", 20101),
        ("e30.e30.x", 20102),
        (&*with(&|claims| claims.key_sid = "SK00000000000000000000000000000009".to_owned()), 20103),
        (&*with(&|claims| claims.account_sid = "AC00000000000000000000000000000009".to_owned()), 20103),
        (&*with(&|claims| claims.expires_at = past), 20104),
        (&*with(&|claims| claims.not_before = Some(later)), 20105),
        (&*with(&|claims| claims.chat.service_sid = other.to_owned()), 20106),
        (&*with(&|claims| claims.identity = "x".repeat(300)), 20106),
        (&*format!("{signed}.AAAA"), 20107),
        (&*with(&|claims| claims.expires_at = long), 20157),
    ] {
        let mut client = house.stranger().await;
        let status = client.init(token).await["status"].take();
        assert_eq!((&status["code"], &status["errorCode"]), (&json!(401), &json!(code)), "{status}");
        assert_eq!(status["status"], "UNAUTHORIZED");
        assert!(status["description"].as_str().is_some_and(|text| !text.is_empty()));
        // What it says further is not heard; it closes.
        client.ask("TM1", "GET", "/Client/v2/Configuration").await;
        client.socket.close(None).await.expect("it may");
        client.gone().await;
    }
    let mut client = house.stranger().await;
    client.send(json!({"id": "TM1", "method": "init", "token": 7})).await;
    assert_eq!(client.frame().await.0["status"]["errorCode"], 20101);
    assert_eq!(house.harness.ask("GET", "/v1/Users", &[], "").await.body["users"], json!([]));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_suspended_account_nobody_is_let_in() {
    let mut house = House::open().await;
    let account = format!("/tertulia/v1/Accounts/{}", house.harness.account_sid);
    let token = format!("Bearer {ADMIN_TOKEN}");
    let headers = [FORM, ("authorization", &*token)];
    let suspended = house.harness.send("POST", &account, &headers, "Status=suspended").await;
    assert_eq!(suspended.status, 200, "{}", suspended.body);
    let status = house.stranger().await.init(&house.token("alice")).await["status"].take();
    assert_eq!((&status["code"], &status["errorCode"]), (&json!(403), &json!(20403)), "{status}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_leave_some_connections_to_others() {
    let mut house = House::with(Settings { max_connections: 10, ..Settings::default() }).await;
    let mut clients = Vec::new();
    for _ in 0..9 {
        clients.push(house.client("alice").await);
    }
    let answer = house.harness.send("GET", "/v3/wsconnect", &UPGRADE, "").await;
    assert_eq!((answer.status, answer.header("retry-after").is_empty()), (503, false));
    assert_eq!(house.harness.ask("GET", "/v1/Services", &[], "").await.status, 200);
    drop(clients.pop());
    house.falls_to("tertulia_realtime_connections", 8).await;
    drop(house.client("alice").await);
    house.stop().await;
}
