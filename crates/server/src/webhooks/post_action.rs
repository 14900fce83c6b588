//! Telling what has happened: one try of one delivery, and what becomes of it.

use std::time::Duration;

use conversations::deliveries::{LaneKey, Leased, Outcome, Subject, TargetKey, TryResult};
use conversations::events::Event;
use wire::{Sid, Target};

use super::attempt::{Attempt, KEPT, Said};
use super::request::{Proof, Request, token_of};
use super::retries;
use crate::app::App;
use crate::outbound::{Answered, Failed};
use crate::stopwatch;

/// An answer that takes longer is slow.
const SLOW: Duration = Duration::from_secs(1);

/// A try that was made.
pub struct Sent {
    pub outcome: Outcome,
    /// Whether the place answered soon, and not with a failure of its own. What it thinks of the delivery is
    /// another question.
    pub is_well: bool,
}

/// Says where deliveries lead to ever more deliveries.
fn watch(app: &App, leased: &Leased) {
    if leased.tries > 0 || !app.loops.is_suspicious(&leased.lane, app.clock.now()) {
        return;
    }
    app.metrics.loops_suspected.inc();
    let (target, target_sid) = leased.lane.target().map(TargetKey::words).unzip();
    let subject = leased.lane.subject().map(|subject| match subject {
        Subject::Conversation(sid) => sid.to_string(),
        Subject::User(sid) => sid.to_string(),
    });
    tracing::warn!(
        account_sid = %leased.account_sid,
        target,
        target_sid,
        subject,
        event = leased.event_type.name(),
        "a webhook is told of hundreds of changes a minute in one place: it may be answering each with another"
    );
}

/// Sends a delivery once.
pub async fn send(app: &App, leased: &Leased) -> Sent {
    watch(app, leased);
    let Some(target) = Target::parse_again(&leased.url) else { return nowhere("the URL leads nowhere") };
    let Some(auth_token) = app.vault.open(leased.account_sid.as_bytes(), &leased.auth_token) else {
        return nowhere("the account's auth token cannot be read: the master key is another one");
    };
    let settings = &app.settings.webhooks;
    let token = token(leased.event_sid, &leased.lane);
    let payload = format!("{}&RetryCount={}", leased.payload, leased.tries);
    let now = app.clock.now();
    let standard = settings.standard_signature.then(|| now.unix_seconds());
    let proof = Proof { auth_token: &auth_token, idempotency_token: &token, standard };
    let Request { method, url, headers, body, signed_text } =
        Request::new(&target, leased.method, &payload, proof);
    // The lease outlives the try and the writing down of it.
    let total = target.overrides.total_timeout().unwrap_or(settings.timeout).min(settings.lease / 2);
    let said = Said { method, url, headers, signed_text };
    let asked = said.asked(body, (target.overrides.connect_timeout(), total), KEPT);
    let began = stopwatch::start();
    let answer = app.outbound.ask(asked).await;
    let took = began.elapsed();
    let result = judge(app, (leased, &*target), &answer, &token);
    tracing::info!(
        delivery = leased.number,
        account_sid = %leased.account_sid,
        event = leased.event_type.name(),
        status = answer.as_ref().ok().map(|answered| answered.status),
        error = answer.as_ref().err().map(|failed| failed.words()),
        milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "webhook"
    );
    let log = Attempt::new((now, took), &said, &answer).json();
    let is_well = answer.is_ok_and(|answered| answered.status < 500 && answered.status != 429);
    Sent { outcome: Outcome { result, log }, is_well: is_well && took < SLOW }
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
