//! A running server: its listeners and tasks, from start to stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::app::{App, doors};
use crate::dispatcher;
use crate::event_streams;
use crate::housekeeping;
use crate::listen::{self, Serve, Serving, Stops};
use crate::metrics;
use crate::realtime;
use crate::timers;
use crate::webhooks::asked;

/// How long what runs may go on once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// Where a server listens. They are bound before the store is opened, so that a port that is taken is
/// known before anything else happens.
pub struct Listeners {
    /// For the API.
    pub api: TcpListener,
    /// For the metrics.
    pub metrics: Option<TcpListener>,
}

/// A server that runs.
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    tasks: TaskTracker,
    stops: Stops,
}

impl Server {
    /// Begins to serve. Must be called within a tokio runtime.
    pub fn start(app: Arc<App>, listeners: Listeners) -> io::Result<Self> {
        let Listeners { api, metrics } = listeners;
        let server = Self {
            address: api.local_addr()?,
            metrics_address: metrics.as_ref().map(TcpListener::local_addr).transpose()?,
            tasks: TaskTracker::new(),
            stops: Stops::default(),
            app,
        };
        server.listen(api, doors(&server.app));
        if let Some(metrics) = metrics {
            server.listen(metrics, metrics::router(Arc::clone(&server.app)));
        }
        server.tasks.spawn(housekeeping::run(Arc::clone(&server.app), server.stops.clone()));
        server.tasks.spawn(dispatcher::run(Arc::clone(&server.app), server.stops.clone()));
        server.tasks.spawn(event_streams::run(Arc::clone(&server.app), server.stops.clone()));
        for shard in server.app.hub.shards() {
            let pump = realtime::pump(Arc::clone(&server.app), Arc::clone(shard), server.stops.clone());
            server.tasks.spawn(pump);
        }
        server.tasks.spawn(realtime::heal(Arc::clone(&server.app), server.stops.clone()));
        server.tasks.spawn(realtime::keep_lease(Arc::clone(&server.app), server.stops.clone()));
        server.tasks.spawn(realtime::follow_reachability(Arc::clone(&server.app), server.stops.clone()));
        server.tasks.spawn(asked::run(Arc::clone(&server.app), server.stops.clone()));
        server.tasks.spawn(timers::run(Arc::clone(&server.app), server.stops.clone()));
        Ok(server)
    }

    fn listen<S: Serve>(&self, listener: TcpListener, doors: S) {
        let serving = Serving {
            doors,
            max_connections: self.app.settings.max_connections,
            stalled: self.app.settings.bounds.stalled,
            connections: self.app.metrics.connections.clone(),
            tasks: self.tasks.clone(),
            stops: self.stops.clone(),
        };
        self.tasks.spawn(listen::accept(listener, serving));
    }

    /// Where the API is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the metrics are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Stops accepting, finishes what runs (half a minute at most), and closes the store.
    pub async fn stop(self) {
        let Self { app, tasks, stops, .. } = self;
        stops.soft.cancel();
        tasks.close();
        if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
            tracing::warn!("requests still run after {} s; they are cut off", DRAIN.as_secs());
            stops.hard.cancel();
            tasks.wait().await;
        }
        asked::write_down(&app).await;
        let closing = TaskTracker::new();
        let _ = closing.spawn_blocking(move || app.store.close()).await;
    }
}
