//! `GET /openapi.json`: the server's own description of what it serves.
//!
//! It is in the form of `OpenAPI` 3.1. The operations are those that are routed, so none can be missing; what
//! the table of operations does not know, the names of members and parameters, stands in `resources`. That
//! those are right is tested: a form must ask for what is described and for nothing else, take what is said to
//! be allowed and refuse what lies just beyond it (`tests`), and every answer that the official clients get is
//! held against its schema (`sdk-tests`).

mod document;
mod kind;
mod resource;
mod resources;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use conversations::{Limits, hex};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue};

use crate::app::App;
use crate::web::answer;

const PATH: &str = "/openapi.json";

/// The description as it is sent, made when it is first asked for.
#[derive(Default)]
pub struct Description(OnceLock<Rendered>);

struct Rendered {
    body: Bytes,
    etag: HeaderValue,
}

impl Description {
    fn get(&self, limits: Limits) -> &Rendered {
        self.0.get_or_init(|| {
            let body = serde_json::to_vec(&document::document(limits)).expect("it has only text keys");
            let digest = hex(&digest(&SHA256, &body).as_ref()[..16]);
            let etag = HeaderValue::from_str(&format!("\"{digest}\"")).expect("digits");
            Rendered { body: body.into(), etag }
        })
    }
}

/// The one path. Nobody needs credentials to read what is public, nor to come from some origin.
pub fn router() -> Router<Arc<App>> {
    Router::new().route(PATH, get(show))
}

async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let Rendered { body, etag } = app.description.get(app.settings.limits);
    let known = headers.get(IF_NONE_MATCH).is_some_and(|given| names(given, etag));
    let mut response = if known { answer::empty(304) } else { answer::json(200, Vec::new()) };
    if !known {
        *response.body_mut() = Body::from(body.clone());
    }
    let headers = response.headers_mut();
    headers.insert(ETAG, etag.clone());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer::note(&mut response, |note| note.template = Some(PATH.into()));
    response
}

/// Whether the list of tags in `given` has this one, or any.
fn names(given: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(given), Ok(etag)) = (given.to_str(), etag.to_str()) else { return false };
    given.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == "*" || tag == etag)
}
