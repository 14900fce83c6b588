//! The proxy: accepts what the program sends it, and leads, passes or refuses it.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::authority::Authority;
use crate::destination::{self, Destination, Refusal};
use crate::forward::forward;
use crate::told::Told;
use crate::tunnel;

const HEAD_TIME: Duration = Duration::from_secs(30);
const HEAD_BYTES: usize = 64 * 1024;
const CONNECT_TIME: Duration = Duration::from_secs(10);
const CONNECTIONS: usize = 1_000;
/// Before accepting again where the machine has no descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

type Answer = Response<Either<Full<Bytes>, Incoming>>;

/// What becomes of hosts that are not Twilio's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// They are answered with 403.
    Refused,
    /// They are reached as if there were no proxy.
    Passed,
}

/// What a proxy does.
pub struct Plan {
    /// The server that is Twilio for the program.
    pub server: SocketAddr,
    /// As whom that server is shown.
    pub authority: Authority,
    pub others: Others,
}

/// A proxy that runs.
pub struct Proxy {
    address: SocketAddr,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Proxy {
    /// Begins to listen, on a free port of 127.0.0.1. Must be called within a tokio runtime.
    pub async fn start(plan: Plan) -> io::Result<Self> {
        Self::start_within(plan, HEAD_TIME).await
    }

    async fn start_within(plan: Plan, head_time: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let proxy = Self { address: listener.local_addr()?, tasks: tasks.clone(), stop: stop.clone() };
        let shared =
            Shared { plan, told: Told::default(), head_time, tasks: tasks.clone(), stop: stop.clone() };
        let shared = Arc::new(shared);
        tasks.spawn(async move { stop.run_until_cancelled(accept(listener, shared)).await });
        Ok(proxy)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends, and cuts off what is still open.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

struct Shared {
    plan: Plan,
    told: Told,
    head_time: Duration,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// A place among the connections, kept as long as one of them or its tunnel is open.
type Place = Arc<OwnedSemaphorePermit>;

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes it");
        match listener.accept().await {
            Ok((stream, _)) => shared.spawn(serve(stream, Arc::clone(&shared), Arc::new(place))),
            Err(error) => {
                tracing::debug!("failed to accept a connection: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, place: Place) {
    let _ = stream.set_nodelay(true);
    let head_time = shared.head_time;
    let service = service_fn(move |request| {
        let (shared, place) = (Arc::clone(&shared), Arc::clone(&place));
        async move { Ok::<_, Infallible>(shared.answer(request, place).await) }
    });
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_time);
    builder.max_header_size(HEAD_BYTES).max_buf_size(HEAD_BYTES);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).with_upgrades().await {
        tracing::debug!("a connection ended early: {error}");
    }
}

impl Shared {
    /// Runs until the proxy stops.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move { stop.run_until_cancelled(task).await });
    }

    async fn answer(self: &Arc<Self>, request: Request<Incoming>, place: Place) -> Answer {
        let is_tunnel = *request.method() == Method::CONNECT;
        let destination = if is_tunnel {
            destination::of_tunnel(request.uri())
        } else {
            destination::of_request(request.uri())
        };
        let destination = match destination {
            Ok(destination) => destination,
            Err(Refusal::Unclear(reason)) => return told(StatusCode::BAD_REQUEST, &reason),
            Err(Refusal::Withheld(reason)) => return refused(&reason),
        };
        if let (Destination::Other { host, .. }, Others::Refused) = (&destination, self.plan.others) {
            let reason = format!("{host} is not a host of Twilio's; --passthrough lets other hosts through");
            if self.told.is_first(host) {
                tracing::warn!("refused the program a connection: {reason}");
            }
            return refused(&reason);
        }
        let peer = match self.connect(&destination).await {
            Ok(peer) => peer,
            Err(reason) => return told(StatusCode::BAD_GATEWAY, &reason),
        };
        if is_tunnel {
            return self.tunnel(request, (destination, peer), place);
        }
        match forward(request, peer, (&self.tasks, &self.stop)).await {
            Ok(response) => response.map(Either::Right),
            Err(error) => told(StatusCode::BAD_GATEWAY, &format!("no answer came: {error}")),
        }
    }

    async fn connect(&self, destination: &Destination) -> Result<TcpStream, String> {
        let connecting = async {
            match destination {
                Destination::Twilio(_) => TcpStream::connect(self.plan.server).await,
                Destination::Other { host, port } => {
                    TcpStream::connect((host.trim_start_matches('[').trim_end_matches(']'), *port)).await
                }
            }
        };
        let name = match destination {
            Destination::Twilio(_) => "the server",
            Destination::Other { host, .. } => host,
        };
        let stream = match tokio::time::timeout(CONNECT_TIME, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(format!("{name} cannot be reached: {error}")),
            Err(_) => return Err(format!("{name} did not answer within {} s", CONNECT_TIME.as_secs())),
        };
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    /// Says that the tunnel is there, and lets it begin when that is said.
    fn tunnel(
        self: &Arc<Self>,
        request: Request<Incoming>,
        (destination, peer): (Destination, TcpStream),
        place: Place,
    ) -> Answer {
        let upgrade = hyper::upgrade::on(request);
        match destination {
            Destination::Other { .. } => self.spawn(async move {
                tunnel::relay(upgrade, peer).await;
                drop(place);
            }),
            Destination::Twilio(host) => {
                let config = match self.plan.authority.server(&host) {
                    Ok(config) => config,
                    Err(error) => {
                        tracing::error!("failed to make a certificate for {host}: {error}");
                        return told(StatusCode::BAD_GATEWAY, "no certificate could be made");
                    }
                };
                let shared = Arc::clone(self);
                self.spawn(async move {
                    let relayed = tunnel::relay_decrypted(upgrade, peer, config).await;
                    if let Err(error) = relayed
                        && shared.told.is_first(&host)
                    {
                        tracing::warn!("the program went away from the TLS of {host}: {error}");
                    }
                    drop(place);
                });
            }
        }
        Response::new(Either::Left(Full::default()))
    }
}

/// Python's libraries show the reason phrase alone, so that one says who refuses.
fn refused(reason: &str) -> Answer {
    let mut answer = told(StatusCode::FORBIDDEN, reason);
    answer.extensions_mut().insert(ReasonPhrase::from_static(b"Refused by tertulia intercept"));
    answer
}

fn told(status: StatusCode, reason: &str) -> Answer {
    let mut answer = Response::new(Either::Left(Full::from(format!("tertulia intercept: {reason}\n"))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

#[cfg(test)]
mod tests;
