//! An account.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::accounts::Status;
use conversations::{Account, Vault};
use http::Method;
use serde::Serialize;
use wire::{Rfc2822, Sid};

use super::door::{Asked, Outcome, Place, shown};
use crate::app::App;

const ONE: Place = Place { template: "/2010-04-01/Accounts/{AccountSid}.json", allowed: &[Method::GET] };

pub fn router() -> Router<Arc<App>> {
    Router::new().route("/2010-04-01/Accounts/{AccountSid}", any(one))
}

async fn one(State(app): State<Arc<App>>, request: Request) -> Response {
    match Asked::enter(app, &ONE, request).await {
        Ok((asked, _)) => {
            let outcome = fetch(&asked).await;
            asked.answered(outcome)
        }
        Err(response) => *response,
    }
}

/// Members in the order of the public description.
#[derive(Serialize)]
struct Shown {
    auth_token: Option<String>,
    date_created: Rfc2822,
    date_updated: Rfc2822,
    friendly_name: String,
    owner_account_sid: Sid<Account>,
    sid: Sid<Account>,
    status: Status,
    subresource_uris: Subresources,
    #[serde(rename = "type")]
    kind: &'static str,
    uri: String,
}

/// Those that are served.
#[derive(Serialize)]
struct Subresources {
    keys: String,
}

impl Shown {
    /// The token is told to who could sign in with one, and not to API keys, which it would outlive.
    fn new(account: Account, vault: Option<&Vault>) -> Self {
        let sid = account.sid;
        Self {
            auth_token: vault.and_then(|vault| account.auth_token(vault)),
            date_created: account.date_created.rfc2822(),
            date_updated: account.date_updated.rfc2822(),
            owner_account_sid: account.owner(),
            friendly_name: account.friendly_name,
            sid,
            status: account.status,
            subresource_uris: Subresources { keys: format!("/2010-04-01/Accounts/{sid}/Keys.json") },
            kind: "Full",
            uri: format!("/2010-04-01/Accounts/{sid}.json"),
        }
    }
}

async fn fetch(asked: &Asked) -> Outcome {
    let account = asked.account().await?;
    let vault = asked.has_token().then_some(&*asked.app.vault);
    Ok(shown(200, &Shown::new(account, vault)))
}
