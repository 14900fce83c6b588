//! Content templates of an account, in the shape of Twilio's Content API. They are no secrets: the account's API keys
//! may manage them too.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::Account;
use conversations::content_templates::{self, ContentTemplate, CreateContentTemplate};
use http::Method;
use serde::Serialize;
use store::Roots;
use wire::{Meta, PageRequest, Sid, meta};

use super::door::{Asked, Outcome, answered, shown};
use crate::app::App;
use crate::web::answer;
use crate::web::form::{Said, or_json};

const ALL: &str = "/tertulia/v1/ContentTemplates";
const ONE: &str = "/tertulia/v1/ContentTemplates/{ContentSid}";

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
struct Shown {
    #[serde(flatten)]
    template: ContentTemplate,
    url: String,
}

impl Shown {
    fn new(asked: &Asked, template: ContentTemplate) -> Self {
        Self { url: format!("{}{ALL}/{}", asked.base_url, template.sid), template }
    }
}

/// Its members have the names that Twilio's has.
#[derive(Serialize)]
struct List {
    contents: Vec<Shown>,
    meta: Meta,
}

async fn all(asked: &Asked, body: Body) -> Outcome {
    match asked.method {
        Method::GET => list(asked, asked.account_sid_for_keys_too().await?).await,
        Method::POST => create(asked, body, asked.account_sid_for_keys_too().await?).await,
        _ => Ok(answer::not_allowed("GET, POST")),
    }
}

async fn list(asked: &Asked, account_sid: Sid<Account>) -> Outcome {
    let query = asked.query.clone()?;
    let of_account = wire::List::of(&format!("{account_sid} {ALL}"));
    let request = PageRequest::parse(&query, (50, 1000), of_account)?;
    let read = move |tx: &mut store::Tx<'_>| content_templates::list(tx, account_sid, &request);
    let found = asked.app.store.read(read).await?;
    // With the server's token the account is named again on every page.
    let named: Vec<_> =
        query.get("AccountSid").map(|sid| ("AccountSid", sid.to_owned())).into_iter().collect();
    let url = format!("{}{ALL}", asked.base_url);
    let meta = meta(&url, &named, &request, found.next, found.previous, "contents");
    let contents = found.items.into_iter().map(|template| Shown::new(asked, template)).collect();
    Ok(shown(200, &List { contents, meta }))
}

async fn create(asked: &Asked, body: Body, account_sid: Sid<Account>) -> Outcome {
    let form = match or_json(&asked.headers, body).await? {
        Said::Form(form) => CreateContentTemplate::from_form(&form)?,
        Said::Json(body) => CreateContentTemplate::from_json(&body)?,
    };
    let ids = Arc::clone(&asked.app.ids);
    let write = move |tx: &mut store::Tx<'_>| content_templates::create(tx, &*ids, account_sid, &form);
    let template = asked.app.store.write(Roots::none(), write).await?;
    Ok(shown(201, &Shown::new(asked, template)))
}

async fn one(asked: &Asked) -> Outcome {
    if asked.method != Method::GET && asked.method != Method::DELETE {
        return Ok(answer::not_allowed("GET, DELETE"));
    }
    let account_sid = asked.account_sid_for_keys_too().await?;
    let sid = asked.sid()?;
    if asked.method == Method::DELETE {
        let write = move |tx: &mut store::Tx<'_>| content_templates::delete(tx, account_sid, sid);
        let was_there = asked.app.store.write(Roots::none(), write).await?;
        return if was_there { Ok(answer::empty(204)) } else { Err(asked.not_found().into()) };
    }
    let template = asked.app.store.read(move |tx| content_templates::find(tx, account_sid, sid)).await?;
    Ok(shown(200, &Shown::new(asked, template.ok_or_else(|| asked.not_found())?)))
}
