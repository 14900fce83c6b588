//! One try to ask or to tell, as it is kept for people: what was said, and what came back.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use url::Url;
use wire::Timestamp;

use crate::outbound::{Answered, Asked, Failed};

/// Bytes of an answer that are kept.
pub const KEPT: usize = 4 * 1024;

/// What goes out, as far as it is shown.
#[derive(Clone)]
pub struct Said {
    pub method: http::Method,
    pub url: Url,
    pub headers: HeaderMap,
    /// What `X-Twilio-Signature` was made of.
    pub signed_text: String,
}

impl Said {
    /// The request with this `body`: how long it may take to connect and in all, and how much of the answer is
    /// read.
    pub fn asked(&self, body: Bytes, (connect, total): (Option<Duration>, Duration), most: usize) -> Asked {
        let Self { method, url, headers, signed_text: _ } = self.clone();
        Asked { method, url, headers, body, connect, total, most }
    }
}

/// A try that was made.
#[derive(Serialize)]
pub struct Attempt<'a> {
    date: Timestamp,
    milliseconds: u64,
    method: &'a str,
    url: &'a str,
    request_headers: Vec<(&'a str, String)>,
    signed: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    response_headers: Vec<(&'a str, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

impl<'a> Attempt<'a> {
    pub fn new(
        (date, took): (Timestamp, Duration),
        said: &'a Said,
        answer: &'a Result<Answered, Failed>,
    ) -> Self {
        let (answered, error) = match answer {
            Ok(answered) => (Some(answered), None),
            Err(failed) => (None, Some(failed.words())),
        };
        let body = |answered: &Answered| {
            let kept = &answered.body[..answered.body.len().min(KEPT)];
            String::from_utf8_lossy(kept).replace('\0', "\u{fffd}")
        };
        Self {
            date,
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            method: said.method.as_str(),
            url: said.url.as_str(),
            request_headers: shown(&said.headers),
            signed: &said.signed_text,
            status: answered.map(|answered| answered.status),
            response_headers: answered.map(|answered| shown(&answered.headers)).unwrap_or_default(),
            response_body: answered.map(body),
            error,
        }
    }

    /// As it is stored.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Headers for people, without what would open something.
pub fn shown(headers: &HeaderMap) -> Vec<(&str, String)> {
    const SECRET: [&str; 3] = ["authorization", "set-cookie", "proxy-authorization"];
    let text = |name: &str, value: &http::HeaderValue| match name {
        name if SECRET.contains(&name) => "(hidden)".to_owned(),
        _ => String::from_utf8_lossy(value.as_bytes()).chars().take(1024).collect(),
    };
    headers.iter().take(50).map(|(name, value)| (name.as_str(), text(name.as_str(), value))).collect()
}
