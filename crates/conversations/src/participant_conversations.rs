//! Participant conversations: every conversation that somebody takes part in, looked up by what the
//! caller knows of them, an identity or an address.

use crate::conversations::Shown;
use crate::heads::{State, Timers};
use crate::participants::Binding;
use crate::prelude::*;
use crate::{services, users};

// Record ─────────────────────────────────────────────────────────────────────

/// A view of a participant and its conversation. Field order is the order of the JSON.
#[derive(Clone, Debug, Serialize)]
pub struct ParticipantConversation {
    pub account_sid: Sid<Account>,
    pub chat_service_sid: Sid<Service>,
    pub participant_sid: Sid<Participant>,
    pub participant_user_sid: Option<Sid<User>>,
    pub participant_identity: Option<String>,
    pub participant_messaging_binding: Option<WholeBinding>,
    pub conversation_sid: Sid<Conversation>,
    pub conversation_unique_name: Option<String>,
    pub conversation_friendly_name: Option<String>,
    pub conversation_attributes: Attributes,
    pub conversation_date_created: Timestamp,
    pub conversation_date_updated: Timestamp,
    pub conversation_created_by: String,
    pub conversation_state: State,
    pub conversation_timers: Timers,
    #[serde(skip)]
    position_added: i64,
}

/// Twilio: a binding prints what it lacks as null here, and here alone (examples of the public description).
#[derive(Clone, Debug, Serialize)]
pub struct WholeBinding {
    #[serde(rename = "type")]
    kind: String,
    address: Option<String>,
    proxy_address: Option<String>,
    projected_address: Option<String>,
    name: Option<String>,
    level: Option<String>,
}

impl Resource for ParticipantConversation {
    const PRINTS_URL: bool = false;

    fn url(&self, call: &Call) -> String {
        call.service_url(format_args!("/Conversations/{}", self.conversation_sid))
    }

    fn links(&self, _: &Call, url: &str) -> Links {
        let participant = format!("{url}/Participants/{}", self.participant_sid);
        vec![("participant", participant), ("conversation", url.to_owned())]
    }
}

// Filters ────────────────────────────────────────────────────────────────────

/// Who is looked up: one of the two.
pub enum LookUp {
    Identity(String),
    Address(String),
}

impl FromForm for LookUp {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        let given = |name| form.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
        match (given("Identity"), given("Address")) {
            (Some(identity), None) => Ok(Self::Identity(identity)),
            (None, Some(address)) => Ok(Self::Address(address)),
            (Some(_), Some(_)) => Err(Problem::ONE_LOOKUP_PARAMETER),
            (None, None) => Err(Problem::parameter("One of the parameters Identity and Address is required")),
        }
    }
}

impl Filter for LookUp {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Identity(identity) => vec![("Identity", identity.clone())],
            Self::Address(address) => vec![("Address", address.clone())],
        }
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl ParticipantConversation {
    fn new(participant: Participant, Shown { conversation, head }: Shown) -> Self {
        Self {
            account_sid: conversation.account_sid,
            chat_service_sid: conversation.chat_service_sid,
            participant_sid: participant.sid,
            participant_user_sid: participant.user_sid,
            participant_identity: participant.identity,
            participant_messaging_binding: participant.binding.map(WholeBinding::from),
            conversation_sid: conversation.sid,
            conversation_unique_name: conversation.unique_name,
            conversation_friendly_name: conversation.friendly_name,
            conversation_attributes: conversation.attributes,
            conversation_date_created: conversation.date_created,
            conversation_date_updated: conversation.date_updated,
            conversation_created_by: conversation.created_by,
            conversation_state: head.state,
            conversation_timers: head.timers(),
            position_added: participant.position_added,
        }
    }
}

impl From<Binding> for WholeBinding {
    fn from(Binding { kind, address, proxy_address, projected_address }: Binding) -> Self {
        Self { kind, address, proxy_address, projected_address, name: None, level: None }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

// One whose head is gone is out of sight. It is asked for in a subquery of its own, not in a join, so that
// a page is read in the order of its index however far it lies.

/// The user has been found under its tenant. Memberships stand in the order of the conversations' sids.
const OF_USER: &str = "SELECT m.conversation_sid, m.participant_sid FROM memberships m \
     WHERE m.user_sid = $2 AND (SELECT state FROM conversation_heads \
     WHERE chat_service_sid = $1 AND sid = m.conversation_sid) IS NOT NULL";
const OF_ADDRESS: &str = "SELECT m.conversation_sid, m.sid AS participant_sid FROM participants m \
     WHERE m.chat_service_sid = $1 AND m.address = $2 AND (SELECT state FROM conversation_heads \
     WHERE chat_service_sid = $1 AND sid = m.conversation_sid) IS NOT NULL";

/// The participants of a page beside the two rows of their conversations.
fn select(of: &str) -> String {
    let participant: Vec<String> =
        Participant::COLUMNS.split(", ").map(|column| format!("p.{}", column.trim())).collect();
    let both = Shown::select();
    let both = both.strip_prefix("SELECT ").expect("it is a query");
    format!(
        "SELECT {}, {both} JOIN ({of}{{page}}) k ON k.conversation_sid = h.sid \
         JOIN participants p ON p.conversation_sid = k.conversation_sid AND p.sid = k.participant_sid",
        participant.join(", ")
    )
}

fn read(row: &mut Row<'_>) -> Result<ParticipantConversation, StoreError> {
    Ok(ParticipantConversation::new(Participant::read(row)?, Shown::read(row)?))
}

fn cursor(row: &ParticipantConversation) -> Cursor {
    Cursor { at: row.position_added, sid: *row.conversation_sid.as_bytes() }
}

// Operations: one transaction each ───────────────────────────────────────────

/// Whatever the state of the conversation. Somebody whom the service does not know takes part in none.
fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    who: &LookUp,
    request: &PageRequest,
) -> Result<Page<ParticipantConversation>, Failure> {
    services::require(tx, call)?;
    let service = &call.service_sid;
    match who {
        LookUp::Identity(identity) => {
            let Some(user) = users::find(tx, *service, &Key::Name(identity.clone()))? else {
                return Ok(Page { items: Vec::new(), next: None, previous: None });
            };
            let order = Order::by_sid("m.conversation_sid", None);
            let select = select(OF_USER);
            Ok(page(tx, (&select, &[service, &user.sid]), &order, request, (read, cursor))?)
        }
        LookUp::Address(address) => {
            let order = Order::by_sid("m.conversation_sid", Some("m.position_added"));
            let select = select(OF_ADDRESS);
            Ok(page(tx, (&select, &[service, address]), &order, request, (read, cursor))?)
        }
    }
}

/// Where the operation stands.
pub fn operations() -> Vec<Operation> {
    vec![Operation::list("/ParticipantConversations", Paged::new("conversations", 50), list)]
}
