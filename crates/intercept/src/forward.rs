//! Requests in the clear: sent on to whom they are for, without what concerns the two ends of one connection.

use http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::uri::PathAndQuery;
use http::{Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What one connection says of itself.
const OF_ONE_CONNECTION: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Sends `request`, which has a whole URL, over a connection of its own.
pub async fn forward(
    request: Request<Incoming>,
    peer: TcpStream,
    (tasks, stop): (&TaskTracker, &CancellationToken),
) -> hyper::Result<Response<Incoming>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(peer)).await?;
    let stop = stop.clone();
    tasks.spawn(async move { stop.run_until_cancelled(connection).await });
    let mut response = sender.send_request(rewritten(request)).await?;
    strip(response.headers_mut());
    *response.version_mut() = Version::HTTP_11;
    Ok(response)
}

fn rewritten<B>(mut request: Request<B>) -> Request<B> {
    strip(request.headers_mut());
    let uri = request.uri();
    // What the target says stands above what `Host` says.
    let host = uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    *request.version_mut() = Version::HTTP_11;
    if let Some(host) = host {
        request.headers_mut().insert(HOST, host);
    }
    request
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_ONE_CONNECTION.iter().chain(&named) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_one_connection_stays_there() {
        let request = Request::builder()
            .uri("http://api.twilio.com/a/b?c=d")
            .header("host", "elsewhere")
            .header("connection", "close, X-Private")
            .header("x-private", "1")
            .header("proxy-connection", "keep-alive")
            .header("proxy-authorization", "Basic x")
            .header("authorization", "Basic y")
            .body(())
            .expect("a request");
        let request = rewritten(request);
        assert_eq!(request.uri(), "/a/b?c=d");
        let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "host"]);
        assert_eq!(request.headers()["host"], "api.twilio.com");
    }

    #[test]
    fn a_url_without_a_path_asks_for_the_root() {
        let request = Request::builder().uri("http://example.org").body(()).expect("a request");
        assert_eq!(rewritten(request).uri(), "/");
    }
}
