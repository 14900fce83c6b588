//! What proves to a receiver that a request is ours: `X-Twilio-Signature`, and beside it, where that is
//! asked for, the signature of Standard Webhooks, which cannot be replayed.
//!
//! The official libraries rebuild the signed text from what they receive, so that it must follow from the
//! URL as they see it: [`Target`](crate::Target) says what that is.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What is signed of a POST of a form: the URL, then names and decoded values in the order of the names.
/// Of a name with several values each different one stands once, sorted. A GET has its values in the URL,
/// and is signed with none.
// Twilio: the order of the names is that of their bytes.
pub fn signed_text<'a>(url: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut text = url.to_owned();
    for (name, value) in pairs {
        text.push_str(name);
        text.push_str(value);
    }
    text
}

/// The value of `X-Twilio-Signature` for a text, under the account's primary auth token.
pub fn signature(auth_token: &str, signed_text: &str) -> String {
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes());
    BASE64_STANDARD.encode(sign(&key, signed_text.as_bytes()))
}

/// A URL that vouches for a body that is no form: its query ends with the digest of the body. The request
/// is sent to this URL, and this URL is what is signed.
pub fn with_body_sha256(url: &str, body: &[u8]) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    let mut text = format!("{url}{separator}bodySHA256=");
    for byte in digest(&SHA256, body).as_ref() {
        use std::fmt::Write;
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The value of `webhook-signature` after Standard Webhooks: of the id, the time of sending in seconds and
/// the body, so that who keeps a clock can refuse what is old.
pub fn standard_signature(secret: &[u8], id: &str, seconds: i64, body: &[u8]) -> String {
    let mut text = format!("{id}.{seconds}.").into_bytes();
    text.extend_from_slice(body);
    format!("v1,{}", BASE64_STANDARD.encode(sign(&Key::new(HMAC_SHA256, secret), &text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const CALL: [(&str, &str); 5] = [
        ("To", "+18005551212"),
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
    ];

    fn signed(url: &str, pairs: &[(&str, &str)]) -> String {
        signature("12345", &signed_text(url, pairs.iter().copied()))
    }

    /// Those of the official libraries' own tests, and two computed with them.
    #[test]
    fn signatures_are_those_of_the_official_libraries() {
        assert_eq!(signed(URL, &CALL), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        let with_port = |url: &str, port| url.replace("mycompany.com", &format!("mycompany.com:{port}"));
        assert_eq!(signed(&with_port(URL, 443), &CALL), "kvajT1Ptam85bY51eRf/AJRuM3w=");
        let plain = URL.replace("https", "http");
        assert_eq!(signed(&with_port(&plain, 80), &CALL), "0ZXoZLH/DfblKGATFgpif+LLRf4=");
        assert_eq!(signed(&with_port(&plain, 1234), &CALL), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=");
        let get = "https://example.com/hook?EventType=onMessageAdded&Body=hi+there&RetryCount=0";
        assert_eq!(signed(get, &[]), "kJ5XAzOYAYcyPXOvr/kwG110LiE=");
        let post = [("EventType", "onMessageAdded"), ("Body", "hi there"), ("RetryCount", "0")];
        assert_eq!(signed("https://example.com/hook", &post), "vHn91QN0DUUx5OrOlEk7VgOlr+Y=");
    }

    #[test]
    fn a_value_that_is_given_twice_is_signed_once() {
        let pairs = [
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
            ("Sid", "CA123"),
        ];
        assert!(signed_text(URL, pairs.into_iter()).ends_with("Digits1234Digits5678SidCA123SidAccountAC123"));
        assert_eq!(signed(URL, &pairs), "IK+Dwps556ElfBT0I3Rgjkr1wJU=");
    }

    #[test]
    fn names_are_ordered_by_their_bytes_and_an_empty_value_leaves_the_name() {
        let pairs = [("isOnline", "true"), ("MessagingServiceSid", "MG"), ("MessageSid", "IM"), ("Body", "")];
        assert_eq!(
            signed_text("https://a/", pairs.into_iter()),
            "https://a/BodyMessageSidIMMessagingServiceSidMGisOnlinetrue"
        );
    }

    #[test]
    fn a_body_that_is_no_form_is_vouched_for_by_its_digest() {
        let url = with_body_sha256(URL, br#"{"property": "value", "boolean": true}"#);
        assert_eq!(
            url,
            format!("{URL}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620")
        );
        assert_eq!(signature("12345", &url), "a9nBmqA0ju/hNViExpshrM61xv4=");
        assert!(with_body_sha256("https://a/", b"").starts_with("https://a/?bodySHA256=e3b0c442"));
    }

    /// The example of the specification's own libraries.
    #[test]
    fn a_standard_signature_covers_id_time_and_body() {
        let secret = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("it is base64");
        let told = standard_signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(told, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
