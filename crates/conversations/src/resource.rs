//! How a record is shown: its own fields, then what depends on where it was asked for.

use serde::Serialize;
use wire::json;

use crate::call::{Call, Scope};

/// The links that a resource prints beside its url.
pub type Links = Vec<(&'static str, String)>;

/// A record that the API shows.
pub trait Resource: Serialize {
    /// Whether the service's path adds `chat_service_sid` to the body (messages, receipts, participants).
    const NAMES_SERVICE: bool = false;

    /// Whether its address is printed: a row of a look-up has none of its own.
    const PRINTS_URL: bool = true;

    /// Its own address.
    fn url(&self, call: &Call) -> String;

    /// What stands below or beside it. Where there are none, the member `links` is left out.
    fn links(&self, call: &Call, url: &str) -> Links {
        let _ = (call, url);
        Links::new()
    }

    /// What clients of the SDK read of it besides.
    fn client_members(&self, members: &mut Members<'_>) {
        let _ = members;
    }
}

/// Members that are written behind a record's own.
pub struct Members<'a>(&'a mut Vec<u8>);

impl Members<'_> {
    /// Appends one. The keys of what it holds are text.
    pub fn put(&mut self, name: &str, value: &impl Serialize) {
        self.0.push(b',');
        member(self.0, name, value);
    }
}

/// Links to what stands below `url`.
pub fn below(url: &str, parts: &[(&'static str, &str)]) -> Links {
    parts.iter().map(|(name, path)| (*name, [url, "/", path].concat())).collect()
}

/// Appends the JSON of `resource` to `out`.
///
/// The record is written as it is and its closing brace taken back, because flattening it into a
/// larger structure costs a page of fifty a third of its time.
pub fn render<R: Resource>(resource: &R, call: &Call, out: &mut Vec<u8>) {
    json::write(out, resource);
    assert_eq!(out.pop(), Some(b'}'), "a record is an object with fields");
    if R::NAMES_SERVICE && call.scope == Scope::Service {
        out.push(b',');
        member(out, "chat_service_sid", &call.service_sid);
    }
    if call.scope == Scope::Client {
        resource.client_members(&mut Members(out));
    }
    let url = resource.url(call);
    if R::PRINTS_URL {
        out.push(b',');
        member(out, "url", &url);
    }
    let links = resource.links(call, &url);
    for (place, (name, link)) in links.iter().enumerate() {
        out.extend_from_slice(if place == 0 { b",\"links\":{" } else { b"," });
        member(out, name, link);
    }
    out.extend_from_slice(if links.is_empty() { b"}" } else { b"}}" });
}

fn member(out: &mut Vec<u8>, name: &str, value: &impl Serialize) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    json::write(out, value);
}
