//! A client of the SDK without a socket: what it would send through its tunnel, and what it would be answered.

use std::sync::Arc;

use conversations::{Client as Named, Owned};
use http::{HeaderMap, Method, StatusCode};
use server::realtime::{Connected, Outbox, Request, answer};
use tokio_util::sync::CancellationToken;
use wire::Sid;

use crate::house::{ACCOUNT_SID, House};
use crate::reply::Reply;

/// Somebody who is connected to a house. Frames sent to it are dropped.
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
        let (outbox, _) = Outbox::new(1, CancellationToken::new());
        let connected = Connected {
            number: 1,
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
            outbox,
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
