//! Accounts of the whole server, their names and statuses, and the change of their auth tokens.
//!
//! An account that is not active is refused at the door, with whichever of its credentials somebody comes.
//! A client moves to a new token without a gap: a secondary one is made, both are accepted, and when all
//! clients have it, it is promoted.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::accounts::{self, AuthToken, CreateAccount, UpdateAccount};
use conversations::{Account, Failure};
use http::Method;
use serde::Serialize;
use store::Roots;
use wire::{Form, Problem, Sid};

use super::door::{Asked, Outcome, answered, shown};
use crate::app::App;
use crate::web::answer;
use crate::web::known_credentials::Username;

const ALL: &str = "/tertulia/v1/Accounts";
const ONE: &str = "/tertulia/v1/Accounts/{AccountSid}";
const TOKENS: &str = "/tertulia/v1/Accounts/{AccountSid}/AuthTokens";
const PROMOTE: &str = "/tertulia/v1/Accounts/{AccountSid}/AuthTokens/Promote";

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(ALL, any(all_of_them))
        .route(ONE, any(one_of_them))
        .route(TOKENS, any(tokens_of_one))
        .route(PROMOTE, any(promote_of_one))
}

async fn all_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, body) = Asked::new(app, request);
    answered(all(&asked, body).await, ALL)
}

async fn one_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, body) = Asked::new(app, request);
    answered(one(&asked, body).await, ONE)
}

async fn tokens_of_one(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, body) = Asked::new(app, request);
    answered(new_token(&asked, body).await, TOKENS)
}

async fn promote_of_one(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, _) = Asked::new(app, request);
    answered(promote(&asked).await, PROMOTE)
}

#[derive(Serialize)]
struct List {
    accounts: Vec<Account>,
}

async fn all(asked: &Asked, body: Body) -> Outcome {
    asked.server_wide()?;
    match asked.method {
        Method::GET => {
            let accounts = asked.app.store.read(accounts::list).await?;
            Ok(shown(200, &List { accounts }))
        }
        Method::POST => create(asked, body).await,
        _ => Ok(answer::not_allowed("GET, POST")),
    }
}

async fn create(asked: &Asked, body: Body) -> Outcome {
    let app = &asked.app;
    let form = CreateAccount::from_form(&asked.form(body).await?)?;
    let (ids, vault) = (Arc::clone(&app.ids), Arc::clone(&app.vault));
    let roots = form.owner_account_sid.map_or_else(Roots::none, |owner| Roots::one(Account::root(owner)));
    let write = app.store.write(roots, move |tx| accounts::create(tx, &*ids, &vault, &form));
    Ok(shown(201, &write.await?))
}

async fn one(asked: &Asked, body: Body) -> Outcome {
    asked.server_wide()?;
    if asked.method != Method::GET && asked.method != Method::POST {
        return Ok(answer::not_allowed("GET, POST"));
    }
    let sid = asked.sid()?;
    let account = asked.app.store.read(move |tx| accounts::find(tx, sid)).await?;
    let account = account.ok_or_else(|| asked.not_found())?;
    if asked.method == Method::POST {
        return update(asked, body, sid).await;
    }
    Ok(shown(200, &account))
}

async fn update(asked: &Asked, body: Body, sid: Sid<Account>) -> Outcome {
    let form = UpdateAccount::from_form(&asked.form(body).await?)?;
    let write = move |tx: &mut store::Tx<'_>| accounts::update(tx, sid, &form);
    let updated = asked.app.store.write(Roots::one(Account::root(sid)), write).await;
    asked.app.known_credentials.forget_account(sid);
    Ok(shown(200, &updated?.ok_or_else(|| asked.not_found())?))
}

/// The new token is shown this once.
async fn new_token(asked: &Asked, body: Body) -> Outcome {
    asked.server_wide()?;
    if asked.method != Method::POST {
        return Ok(answer::not_allowed("POST"));
    }
    let app = &asked.app;
    let sid = asked.sid()?;
    let which = which(&asked.form(body).await?)?;
    let (ids, vault) = (Arc::clone(&app.ids), Arc::clone(&app.vault));
    let write = move |tx: &mut store::Tx<'_>| accounts::set_auth_token(tx, &*ids, &vault, (sid, which), None);
    let changed = app.store.write(Roots::none(), write).await;
    app.known_credentials.forget(Username::Account(sid));
    Ok(shown(201, &changed?.ok_or_else(|| asked.not_found())?))
}

fn which(form: &Form) -> Result<AuthToken, Problem> {
    match form.get("Which") {
        Some(which) if which.eq_ignore_ascii_case("primary") => Ok(AuthToken::Primary),
        Some(which) if which.eq_ignore_ascii_case("secondary") => Ok(AuthToken::Secondary),
        Some(_) => Err(Problem::parameter("Which is either primary or secondary")),
        None => Err(Problem::parameter("Missing parameter Which: primary or secondary")),
    }
}

async fn promote(asked: &Asked) -> Outcome {
    asked.server_wide()?;
    if asked.method != Method::POST {
        return Ok(answer::not_allowed("POST"));
    }
    let sid = asked.sid()?;
    let write = move |tx: &mut store::Tx<'_>| accounts::promote_auth_token(tx, sid);
    let changed: Result<_, Failure> = asked.app.store.write(Roots::none(), write).await;
    asked.app.known_credentials.forget(Username::Account(sid));
    Ok(shown(200, &changed?.ok_or_else(|| asked.not_found())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_to_replace_must_be_named() {
        let form = |text: &str| Form::parse(text.as_bytes()).expect("a form");
        assert_eq!(which(&form("Which=Primary")), Ok(AuthToken::Primary));
        assert_eq!(which(&form("Which=secondary")), Ok(AuthToken::Secondary));
        assert_eq!(which(&form("Which=both")).map_err(|problem| problem.code), Err(20001));
        assert_eq!(which(&form("")).map_err(|problem| problem.code), Err(20001));
    }
}
