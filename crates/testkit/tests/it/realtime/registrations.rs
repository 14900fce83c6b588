//! `/v1/registrations`: the devices that a client runs on.

use http::Method;
use insta::assert_snapshot;
use testkit::{Client, House, Reply, on_both};

const JSON: &str = "application/json";
const ALL: &str = "/v1/registrations?productId=ip_messaging";

fn device(channel: &str, id: &str) -> String {
    let types = r#"["twilio.conversations.new_message","twilio.channel.consumption_update"]"#;
    format!(
        r#"{{"endpoint_platform":"Node.js","channel_type":"{channel}","version":"4","message_types":{types},"data":{{"registration_id":"{id}"}}}}"#
    )
}

/// A client whose token names a push credential for FCM.
async fn notified(house: &House) -> Client {
    let credential = house.post("/v1/Credentials", "Type=fcm&Secret=key").await.sid();
    house.client("alice").await.with_push_credential(&credential)
}

/// The same for APN.
async fn notified_by_apn(house: &House) -> Client {
    let credential = house.post("/v1/Credentials", "Type=apn&Certificate=c&PrivateKey=k").await.sid();
    house.client("alice").await.with_push_credential(&credential)
}

async fn register(client: &Client, body: &str) -> Reply {
    client.ask(Method::POST, ALL, (JSON, body)).await
}

async fn bindings(house: &House) -> Reply {
    let service = house.get("/v1/Users/alice").await.field("chat_service_sid");
    house.get(&format!("/v1/Services/{service}/Bindings")).await
}

#[tokio::test]
async fn devices_become_bindings_and_go_again() {
    let told = on_both(async |house| {
        let alice = notified(house).await;
        let registered = register(&alice, &device("fcm", "d1")).await;
        house.note(registered.text());
        house.note(bindings(house).await.json()["bindings"][0].to_string());
        // A device that comes again is the one that it was.
        assert_eq!(register(&alice, &device("fcm", "d1")).await.field("id"), registered.field("id"));
        let bob = house.client("bob").await;
        let one = format!("/v1/registrations/{}?productId=ip_messaging", registered.field("id"));
        house.note(bob.ask(Method::DELETE, &one, (JSON, "{}")).await.code());
        house.note(alice.ask(Method::DELETE, &one, (JSON, "{}")).await.code());
        house.note(alice.ask(Method::DELETE, &one, (JSON, "{}")).await.code());
        register(&alice, &device("fcm", "d2")).await;
        let removed = r#"{"binding_type":"fcm","address":"d2"}"#;
        house.note(alice.ask(Method::DELETE, ALL, (JSON, removed)).await.code());
        house.note(alice.ask(Method::DELETE, ALL, (JSON, removed)).await.code());
        house.note(bindings(house).await.json()["bindings"].to_string());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "id": "BS0000000000000000000000000000000e"
    }

    {"account_sid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","binding_type":"fcm","chat_service_sid":"IS00000000000000000000000000000001","credential_sid":"CR00000000000000000000000000000009","date_created":"2026-01-01T00:00:00Z","date_updated":"2026-01-01T00:00:00Z","endpoint":"d1","identity":"alice","message_types":["new_message"],"sid":"BS0000000000000000000000000000000e","url":"http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Bindings/BS0000000000000000000000000000000e"}

    404 20404

    204

    404 20404

    204

    204

    []
    "#);
}

#[tokio::test]
async fn what_cannot_be_notified_is_refused() {
    let told = on_both(async |house| {
        let alice = notified(house).await;
        for (method, path, body) in [
            (Method::POST, ALL, device("pigeon", "d1")),
            (Method::POST, ALL, device("fcm", "")),
            (Method::POST, ALL, "[]".to_owned()),
            (Method::POST, ALL, String::new()),
            (Method::GET, ALL, String::new()),
            (Method::DELETE, ALL, "{}".to_owned()),
            (Method::POST, "/v1/registrations/BS00000000000000000000000000000001", String::new()),
            (Method::DELETE, "/v1/registrations/null", String::new()),
            (Method::DELETE, "/v1/registrationsx", String::new()),
        ] {
            let code = alice.ask(method.clone(), path, (JSON, &body)).await.code();
            house.note(format!("{method} {path} {body}: {code}"));
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    POST /v1/registrations?productId=ip_messaging {"endpoint_platform":"Node.js","channel_type":"pigeon","version":"4","message_types":["twilio.conversations.new_message","twilio.channel.consumption_update"],"data":{"registration_id":"d1"}}: 400 50209

    POST /v1/registrations?productId=ip_messaging {"endpoint_platform":"Node.js","channel_type":"fcm","version":"4","message_types":["twilio.conversations.new_message","twilio.channel.consumption_update"],"data":{"registration_id":""}}: 400 20001

    POST /v1/registrations?productId=ip_messaging []: 400 20001

    POST /v1/registrations?productId=ip_messaging : 400 20001

    GET /v1/registrations?productId=ip_messaging : 405 20004

    DELETE /v1/registrations?productId=ip_messaging {}: 400 20001

    POST /v1/registrations/BS00000000000000000000000000000001 : 405 20004

    DELETE /v1/registrations/null : 404 20404

    DELETE /v1/registrationsx : 404 20404
    "#);
}

#[tokio::test]
async fn devices_of_apn_become_bindings_too_and_go_by_id_or_by_name() {
    let told = on_both(async |house| {
        let alice = notified_by_apn(house).await;
        let first = register(&alice, &device("apn", "d1")).await;
        let second = register(&alice, &device("apn", "d2")).await;
        assert_eq!((first.code(), second.code()), ("201".to_owned(), "201".to_owned()));
        let shown = bindings(house).await.json()["bindings"].clone();
        for binding in shown.as_array().expect("a list") {
            house.note(format!(
                "{} {} {}",
                binding["binding_type"], binding["endpoint"], binding["message_types"]
            ));
        }
        // Of the same name, but of another kind: nothing goes.
        let other = r#"{"binding_type":"fcm","address":"d2"}"#;
        house.note(alice.ask(Method::DELETE, ALL, (JSON, other)).await.code());
        assert_eq!(bindings(house).await.json()["bindings"].as_array().map(Vec::len), Some(2));
        let one = format!("/v1/registrations/{}?productId=ip_messaging", first.field("id"));
        house.note(alice.ask(Method::DELETE, &one, (JSON, "{}")).await.code());
        let removed = r#"{"binding_type":"apn","address":"d2"}"#;
        house.note(alice.ask(Method::DELETE, ALL, (JSON, removed)).await.code());
        house.note(bindings(house).await.json()["bindings"].to_string());
    })
    .await;
    assert_snapshot!(told, @r#"
    "apn" "d1" ["new_message"]

    "apn" "d2" ["new_message"]

    204

    204

    204

    []
    "#);
}

/// The credential that a device of this type was registered with.
async fn credential(house: &House, client: &Client, channel: &str) -> String {
    let registered = register(client, &device(channel, "d")).await;
    assert_eq!(registered.code(), "201");
    let service = house.get("/v1/Users/alice").await.field("chat_service_sid");
    let path = format!("/v1/Services/{service}/Bindings/{}", registered.field("id"));
    house.get(&path).await.get("credential_sid").as_str().unwrap_or("none").to_owned()
}

#[tokio::test]
async fn a_device_is_registered_with_whatever_credential_can_be_its_own() {
    on_both(async |house| {
        let unnamed = house.client("alice").await;
        assert_eq!(credential(house, &unnamed, "fcm").await, "none");
        let first = house.post("/v1/Credentials", "Type=fcm&Secret=key").await.sid();
        assert_eq!(credential(house, &unnamed, "fcm").await, first, "the only one");
        assert_eq!(credential(house, &unnamed, "apn").await, "none");
        assert_eq!(credential(house, &unnamed, "twilsock").await, "none");
        let apn = house.post("/v1/Credentials", "Type=apn&Certificate=c&PrivateKey=k").await.sid();
        let named = house.client("alice").await.with_push_credential(&apn);
        assert_eq!(credential(house, &named, "apn").await, apn, "the one that the token names");
        assert_eq!(credential(house, &named, "fcm").await, first, "the only one of the type");
        let second = house.post("/v1/Credentials", "Type=fcm&Secret=key").await.sid();
        assert_eq!(credential(house, &unnamed, "fcm").await, "none", "one of two");
        let named = house.client("alice").await.with_push_credential(&second);
        assert_eq!(credential(house, &named, "fcm").await, second);
        let gone = house.client("alice").await.with_push_credential("CR00000000000000000000000000000fff");
        assert_eq!(credential(house, &gone, "fcm").await, "none");
        assert_eq!(credential(house, &gone, "apn").await, apn);
    })
    .await;
}
