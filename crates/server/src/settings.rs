//! What an operator decides about the doors. The binary reads it from flags, environment and file.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use conversations::Limits;
use http::Uri;
use ipnet::IpNet;

use crate::clock::ManualClock;
use crate::pressure::Bounds;
use crate::webhooks::WebhookSettings;

/// How the doors behave.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What clients know us by; otherwise each request's own scheme and host.
    pub public_url: Option<PublicUrl>,
    /// Whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Strict or lenient.
    pub limits: Limits,
    /// What each account may do at a time and in a second.
    pub rates: Rates,
    /// What opens the administration of the whole server. None: it is not there.
    pub admin_tokens: Vec<String>,
    /// Whether whoever asks is given an access token in any name, as demonstrations want it.
    pub demo_tokens: bool,
    /// How many connections are served at a time. More wait to be accepted.
    pub max_connections: usize,
    /// How much is under way at a time. More is turned away.
    pub bounds: Bounds,
    /// How webhooks are called.
    pub webhooks: WebhookSettings,
    /// The store's clock, where it is one that the administration moves.
    pub manual_clock: Option<Arc<ManualClock>>,
    /// What may be uploaded.
    pub media: MediaSettings,
    /// How clients of the SDK are served.
    pub realtime: RealtimeSettings,
}

/// How clients of the SDK are served. But for the last, nobody needs other values but tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealtimeSettings {
    /// Until somebody who has connected says who it is.
    pub init_time: Duration,
    /// Between two pings. Who has not answered one by the next is gone.
    pub ping_interval: Duration,
    /// Until a frame has left.
    pub write_time: Duration,
    /// Until a client closes its end, when it has been told to.
    pub farewell_time: Duration,
    /// How often the store is asked for what no commit of this server has told: what other nodes have changed.
    pub heal_every: Duration,
}

impl Default for RealtimeSettings {
    fn default() -> Self {
        Self {
            init_time: Duration::from_secs(15),
            // Proxies forget a connection in which nothing happens, often after a minute.
            ping_interval: Duration::from_secs(25),
            write_time: Duration::from_secs(30),
            farewell_time: Duration::from_secs(5),
            heal_every: Duration::from_secs(5),
        }
    }
}

/// What holds for uploaded files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaSettings {
    /// Bytes of the largest file. In strict mode Twilio's own limit holds besides.
    pub max_bytes: u64,
    /// How long a file is kept that no message carries.
    pub kept: Duration,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self { max_bytes: 1024 * 1024 * 1024, kept: Duration::from_mins(5) }
    }
}

/// Limits of rate, each at least one; none where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Requests of one account that run at a time.
    pub concurrency: Option<u32>,
    /// Actions of one kind in a second, in one conversation or one service.
    pub actions_per_second: Option<u32>,
    /// All actions of one account in a second.
    pub global_actions_per_second: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: None,
            trusted_proxies: Vec::new(),
            limits: Limits::Strict,
            rates: Rates::default(),
            admin_tokens: Vec::new(),
            demo_tokens: false,
            max_connections: 10_000,
            bounds: Bounds::default(),
            webhooks: WebhookSettings::default(),
            manual_clock: None,
            media: MediaSettings::default(),
            realtime: RealtimeSettings::default(),
        }
    }
}

impl Settings {
    /// Whether `peer` is a proxy whose word counts.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&peer))
    }
}

/// An absolute URL without query and without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Arc<str>);

impl PublicUrl {
    /// None where `text` is no such URL.
    pub fn parse(text: &str) -> Option<Self> {
        let trimmed = text.trim_end_matches('/');
        let uri: Uri = trimmed.parse().ok()?;
        let authority = uri.authority()?.as_str();
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        let is_plain = uri.query().is_none() && !authority.contains('@') && !text.contains('#');
        (is_web && is_plain).then(|| Self(trimmed.into()))
    }

    /// The URL as text.
    pub fn text(&self) -> &Arc<str> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_absolute_and_plain() {
        for (text, expected) in [
            ("https://twilio.example.org", Some("https://twilio.example.org")),
            ("https://example.org:8443/", Some("https://example.org:8443")),
            ("http://example.org/behind/a/proxy/", Some("http://example.org/behind/a/proxy")),
            ("example.org", None),
            ("/v1", None),
            ("ftp://example.org", None),
            ("https://user:secret@example.org", None),
            ("https://example.org/?a=b", None),
            ("https://example.org/#there", None),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(PublicUrl::parse(text).as_ref().map(|url| &**url.text()), expected, "{text}");
        }
    }

    #[test]
    fn an_ipv4_peer_is_recognised_in_its_ipv6_form() {
        let settings = Settings {
            trusted_proxies: vec!["10.0.0.0/8".parse().expect("a network")],
            ..Settings::default()
        };
        assert!(settings.trusts("10.1.2.3".parse().expect("an address")));
        assert!(settings.trusts("::ffff:10.1.2.3".parse().expect("an address")));
        assert!(!settings.trusts("11.1.2.3".parse().expect("an address")));
        assert!(!Settings::default().trusts("127.0.0.1".parse().expect("an address")));
    }
}
