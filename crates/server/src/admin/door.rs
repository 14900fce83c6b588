//! Who may come in, and how what happens inside becomes an answer.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use conversations::{Account, Failure};
use http::{HeaderMap, Method};
use serde::Serialize;
use wire::{Form, Prefix, Problem, Sid};

use crate::app::App;
use crate::web::host::BaseUrl;
use crate::web::known_credentials::Username;
use crate::web::sign_in::{after_scheme, sign_in};
use crate::web::{answer, form};

/// The tokens that open the administration of the whole server, as digests.
pub struct Tokens(Vec<Digest>);

impl Tokens {
    /// An empty token would open to everybody and is left out.
    pub fn new(tokens: &[String]) -> Self {
        let tokens = tokens.iter().filter(|token| !token.is_empty());
        Self(tokens.map(|token| digest(&SHA256, token.as_bytes())).collect())
    }

    /// Whether the headers bear one of them, in time that does not tell how much of it is right.
    fn accept(&self, headers: &HeaderMap) -> bool {
        let Some(given) = after_scheme(headers, "Bearer") else { return false };
        let given = digest(&SHA256, given.as_bytes());
        let equal = |known: &Digest| verify_slices_are_equal(known.as_ref(), given.as_ref()).is_ok();
        self.0.iter().fold(false, |accepted, known| accepted | equal(known))
    }
}

/// A request to the administration. What is there for it depends on its method.
pub struct Asked {
    pub app: Arc<App>,
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub query: Result<Form, Problem>,
    /// Scheme and host that the client knows us by.
    pub base_url: Arc<str>,
}

impl Asked {
    /// Takes a request apart.
    pub fn new(app: Arc<App>, request: Request) -> (Self, Body) {
        let (parts, body) = request.into_parts();
        let BaseUrl(base_url) = parts.extensions.get().expect("the edge has put it there");
        let asked = Self {
            base_url: Arc::clone(base_url),
            app,
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: form::of_query(parts.uri.query()),
            headers: parts.headers,
        };
        (asked, body)
    }

    /// 404 for whoever may not administer the server: nobody learns what is here.
    pub fn server_wide(&self) -> Result<(), Problem> {
        if self.app.admin_tokens.accept(&self.headers) { Ok(()) } else { Err(self.not_found()) }
    }

    /// Whose things are asked for, where those are credentials: an account's own token may see them, and the
    /// server's token those of the account that it names.
    pub async fn account_sid(&self) -> Result<Sid<Account>, Failure> {
        let (account_sid, username) = self.asker().await?;
        match username {
            Some(Username::ApiKey(_)) => Err(Problem::ACCESS_DENIED.into()),
            Some(Username::Account(_)) | None => Ok(account_sid),
        }
    }

    /// The same of things that the account's API keys may see too.
    pub async fn account_sid_for_keys_too(&self) -> Result<Sid<Account>, Failure> {
        Ok(self.asker().await?.0)
    }

    /// The same for who looks only: with the server's token and no account named, those of all accounts.
    pub async fn account_sid_or_all(&self) -> Result<Option<Sid<Account>>, Failure> {
        let names_none = self.query.clone()?.get("AccountSid").is_none();
        if names_none && self.app.admin_tokens.accept(&self.headers) {
            return Ok(None);
        }
        self.account_sid_for_keys_too().await.map(Some)
    }

    /// Whose things are asked for, and who of the account's asks; nobody of them with the server's token.
    async fn asker(&self) -> Result<(Sid<Account>, Option<Username>), Failure> {
        if !self.app.admin_tokens.accept(&self.headers) {
            let signed_in = sign_in(&self.app, &self.headers).await?;
            return Ok((signed_in.account_sid, Some(signed_in.username)));
        }
        let query = self.query.clone()?;
        let account_sid: Option<Sid<Account>> =
            query.sid("AccountSid", Problem::invalid_parameter("AccountSid"))?;
        let account_sid = account_sid.ok_or_else(|| Problem::parameter("Missing parameter AccountSid"))?;
        let found = self.app.store.read(move |tx| conversations::accounts::find(tx, account_sid)).await?;
        Ok((found.ok_or_else(|| self.not_found())?.sid, None))
    }

    /// The sid behind `/tertulia/v1/...s/`.
    pub fn sid<R: Prefix>(&self) -> Result<Sid<R>, Problem> {
        self.path.split('/').nth(4).and_then(Sid::parse).ok_or_else(|| self.not_found())
    }

    /// What the body says.
    pub async fn form(&self, body: Body) -> Result<Form, Problem> {
        form::of_body(&self.headers, body, self.app.settings.limits).await
    }

    /// The answer for what is not there.
    pub fn not_found(&self) -> Problem {
        Problem::not_found(&self.path)
    }
}

/// What came of it: a status, and what is shown.
pub type Outcome = Result<Response, Failure>;

/// An answer that shows `body`.
pub fn shown(status: u16, body: &impl Serialize) -> Response {
    answer::json(status, serde_json::to_vec(body).expect("records have only text keys"))
}

/// Ends every handler.
pub fn answered(outcome: Outcome, template: &'static str) -> Response {
    let mut response = outcome.unwrap_or_else(answer::failure);
    answer::note(&mut response, |note| note.template = Some(template.into()));
    response
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::AUTHORIZATION;

    use super::*;

    fn bearing(value: &'static str) -> HeaderMap {
        [(AUTHORIZATION, HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn only_a_configured_token_opens() {
        let tokens = Tokens::new(&["first".to_owned(), String::new(), "second".to_owned()]);
        assert!(tokens.accept(&bearing("Bearer first")));
        assert!(tokens.accept(&bearing("bearer second")));
        for wrong in ["Bearer third", "Bearer ", "Bearer", "Basic first", "first"] {
            assert!(!tokens.accept(&bearing(wrong)), "{wrong}");
        }
        assert!(!tokens.accept(&HeaderMap::new()));
        assert!(!Tokens::new(&[]).accept(&bearing("Bearer ")));
    }
}
