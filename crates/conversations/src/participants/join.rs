//! How somebody comes to take part.

use std::borrow::Cow;

use super::addresses::{bound, move_set, pair_owner, take_pair};
use super::group::admit;
use super::kind::{Binding, Described};
use super::remove;
use crate::events::{self, EventType};
use crate::heads::Head;
use crate::permissions::{self, Permission};
use crate::prelude::*;
use crate::roles::{self, RoleType};
use crate::{conversations, memberships, participants, users};

/// Twilio's limits of participants in a conversation.
const PARTICIPANTS: i64 = 1000;
const NON_CHAT_PARTICIPANTS: i64 = 50;
/// Bytes.
pub const ATTRIBUTES_LENGTH: usize = 4 * 1024;

/// A new participant of any kind.
#[derive(Clone, Debug)]
pub struct CreateParticipant {
    identity: Option<String>,
    binding: Option<Binding>,
    attributes: Option<Attributes>,
    role_sid: Option<Sid<Role>>,
    date_created: Option<Timestamp>,
    date_updated: Option<Timestamp>,
}

impl FromForm for CreateParticipant {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        permissions::refuse(call, form, &["RoleSid"], Problem::USER_UNAUTHORIZED_TO_SET_ROLE)?;
        permissions::refuse(call, form, &["DateCreated", "DateUpdated"], Problem::USER_NOT_AUTHORIZED)?;
        let described = Described {
            identity: form.get("Identity"),
            address: form.get("MessagingBinding.Address"),
            proxy_address: form.get("MessagingBinding.ProxyAddress"),
            projected_address: form.get("MessagingBinding.ProjectedAddress"),
        };
        let binding = described.binding()?;
        let identity = described.identity.filter(|identity| !identity.is_empty());
        let attributes = |text| Attributes::parse(text, call.limits.limit(ATTRIBUTES_LENGTH));
        Ok(Self {
            identity: identity.map(|identity| users::parse_identity(call, identity)).transpose()?,
            binding,
            attributes: form.get("Attributes").map(attributes).transpose()?,
            role_sid: form.sid("RoleSid", Problem { status: 400, ..Problem::ROLE_NOT_FOUND })?,
            date_created: form.timestamp("DateCreated", Problem::INVALID_DATE_CREATED)?,
            date_updated: form.timestamp("DateUpdated", Problem::INVALID_DATE_UPDATED)?,
        })
    }
}

impl CreateParticipant {
    /// Of a chat participant, or of one who speaks for a projected address.
    pub(super) fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }
}

impl Participant {
    /// Without a user, and at no position yet.
    pub(super) fn new(
        call: &Call,
        service: &Service,
        head: &Head,
        form: &CreateParticipant,
        now: Timestamp,
    ) -> Self {
        let CreateParticipant { identity, binding, attributes, role_sid, date_created, date_updated } = form;
        let date_created = date_created.unwrap_or(now);
        let mut participant = Self {
            sid: call.new_sid(now),
            account_sid: call.account_sid,
            chat_service_sid: service.sid,
            conversation_sid: head.sid,
            identity: identity.clone(),
            user_sid: None,
            attributes: attributes.clone().unwrap_or_default(),
            binding: binding.clone(),
            role_sid: *role_sid,
            last_read_message_index: None,
            last_read_timestamp: None,
            date_created,
            date_updated: date_updated.unwrap_or(date_created),
            position_added: 0,
            position_changed: 0,
        };
        if participant.role_sid.is_none() && !participant.is_group_phone() {
            participant.role_sid = Some(service.default_conversation_role_sid);
        }
        participant
    }
}

/// Judges whether whoever calls may add whom the form describes to a locked conversation. Whoever has made the
/// conversation joins it in the role of creators.
pub(super) fn allowed<'a>(
    tx: &mut Tx<'_>,
    call: &Call,
    (service, head): (&Service, &Head),
    form: &'a CreateParticipant,
) -> Result<Cow<'a, CreateParticipant>, Failure> {
    let Some(client) = call.client() else { return Ok(Cow::Borrowed(form)) };
    let standing = permissions::in_conversation(tx, call, head.sid)?;
    let is_self = form.identity.as_ref() == Some(&client.identity);
    let joins = is_self && !standing.is_member();
    if !joins {
        standing.require_member()?;
    }
    if form.identity.is_some() && !is_self {
        standing.require(Permission::AddParticipant)?;
    }
    if form.binding.is_some() {
        standing.require(Permission::AddNonChatParticipant)?;
    }
    if !joins {
        return Ok(Cow::Borrowed(form));
    }
    standing.require(Permission::JoinConversation)?;
    let conversation = conversations::of_head(tx, head)?;
    if !conversations::may_join(call, &standing, &conversation) {
        return Err(Problem::USER_NOT_AUTHORIZED.into());
    }
    if conversation.created_by != client.identity {
        return Ok(Cow::Borrowed(form));
    }
    let role_sid = Some(service.default_conversation_creator_role_sid);
    Ok(Cow::Owned(CreateParticipant { role_sid, ..form.clone() }))
}

/// Adds a participant to a locked, open conversation and counts it in the head, which the caller
/// writes back. Makes the user of an identity that the service does not know.
pub fn add(
    tx: &mut Tx<'_>,
    call: &Call,
    (service, head): (&Service, &mut Head),
    form: &CreateParticipant,
) -> Result<Participant, Failure> {
    hold_role(tx, call, form)?;
    let mut participant = Participant::new(call, service, head, form, tx.now());
    if participant.binding.is_some() {
        require_messaging_service(tx, head)?;
    }
    call.owned.require_binding(participant.binding.as_ref())?;
    let is_there = is_there(tx, call, head, &participant)?;
    let others = bound(tx, head)?;
    admit(&others, &participant, head.participants + 1, call.limits)?;
    if is_there {
        return Err(Problem::PARTICIPANT_ALREADY_EXISTS.into());
    }
    require_room(tx, call, head, &participant)?;
    // Claims in their order: identity, pair, set.
    if let Some(identity) = &participant.identity {
        let user = users::find_or_create(tx, call, service, identity)?;
        memberships::require_room(tx, call, user.sid)?;
        participant.user_sid = Some(user.sid);
    }
    take_pair(tx, &participant)?;
    let together = [others.as_slice(), std::slice::from_ref(&participant)].concat();
    move_set(tx, head, (&others, &together))?;
    count_in(head, &mut participant);
    if !tx.insert(&participant)? {
        return Err(Problem::PARTICIPANT_ALREADY_EXISTS.into());
    }
    if let Some(user) = participant.user_sid {
        memberships::begin(tx, user, &participant)?;
    }
    events::of_participant(tx, &call.cause(), EventType::ParticipantAdded, &participant)?;
    Ok(participant)
}

/// Makes sure of the role that is asked for, where one is.
pub(super) fn hold_role(tx: &mut Tx<'_>, call: &Call, form: &CreateParticipant) -> Result<(), Failure> {
    if let Some(role) = form.role_sid {
        roles::hold(tx, call, role, (RoleType::Conversation, Problem::CONVERSATION_ROLE_NOT_FOUND))?;
    }
    Ok(())
}

/// Gives a new participant the next position, and counts it.
pub(super) fn count_in(head: &mut Head, participant: &mut Participant) {
    participant.position_added = head.advance();
    participant.position_changed = participant.position_added;
    head.participants += 1;
    head.non_chat_participants += i64::from(participant.identity.is_none());
    head.bound_participants += i64::from(participant.binding.is_some());
}

/// Whoever is not reached by chat is reached through a messaging service.
fn require_messaging_service(tx: &mut Tx<'_>, head: &Head) -> Result<(), Failure> {
    match conversations::of_head(tx, head)?.messaging_service_sid {
        Some(_) => Ok(()),
        None => Err(Problem::NO_MESSAGING_SERVICE.into()),
    }
}

/// Whether the identity takes part already. What is left of a user that was deleted makes room.
fn is_there(tx: &mut Tx<'_>, call: &Call, head: &mut Head, new: &Participant) -> Result<bool, Failure> {
    let Some(identity) = &new.identity else { return Ok(false) };
    let key = Key::Name(identity.clone());
    let Some(there) = participants::find(tx, head.sid, &key)? else { return Ok(false) };
    let user = users::find(tx, call.service_sid, &Key::Name(identity.clone()))?;
    if user.is_some_and(|user| there.user_sid == Some(user.sid)) {
        return Ok(true);
    }
    remove(tx, &call.cause(), head, &there)?;
    Ok(false)
}

fn require_room(tx: &mut Tx<'_>, call: &Call, head: &Head, participant: &Participant) -> Result<(), Failure> {
    let is_full = head.participants >= call.limits.count(PARTICIPANTS);
    let is_non_chat = participant.identity.is_none();
    let is_full_of_phones =
        is_non_chat && head.non_chat_participants >= call.limits.count(NON_CHAT_PARTICIPANTS);
    if !is_full && !is_full_of_phones {
        return Ok(());
    }
    // A pair that is taken is the graver reason.
    if let Some(owner) = pair_owner(tx, participant)? {
        return Err(Problem::binding_exists(&owner.to_string()).into());
    }
    Err(if is_full {
        Problem::PARTICIPANT_LIMIT_EXCEEDED
    } else {
        Problem::NON_CHAT_PARTICIPANT_LIMIT_EXCEEDED
    }
    .into())
}
