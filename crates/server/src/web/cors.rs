//! What browsers ask before they let a page read an answer.
//!
//! Twilio: the headers come only with an `Origin`, and are the same for every origin. Because the origin
//! is `*`, no browser sends or keeps credentials of its own.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HeaderName, ORIGIN, VARY,
};
use http::{HeaderValue, Method};

use crate::web::answer;

const HEADERS: [(HeaderName, &str); 5] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
    (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE, OPTIONS"),
    (
        ACCESS_CONTROL_ALLOW_HEADERS,
        "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, \
         If-Unmodified-Since, Idempotency-Key, X-Twilio-Token",
    ),
    (ACCESS_CONTROL_EXPOSE_HEADERS, "ETag"),
];

/// Answers `OPTIONS`, for which nobody needs credentials, and adds the headers to every answer.
pub async fn pass(request: Request, next: Next) -> Response {
    around(request, |request| next.run(request)).await
}

/// The same around whoever answers all other methods.
pub async fn around<F: Future<Output = Response>>(
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let has_origin = request.headers().contains_key(ORIGIN);
    let mut response =
        if request.method() == Method::OPTIONS { answer::empty(200) } else { answer(request).await };
    show(&mut response, has_origin);
    response
}

/// Adds the headers to an answer.
pub fn show(response: &mut Response, has_origin: bool) {
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding, Origin"));
    if has_origin {
        headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    }
}
