//! Connections: accepted, served as HTTP/1.1, and closed in order when the server stops.
//!
//! Slow and idle callers are bounded: a request's head must come within half a minute, is at most 64 KiB
//! with a hundred headers (hyper's own limit), who takes nothing of its answer for half a minute is cut off, and only so
//! many connections are served at a time. A connection that
//! becomes a client's WebSocket is served on in `realtime`, by the same task.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::AsyncWrite;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::answering::Answering;
use crate::app::Doors;
use crate::patient::Patient;
use crate::realtime::{self, Tunnel};
use crate::web::Connection;
use crate::web::edge::Counted;

const HEAD_TIME: Duration = Duration::from_secs(30);
const HEAD_BYTES: usize = 64 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 16 * 1024 * 1024;
/// Before accepting again where the machine has no descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// What answers requests: always ready, and never fails.
pub trait Serve: Clone + Send + Sync + Unpin + 'static {
    /// Answers what has come by a connection.
    fn answer(
        &self,
        request: Request<Incoming>,
        connection: Connection,
    ) -> impl Future<Output = Response> + Send;
}

impl Serve for Doors {
    fn answer(
        &self,
        request: Request<Incoming>,
        connection: Connection,
    ) -> impl Future<Output = Response> + Send {
        self.answer(request, connection)
    }
}

/// A page for operators, whose addresses are nobody's business.
impl Serve for Router {
    async fn answer(&self, request: Request<Incoming>, _: Connection) -> Response {
        match self.clone().call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }
}

/// How connections of one listener are served.
#[derive(Clone)]
pub struct Serving<S> {
    pub doors: S,
    pub max_connections: usize,
    /// How long a caller may take nothing of its answer.
    pub stalled: Duration,
    pub connections: Gauge,
    /// Where the connections' tasks are kept.
    pub tasks: TaskTracker,
    pub stops: Stops,
}

/// How a server is told to end.
#[derive(Clone, Default)]
pub struct Stops {
    /// Accept nothing more, finish what runs.
    pub soft: CancellationToken,
    /// Leave everything.
    pub hard: CancellationToken,
}

/// Accepts until the server stops.
pub async fn accept<S: Serve>(listener: TcpListener, serving: Serving<S>) {
    let permits = Arc::new(Semaphore::new(serving.max_connections));
    let accepting = async {
        loop {
            let permit = Arc::clone(&permits).acquire_owned().await.expect("nobody closes it");
            let stream = accepted(&listener).await;
            let counted = Counted::new(&serving.connections);
            // Each on the heap for as long as it runs: a client stays for hours, and needs no room for what came
            // before.
            let http = Box::pin(serve(stream, serving.clone()));
            serving.tasks.spawn(async move {
                let tunnel = http.await;
                if let Some(tunnel) = tunnel {
                    tunnel.await;
                }
                drop((counted, permit));
            });
        }
    };
    serving.stops.soft.run_until_cancelled(accepting).await;
}

async fn accepted(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_the_callers(&error) => {}
            Err(error) => {
                tracing::error!("failed to accept a connection: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether a connection was gone before it was accepted.
fn is_the_callers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Serves requests. What is left to do is to serve the tunnel that the connection has become.
async fn serve<S: Serve>(
    stream: TcpStream,
    serving: Serving<S>,
) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
    let Serving { doors, stalled, tasks, stops, .. } = serving;
    let (tunnel, begun) = serve_http((stream, stalled), doors, stops.clone()).await?;
    Some(Box::pin(realtime::serve(tunnel, begun, (tasks, stops))))
}

/// Serves requests, until the connection ends or becomes a tunnel; then with what was read of that already.
async fn serve_http<S: Serve>(
    (stream, stalled): (TcpStream, Duration),
    doors: S,
    stops: Stops,
) -> Option<(Tunnel, (TcpStream, Bytes))> {
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return None };
    // Without it a short answer may wait for the caller's acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let ends = Connection { peer, local };
    let tunnel = Arc::<OnceLock<Tunnel>>::default();
    let left_at = Arc::clone(&tunnel);
    let service = service_fn(move |request: Request<Incoming>| {
        Answering::new(answer(doors.clone(), request, ends, Arc::clone(&left_at)))
    });
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    builder.max_header_size(HEAD_BYTES).max_buf_size(HEAD_BYTES);
    let mut connection = builder.serve_connection(TokioIo::new(Patient::new(stream, stalled)), service);
    let ended = tokio::select! {
        ended = poll_fn(|context| connection.poll_without_shutdown(context)) => Some(ended),
        () = stops.soft.cancelled() => None,
    };
    let Some(ended) = ended else {
        Pin::new(&mut connection).graceful_shutdown();
        stops.hard.run_until_cancelled(connection).await;
        return None;
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
    }
    let parts = connection.into_parts();
    let (stream, read) = (parts.io.into_inner().into_inner(), parts.read_buf);
    // The service had the other one, and is gone.
    drop(parts.service);
    if let Some(tunnel) = Arc::into_inner(tunnel).and_then(OnceLock::into_inner) {
        return Some((tunnel, (stream, read)));
    }
    let _ = tokio::time::timeout(LINGER_TIME, linger(stream)).await;
    None
}

/// Ends our side, and takes in what the caller still sends. Closed with unread bytes, a connection is
/// reset, and a caller who was refused in the middle of a long body would lose the answer.
async fn linger(mut stream: TcpStream) -> io::Result<()> {
    poll_fn(|context| Pin::new(&mut stream).poll_shutdown(context)).await?;
    let (mut taken, mut buffer) = (0, vec![0; 16 * 1024]);
    while taken < LINGER_BYTES {
        stream.readable().await?;
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => taken += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn answer<S: Serve>(
    doors: S,
    request: Request<Incoming>,
    ends: Connection,
    tunnel: Arc<OnceLock<Tunnel>>,
) -> Result<Response, Infallible> {
    let mut response = doors.answer(request, ends).await;
    if let Some(begun) = response.extensions_mut().remove() {
        let _ = tunnel.set(begun);
    }
    Ok(response)
}
