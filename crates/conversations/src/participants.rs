//! Participants: who takes part in a conversation, by chat or over a channel.

mod addresses;
mod changes;
mod gather;
mod group;
mod join;
mod kind;
mod leave;
mod update;

pub use addresses::{bound, free_addresses};
pub use changes::{changed, some, users};
pub use gather::{gather, lock_users};
pub use group::is_group;
pub use join::{CreateParticipant, add};
pub use kind::Binding;
pub use leave::{end_memberships, end_some, leave_all, remove};
pub use update::{LARGEST_INDEX, ReadHorizon, UpdateParticipant, set_read_horizon};

use store::Opening;

use crate::permissions::{self, Permission};
use crate::prelude::*;
use crate::{heads, services};

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the columns.
#[derive(Clone, Debug)]
pub struct Participant {
    pub sid: Sid<Participant>,
    pub account_sid: Sid<Account>,
    pub chat_service_sid: Sid<Service>,
    pub conversation_sid: Sid<Conversation>,
    pub identity: Option<String>,
    pub user_sid: Option<Sid<User>>,
    pub attributes: Attributes,
    /// Four columns: `binding_type`, `address`, `proxy_address`, `projected_address`.
    pub binding: Option<Binding>,
    pub role_sid: Option<Sid<Role>>,
    pub last_read_message_index: Option<i64>,
    pub last_read_timestamp: Option<Timestamp>,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
    /// Positions of the conversation.
    pub position_added: i64,
    pub position_changed: i64,
}

impl Participant {
    /// Whether it is a phone of a group MMS.
    // Twilio: such a one has no role; every other kind has (examples of the public description).
    pub fn is_group_phone(&self) -> bool {
        self.binding.as_ref().is_some_and(|binding| binding.is_of_group() && binding.address.is_some())
    }

    /// Whether messages go out to it: it has an address and is not reached by chat. A projected address
    /// is a number of our own, with nobody behind it.
    pub fn is_reached_by_channel(&self) -> bool {
        self.identity.is_none() && self.binding.as_ref().is_some_and(|binding| binding.address.is_some())
    }
}

impl Prefix for Participant {
    const PREFIX: &'static str = "MB";
}

impl Serialize for Participant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            sid: &'a Sid<Participant>,
            account_sid: &'a Sid<Account>,
            conversation_sid: &'a Sid<Conversation>,
            identity: &'a Option<String>,
            attributes: &'a Attributes,
            messaging_binding: &'a Option<Binding>,
            role_sid: &'a Option<Sid<Role>>,
            date_created: &'a Timestamp,
            date_updated: &'a Timestamp,
            last_read_message_index: &'a Option<i64>,
            last_read_timestamp: &'a Option<Timestamp>,
        }
        Fields {
            sid: &self.sid,
            account_sid: &self.account_sid,
            conversation_sid: &self.conversation_sid,
            identity: &self.identity,
            attributes: &self.attributes,
            messaging_binding: &self.binding,
            role_sid: &self.role_sid,
            date_created: &self.date_created,
            date_updated: &self.date_updated,
            last_read_message_index: &self.last_read_message_index,
            last_read_timestamp: &self.last_read_timestamp,
        }
        .serialize(serializer)
    }
}

impl Resource for Participant {
    const NAMES_SERVICE: bool = true;

    fn url(&self, call: &Call) -> String {
        call.service_url(format_args!("/Conversations/{}/Participants/{}", self.conversation_sid, self.sid))
    }
}

// Storage ────────────────────────────────────────────────────────────────────

/// The columns of a participant without a binding.
static UNBOUND: Option<String> = None;

impl Record for Participant {
    const TABLE: &'static str = "participants";
    const KEY: &'static [&'static str] = &["conversation_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, chat_service_sid, conversation_sid, identity, user_sid, \
         attributes, binding_type, address, proxy_address, projected_address, role_sid, \
         last_read_message_index, last_read_timestamp, date_created, date_updated, position_added, \
         position_changed";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        let [kind, address, proxy_address, projected_address]: [&dyn Value; 4] = match &self.binding {
            Some(binding) =>
                [&binding.kind, &binding.address, &binding.proxy_address, &binding.projected_address],
            None => [&UNBOUND, &UNBOUND, &UNBOUND, &UNBOUND],
        };
        vec![&self.sid, &self.account_sid, &self.chat_service_sid, &self.conversation_sid, &self.identity,
             &self.user_sid, &self.attributes, kind, address, proxy_address, projected_address,
             &self.role_sid, &self.last_read_message_index, &self.last_read_timestamp, &self.date_created,
             &self.date_updated, &self.position_added, &self.position_changed]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, chat_service_sid: row.next()?,
            conversation_sid: row.next()?, identity: row.next()?, user_sid: row.next()?,
            attributes: row.next()?, binding: read_binding(row)?, role_sid: row.next()?,
            last_read_message_index: row.next()?, last_read_timestamp: row.next()?,
            date_created: row.next()?, date_updated: row.next()?, position_added: row.next()?,
            position_changed: row.next()?,
        })
    }
}

fn read_binding(row: &mut Row<'_>) -> Result<Option<Binding>, StoreError> {
    let kind: Option<String> = row.next()?;
    let (address, proxy_address, projected_address) = (row.next()?, row.next()?, row.next()?);
    Ok(kind.map(|kind| Binding { kind, address, proxy_address, projected_address }))
}

// The conversation that leads each of these has been found under its tenant.
const BY_SID: &str = "WHERE conversation_sid = $1 AND sid = $2";
const BY_IDENTITY: &str = "WHERE conversation_sid = $1 AND identity = $2";
const OF_CONVERSATION: &str = "WHERE conversation_sid = $1";
// The same of a conversation that is still to be found there.
const IN_SERVICE_BY_SID: &str = "WHERE conversation_sid = (SELECT sid FROM conversation_heads \
     WHERE chat_service_sid = $1 AND sid = $2) AND sid = $3";
const IN_SERVICE_BY_IDENTITY: &str = "WHERE conversation_sid = (SELECT sid FROM conversation_heads \
     WHERE chat_service_sid = $1 AND sid = $2) AND identity = $3";

// Operations: one transaction each ───────────────────────────────────────────

/// The participant that a sid or an identity says, of this conversation.
pub fn find(
    tx: &mut Tx<'_>,
    conversation: Sid<Conversation>,
    key: &Key<Participant>,
) -> Result<Option<Participant>, StoreError> {
    match key {
        Key::Sid(sid) => tx.find(BY_SID, &[&conversation, sid]),
        Key::Name(identity) => tx.find(BY_IDENTITY, &[&conversation, identity]),
    }
}

/// The participant of the path, or 404.
pub fn of_path(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    conversation: Sid<Conversation>,
) -> Result<Participant, Failure> {
    let found = find(tx, conversation, &path.key("ParticipantSid"))?;
    Ok(found.ok_or_else(|| call.lacks(Problem::PARTICIPANT_NOT_FOUND))?)
}

fn create(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    form: &CreateParticipant,
) -> Result<Participant, Failure> {
    let service = services::of_call(tx, call)?;
    let mut head = heads::lock(tx, call, path)?;
    let form = join::allowed(tx, call, (&service, &head), form)?;
    head.require_open()?;
    let participant = add(tx, call, (&service, &mut head), &form)?;
    heads::replace_after_participant(tx, &head)?;
    Ok(participant)
}

/// The participant of a conversation that the path names by its sid, in one look. Of what is not there, the looks
/// one by one tell what it is.
fn find_in_service(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Option<Participant>, StoreError> {
    let Key::Sid(conversation) = path.key::<Conversation>("ConversationSid") else { return Ok(None) };
    match path.key("ParticipantSid") {
        Key::Sid::<Participant>(sid) => tx.find(IN_SERVICE_BY_SID, &[&call.service_sid, &conversation, &sid]),
        Key::Name(identity) => {
            tx.find(IN_SERVICE_BY_IDENTITY, &[&call.service_sid, &conversation, &identity])
        }
    }
}

/// What [`fetch`] reads where everything is there and the path names the conversation by its sid.
fn look(call: &Call, path: &Path) -> Vec<Opening> {
    let Key::Sid(conversation) = path.key::<Conversation>("ConversationSid") else { return Vec::new() };
    let below = |tail| Opening::of::<Participant>(tail).with(&call.service_sid).with(&conversation);
    let participant = match path.key::<Participant>("ParticipantSid") {
        Key::Sid(sid) => below(IN_SERVICE_BY_SID).with(&sid),
        Key::Name(identity) => below(IN_SERVICE_BY_IDENTITY).with(&identity),
    };
    services::look(call).into_iter().chain([participant]).collect()
}

fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Participant, Failure> {
    services::require(tx, call)?;
    if let Some(participant) = find_in_service(tx, call, path)? {
        permissions::of_member(tx, call, participant.conversation_sid)?;
        return Ok(participant);
    }
    let head = heads::fetch(tx, call, path)?;
    permissions::of_member(tx, call, head.sid)?;
    of_path(tx, call, path, head.sid)
}

fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    _: &NoParameters,
    request: &PageRequest,
) -> Result<Page<Participant>, Failure> {
    services::require(tx, call)?;
    let head = heads::fetch(tx, call, path)?;
    permissions::of_member(tx, call, head.sid)?;
    let order = Order::ascending("position_added", None);
    let cursor = |one: &Participant| Cursor { at: one.position_added, sid: *one.sid.as_bytes() };
    Ok(list_records(tx, (OF_CONVERSATION, &[&head.sid]), &order, request, cursor)?)
}

/// Closed or not: whoever is in a closed conversation may still be taken out of it.
fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    services::require(tx, call)?;
    let mut head = heads::lock(tx, call, path)?;
    let standing = permissions::of_member(tx, call, head.sid)?;
    let participant = of_path(tx, call, path, head.sid)?;
    standing.require(if standing.is(&participant) {
        Permission::LeaveConversation
    } else {
        Permission::RemoveParticipant
    })?;
    remove(tx, &call.cause(), &mut head, &participant)?;
    heads::replace_after_participant(tx, &head)?;
    Ok(())
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Conversations/{ConversationSid}/Participants";
    const ONE: &str = "/Conversations/{ConversationSid}/Participants/{ParticipantSid}";
    vec![
        Operation::list(LIST, Paged::new("participants", 100), list).for_clients(),
        Operation::create(LIST, create).for_clients(),
        Operation::fetch_opening(ONE, look, fetch).for_clients(),
        Operation::update(ONE, update::update).for_clients(),
        Operation::delete(ONE, delete).for_clients(),
    ]
}
