//! A conversation together with its first participants: all of them, or nothing.

mod described;

use described::participant_form;

use crate::conversations::{self, ConversationForm, Shown};
use crate::heads;
use crate::participants::{self, CreateParticipant};
use crate::prelude::*;
use crate::services;

/// Twilio's limit of participants in one request.
const AT_ONCE: usize = 10;

// Record ─────────────────────────────────────────────────────────────────────

/// A view of the new conversation.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct ConversationWithParticipants {
    shown: Shown,
    #[serde(skip)]
    is_alone: bool,
}

impl ConversationWithParticipants {
    /// Twilio: with participants the answer says "accepted", since they may come later there. Here they
    /// have come, and the conversation is active.
    fn status(&self) -> u16 {
        if self.is_alone { 201 } else { 202 }
    }
}

impl Resource for ConversationWithParticipants {
    fn url(&self, call: &Call) -> String {
        self.shown.url(call)
    }

    /// Twilio: a conversation without its `export` (examples of the public description).
    fn links(&self, _: &Call, url: &str) -> Links {
        below(url, &[("participants", "Participants"), ("messages", "Messages"), ("webhooks", "Webhooks")])
    }
}

// Form parameters ────────────────────────────────────────────────────────────

/// All that a conversation takes, and each participant as a JSON text.
pub struct CreateWithParticipants {
    conversation: ConversationForm,
    participants: Vec<CreateParticipant>,
}

impl FromForm for CreateWithParticipants {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let conversation = ConversationForm::from_form(call, form)?;
        if form.all("Participant").count() > call.limits.limit(AT_ONCE) {
            return Err(Problem::TOO_MANY_PARTICIPANTS);
        }
        let read = |json| CreateParticipant::from_form(call, &participant_form(json)?);
        let participants = form.all("Participant").map(read).collect::<Result<_, _>>()?;
        Ok(Self { conversation, participants })
    }
}

// Operations: one transaction each ───────────────────────────────────────────

fn create(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    form: &CreateWithParticipants,
) -> Result<ConversationWithParticipants, Failure> {
    let service = services::of_call(tx, call)?;
    // Before anything is written, so that locks that are missing cost no work.
    let known = participants::lock_users(tx, &service, &form.participants)?;
    let mut shown = conversations::found(tx, call, &form.conversation)?;
    participants::gather(tx, call, (&service, &mut shown), (&form.participants, known))?;
    heads::insert(tx, &shown.head)?;
    Ok(ConversationWithParticipants { shown, is_alone: form.participants.is_empty() })
}

/// Where the operation stands.
pub fn operations() -> Vec<Operation> {
    const STATUS: fn(&ConversationWithParticipants) -> u16 = ConversationWithParticipants::status;
    vec![Operation::create_with_status("/ConversationWithParticipants", STATUS, create)]
}
