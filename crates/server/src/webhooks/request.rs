//! What a webhook receives: the form of the event, signed as the official libraries expect it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use conversations::hex;
use conversations::webhooks::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::Url;
use wire::{Form, Target, signature, signed_text, standard_signature};

/// A request as it goes out.
pub struct Request {
    pub method: http::Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What `X-Twilio-Signature` was made of, for people who look for a mistake.
    pub signed_text: String,
}

/// What proves that a request is ours.
#[derive(Clone, Copy)]
pub struct Proof<'a> {
    /// The account's primary auth token.
    pub auth_token: &'a str,
    /// The same over all tries of one delivery.
    pub idempotency_token: &'a str,
    /// The time in seconds, where the signature of Standard Webhooks is wanted too.
    pub standard: Option<i64>,
}

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");
const IDEMPOTENCY: HeaderName = HeaderName::from_static("i-twilio-idempotency-token");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

impl Request {
    /// The form `payload`, urlencoded, for `target`.
    pub fn new(target: &Target, method: Method, payload: &str, proof: Proof<'_>) -> Self {
        match method {
            Method::Get => {
                let target = target.with_query(payload);
                let signed = target.signed_url();
                Self::signed(http::Method::GET, &target, Bytes::new(), signed, proof)
            }
            Method::Post => {
                let form = Form::parse(payload.as_bytes()).unwrap_or_default();
                let signed = signed_text(&target.signed_url(), form.pairs());
                let body = Bytes::copy_from_slice(payload.as_bytes());
                let mut request = Self::signed(http::Method::POST, target, body, signed, proof);
                let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
                request.headers.insert(CONTENT_TYPE, form);
                request
            }
        }
    }

    /// JSON for `target`, vouched for by its digest in the query.
    pub fn json(target: &Target, body: Bytes, proof: Proof<'_>) -> Self {
        let target = target.with_query(&format!("bodySHA256={}", hex(digest(&SHA256, &body).as_ref())));
        let signed = target.signed_url();
        let mut request = Self::signed(http::Method::POST, &target, body, signed, proof);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }

    fn signed(
        method: http::Method,
        target: &Target,
        body: Bytes,
        signed_text: String,
        proof: Proof<'_>,
    ) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        // Twilio: receivers and their firewalls know it by this name.
        headers.insert(USER_AGENT, HeaderValue::from_static("TwilioProxy/1.1"));
        put(&mut headers, SIGNATURE, signature(proof.auth_token, &signed_text));
        put(&mut headers, IDEMPOTENCY, proof.idempotency_token.to_owned());
        if let Some((user, password)) = target.credentials() {
            let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
            put(&mut headers, AUTHORIZATION, format!("Basic {credentials}"));
        }
        if let Some(seconds) = proof.standard {
            let id = proof.idempotency_token;
            let signature = standard_signature(proof.auth_token.as_bytes(), id, seconds, &body);
            put(&mut headers, WEBHOOK_ID, id.to_owned());
            put(&mut headers, WEBHOOK_TIMESTAMP, seconds.to_string());
            put(&mut headers, WEBHOOK_SIGNATURE, signature);
        }
        Self { method, url: target.url().clone(), headers, body, signed_text }
    }
}

/// All that is put here is plain text.
fn put(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// A token that is the same for every try of one thing and for nothing else, as a UUID. What follows from
/// the thing needs no place in the database.
pub fn token_of(thing: &[u8]) -> String {
    let digest = digest(&SHA256, thing);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    bytes[6] = 0x40 | (bytes[6] & 0x0F);
    bytes[8] = 0x80 | (bytes[8] & 0x3F);
    let digits = hex(&bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOF: Proof<'_> = Proof { auth_token: "12345", idempotency_token: "the-token", standard: None };
    const PAYLOAD: &str = "Body=hi+there&EventType=onMessageAdded&RetryCount=0";

    fn request(url: &str, method: Method, proof: Proof<'_>) -> Request {
        Request::new(&Target::parse(url).expect("a target"), method, PAYLOAD, proof)
    }

    fn header<'a>(request: &'a Request, name: &str) -> &'a str {
        request.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    #[test]
    fn a_form_is_posted_and_signed_with_its_decoded_values() {
        let request = request("https://user:pass@example.com:8443/hook#rc=1", Method::Post, PROOF);
        assert_eq!(request.url.as_str(), "https://example.com:8443/hook");
        assert_eq!(request.body, PAYLOAD);
        assert_eq!(
            request.signed_text,
            "https://example.com/hookBodyhi thereEventTypeonMessageAddedRetryCount0"
        );
        assert_eq!(header(&request, "x-twilio-signature"), "vHn91QN0DUUx5OrOlEk7VgOlr+Y=");
        assert_eq!(header(&request, "authorization"), "Basic dXNlcjpwYXNz");
        assert_eq!(header(&request, "i-twilio-idempotency-token"), "the-token");
        assert_eq!(header(&request, "webhook-id"), "");
    }

    #[test]
    fn json_is_vouched_for_by_its_digest() {
        let target = Target::parse("https://user:pass@example.com/hook?a=b").expect("a target");
        let body = br#"{"property": "value", "boolean": true}"#;
        let request = Request::json(&target, Bytes::from_static(body), PROOF);
        assert_eq!(
            request.url.as_str(),
            wire::with_body_sha256("https://example.com/hook?a=b", body),
            "as the official libraries look for it"
        );
        assert_eq!(request.signed_text, request.url.as_str());
        assert_eq!(header(&request, "content-type"), "application/json");
        assert_eq!(header(&request, "authorization"), "Basic dXNlcjpwYXNz");
    }

    #[test]
    fn a_get_has_everything_in_its_url() {
        let request = request("http://example.com:8080/hook?a=b", Method::Get, PROOF);
        let url = "http://example.com:8080/hook?a=b&Body=hi+there&EventType=onMessageAdded&RetryCount=0";
        assert_eq!((request.url.as_str(), request.signed_text.as_str()), (url, url));
        assert!(request.body.is_empty() && request.headers.get("content-type").is_none());
    }

    #[test]
    fn a_second_signature_covers_the_time_where_it_is_wanted() {
        let proof = Proof { standard: Some(1_700_000_000), ..PROOF };
        let request = request("http://example.com/", Method::Post, proof);
        assert_eq!(header(&request, "webhook-id"), "the-token");
        assert_eq!(header(&request, "webhook-timestamp"), "1700000000");
        assert_eq!(
            header(&request, "webhook-signature"),
            standard_signature(b"12345", "the-token", 1_700_000_000, PAYLOAD.as_bytes())
        );
    }

    #[test]
    fn a_token_looks_like_a_random_uuid_and_is_the_same_each_time() {
        let token = token_of(b"a thing");
        assert_eq!(token, token_of(b"a thing"));
        assert_ne!(token, token_of(b"another"));
        assert_eq!((token.len(), &token[14..15]), (36, "4"));
        assert!(matches!(&token[19..20], "8" | "9" | "a" | "b"));
    }
}
