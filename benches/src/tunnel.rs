//! The client's end of the tunnel (docs/REALTIME.md): no SDK, only its frames.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use wire::{AccessToken, ChatGrant, Timestamp};

use crate::server::{ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, Server};

const MAGIC: &[u8] = b"TWILSOCK V3.0 ";
const HANDSHAKE: &[u8] = b"GET /v3/wsconnect HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// The answer to the key of the handshake, which is always the same.
const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// Longer than anything that is measured, in microseconds: nobody is to be told that a token ends.
const LIFE: i64 = 3 * 3600 * 1_000_000;

pub type Socket = WebSocketStream<TcpStream>;

/// Where clients come in, and whereto.
pub struct Door {
    pub address: SocketAddr,
    service_sid: String,
}

/// A client that was let in.
pub struct Tunnel {
    pub socket: Socket,
    /// The frame that it was let in with.
    pub welcome: Bytes,
    /// Objects of which was told that they are listened to.
    established: usize,
}

/// An object that was opened, as it is subscribed to.
pub struct Opened {
    pub name: String,
    pub object_type: &'static str,
    pub last_event_id: i64,
}

impl Door {
    /// The server's, for its default service.
    pub async fn of(server: &Server) -> anyhow::Result<Self> {
        let address = server.api.url.strip_prefix("http://").context("it speaks HTTP")?.parse()?;
        let configuration = server.api.get("Configuration").await?;
        let service_sid = text(&configuration["default_chat_service_sid"])?;
        Ok(Self { address, service_sid })
    }

    /// The same service at another address.
    pub fn at(&self, address: SocketAddr) -> Self {
        Self { address, service_sid: self.service_sid.clone() }
    }

    /// Connects, and says who it is.
    pub async fn enter(&self, identity: &str) -> anyhow::Result<Tunnel> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        stream.write_all(HANDSHAKE).await?;
        let head = head(&mut stream).await?;
        ensure!(head.starts_with(b"HTTP/1.1 101 "), "the handshake was refused: {}", head.escape_ascii());
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(small())).await;
        let init = json!({
            "id": "init", "method": "init", "token": self.token(identity), "continuation_token": null,
            "metadata": {"ver": "1.0.2", "env": "Node.js", "type": "conversations", "sdk": "JS"},
            "registrations": [], "tweaks": null, "capabilities": ["client_update"], "payload_size": 0,
        });
        socket.send(Message::Binary(framed(&init, b""))).await?;
        let welcome = binary(&mut socket).await?;
        let (header, _) = read(&welcome)?;
        ensure!(header["status"]["code"] == 200, "{identity} was not let in: {header}");
        Ok(Tunnel { socket, welcome, established: 0 })
    }

    fn token(&self, identity: &str) -> String {
        let token = AccessToken {
            key_sid: API_KEY_SID.to_owned(),
            account_sid: ACCOUNT_SID.to_owned(),
            issued_at: None,
            not_before: None,
            expires_at: now().saturating_plus_micros(LIFE),
            identity: identity.to_owned(),
            chat: ChatGrant { service_sid: self.service_sid.clone(), ..ChatGrant::default() },
        };
        token.sign(API_KEY_SECRET)
    }
}

impl Tunnel {
    /// The next frame.
    pub async fn next(&mut self) -> anyhow::Result<Bytes> {
        binary(&mut self.socket).await
    }

    /// Sends a request and waits for its reply, which must be a success.
    pub async fn ask(&mut self, (method, path): (&str, &str), body: &str) -> anyhow::Result<Value> {
        self.socket.send(Message::Binary(request(path, (method, path), &json!({}), body))).await?;
        loop {
            let frame = self.next().await?;
            let (header, payload) = read(&frame)?;
            if header["id"] == path {
                return answered(&header, &payload);
            }
            self.established += established(&header, &payload)?;
        }
    }

    /// Opens an object.
    pub async fn open(&mut self, object_type: &'static str, name: &str) -> anyhow::Result<Opened> {
        let folder = match object_type {
            "document" => "Documents",
            "list" => "Lists",
            _ => "Maps",
        };
        let root = self.ask(("GET", &format!("/v3/{folder}/{name}")), "").await?;
        Opened::new(object_type, &root)
    }

    /// Subscribes to objects, and waits until it is told of all of them.
    pub async fn subscribe(&mut self, opened: &[Opened]) -> anyhow::Result<()> {
        self.ask(("POST", "/v4/Subscriptions"), &subscription(1, opened)).await?;
        while self.established < opened.len() {
            let frame = self.next().await?;
            let (header, payload) = read(&frame)?;
            self.established += established(&header, &payload)?;
        }
        Ok(())
    }
}

impl Opened {
    pub fn new(object_type: &'static str, root: &Value) -> anyhow::Result<Self> {
        let last_event_id = root["last_event_id"].as_i64().context("a root has an id of an event")?;
        Ok(Self { name: text(&root["sid"])?, object_type, last_event_id })
    }
}

/// The body of a request to listen.
pub fn subscription(correlation_id: usize, opened: &[Opened]) -> String {
    let one = |one: &Opened| {
        let Opened { name, object_type, last_event_id } = one;
        json!({"object_sid": name, "object_type": object_type, "last_event_id": last_event_id})
    };
    let requests: Vec<_> = opened.iter().map(one).collect();
    json!({
        "event_protocol_version": 4, "action": "establish", "correlation_id": correlation_id,
        "retried_requests": 0, "ttl_in_s": -1, "requests": requests,
    })
    .to_string()
}

/// How many objects a notification says that are listened to. One that is not is an error.
pub fn established(header: &Value, payload: &[u8]) -> anyhow::Result<usize> {
    if header["message_type"] != "twilio.sync.event" {
        return Ok(0);
    }
    let event: Value = serde_json::from_slice(payload)?;
    ensure!(event["event_type"] != "subscription_failed", "not every subscription came about: {event}");
    let is_established = event["event_type"] == "subscription_established";
    Ok(if is_established { event["events"].as_array().map_or(0, Vec::len) } else { 0 })
}

/// What a reply brings, where it is a success.
pub fn answered(header: &Value, payload: &[u8]) -> anyhow::Result<Value> {
    let is_success = matches!(header["http_status"]["code"].as_u64(), Some(200..=299));
    ensure!(is_success, "{} was answered with {header} {}", header["id"], payload.escape_ascii());
    Ok(serde_json::from_slice(payload)?)
}

/// The frame of a request, as the SDK sends it.
pub fn request(id: &str, (method, path): (&str, &str), params: &Value, body: &str) -> Bytes {
    let http = json!({
        "host": "aim.us1.twilio.com", "path": path, "method": method, "params": params,
        "headers": {"Content-Type": "application/json; charset=utf-8"},
    });
    let header = json!({
        "id": id, "method": "message", "active_grant": "ip_messaging", "http_request": http,
        "payload_type": "application/json; charset=utf-8", "payload_size": body.len(),
    });
    framed(&header, body.as_bytes())
}

/// A frame.
pub fn framed(header: &Value, payload: &[u8]) -> Bytes {
    let header = header.to_string();
    [MAGIC, header.len().to_string().as_bytes(), b"\r\n", header.as_bytes(), b"\r\n", payload].concat().into()
}

/// Header and payload of a frame.
pub fn read(frame: &Bytes) -> anyhow::Result<(Value, Bytes)> {
    let rest = frame.strip_prefix(MAGIC).context("it is a frame")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let length: usize = std::str::from_utf8(&rest[..digits])?.parse()?;
    let begin = MAGIC.len() + digits + 2;
    let header = frame.get(begin..begin + length).context("the header is whole")?;
    Ok((serde_json::from_slice(header)?, frame.slice((begin + length + 2).min(frame.len())..)))
}

/// The next frame of a socket. Pings are answered below.
pub async fn binary(socket: &mut Socket) -> anyhow::Result<Bytes> {
    loop {
        match socket.next().await.context("the connection is gone")?? {
            Message::Binary(frame) => return Ok(frame),
            Message::Close(close) => bail!("the server closes: {close:?}"),
            _ => {}
        }
    }
}

/// Lets somebody in whose handshake is that of a [`Door`].
pub async fn accept(mut stream: TcpStream) -> anyhow::Result<Socket> {
    head(&mut stream).await?;
    stream.set_nodelay(true)?;
    stream.write_all(ANSWER).await?;
    Ok(WebSocketStream::from_raw_socket(stream, Role::Server, Some(small())).await)
}

/// Everything up to the empty line, and nothing behind it.
async fn head(stream: &mut TcpStream) -> anyhow::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

/// Buffers of which thousands fit into memory.
fn small() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(16 * 1024).write_buffer_size(0)
}

pub fn text(value: &Value) -> anyhow::Result<String> {
    Ok(value.as_str().context("it is a text")?.to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the server's clock is the machine's")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
