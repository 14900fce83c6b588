//! What is changed in the environment of the program.

use std::net::SocketAddr;
use std::path::Path;

/// Where clients of many languages look for a proxy. Node's library reads `HTTP_PROXY` even for https.
const PROXY: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
/// A proxy of another kind, which some clients would prefer to ours.
const OTHER_PROXIES: [&str; 2] = ["ALL_PROXY", "all_proxy"];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// What the program serves itself on this machine it reaches itself.
const AT_HOME: &str = "localhost,127.0.0.1,::1";
/// Where Python's requests, OpenSSL (with Go, Ruby and Python's ssl), curl and Node look for authorities.
pub const AUTHORITIES: [&str; 4] =
    ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];
/// From Node 22.21 on: its own `fetch` asks the proxies of the environment too.
const NODE_USE_ENV_PROXY: &str = "NODE_USE_ENV_PROXY";
const URL: &str = "TERTULIA_URL";

/// A variable and its value; none takes it away.
pub type Variable = (&'static str, Option<String>);

/// What leads a program to the proxy, and tells it where the server itself is.
pub fn variables(proxy: SocketAddr, authorities: &Path, url: &str) -> Vec<Variable> {
    let authorities = authorities.to_string_lossy();
    let proxy = format!("http://{proxy}");
    let all = |names: &'static [&'static str], value: Option<&str>| {
        let value = value.map(str::to_owned);
        names.iter().map(move |name| (*name, value.clone()))
    };
    all(&PROXY, Some(&proxy))
        .chain(all(&OTHER_PROXIES, None))
        .chain(all(&NO_PROXY, Some(AT_HOME)))
        .chain(all(&AUTHORITIES, Some(&authorities)))
        .chain([(NODE_USE_ENV_PROXY, Some("1".to_owned())), (URL, Some(url.to_owned()))])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_is_told_of_the_proxy_and_the_authority() {
        let proxy = "127.0.0.1:4000".parse().expect("an address");
        let variables = variables(proxy, Path::new("/run/ca.pem"), "http://127.0.0.1:1");
        let value = |name: &str| variables.iter().find(|(given, _)| *given == name).expect(name).1.as_deref();
        for name in ["HTTP_PROXY", "https_proxy"] {
            assert_eq!(value(name), Some("http://127.0.0.1:4000"));
        }
        for name in AUTHORITIES {
            assert_eq!(value(name), Some("/run/ca.pem"));
        }
        assert_eq!(value("no_proxy"), Some("localhost,127.0.0.1,::1"));
        assert_eq!(value("ALL_PROXY"), None);
        assert_eq!(value("TERTULIA_URL"), Some("http://127.0.0.1:1"));
    }
}
