//! The one HTTP client for everything that goes out to a place that a caller has named.
//!
//! It goes nowhere inside: every address that a name stands for is judged ([`Guard`]) where the connection
//! is made, and the connection is made to what was judged, so that a name which changes its mind between two
//! looks gains nothing. It follows no redirect, asks no proxy that the environment names, keeps no cookie,
//! verifies certificates, and reads no more of an answer than it was told to.

mod connecting;
mod guard;
mod joined;
mod resolver;
mod slow;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::StreamBody;
use url::{Host, Url};

pub use guard::Guard;
pub use resolver::{Names, SystemNames};

use crate::stopwatch;
use joined::Joined;
use resolver::Judged;

/// How long a connection that nobody uses is kept: shorter than servers do, so that nothing is sent into one
/// that the other side is just closing.
const IDLE: Duration = Duration::from_millis(1500);

/// A client with its guard. Clones share connections.
#[derive(Clone)]
pub struct Outbound {
    client: reqwest::Client,
    guard: Arc<Guard>,
}

/// What is asked of somebody else's server.
pub struct Asked {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Until there must be a connection, where it is not for us to say.
    pub connect: Option<Duration>,
    /// From the first look for the name to the last byte of the answer.
    pub total: Duration,
    /// Bytes of the answer that are read; more are left where they are.
    pub most: usize,
}

/// What came back.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    /// As much as was asked for.
    pub body: Bytes,
    /// Whether there was more.
    pub is_cut: bool,
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The place is inside, or is none.
    Refused,
    /// There was no connection: no such name, nobody there, no time, or the wrong certificate.
    NotConnected,
    /// There was a connection, and no answer in time.
    TimedOut,
    /// There was a connection, and it broke, or what came was no answer.
    Broken,
}

impl Failed {
    /// In words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Refused => "the address is private or reserved, and such addresses are not allowed",
            Self::NotConnected => "no connection could be made",
            Self::TimedOut => "no answer came in time",
            Self::Broken => "the connection broke before an answer had come",
        }
    }
}

impl Outbound {
    /// A client behind `guard`, which looks names up with `names`.
    pub fn new(guard: Guard, names: Arc<dyn Names>) -> Result<Self, reqwest::Error> {
        let guard = Arc::new(guard);
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .http1_only()
            .connector_layer(connecting::Limited)
            // Twilio: some receivers look for the names in its spelling, although names have no case.
            .http1_title_case_headers()
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(32)
            .dns_resolver(Judged::new(Arc::clone(&guard), Arc::new(Joined::new(names))))
            .build()?;
        Ok(Self { client, guard })
    }

    /// Asks, and reads the answer.
    pub async fn ask(&self, mut asked: Asked) -> Result<Answered, Failed> {
        let body = std::mem::take(&mut asked.body);
        self.ask_with(asked, body.into()).await
    }

    /// The same with a body that takes its time. Its length must stand in the headers.
    pub async fn ask_slowly(&self, mut asked: Asked, pause: Duration) -> Result<Answered, Failed> {
        let body = std::mem::take(&mut asked.body);
        let body = StreamBody::new(slow::pieces(body, pause));
        self.ask_with(asked, reqwest::Body::wrap(body)).await
    }

    async fn ask_with(&self, asked: Asked, body: reqwest::Body) -> Result<Answered, Failed> {
        let Asked { method, url, headers, body: _, connect, total, most } = asked;
        // A host that is an address already is looked up by nobody, so it is judged here.
        let literal: Option<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return Err(Failed::Refused),
        };
        if literal.is_some_and(|address| !self.guard.admits(address)) {
            return Err(Failed::Refused);
        }
        let began = stopwatch::start();
        let request = self.client.request(method, url).headers(headers).body(body).timeout(total);
        let sent = connecting::within(connect, total, request.send()).await;
        let mut response = sent.map_err(|error| failed(&error))?;
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let mut read = Vec::new();
        let mut is_cut = false;
        // What the timeout of the request does not cover is covered here: an answer that never ends.
        let reading = async {
            while let Some(chunk) = response.chunk().await? {
                let room = most - read.len();
                is_cut = chunk.len() > room;
                read.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if is_cut {
                    break;
                }
            }
            Ok::<_, reqwest::Error>(())
        };
        match tokio::time::timeout(total.saturating_sub(began.elapsed()), reading).await {
            Ok(Ok(())) => Ok(Answered { status, headers, body: read.into(), is_cut }),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(Failed::TimedOut),
        }
    }
}

fn failed(error: &reqwest::Error) -> Failed {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<guard::Inside>() {
            return Failed::Refused;
        }
        source = cause.source();
    }
    if error.is_connect() {
        Failed::NotConnected
    } else if error.is_timeout() {
        Failed::TimedOut
    } else {
        Failed::Broken
    }
}
