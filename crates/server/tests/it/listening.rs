//! A server that listens: what only shows on a real connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tertulia_server::{Listeners, Server};
use tokio::net::TcpListener;

use crate::harness::Harness;

async fn started(harness: &Harness) -> Server {
    let bind = || TcpListener::bind("127.0.0.1:0");
    let (api, metrics) = (bind().await.expect("a port"), bind().await.expect("a port"));
    let listeners = Listeners { api, metrics: Some(metrics) };
    Server::start(Arc::clone(&harness.app), listeners).expect("a server")
}

/// Sends bytes and takes all that comes back until the server closes.
fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    stream.write_all(request).expect("the server takes it in");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server closes in order");
    String::from_utf8(answer).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_measures_and_stops() {
    let harness = Harness::new().await;
    let server = started(&harness).await;
    let (address, metrics) = (server.address(), server.metrics_address().expect("they are on"));
    let (_, authorization) = harness.basic();
    // HTTP/1.0 needs no Host: the URLs are then those of our own address.
    let request = format!("GET /v1/Services HTTP/1.0\r\nAuthorization: {authorization}\r\n\r\n");
    let answer = tokio::task::block_in_place(|| exchange(address, request.as_bytes()));
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains(&format!("\"url\":\"http://{address}/v1/Services?PageSize=50&Page=0\"")),
        "{answer}"
    );

    let page = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let page = tokio::task::block_in_place(|| exchange(metrics, page));
    let line = r#"tertulia_http_requests_total{method="GET",template="/v1/Services",status="200"} 1"#;
    assert!(page.contains(line), "{page}");
    // Not its value: what the server does after a start by itself may wait at this moment.
    let mut depths = page.lines().filter_map(|line| line.strip_prefix("tertulia_store_queue_depth "));
    assert!(depths.next().is_some_and(|depth| depth.parse::<u64>().is_ok()), "{page}");

    let idle = TcpStream::connect(address).expect("a connection");
    server.stop().await;
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_too_much_still_gets_his_answer() {
    let harness = Harness::new().await;
    let server = started(&harness).await;
    let (_, authorization) = harness.basic();
    let body = "x".repeat(8 * 1024 * 1024);
    let head = |headers: &str, length: usize| {
        format!("POST /v1/Conversations HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n")
    };
    let signed =
        format!("Authorization: {authorization}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
    let large = head(&signed, body.len()) + &body;
    let unsigned = head("", body.len()) + &body;
    let headers = head(&format!("X-Long: {}\r\n", &body[..100_000]), 0);
    let many = head(&"X-Many: 1\r\n".repeat(101), 0);
    for (request, status) in [(large, "413"), (unsigned, "401"), (headers, "431"), (many, "431")] {
        let answer = tokio::task::block_in_place(|| exchange(server.address(), request.as_bytes()));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    server.stop().await;
}
