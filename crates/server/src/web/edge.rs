//! The outermost layer: a request gets its id and its base URL on the way in; an answer gets its headers,
//! its line in the log and its place in the figures on the way out.
//!
//! A handler that panics is answered for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::{BoxError, Router};
use bytes::Bytes;
use conversations::Asker;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use hyper::body::Body as HttpBody;
use prometheus_client::metrics::gauge::Gauge;
use tower::Service;
use wire::Problem;

use super::access_log::{self, Line};
use super::answer::{self, Note};
use super::unread::Unread;
use super::{Connection, host};
use crate::app::Within;
use crate::health;
use crate::metrics::Asked;
use crate::rest;
use crate::stopwatch;

const REQUEST_ID: HeaderName = HeaderName::from_static("twilio-request-id");
const DURATION: HeaderName = HeaderName::from_static("twilio-request-duration");
const CONCURRENT: HeaderName = HeaderName::from_static("twilio-concurrent-requests");

/// Takes a request to its handler and its answer back. Of a connection that is not known no proxy is trusted.
pub async fn pass<B>(within: &Within, request: Request<B>, connection: Option<Connection>) -> Response
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let app = &*within.app;
    let began = stopwatch::start();
    let _counted = Counted::new(&app.metrics.in_flight);
    let is_probe = request.uri().path().starts_with(health::PREFIX);
    let asker = if is_probe { Asker::Probe } else { Asker::Client };
    let request_id = access_log::request_id(app, asker);
    let method = access_log::method(request.method());
    let verb = request.method().clone();
    let (parts, body) = request.into_parts();
    let (body, unread) = Unread::watch(body);
    let (response, mut note) = admitted(within, (parts, body), connection, is_probe).await;
    let mut response = app.pressure.answer(&verb, response, &mut note);
    let time = began.elapsed();
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, request_id.written(text));
    headers.insert(DURATION, seconds(time, text));
    if let Some(in_flight) = note.in_flight {
        headers.insert(CONCURRENT, answer::number(in_flight));
    }
    let template = note.template.take().unwrap_or_else(|| "(none)".into());
    let line = Line { request_id, asked: Asked { method, template }, status: response.status().as_u16() };
    line.log(&note, time);
    app.metrics.answered(&line.asked, line.status, time);
    unread.pass_over().await;
    response
}

/// Takes in a request that there is room for. Whether the server lives is told however many there are.
async fn admitted(
    within: &Within,
    (mut parts, body): (Parts, Body),
    connection: Option<Connection>,
    is_probe: bool,
) -> (Response, Note) {
    let app = &*within.app;
    let held = (!is_probe).then(|| app.pressure.request()).transpose();
    let _held = match held {
        Ok(held) => held,
        Err(problem) => return refused(&problem),
    };
    let base_url = match host::base_url((&app.settings, &within.last_host), &parts, connection) {
        Ok(base_url) => base_url,
        Err(problem) => return refused(&problem),
    };
    let (body, _coming) = app.pressure.body(body, &mut parts.extensions);
    let answered = if let Some(place) = within.rest.find(parts.uri.path()) {
        caught(pin!(rest::answer(app, place, base_url, (&parts, body)))).await
    } else {
        parts.extensions.insert(base_url);
        caught(Box::pin(other(within.others.clone(), Request::from_parts(parts, body))).as_mut()).await
    };
    answered.unwrap_or_else(|| refused(&Problem::INTERNAL))
}

fn refused(problem: &Problem) -> (Response, Note) {
    let mut response = answer::problem(problem);
    let note = answer::take_note(&mut response);
    (response, note)
}

async fn other(mut router: Router, request: Request) -> (Response, Note) {
    let mut response = match router.call(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let note = answer::take_note(&mut response);
    (response, note)
}

fn text(digits: &str) -> HeaderValue {
    HeaderValue::from_str(digits).expect("digits and letters")
}

/// Twilio: seconds with three decimals, `0.021`. Handed to `with` from the stack.
fn seconds<T>(time: Duration, with: impl FnOnce(&str) -> T) -> T {
    let rounded = time + Duration::from_micros(500);
    let mut digits = itoa::Buffer::new();
    // With a digit before them, so that none of the three is left out.
    let thousandths = digits.format(1_000 + rounded.subsec_millis());
    let mut whole = itoa::Buffer::new();
    let whole = whole.format(rounded.as_secs());
    let mut text = [b'.'; 24];
    text[..whole.len()].copy_from_slice(whole.as_bytes());
    text[whole.len() + 1..whole.len() + 4].copy_from_slice(&thousandths.as_bytes()[1..]);
    with(str::from_utf8(&text[..whole.len() + 4]).expect("digits are text"))
}

/// Runs a handler; none where it panics, which is to be answered as an internal error. The panic itself has been
/// reported by the time it arrives here.
pub async fn caught<T>(mut handler: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    std::future::poll_fn(|context| {
        // What the handler held is dropped with it, so nothing half-done is seen by anybody.
        catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context).map(Some)))
            .unwrap_or(Poll::Ready(None))
    })
    .await
}

/// One more in a gauge, for as long as this lives.
pub struct Counted(Gauge);

impl Counted {
    /// Begins to count.
    pub fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_seconds_with_three_decimals() {
        for (time, expected) in [
            (Duration::from_micros(21_499), "0.021"),
            (Duration::from_micros(400), "0.000"),
            (Duration::from_millis(12_345), "12.345"),
            (Duration::from_secs(u64::MAX), "18446744073709551615.000"),
        ] {
            seconds(time, |text| assert_eq!(text, expected));
        }
    }

    #[tokio::test]
    async fn a_panic_is_answered_for() {
        assert_eq!(caught(pin!(async { panic!("on purpose") })).await, None::<u16>);
        assert_eq!(caught(pin!(async { 204 })).await, Some(204));
    }
}
