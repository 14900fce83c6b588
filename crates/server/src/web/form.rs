//! The form of a request: out of its body, or out of its query.
//!
//! Bodies are forms, and JSON only in lenient mode: taking another content type for an empty form would
//! silently lose an update, so it is refused with its name. A body is bounded in size and in time.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use conversations::Limits;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use wire::{Form, Problem};

use crate::pressure::NoRoom;

const MAX_BYTES: usize = 1024 * 1024;
const MAX_TIME: Duration = Duration::from_secs(30);
const URLENCODED: &str = "application/x-www-form-urlencoded";

/// How a body is to be read.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Urlencoded,
    Json,
    /// Nothing is said: it must be empty.
    Nothing,
}

/// The form in the body of a POST.
pub async fn of_body(headers: &HeaderMap, body: Body, limits: Limits) -> Result<Form, Problem> {
    let kind = kind(headers, limits)?;
    let bytes = read(headers, body).await?;
    match kind {
        Kind::Urlencoded => Form::parse(&bytes),
        Kind::Json => Form::from_json(&bytes),
        Kind::Nothing if bytes.is_empty() => Ok(Form::empty()),
        Kind::Nothing => Err(Problem::parameter(format!("The body has no Content-Type; send {URLENCODED}"))),
    }
}

/// What a body says that may be a form or JSON in either mode.
pub enum Said {
    Form(Form),
    Json(Bytes),
}

/// The body of a POST to what is ours, where JSON is as good as a form.
pub async fn or_json(headers: &HeaderMap, body: Body) -> Result<Said, Problem> {
    match kind(headers, Limits::Lenient)? {
        Kind::Json => Ok(Said::Json(read(headers, body).await?)),
        Kind::Urlencoded | Kind::Nothing => Ok(Said::Form(of_body(headers, body, Limits::Strict).await?)),
    }
}

/// The form in a query.
pub fn of_query(query: Option<&str>) -> Result<Form, Problem> {
    query.map_or_else(|| Ok(Form::empty()), |query| Form::parse(query.as_bytes()))
}

fn kind(headers: &HeaderMap, limits: Limits) -> Result<Kind, Problem> {
    if let Some(coding) = headers.get(CONTENT_ENCODING).filter(|coding| *coding != "identity") {
        let coding = quoted(coding.as_bytes());
        return Err(Problem::parameter(format!("The Content-Encoding {coding} is not supported")));
    }
    let Some(given) = headers.get(CONTENT_TYPE).filter(|given| !given.is_empty()) else {
        return Ok(Kind::Nothing);
    };
    // What the libraries send, letter for letter.
    if given == URLENCODED {
        return Ok(Kind::Urlencoded);
    }
    let essence = given.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let is_json = essence.eq_ignore_ascii_case(b"application/json");
    match limits {
        _ if essence.eq_ignore_ascii_case(URLENCODED.as_bytes()) => Ok(Kind::Urlencoded),
        Limits::Lenient if is_json => Ok(Kind::Json),
        Limits::Lenient | Limits::Strict => {
            let given = quoted(essence);
            Err(Problem::parameter(format!("The Content-Type {given} is not supported; send {URLENCODED}")))
        }
    }
}

/// The caller's own words, but not without end.
fn quoted(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().filter(|letter| !letter.is_control()).take(100).collect()
}

/// A body that is bounded in size and in time.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BYTES as u64) {
        return Err(Problem::REQUEST_ENTITY_TOO_LARGE);
    }
    let mut collecting = pin!(collected(Limited::new(body, MAX_BYTES)));
    // Most bodies are there already, and need no clock.
    let now = poll_fn(|context| Poll::Ready(collecting.as_mut().poll(context))).await;
    let collected = match now {
        Poll::Ready(collected) => Ok(collected),
        Poll::Pending => tokio::time::timeout(MAX_TIME, collecting).await,
    };
    match collected {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is::<LengthLimitError>(&*error) => Err(Problem::REQUEST_ENTITY_TOO_LARGE),
        Ok(Err(error)) if is::<NoRoom>(&*error) => Err(Problem::SERVICE_UNAVAILABLE),
        Ok(Err(_)) => Err(Problem::parameter("The body could not be read")),
        Err(_) => Err(Problem::parameter("The body did not arrive in time")),
    }
}

/// All of a body. Most come whole, and are left as they came.
async fn collected(mut body: Limited<Body>) -> Result<Bytes, BoxError> {
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await.transpose()? {
        let Ok(data) = frame.into_data() else { continue };
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
        if body.is_end_stream() {
            break;
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    Ok([first, rest.freeze()].concat().into())
}

/// Whether this is the reason of an error.
fn is<E: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<E>() || error.source().is_some_and(is::<E>)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn kind_of(content_type: &'static str, limits: Limits) -> Result<Kind, Problem> {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        kind(&headers.into_iter().collect(), limits)
    }

    #[test]
    fn a_form_is_taken_with_any_parameters_and_json_only_in_lenient_mode() {
        for form in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
            " application/x-www-form-urlencoded ;x=y",
        ] {
            assert_eq!(kind_of(form, Limits::Strict), Ok(Kind::Urlencoded), "{form}");
        }
        assert_eq!(kind_of("application/json; charset=utf-8", Limits::Lenient), Ok(Kind::Json));
        assert_eq!(kind_of("", Limits::Strict), Ok(Kind::Nothing));
        assert_eq!(kind(&HeaderMap::new(), Limits::Strict), Ok(Kind::Nothing));
    }

    #[test]
    fn any_other_type_is_refused_by_its_name() {
        for (given, limits) in [
            ("application/json", Limits::Strict),
            ("multipart/form-data", Limits::Lenient),
            ("text/plain", Limits::Lenient),
            ("application/jsonx", Limits::Lenient),
        ] {
            let problem = kind_of(given, limits).expect_err(given);
            assert_eq!((problem.code, problem.status), (20001, 400));
            assert!(problem.message.contains(&format!(" {given} ")), "{}", problem.message);
        }
        let endless = "x".repeat(5_000).leak();
        assert!(kind_of(endless, Limits::Strict).expect_err("no such type").message.len() < 300);
    }

    #[test]
    fn a_coded_body_is_refused() {
        let gzip = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        let problem = kind(&gzip.into_iter().collect(), Limits::Lenient).expect_err("nobody unpacks it");
        assert!(problem.message.contains("gzip"));
    }

    #[tokio::test]
    async fn a_body_is_bounded_and_needs_a_type() {
        let urlencoded: HeaderMap =
            [(CONTENT_TYPE, HeaderValue::from_static(URLENCODED))].into_iter().collect();
        let fits = format!("A={}", "x".repeat(MAX_BYTES - 2));
        let form = of_body(&urlencoded, Body::from(fits.clone()), Limits::Strict).await.expect("it fits");
        assert_eq!(form.get("A").map(str::len), Some(MAX_BYTES - 2));
        let large = of_body(&urlencoded, Body::from(fits + "x"), Limits::Strict).await;
        assert_eq!(large, Err(Problem::REQUEST_ENTITY_TOO_LARGE));
        let none = HeaderMap::new();
        assert_eq!(of_body(&none, Body::empty(), Limits::Strict).await, Ok(Form::empty()));
        assert!(of_body(&none, Body::from("A=1"), Limits::Strict).await.is_err());
    }
}
