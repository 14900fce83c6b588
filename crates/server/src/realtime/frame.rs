//! Frames of the tunnel: a line with the length of a header, the header as JSON, and a payload.
//!
//! ```text
//! TWILSOCK V3.0 <bytes of the header>\r\n<header>\r\n<payload>
//! ```
//!
//! Each message of the WebSocket is one frame. What clients send is read without copying it, and bounded before it is
//! looked at; what cannot be read is a [`BadFrame`]. What they are sent is built whole, so that one frame can go to many.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wire::Problem;

use super::exchange::Reply;

const MAGIC: &[u8] = b"TWILSOCK V3.0 ";
/// Bytes of a header: a token is at most a quarter of it.
pub const MAX_HEADER: usize = 64 * 1024;
/// Bytes of a payload: as many as a form may have.
pub const MAX_PAYLOAD: usize = 1024 * 1024;
/// Bytes of a whole frame.
pub const MAX_FRAME: usize = MAGIC.len() + 8 + MAX_HEADER + MAX_PAYLOAD;
/// Bytes of an id. It comes back in the reply.
const MAX_ID: usize = 256;
const JSON: &str = "application/json;charset=utf-8";

/// What is no frame, in a word for whoever debugs a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFrame(pub &'static str);

/// A frame that a client has sent.
#[derive(Debug)]
pub struct Frame<'a> {
    pub header: Header<'a>,
    /// Where the payload lies in what was read.
    pub payload: Range<usize>,
}

/// What all of a client's frames say, and what some of them say. Members that nobody here needs are not looked at.
#[derive(Debug, Deserialize)]
pub struct Header<'a> {
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    #[serde(borrow)]
    pub method: Cow<'a, str>,
    #[serde(default)]
    payload_size: usize,
    /// Of `init` and `update`.
    #[serde(borrow, default)]
    pub token: Option<&'a RawValue>,
    /// Of `message`: the request, which is read apart, so that a wrong one can be answered.
    #[serde(borrow, default)]
    pub http_request: Option<&'a RawValue>,
    /// Of `message`.
    #[serde(default)]
    pub payload_type: Option<String>,
}

impl<'a> Frame<'a> {
    /// Reads a frame that is all of `bytes`. Bytes behind the payload are passed over, as clients do.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BadFrame> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(BadFrame("no frame of version 3.0"))?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let length = match digits {
            1..=6 => std::str::from_utf8(&rest[..digits]).ok().and_then(|digits| digits.parse().ok()),
            _ => None,
        };
        let length: usize = length.ok_or(BadFrame("no length of a header"))?;
        if length > MAX_HEADER {
            return Err(BadFrame("the header is too long"));
        }
        let rest = rest[digits..].strip_prefix(b"\r\n").ok_or(BadFrame("no header"))?;
        let (header, rest) = rest.split_at_checked(length).ok_or(BadFrame("the header is cut off"))?;
        let payload = rest.strip_prefix(b"\r\n").ok_or(BadFrame("the header is longer or shorter"))?;
        let header: Header<'_> =
            serde_json::from_slice(header).map_err(|_| BadFrame("the header is not what it must be"))?;
        if header.id.len() > MAX_ID {
            return Err(BadFrame("the id is too long"));
        }
        if header.payload_size > MAX_PAYLOAD {
            return Err(BadFrame("the payload is too long"));
        }
        if header.payload_size > payload.len() {
            return Err(BadFrame("the payload is cut off"));
        }
        let begin = bytes.len() - payload.len();
        let payload = begin..begin + header.payload_size;
        Ok(Self { header, payload })
    }
}

impl Header<'_> {
    /// The token, where it is text.
    pub fn token(&self) -> Option<String> {
        serde_json::from_str(self.token?.get()).ok()
    }
}

/// How a frame was received, before anything that it carries. HTTP's numbers, with words of its own.
#[derive(Debug, Serialize)]
pub struct Status<'a> {
    pub code: u16,
    #[serde(rename = "status")]
    pub name: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    pub error_code: Option<u32>,
}

impl<'a> Status<'a> {
    pub const OK: Self = Self { code: 200, name: Cow::Borrowed("OK"), description: None, error_code: None };

    /// `problem` as the reason.
    pub fn refused(problem: &'a Problem) -> Self {
        let Problem { code, status, message } = problem;
        // Twilio: `TOO_MANY_REQUESTS`.
        let name = reason(*status).to_ascii_uppercase().replace([' ', '-'], "_");
        Self { code: *status, name: name.into(), description: Some(message), error_code: Some(*code) }
    }
}

/// The header of what is built here; who builds it leaves out what is not of its kind.
#[derive(Serialize)]
struct Outgoing<'a> {
    method: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_update_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<HttpStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_headers: Option<Nothing>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    welcome: Option<Welcome<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_type: Option<&'static str>,
    payload_size: usize,
}

#[derive(Serialize)]
struct HttpStatus {
    code: u16,
    status: &'static str,
}

/// An empty object.
#[derive(Serialize)]
struct Nothing {}

/// What a client is told besides when it is let in.
#[derive(Serialize)]
struct Welcome<'a> {
    continuation_token: &'a str,
    continuation_token_status: ContinuationTokenStatus,
    capabilities: [&'static str; 1],
}

#[derive(Serialize)]
struct ContinuationTokenStatus {
    reissued: bool,
    reissue_reason: &'static str,
}

impl Outgoing<'_> {
    fn new<'a>(method: &'static str, id: &'a str) -> Outgoing<'a> {
        Outgoing {
            method,
            id,
            message_type: None,
            client_update_type: None,
            status: None,
            http_status: None,
            http_headers: None,
            welcome: None,
            payload_type: None,
            payload_size: 0,
        }
    }

    fn build(mut self, payload: &[u8]) -> Bytes {
        self.payload_size = payload.len();
        self.payload_type = (!payload.is_empty()).then_some(JSON);
        let header = serde_json::to_vec(&self).expect("keys are text");
        let mut frame = Vec::with_capacity(MAGIC.len() + 10 + header.len() + payload.len());
        frame.extend_from_slice(MAGIC);
        frame.extend_from_slice(header.len().to_string().as_bytes());
        frame.extend_from_slice(b"\r\n");
        frame.extend_from_slice(&header);
        frame.extend_from_slice(b"\r\n");
        frame.extend_from_slice(payload);
        frame.into()
    }
}

/// The reply to a request out of the tunnel.
pub fn reply(id: &str, reply: &Reply) -> Bytes {
    answered(id, Status::OK, reply)
}

/// The reply to a request that cannot be one.
pub fn refusal(id: &str, problem: &Problem) -> Bytes {
    answered(id, Status::refused(problem), &Reply::problem(problem))
}

fn answered(id: &str, status: Status<'_>, reply: &Reply) -> Bytes {
    let code = reply.status;
    let outgoing = Outgoing {
        status: Some(status),
        // Clients read it of every reply.
        http_status: Some(HttpStatus { code, status: reason(code) }),
        http_headers: Some(Nothing {}),
        ..Outgoing::new("reply", id)
    };
    outgoing.build(&reply.body)
}

/// The reply to whatever carries no request.
pub fn acknowledgement(id: &str, status: Status<'_>) -> Bytes {
    Outgoing { status: Some(status), ..Outgoing::new("reply", id) }.build(&[])
}

/// The reply to `init` by somebody who is let in.
pub fn welcome(id: &str, continuation_token: &str) -> Bytes {
    let welcome = Welcome {
        continuation_token,
        // Nothing is continued: who comes back says what it has seen of each thing.
        continuation_token_status: ContinuationTokenStatus { reissued: true, reissue_reason: "MISSING" },
        // No `offline_storage`: with it browsers begin with what they have kept, and lose what came since. No
        // `telemetry.v1`: without it nobody sends any.
        capabilities: ["client_update"],
    };
    Outgoing { status: Some(Status::OK), welcome: Some(welcome), ..Outgoing::new("reply", id) }.build(&[])
}

/// An event, which may go to any number of clients. `payload` is JSON.
pub fn notification(message_type: &str, payload: &[u8]) -> Bytes {
    Outgoing { message_type: Some(message_type), ..Outgoing::new("notification", &id()) }.build(payload)
}

/// The warning that the token ends soon.
pub fn token_about_to_expire() -> Bytes {
    let client_update_type = Some("token_about_to_expire");
    Outgoing { client_update_type, ..Outgoing::new("client_update", &id()) }.build(&[])
}

/// The end of the connection.
pub fn close(problem: &Problem) -> Bytes {
    Outgoing { status: Some(Status::refused(problem)), ..Outgoing::new("close", &id()) }.build(&[])
}

/// The id of a frame of ours: it comes back in an acknowledgement, and means nothing but that two are not the same.
fn id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("TM{:08x}-{:04x}-4000-8000-{:012x}", 0, count >> 48, count & 0xFFFF_FFFF_FFFF)
}

fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}

#[cfg(test)]
mod tests;
