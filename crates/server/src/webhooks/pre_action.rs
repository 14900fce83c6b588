//! Asking before something happens: the webhook of the account, then that of the service, may change what
//! is about to be done, or refuse it.
//!
//! What is asked about has passed every rule already: the operation is rehearsed on the present state, and
//! what refuses it there is the answer, without anybody being asked. No transaction is open while a webhook
//! thinks. What it changes is judged like what the caller said, and the write then decides anew.

use std::sync::Arc;

use conversations::deliveries::pre_actions::{Decision, PreAction};
use conversations::deliveries::{LaneKey, TargetKey};
use conversations::events::{EventType, Payload, Rehearsal};
use conversations::webhooks::{self, Hooks};
use conversations::{Call, Failure, Operation, Path, Work, accounts};
use store::StoreError;
use wire::{Form, Problem, Sid, Target};

use super::asked;
use super::attempt::{Attempt, Said};
use super::request::{Proof, Request, token_of};
use crate::app::App;
use crate::outbound::{Answered, Failed};
use crate::stopwatch;

/// Bytes of an answer that are read: the longest body and attributes, escaped.
const MOST: usize = 512 * 1024;

/// What a rehearsal ends with: never with something that stays.
enum Ended {
    Refused(Failure),
    Done,
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// Asks whoever wants to be asked about what an operation is going to do. Answers with the form as they
/// want it, or with none where nobody changed it.
pub async fn ask(
    app: &App,
    call: &Arc<Call>,
    (operation, path): (&Operation, &Arc<Path>),
    form: &Form,
) -> Result<Option<Form>, Failure> {
    let (account_sid, service_sid) = (call.account_sid, call.service_sid);
    let levels: Vec<(TargetKey, Hooks)> = app
        .store
        .read(move |tx| webhooks::asking(tx, account_sid, service_sid))
        .await
        .map_err(|error: StoreError| Failure::from(error))?;
    if levels.is_empty() {
        return Ok(None);
    }
    let _held = app.pressure.asking()?;
    let mut said = form.clone();
    let (mut is_changed, mut is_old) = (false, false);
    let mut questions = rehearse(app, call, (operation, path), form).await?;
    for at in 0..questions.len() {
        for (target, hooks) in &levels {
            let asks =
                |(kind, _): &(EventType, Payload)| kind.pre_name().is_some_and(|name| hooks.asks(name));
            if !questions.get(at).is_some_and(asks) {
                continue;
            }
            if is_old {
                // Who is asked next sees what has been made of it, if that is allowed at all.
                questions = rehearse(app, call, (operation, path), &said).await?;
                is_old = false;
            }
            let Some((event_type, question)) = questions.get(at) else { break };
            match put(app, call, (*target, hooks), question).await? {
                Reply::Go | Reply::Unanswered => {}
                Reply::Refused => return Err(Problem::WEBHOOK_DISABLED_COMMAND.into()),
                Reply::Changed(changes) => {
                    for (key, parameter) in changeable(*event_type) {
                        if let Some(value) = changes.get(*key).and_then(text) {
                            said.overrule(parameter, &value)?;
                            (is_changed, is_old) = (true, true);
                        }
                    }
                }
            }
        }
    }
    Ok(is_changed.then_some(said))
}

/// What the operation would ask about. Nothing of it stays.
async fn rehearse(
    app: &App,
    call: &Arc<Call>,
    (operation, path): (&Operation, &Arc<Path>),
    form: &Form,
) -> Result<Vec<(EventType, Payload)>, Failure> {
    let rehearsal = Arc::new(Rehearsal::default());
    let rehearsed = Call { rehearsal: Some(Arc::clone(&rehearsal)), ..(**call).clone() };
    let Work::Write(roots, write) = operation.prepare(&Arc::new(rehearsed), path, form)? else {
        return Ok(Vec::new());
    };
    let notes = Arc::clone(&rehearsal);
    let run = move |tx: &mut store::Tx<'_>| -> Result<(), Ended> {
        // A run that is repeated notes everything again.
        notes.take();
        (write.run)(tx).map_err(Ended::Refused)?;
        Err(Ended::Done)
    };
    match app.store.write(roots, run).await {
        Err(Ended::Refused(failure)) => Err(failure),
        Ok(()) | Err(Ended::Done) => {
            let told = rehearsal.take().into_iter();
            Ok(told.filter_map(|(kind, payload)| Some((kind, payload.asked(kind)?))).collect())
        }
    }
}

/// The keys of an answer that change something, and the parameters that they change.
// Twilio: attributes of a conversation are not among the documented keys, and receivers send them.
fn changeable(event_type: EventType) -> &'static [(&'static str, &'static str)] {
    match event_type {
        EventType::ConversationAdded | EventType::ConversationUpdated => {
            &[("friendly_name", "FriendlyName"), ("attributes", "Attributes")]
        }
        EventType::MessageAdded | EventType::MessageUpdated => {
            &[("body", "Body"), ("author", "Author"), ("attributes", "Attributes")]
        }
        _ => &[],
    }
}

enum Reply {
    Go,
    /// No answer, or none that says anything.
    Unanswered,
    Changed(serde_json::Map<String, serde_json::Value>),
    Refused,
}

async fn put(
    app: &App,
    call: &Call,
    (asks, hooks): (TargetKey, &Hooks),
    question: &Payload,
) -> Result<Reply, Failure> {
    let Some(target) = hooks.pre_webhook_url.as_deref().and_then(Target::parse) else { return Ok(Reply::Go) };
    let account_sid = call.account_sid;
    let account = app.store.read::<_, StoreError>(move |tx| accounts::find(tx, account_sid)).await?;
    let Some(auth_token) = account.and_then(|account| account.auth_token(&app.vault)) else {
        return Ok(Reply::Go);
    };
    let settings = &app.settings.webhooks;
    let now = app.clock.now();
    let token = token_of(&app.ids.request_id(now, conversations::Asker::Client));
    let standard = settings.standard_signature.then(|| now.unix_seconds());
    let proof = Proof { auth_token: &auth_token, idempotency_token: &token, standard };
    let payload = format!("{}&RetryCount=0", question.encoded());
    let method = hooks.method.unwrap_or(webhooks::Method::Post);
    let Request { method, url, headers, body, signed_text } = Request::new(&target, method, &payload, proof);
    let said = Said { method, url, headers, signed_text };
    let times = (target.overrides.connect_timeout(), settings.timeout);
    let began = stopwatch::start();
    let answer = app.outbound.ask(said.asked(body, times, MOST)).await;
    let log = Attempt::new((now, began.elapsed()), &said, &answer).json();
    tracing::info!(
        %account_sid,
        event = question.event_type(),
        status = answer.as_ref().ok().map(|answered| answered.status),
        error = answer.as_ref().err().map(|failed| failed.words()),
        "pre-action webhook"
    );
    let reply = read(answer);
    let pre_action = PreAction {
        account_sid,
        target: LaneKey::of_target(asks),
        event_type: question.event_type().to_owned(),
        conversation_sid: question.get("ConversationSid").and_then(Sid::parse),
        payload: question.encoded(),
        decision: reply.decision(),
        log,
        date_created: now,
    };
    asked::note(app, pre_action);
    Ok(reply)
}

impl Reply {
    fn decision(&self) -> Decision {
        match self {
            Self::Changed(changes) if !changes.is_empty() => Decision::Changed,
            Self::Go | Self::Changed(_) => Decision::Allowed,
            Self::Refused => Decision::Refused,
            Self::Unanswered => Decision::Unanswered,
        }
    }
}

/// Twilio: any 4xx and any 5xx refuses, and no answer in time lets the change through as it was.
fn read(answer: Result<Answered, Failed>) -> Reply {
    match answer {
        Ok(answered) if (200..300).contains(&answered.status) => match serde_json::from_slice(&answered.body)
        {
            Ok(serde_json::Value::Object(changes)) if !answered.is_cut => Reply::Changed(changes),
            _ => Reply::Go,
        },
        Ok(answered) if answered.status >= 400 => Reply::Refused,
        Ok(_) | Err(_) => Reply::Unanswered,
    }
}

/// A text as it is; what should be a text that holds JSON and is JSON, as that text.
fn text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Object(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn told(status: u16, body: &'static str, is_cut: bool) -> &'static str {
        let body = Bytes::from_static(body.as_bytes());
        match read(Ok(Answered { status, headers: HeaderMap::new(), body, is_cut })) {
            Reply::Go => "go",
            Reply::Unanswered => "unanswered",
            Reply::Changed(_) => "changed",
            Reply::Refused => "refused",
        }
    }

    #[test]
    fn what_an_answer_means() {
        for (status, body, is_cut, expected) in [
            (200, "", false, "go"),
            (200, "{}", false, "changed"),
            (204, "", false, "go"),
            (200, "not JSON", false, "go"),
            (200, "[1]", false, "go"),
            (200, "{\"body\":\"x\"}", true, "go"),
            (302, "", false, "unanswered"),
            (400, "", false, "refused"),
            (404, "", false, "refused"),
            (500, "", false, "refused"),
            (503, "", false, "refused"),
        ] {
            assert_eq!(told(status, body, is_cut), expected, "{status} {body}");
        }
        for failed in [Failed::TimedOut, Failed::NotConnected, Failed::Broken, Failed::Refused] {
            assert!(matches!(read(Err(failed)), Reply::Unanswered), "{failed:?}");
        }
    }
}
