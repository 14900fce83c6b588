//! The whole server without sockets.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use conversations::accounts::{self, CreateAccount};
use conversations::{Failure, Ids, MIGRATIONS, Vault};
use http::Request;
use http_body_util::BodyExt;
use server::{App, Guard, MediaStore, Metrics, Settings, Tools, WebhookSettings, doors};
use store::{NoObserver, Observer, Options, Roots, Store};
use tower::ServiceExt;
use wire::Sid;

use crate::database::{Database, Engine};
use crate::fakes::{CountingIds, ManualClock};
use crate::reply::Reply;

/// The account that every house begins with.
pub const ACCOUNT_SID: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// Its auth token.
pub const AUTH_TOKEN: &str = "the-auth-token";

/// A server in this process. Its sids count from 1: those of the account's default service and roles
/// come first. Clones are the same server.
#[derive(Clone)]
pub struct House {
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
    pub engine: Engine,
    pub ids: Arc<CountingIds>,
    notes: Arc<Mutex<Vec<String>>>,
}

/// Runs a test on SQLite, then on PostgreSQL, and tells what it noted: the same on both.
pub async fn on_both(test: impl AsyncFn(&House)) -> String {
    on_both_with(Settings::default(), test).await
}

/// The same with settings.
pub async fn on_both_with(settings: Settings, test: impl AsyncFn(&House)) -> String {
    let mut told = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::create(engine).await;
        let house = House::open(engine, &database, settings.clone()).await;
        test(&house).await;
        house.close();
        told.push(house.notes.lock().expect("nothing panics while it is held").join("\n\n"));
        drop(house);
        database.remove().await;
    }
    assert_eq!(told[0], told[1], "SQLite and PostgreSQL tell the same");
    told.swap_remove(0)
}

impl House {
    /// Opens a store in `database` and founds the account there.
    pub async fn open(engine: Engine, database: &Database, settings: Settings) -> Self {
        let house = Self::join(engine, database, settings, Arc::new(CountingIds::default()));
        let ids = Arc::clone(&house.ids) as _;
        found(house.app.store(), &ids, &vault()).await;
        house
    }

    /// The same with ids of another kind; those that count are not used.
    pub async fn open_with(
        engine: Engine,
        database: &Database,
        (settings, ids): (Settings, Arc<dyn Ids>),
    ) -> Self {
        let house = Self::join_with(
            engine,
            database,
            settings,
            (Arc::default(), Arc::clone(&ids), Arc::new(NoObserver)),
        );
        found(house.app.store(), &ids, &vault()).await;
        house
    }

    /// Opens a store in a `database` where the account has been founded: another node of the same server.
    pub fn join(engine: Engine, database: &Database, settings: Settings, ids: Arc<CountingIds>) -> Self {
        let used = Arc::clone(&ids);
        Self::join_with(engine, database, settings, (ids, used, Arc::new(NoObserver)))
    }

    /// Opens a store that `observer` watches, and founds the account there.
    pub async fn open_watched(
        engine: Engine,
        database: &Database,
        (settings, observer): (Settings, Arc<dyn Observer>),
    ) -> Self {
        let ids = Arc::new(CountingIds::default());
        let used = Arc::clone(&ids) as Arc<dyn Ids>;
        let house = Self::join_with(engine, database, settings, (ids, Arc::clone(&used), observer));
        found(house.app.store(), &used, &vault()).await;
        house
    }

    fn join_with(
        engine: Engine,
        database: &Database,
        settings: Settings,
        (ids, used, observer): (Arc<CountingIds>, Arc<dyn Ids>, Arc<dyn Observer>),
    ) -> Self {
        let clock = settings.manual_clock.clone().map_or_else(ManualClock::default, ManualClock::over);
        let clock = Arc::new(clock);
        let metrics = Arc::new(Metrics::default());
        let options = Options { observer, ..Options::new(clock.clone()) };
        let store = match database {
            Database::Sqlite(folder) => open_sqlite(folder.path(), options),
            Database::Postgres { .. } => {
                let url = database.url().expect("PostgreSQL has a URL");
                Store::open_postgres(&url, MIGRATIONS, options).expect("the database opens")
            }
        };
        let tools = Tools { vault: vault(), ids: used, metrics, media: MediaStore::in_memory() };
        let app = App::new(store, tools, settings);
        Self { app, clock, engine, ids, notes: Arc::default() }
    }

    /// Adds to what the test tells in the end.
    pub fn note(&self, text: impl Into<String>) {
        self.notes.lock().expect("nothing panics while it is held").push(text.into());
    }

    /// GET, with the account's credentials.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path), "").await
    }

    /// POST of a form, with the account's credentials.
    pub async fn post(&self, path: &str, form: &str) -> Reply {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request, form).await
    }

    /// POST of a form that webhooks hear of.
    pub async fn post_heard(&self, path: &str, form: &str) -> Reply {
        self.send(heard(Request::post(path)), form).await
    }

    /// DELETE that webhooks hear of.
    pub async fn delete_heard(&self, path: &str) -> Reply {
        self.send(heard(Request::delete(path)), "").await
    }

    /// DELETE, with the account's credentials.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Request::delete(path), "").await
    }

    /// Any request, with the account's credentials.
    pub async fn send(&self, request: http::request::Builder, body: &str) -> Reply {
        let credentials = BASE64_STANDARD.encode(format!("{ACCOUNT_SID}:{AUTH_TOKEN}"));
        self.send_as_is(request.header("authorization", format!("Basic {credentials}")), body).await
    }

    /// Any request, with nothing added but a Host.
    pub async fn send_as_is(&self, request: http::request::Builder, body: &str) -> Reply {
        let request = request.header("host", "tertulia.test").body(Body::from(body.to_owned()));
        let request = request.expect("the request is one");
        let answer = doors(&self.app).oneshot(request).await.expect("they always answer");
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("the body is whole").to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// Fires what is due, as a running server does by itself.
    pub async fn fire_timers(&self) {
        server::fire_due(&self.app).await.expect("timers fire");
    }

    /// Removes what is to go, as a running server does by itself.
    pub async fn keep_house(&self) {
        server::keep_house(&self.app).await.expect("housekeeping does its work");
    }

    /// Sends what is due to webhooks, as a running server does by itself.
    pub async fn deliver(&self) {
        server::deliver_due(&self.app).await.expect("deliveries are made");
        server::stream_due(&self.app).await.expect("events are streamed");
    }

    /// Ends the store's threads.
    pub fn close(&self) {
        self.app.store().close();
    }
}

/// Settings under which webhooks lead to a receiver on this machine.
pub fn webhooks_inside() -> WebhookSettings {
    let guard = Guard { allows_private: true, allowed: Vec::new() };
    WebhookSettings { guard, ..WebhookSettings::default() }
}

/// A request with a form that webhooks hear of.
pub fn heard(request: http::request::Builder) -> http::request::Builder {
    request
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-twilio-webhook-enabled", "true")
}

pub(crate) fn vault() -> Arc<Vault> {
    Arc::new(Vault::new(&[7; 32]))
}

fn open_sqlite(folder: &Path, options: Options) -> Store {
    Store::open_sqlite(&folder.join("tertulia.db"), MIGRATIONS, options).expect("the database opens")
}

async fn found(store: &Store, ids: &Arc<dyn Ids>, vault: &Arc<Vault>) {
    let (ids, vault) = (Arc::clone(ids), Arc::clone(vault));
    let form = CreateAccount {
        sid: Sid::parse(ACCOUNT_SID),
        auth_token: Some(AUTH_TOKEN.to_owned()),
        ..CreateAccount::default()
    };
    store
        .write(Roots::none(), move |tx| accounts::create(tx, &*ids, &vault, &form))
        .await
        .map_err(|failure: Failure| format!("{failure:?}"))
        .expect("the account is made");
}
