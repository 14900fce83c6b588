//! Where clients come in: the handshake of the WebSocket, as RFC 6455 has it.
//!
//! It asks for nothing but a WebSocket: who comes is said in the first frame. The answer carries a [`Tunnel`], by which
//! the listener knows that the connection is no longer one of HTTP, and whom to give it to.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use wire::Problem;

use crate::app::App;
use crate::web::answer;
use crate::web::host::BaseUrl;

/// Where the SDK dials by itself.
pub const PATH: &str = "/v3/wsconnect";
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A connection that was let through the door, as an extension of the answer.
#[derive(Clone)]
pub struct Tunnel {
    pub app: Arc<App>,
    /// Scheme and host that the client came by.
    pub base_url: Arc<str>,
}

/// The one path.
pub fn router() -> Router<Arc<App>> {
    Router::new().route(PATH, any(enter))
}

async fn enter(State(app): State<Arc<App>>, request: Request) -> Response {
    let mut response = welcome(app, &request);
    answer::note(&mut response, |note| note.template = Some(PATH.into()));
    response
}

fn welcome(app: Arc<App>, request: &Request) -> Response {
    if request.method() != Method::GET {
        return answer::not_allowed(Method::GET.as_str());
    }
    let Some(accept) = accept(request.version(), request.headers()) else { return upgrade_required() };
    if is_full(&app) {
        return answer::problem(&Problem::SERVICE_UNAVAILABLE);
    }
    let BaseUrl(base_url) = request.extensions().get::<BaseUrl>().expect("the edge has put it there").clone();
    let mut response = answer::empty(101);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response.extensions_mut().insert(Tunnel { app, base_url });
    response
}

/// One connection in ten is left for everything else: clients stay for hours.
fn is_full(app: &App) -> bool {
    let open = usize::try_from(app.metrics.realtime_connections.get()).unwrap_or(0);
    let most = app.settings.max_connections;
    open >= most - most / 10
}

fn upgrade_required() -> Response {
    let problem = Problem::parameter("This path is a WebSocket of version 13 and nothing else");
    let mut response = answer::problem(&Problem { status: 426, ..problem });
    answer::header(&mut response, "upgrade", "websocket");
    answer::header(&mut response, "connection", "Upgrade");
    answer::header(&mut response, "sec-websocket-version", "13");
    response
}

/// What shows a client that it was understood; none where this is no handshake of this version.
fn accept(version: Version, headers: &HeaderMap) -> Option<HeaderValue> {
    let is_upgrade = version == Version::HTTP_11
        && lists(headers, &CONNECTION, "upgrade")
        && lists(headers, &UPGRADE, "websocket")
        && headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| is_upgrade && key.len() == 24)?;
    let text = [key.as_bytes(), GUID.as_bytes()].concat();
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &text);
    HeaderValue::try_from(BASE64_STANDARD.encode(digest)).ok()
}

/// Whether a header that is a list has this word in it.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|known| known.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(changes: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]
        .iter()
        .chain(changes)
        {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_handshake_is_answered_as_the_rfc_says() {
        let accepted = accept(Version::HTTP_11, &headers(&[]));
        assert_eq!(accepted, Some(HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
        assert!(accept(Version::HTTP_11, &headers(&[("upgrade", "h2c, WebSocket")])).is_some());
    }

    #[test]
    fn what_is_no_handshake_is_not() {
        assert!(accept(Version::HTTP_10, &headers(&[])).is_none());
        for change in [
            ("connection", "close"),
            ("upgrade", "h2c"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "short"),
            ("sec-websocket-key", ""),
        ] {
            assert!(accept(Version::HTTP_11, &headers(&[change])).is_none(), "{change:?}");
        }
    }
}
