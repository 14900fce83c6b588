//! Our own administration, below `/tertulia/v1`.
//!
//! What concerns the whole server needs a token of its own (`Authorization: Bearer`); without one
//! configured, or with a wrong one, it is not there: 404. What belongs to an account is reached with that
//! account's sid and auth token, or with the server's token and `?AccountSid=`. API keys may not manage
//! API keys: one that is stolen could not be taken back. Requests are forms and answers JSON, as in the API;
//! a content template may also be given as JSON, in which its API has it.

mod access_tokens;
mod accounts;
mod clock;
mod content_templates;
mod deliveries;
mod door;
mod keys;
mod pre_actions;
mod receipts;
mod streams;
mod webhook_test;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use wire::Problem;

pub use door::Tokens;
pub use webhook_test::Testing;

use crate::app::App;
use crate::web::answer;

/// Every path of it.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .merge(access_tokens::router())
        .merge(accounts::router())
        .merge(clock::router())
        .merge(content_templates::router())
        .merge(deliveries::router())
        .merge(pre_actions::router())
        .merge(receipts::router())
        .merge(streams::router())
        .merge(webhook_test::router())
        .merge(keys::router())
        .route("/tertulia/{*path}", any(unknown))
}

async fn unknown(request: Request) -> Response {
    answer::problem(&Problem::not_found(request.uri().path()))
}
