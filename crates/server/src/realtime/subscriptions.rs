//! `POST /v4/Subscriptions`: which objects a client listens to.

use std::collections::HashSet;
use std::sync::Arc;

use conversations::sync::{ObjectType, SyncObject};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use wire::Problem;

use super::connected::Connected;
use super::exchange::{Reply, Request};
use crate::app::App;

pub const PATH: &str = "/v4/Subscriptions";

/// Objects in one request, as it is told to clients.
const AT_ONCE: usize = 1000;
/// After so long a client asks again where it has heard nothing.
const DELIVERY_MILLISECONDS: u32 = 10_000;
/// After so long it renews all that it listens to.
const LIFE_SECONDS: u32 = 86_400;

#[derive(Deserialize)]
struct Asked {
    action: Action,
    /// The client's clock; what becomes of it is told under the same number.
    correlation_id: Number,
    requests: Vec<One>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Establish,
    Cancel,
}

#[derive(Deserialize)]
struct One {
    object_sid: String,
    object_type: String,
    /// None where a client keeps its objects longer than its connection, which it is never told that it may.
    last_event_id: Option<i64>,
}

#[derive(Serialize)]
struct Granted {
    estimated_delivery_in_ms: u32,
    max_batch_size: usize,
    ttl_in_s: u32,
}

/// Answers who wants to listen, or no longer; none for any other path.
pub async fn run(app: &App, connected: &Arc<Connected>, request: &Request) -> Option<Reply> {
    if request.path != PATH {
        return None;
    }
    if request.method != Method::POST {
        return Some(Reply::problem(&Problem::METHOD_NOT_ALLOWED));
    }
    app.hub.room().await;
    Some(subscribe(app, connected, request))
}

/// Hands it to the hub. What comes of each object is told later, through the connection.
fn subscribe(app: &App, connected: &Arc<Connected>, request: &Request) -> Reply {
    let Ok(Asked { action, correlation_id, requests }) = serde_json::from_slice(&request.body) else {
        return Reply::problem(&Problem::parameter("The body is not a request for subscriptions"));
    };
    if requests.len() > AT_ONCE {
        return Reply::problem(&Problem::parameter(format!("More than {AT_ONCE} subscriptions at a time")));
    }
    let (mut objects, mut unknown) = (Vec::with_capacity(requests.len()), Vec::new());
    let mut named = HashSet::new();
    for One { object_sid, object_type, last_event_id } in requests {
        let object = SyncObject::parse(&object_sid);
        let is_of_type = |object: &SyncObject| ObjectType::parse(&object_type) == Some(object.object_type());
        match object.filter(is_of_type) {
            // Who does not know what it has seen is told what comes.
            Some(object) if named.insert(object) => {
                objects.push((object, last_event_id.map_or(i64::MAX, |seen| seen.max(0))));
            }
            Some(_) => {}
            None => unknown.push((object_sid, object_type)),
        }
    }
    app.hub.refuse(connected, &correlation_id, unknown);
    match action {
        Action::Establish => app.hub.subscribe(connected, &correlation_id, objects),
        Action::Cancel => {
            let objects = objects.into_iter().map(|(object, _)| object).collect();
            app.hub.cancel(connected, &correlation_id, objects);
        }
    }
    Reply::json(
        200,
        &Granted {
            estimated_delivery_in_ms: DELIVERY_MILLISECONDS,
            max_batch_size: AT_ONCE,
            ttl_in_s: LIFE_SECONDS,
        },
    )
}
