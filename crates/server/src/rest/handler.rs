//! From a request on a known path to a call and its form, and from the result to an answer.
//!
//! The order of checks: the method, the credentials, the limits of rate, the objects of the path, what the
//! request says.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use conversations::idempotency::IdempotencyKey;
use conversations::{Actor, Call, Failure, Guess, Operation, Path, Scope, Source, Verb};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use wire::{Form, Problem, Sid};

use super::rates::{self, Standing};
use super::routes::{Place, Route};
use crate::app::App;
use crate::perform::{perform, refuse};
use crate::web::answer::Note;
use crate::web::host::BaseUrl;
use crate::web::sign_in::{SignedIn, sign_in};
use crate::web::{answer, form, path};

/// Answers one request, and says what the edge is to know of it.
pub async fn handle(
    app: &App,
    Place { route, values }: Place<'_>,
    base_url: BaseUrl,
    (parts, body): (&Parts, Body),
) -> (Response, Note) {
    let Some(operation) = route.operation(&parts.method) else {
        return noted(answer::not_allowed(&route.allowed()), route, None);
    };
    let signed_in = match sign_in(app, &parts.headers).await {
        Ok(signed_in) => signed_in,
        Err(failure) => return noted(answer::failure(failure), route, None),
    };
    let mut standing = Standing::default();
    let mut response = if let Err(problem) = app.rates.admit(signed_in.running.count, &mut standing) {
        rates::refusal(&problem, Duration::from_secs(1))
    } else {
        let outcome = match call(app, (route, values), &signed_in, (parts, base_url)) {
            Ok(call) => run(app, (operation, call), (parts, body), &mut standing).await,
            Err(problem) => Err(problem.into()),
        };
        outcome.unwrap_or_else(answer::failure)
    };
    standing.show(&mut response);
    noted(response, route, Some(&signed_in))
}

fn noted(mut response: Response, route: &Route, signed_in: Option<&SignedIn>) -> (Response, Note) {
    let note = Note {
        template: Some(route.shown.clone()),
        account_sid: signed_in.map(|signed_in| signed_in.account_sid),
        in_flight: signed_in.map(|signed_in| signed_in.running.count),
        ..answer::take_note(&mut response)
    };
    (response, note)
}

async fn run(
    app: &App,
    (operation, (mut call, path)): (&Operation, (Call, Path)),
    (parts, body): (&Parts, Body),
    standing: &mut Standing,
) -> Result<Response, Failure> {
    if let Err((problem, after)) = app.rates.act(operation, (&call, &path), standing) {
        return Ok(rates::refusal(&problem, after));
    }
    let said = match operation.verb {
        Verb::List => form::of_query(parts.uri.query()),
        Verb::Fetch | Verb::Delete => Ok(Form::empty()),
        Verb::Create | Verb::Update => form::of_body(&parts.headers, body, app.settings.limits).await,
    };
    let said = match hooks(operation.verb, &parts.headers) {
        Ok(hooks) => {
            call.hooks = hooks;
            said
        }
        Err(problem) => Err(problem),
    };
    let (call, path) = (Arc::new(call), Arc::new(path));
    let form = match said {
        Ok(form) => form,
        Err(problem) => return Err(refuse(app, call, path, problem).await),
    };
    let key = match idempotency_key(app, operation.verb, (&call, &form), &parts.headers) {
        Ok(key) => key,
        Err(problem) => return Err(refuse(app, call, path, problem).await),
    };
    let outcome = perform(app, Arc::clone(&call), operation, path, (&form, key)).await?;
    let is_replayed = outcome.is_replayed;
    let mut response = match outcome.status {
        204 => answer::empty(204),
        status => answer::json(status, outcome.body(&call)),
    };
    if is_replayed {
        answer::header(&mut response, "tertulia-idempotent-replayed", "true");
    }
    Ok(response)
}

/// Who asks, for what. A path that cannot be read, or a service that cannot be one, is not there.
fn call(
    app: &App,
    (route, values): (&Route, Option<Vec<(&'static str, String)>>),
    signed_in: &SignedIn,
    (parts, BaseUrl(base_url)): (&Parts, BaseUrl),
) -> Result<(Call, Path), Problem> {
    let shown = path::shown(parts.uri.path());
    let not_found = || Problem::not_found(shown);
    let values = values.ok_or_else(not_found)?;
    let service_sid = match route.scope {
        Scope::Account => signed_in.default_chat_service_sid,
        Scope::Service | Scope::Client => {
            let named = values.iter().find(|(name, _)| *name == "ChatServiceSid");
            named.and_then(|(_, value)| Sid::parse(value)).ok_or_else(not_found)?
        }
    };
    let call = Call {
        account_sid: signed_in.account_sid,
        service_sid,
        scope: route.scope,
        actor: Actor::Account,
        source: Source::Api,
        hooks: false,
        is_streamed: signed_in.is_streamed,
        limits: app.settings.limits,
        owned: Arc::clone(&signed_in.owned),
        base_url,
        path: shown.to_owned(),
        ids: Arc::clone(&app.ids),
        vault: Arc::clone(&app.vault),
        guess: Guess::new(&app.known_users),
        rehearsal: None,
    };
    Ok((call, Path::new(values)))
}

/// Twilio: webhooks hear of a change made by REST only where the caller asks for it.
fn hooks(verb: Verb, headers: &HeaderMap) -> Result<bool, Problem> {
    const NAME: HeaderName = HeaderName::from_static("x-twilio-webhook-enabled");
    let asked = match verb {
        Verb::List | Verb::Fetch => None,
        Verb::Create | Verb::Update | Verb::Delete => headers.get(NAME).map(HeaderValue::as_bytes),
    };
    match asked {
        None => Ok(false),
        Some(value) if value.eq_ignore_ascii_case(b"true") => Ok(true),
        Some(value) if value.eq_ignore_ascii_case(b"false") => Ok(false),
        Some(_) => Err(Problem::parameter("Invalid value for header X-Twilio-Webhook-Enabled")),
    }
}

/// The key of a create that is to be done once, however often it is sent.
fn idempotency_key(
    app: &App,
    verb: Verb,
    (call, form): (&Call, &Form),
    headers: &HeaderMap,
) -> Result<Option<IdempotencyKey>, Problem> {
    const NAME: HeaderName = HeaderName::from_static("idempotency-key");
    if verb != Verb::Create {
        return Ok(None);
    }
    let Some(key) = headers.get(NAME) else { return Ok(None) };
    let key = key.to_str().ok().and_then(|key| IdempotencyKey::new(call, key, form, app.clock.now()));
    key.map(Some).ok_or_else(|| Problem::parameter("The header Idempotency-Key has 1 to 255 characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(verb: Verb, value: &'static str) -> Result<bool, Problem> {
        let header = [("x-twilio-webhook-enabled".parse().expect("a name"), HeaderValue::from_static(value))];
        hooks(verb, &header.into_iter().collect())
    }

    #[test]
    fn webhooks_are_asked_for_in_any_case_and_by_nothing_else() {
        assert_eq!(hooks(Verb::Create, &HeaderMap::new()), Ok(false));
        assert_eq!(asked(Verb::Create, "TrUe"), Ok(true));
        assert_eq!(asked(Verb::Delete, "FALSE"), Ok(false));
        assert_eq!(asked(Verb::Fetch, "junk"), Ok(false));
        let problem = asked(Verb::Update, "yes").expect_err("neither");
        assert_eq!((problem.code, problem.status), (20001, 400));
        assert!(problem.message.contains("X-Twilio-Webhook-Enabled"));
    }
}
