//! Why something happens: what every event tells besides what has happened.

use std::sync::Mutex;

use super::{EventType, Payload};
use crate::call::Source;
use crate::ids::Ids;
use crate::prelude::*;

/// By whose doing something happens, and whether anybody may hear of it.
#[derive(Clone)]
pub struct Cause<'a> {
    pub account_sid: Sid<Account>,
    pub chat_service_sid: Sid<Service>,
    pub source: Source,
    /// Of the user who acts, where a client of the SDK does.
    pub client_identity: Option<&'a str>,
    /// Of a change of state.
    pub reason: Reason,
    /// Whether webhooks hear of it.
    pub is_heard: bool,
    /// Whether it is worth looking for sinks of Event Streams, which hear of everything.
    pub is_streamed: bool,
    /// Where the sids of events come from.
    pub ids: &'a dyn Ids,
    /// Where what would be told is noted instead: nothing of this is going to stay.
    pub rehearsal: Option<&'a Rehearsal>,
}

/// Why a conversation changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody asked for it.
    Api,
    /// Its time had come.
    Timer,
    /// A message came.
    Event,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::Timer => "TIMER",
            Self::Event => "EVENT",
        }
    }
}

impl<'a> Cause<'a> {
    /// The server's own doing, which is always heard.
    pub fn of_server(account_sid: Sid<Account>, chat_service_sid: Sid<Service>, ids: &'a dyn Ids) -> Self {
        Self {
            account_sid,
            chat_service_sid,
            source: Source::Server,
            client_identity: None,
            reason: Reason::Timer,
            is_heard: true,
            is_streamed: true,
            ids,
            rehearsal: None,
        }
    }

    /// Whether it is worth looking at what is told.
    pub fn is_told(&self) -> bool {
        self.is_heard || self.is_streamed || self.rehearsal.is_some()
    }

    /// The same for another reason.
    #[must_use]
    pub fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }
}

/// What an operation would tell, were it done.
#[derive(Default)]
pub struct Rehearsal {
    told: Mutex<Vec<(EventType, Payload)>>,
}

impl Rehearsal {
    pub(super) fn note(&self, event_type: EventType, payload: Payload) {
        self.told.lock().expect("nothing panics while it is held").push((event_type, payload));
    }

    /// Takes what was noted; a run that is repeated notes again.
    pub fn take(&self) -> Vec<(EventType, Payload)> {
        std::mem::take(&mut *self.told.lock().expect("nothing panics while it is held"))
    }
}
