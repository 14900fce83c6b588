//! A neighbour that clients call: of Twilio's API of 2010, an account and its API keys.
//!
//! `twilio login` and its like look an account up here and make a key for themselves. An account sees
//! itself and its subaccounts; anything else is 404, and so is the rest of that API, which would take a
//! message and not send it. As in the administration, API keys may not manage API keys. URIs are relative,
//! as they always were there, and dates are those of mail headers.

mod account;
mod door;
mod keys;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use wire::Problem;

use crate::app::App;
use crate::web::answer;

/// Every path of it.
pub fn router() -> Router<Arc<App>> {
    Router::new().merge(account::router()).merge(keys::router()).route("/2010-04-01/{*path}", any(unknown))
}

async fn unknown(request: Request) -> Response {
    let not_found = Problem::not_found(request.uri().path());
    let message =
        format!("{}: of the API of 2010 only accounts and their keys are served here", not_found.message);
    answer::problem(&Problem { message: message.into(), ..not_found })
}
