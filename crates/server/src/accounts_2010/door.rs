//! Who asks, for which account, and how what happens inside becomes an answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use conversations::accounts;
use conversations::{Account, Failure};
use http::{HeaderMap, Method};
use serde::Serialize;
use wire::{Form, Prefix, Problem, Sid};

use crate::app::App;
use crate::web::known_credentials::Username;
use crate::web::sign_in::{SignedIn, sign_in};
use crate::web::{answer, form};

/// One path: how the log and the metrics show it, and the methods that do something there.
pub struct Place {
    pub template: &'static str,
    pub allowed: &'static [Method],
}

/// A request by somebody who has signed in.
pub struct Asked {
    pub app: Arc<App>,
    pub method: Method,
    pub query: Result<Form, Problem>,
    place: &'static Place,
    path: String,
    headers: HeaderMap,
    signed_in: SignedIn,
}

/// What came of it: a status, and what is shown.
pub type Outcome = Result<Response, Failure>;

impl Asked {
    /// Lets somebody in; else this is the answer.
    pub async fn enter(
        app: Arc<App>,
        place: &'static Place,
        request: Request,
    ) -> Result<(Self, Body), Box<Response>> {
        let (parts, body) = request.into_parts();
        if !place.allowed.contains(&parts.method) {
            let allowed: Vec<_> = place.allowed.iter().map(Method::as_str).collect();
            return Err(Box::new(noted(answer::not_allowed(&allowed.join(", ")), place)));
        }
        let signed_in = match sign_in(&app, &parts.headers).await {
            Ok(signed_in) => signed_in,
            Err(failure) => return Err(Box::new(noted(answer::failure(failure), place))),
        };
        let asked = Self {
            app,
            method: parts.method,
            query: form::of_query(parts.uri.query()),
            place,
            path: parts.uri.path().to_owned(),
            headers: parts.headers,
            signed_in,
        };
        Ok((asked, body))
    }

    /// Whether it was one of the account's own tokens that opened, and not an API key.
    pub fn has_token(&self) -> bool {
        matches!(self.signed_in.username, Username::Account(_))
    }

    /// The account of the path, where whoever asks may see it.
    pub async fn account(&self) -> Result<Account, Failure> {
        let (viewer, sid) = (self.signed_in.account_sid, self.sid(3)?);
        let found = self.app.store.read(move |tx| accounts::visible(tx, viewer, sid)).await?;
        Ok(found.ok_or_else(|| self.not_found())?)
    }

    /// The sid in the path's segment of this number. The last one ends in `.json`.
    // Twilio: without the ending that API answers in XML, which is not served.
    pub fn sid<R: Prefix>(&self, number: usize) -> Result<Sid<R>, Problem> {
        let named = self.path.split('/').nth(number);
        let is_last = self.path.split('/').count() == number + 1;
        let named = if is_last { named.and_then(|last| last.strip_suffix(".json")) } else { named };
        named.and_then(Sid::parse).ok_or_else(|| self.not_found())
    }

    /// What the body says.
    pub async fn form(&self, body: Body) -> Result<Form, Problem> {
        form::of_body(&self.headers, body, self.app.settings.limits).await
    }

    /// The answer for what is not there.
    pub fn not_found(&self) -> Problem {
        Problem::not_found(&self.path)
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

/// An answer that shows `body`.
pub fn shown(status: u16, body: &impl Serialize) -> Response {
    answer::json(status, serde_json::to_vec(body).expect("records have only text keys"))
}

fn noted(mut response: Response, place: &Place) -> Response {
    answer::note(&mut response, |note| note.template = Some(place.template.into()));
    response
}
