//! Who asks, for which service, and how what happens inside becomes an answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use conversations::{Actor, Call, Failure, Path, Scope, Source};
use http::Method;
use http::request::Parts;
use wire::{Problem, Sid};

use crate::app::App;
use crate::perform::refuse;
use crate::web::host::BaseUrl;
use crate::web::sign_in::{SignedIn, sign_in};
use crate::web::{answer, path};

/// What every path of the service stands below.
pub const PREFIX: &str = "/v1/Services/{ChatServiceSid}";

/// One path: how the log and the metrics show it, what of it comes behind the service, and the one method
/// that does something there.
pub struct Place {
    pub shown: &'static str,
    pub template: &'static str,
    pub method: Method,
}

/// A request by somebody who has signed in.
pub struct Asked {
    pub app: Arc<App>,
    pub call: Arc<Call>,
    pub path: Arc<Path>,
    pub parts: Parts,
    place: &'static Place,
    signed_in: SignedIn,
}

/// What came of it.
pub type Outcome = Result<Response, Failure>;

impl Asked {
    /// Lets somebody in; else this is the answer.
    pub async fn enter(
        app: Arc<App>,
        place: &'static Place,
        request: Request,
    ) -> Result<(Self, Body), Box<Response>> {
        let (parts, body) = request.into_parts();
        let refused = |response| Box::new(noted(response, place));
        if parts.method != place.method {
            return Err(refused(answer::not_allowed(place.method.as_str())));
        }
        let signed_in =
            sign_in(&app, &parts.headers).await.map_err(|failure| refused(answer::failure(failure)))?;
        let (call, path) =
            call(&app, place, &signed_in, &parts).map_err(|problem| refused(answer::problem(&problem)))?;
        let asked = Self { app, call: Arc::new(call), path: Arc::new(path), parts, place, signed_in };
        Ok((asked, body))
    }

    /// What is answered for `problem` in what the request says, once the service is there.
    pub async fn refuse(&self, problem: Problem) -> Failure {
        refuse(&self.app, Arc::clone(&self.call), Arc::clone(&self.path), problem).await
    }

    /// Ends every handler.
    pub fn answered(self, outcome: Outcome) -> Response {
        let mut response = noted(outcome.unwrap_or_else(answer::failure), self.place);
        answer::note(&mut response, |note| {
            note.account_sid = Some(self.signed_in.account_sid);
            note.in_flight = Some(self.signed_in.running.count);
        });
        response
    }
}

/// A path that cannot be read, or a service that cannot be one, is not there.
fn call(app: &App, place: &Place, signed_in: &SignedIn, parts: &Parts) -> Result<(Call, Path), Problem> {
    let shown = path::shown(parts.uri.path());
    let not_found = || Problem::not_found(shown);
    let values = path::values(PREFIX, place.template, parts.uri.path()).ok_or_else(not_found)?;
    let named = values.iter().find(|(name, _)| *name == "ChatServiceSid");
    let service_sid = named.and_then(|(_, value)| Sid::parse(value)).ok_or_else(not_found)?;
    let BaseUrl(base_url) = parts.extensions.get::<BaseUrl>().expect("the edge has put it there").clone();
    let call = Call {
        account_sid: signed_in.account_sid,
        service_sid,
        scope: Scope::Service,
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
        rehearsal: None,
    };
    Ok((call, Path::new(values)))
}

/// An answer with the name of the path it was given on.
pub fn noted(mut response: Response, place: &Place) -> Response {
    answer::note(&mut response, |note| note.template = Some(place.shown.into()));
    response
}
