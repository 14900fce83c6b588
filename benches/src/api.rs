//! What a scenario asks of the server before and between what is measured.

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use crate::load::Request;
use crate::server::{ACCOUNT_SID, AUTH_TOKEN};

const FORM: &str = "application/x-www-form-urlencoded";
/// Requests at a time.
const AT_ONCE: usize = 16;

/// The API of one server, with the credentials of its account.
pub struct Api {
    client: reqwest::Client,
    pub url: String,
}

impl Api {
    pub fn new(url: String) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build().context("cannot make a client")?;
        Ok(Self { client, url })
    }

    /// Posts a form to a path below `/v1`.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> anyhow::Result<Value> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let asked = self
            .client
            .post(format!("{}/v1/{path}", self.url))
            .basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN))
            .header(http::header::CONTENT_TYPE, FORM)
            .body(body);
        Self::answer(path, asked).await
    }

    /// What stands at a path below `/v1`.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let asked = self.client.get(format!("{}/v1/{path}", self.url));
        Self::answer(path, asked.basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN))).await
    }

    /// The body with which a request of the load is answered.
    pub async fn send(&self, request: &Request) -> anyhow::Result<String> {
        let Request { method, path, body } = request;
        let mut asked = self
            .client
            .request(method.parse()?, format!("{}{path}", self.url))
            .basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN));
        if !body.is_empty() {
            asked = asked.header(http::header::CONTENT_TYPE, FORM).body(body.clone());
        }
        let answer = asked.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{path} was answered with {status}: {text}");
        Ok(text)
    }

    async fn answer(path: &str, asked: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let answer = asked.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{path} was answered with {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// Makes conversations; their sids.
    pub async fn conversations(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let make = |_| async {
            let made = self.post("Conversations", &[("FriendlyName", "Support")]).await?;
            anyhow::Ok(made["sid"].as_str().context("it has a sid")?.to_owned())
        };
        stream::iter(0..count).map(make).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// What stands at a URL.
    pub async fn text(&self, url: &str) -> anyhow::Result<String> {
        Ok(self.client.get(url).send().await?.error_for_status()?.text().await?)
    }

    /// Posts several forms, a few at a time.
    pub async fn post_all(&self, forms: &[(String, Vec<(&str, &str)>)]) -> anyhow::Result<()> {
        let asked = stream::iter(forms).map(|(path, form)| self.post(path, form));
        asked.buffer_unordered(AT_ONCE).try_for_each(|_| async { Ok(()) }).await
    }
}
