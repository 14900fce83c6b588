//! What an operator may watch, as Prometheus text. Labels are methods, path templates and statuses: few.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use conversations::deliveries::TryResult;
use conversations::deliveries::inspection::{self, Backlog};
use conversations::event_streams::inspection as streams;
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use store::{Observer, StoreError};
use wire::Timestamp;

use crate::app::App;

/// How long the store may take for what only it knows.
const PATIENCE: Duration = Duration::from_secs(2);

/// All of them. The store's part is told by the store, as its [`Observer`].
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Timed, Histogram>,
    pub(crate) in_flight: Gauge,
    pub(crate) connections: Gauge,
    batch_jobs: Histogram,
    commits: Histogram,
    reruns: Counter,
    refusals: Counter,
    statements: Counter,
    disconnections: Counter,
    queue_depth: Gauge,
    wal: Gauge,
    known_credentials: Gauge,
    turned_away: Family<TurnedAway, Counter>,
    bytes_held: Gauge,
    expired: Counter,
    reads_waiting: Gauge,
    pub(crate) realtime_connections: Gauge,
    pub(crate) realtime_clients: Gauge,
    pub(crate) realtime_frames_in: Counter,
    pub(crate) realtime_frames_out: Counter,
    pub(crate) realtime_cut: Counter,
    pub(crate) realtime_durations: Histogram,
    deliveries: Family<Delivered, Counter>,
    waiting: Gauge,
    lanes: Gauge,
    lag: Gauge,
    streamed: Family<Delivered, Counter>,
    stream_waiting: Gauge,
    pub(crate) loops_suspected: Counter,
    pub(crate) pre_actions_unrecorded: Counter,
}

/// A path with its names in braces, as the log and the metrics show it: one of few. Where it is kept, the figures of
/// what was answered there are kept with it, so that they are not looked up by their labels for every request.
#[derive(Clone)]
pub struct Template(Arc<Kept>);

struct Kept {
    text: Box<str>,
    figures: RwLock<Vec<Figures>>,
}

/// What is counted for one method and status.
struct Figures {
    method: &'static str,
    status: u16,
    duration: Histogram,
    requests: Counter,
}

impl From<String> for Template {
    fn from(text: String) -> Self {
        Self(Arc::new(Kept { text: text.into(), figures: RwLock::default() }))
    }
}

impl From<&str> for Template {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl Deref for Template {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0.text
    }
}

/// What was asked.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: &'static str,
    pub(crate) template: Template,
}

/// What took some time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    method: &'static str,
    template: String,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivered {
    result: &'static str,
}

/// Of what there was too much.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TurnedAway {
    what: &'static str,
}

/// And what was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    template: String,
    status: u16,
}

impl Figures {
    fn count(&self, time: f64) {
        self.duration.observe(time);
        self.requests.inc();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tertulia"),
            requests: Family::default(),
            // 0.25 ms to 8 s.
            durations: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.000_25, 2.0, 16))
            }),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            batch_jobs: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            // 0.1 ms to 3 s.
            commits: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            reruns: Counter::default(),
            refusals: Counter::default(),
            statements: Counter::default(),
            disconnections: Counter::default(),
            queue_depth: Gauge::default(),
            wal: Gauge::default(),
            known_credentials: Gauge::default(),
            turned_away: Family::default(),
            bytes_held: Gauge::default(),
            expired: Counter::default(),
            reads_waiting: Gauge::default(),
            realtime_connections: Gauge::default(),
            realtime_clients: Gauge::default(),
            realtime_frames_in: Counter::default(),
            realtime_frames_out: Counter::default(),
            realtime_cut: Counter::default(),
            // 0.1 ms to 3 s.
            realtime_durations: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            deliveries: Family::default(),
            waiting: Gauge::default(),
            lanes: Gauge::default(),
            lag: Gauge::default(),
            streamed: Family::default(),
            stream_waiting: Gauge::default(),
            loops_suspected: Counter::default(),
            pre_actions_unrecorded: Counter::default(),
        };
        metrics.register_http();
        metrics.register_realtime();
        metrics.register_store();
        metrics
    }

    fn register_http(&mut self) {
        let registry = &mut self.registry;
        registry.register("http_requests", "Requests answered", self.requests.clone());
        let help = "Time from the request's head to its answer";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, self.durations.clone());
        registry.register("http_requests_in_flight", "Requests being answered", self.in_flight.clone());
        registry.register("http_connections", "Open connections", self.connections.clone());
        let help = "Requests turned away because too much was under way";
        registry.register("http_turned_away", help, self.turned_away.clone());
        let help = "Long bodies and answers in memory";
        registry.register_with_unit("http_held", help, Unit::Bytes, self.bytes_held.clone());
        registry.register("webhook_tries", "Tries to tell a webhook", self.deliveries.clone());
        let help = "Deliveries that wait, at most 100000";
        registry.register("webhook_deliveries_waiting", help, self.waiting.clone());
        let help = "Lanes in which something waits, at most 100000";
        registry.register("webhook_lanes", help, self.lanes.clone());
        let help = "Since when the lane waits that is due longest";
        registry.register_with_unit("webhook_lag", help, Unit::Seconds, self.lag.clone());
        registry.register("stream_events", "Events that sinks were sent", self.streamed.clone());
        let help = "Events that wait for sinks, at most 100000";
        registry.register("stream_events_waiting", help, self.stream_waiting.clone());
        let help = "Lanes that had hundreds of new deliveries within a minute";
        registry.register("webhook_loops_suspected", help, self.loops_suspected.clone());
        let help = "Pre-action webhooks that were asked and cannot be seen";
        registry.register("webhook_pre_actions_unrecorded", help, self.pre_actions_unrecorded.clone());
        let help = "Credentials kept in memory";
        registry.register("credentials_cache_entries", help, self.known_credentials.clone());
    }

    fn register_realtime(&mut self) {
        let registry = self.registry.sub_registry_with_prefix("realtime");
        registry.register(
            "connections",
            "Open connections, those included that nobody has been let in by",
            self.realtime_connections.clone(),
        );
        registry.register("clients", "Clients that were let in and are here", self.realtime_clients.clone());
        registry.register("frames_in", "Frames from clients", self.realtime_frames_in.clone());
        registry.register("frames_out", "Frames to clients", self.realtime_frames_out.clone());
        let help = "Connections cut off because the client read too slowly";
        registry.register("cut_off", help, self.realtime_cut.clone());
        let help = "Time from a request's frame to its reply's";
        let durations = self.realtime_durations.clone();
        registry.register_with_unit("request_duration", help, Unit::Seconds, durations);
    }

    fn register_store(&mut self) {
        let registry = self.registry.sub_registry_with_prefix("store");
        registry.register("batch_jobs", "Writes that shared a commit", self.batch_jobs.clone());
        let help = "Time that a commit took";
        registry.register_with_unit("commit", help, Unit::Seconds, self.commits.clone());
        registry.register("queue_depth", "Writes that wait for their turn", self.queue_depth.clone());
        let help = "SQLite's write-ahead log on disk";
        registry.register_with_unit("wal", help, Unit::Bytes, self.wal.clone());
        registry.register("reruns", "Writes that were undone and run again", self.reruns.clone());
        registry.register("reads_waiting", "Reads that wait for their turn", self.reads_waiting.clone());
        registry.register("refusals", "Jobs refused by a full queue", self.refusals.clone());
        registry.register("expired", "Jobs refused after waiting too long", self.expired.clone());
        registry.register("statements", "Statements run", self.statements.clone());
        registry.register("disconnections", "Connections to the database lost", self.disconnections.clone());
    }

    /// A request was turned away, for there is too much of this.
    pub(crate) fn turned_away(&self, what: &'static str) {
        self.turned_away.get_or_create(&TurnedAway { what }).inc();
    }

    /// One request answered.
    pub(crate) fn answered(&self, asked: &Asked, status: u16, time: Duration) {
        let Asked { method, template } = asked;
        let time = time.as_secs_f64();
        let is_its = |figures: &&Figures| figures.status == status && figures.method == *method;
        let kept = &template.0.figures;
        if let Some(figures) = kept.read().unwrap_or_else(PoisonError::into_inner).iter().find(is_its) {
            figures.count(time);
            return;
        }
        let mut kept = kept.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(figures) = kept.iter().find(is_its) {
            figures.count(time);
            return;
        }
        let text = template.to_string();
        let timed = Timed { method, template: text.clone() };
        let answered = Answered { method, template: text, status };
        let (duration, requests) =
            (self.durations.get_or_create_owned(&timed), self.requests.get_or_create_owned(&answered));
        let figures = Figures { method, status, duration, requests };
        figures.count(time);
        kept.push(figures);
    }

    /// One try of a delivery.
    pub(crate) fn delivered(&self, result: TryResult) {
        let result = match result {
            TryResult::Delivered => "delivered",
            TryResult::Again(_) => "failed",
            TryResult::Dead => "dead",
        };
        self.deliveries.get_or_create(&Delivered { result }).inc();
    }

    /// Events that sinks have taken, have not taken, and are not offered again.
    pub(crate) fn streamed(&self, arrived: u64, failed: u64, given_up: u64) {
        for (result, count) in [("delivered", arrived), ("failed", failed), ("dead", given_up)] {
            if count > 0 {
                self.streamed.get_or_create(&Delivered { result }).inc_by(count);
            }
        }
    }

    /// What is on its way.
    fn waits(&self, backlog: &Backlog, now: Timestamp) {
        self.waiting.set(backlog.deliveries);
        self.lanes.set(backlog.lanes);
        let since = backlog.due.map_or(0, |due| now.micros().saturating_sub(due.micros()).max(0));
        self.lag.set(since / 1_000_000);
    }

    /// The text, with what is looked up only now.
    fn text(&self, app: &App) -> Result<String, fmt::Error> {
        self.queue_depth.set(number(app.store.queue_depth() as u64));
        self.reads_waiting.set(number(app.store.read_queue_depth() as u64));
        self.bytes_held.set(number(app.pressure.bytes() as u64));
        self.wal.set(number(app.store.wal_bytes()));
        self.known_credentials.set(number(app.known_credentials.count() as u64));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Observer for Metrics {
    #[expect(clippy::cast_precision_loss, reason = "a batch has some hundred jobs")]
    fn committed(&self, jobs: usize, commit: Duration) {
        self.batch_jobs.observe(jobs as f64);
        self.commits.observe(commit.as_secs_f64());
    }

    fn rerun(&self, jobs: usize) {
        self.reruns.inc_by(jobs as u64);
    }

    fn refused(&self) {
        self.refusals.inc();
    }

    fn expired(&self, jobs: usize) {
        self.expired.inc_by(jobs as u64);
    }

    fn statements(&self, count: u64) {
        self.statements.inc_by(count);
    }

    fn disconnected(&self) {
        self.disconnections.inc();
    }
}

/// The metrics listener's one page.
pub fn router(app: Arc<App>) -> Router {
    Router::new().route("/metrics", get(page)).with_state(app)
}

/// Looks for what only the store knows.
async fn look(app: &App) {
    if let Ok::<_, StoreError>(backlog) = app.store.read(inspection::backlog).await {
        app.metrics.waits(&backlog, app.clock.now());
    }
    if let Ok::<_, StoreError>(waiting) = app.store.read(streams::backlog).await {
        app.metrics.stream_waiting.set(waiting);
    }
}

async fn page(State(app): State<Arc<App>>) -> impl IntoResponse {
    // A store that is too busy to say leaves the gauges as they were.
    let _ = tokio::time::timeout(PATIENCE, look(&app)).await;
    let text = app.metrics.text(&app).unwrap_or_default();
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_their_labels_whoever_keeps_the_template() {
        let metrics = Metrics::new();
        let kept = Template::from("/v1/{Sid}");
        for (template, method, status) in [
            (kept.clone(), "GET", 200),
            (kept.clone(), "GET", 200),
            (kept.clone(), "GET", 404),
            (kept.clone(), "POST", 200),
            ("/v1/{Sid}".into(), "GET", 200),
            ("(none)".into(), "GET", 404),
        ] {
            metrics.answered(&Asked { method, template }, status, Duration::from_millis(1));
        }
        let mut text = String::new();
        encode(&mut text, &metrics.registry).expect("it is text");
        let is_its = |line: &&str| {
            line.starts_with("tertulia_http_requests_total{")
                || line.starts_with("tertulia_http_request_duration_seconds_count{")
        };
        let mut lines: Vec<_> = text.lines().filter(is_its).collect();
        lines.sort_unstable();
        let expected = [
            r#"tertulia_http_request_duration_seconds_count{method="GET",template="(none)"} 1"#,
            r#"tertulia_http_request_duration_seconds_count{method="GET",template="/v1/{Sid}"} 4"#,
            r#"tertulia_http_request_duration_seconds_count{method="POST",template="/v1/{Sid}"} 1"#,
            r#"tertulia_http_requests_total{method="GET",template="(none)",status="404"} 1"#,
            r#"tertulia_http_requests_total{method="GET",template="/v1/{Sid}",status="200"} 3"#,
            r#"tertulia_http_requests_total{method="GET",template="/v1/{Sid}",status="404"} 1"#,
            r#"tertulia_http_requests_total{method="POST",template="/v1/{Sid}",status="200"} 1"#,
        ];
        assert_eq!(lines, expected);
    }
}
