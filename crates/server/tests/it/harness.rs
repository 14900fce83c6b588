//! A server with one account, over a database in a directory that goes with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Body;
use axum::response::Response;
use conversations::accounts::{self, CreateAccount};
use conversations::{Failure, MIGRATIONS, RandomIds, Vault};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use store::{Clock, Options, Roots, Store};
use tertulia_server::{App, MediaStore, Metrics, Settings, SystemClock, Tools};
use tower::ServiceExt;

pub const ADMIN_TOKEN: &str = "the admin token";
pub const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

pub struct Harness {
    pub app: Arc<App>,
    pub account_sid: String,
    pub auth_token: String,
    directory: PathBuf,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Harness {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::tuned(settings, |_| ()).await
    }

    /// The same over a store with options of its own.
    pub async fn tuned(settings: Settings, tune: impl FnOnce(&mut Options)) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("tertulia-doors-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a temporary directory");
        let clock: Arc<dyn Clock> = match &settings.manual_clock {
            Some(clock) => Arc::clone(clock) as _,
            None => Arc::new(SystemClock),
        };
        let metrics = Arc::new(Metrics::new());
        let mut options = Options::new(clock);
        options.observer = Arc::clone(&metrics) as _;
        tune(&mut options);
        let store = Store::open_sqlite(&directory.join("test.db"), MIGRATIONS, options).expect("a database");
        let (vault, ids) = (Arc::new(Vault::new(&[1; 32])), Arc::new(RandomIds::default()));
        let created = {
            let (vault, ids) = (Arc::clone(&vault), Arc::clone(&ids));
            let form = CreateAccount::default();
            let create = move |tx: &mut store::Tx<'_>| accounts::create(tx, &*ids, &vault, &form);
            store.write::<_, Failure>(Roots::none(), create).await.expect("an account")
        };
        let tools = Tools { vault, ids, metrics, media: MediaStore::in_memory() };
        let settings = Settings { admin_tokens: vec![ADMIN_TOKEN.to_owned()], ..settings };
        Self {
            app: App::new(store, tools, settings),
            account_sid: created.account.sid.to_string(),
            auth_token: created.auth_token,
            directory,
        }
    }

    /// The account's own credentials.
    pub fn basic(&self) -> (&'static str, String) {
        basic(&self.account_sid, &self.auth_token)
    }

    /// A request with the account's credentials.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (name, value) = self.basic();
        self.send(method, path, &[headers, &[(name, &value)]].concat(), body).await
    }

    /// A request as it stands.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send_to("127.0.0.1:8080", method, path, headers, body).await
    }

    /// The same to a host of one's choice.
    pub async fn send_to(
        &self,
        host: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let response =
            tertulia_server::doors(&self.app).oneshot(request).await.expect("a router always answers");
        answer(response).await
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.app.store().close();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub fn basic(username: &str, password: &str) -> (&'static str, String) {
    use base64::Engine;
    let text = format!("{username}:{password}");
    ("authorization", format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text)))
}

async fn answer(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") };
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("plain text"))
    }

    /// Status, code and text of a refusal, which has four members and no more.
    pub fn refusal(&self) -> (u16, u64, &str) {
        let members = self.body.as_object().expect("an object");
        let names: Vec<_> = members.keys().collect();
        assert_eq!(names, ["code", "message", "more_info", "status"]);
        assert_eq!(members["status"], self.status);
        let code = members["code"].as_u64().expect("a number");
        assert_eq!(members["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
        (self.status, code, members["message"].as_str().expect("a text"))
    }
}
