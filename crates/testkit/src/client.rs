//! A client of the SDK without a socket: what it would send through its tunnel, and what it would be answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conversations::sync::SyncObject;
use conversations::{Client as Named, Owned};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value as Json, json};
use server::realtime::{Connected, Outbox, Request, Waiting, answer, arrived, left, tell};
use tokio_util::task::TaskTracker;
use wire::Sid;

use crate::house::{ACCOUNT_SID, House};
use crate::reply::Reply;

static NUMBERS: AtomicU64 = AtomicU64::new(1);
/// Room for the frames that wait until a test looks at them.
const FRAMES: usize = 4096;

/// Somebody who is connected to a house.
pub struct Client {
    house: House,
    connected: Arc<Connected>,
}

impl House {
    /// Connects a user of the account's default service, who is made where nobody knows it.
    pub async fn client(&self, identity: &str) -> Client {
        let form = format!("Identity={identity}");
        self.post("/v1/Users", &form).await;
        let user = self.get(&format!("/v1/Users/{identity}")).await;
        let connected = Connected {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            account_sid: Sid::parse(ACCOUNT_SID).expect("it is one"),
            service_sid: Sid::parse(&user.field("chat_service_sid")).expect("it is one"),
            client: Arc::new(Named {
                identity: user.field("identity"),
                user_sid: Sid::parse(&user.sid()).expect("it is one"),
            }),
            owned: Arc::new(Owned::default()),
            is_streamed: false,
            push_credential_sid: None,
            base_url: "http://tertulia.test".into(),
            outbox: Outbox::new(FRAMES),
        };
        Client { house: self.clone(), connected: Arc::new(connected) }
    }
}

impl Client {
    /// The same client with a token that names a push credential.
    #[must_use]
    pub fn with_push_credential(mut self, sid: &str) -> Self {
        let connected = Arc::get_mut(&mut self.connected).expect("nobody else has it");
        connected.push_credential_sid = Some(Sid::parse(sid).expect("it is one"));
        self
    }

    /// Asks to be told of objects, from the ids that were seen of each. `correlation_id` comes back.
    pub async fn subscribe(&self, correlation_id: i64, objects: &[(&str, i64)]) -> Reply {
        let request = |(name, seen): &(&str, i64)| {
            let object = SyncObject::parse(name).expect("it is one");
            json!({
                "object_sid": name, "object_type": object.object_type().name(), "last_event_id": seen,
            })
        };
        let body = json!({
            "event_protocol_version": 4, "action": "establish", "correlation_id": correlation_id,
            "retried_requests": 0, "ttl_in_s": -1, "requests": objects.iter().map(request).collect::<Vec<_>>(),
        });
        self.ask(Method::POST, "/v4/Subscriptions", ("application/json", &body.to_string())).await
    }

    /// What has come since it was last asked, when all that happened has been told: the payloads, in order.
    pub async fn told(&mut self) -> Vec<Json> {
        tell(&self.house.app).await;
        let mut told = Vec::new();
        loop {
            let frames = self.connected.outbox.take();
            if frames.is_empty() {
                return told;
            }
            for frame in &frames {
                let lines: Vec<&[u8]> = frame.splitn(3, |byte| *byte == b'\n').collect();
                told.push(serde_json::from_slice(lines[2]).expect("the payload is JSON"));
            }
            self.connected.outbox.left(Waiting::of(&frames));
        }
    }

    /// The server takes note of it, as of one that has just signed in.
    pub fn arrive(&self) {
        self.house.app.hub().arrived(&self.connected);
    }

    /// The server counts it among those who are there. Answers when what is to be written of that is written.
    pub async fn come(&self) {
        let tasks = TaskTracker::new();
        arrived(&self.house.app, &self.connected, &tasks);
        tasks.close();
        tasks.wait().await;
    }

    /// It is there no longer.
    pub async fn go(&self) {
        let tasks = TaskTracker::new();
        left(&self.house.app, &self.connected, &tasks);
        tasks.close();
        tasks.wait().await;
    }

    /// Whether the server has come to doubt that it may stay, when all that happened has been told.
    pub async fn is_doubted(&self) -> bool {
        tell(&self.house.app).await;
        self.connected.outbox.is_doubted()
    }

    /// The connection ends.
    pub fn leave(self) {
        let Self { house, connected } = self;
        connected.outbox.cut();
        house.app.hub().left(&connected);
    }

    /// The name of the user's map of conversations.
    pub fn conversations(&self) -> String {
        SyncObject::MyConversations(self.connected.client.user_sid).to_string()
    }

    /// The name of the user's profile.
    pub fn info(&self) -> String {
        SyncObject::UserInfo(self.connected.client.user_sid).to_string()
    }

    /// The path of what stands below the client's service.
    pub fn below(&self, path: &str) -> String {
        format!("/Client/v2/Services/{}{path}", self.connected.service_sid)
    }

    /// The path of the conversations that the client takes part in.
    pub fn mine(&self, path: &str) -> String {
        format!("/Users/{}/Conversations{path}", self.connected.client.user_sid)
    }

    /// GET below the service. A query may follow.
    pub async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, &self.below(path), ("", "")).await
    }

    /// POST of JSON below the service.
    pub async fn post(&self, path: &str, json: &str) -> Reply {
        self.ask(Method::POST, &self.below(path), ("application/json; charset=utf-8", json)).await
    }

    /// DELETE below the service.
    pub async fn delete(&self, path: &str) -> Reply {
        self.ask(Method::DELETE, &self.below(path), ("application/json; charset=utf-8", "{}")).await
    }

    /// Anything. The query of `path` goes as it goes through the tunnel.
    pub async fn ask(&self, method: Method, path: &str, (content_type, body): (&str, &str)) -> Reply {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_owned(), value.to_owned())
        };
        let request = Request {
            method,
            path: path.to_owned(),
            params: query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect(),
            content_type: content_type.to_owned(),
            body: body.to_owned().into(),
        };
        let answered = answer(&self.house.app, &self.connected, request).await;
        let status = StatusCode::from_u16(answered.status).expect("it is one");
        Reply { status, headers: HeaderMap::new(), body: answered.body }
    }
}
