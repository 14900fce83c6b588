//! What clients are told of objects: events, and what becomes of subscriptions.

use bytes::Bytes;
use conversations::sync::{Event, ObjectType, SyncObject};
use serde::Serialize;
use serde_json::Number;
use wire::Problem;

use super::super::connected::Connected;
use super::super::frame;
/// Replayed events, and what becomes of subscriptions.
const SYNC_EVENT: &str = "twilio.sync.event";
/// Events in one frame. Their order is that of the frames' and of those within.
const TOGETHER: usize = 50;

/// Something that has just happened to an object.
pub fn live(event: &Event) -> Bytes {
    let message_type = match event.object.object_type() {
        ObjectType::Document => "com.twilio.rtd.cds.document",
        ObjectType::List => "com.twilio.rtd.cds.list",
        ObjectType::Map => "com.twilio.rtd.cds.map",
    };
    frame::notification(message_type, &payload(std::slice::from_ref(event)))
}

/// What somebody has missed of one object, in order.
pub fn missed(events: &[Event]) -> impl Iterator<Item = Bytes> {
    let alike = events.chunk_by(|one, next| one.event_type == next.event_type);
    let some = alike.flat_map(|alike| alike.chunks(TOGETHER));
    some.map(|some| frame::notification(SYNC_EVENT, &payload(some)))
}

/// Events of one type.
fn payload(events: &[Event]) -> Vec<u8> {
    let length: usize = events.iter().map(|event| event.payload.len() + 1).sum();
    let mut out = Vec::with_capacity(length + 96);
    out.extend_from_slice(b"{\"event_type\":\"");
    out.extend_from_slice(events.first().map_or("", |event| event.event_type).as_bytes());
    out.extend_from_slice(b"\",\"event_protocol_version\":4,\"events\":[");
    for (place, event) in events.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&event.payload);
    }
    out.extend_from_slice(b"]}");
    out
}

/// What became of one subscription.
#[derive(Serialize)]
pub struct Status {
    object_sid: String,
    object_type: String,
    #[serde(rename = "replay_status", skip_serializing_if = "Option::is_none")]
    replay: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_event_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Reason>,
}

#[derive(Serialize)]
struct Reason {
    status: u16,
    code: u32,
    message: String,
}

impl Status {
    /// It is over.
    pub fn canceled(object: &SyncObject) -> Self {
        Self::new(object.to_string(), object.object_type().name().to_owned())
    }

    /// Everything up to this id was told, and what comes will be.
    pub fn established(object: &SyncObject, position: i64) -> Self {
        Self { replay: Some("completed"), last_event_id: Some(position), ..Self::canceled(object) }
    }

    /// Nothing will be told of an object, which may be one that cannot be.
    pub fn failed(object_sid: String, object_type: String, problem: &Problem) -> Self {
        let Problem { status, code, message } = problem.clone();
        let error = Some(Reason { status, code, message: message.into_owned() });
        Self { error, ..Self::new(object_sid, object_type) }
    }

    fn new(object_sid: String, object_type: String) -> Self {
        Self { object_sid, object_type, replay: None, last_event_id: None, error: None }
    }
}

/// Tells what became of subscriptions, under the number that was given with the request for them.
pub fn status(to: &Connected, (event_type, correlation_id): (&'static str, &Number), events: &[Status]) {
    /// The message around them.
    #[derive(Serialize)]
    struct Message<'a> {
        event_type: &'static str,
        correlation_id: &'a Number,
        event_protocol_version: u8,
        events: &'a [Status],
    }
    if events.is_empty() {
        return;
    }
    let message = Message { event_type, correlation_id, event_protocol_version: 4, events };
    let payload = serde_json::to_vec(&message).expect("keys are text");
    to.outbox.send(frame::notification(SYNC_EVENT, &payload));
}
