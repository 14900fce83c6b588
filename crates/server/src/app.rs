//! What all doors share, and the router that they make together.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use axum::{BoxError, Router};
use bytes::Bytes;
use conversations::{Ids, KnownUsers, RandomIds, Vault};
use hyper::body::Body as HttpBody;
use store::{Clock, Store};
use tokio::sync::Notify;
use tower::Service;

use crate::accounts_2010;
use crate::admin;
use crate::clock::Steady;
use crate::health;
use crate::media::{self, MediaStore};
use crate::metrics::Metrics;
use crate::openapi;
use crate::outbound::{Outbound, SystemNames};
use crate::pressure::Pressure;
use crate::realtime::{self, Hub, Presence, Typists};
use crate::rest;
use crate::settings::Settings;
use crate::web::host::LastHost;
use crate::web::in_flight::InFlight;
use crate::web::known_credentials::KnownCredentials;
use crate::web::{Connection, edge};
use crate::webhooks::Loops;
use crate::webhooks::asked::Noted;

/// One server's state: its store, and what it keeps in memory.
pub struct App {
    pub(crate) store: Store,
    pub(crate) vault: Arc<Vault>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) media: MediaStore,
    pub(crate) settings: Settings,
    pub(crate) admin_tokens: admin::Tokens,
    pub(crate) known_credentials: KnownCredentials,
    pub(crate) known_users: Arc<KnownUsers>,
    pub(crate) in_flight: InFlight,
    pub(crate) rates: rest::Rates,
    /// What is under way, and how much of it there may be.
    pub(crate) pressure: Arc<Pressure>,
    pub(crate) description: openapi::Description,
    /// Wakes housekeeping before its time.
    pub(crate) housekeeping: Notify,
    /// Tells the timers that one may have been set.
    pub(crate) timers: Notify,
    /// Tells the dispatcher that something may be on its way.
    pub(crate) deliveries: Notify,
    /// Tells who streams events that one may wait.
    pub(crate) streams: Notify,
    pub(crate) outbound: Outbound,
    /// Who listens to what.
    pub(crate) hub: Arc<Hub>,
    pub(crate) presence: Presence,
    /// Whose typing other nodes were told of.
    pub(crate) typists: Typists,
    /// What pre-action webhooks were asked and is not written down yet.
    pub(crate) noted: Noted,
    /// Watches for webhooks that call each other.
    pub(crate) loops: Loops,
    /// Whose endpoints are being tested.
    pub(crate) testing: admin::Testing,
    /// How many clients have ever been let in, which numbers them.
    pub(crate) clients: AtomicU64,
}

/// What a server is built with besides its store.
pub struct Tools {
    /// For secrets at rest.
    pub vault: Arc<Vault>,
    /// Where sids, secrets and request ids come from.
    pub ids: Arc<dyn Ids>,
    /// What an operator may watch; the same that observes the store.
    pub metrics: Arc<Metrics>,
    /// Where uploaded files are kept.
    pub media: MediaStore,
}

impl App {
    /// A server that is not listening yet. Its clock is the store's.
    pub fn new(store: Store, tools: Tools, settings: Settings) -> Arc<Self> {
        let Tools { vault, ids, metrics, media } = tools;
        let outbound = Outbound::new(settings.webhooks.guard.clone(), Arc::new(SystemNames));
        let hub = Arc::<Hub>::default();
        store.listen(Arc::clone(&hub) as _);
        let outbound = outbound.expect("a client without any option that can fail");
        Arc::new(Self {
            // By chance, however repeatable the run: what another start of this server has left is not this one's.
            presence: Presence::new(RandomIds::default().sid(store.clock().now())),
            typists: Typists::default(),
            hub,
            clock: store.clock(),
            store,
            vault,
            ids,
            pressure: Arc::new(Pressure::new(settings.bounds, Arc::clone(&metrics))),
            metrics,
            media,
            admin_tokens: admin::Tokens::new(&settings.admin_tokens),
            known_credentials: KnownCredentials::default(),
            known_users: Arc::default(),
            in_flight: InFlight::default(),
            rates: rest::Rates::new(settings.rates, Steady::new(settings.manual_clock.clone())),
            settings,
            description: openapi::Description::default(),
            housekeeping: Notify::new(),
            timers: Notify::new(),
            deliveries: Notify::new(),
            streams: Notify::new(),
            outbound,
            noted: Noted::default(),
            loops: Loops::default(),
            testing: admin::Testing::default(),
            clients: AtomicU64::new(0),
        })
    }

    /// Who listens to what.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Where everything is stored.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// Everything that is served. For callers within the process it is a service, which is always ready and never fails;
/// a request may carry a [`Connection`] as extension there, and without one no proxy is trusted.
#[derive(Clone)]
pub struct Doors(Arc<Within>);

impl Doors {
    /// Answers what has come by a connection.
    pub(crate) async fn answer<B>(&self, request: Request<B>, connection: Connection) -> Response
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        edge::pass(&self.0, request, Some(connection)).await
    }
}

/// What is behind the doors.
pub(crate) struct Within {
    pub(crate) app: Arc<App>,
    /// Most requests are for the API, whose paths are found without what a router puts around a handler.
    pub(crate) rest: rest::Paths,
    /// All other paths.
    pub(crate) others: Router,
    pub(crate) last_host: LastHost,
}

/// The doors of a server.
pub fn doors(app: &Arc<App>) -> Doors {
    let others = Router::new()
        .fallback(rest::unknown)
        .merge(media::router())
        .merge(realtime::router())
        .merge(admin::router())
        .merge(accounts_2010::router())
        .merge(openapi::router())
        .merge(health::router())
        .with_state(Arc::clone(app));
    Doors(Arc::new(Within {
        app: Arc::clone(app),
        rest: rest::Paths::new(),
        others,
        last_host: LastHost::default(),
    }))
}

impl<B> Service<Request<B>> for Doors
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    // The edge is no layer of the router: a layer is cloned with every route and boxed around every answer.
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let within = Arc::clone(&self.0);
        let connection = request.extensions().get().copied();
        Box::pin(async move { Ok(edge::pass(&within, request, connection).await) })
    }
}
