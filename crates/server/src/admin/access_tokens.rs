//! Access tokens for those who have no program yet that makes them, and for demonstrations.
//!
//! A token is signed by a key of the account that was made for it, or by one that is named. Who deletes the
//! key takes back every token it has signed.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::any;
use conversations::push_credentials::PushCredential;
use conversations::{Account, ApiKey, Failure, Limits, Service, accounts, api_keys, services, users};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde::Serialize;
use store::{Roots, Tx};
use wire::{AccessToken, ChatGrant, Form, Problem, Sid, Timestamp};

use super::door::{Asked, Outcome, answered, shown};
use crate::app::App;
use crate::web::known_credentials::Username;
use crate::web::{answer, cors};

const ALL: &str = "/tertulia/v1/Tokens";
const DEMO: &str = "/tertulia/v1/DemoToken";
const SECOND: i64 = 1_000_000;
/// Seconds that a token is good for where nobody says, and at most.
const LIFETIME: i64 = 60 * 60;
const LONGEST: i64 = 24 * 60 * 60;

pub fn router() -> Router<Arc<App>> {
    let demo = Router::new().route(DEMO, any(demo_token)).layer(from_fn(cors::pass));
    Router::new().route(ALL, any(all_of_them)).merge(demo)
}

async fn all_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, body) = Asked::new(app, request);
    answered(create(&asked, body).await, ALL)
}

async fn demo_token(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, _) = Asked::new(app, request);
    answered(demonstrate(&asked).await, DEMO)
}

// Form parameters ────────────────────────────────────────────────────────────

/// What a token is made of.
struct CreateToken {
    identity: String,
    /// The account's default service where none is named.
    service_sid: Option<Sid<Service>>,
    /// The key made for it where none is named.
    key_sid: Option<Sid<ApiKey>>,
    push_credential_sid: Option<Sid<PushCredential>>,
    /// Seconds.
    lifetime: i64,
}

impl CreateToken {
    fn from_form(limits: Limits, form: &Form) -> Result<Self, Problem> {
        let sid = |name| Problem::invalid_parameter(name);
        Ok(Self {
            identity: identity(limits, form.get("Identity"), "Identity")?,
            service_sid: form.sid("ChatServiceSid", sid("ChatServiceSid"))?,
            key_sid: form.sid("KeySid", sid("KeySid"))?,
            push_credential_sid: form.sid("PushCredentialSid", sid("PushCredentialSid"))?,
            lifetime: match form.get("Ttl").filter(|text| !text.is_empty()) {
                None => LIFETIME,
                Some(text) => lifetime(text)?,
            },
        })
    }

    fn of(identity: String) -> Self {
        Self { identity, service_sid: None, key_sid: None, push_credential_sid: None, lifetime: LIFETIME }
    }
}

fn identity(limits: Limits, given: Option<&str>, name: &str) -> Result<String, Problem> {
    let given = given.filter(|text| !text.is_empty());
    let identity = given.ok_or_else(|| Problem::parameter(format!("Missing parameter {name}")))?;
    users::judge_identity(limits, identity)?;
    Ok(identity.to_owned())
}

fn lifetime(text: &str) -> Result<i64, Problem> {
    let seconds = text.parse().ok().filter(|seconds| (1..=LONGEST).contains(seconds));
    let expected = format!("Invalid value for parameter Ttl: it is no number of seconds from 1 to {LONGEST}");
    seconds.ok_or_else(|| Problem::parameter(expected))
}

// Operations ─────────────────────────────────────────────────────────────────

/// A token as it is shown.
#[derive(Serialize)]
struct Created {
    token: String,
    identity: String,
    chat_service_sid: Sid<Service>,
    key_sid: Sid<ApiKey>,
    expires_at: Timestamp,
}

/// Like the keys themselves, tokens are not for who signs in with a key: such a one signs with its own.
async fn create(asked: &Asked, body: Body) -> Outcome {
    if asked.method != Method::POST {
        return Ok(answer::not_allowed("POST"));
    }
    let account_sid = asked.account_sid().await?;
    let form = CreateToken::from_form(asked.app.settings.limits, &asked.form(body).await?)?;
    Ok(unstored(shown(201, &made(&asked.app, account_sid, form).await?)))
}

/// Makes whoever asks the user that they name: not there, unless somebody wants just that.
async fn demonstrate(asked: &Asked) -> Outcome {
    let app = &asked.app;
    if !app.settings.demo_tokens {
        return Err(asked.not_found().into());
    }
    if asked.method != Method::GET {
        return Ok(answer::not_allowed("GET"));
    }
    let query = asked.query.clone()?;
    let form = CreateToken::of(identity(app.settings.limits, query.get("identity"), "identity")?);
    let oldest = app.store.read(accounts::list).await?.into_iter().next();
    let account_sid = oldest.ok_or_else(|| asked.not_found())?.sid;
    let created = made(app, account_sid, form).await?;
    let mut response = unstored(answer::empty(200));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=utf-8"));
    *response.body_mut() = Body::from(created.token);
    Ok(response)
}

/// Nobody between us and the client keeps it.
fn unstored(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn made(app: &App, account_sid: Sid<Account>, form: CreateToken) -> Result<Created, Failure> {
    let CreateToken { identity, service_sid, key_sid, push_credential_sid, lifetime } = form;
    let read = move |tx: &mut Tx<'_>| found(tx, account_sid, service_sid, key_sid);
    let (service_sid, key) = app.store.read(read).await?;
    let key = match key {
        Some(key) => key,
        None => new_key(app, account_sid).await?,
    };
    let unreadable = || Problem::conflict("The key was made under another master key");
    let secret = key.secret(&app.vault).ok_or_else(unreadable)?;
    let issued_at = Timestamp::from_micros(app.clock.now().unix_seconds() * SECOND);
    let expires_at = issued_at.saturating_plus_micros(lifetime * SECOND);
    let token = AccessToken {
        key_sid: key.sid.to_string(),
        account_sid: account_sid.to_string(),
        issued_at: Some(issued_at),
        not_before: None,
        expires_at,
        identity: identity.clone(),
        chat: ChatGrant {
            service_sid: service_sid.to_string(),
            push_credential_sid: push_credential_sid.map(|sid| sid.to_string()),
            ..ChatGrant::default()
        },
    };
    let token = token.sign(&secret);
    Ok(Created { token, identity, chat_service_sid: service_sid, key_sid: key.sid, expires_at })
}

/// The service and the key that were named. Without a name it is the account's default service, and the key
/// for tokens if there is one yet.
fn found(
    tx: &mut Tx<'_>,
    account_sid: Sid<Account>,
    service_sid: Option<Sid<Service>>,
    key_sid: Option<Sid<ApiKey>>,
) -> Result<(Sid<Service>, Option<ApiKey>), Failure> {
    let account = accounts::find(tx, account_sid)?.ok_or(Problem::ACCESS_DENIED)?;
    let service_sid = service_sid.unwrap_or(account.default_chat_service_sid);
    let service = services::find(tx, account_sid, service_sid)?;
    let service = service.ok_or_else(|| Problem::invalid_parameter("ChatServiceSid"))?;
    let key = match key_sid {
        None => api_keys::for_tokens(tx, account_sid)?,
        Some(sid) => {
            let key = api_keys::find(tx, account_sid, sid)?;
            Some(key.ok_or_else(|| Problem::invalid_parameter("KeySid"))?)
        }
    };
    Ok((service.sid, key))
}

async fn new_key(app: &App, account_sid: Sid<Account>) -> Result<ApiKey, Failure> {
    let (ids, vault) = (Arc::clone(&app.ids), Arc::clone(&app.vault));
    let write = move |tx: &mut Tx<'_>| api_keys::found_for_tokens(tx, &*ids, &vault, account_sid);
    let key = app.store.write(Roots::one(Account::root(account_sid)), write).await?;
    app.known_credentials.forget(Username::ApiKey(key.sid));
    Ok(key)
}
