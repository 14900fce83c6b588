//! API keys of an account.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::api_keys::{self, CreateApiKey, UpdateApiKey};
use conversations::{Account, ApiKey, Page};
use http::Method;
use serde::Serialize;
use store::Roots;
use wire::{PageRequest, Problem, Rfc2822, Sid, meta};

use super::door::{Asked, Outcome, Place, shown};
use crate::app::App;
use crate::web::answer;
use crate::web::known_credentials::Username;

const ALL: Place =
    Place { template: "/2010-04-01/Accounts/{AccountSid}/Keys.json", allowed: &[Method::GET, Method::POST] };
const ONE: Place = Place {
    template: "/2010-04-01/Accounts/{AccountSid}/Keys/{KeySid}.json",
    allowed: &[Method::GET, Method::POST, Method::DELETE],
};

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(ALL.template, any(all))
        .route("/2010-04-01/Accounts/{AccountSid}/Keys/{KeySid}", any(one))
}

async fn all(State(app): State<Arc<App>>, request: Request) -> Response {
    match Asked::enter(app, &ALL, request).await {
        Ok((asked, body)) => {
            let outcome = all_of_account(&asked, body).await;
            asked.answered(outcome)
        }
        Err(response) => *response,
    }
}

async fn one(State(app): State<Arc<App>>, request: Request) -> Response {
    match Asked::enter(app, &ONE, request).await {
        Ok((asked, body)) => {
            let outcome = one_of_account(&asked, body).await;
            asked.answered(outcome)
        }
        Err(response) => *response,
    }
}

/// Members in the order of the public description.
#[derive(Serialize)]
struct Shown {
    sid: Sid<ApiKey>,
    friendly_name: String,
    date_created: Rfc2822,
    date_updated: Rfc2822,
}

impl From<ApiKey> for Shown {
    fn from(key: ApiKey) -> Self {
        Self {
            sid: key.sid,
            friendly_name: key.friendly_name,
            date_created: key.date_created.rfc2822(),
            date_updated: key.date_updated.rfc2822(),
        }
    }
}

#[derive(Serialize)]
struct ShownOnce {
    #[serde(flatten)]
    key: Shown,
    secret: String,
}

/// A page in the old style: no `meta`, and URIs without a host.
#[derive(Serialize)]
struct List {
    keys: Vec<Shown>,
    first_page_uri: String,
    end: u64,
    previous_page_uri: Option<String>,
    uri: String,
    page_size: usize,
    start: u64,
    next_page_uri: Option<String>,
    page: u64,
}

impl List {
    /// `start` and `end` count as if all pages before had been asked for in turn.
    fn new(account_sid: Sid<Account>, request: &PageRequest, found: Page<ApiKey>) -> Self {
        let uri = format!("/2010-04-01/Accounts/{account_sid}/Keys.json");
        let meta = meta(&uri, &[], request, found.next, found.previous, "keys");
        let start = meta.page.saturating_mul(meta.page_size as u64);
        Self {
            end: start.saturating_add((found.items.len() as u64).saturating_sub(1)),
            keys: found.items.into_iter().map(Shown::from).collect(),
            first_page_uri: meta.first_page_url,
            previous_page_uri: meta.previous_page_url,
            uri: meta.url,
            page_size: meta.page_size,
            start,
            next_page_uri: meta.next_page_url,
            page: meta.page,
        }
    }
}

/// The account whose keys are asked for. A key that is stolen could not be taken back if it could make
/// others.
// Twilio: "main" API keys may, standard ones may not; there are only standard ones here.
async fn managed(asked: &Asked) -> Result<Sid<Account>, conversations::Failure> {
    if !asked.has_token() {
        return Err(Problem::ACCESS_DENIED.into());
    }
    Ok(asked.account().await?.sid)
}

async fn all_of_account(asked: &Asked, body: Body) -> Outcome {
    let account_sid = managed(asked).await?;
    if asked.method == Method::POST {
        return create(asked, body, account_sid).await;
    }
    let query = asked.query.as_ref().map_err(Problem::clone)?;
    let of_account = wire::List::of(&format!("{account_sid} keys"));
    let request = PageRequest::parse(query, (50, 1000), of_account)?;
    let found = asked.app.store.read(move |tx| api_keys::page(tx, account_sid, &request)).await?;
    Ok(shown(200, &List::new(account_sid, &request, found)))
}

/// The secret is shown this once.
async fn create(asked: &Asked, body: Body, account_sid: Sid<Account>) -> Outcome {
    let app = &asked.app;
    let form = CreateApiKey::from_form(&asked.form(body).await?)?;
    let (ids, vault) = (Arc::clone(&app.ids), Arc::clone(&app.vault));
    let write = move |tx: &mut store::Tx<'_>| api_keys::create(tx, &*ids, &vault, account_sid, &form);
    let created = app.store.write(Roots::none(), write).await?;
    // Somebody may have tried the sid before it was anybody's.
    app.known_credentials.forget(Username::ApiKey(created.key.sid));
    Ok(shown(201, &ShownOnce { key: created.key.into(), secret: created.secret }))
}

async fn one_of_account(asked: &Asked, body: Body) -> Outcome {
    let account_sid = managed(asked).await?;
    let sid = asked.sid(5)?;
    if asked.method == Method::DELETE {
        return delete(asked, (account_sid, sid)).await;
    }
    let key = asked.app.store.read(move |tx| api_keys::find(tx, account_sid, sid)).await?;
    let key = key.ok_or_else(|| asked.not_found())?;
    if asked.method == Method::POST {
        return update(asked, body, (account_sid, sid)).await;
    }
    Ok(shown(200, &Shown::from(key)))
}

async fn update(asked: &Asked, body: Body, (account_sid, sid): (Sid<Account>, Sid<ApiKey>)) -> Outcome {
    let form = UpdateApiKey::from_form(&asked.form(body).await?)?;
    let write = move |tx: &mut store::Tx<'_>| api_keys::update(tx, account_sid, sid, &form);
    let updated: Option<ApiKey> = asked.app.store.write(Roots::none(), write).await?;
    Ok(shown(200, &Shown::from(updated.ok_or_else(|| asked.not_found())?)))
}

async fn delete(asked: &Asked, (account_sid, sid): (Sid<Account>, Sid<ApiKey>)) -> Outcome {
    let write = move |tx: &mut store::Tx<'_>| api_keys::delete(tx, account_sid, sid);
    let was_there = asked.app.store.write(Roots::none(), write).await;
    asked.app.known_credentials.forget(Username::ApiKey(sid));
    if was_there? { Ok(answer::empty(204)) } else { Err(asked.not_found().into()) }
}
