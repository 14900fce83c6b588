//! API keys of an account.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::api_keys::{self, CreateApiKey};
use conversations::{Account, ApiKey};
use http::Method;
use serde::Serialize;
use store::Roots;
use wire::Sid;

use super::door::{Asked, Outcome, answered, shown};
use crate::app::App;
use crate::web::answer;
use crate::web::known_credentials::Username;

const ALL: &str = "/tertulia/v1/Keys";
const ONE: &str = "/tertulia/v1/Keys/{KeySid}";

pub fn router() -> Router<Arc<App>> {
    Router::new().route(ALL, any(all_of_them)).route(ONE, any(one_of_them))
}

async fn all_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, body) = Asked::new(app, request);
    answered(all(&asked, body).await, ALL)
}

async fn one_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, _) = Asked::new(app, request);
    answered(one(&asked).await, ONE)
}

#[derive(Serialize)]
struct List {
    keys: Vec<ApiKey>,
}

async fn all(asked: &Asked, body: Body) -> Outcome {
    if asked.method != Method::GET && asked.method != Method::POST {
        return Ok(answer::not_allowed("GET, POST"));
    }
    let account_sid = asked.account_sid().await?;
    if asked.method == Method::POST {
        return create(asked, body, account_sid).await;
    }
    let keys = asked.app.store.read(move |tx| api_keys::list(tx, account_sid)).await?;
    Ok(shown(200, &List { keys }))
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
    Ok(shown(201, &created))
}

async fn one(asked: &Asked) -> Outcome {
    if asked.method != Method::GET && asked.method != Method::DELETE {
        return Ok(answer::not_allowed("GET, DELETE"));
    }
    let account_sid = asked.account_sid().await?;
    let sid = asked.sid()?;
    if asked.method == Method::DELETE {
        return delete(asked, account_sid, sid).await;
    }
    let key = asked.app.store.read(move |tx| api_keys::find(tx, account_sid, sid)).await?;
    Ok(shown(200, &key.ok_or_else(|| asked.not_found())?))
}

async fn delete(asked: &Asked, account_sid: Sid<Account>, sid: Sid<ApiKey>) -> Outcome {
    let write = move |tx: &mut store::Tx<'_>| api_keys::delete(tx, account_sid, sid);
    let was_there = asked.app.store.write(Roots::none(), write).await;
    asked.app.known_credentials.forget(Username::ApiKey(sid));
    if was_there? { Ok(answer::empty(204)) } else { Err(asked.not_found().into()) }
}
