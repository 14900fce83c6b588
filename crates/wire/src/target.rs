//! Where a webhook is sent: the URL that an account has configured, as it goes over the wire and as it is
//! signed.
//!
//! A receiver's library rebuilds the signed URL from the request it sees. So the URL is brought to the form
//! on which no library changes anything (that of the WHATWG's standard), and what a receiver does not see
//! is not signed: user and password, the fragment, and the port of an https URL.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

/// A configured URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    credentials: Option<(String, String)>,
    /// How failures are answered.
    pub overrides: Overrides,
}

/// What the fragment of a webhook's URL says of retries and time limits: `#rc=3&rp=5xx,ct&tt=2000`. What
/// cannot be read is as if it were not said.
// Twilio: the syntax is that of its connection overrides, which it does not apply to these webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `rc`: tries beyond the first.
    pub retry_count: Option<u32>,
    /// `rp`: which failures are tried again. Empty where nothing is said.
    pub retry_on: Vec<RetryOn>,
    /// `ct`, in milliseconds.
    connect_timeout: Option<u32>,
    /// `tt`, in milliseconds.
    total_timeout: Option<u32>,
}

/// A kind of failure that is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryOn {
    /// A status from 400 to 499.
    ClientError,
    /// A status from 500 to 599.
    ServerError,
    /// No connection.
    ConnectTimeout,
    /// A connection, but no answer.
    ReadTimeout,
    /// Whatever failed.
    All,
}

/// Bytes of a URL that is remembered.
const REMEMBERED: usize = 2048;
/// The most tries that a URL may ask for.
const MOST_RETRIES: u32 = 50;
/// Milliseconds, of Twilio's connection overrides.
const LEAST_TIMEOUT: u32 = 100;
const MOST_CONNECT: u32 = 10_000;
const MOST_TOTAL: u32 = 15_000;

impl Target {
    /// Reads an absolute http or https URL with a host; none where it is no such thing.
    pub fn parse(text: &str) -> Option<Self> {
        let mut url = Url::parse(text).ok()?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return None;
        }
        let overrides = Overrides::parse(url.fragment().unwrap_or_default());
        url.set_fragment(None);
        let decoded =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user), decoded(password.unwrap_or_default()))),
        };
        // An http URL always can have them, so neither fails.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Some(Self { url, credentials, overrides })
    }

    /// The same for who reads one URL again and again: each thread remembers its last.
    pub fn parse_again(text: &str) -> Option<Arc<Self>> {
        thread_local! {
            static LAST: RefCell<Option<(String, Arc<Target>)>> = const { RefCell::new(None) };
        }
        let last = LAST.with_borrow(|last| {
            last.as_ref().filter(|(url, _)| url == text).map(|(_, target)| Arc::clone(target))
        });
        if last.is_some() {
            return last;
        }
        let target = Arc::new(Self::parse(text)?);
        if text.len() <= REMEMBERED {
            LAST.set(Some((text.to_owned(), Arc::clone(&target))));
        }
        Some(target)
    }

    /// What is asked: without user, password and fragment.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What stood before the host, for Basic authentication.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        self.credentials.as_ref().map(|(user, password)| (user.as_str(), password.as_str()))
    }

    /// Scheme, host and port: those who share them share a server.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The same place asked with more in its query.
    #[must_use]
    pub fn with_query(&self, encoded: &str) -> Self {
        let mut target = self.clone();
        let query = match self.url.query() {
            Some(query) if !query.is_empty() => format!("{query}&{encoded}"),
            _ => encoded.to_owned(),
        };
        target.url.set_query(Some(&query));
        target
    }

    /// What is signed.
    // Twilio: the port of https is never signed, that of http always where one is given; the libraries try both.
    pub fn signed_url(&self) -> String {
        if self.url.scheme() == "https" && self.url.port().is_some() {
            let mut url = self.url.clone();
            let _ = url.set_port(None);
            return url.into();
        }
        self.url.as_str().to_owned()
    }
}

impl Overrides {
    /// How long there may be no connection.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.connect_timeout.map(|milliseconds| Duration::from_millis(milliseconds.into()))
    }

    /// How long a try may take in all.
    pub fn total_timeout(&self) -> Option<Duration> {
        self.total_timeout.map(|milliseconds| Duration::from_millis(milliseconds.into()))
    }

    fn parse(fragment: &str) -> Self {
        let mut overrides = Self::default();
        for (name, value) in fragment.split('&').filter_map(|pair| pair.split_once('=')) {
            let milliseconds =
                |most| value.parse::<u32>().ok().filter(|given| (LEAST_TIMEOUT..=most).contains(given));
            match name {
                "rc" => overrides.retry_count = value.parse().ok().filter(|count| *count <= MOST_RETRIES),
                "rp" => overrides.retry_on = value.split(',').filter_map(RetryOn::parse).collect(),
                "ct" => overrides.connect_timeout = milliseconds(MOST_CONNECT),
                "tt" => overrides.total_timeout = milliseconds(MOST_TOTAL),
                _ => {}
            }
        }
        overrides
    }
}

impl RetryOn {
    /// As a fragment has it: `4xx`, `5xx`, `ct`, `rt`, `all`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "4xx" => Some(Self::ClientError),
            "5xx" => Some(Self::ServerError),
            "ct" => Some(Self::ConnectTimeout),
            "rt" => Some(Self::ReadTimeout),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        Target::parse(text).expect("it is a target")
    }

    #[test]
    fn a_url_that_is_remembered_is_no_other() {
        let read = |text: &str| Target::parse_again(text).map(|target| target.url().as_str().to_owned());
        for (given, expected) in
            [("http://a/#rc=1", Some("http://a/")), ("http://b/", Some("http://b/")), ("c", None)]
        {
            for _ in 0..2 {
                assert_eq!(read(given).as_deref(), expected);
            }
        }
        assert_eq!(Target::parse_again("http://a/#rc=1").map(|a| a.overrides.retry_count), Some(Some(1)));
    }

    #[test]
    fn a_url_is_sent_in_the_form_that_no_library_changes() {
        for (given, sent) in [
            ("HTTPS://Example.COM", "https://example.com/"),
            ("https://example.com:443/a?b=c#rc=2", "https://example.com/a?b=c"),
            ("http://example.com:80", "http://example.com/"),
            ("http://user:se%20cret@example.com:8080/x?y=it's", "http://example.com:8080/x?y=it%27s"),
            ("https://example.com/a b", "https://example.com/a%20b"),
            ("https://example.com/?q=a%20b+c&d=%C3%A9", "https://example.com/?q=a%20b+c&d=%C3%A9"),
        ] {
            assert_eq!(target(given).url().as_str(), sent, "{given}");
        }
        assert_eq!(target("http://user:se%20cret@a/").credentials(), Some(("user", "se cret")));
        assert_eq!(target("http://user@a/").credentials(), Some(("user", "")));
        assert_eq!(target("http://a/").credentials(), None);
    }

    #[test]
    fn the_port_of_https_is_not_signed() {
        assert_eq!(target("https://u:p@example.com:8443/a?b=c#d").signed_url(), "https://example.com/a?b=c");
        assert_eq!(target("http://example.com:8080/a").signed_url(), "http://example.com:8080/a");
        assert_eq!(target("http://example.com:80/a").signed_url(), "http://example.com/a");
        assert_eq!(target("https://[::1]:8443/").signed_url(), "https://[::1]/");
    }

    #[test]
    fn what_is_no_place_on_the_web_is_no_target() {
        for text in ["", "/a", "ftp://a/", "https://", "mailto:a@b", "javascript:alert(1)", "https://a b/"] {
            assert_eq!(Target::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_query_is_added_to_what_is_there() {
        assert_eq!(target("http://a/b").with_query("c=d").url().as_str(), "http://a/b?c=d");
        assert_eq!(target("http://a/b?x=1").with_query("c=d+e").url().as_str(), "http://a/b?x=1&c=d+e");
        assert_eq!(target("http://a/b?").with_query("c=d").url().as_str(), "http://a/b?c=d");
    }

    #[test]
    fn the_fragment_says_what_is_tried_again() {
        let overrides = target("https://a/#rc=3&rp=5xx,ct,rt&ct=200&tt=15000&e=ashburn").overrides;
        assert_eq!(
            overrides,
            Overrides {
                retry_count: Some(3),
                retry_on: vec![RetryOn::ServerError, RetryOn::ConnectTimeout, RetryOn::ReadTimeout],
                connect_timeout: Some(200),
                total_timeout: Some(15_000),
            }
        );
        assert_eq!(target("https://a/#rc=51&rp=&ct=1&tt=x&tt").overrides, Overrides::default());
        assert_eq!(target("https://a/#top").overrides, Overrides::default());
    }
}
