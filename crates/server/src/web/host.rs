//! Which host was asked, and what clients know us by.
//!
//! Any host is ours, but a product that we do not serve is not: who posts to `messaging.twilio.com` shall
//! not get a conversation service. What stands in `Host` comes back in `url` and `next_page_url`, where
//! libraries send their credentials, so only the characters of a host are let through. `X-Forwarded-*` is
//! heard from trusted proxies alone; of several values the last is taken, which the proxy itself wrote.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use http::HeaderValue;
use http::header::HOST;
use http::request::Parts;
use wire::Problem;

use super::{Connection, path};
use crate::realtime;
use crate::settings::Settings;

/// Products whose hosts below `twilio.com` are served here, by the first label of the host.
const PRODUCTS: [Product; 5] = [
    Product {
        label: "conversations",
        serves: |path| {
            !path.starts_with(PREFIX_2010) && !is_media(path) && !is_streams(path) && !is_tunnel(path)
        },
        named: "Conversations",
    },
    Product { label: "events", serves: is_streams, named: "sinks, subscriptions and their types" },
    Product { label: "mcs", serves: is_media, named: "media" },
    Product { label: "tsock", serves: is_tunnel, named: "clients" },
    Product { label: "api", serves: |path| path.starts_with(PREFIX_2010), named: "accounts and their keys" },
];

/// Below which all of Twilio's hosts are.
const DOMAIN: &str = "twilio.com";

/// Where the API of 2010 begins, which is a neighbour: whoever posts a message to its host shall not find
/// a conversation of that name made.
const PREFIX_2010: &str = "/2010-04-01/";

/// One product, and which paths are its own.
struct Product {
    label: &'static str,
    serves: fn(&str) -> bool,
    /// What is served of it.
    named: &'static str,
}

/// Whether a path is one of the media service, which is a host of its own.
fn is_media(path: &str) -> bool {
    let behind_service = path.strip_prefix("/v1/Services/").and_then(|rest| rest.split('/').nth(1));
    matches!(behind_service, Some("Media" | "MediaSet"))
}

/// Whether a path is one of Event Streams, which has a host of its own too.
fn is_streams(path: &str) -> bool {
    let first = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next());
    matches!(first, Some("Sinks" | "Subscriptions" | "Types" | "Schemas"))
}

/// Whether a path is where clients of the SDK connect, for which there is a host too.
fn is_tunnel(path: &str) -> bool {
    path == realtime::PATH
}

/// Scheme and host that the answer's URLs begin with.
#[derive(Clone)]
pub struct BaseUrl(pub Arc<str>);

/// The `Host` that was asked for last, and what its answers begin with: most callers ask for the same one.
#[derive(Default)]
pub struct LastHost(RwLock<Option<(HeaderValue, BaseUrl)>>);

impl LastHost {
    fn get(&self, host: &HeaderValue) -> Option<BaseUrl> {
        let last = self.0.read().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(known, _)| known == host).map(|(_, base_url)| base_url.clone())
    }

    fn keep(&self, host: &HeaderValue, base_url: &BaseUrl) {
        // A copy: the value is a piece of all that its request has sent.
        let Ok(host) = HeaderValue::from_bytes(host.as_bytes()) else { return };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((host, base_url.clone()));
    }
}

/// Looks at what a request says about the host it was meant for.
pub fn base_url(
    (settings, last_host): (&Settings, &LastHost),
    request: &Parts,
    connection: Option<Connection>,
) -> Result<BaseUrl, Problem> {
    let is_trusted = connection.is_some_and(|connection| settings.trusts(connection.peer.ip()));
    // Where the header alone decides.
    let only_host = || {
        let mut hosts = request.headers.get_all(HOST).into_iter();
        hosts.next().filter(|_| hosts.next().is_none())
    };
    let host = if is_trusted || request.uri.authority().is_some() { None } else { only_host() };
    if let Some(known) = host.and_then(|host| last_host.get(host)) {
        return Ok(known);
    }
    let base_url = found(settings, request, (connection, is_trusted))?;
    if let Some(host) = host.filter(|host| !host.to_str().ok().and_then(name).is_none_or(is_twilios)) {
        last_host.keep(host, &base_url);
    }
    Ok(base_url)
}

fn found(
    settings: &Settings,
    request: &Parts,
    (connection, is_trusted): (Option<Connection>, bool),
) -> Result<BaseUrl, Problem> {
    let forwarded = |name| if is_trusted { last(request, name) } else { Ok(None) };
    let host = match forwarded("x-forwarded-host")? {
        Some(host) => host.into(),
        None => asked(request, connection)?,
    };
    let Some(name) = name(&host) else {
        return Err(Problem::parameter("The Host header does not name a host"));
    };
    serve(name, request.uri.path())?;
    // Twilio: its hosts speak https alone. Who asks for one came here by `intercept` or by a changed name, and
    // would not find us under another URL.
    let is_known_by_https = is_twilios(name) && matches!(&host[name.len()..], "" | ":443");
    if let Some(public) = settings.public_url.as_ref().filter(|_| !is_known_by_https) {
        return Ok(BaseUrl(Arc::clone(public.text())));
    }
    let scheme = match forwarded("x-forwarded-proto")? {
        None if is_known_by_https => "https",
        None => "http",
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => "http",
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        Some(_) => return Err(Problem::invalid_parameter("X-Forwarded-Proto")),
    };
    let port = match forwarded("x-forwarded-port")? {
        Some(port) => Some(port.parse::<u16>().map_err(|_| Problem::invalid_parameter("X-Forwarded-Port"))?),
        None => None,
    };
    let has_port = name.len() < host.len();
    let own_port = if scheme == "https" { 443 } else { 80 };
    // The port is added where the host has none and it is not the scheme's own.
    Ok(BaseUrl(match port.filter(|port| !has_port && *port != own_port) {
        None => [scheme, "://", &host].concat().into(),
        Some(port) => format!("{scheme}://{host}:{port}").into(),
    }))
}

/// The host of an absolute request target, else the `Host` header, else where we were reached.
fn asked(request: &Parts, connection: Option<Connection>) -> Result<Cow<'_, str>, Problem> {
    if let Some(authority) = request.uri.authority() {
        return Ok(authority.as_str().into());
    }
    let mut hosts = request.headers.get_all(HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => Ok(connection.map_or("localhost".into(), |ends| ends.local.to_string().into())),
        (Some(host), None) => Ok(String::from_utf8_lossy(host.as_bytes())),
        (Some(_), Some(_)) => Err(Problem::parameter("There is more than one Host header")),
    }
}

/// The last value of a header that proxies append to.
fn last<'a>(request: &'a Parts, name: &str) -> Result<Option<&'a str>, Problem> {
    let Some(header) = request.headers.get_all(name).into_iter().next_back() else { return Ok(None) };
    let text = header.to_str().map_err(|_| Problem::invalid_parameter(name))?;
    Ok(text.rsplit(',').next().map(str::trim).filter(|value| !value.is_empty()))
}

/// The name or address in `host`, without its port. None where it is neither.
fn name(host: &str) -> Option<&str> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    if host.len() > 261 || !host.bytes().all(is_allowed) {
        return None;
    }
    let (name, rest) = if host.starts_with('[') {
        host.split_at(host.find(']')? + 1)
    } else {
        host.split_at(host.find(':').unwrap_or(host.len()))
    };
    let is_port = rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let is_named = !name.is_empty() && (name.starts_with('[') || !name.contains(['[', ']']));
    (is_port && is_named).then_some(name)
}

/// Whether this is `twilio.com` or lies below it.
fn is_twilios(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let (before, end) = name.split_at(name.len().saturating_sub(DOMAIN.len()));
    end.eq_ignore_ascii_case(DOMAIN) && (before.is_empty() || before.ends_with('.'))
}

fn serve(name: &str, asked_path: &str) -> Result<(), Problem> {
    if !is_twilios(name) {
        return Ok(());
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let label = name.split('.').next().unwrap_or_default();
    let reason = match PRODUCTS.iter().find(|product| product.label == label) {
        Some(product) if (product.serves)(asked_path) => return Ok(()),
        Some(product) => format!("of {name} only {} are served here", product.named),
        None => format!("{name} is the host of a product that is not served here"),
    };
    let not_found = Problem::not_found(path::shown(asked_path));
    let message = format!("{}: {reason}", not_found.message);
    Err(Problem { message: message.into(), ..not_found })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::settings::PublicUrl;

    const PROXY: &str = "10.0.0.1:4000";
    const STRANGER: &str = "192.0.2.9:4000";

    fn settings() -> Settings {
        Settings { trusted_proxies: vec!["10.0.0.0/8".parse().expect("a network")], ..Settings::default() }
    }

    fn asked_by(peer: &str, settings: &Settings, headers: &[(&str, &str)]) -> Result<String, Problem> {
        let mut request = Request::builder().uri("/v1/Services");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let local = "127.0.0.1:8080".parse().expect("an address");
        let connection = Connection { peer: peer.parse().expect("an address"), local };
        let request = request.body(()).expect("a request");
        let request = request.into_parts().0;
        let last_host = LastHost::default();
        let base_url = || base_url((settings, &last_host), &request, Some(connection));
        let asked = base_url().map(|base| base.0.to_string());
        assert_eq!(base_url().map(|base| base.0.to_string()), asked, "whether it is known or not");
        asked
    }

    fn asked_for(host: &str) -> Result<String, Problem> {
        asked_by(STRANGER, &settings(), &[("host", host)])
    }

    #[test]
    fn any_host_is_ours_and_comes_back() {
        for host in
            ["127.0.0.1:8080", "localhost", "[::1]:80", "My_Host-1.example.org:65535", "a.twilio.com.example"]
        {
            assert_eq!(asked_for(host), Ok(format!("http://{host}")));
        }
        assert_eq!(asked_by(STRANGER, &settings(), &[]).as_deref(), Ok("http://127.0.0.1:8080"));
    }

    #[test]
    fn what_the_last_host_gave_is_given_to_the_same_host_alone() {
        let (settings, last_host) = (settings(), LastHost::default());
        let asked = |peer: &str, host: &str, path: &str| {
            let request = Request::builder().uri(path).header("host", host).body(()).expect("a request");
            let (peer, local) = (peer.parse().expect("an address"), "127.0.0.1:80".parse().expect("one"));
            let known = (&settings, &last_host);
            let base = base_url(known, &request.into_parts().0, Some(Connection { peer, local }));
            base.map(|base| base.0.to_string()).map_err(|problem| problem.status)
        };
        for _ in 0..2 {
            assert_eq!(asked(STRANGER, "a.example", "/v1/Services"), Ok("http://a.example".to_owned()));
            assert_eq!(asked(STRANGER, "A.example", "/v1/Services"), Ok("http://A.example".to_owned()));
            assert_eq!(asked(STRANGER, "a b", "/v1/Services"), Err(400));
            let twilios = Ok("https://events.twilio.com".to_owned());
            assert_eq!(asked(STRANGER, "events.twilio.com", "/v1/Sinks"), twilios);
            assert_eq!(asked(STRANGER, "events.twilio.com", "/v1/Services"), Err(404));
            assert_eq!(asked(STRANGER, "a.example", "https://b.example/"), Ok("http://b.example".to_owned()));
            assert_eq!(asked(PROXY, "a.example", "/"), Ok("http://a.example".to_owned()));
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in [
            "",
            "a b",
            "evil.example/path?",
            "user@host",
            "a:b",
            "a:1:2",
            "a:99999",
            "[::1",
            "x[::1]",
            "a\"b",
            ":80",
        ] {
            assert_eq!(asked_for(host).expect_err(host).status, 400, "{host}");
        }
        let two = [("host", "a"), ("host", "b")];
        assert_eq!(asked_by(STRANGER, &settings(), &two).expect_err("two hosts").status, 400);
    }

    #[test]
    fn of_twilios_hosts_only_the_served_products_are_ours() {
        for host in [
            "conversations.twilio.com",
            "Conversations.dublin.ie1.twilio.com:443",
            "conversations.twilio.com.",
        ] {
            assert_eq!(asked_for(host), Ok(format!("https://{host}")), "its hosts speak https alone");
        }
        let port = "conversations.twilio.com:8080";
        assert_eq!(asked_for(port), Ok(format!("http://{port}")), "which is none of Twilio's");
        for host in
            ["twilio.com", "messaging.twilio.com", "x.conversations.twilio.com", "chat.twilio.com.:8080"]
        {
            let problem = asked_for(host).expect_err(host);
            assert_eq!((problem.code, problem.status), (20404, 404));
            assert!(problem.message.contains("/Services was not found"), "{}", problem.message);
            assert!(problem.message.contains("not served here"), "{}", problem.message);
        }
    }

    #[test]
    fn a_host_of_one_product_does_not_serve_another() {
        let account = "/2010-04-01/Accounts/AC1.json";
        for (host, path, is_served) in [
            ("api.twilio.com", account, true),
            ("api.dublin.ie1.twilio.com", account, true),
            ("api.twilio.com", "/v1/Conversations", false),
            ("api.twilio.com", "/tertulia/v1/Keys", false),
            ("api.twilio.com", "/2010-04-01", false),
            ("conversations.twilio.com", "/v1/Conversations", true),
            ("conversations.twilio.com", account, false),
            ("conversations.twilio.com", "/v1/Services/IS1/Media", false),
            ("mcs.us1.twilio.com", "/v1/Services/IS1/Media", true),
            ("mcs.us1.twilio.com", "/v1/Services/IS1/Media/ME1/Content", true),
            ("mcs.dublin.ie1.twilio.com", "/v1/Services/IS1/MediaSet", true),
            ("mcs.us1.twilio.com", "/v1/Services/IS1/Conversations", false),
            ("mcs.us1.twilio.com", "/v1/Services", false),
            ("events.twilio.com", "/v1/Sinks", true),
            ("events.twilio.com", "/v1/Subscriptions/DF1/SubscribedEvents", true),
            ("events.twilio.com", "/v1/Types", true),
            ("events.twilio.com", "/v1/Conversations", false),
            ("conversations.twilio.com", "/v1/Sinks", false),
            ("tsock.us1.twilio.com", "/v3/wsconnect", true),
            ("tsock.us1.twilio.com", "/v1/Conversations", false),
            ("conversations.twilio.com", "/v3/wsconnect", false),
            ("127.0.0.1:8080", account, true),
        ] {
            let served = serve(name(host).expect("a host"), path);
            assert_eq!(served.is_ok(), is_served, "{host} {path}");
            if let Err(problem) = served {
                assert_eq!((problem.code, problem.status), (20404, 404));
                assert!(problem.message.contains("are served here"), "{}", problem.message);
            }
        }
    }

    #[test]
    fn forwarded_headers_are_heard_from_trusted_proxies_alone() {
        let headers = [
            ("host", "inner:8080"),
            ("x-forwarded-host", "spoofed.example, twilio.example.org"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-port", "8443"),
        ];
        let outer = Ok("https://twilio.example.org:8443".to_owned());
        assert_eq!(asked_by(PROXY, &settings(), &headers), outer);
        assert_eq!(asked_by(STRANGER, &settings(), &headers).as_deref(), Ok("http://inner:8080"));
        for (forwarded, expected) in [
            ([("x-forwarded-proto", "HTTPS"), ("x-forwarded-port", "443")], "https://inner:8080"),
            ([("x-forwarded-host", "a.example"), ("x-forwarded-port", "80")], "http://a.example"),
            ([("x-forwarded-host", "a.example:1"), ("x-forwarded-port", "2")], "http://a.example:1"),
            ([("x-forwarded-host", "[::1]"), ("x-forwarded-port", "2")], "http://[::1]:2"),
        ] {
            let headers = [&[("host", "inner:8080")][..], &forwarded].concat();
            assert_eq!(asked_by(PROXY, &settings(), &headers).as_deref(), Ok(expected));
        }
        for wrong in [("x-forwarded-host", "a/b"), ("x-forwarded-proto", "ftp"), ("x-forwarded-port", "x")] {
            assert_eq!(asked_by(PROXY, &settings(), &[wrong]).expect_err(wrong.0).status, 400);
        }
    }

    #[test]
    fn the_public_url_stands_above_all_but_not_above_the_product() {
        let public_url = PublicUrl::parse("https://example.org");
        let settings = Settings { public_url, ..settings() };
        let asked_for = |host| asked_by(STRANGER, &settings, &[("host", host)]);
        assert_eq!(asked_for("inner:8080").as_deref(), Ok("https://example.org"));
        let twilios = "conversations.twilio.com";
        assert_eq!(asked_for(twilios), Ok(format!("https://{twilios}")), "and not above Twilio's own names");
        assert_eq!(asked_for("messaging.twilio.com").expect_err("another product").status, 404);
    }
}
