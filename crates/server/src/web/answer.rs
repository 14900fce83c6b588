//! Answers: JSON, problems and failures as responses.
//!
//! What the log and the metrics want to know of an answer goes with it as a [`Note`], which the edge takes
//! off. A failure of the store is logged there, once and with its chain; the caller learns nothing of it.

use std::sync::atomic::{AtomicU8, Ordering};

use axum::body::Body;
use axum::response::Response;
use conversations::{Account, Failure};
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use store::StoreError;
use wire::{Problem, Sid};

use crate::metrics::Template;

/// Seconds after which those who were turned away are to come back: not all at the same moment.
const LATER: [&str; 3] = ["1", "2", "3"];
static TURNED_AWAY: AtomicU8 = AtomicU8::new(0);

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=utf-8");

/// What the edge is told of an answer.
#[derive(Clone, Default)]
pub struct Note {
    /// What was asked for: one of few, as metrics need it.
    pub template: Option<Template>,
    /// Who signed in.
    pub account_sid: Option<Sid<Account>>,
    /// That account's requests in flight, with this one.
    pub in_flight: Option<u64>,
    /// The problem's number.
    pub code: Option<u32>,
    /// What went wrong inside.
    pub failure: Option<StoreError>,
}

/// An answer with this body.
pub fn json(status: u16, body: Vec<u8>) -> Response {
    let mut response = empty(status);
    *response.body_mut() = Body::from(body);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// An answer without a body.
pub fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(status).expect("problems and operations have real statuses");
    response
}

/// A refusal, in Twilio's form.
pub fn problem(problem: &Problem) -> Response {
    let mut response = json(problem.status, problem.to_json());
    if problem.status == StatusCode::UNAUTHORIZED {
        let realm = HeaderValue::from_static("Basic realm=\"Twilio API\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, realm);
    }
    if problem.status == StatusCode::SERVICE_UNAVAILABLE {
        let turn = usize::from(TURNED_AWAY.fetch_add(1, Ordering::Relaxed)) % LATER.len();
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(LATER[turn]));
    }
    note(&mut response, |note| note.code = Some(problem.code));
    response
}

/// The answer to a method that does nothing here; those that do are `allowed`.
pub fn not_allowed(allowed: &str) -> Response {
    let mut response = problem(&Problem::METHOD_NOT_ALLOWED);
    header(&mut response, "allow", allowed);
    response
}

/// A refusal or a failure. Of the latter a caller learns no more than whether to come back.
pub fn failure(failure: Failure) -> Response {
    let error = match failure {
        Failure::Refused(refusal) => return problem(&refusal),
        Failure::Store(error) => error,
    };
    let mut response = if error.is_busy() || error.is_unreachable() {
        problem(&Problem::SERVICE_UNAVAILABLE)
    } else {
        problem(&Problem::INTERNAL)
    };
    note(&mut response, |note| note.failure = Some(error));
    response
}

/// Takes off what the edge is told.
pub fn take_note(response: &mut Response) -> Note {
    // Most answers have none, and nothing else either.
    let extensions = response.extensions_mut();
    if extensions.is_empty() { Note::default() } else { extensions.remove().unwrap_or_default() }
}

/// Adds to what the edge is told.
pub fn note(response: &mut Response, add: impl FnOnce(&mut Note)) {
    add(response.extensions_mut().get_or_insert_default());
}

/// A number as a header's value.
pub fn number(number: u64) -> HeaderValue {
    HeaderValue::from_str(itoa::Buffer::new().format(number)).expect("digits")
}

/// Adds a header whose value is digits and letters of our own.
pub fn header(response: &mut Response, name: &'static str, value: &str) {
    let value = HeaderValue::from_str(value).expect("digits and letters");
    response.headers_mut().insert(HeaderName::from_static(name), value);
}
