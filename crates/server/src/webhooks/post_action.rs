//! Telling what has happened: one try of one delivery, and what becomes of it.

use std::time::Duration;

use conversations::deliveries::{LaneKey, Leased, Outcome, TryResult};
use conversations::events::Event;
use http::HeaderMap;
use serde::Serialize;
use wire::{Sid, Target, Timestamp};

use super::request::{Proof, Request, token_of};
use super::retries;
use crate::app::App;
use crate::outbound::{Answered, Asked, Failed};
use crate::stopwatch;

/// Bytes of an answer that are kept for people to see.
pub const KEPT: usize = 4 * 1024;

/// An answer that takes longer is slow.
const SLOW: u64 = 1000;

/// A try that was made.
pub struct Sent {
    pub outcome: Outcome,
    /// Whether the place answered soon, and not with a failure of its own. What it thinks of the delivery is
    /// another question.
    pub is_well: bool,
}

/// A try, as the log of a delivery has it.
#[derive(Serialize)]
struct Try<'a> {
    date: Timestamp,
    milliseconds: u64,
    method: &'a str,
    url: &'a str,
    request_headers: Vec<(&'a str, String)>,
    /// What `X-Twilio-Signature` was made of.
    signed: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    response_headers: Vec<(&'a str, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// Sends a delivery once.
pub async fn send(app: &App, leased: &Leased) -> Sent {
    let Some(target) = Target::parse_again(&leased.url) else { return nowhere("the URL leads nowhere") };
    let Some(auth_token) = app.vault.open(leased.account_sid.as_bytes(), &leased.auth_token) else {
        return nowhere("the account's auth token cannot be read: the master key is another one");
    };
    let settings = &app.settings.webhooks;
    let token = token(leased.event_sid, &leased.lane);
    let payload = format!("{}&RetryCount={}", leased.payload, leased.tries);
    let now = app.clock.now();
    let standard = settings.standard_signature.then(|| now.micros().div_euclid(1_000_000));
    let proof = Proof { auth_token: &auth_token, idempotency_token: &token, standard };
    let Request { method, url, headers, body, signed_text } =
        Request::new(&target, leased.method, &payload, proof);
    let total = target
        .overrides
        .total_timeout
        .map_or(settings.timeout, |milliseconds| Duration::from_millis(u64::from(milliseconds)))
        // The lease outlives the try and the writing down of it.
        .min(settings.lease / 2);
    let asked =
        Asked { method: method.clone(), url: url.clone(), headers: headers.clone(), body, total, most: KEPT };
    let began = stopwatch::start();
    let answer = app.outbound.ask(asked).await;
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let result = judge(app, (leased, &*target), &answer, &token);
    tracing::info!(
        delivery = leased.number,
        account_sid = %leased.account_sid,
        event = leased.event_type.name(),
        status = answer.as_ref().ok().map(|answered| answered.status),
        error = answer.as_ref().err().map(|failed| failed.words()),
        milliseconds,
        "webhook"
    );
    let (answered, error) = match &answer {
        Ok(answered) => (Some(answered), None),
        Err(failed) => (None, Some(failed.words())),
    };
    let told = Try {
        date: now,
        milliseconds,
        method: method.as_str(),
        url: url.as_str(),
        request_headers: shown(&headers),
        signed: &signed_text,
        status: answered.map(|answered| answered.status),
        response_headers: answered.map(|answered| shown(&answered.headers)).unwrap_or_default(),
        response_body: answered
            .map(|answered| String::from_utf8_lossy(&answered.body).replace('\0', "\u{fffd}")),
        error,
    };
    let is_well = answered.is_some_and(|answered| answered.status < 500 && answered.status != 429);
    let outcome = Outcome { result, log: serde_json::to_string(&told).unwrap_or_default() };
    Sent { outcome, is_well: is_well && milliseconds < SLOW }
}

/// The token that a delivery keeps over all its tries.
pub fn token(event_sid: Sid<Event>, lane: &LaneKey) -> String {
    let mut thing = event_sid.as_bytes().to_vec();
    thing.extend_from_slice(lane.as_bytes());
    token_of(&thing)
}

fn judge(
    app: &App,
    (leased, target): (&Leased, &Target),
    answer: &Result<Answered, Failed>,
    token: &str,
) -> TryResult {
    if answer.as_ref().is_ok_and(|answered| (200..300).contains(&answered.status)) {
        return TryResult::Delivered;
    }
    let tries = u32::try_from(leased.tries + 1).unwrap_or(u32::MAX);
    // Of the token, which nobody can tell beforehand, but which is the same in a repeated run.
    let chance = u8::from_str_radix(&token[..2], 16).unwrap_or_default();
    match retries::next(&app.settings.webhooks, target, (tries, answer), chance) {
        None => TryResult::Dead,
        Some(wait) => {
            let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
            TryResult::Again(app.clock.now().saturating_plus_micros(micros))
        }
    }
}

fn nowhere(error: &str) -> Sent {
    let log = serde_json::json!({ "error": error }).to_string();
    Sent { outcome: Outcome { result: TryResult::Dead, log }, is_well: true }
}

/// Headers for people, without what would open something.
pub fn shown(headers: &HeaderMap) -> Vec<(&str, String)> {
    const SECRET: [&str; 3] = ["authorization", "set-cookie", "proxy-authorization"];
    let text = |name: &str, value: &http::HeaderValue| match name {
        name if SECRET.contains(&name) => "(hidden)".to_owned(),
        _ => String::from_utf8_lossy(value.as_bytes()).chars().take(1024).collect(),
    };
    headers.iter().take(50).map(|(name, value)| (name.as_str(), text(name.as_str(), value))).collect()
}
