//! A client of the tunnel that does what it is told, wrong or right.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tertulia_server::{Listeners, Server, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use wire::{AccessToken, ChatGrant, Timestamp};

use crate::harness::{FORM, Harness};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that listens, and a key that signs tokens.
pub struct House {
    pub harness: Harness,
    pub key_sid: String,
    secret: String,
    pub service_sid: String,
    server: Option<Server>,
}

/// What comes to a client.
#[derive(Debug)]
pub enum Told {
    /// A frame: its header and its payload.
    Frame(Value, Value),
    /// The server says why it closes.
    Closed(u16, String),
    /// The connection is gone.
    Gone,
}

pub struct Client {
    pub socket: WebSocketStream<TcpStream>,
}

impl House {
    pub async fn open() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let harness = Harness::with(settings).await;
        let keys = format!("/2010-04-01/Accounts/{}/Keys.json", harness.account_sid);
        let key = harness.ask("POST", &keys, &[FORM], "").await.body;
        let configuration = harness.ask("GET", "/v1/Configuration", &[], "").await.body;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let bind = || TcpListener::bind("127.0.0.1:0");
        let (api, metrics) = (bind().await.expect("a port"), bind().await.expect("a port"));
        let listeners = Listeners { api, metrics: Some(metrics) };
        let server = Server::start(Arc::clone(&harness.app), listeners).expect("a server");
        Self {
            key_sid: text(&key["sid"]),
            secret: text(&key["secret"]),
            service_sid: text(&configuration["default_chat_service_sid"]),
            server: Some(server),
            harness,
        }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    pub fn address(&self) -> SocketAddr {
        self.server().address()
    }

    pub async fn stop(&mut self) {
        self.server.take().expect("it runs").stop().await;
    }

    pub fn now(&self) -> Timestamp {
        self.harness.app.store().clock().now()
    }

    /// A token of an hour.
    pub fn claims(&self, identity: &str) -> AccessToken {
        AccessToken {
            key_sid: self.key_sid.clone(),
            account_sid: self.harness.account_sid.clone(),
            issued_at: None,
            not_before: None,
            expires_at: self.now().saturating_plus_micros(3_600_000_000),
            identity: identity.to_owned(),
            chat: ChatGrant { service_sid: self.service_sid.clone(), ..ChatGrant::default() },
        }
    }

    pub fn token(&self, identity: &str) -> String {
        self.sign(&self.claims(identity))
    }

    pub fn sign(&self, claims: &AccessToken) -> String {
        claims.sign(&self.secret)
    }

    /// Somebody who has done the handshake and nothing else.
    pub async fn stranger(&self) -> Client {
        let mut stream = TcpStream::connect(self.address()).await.expect("a connection");
        let request = "GET /v3/wsconnect HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("it is taken in");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("an answer"));
        }
        let head = String::from_utf8(head).expect("text").to_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");
        assert!(!head.contains("extensions"), "nothing is compressed: {head}");
        Client { socket: WebSocketStream::from_raw_socket(stream, Role::Client, None).await }
    }

    /// Somebody who has been let in.
    pub async fn client(&self, identity: &str) -> Client {
        let mut client = self.stranger().await;
        let header = client.init(&self.token(identity)).await;
        assert_eq!(header["status"]["code"], 200, "{header}");
        client
    }

    /// A number of the metrics.
    pub async fn metric(&self, name: &str) -> u64 {
        let address = self.server().metrics_address().expect("they are on");
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await
            .expect("it is taken in");
        let mut page = String::new();
        stream.read_to_string(&mut page).await.expect("a page");
        let mut lines = page.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        lines.next().expect("it is there").parse().expect("a number")
    }
}

impl House {
    /// Waits until a number of the metrics is no more than this.
    pub async fn falls_to(&self, name: &str, most: u64) {
        let falling = async { while self.metric(name).await > most {} };
        timeout(PATIENCE, falling).await.expect("it falls in time");
    }
}

/// A frame whose lengths are right, but for those that the header says itself.
pub fn framed(header: &Value, payload: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    [format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len()).as_bytes(), payload].concat()
}

impl Client {
    pub async fn send(&mut self, header: Value) {
        self.send_bytes(framed(&header, b"")).await;
    }

    pub async fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::Binary(bytes.into())).await.expect("it is taken in");
    }

    /// Sends a request without a body.
    pub async fn ask(&mut self, id: &str, method: &str, path: &str) {
        let request = json!({"host": "aim.us1.twilio.com", "path": path, "method": method, "params": {}});
        self.send(json!({"id": id, "method": "message", "http_request": request, "payload_size": 0})).await;
    }

    /// Says who it is, and takes the reply's header.
    pub async fn init(&mut self, token: &str) -> Value {
        self.send(json!({
            "id": "TMinit", "method": "init", "token": token, "continuation_token": null, "tweaks": null,
            "metadata": {"ver": "1.0.2", "osa": 64}, "registrations": [{"product": "ip_messaging"}],
            "capabilities": ["client_update", "offline_storage", "telemetry.v1"], "payload_size": 0,
        }))
        .await;
        let (header, _) = self.frame().await;
        assert_eq!((&header["id"], &header["method"]), (&json!("TMinit"), &json!("reply")));
        header
    }

    /// Brings a new token, and takes the status of the reply.
    pub async fn update(&mut self, token: &str) -> Value {
        self.send(json!({"id": "TMupdate", "method": "update", "token": token, "payload_size": 0})).await;
        let (mut header, _) = self.frame().await;
        assert_eq!((&header["id"], &header["method"]), (&json!("TMupdate"), &json!("reply")));
        header["status"].take()
    }

    /// The next thing that comes.
    pub async fn next(&mut self) -> Told {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("something comes in time");
            return match message {
                Some(Ok(Message::Binary(bytes))) => read(&bytes),
                Some(Ok(Message::Close(Some(frame)))) => {
                    Told::Closed(frame.code.into(), frame.reason.to_string())
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(None)) | Err(_)) | None => Told::Gone,
                Some(Ok(other)) => panic!("the server sends frames and nothing else: {other:?}"),
            };
        }
    }

    /// The next frame.
    pub async fn frame(&mut self) -> (Value, Value) {
        match self.next().await {
            Told::Frame(header, payload) => (header, payload),
            other => panic!("a frame was to come: {other:?}"),
        }
    }

    /// Code and reason with which the server closes.
    pub async fn closed(&mut self) -> (u16, String) {
        match self.next().await {
            Told::Closed(code, reason) => (code, reason),
            other => panic!("the end was to come: {other:?}"),
        }
    }

    /// Nothing comes any more, not even a word of farewell.
    pub async fn gone(&mut self) {
        let told = self.next().await;
        assert!(matches!(told, Told::Gone), "{told:?}");
    }
}

fn read(frame: &[u8]) -> Told {
    let text = std::str::from_utf8(frame).expect("JSON is text");
    let (line, rest) = text.split_once("\r\n").expect("the line ends");
    let length: usize = line.strip_prefix("TWILSOCK V3.0 ").expect(line).parse().expect("a length");
    let (header, payload) = rest.split_at(length);
    let header: Value = serde_json::from_str(header).expect("the header is JSON");
    let payload = payload.strip_prefix("\r\n").expect("the header ends");
    assert_eq!(header["payload_size"], payload.len());
    let payload = if payload.is_empty() { Value::Null } else { serde_json::from_str(payload).expect("JSON") };
    Told::Frame(header, payload)
}
