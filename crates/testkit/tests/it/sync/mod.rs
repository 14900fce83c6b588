//! What clients of the SDK open and subscribe to, as they see it: objects, pages of items, and what is told of
//! changes.

mod edits;
mod objects;
mod paging;
mod replay;
mod rights;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use conversations::sync::{Changes, SyncObject, changes_within};
use conversations::{Client, Owned, Service};
use http::{HeaderMap, Method, StatusCode};
use server::realtime::{Connected, Outbox, Request, read_entity};
use testkit::{ACCOUNT_SID, House, Reply};
use wire::Sid;

/// Somebody who is connected to a house.
pub struct Viewer {
    house: House,
    connected: Connected,
}

impl Viewer {
    /// A user below this path of a service, made where nobody knows it.
    pub async fn of(house: &House, service: &str, identity: &str) -> Self {
        house.post(&format!("{service}/Users"), &format!("Identity={identity}")).await;
        let user = house.get(&format!("{service}/Users/{identity}")).await;
        let client =
            Client { identity: identity.to_owned(), user_sid: Sid::parse(&user.sid()).expect("it is one") };
        let connected = Connected {
            number: 1,
            account_sid: Sid::parse(ACCOUNT_SID).expect("it is one"),
            service_sid: Sid::parse(&user.field("chat_service_sid")).expect("it is one"),
            client: Arc::new(client),
            owned: Arc::new(Owned::default()),
            is_streamed: false,
            push_credential_sid: None,
            base_url: "http://tertulia.test".into(),
            outbox: Outbox::new(1),
        };
        Self { house: house.clone(), connected }
    }

    /// The same in the account's default service.
    pub async fn new(house: &House, identity: &str) -> Self {
        Self::of(house, "/v1", identity).await
    }

    pub fn user(&self) -> String {
        self.connected.client.user_sid.to_string()
    }

    pub fn service(&self) -> Sid<Service> {
        self.connected.service_sid
    }

    /// GET through the tunnel.
    pub async fn get(&self, path: &str) -> Reply {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let params = query.split('&').filter_map(|pair| pair.split_once('='));
        let request = Request {
            method: Method::GET,
            path: path.to_owned(),
            params: params.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            content_type: "application/json".to_owned(),
            body: Bytes::new(),
        };
        let reply = read_entity(&self.house.app, &self.connected, &request).await;
        let reply = reply.expect("it is of an object");
        let status = StatusCode::from_u16(reply.status).expect("it is one");
        Reply { status, headers: HeaderMap::new(), body: reply.body }
    }

    /// What is told of one object after a position, of so many positions.
    pub async fn changes(&self, object: SyncObject, span: (i64, i64)) -> Changes {
        let service = self.service();
        let read = move |tx: &mut store::Tx<'_>| changes_within(tx, service, &object, span);
        self.house.app.store().read(read).await.expect("it is told")
    }
}

/// The text with the digits of sids counted in the order in which they are first named: the databases count those
/// of what they ran twice.
pub fn counted(text: &str) -> String {
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    let mut counted = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("000000000000") {
        let end = at + rest[at..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len() - at);
        let next = known.len() + 1;
        let number = *known.entry(&rest[at..end]).or_insert(next);
        counted.push_str(&rest[..at]);
        counted.push_str(&number.to_string());
        rest = &rest[end..];
    }
    counted + rest
}
