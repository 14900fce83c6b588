//! Where a program wants to go, as it tells the proxy.

use http::Uri;
use http::uri::Authority;

const HTTPS: u16 = 443;
const HTTP: u16 = 80;

/// Where a request or a tunnel is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// At a host of Twilio's, by its name in small letters and without a dot at its end.
    Twilio(String),
    /// Anywhere else.
    Other { host: String, port: u16 },
}

/// Why there is no destination, in words for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be told what is wanted.
    Unclear(String),
    /// It is wanted from Twilio, and not to be had here.
    Withheld(String),
}

/// That of `CONNECT host:port`. Of Twilio's hosts there is only the port that HTTPS has.
pub fn of_tunnel(uri: &Uri) -> Result<Destination, Refusal> {
    let Some((authority, port)) =
        uri.authority().and_then(|authority| Some((authority, authority.port_u16()?)))
    else {
        return Err(Refusal::Unclear("a tunnel needs a host and a port".to_owned()));
    };
    of(authority, port, &[HTTPS])
}

/// That of a request whose target is a whole URL.
pub fn of_request(uri: &Uri) -> Result<Destination, Refusal> {
    let (Some(authority), Some(scheme)) = (uri.authority(), uri.scheme_str()) else {
        let reason = "this is a proxy: it takes CONNECT, and requests for whole URLs";
        return Err(Refusal::Unclear(reason.to_owned()));
    };
    let usual = match scheme {
        "http" => HTTP,
        "https" => HTTPS,
        other => return Err(Refusal::Unclear(format!("this proxy does not know the scheme {other}"))),
    };
    match of(authority, authority.port_u16().unwrap_or(usual), &[HTTP, HTTPS])? {
        // Some clients ask a proxy for an https URL in the clear. On loopback, by us, that can be answered.
        Destination::Other { host, .. } if scheme == "https" => {
            Err(Refusal::Unclear(format!("{host} needs a tunnel, because it is asked for by https")))
        }
        destination => Ok(destination),
    }
}

fn of(authority: &Authority, port: u16, served: &[u16]) -> Result<Destination, Refusal> {
    let host = authority.host();
    let Some(name) = twilios(host) else {
        return Ok(Destination::Other { host: host.to_owned(), port });
    };
    if !is_name(&name) {
        return Err(Refusal::Withheld(format!("{name} is not the name of a host")));
    }
    if !served.contains(&port) {
        let reason = format!("port {port} of {name} is not served here, and Twilio itself is not called");
        return Err(Refusal::Withheld(reason));
    }
    Ok(Destination::Twilio(name))
}

/// The name in small letters and without a dot at its end, where it is `twilio.com` or lies below it.
fn twilios(host: &str) -> Option<String> {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let before = name.strip_suffix("twilio.com")?;
    (before.is_empty() || before.ends_with('.')).then_some(name)
}

/// Whether this can stand in a certificate: letters, digits and hyphens between dots.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tunnel(target: &str) -> Result<Destination, Refusal> {
        let authority: Authority = target.parse().expect("an authority");
        of_tunnel(&Uri::builder().authority(authority).build().expect("a target"))
    }

    fn request(url: &str) -> Result<Destination, Refusal> {
        of_request(&url.parse().expect("a URL"))
    }

    fn twilio(name: &str) -> Destination {
        Destination::Twilio(name.to_owned())
    }

    fn other(host: &str, port: u16) -> Destination {
        Destination::Other { host: host.to_owned(), port }
    }

    #[test]
    fn twilios_hosts_end_in_its_name_at_a_dot() {
        for (target, name) in [
            ("conversations.twilio.com:443", "conversations.twilio.com"),
            ("Conversations.Dublin.IE1.TWILIO.com:443", "conversations.dublin.ie1.twilio.com"),
            ("api.twilio.com.:443", "api.twilio.com"),
            ("twilio.com:443", "twilio.com"),
        ] {
            assert_eq!(tunnel(target), Ok(twilio(name)), "{target}");
        }
        for host in
            ["eviltwilio.com", "twilio.com.example", "conversations.twilio.com.example", "twilio.co", "com"]
        {
            assert_eq!(tunnel(&format!("{host}:443")), Ok(other(host, 443)));
        }
        assert_eq!(tunnel("[::1]:8443"), Ok(other("[::1]", 8443)));
    }

    #[test]
    fn what_is_meant_for_twilio_is_answered_or_refused() {
        for target in [
            "conversations.twilio.com:80",
            "conversations.twilio.com:8443",
            "conversations..twilio.com:443",
            ".twilio.com:443",
            "conversations.twilio.com",
            "*.twilio.com:443",
            &format!("{}.twilio.com:443", "a".repeat(64)),
            &format!("{}twilio.com:443", "a.".repeat(130)),
        ] {
            assert!(tunnel(target).is_err(), "{target}");
        }
        assert!(request("http://conversations.twilio.com:8080/v1").is_err());
    }

    #[test]
    fn a_request_names_its_destination_by_a_whole_url() {
        assert_eq!(request("http://api.twilio.com/2010-04-01"), Ok(twilio("api.twilio.com")));
        assert_eq!(request("https://api.twilio.com/2010-04-01"), Ok(twilio("api.twilio.com")));
        assert_eq!(request("http://example.org/"), Ok(other("example.org", 80)));
        assert_eq!(request("http://example.org:81/"), Ok(other("example.org", 81)));
        for refused in ["https://example.org/", "ftp://example.org/", "/v1/Conversations"] {
            assert!(request(refused).is_err(), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn nothing_below_twilio_is_ever_another_host(
            labels in "([a-zA-Z0-9_-]{1,70}\\.){0,4}", case in any::<u16>(), dot in "\\.?", port in any::<u16>(),
        ) {
            let domain: String = "twilio.com".chars().enumerate().map(|(place, letter)| {
                if case >> place & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
            }).collect();
            match tunnel(&format!("{labels}{domain}{dot}:{port}")) {
                Ok(Destination::Twilio(name)) => {
                    prop_assert_eq!(port, 443);
                    prop_assert_eq!(name, format!("{labels}twilio.com").to_ascii_lowercase());
                }
                Ok(Destination::Other { host, .. }) => prop_assert!(false, "{host} would leave the machine"),
                Err(_) => {}
            }
        }

        #[test]
        fn nothing_else_is_ever_twilios(host in "[a-z0-9.-]{0,20}(twilio|com)?[a-z.]{0,6}") {
            prop_assume!(format!("{host}:443").parse::<Authority>().is_ok());
            let name = host.trim_end_matches('.');
            let is_twilios = name == "twilio.com" || name.ends_with(".twilio.com");
            if let Ok(destination) = tunnel(&format!("{host}:443")) {
                prop_assert_eq!(matches!(destination, Destination::Twilio(_)), is_twilios);
            }
        }
    }
}
