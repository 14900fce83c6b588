//! Typing: a client says that its user is writing, and the others in the conversation are told. Who comes later has
//! missed nothing. [`elsewhere`] is what other nodes have to do with it.

pub mod elsewhere;

use std::sync::Arc;

use bytes::Bytes;
use conversations::typings::Typing;
use conversations::{Conversation, Failure, Participant, heads, permissions, services};
use http::Method;
use serde::Serialize;
use wire::{Key, Problem, Sid};

use super::client_form;
use super::connected::Connected;
use super::exchange::{Reply, Request};
use super::frame;
use crate::app::App;

const NOTIFICATION: &str = "twilio.ipmsg.typing_indicator";
/// How often a client says it again while its user goes on, in seconds.
const INTERVAL: u32 = 5;
const BELOW: &str = "/Typing";

#[derive(Serialize)]
struct Taken {
    typing_timeout: u32,
}

/// What the others are told.
#[derive(Serialize)]
struct Indicator<'a> {
    channel_sid: Sid<Conversation>,
    identity: &'a str,
    participant_sid: Sid<Participant>,
    typing_timeout: u32,
}

/// Answers who says that it is typing; none for any other path.
pub async fn run(app: &Arc<App>, connected: &Connected, request: &Request) -> Option<Reply> {
    let call = connected.call(app, &request.path);
    if request.path.strip_prefix(&call.service_url(format_args!(""))[call.base_url.len()..]) != Some(BELOW) {
        return None;
    }
    if request.method != Method::POST {
        return Some(Reply::problem(&Problem::METHOD_NOT_ALLOWED));
    }
    Some(match said(app, connected, request).await {
        Ok(()) => Reply::json(200, &Taken { typing_timeout: INTERVAL }),
        Err(failure) => Reply::failure(failure),
    })
}

/// The template of the path of typing.
pub fn template(path: &str) -> Option<&'static str> {
    let (service, below) = path.strip_prefix("/Client/v2/Services/")?.split_at_checked(34)?;
    (!service.contains('/') && below == BELOW).then_some("/Client/v2/Services/{ChatServiceSid}/Typing")
}

async fn said(app: &Arc<App>, connected: &Connected, request: &Request) -> Result<(), Failure> {
    let form = client_form::of_body(request)?;
    let sid = form.sid("ChannelSid", Problem::invalid_parameter("ChannelSid"))?;
    let sid = sid.ok_or_else(|| Problem::parameter("Missing parameter ChannelSid"))?;
    let participant_sid = participant(app, connected, (request, sid)).await?;
    app.hub.room().await;
    announce(app, connected, (sid, participant_sid)).await;
    Ok(())
}

/// Who is typing: a participant of an open conversation.
async fn participant(
    app: &Arc<App>,
    connected: &Connected,
    (request, sid): (&Request, Sid<Conversation>),
) -> Result<Sid<Participant>, Failure> {
    let call = connected.call(app, &request.path);
    let read = move |tx: &mut store::Tx<'_>| {
        services::require(tx, &call)?;
        let head =
            heads::find(tx, call.service_sid, &Key::Sid(sid))?.ok_or(Problem::CONVERSATION_NOT_FOUND)?;
        let standing = permissions::of_member(tx, &call, head.sid)?;
        head.require_open()?;
        Ok(standing.participant_sid().ok_or(Problem::USER_NOT_PARTICIPANT)?)
    };
    app.store.read(read).await
}

/// Tells the others.
async fn announce(app: &App, connected: &Connected, whose: (Sid<Conversation>, Sid<Participant>)) {
    let (chat_service_sid, identity) = (connected.service_sid, &connected.client.identity);
    app.hub.typing((chat_service_sid, whose.0), identity, frame_of(identity, whose));
    let (conversation_sid, participant_sid) = whose;
    let identity = identity.clone();
    elsewhere::tell(app, Typing { conversation_sid, participant_sid, chat_service_sid, identity }).await;
}

fn frame_of(identity: &str, whose: (Sid<Conversation>, Sid<Participant>)) -> Bytes {
    frame::notification(NOTIFICATION, &payload(identity, whose))
}

/// What is told of who types where.
fn payload(identity: &str, (channel_sid, participant_sid): (Sid<Conversation>, Sid<Participant>)) -> Vec<u8> {
    // Twilio: shown for a second longer than it takes until it is said again.
    let typing = Indicator { channel_sid, identity, participant_sid, typing_timeout: INTERVAL + 1 };
    serde_json::to_vec(&typing).expect("keys are text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_are_told_who_types_where() {
        let told = payload("ali\"ce", (Sid::from_bytes([1; 16]), Sid::from_bytes([2; 16])));
        assert_eq!(
            String::from_utf8(told).expect("JSON is text"),
            r#"{"channel_sid":"CH01010101010101010101010101010101","identity":"ali\"ce","participant_sid":"MB02020202020202020202020202020202","typing_timeout":6}"#
        );
    }
}
