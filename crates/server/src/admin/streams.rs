//! What waits for a sink of Event Streams, and what was given up: seen.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::deliveries::Status;
use conversations::event_streams::Sink;
use conversations::event_streams::inspection::{self, Kept};
use conversations::{Account, Failure};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wire::{Cursor, Meta, PageRequest, Position, Problem, Sid, Timestamp, meta};

use super::door::{Asked, Outcome, answered, shown};
use crate::app::App;
use crate::web::answer;

const ALL: &str = "/tertulia/v1/Sinks/{SinkSid}/Deliveries";
const ONE: &str = "/tertulia/v1/Sinks/{SinkSid}/Deliveries/{DeliverySid}";

pub fn router() -> Router<Arc<App>> {
    Router::new().route(ALL, any(all_of_them)).route(ONE, any(one_of_them))
}

async fn all_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, _) = Asked::new(app, request);
    answered(list(&asked).await, ALL)
}

async fn one_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, _) = Asked::new(app, request);
    answered(one(&asked).await, ONE)
}

/// One in a list.
#[derive(Serialize)]
struct Shown {
    sid: Sid<Kept>,
    account_sid: Sid<Account>,
    sink_sid: Sid<Sink>,
    event_id: String,
    event_type: String,
    status: Status,
    tries: i64,
    last_error: Option<String>,
    date_created: Timestamp,
    date_next_try: Option<Timestamp>,
    url: String,
}

/// What a list tells of an event.
#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    id: String,
    #[serde(default, rename = "type")]
    event_type: String,
}

impl Shown {
    fn new(asked: &Asked, (account_sid, sink_sid): (Sid<Account>, Sid<Sink>), kept: &Kept) -> Self {
        let named: Named = serde_json::from_str(&kept.event).unwrap_or_default();
        Self {
            sid: kept.sid(),
            account_sid,
            sink_sid,
            event_id: named.id,
            event_type: named.event_type,
            status: kept.status,
            tries: kept.tries,
            last_error: kept.log.clone(),
            date_created: kept.date_created,
            date_next_try: (kept.status == Status::Waiting).then_some(kept.due),
            url: format!("{}{}/{}", asked.base_url, place(sink_sid), kept.sid()),
        }
    }
}

/// One on its own.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    shown: Shown,
    event: Box<RawValue>,
}

#[derive(Serialize)]
struct List {
    deliveries: Vec<Shown>,
    meta: Meta,
}

fn place(sink: Sid<Sink>) -> String {
    format!("/tertulia/v1/Sinks/{sink}/Deliveries")
}

/// The account that asks and its sink of the path, or 404.
async fn sink(asked: &Asked) -> Result<(Sid<Account>, Sid<Sink>), Failure> {
    let account = asked.account_sid_for_keys_too().await?;
    let sink = asked.sid::<Sink>()?;
    let is_there = move |tx: &mut store::Tx<'_>| inspection::has_sink(tx, account, sink);
    let is_there: bool = asked.app.store.read(is_there).await.map_err(Failure::Store)?;
    if is_there { Ok((account, sink)) } else { Err(asked.not_found().into()) }
}

/// Newest first. Pages lead on only.
async fn list(asked: &Asked) -> Outcome {
    if asked.method != Method::GET {
        return Ok(answer::not_allowed("GET"));
    }
    let of = sink(asked).await?;
    let query = asked.query.clone()?;
    let status = match query.get("Status").map(Status::parse) {
        None => None,
        Some(Some(status)) if status != Status::Delivered => Some(status),
        Some(_) => {
            let only = "Status is waiting or dead: what a sink has taken is not kept";
            return Err(Problem::parameter(only).into());
        }
    };
    let mut named: Vec<_> =
        query.get("Status").map(|status| ("Status", status.to_owned())).into_iter().collect();
    let all = place(of.1);
    let request =
        PageRequest::parse(&query, (50, 200), wire::List::of(&format!("{} {all} {named:?}", of.0)))?;
    let from = match request.position {
        Position::Start => None,
        Position::After(cursor) => Some(cursor.at),
        Position::Before(_) => return Err(Problem::INVALID_PAGE_TOKEN.into()),
    };
    let read = move |tx: &mut store::Tx<'_>| inspection::list(tx, of, status, from, request.size);
    let (found, last): (Vec<Kept>, Option<i64>) = asked.app.store.read(read).await.map_err(Failure::Store)?;
    // With the server's token the account is named again on every page.
    named.extend(query.get("AccountSid").map(|sid| ("AccountSid", sid.to_owned())));
    let next = last.map(|at| Cursor { at, sid: [0; 16] });
    let meta = meta(&format!("{}{all}", asked.base_url), &named, &request, next, None, "deliveries");
    let deliveries = found.iter().map(|kept| Shown::new(asked, of, kept)).collect();
    Ok(shown(200, &List { deliveries, meta }))
}

async fn one(asked: &Asked) -> Outcome {
    if asked.method != Method::GET {
        return Ok(answer::not_allowed("GET"));
    }
    let of = sink(asked).await?;
    let sid = asked.path.split('/').nth(6).and_then(Sid::<Kept>::parse);
    let number = sid.and_then(Kept::number_of).ok_or_else(|| asked.not_found())?;
    let read = move |tx: &mut store::Tx<'_>| inspection::find(tx, of, number);
    let found: Option<Kept> = asked.app.store.read(read).await.map_err(Failure::Store)?;
    let kept = found.ok_or_else(|| asked.not_found())?;
    let event = RawValue::from_string(kept.event.clone()).unwrap_or_default();
    Ok(shown(200, &Whole { shown: Shown::new(asked, of, &kept), event }))
}
