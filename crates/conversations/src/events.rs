//! Events: what has happened, told to whoever listens.
//!
//! An operation says what it has changed, in its own transaction. Only where a webhook listens is the
//! payload written, as committed: what is edited or deleted a moment later is told as it was. One event
//! stands once however many listen, and a delivery for each of them points to it
//! ([`deliveries`]).
//!
//! A change is announced under the lock of the conversation or user that it belongs to, after what may
//! still refuse it, so that the order of deliveries is the order of commits.

mod cause;
mod event_type;
mod listeners;
mod payload;

pub use cause::{Cause, Reason, Rehearsal};
pub use event_type::{EVENT_TYPES, EventType};
pub use payload::Payload;

use crate::conversation_webhooks::Webhook;
use crate::conversations::{self, Shown};
use crate::deliveries::{self, Subject};
use crate::event_streams::{deliveries as streams, subscribed_events};
use crate::heads::{Head, State};
use crate::ids::Ids;
use crate::prelude::*;
use crate::{Message, Receipt};
use listeners::Listener;

/// An event as it was committed. Field order is the order of the columns.
#[derive(Clone, Debug)]
pub struct Event {
    pub sid: Sid<Event>,
    pub account_sid: Sid<Account>,
    pub chat_service_sid: Sid<Service>,
    /// None of what happens to users.
    pub conversation_sid: Option<Sid<Conversation>>,
    pub event_type: EventType,
    /// Names and values as a form, without what is only known when it is sent.
    pub payload: String,
    pub date_created: Timestamp,
}

/// Ours: Twilio gives events no sid.
impl Prefix for Event {
    const PREFIX: &'static str = "EV";
}

impl Event {
    fn new(
        cause: &Cause<'_>,
        (event_type, conversation_sid): (EventType, Option<Sid<Conversation>>),
        payload: &Payload,
        now: Timestamp,
    ) -> Self {
        Self {
            sid: Sid::from_bytes(cause.ids.sid(now)),
            account_sid: cause.account_sid,
            chat_service_sid: cause.chat_service_sid,
            conversation_sid,
            event_type,
            payload: payload.encoded(),
            date_created: now,
        }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Record for Event {
    const TABLE: &'static str = "events";
    const KEY: &'static [&'static str] = &["sid"];
    const COLUMNS: &'static str =
        "sid, account_sid, chat_service_sid, conversation_sid, event_type, payload, date_created";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.account_sid, &self.chat_service_sid, &self.conversation_sid,
             &self.event_type, &self.payload, &self.date_created]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, chat_service_sid: row.next()?,
            conversation_sid: row.next()?, event_type: row.next()?, payload: row.next()?,
            date_created: row.next()?,
        })
    }
}

// Operations: within the transaction of the change ───────────────────────────

/// A conversation was made, changed or removed.
pub fn of_conversation(
    tx: &mut Tx<'_>,
    cause: &Cause<'_>,
    event_type: EventType,
    shown: &Shown,
) -> Result<(), Failure> {
    let sid = shown.head.sid;
    tell(tx, cause, (event_type, Subject::Conversation(sid)), None, |_, payload, now| {
        payload.conversation(event_type, shown, now);
        Ok(())
    })
}

/// A conversation came from the state `before` to the one that it is in.
pub fn of_state(
    tx: &mut Tx<'_>,
    cause: &Cause<'_>,
    before: State,
    (conversation, head): (&Conversation, &Head),
) -> Result<(), Failure> {
    let told = (EventType::ConversationStateUpdated, Subject::Conversation(head.sid));
    tell(tx, cause, told, None, |_, payload, now| {
        payload.state(conversation, (before, head.state), now);
        payload.put("Reason", cause.reason.name());
        Ok(())
    })
}

/// A message was sent, changed or removed.
pub fn of_message(
    tx: &mut Tx<'_>,
    cause: &Cause<'_>,
    event_type: EventType,
    (head, message): (&Head, &Message),
) -> Result<(), Failure> {
    let told = (event_type, Subject::Conversation(head.sid));
    tell(tx, cause, told, message.body.as_deref(), |tx, payload, now| {
        if event_type == EventType::MessageAdded {
            let messaging_service = conversations::messaging_service_of(tx, head)?;
            payload.put_some("MessagingServiceSid", messaging_service);
        }
        payload.message(event_type, message, now);
        Ok(())
    })
}

/// Somebody came to take part, changed, or went.
pub fn of_participant(
    tx: &mut Tx<'_>,
    cause: &Cause<'_>,
    event_type: EventType,
    participant: &Participant,
) -> Result<(), Failure> {
    let told = (event_type, Subject::Conversation(participant.conversation_sid));
    tell(tx, cause, told, None, |_, payload, now| {
        payload.participant(event_type, participant, now);
        Ok(())
    })
}

/// A user was made or changed.
pub fn of_user(
    tx: &mut Tx<'_>,
    cause: &Cause<'_>,
    event_type: EventType,
    user: &User,
) -> Result<(), Failure> {
    tell(tx, cause, (event_type, Subject::User(user.sid)), None, |_, payload, _| {
        payload.user(event_type, user);
        Ok(())
    })
}

/// A message came further on its way to one recipient.
pub fn of_receipt(tx: &mut Tx<'_>, cause: &Cause<'_>, receipt: &Receipt) -> Result<(), Failure> {
    let told = (EventType::DeliveryUpdated, Subject::Conversation(receipt.conversation_sid));
    tell(tx, cause, told, None, |_, payload, _| {
        payload.receipt(receipt);
        Ok(())
    })
}

/// A message that was there before a webhook was, for it alone. None where it does not want to hear of it.
/// It is told as it is now: what it was is nowhere.
pub fn of_replay(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    webhook: &Webhook,
    (shown, message): (&Shown, &Message),
) -> Result<Option<Event>, StoreError> {
    let event_type = EventType::MessageAdded;
    if !Listener::of_webhook(webhook.clone()).hears(event_type, message.body.as_deref()) {
        return Ok(None);
    }
    let (now, conversation) = (tx.now(), &shown.conversation);
    let cause = Cause::of_server(conversation.account_sid, conversation.chat_service_sid, ids);
    let mut payload = Payload::new(&cause, event_type);
    payload.put_some("MessagingServiceSid", conversation.messaging_service_sid);
    payload.message(event_type, message, now);
    let event = Event::new(&cause, (event_type, Some(conversation.sid)), &payload, now);
    tx.append(&event)?;
    Ok(Some(event))
}

fn tell(
    tx: &mut Tx<'_>,
    cause: &Cause<'_>,
    (event_type, subject): (EventType, Subject),
    body: Option<&str>,
    fill: impl FnOnce(&mut Tx<'_>, &mut Payload, Timestamp) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if let Some(rehearsal) = cause.rehearsal {
        let mut payload = Payload::new(cause, event_type);
        fill(tx, &mut payload, tx.now())?;
        rehearsal.note(event_type, payload);
        return Ok(());
    }
    let mut listeners = if cause.is_heard { listeners::of(tx, cause, subject)? } else { Vec::new() };
    listeners.retain(|listener| listener.hears(event_type, body));
    let streamed = if cause.is_streamed {
        subscribed_events::listening(tx, cause.account_sid, event_type)?
    } else {
        Vec::new()
    };
    if listeners.is_empty() && streamed.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let mut payload = Payload::new(cause, event_type);
    fill(tx, &mut payload, now)?;
    let event = Event::new(cause, (event_type, subject.conversation()), &payload, now);
    streams::add(tx, &streamed, &event, &payload)?;
    if listeners.is_empty() {
        return Ok(());
    }
    tx.append(&event)?;
    for Listener { target, url, method, .. } in &listeners {
        deliveries::add(tx, &event, (*target, subject), (url.as_deref(), *method))?;
    }
    Ok(())
}
