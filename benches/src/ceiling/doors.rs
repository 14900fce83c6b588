//! What is asked: the paths that are measured, credentials and forms. Nothing is looked up.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use conversations::{Account, Conversation, Ids, Participant, RandomIds};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use wire::{Form, Prefix, Sid, Timestamp};

use super::answers;
use crate::server::{ACCOUNT_SID, AUTH_TOKEN};
use crate::tunnel::now;

const MAX_BYTES: usize = 1024 * 1024;
const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=utf-8");

/// What it knows.
pub struct Ceiling {
    secret: Digest,
    ids: RandomIds,
    /// The sid of whatever was there before: roles, the service.
    known: [u8; 16],
}

/// A request that may be answered.
pub struct Asked {
    pub account_sid: Sid<Account>,
    /// Up to and with the version.
    pub base: String,
    pub form: Form,
    pub now: Timestamp,
}

type Answered = Result<Response, StatusCode>;

/// The paths that are measured.
pub fn router() -> Router {
    let (secret, ids) = (digest(&SHA256, AUTH_TOKEN.as_bytes()), RandomIds::default());
    let ceiling = Ceiling { secret, known: ids.sid(now()), ids };
    Router::new()
        .route("/v1/Conversations", post(create_conversation))
        .route("/v1/ConversationWithParticipants", post(create_with_participants))
        .route("/v1/Conversations/{ConversationSid}/Messages", post(create_message).get(list_messages))
        .route("/v1/Conversations/{ConversationSid}/Participants", post(create_participant))
        .route("/v1/Conversations/{ConversationSid}/Participants/{Sid}", get(fetch_participant))
        .route("/v1/Users/{UserSid}/Conversations/{ConversationSid}", post(update_user_conversation))
        .with_state(Arc::new(ceiling))
}

impl Ceiling {
    /// Judges the credentials and reads the form: of the body, or of the query.
    async fn ask(&self, request: Request) -> Result<Asked, StatusCode> {
        let (parts, body) = request.into_parts();
        let account_sid = self.sign_in(&parts.headers).ok_or(StatusCode::UNAUTHORIZED)?;
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let base = format!("http://{}/v1", host.ok_or(StatusCode::BAD_REQUEST)?);
        let form = if parts.method == http::Method::GET {
            Form::parse(parts.uri.query().unwrap_or_default().as_bytes())
        } else {
            let bytes = Limited::new(body, MAX_BYTES).collect().await;
            Form::parse(&bytes.map_err(|_| StatusCode::BAD_REQUEST)?.to_bytes())
        };
        Ok(Asked { account_sid, base, form: form.map_err(|_| StatusCode::BAD_REQUEST)?, now: now() })
    }

    /// Whose credentials they are, in time that does not tell how much of them is right.
    fn sign_in(&self, headers: &HeaderMap) -> Option<Sid<Account>> {
        let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
        let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
        let (username, secret) = decoded.split_once(':')?;
        let account_sid = Sid::parse(username)?;
        let given = digest(&SHA256, secret.as_bytes());
        let is_right = verify_slices_are_equal(self.secret.as_ref(), given.as_ref()).is_ok();
        (is_right && username == ACCOUNT_SID).then_some(account_sid)
    }

    fn new_sid<R: Prefix>(&self, asked: &Asked) -> Sid<R> {
        Sid::from_bytes(self.ids.sid(asked.now))
    }

    fn known_sid<R: Prefix>(&self) -> Sid<R> {
        Sid::from_bytes(self.known)
    }
}

async fn create_conversation(State(ceiling): State<Arc<Ceiling>>, request: Request) -> Answered {
    let asked = ceiling.ask(request).await?;
    let (sid, service_sid) = (ceiling.new_sid(&asked), ceiling.known_sid());
    Ok(json(StatusCode::CREATED, &answers::conversation(&asked, sid, service_sid)))
}

async fn create_with_participants(State(ceiling): State<Arc<Ceiling>>, request: Request) -> Answered {
    let asked = ceiling.ask(request).await?;
    let (sid, service_sid) = (ceiling.new_sid(&asked), ceiling.known_sid());
    let participants: Result<Vec<serde_json::Value>, _> =
        asked.form.all("Participant").map(serde_json::from_str).collect();
    // Each has a sid of its own, and nobody is told of it.
    for _ in participants.map_err(|_| StatusCode::BAD_REQUEST)? {
        let _: Sid<Participant> = ceiling.new_sid(&asked);
    }
    let mut shown = answers::conversation(&asked, sid, service_sid);
    shown.links.export = None;
    Ok(json(StatusCode::ACCEPTED, &shown))
}

async fn create_message(
    State(ceiling): State<Arc<Ceiling>>,
    Path(conversation): Path<String>,
    request: Request,
) -> Answered {
    let asked = ceiling.ask(request).await?;
    let (sid, text) = (ceiling.new_sid(&asked), answers::Said::of(&asked.form));
    Ok(json(StatusCode::CREATED, &answers::message(&asked, (sid, sid_of(&conversation)?), &text, 4711)))
}

async fn list_messages(
    State(ceiling): State<Arc<Ceiling>>,
    Path(conversation): Path<String>,
    request: Request,
) -> Answered {
    let asked = ceiling.ask(request).await?;
    let conversation_sid = sid_of(&conversation)?;
    let page = answers::page(&asked, conversation_sid, ceiling.known_sid());
    Ok(json(StatusCode::OK, &page.ok_or(StatusCode::BAD_REQUEST)?))
}

async fn create_participant(
    State(ceiling): State<Arc<Ceiling>>,
    Path(conversation): Path<String>,
    request: Request,
) -> Answered {
    let asked = ceiling.ask(request).await?;
    let sids = (ceiling.new_sid(&asked), sid_of(&conversation)?);
    let identity = asked.form.get("Identity").ok_or(StatusCode::BAD_REQUEST)?;
    Ok(json(StatusCode::CREATED, &answers::participant(&asked, sids, ceiling.known_sid(), identity)))
}

async fn fetch_participant(
    State(ceiling): State<Arc<Ceiling>>,
    Path((conversation, participant)): Path<(String, String)>,
    request: Request,
) -> Answered {
    let asked = ceiling.ask(request).await?;
    let sids = (sid_of(&participant)?, sid_of::<Conversation>(&conversation)?);
    Ok(json(StatusCode::OK, &answers::participant(&asked, sids, ceiling.known_sid(), "customer-100")))
}

async fn update_user_conversation(
    State(ceiling): State<Arc<Ceiling>>,
    Path((identity, conversation)): Path<(String, String)>,
    request: Request,
) -> Answered {
    let asked = ceiling.ask(request).await?;
    if identity.is_empty() {
        return Err(StatusCode::NOT_FOUND);
    }
    let seat = answers::Seat {
        service: ceiling.known_sid(),
        conversation: sid_of(&conversation)?,
        participant: ceiling.known_sid(),
        user: ceiling.known_sid(),
    };
    Ok(json(StatusCode::OK, &answers::user_conversation(&asked, seat).ok_or(StatusCode::BAD_REQUEST)?))
}

fn sid_of<R: Prefix>(text: &str) -> Result<Sid<R>, StatusCode> {
    Sid::parse(text).ok_or(StatusCode::NOT_FOUND)
}

fn json(status: StatusCode, shown: &impl Serialize) -> Response {
    let mut body = Vec::with_capacity(1024);
    wire::json::write(&mut body, shown);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
