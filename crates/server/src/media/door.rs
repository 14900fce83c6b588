//! Who asks, for which service, and how what happens inside becomes an answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use conversations::media::{self, readers};
use conversations::{Actor, Call, Failure, Guess, Media, Path, Scope, Service, Source};
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderMap, Method};
use wire::{Problem, Sid};

use crate::app::App;
use crate::perform::refuse;
use crate::web::access_token::{Granted, verify};
use crate::web::host::BaseUrl;
use crate::web::known_credentials::Username;
use crate::web::sign_in::{SignedIn, sign_in};
use crate::web::{answer, path};

/// What every path of the service stands below.
pub const PREFIX: &str = "/v1/Services/{ChatServiceSid}";
/// What a user's client shows its access token in.
const TOKEN: &str = "x-twilio-token";

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
    /// Who asks, where it is a user and not the account itself.
    pub user: Option<User>,
    place: &'static Place,
    signed_in: SignedIn,
}

/// A user of one service, with an access token.
pub struct User {
    pub identity: Arc<str>,
    service_sid: Sid<Service>,
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
        let (signed_in, user) =
            who(&app, &parts.headers).await.map_err(|failure| refused(unknown(&parts, failure)))?;
        let (call, path) =
            call(&app, place, &signed_in, &parts).map_err(|problem| refused(answer::problem(&problem)))?;
        if user.as_ref().is_some_and(|user| user.service_sid != call.service_sid) {
            return Err(refused(answer::problem(&Problem::FORBIDDEN)));
        }
        let asked = Self { app, call: Arc::new(call), path: Arc::new(path), parts, user, place, signed_in };
        Ok((asked, body))
    }

    /// The file of the path, if whoever asks may read it.
    pub async fn media(&self) -> Result<Media, Failure> {
        let (call, path, identity) = (Arc::clone(&self.call), Arc::clone(&self.path), self.identity());
        let read = move |tx: &mut store::Tx<'_>| {
            let media = media::of_path(tx, &call, &path)?;
            match &identity {
                Some(identity) if !readers::admit(tx, &media, identity)? => Err(Problem::FORBIDDEN.into()),
                _ => Ok(media),
            }
        };
        self.app.store.read(read).await
    }

    /// Who the user is; none where the account itself asks.
    pub fn identity(&self) -> Option<Arc<str>> {
        self.user.as_ref().map(|user| Arc::clone(&user.identity))
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

/// The account, or one of its users. A token stands above other credentials, for it allows less.
async fn who(app: &App, headers: &HeaderMap) -> Result<(SignedIn, Option<User>), Failure> {
    let Some(token) = headers.get(TOKEN) else { return Ok((sign_in(app, headers).await?, None)) };
    let token = token.to_str().map_err(|_| Problem::INVALID_ACCESS_TOKEN)?;
    let granted = verify(app, token).await?;
    let user = User { identity: granted.identity.as_str().into(), service_sid: granted.service_sid };
    Ok((signed_in(app, granted), Some(user)))
}

fn signed_in(app: &App, granted: Granted) -> SignedIn {
    SignedIn {
        account_sid: granted.account_sid,
        default_chat_service_sid: granted.default_chat_service_sid,
        owned: granted.owned,
        is_streamed: granted.is_streamed,
        username: Username::ApiKey(granted.key_sid),
        running: app.in_flight.begin(granted.account_sid),
    }
}

/// Where a token was refused, a browser is not told to ask a person for a password.
fn unknown(parts: &Parts, failure: Failure) -> Response {
    let mut response = answer::failure(failure);
    if parts.headers.contains_key(TOKEN) {
        response.headers_mut().remove(WWW_AUTHENTICATE);
    }
    response
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
        guess: Guess::new(&app.known_users),
        rehearsal: None,
    };
    Ok((call, Path::new(values)))
}

/// An answer with the name of the path it was given on.
pub fn noted(mut response: Response, place: &Place) -> Response {
    answer::note(&mut response, |note| note.template = Some(place.shown.into()));
    response
}
