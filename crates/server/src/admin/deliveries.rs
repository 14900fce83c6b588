//! Deliveries to webhooks: seen, and sent again.
//!
//! What is shown holds no secret: neither user and password of a URL nor the headers made of them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::deliveries::inspection::{self, Delivery, Wanted, Way};
use conversations::deliveries::{self, LaneKey, Status, TargetKey};
use conversations::events::EventType;
use conversations::webhooks;
use conversations::{Account, Conversation, Failure};
use http::Method;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use wire::{Cursor, Form, Meta, PageRequest, Position, Problem, Sid, Target, Timestamp, meta};

use super::door::{Asked, Outcome, answered, shown};
use crate::app::App;
use crate::web::answer;
use crate::webhooks::post_action;

const ALL: &str = "/tertulia/v1/Webhooks/Deliveries";
const ONE: &str = "/tertulia/v1/Webhooks/Deliveries/{DeliverySid}";
const REPLAY_ALL: &str = "/tertulia/v1/Webhooks/Deliveries/Replay";
const REPLAY_ONE: &str = "/tertulia/v1/Webhooks/Deliveries/{DeliverySid}/Replay";

/// Deliveries that one write puts on their way again.
const AT_ONCE: usize = 100;
/// Writes of one request. Who wants more goes on where it ended.
const WRITES: usize = 100;

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(ALL, any(all_of_them))
        .route(ONE, any(one_of_them))
        .route(REPLAY_ALL, any(again_all_of_them))
        .route(REPLAY_ONE, any(again_one_of_them))
}

async fn all_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, _) = Asked::new(app, request);
    answered(list(&asked).await, ALL)
}

async fn one_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, _) = Asked::new(app, request);
    answered(one(&asked).await, ONE)
}

async fn again_all_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, body) = Asked::new(app, request);
    answered(replay_all(&asked, body).await, REPLAY_ALL)
}

async fn again_one_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, _) = Asked::new(app, request);
    answered(replay_one(&asked).await, REPLAY_ONE)
}

/// A delivery in a list. The members of the last try are null where there was none.
#[derive(Serialize)]
struct Shown {
    sid: Sid<Delivery>,
    account_sid: Sid<Account>,
    event_type: &'static str,
    conversation_sid: Option<Sid<Conversation>>,
    target: Option<&'static str>,
    target_sid: Option<String>,
    webhook_url: Option<String>,
    method: webhooks::Method,
    status: Status,
    tries: i64,
    last_status: Option<u16>,
    last_error: Option<String>,
    last_milliseconds: Option<u64>,
    date_created: Timestamp,
    date_last_try: Option<String>,
    date_next_try: Option<Timestamp>,
    url: String,
}

/// What a list tells of a try.
#[derive(Default, Deserialize)]
pub struct LastTry {
    date: Option<String>,
    pub milliseconds: Option<u64>,
    pub method: Option<String>,
    pub url: Option<String>,
    pub status: Option<u16>,
    pub error: Option<String>,
}

impl Shown {
    fn new(asked: &Asked, delivery: &Delivery) -> Self {
        let tries: Option<Vec<LastTry>> =
            delivery.log.as_deref().and_then(|log| serde_json::from_str(log).ok());
        let last = tries.and_then(|mut tries| tries.pop()).unwrap_or_default();
        let (target, target_sid) = delivery.lane.target().map(TargetKey::words).unzip();
        Self {
            sid: delivery.sid(),
            account_sid: delivery.account_sid,
            event_type: EventType::name(delivery.event_type),
            conversation_sid: delivery.conversation_sid,
            target,
            target_sid,
            webhook_url: delivery.url.as_deref().and_then(without_secrets),
            method: delivery.method,
            status: delivery.status,
            tries: delivery.tries,
            last_status: last.status,
            last_error: last.error,
            last_milliseconds: last.milliseconds,
            date_created: delivery.date_created,
            date_last_try: last.date,
            date_next_try: (delivery.status == Status::Waiting).then_some(delivery.due),
            url: format!("{}{ALL}/{}", asked.base_url, delivery.sid()),
        }
    }
}

/// A URL without user, password and fragment.
fn without_secrets(url: &str) -> Option<String> {
    Target::parse(url).map(|target| target.url().as_str().to_owned())
}

/// A delivery on its own.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    shown: Shown,
    idempotency_token: String,
    parameters: Parameters,
    attempts: Box<RawValue>,
}

/// What the last request said, or the first will say.
pub struct Parameters {
    pub form: Form,
    pub retry_count: i64,
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.form.pairs() {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("RetryCount", &self.retry_count.to_string())?;
        map.end()
    }
}

impl Whole {
    fn new(asked: &Asked, delivery: &Delivery) -> Self {
        let log = delivery.log.clone().unwrap_or_else(|| "[]".to_owned());
        let attempts = RawValue::from_string(log).unwrap_or_default();
        Self {
            shown: Shown::new(asked, delivery),
            idempotency_token: post_action::token(delivery.event_sid, &delivery.lane),
            parameters: Parameters {
                form: Form::parse(delivery.payload.as_bytes()).unwrap_or_default(),
                retry_count: (delivery.tries - 1).max(0),
            },
            attempts,
        }
    }
}

#[derive(Serialize)]
struct List {
    deliveries: Vec<Shown>,
    meta: Meta,
}

/// Newest first. Pages lead on only, and one may be short where a filter leaves much out.
async fn list(asked: &Asked) -> Outcome {
    if asked.method != Method::GET {
        return Ok(answer::not_allowed("GET"));
    }
    let account_sid = asked.account_sid_or_all().await?;
    let query = asked.query.clone()?;
    let wanted = Wanted::from_form(&query, account_sid)?;
    let mut named = Wanted::named(&query);
    let of_account = account_sid.map(|sid| sid.to_string()).unwrap_or_default();
    let request =
        PageRequest::parse(&query, (50, 200), wire::List::of(&format!("{of_account} {ALL} {named:?}")))?;
    let from = match request.position {
        Position::Start => None,
        Position::After(cursor) => Some(cursor.at),
        Position::Before(_) => return Err(Problem::INVALID_PAGE_TOKEN.into()),
    };
    let read =
        move |tx: &mut store::Tx<'_>| inspection::list(tx, &wanted, (Way::NewestFirst, from), request.size);
    let (found, last): (Vec<Delivery>, Option<i64>) =
        asked.app.store.read(read).await.map_err(Failure::Store)?;
    // With the server's token the account is named again on every page.
    named.extend(query.get("AccountSid").map(|sid| ("AccountSid", sid.to_owned())));
    let next = last.map(|at| Cursor { at, sid: [0; 16] });
    let meta = meta(&format!("{}{ALL}", asked.base_url), &named, &request, next, None, "deliveries");
    let deliveries = found.iter().map(|delivery| Shown::new(asked, delivery)).collect();
    Ok(shown(200, &List { deliveries, meta }))
}

async fn one(asked: &Asked) -> Outcome {
    if asked.method != Method::GET {
        return Ok(answer::not_allowed("GET"));
    }
    let account_sid = asked.account_sid_or_all().await?;
    let delivery = find(asked, account_sid).await?;
    Ok(shown(200, &Whole::new(asked, &delivery)))
}

async fn find(asked: &Asked, account_sid: Option<Sid<Account>>) -> Result<Delivery, Failure> {
    let sid = asked.path.split('/').nth(5).and_then(Sid::<Delivery>::parse);
    let number = sid.and_then(inspection::number_of).ok_or_else(|| asked.not_found())?;
    let read = move |tx: &mut store::Tx<'_>| inspection::find(tx, account_sid, number);
    let found: Option<Delivery> = asked.app.store.read(read).await.map_err(Failure::Store)?;
    Ok(found.ok_or_else(|| asked.not_found())?)
}

async fn replay_one(asked: &Asked) -> Outcome {
    if asked.method != Method::POST {
        return Ok(answer::not_allowed("POST"));
    }
    let account_sid = asked.account_sid_for_keys_too().await?;
    let delivery = find(asked, Some(account_sid)).await?;
    delivery.check_replay()?;
    if replay(&asked.app, account_sid, vec![(delivery.number, delivery.lane)]).await? == 0 {
        // Somebody else was faster.
        find(asked, Some(account_sid)).await?.check_replay()?;
    }
    Ok(shown(200, &Shown::new(asked, &find(asked, Some(account_sid)).await?)))
}

#[derive(Serialize)]
struct Replayed {
    replayed: usize,
    /// What `After` says in the request for the rest; null where there is no rest.
    after: Option<Sid<Delivery>>,
}

/// Those that were given up, oldest first. One that is given up again meanwhile is not sent twice.
async fn replay_all(asked: &Asked, body: Body) -> Outcome {
    if asked.method != Method::POST {
        return Ok(answer::not_allowed("POST"));
    }
    let account_sid = asked.account_sid_for_keys_too().await?;
    let form = asked.form(body).await?;
    let mut wanted = Wanted::from_form(&form, Some(account_sid))?;
    if wanted.status.is_some_and(|status| status != Status::Dead) {
        return Err(Problem::parameter("Only deliveries of the Status dead are replayed together").into());
    }
    wanted.status = Some(Status::Dead);
    let after = form.sid::<Delivery>("After", Problem::invalid_parameter("After"))?;
    let mut from = after.and_then(inspection::number_of);
    let mut replayed = 0;
    for _ in 0..WRITES {
        let wanted = wanted.clone();
        let read =
            move |tx: &mut store::Tx<'_>| inspection::list(tx, &wanted, (Way::OldestFirst, from), AT_ONCE);
        let (found, last): (Vec<Delivery>, Option<i64>) =
            asked.app.store.read(read).await.map_err(Failure::Store)?;
        let found = found.into_iter().map(|delivery| (delivery.number, delivery.lane)).collect();
        replayed += replay(&asked.app, account_sid, found).await?;
        from = last;
        if last.is_none() {
            break;
        }
    }
    Ok(shown(200, &Replayed { replayed, after: from.map(inspection::sid_of) }))
}

async fn replay(app: &App, account_sid: Sid<Account>, found: Vec<(i64, LaneKey)>) -> Result<usize, Failure> {
    if found.is_empty() {
        return Ok(0);
    }
    let roots = deliveries::roots(found.iter().map(|(_, lane)| lane));
    let write = move |tx: &mut store::Tx<'_>| inspection::replay(tx, account_sid, &found);
    let replayed: usize = app.store.write(roots, write).await.map_err(Failure::Store)?;
    app.deliveries.notify_one();
    Ok(replayed)
}
