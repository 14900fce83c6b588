//! Pre-action webhooks that were asked: seen, and not asked again.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::deliveries::TargetKey;
use conversations::deliveries::pre_actions::{self, Decision, Kept, Wanted};
use conversations::{Account, Conversation, Failure};
use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;
use wire::{Cursor, Form, Meta, PageRequest, Position, Problem, Sid, Timestamp, meta};

use super::deliveries::{LastTry, Parameters};
use super::door::{Asked, Outcome, answered, shown};
use crate::app::App;
use crate::web::answer;
use crate::webhooks::asked;

const ALL: &str = "/tertulia/v1/Webhooks/PreActions";
const ONE: &str = "/tertulia/v1/Webhooks/PreActions/{PreActionSid}";
const REPLAY: &str = "/tertulia/v1/Webhooks/PreActions/{PreActionSid}/Replay";

pub fn router() -> Router<Arc<App>> {
    Router::new().route(ALL, any(all_of_them)).route(ONE, any(one_of_them)).route(REPLAY, any(again))
}

async fn all_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, _) = Asked::new(app, request);
    answered(list(&asked).await, ALL)
}

async fn one_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, _) = Asked::new(app, request);
    answered(one(&asked).await, ONE)
}

async fn again(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, _) = Asked::new(app, request);
    answered(replay(&asked).await, REPLAY)
}

/// One in a list.
#[derive(Serialize)]
struct Shown<'a> {
    sid: Sid<Kept>,
    account_sid: Sid<Account>,
    event_type: &'a str,
    conversation_sid: Option<Sid<Conversation>>,
    target: Option<&'static str>,
    target_sid: Option<String>,
    webhook_url: Option<String>,
    method: Option<String>,
    decision: Decision,
    status: Option<u16>,
    error: Option<String>,
    milliseconds: Option<u64>,
    date_created: Timestamp,
    url: String,
}

impl<'a> Shown<'a> {
    fn new(asked: &Asked, kept: &'a Kept) -> Self {
        let of = &kept.asked;
        let attempt: LastTry = serde_json::from_str(&of.log).unwrap_or_default();
        let (target, target_sid) = of.target.target().map(TargetKey::words).unzip();
        Self {
            sid: kept.sid(),
            account_sid: of.account_sid,
            event_type: &of.event_type,
            conversation_sid: of.conversation_sid,
            target,
            target_sid,
            webhook_url: attempt.url,
            method: attempt.method,
            decision: of.decision,
            status: attempt.status,
            error: attempt.error,
            milliseconds: attempt.milliseconds,
            date_created: of.date_created,
            url: format!("{}{ALL}/{}", asked.base_url, kept.sid()),
        }
    }
}

/// One on its own.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    shown: Shown<'a>,
    parameters: Parameters,
    attempt: Box<RawValue>,
}

#[derive(Serialize)]
struct List<'a> {
    pre_actions: Vec<Shown<'a>>,
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
    asked::write_down(&asked.app).await;
    let read = move |tx: &mut store::Tx<'_>| pre_actions::list(tx, &wanted, from, request.size);
    let (found, last): (Vec<Kept>, Option<i64>) = asked.app.store.read(read).await.map_err(Failure::Store)?;
    // With the server's token the account is named again on every page.
    named.extend(query.get("AccountSid").map(|sid| ("AccountSid", sid.to_owned())));
    let next = last.map(|at| Cursor { at, sid: [0; 16] });
    let meta = meta(&format!("{}{ALL}", asked.base_url), &named, &request, next, None, "pre_actions");
    let pre_actions = found.iter().map(|kept| Shown::new(asked, kept)).collect();
    Ok(shown(200, &List { pre_actions, meta }))
}

async fn one(asked: &Asked) -> Outcome {
    if asked.method != Method::GET {
        return Ok(answer::not_allowed("GET"));
    }
    let account_sid = asked.account_sid_or_all().await?;
    let kept = find(asked, account_sid).await?;
    let form = Form::parse(kept.asked.payload.as_bytes()).unwrap_or_default();
    let attempt = RawValue::from_string(kept.asked.log.clone()).unwrap_or_default();
    let whole =
        Whole { shown: Shown::new(asked, &kept), parameters: Parameters { form, retry_count: 0 }, attempt };
    Ok(shown(200, &whole))
}

/// Asked for where deliveries have it, and refused: what was asked about has happened, or has not.
async fn replay(asked: &Asked) -> Outcome {
    if asked.method != Method::POST {
        return Ok(answer::not_allowed("POST"));
    }
    let account_sid = asked.account_sid_for_keys_too().await?;
    find(asked, Some(account_sid)).await?;
    Err(Problem::conflict("A pre-action webhook is not asked again: the change was decided by its answer")
        .into())
}

async fn find(asked: &Asked, account_sid: Option<Sid<Account>>) -> Result<Kept, Failure> {
    let sid = asked.path.split('/').nth(5).and_then(Sid::<Kept>::parse);
    let number = sid.and_then(Kept::number_of).ok_or_else(|| asked.not_found())?;
    asked::write_down(&asked.app).await;
    let read = move |tx: &mut store::Tx<'_>| pre_actions::find(tx, account_sid, number);
    let found: Option<Kept> = asked.app.store.read(read).await.map_err(Failure::Store)?;
    Ok(found.ok_or_else(|| asked.not_found())?)
}
