//! Somebody who listens to webhooks: answers at once, or never, and notes what came when.
//!
//! It has a thread of its own. Every address of 127.0.0.0/8 leads to it, so that it can be a thousand places.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};
use wire::{Form, Timestamp};

use crate::bench::Bench;

/// How long nothing may come while something is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A receiver that listens until the program ends.
pub struct Receiver {
    port: u16,
    desk: Arc<Desk>,
}

#[derive(Default)]
struct Desk {
    arrived: Mutex<Vec<(i64, Bytes)>>,
    /// Hosts at which nobody is ever answered.
    hanging: Mutex<HashSet<String>>,
}

/// A delivery of a message.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Microseconds of real time.
    pub at: i64,
    pub conversation: String,
    pub message: String,
    pub index: i64,
    /// When the change was made, in whole milliseconds, as microseconds of real time.
    pub made: i64,
}

impl Receiver {
    /// Begins to listen.
    pub fn start() -> anyhow::Result<Self> {
        let desk = Arc::new(Desk::default());
        let listener = std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).context("no port is free")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let of_thread = Arc::clone(&desk);
        std::thread::Builder::new().name("receiver".to_owned()).spawn(move || serve(listener, &of_thread))?;
        Ok(Self { port, desk })
    }

    /// The place of this number, below 60,000.
    pub fn place(&self, number: usize) -> String {
        format!("127.1.{}.{}:{}", number / 250, number % 250 + 1, self.port)
    }

    /// Places that take what comes and do not answer, from now on.
    pub fn hang(&self, places: impl Iterator<Item = String>) {
        *held(&self.desk.hanging) = places.collect();
    }

    /// Waits until `count` have arrived, and takes them.
    pub fn take(&self, bench: &Bench, count: usize) -> anyhow::Result<Vec<Arrival>> {
        bench.wait(async {
            let arrived = || held(&self.desk.arrived).len();
            let mut seen = arrived();
            while seen < count {
                let another = async {
                    while arrived() == seen {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                };
                if tokio::time::timeout(PATIENCE, another).await.is_err() {
                    return;
                }
                seen = arrived();
            }
        });
        let arrived = std::mem::take(&mut *held(&self.desk.arrived));
        ensure!(arrived.len() >= count, "{} of {count} deliveries arrived", arrived.len());
        arrived.into_iter().map(|(at, body)| Arrival::read(at, &body)).collect()
    }
}

impl Arrival {
    fn read(at: i64, body: &[u8]) -> anyhow::Result<Self> {
        let form = Form::parse(body).ok().context("what arrives is a form")?;
        let get = |name| form.get(name).with_context(|| format!("an event of a message has {name}"));
        Ok(Self {
            at,
            conversation: get("ConversationSid")?.to_owned(),
            message: get("MessageSid")?.to_owned(),
            index: get("Index")?.parse()?,
            made: Timestamp::parse(get("DateCreated")?).context("it is a date")?.micros(),
        })
    }

    /// From the change to the arrival, in milliseconds.
    pub fn lag(&self) -> f64 {
        let micros = u64::try_from(self.at - self.made).unwrap_or_default();
        Duration::from_micros(micros).as_secs_f64() * 1000.0
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: std::net::TcpListener, desk: &Arc<Desk>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a thread can have a runtime");
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::from_std(listener).expect("it does not block");
        let mut connections = JoinSet::new();
        while let Ok((stream, peer)) = listener.accept().await {
            // It listens everywhere for the sake of all of loopback.
            if is_near(peer) {
                let _ = stream.set_nodelay(true);
                connections.spawn_local(connection(stream, Arc::clone(desk)));
            }
            while connections.try_join_next().is_some() {}
        }
    });
}

fn is_near(peer: SocketAddr) -> bool {
    peer.ip().is_loopback()
}

async fn connection(stream: tokio::net::TcpStream, desk: Arc<Desk>) {
    let answer = service_fn(|request: http::Request<Incoming>| {
        let desk = Arc::clone(&desk);
        async move {
            let host = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
            if host.is_some_and(|host| held(&desk.hanging).contains(host)) {
                std::future::pending::<()>().await;
            }
            let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
            held(&desk.arrived).push((now(), body.unwrap_or_default()));
            Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new()))
        }
    });
    // Whoever sends may break off.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

/// The server and the receiver share the clock of the machine.
#[expect(clippy::disallowed_methods, reason = "what arrives is measured in real time")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
