//! What no client would send, and what none should have to bear.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::json;
use tertulia_server::{Bounds, RealtimeSettings, Settings};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::client::{House, Told, framed};
use crate::pressure::Shut;

fn patient(change: impl FnOnce(&mut RealtimeSettings)) -> Settings {
    let mut realtime = RealtimeSettings::default();
    change(&mut realtime);
    Settings { realtime, ..Settings::default() }
}

/// Frames that cannot be read, and how the connection is closed then.
fn broken() -> Vec<(Vec<u8>, &'static str)> {
    let header = json!({"id": "TM1", "method": "x", "payload_size": 5});
    vec![
        (Vec::new(), "no frame of version 3.0"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "no frame of version 3.0"),
        (b"TWILSOCK V2.0 2\r\n{}\r\n".to_vec(), "no frame of version 3.0"),
        (b"TWILSOCK V3.0 \r\n{}\r\n".to_vec(), "no length of a header"),
        (b"TWILSOCK V3.0 -1\r\n{}\r\n".to_vec(), "no length of a header"),
        (b"TWILSOCK V3.0 99999999999\r\n{}\r\n".to_vec(), "no length of a header"),
        (b"TWILSOCK V3.0 65537\r\n{}\r\n".to_vec(), "the header is too long"),
        (b"TWILSOCK V3.0 3\r\n{}\r\n".to_vec(), "the header is longer or shorter"),
        (b"TWILSOCK V3.0 1\r\n{}\r\n".to_vec(), "the header is longer or shorter"),
        (b"TWILSOCK V3.0 40\r\n{}\r\n".to_vec(), "the header is cut off"),
        (b"TWILSOCK V3.0 2\r\n{}\r\n".to_vec(), "the header is not what it must be"),
        (b"TWILSOCK V3.0 2\r\n{]\r\n".to_vec(), "the header is not what it must be"),
        (b"TWILSOCK V3.0 2\r\n\xFF\xFE\r\n".to_vec(), "the header is not what it must be"),
        (framed(&json!({"id": {}, "method": "x"}), b""), "the header is not what it must be"),
        (framed(&json!({"id": "x".repeat(300), "method": "x"}), b""), "the id is too long"),
        (framed(&header, b"1234"), "the payload is cut off"),
        (
            framed(&json!({"id": "", "method": "x", "payload_size": 1_u64 << 40}), b""),
            "the payload is too long",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_ends_the_connection_and_no_other() {
    let mut house = House::open().await;
    let mut bystander = house.client("bystander").await;
    for (bytes, reason) in broken() {
        for mut client in [house.stranger().await, house.client("alice").await] {
            client.send_bytes(bytes.clone()).await;
            assert_eq!(client.closed().await, (1002, reason.to_owned()));
        }
    }
    bystander.ask("TM1", "GET", "/nothing").await;
    assert_eq!(bystander.frame().await.0["http_status"]["code"], 404);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_binary_frame_ends_it_too() {
    let mut house = House::open().await;
    let text = String::from_utf8(framed(&json!({"id": "TM1", "method": "close"}), b"")).expect("text");
    let mut client = house.client("alice").await;
    client.socket.send(Message::Text(text.into())).await.expect("it is taken in");
    assert_eq!(client.closed().await, (1003, "frames are binary".to_owned()));

    let mut client = house.client("alice").await;
    let junk = Frame::message(vec![0xFF, 0xFE], OpCode::Data(Data::Text), true);
    client.socket.send(Message::Frame(junk)).await.expect("it is taken in");
    assert_eq!(client.closed().await.0, 1007);

    let mut client = house.client("alice").await;
    // It may be told before it has sent everything.
    let _ = client.socket.send(Message::Binary(vec![b'x'; 2 * 1024 * 1024].into())).await;
    assert_eq!(client.closed().await, (1009, "the frame is too long".to_owned()));

    // Bytes that are not masked, and not even a frame.
    let mut client = house.client("alice").await;
    client.socket.get_mut().write_all(&[0xFF; 40]).await.expect("it is taken in");
    assert_eq!(client.closed().await.0, 1002);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_heard_shortly_and_briefly() {
    let mut house = House::with(patient(|settings| settings.init_time = Duration::from_millis(100))).await;
    let mut silent = house.stranger().await;
    assert_eq!(silent.closed().await, (1008, "init did not come".to_owned()));
    house.stop().await;

    let mut house = House::open().await;
    let mut rash = house.stranger().await;
    rash.ask("TM1", "GET", "/Client/v2/Configuration").await;
    assert_eq!(rash.closed().await, (1008, "init comes first".to_owned()));
    let mut long = house.stranger().await;
    // The largest frame there is, which somebody who was let in may send.
    let header = json!({"id": "TM1", "method": "message", "payload_size": 1024 * 1024});
    let frame = framed(&header, &vec![b'x'; 1024 * 1024]);
    // Whether the whole of it is taken in depends on the sockets' buffers.
    let _ = long.socket.send(Message::Binary(frame.clone().into())).await;
    long.gone().await;
    let mut client = house.client("alice").await;
    client.send_bytes(frame).await;
    assert_eq!(client.frame().await.0["http_status"]["code"], 400, "there is no request in it");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_requests_at_once_are_all_answered() {
    let mut house = House::open().await;
    let mut client = house.client("alice").await;
    for number in 0..3000 {
        let method = ["GET", "POST", "PUT", "DELETE"][number % 4];
        client.ask(&format!("TM{number}"), method, &format!("/somewhere/{}", number % 7)).await;
    }
    let mut ids = Vec::new();
    for _ in 0..3000 {
        let (header, payload) = client.frame().await;
        assert_eq!(header["status"]["code"], 200);
        assert_eq!((&header["http_status"]["code"], &payload["code"]), (&json!(404), &json!(20404)));
        ids.push(header["id"].as_str().expect("text").to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3000);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_held_up_and_cut_off() {
    let mut house = House::with(patient(|settings| settings.write_time = Duration::from_millis(300))).await;
    let mut bystander = house.client("bystander").await;
    let mut client = house.client("alice").await;
    let frame = framed(
        &json!({"id": "x".repeat(256), "method": "message", "http_request":
            {"path": format!("/{}", "x".repeat(30_000)), "method": "GET"}}),
        b"",
    );
    // Everything that the sockets' buffers hold, and then some: it cannot be sent to the end.
    let mut sent = 0;
    while sent < 4000 && client.socket.send(Message::Binary(frame.clone().into())).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 4000, "it was held up, and cut off");
    assert_eq!(house.metric("tertulia_realtime_cut_off_total").await, 1);
    bystander.ask("TM1", "GET", "/nothing").await;
    assert_eq!(bystander.frame().await.0["http_status"]["code"], 404);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_answer_a_ping_is_gone() {
    let mut house = House::with(patient(|settings| settings.ping_interval = Duration::from_secs(1))).await;
    let silent = house.client("silent").await;
    let mut alive = house.client("alive").await;
    // A client answers pings while it waits for something.
    while house.metric("tertulia_realtime_clients").await > 1 {
        alive.ask("TM1", "GET", "/nothing").await;
        assert!(matches!(alive.next().await, Told::Frame(..)));
    }
    drop(silent);
    alive.ask("TM2", "GET", "/nothing").await;
    assert!(matches!(alive.next().await, Told::Frame(..)));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_there_is_no_room_for_is_turned_away_and_the_connection_stays() {
    let bounds = Bounds { requests: 1, ..Bounds::default() };
    let mut house = House::with(Settings { bounds, ..Settings::default() }).await;
    let mut client = house.client("alice").await;
    let shut = Shut::now(house.harness.app.store()).await;
    let path = format!("/Client/v2/Services/{}/Conversations", house.service_sid);
    let request = json!({"host": "aim", "path": path, "method": "POST", "params": {}});
    let header = json!({"id": "TM1", "method": "message", "http_request": request, "payload_size": 2});
    client.send_bytes(framed(&header, b"{}")).await;
    // Until the first has its place.
    loop {
        client.ask("TM2", "GET", "/nowhere").await;
        let (header, payload) = client.frame().await;
        assert_eq!(header["id"], "TM2");
        if payload["code"] == 20503 {
            assert_eq!(header["http_status"]["code"], 503);
            break;
        }
    }
    drop(shut);
    let (header, _) = client.frame().await;
    assert_eq!((&header["id"], &header["http_status"]["code"]), (&json!("TM1"), &json!(201)));
    client.ask("TM3", "GET", "/nowhere").await;
    assert_eq!(client.frame().await.1["code"], 20404);
    house.stop().await;
}
