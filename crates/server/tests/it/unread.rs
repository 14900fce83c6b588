//! Requests that are refused before their bodies are read, and the connections that they came by.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use tertulia_server::{Bounds, Rates, Server, Settings};
use tokio::task::block_in_place;

use crate::harness::Harness;
use crate::pressure::{PATIENCE, Shut, creates, figure, started, until};

/// Somebody who asks for one thing after another on one connection.
struct Caller {
    stream: TcpStream,
}

impl Caller {
    fn of(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_nodelay(true).expect("a socket");
        Self { stream }
    }

    fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).expect("it is taken");
    }

    /// The head of the next answer. What follows it is read away.
    fn head(&mut self) -> String {
        block_in_place(|| {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                self.stream.read_exact(&mut byte).expect("the connection is there");
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).expect("a head is text").to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            self.stream.read_exact(&mut vec![0; length.unwrap_or(0)]).expect("the answer is whole");
            head
        })
    }

    fn is_at_its_end(&mut self) -> bool {
        block_in_place(|| self.stream.read(&mut [0])).is_ok_and(|count| count == 0)
    }
}

/// Sends a head, and the body only when the request has arrived and so has most probably been refused. Tells the
/// status.
async fn late(caller: &mut Caller, server: &Server, (request, beside): (&str, u64)) -> String {
    caller.say(&format!("{request}Host: x\r\nContent-Length: 12\r\n\r\n"));
    until(|| figure(server, "tertulia_http_requests_in_flight ") == beside + 1).await;
    caller.say("UniqueName=b");
    let head = caller.head();
    head["http/1.1 ".len()..][..3].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_refused_keeps_its_connection() {
    let harness = Harness::new().await;
    let server = started(&harness).await;
    let mut caller = Caller::of(&server);
    let (_, authorization) = harness.basic();
    for (request, status) in [
        ("POST /v1/Conversations HTTP/1.1\r\n".to_owned(), "401"),
        (format!("POST /v1/Nothing HTTP/1.1\r\nAuthorization: {authorization}\r\n"), "404"),
        (format!("PUT /v1/Conversations HTTP/1.1\r\nAuthorization: {authorization}\r\n"), "405"),
        (
            format!(
                "POST /v1/Conversations HTTP/1.1\r\nAuthorization: {authorization}\r\nContent-Type: text/plain\r\n"
            ),
            "400",
        ),
    ] {
        assert_eq!(late(&mut caller, &server, (&request, 0)).await, status, "{request}");
    }
    caller.say("GET /healthz/live HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(caller.head().starts_with("http/1.1 200 "));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_beyond_its_limits_keeps_its_connection() {
    let rates = Rates { concurrency: Some(0), ..Rates::default() };
    let harness = Harness::with(Settings { rates, ..Settings::default() }).await;
    let server = started(&harness).await;
    let mut caller = Caller::of(&server);
    let (_, authorization) = harness.basic();
    let request = format!("POST /v1/Conversations HTTP/1.1\r\nAuthorization: {authorization}\r\n");
    for _ in 0..2 {
        assert_eq!(late(&mut caller, &server, (&request, 0)).await, "429");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_turned_away_keeps_its_connection_and_what_it_still_sends_takes_no_place() {
    let bounds = Bounds { requests: 1, ..Bounds::default() };
    let harness = Arc::new(Harness::with(Settings { bounds, ..Settings::default() }).await);
    let server = started(&harness).await;
    let shut = Shut::now(harness.app.store()).await;
    let first = creates(&harness, ["a".to_owned()].into_iter());
    until(|| harness.app.store().queue_depth() > 0).await;
    let mut caller = Caller::of(&server);
    let request = "POST /v1/Conversations HTTP/1.1\r\n";
    assert_eq!(late(&mut caller, &server, (request, 1)).await, "503");
    drop(shut);
    assert!(first.join_all().await.iter().all(|(_, answer)| answer.status == 201));
    // Nobody knows this one, and it says no more for now.
    caller.say(&format!("{request}Host: x\r\nContent-Length: 12\r\n\r\n"));
    until(|| figure(&server, "tertulia_http_requests_in_flight ") == 1).await;
    assert_eq!(harness.ask("GET", "/v1/Services", &[], "").await.status, 200);
    caller.say("UniqueName=b");
    assert!(caller.head().starts_with("http/1.1 401 "));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_long_body_nor_for_one_that_may_never_end() {
    let harness = Harness::new().await;
    let server = started(&harness).await;
    for length in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
        let mut caller = Caller::of(&server);
        caller.say(&format!("POST /v1/Conversations HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n"));
        let head = caller.head();
        assert!(head.starts_with("http/1.1 401 "), "{length}: {head}");
        assert!(caller.is_at_its_end(), "{length}");
    }
    server.stop().await;
}
