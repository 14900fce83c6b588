//! How a participant changes: what it is reached by, what it may do, what it has read.

use super::addresses::{bound, free_pair, move_set, take_pair};
use super::group::admit;
use super::join::ATTRIBUTES_LENGTH;
use super::kind::Binding;
use crate::events::{self, Cause, EventType};
use crate::heads::{self, Head};
use crate::permissions::{self, Permission};
use crate::prelude::*;
use crate::roles::{self, RoleType};
use crate::{memberships, participants, services, users};

/// What a client may not say of a participant. How far it has read itself, it says of its own conversations.
const NOT_OF_CLIENTS: [&str; 7] = [
    "Identity",
    "MessagingBinding.ProxyAddress",
    "MessagingBinding.ProjectedAddress",
    "LastReadMessageIndex",
    "LastReadTimestamp",
    "DateCreated",
    "DateUpdated",
];

/// The largest index that a JavaScript client reads without loss.
pub const LARGEST_INDEX: i64 = (1 << 53) - 1;

// Form parameters ────────────────────────────────────────────────────────────

/// A value that the literal `null`, in any case, or an empty text takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    Keep,
    Clear,
    Set(T),
}

#[derive(Clone, Debug)]
pub struct UpdateParticipant {
    identity: Option<String>,
    attributes: Option<Attributes>,
    proxy_address: Change<String>,
    projected_address: Change<String>,
    role_sid: Option<Sid<Role>>,
    horizon: ReadHorizon,
    date_created: Option<Timestamp>,
    date_updated: Option<Timestamp>,
}

/// How far somebody has read.
#[derive(Clone, Debug)]
pub struct ReadHorizon {
    pub index: Change<i64>,
    pub timestamp: Change<Timestamp>,
}

impl<T> Change<T> {
    /// Reads a parameter. python drops what is None, so a caller writes `null`; node sends nothing.
    fn of<E>(text: Option<&str>, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<Self, E> {
        match text {
            None => Ok(Self::Keep),
            Some(text) if text.is_empty() || text.eq_ignore_ascii_case("null") => Ok(Self::Clear),
            Some(text) => parse(text).map(Self::Set),
        }
    }

    fn is_kept(&self) -> bool {
        matches!(self, Self::Keep)
    }

    fn over(self, present: Option<T>) -> Option<T> {
        match self {
            Self::Keep => present,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl ReadHorizon {
    /// `LastReadMessageIndex` and `LastReadTimestamp`, wherever they stand.
    pub fn from_form(form: &Form) -> Result<Self, Problem> {
        let index = |text: &str| match text.parse::<i64>() {
            Ok(index) if index <= LARGEST_INDEX && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(index)
            }
            _ => Err(Problem::INVALID_LAST_READ_MESSAGE_INDEX),
        };
        let timestamp =
            |text: &str| Timestamp::parse(text).ok_or(Problem::INVALID_LAST_CONSUMPTION_TIMESTAMP);
        Ok(Self {
            index: Change::of(form.get("LastReadMessageIndex"), index)?,
            timestamp: Change::of(form.get("LastReadTimestamp"), timestamp)?,
        })
    }

    /// As far as a message, now.
    pub fn at(index: i64) -> Self {
        Self { index: Change::Set(index), timestamp: Change::Keep }
    }

    /// Whether nothing is said of it.
    pub fn is_kept(&self) -> bool {
        self.index.is_kept() && self.timestamp.is_kept()
    }

    /// An index without a time was read now; one taken away takes the time with it.
    fn apply(&self, participant: &mut Participant, now: Timestamp) {
        let Self { index, timestamp } = self.clone();
        let timestamp = match (&index, timestamp) {
            (Change::Set(_), Change::Keep) => Change::Set(now),
            (Change::Clear, Change::Keep) => Change::Clear,
            (_, given) => given,
        };
        participant.last_read_message_index = index.over(participant.last_read_message_index);
        participant.last_read_timestamp = timestamp.over(participant.last_read_timestamp);
    }
}

impl FromForm for UpdateParticipant {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        permissions::refuse(call, form, &["RoleSid"], Problem::USER_UNAUTHORIZED_TO_SET_ROLE)?;
        permissions::refuse(call, form, &NOT_OF_CLIENTS, Problem::USER_NOT_AUTHORIZED)?;
        let attributes = |text| Attributes::parse(text, call.limits.limit(ATTRIBUTES_LENGTH));
        let text = |text: &str| Ok::<_, Problem>(text.to_owned());
        let identity = match form.get("Identity") {
            None => None,
            Some("") => return Err(Problem::IDENTITY_NOT_ADDED),
            Some(identity) => Some(users::parse_identity(call, identity)?),
        };
        Ok(Self {
            identity,
            attributes: form.get("Attributes").map(attributes).transpose()?,
            proxy_address: Change::of(form.get("MessagingBinding.ProxyAddress"), text)?,
            projected_address: Change::of(form.get("MessagingBinding.ProjectedAddress"), text)?,
            role_sid: form.sid("RoleSid", Problem { status: 400, ..Problem::ROLE_NOT_FOUND })?,
            horizon: ReadHorizon::from_form(form)?,
            date_created: form.timestamp("DateCreated", Problem::INVALID_DATE_CREATED)?,
            date_updated: form.timestamp("DateUpdated", Problem::INVALID_DATE_UPDATED)?,
        })
    }
}

impl UpdateParticipant {
    fn is_empty(&self) -> bool {
        let Self {
            identity,
            attributes,
            proxy_address,
            projected_address,
            role_sid,
            horizon,
            date_created,
            date_updated,
        } = self;
        identity.is_none()
            && attributes.is_none()
            && proxy_address.is_kept()
            && projected_address.is_kept()
            && role_sid.is_none()
            && horizon.is_kept()
            && date_created.is_none()
            && date_updated.is_none()
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl Participant {
    /// The binding after the projected address was changed as asked.
    fn with_projected_address(&self, change: &Change<String>) -> Result<Option<Binding>, Problem> {
        let projected = self.binding.as_ref().and_then(|binding| binding.projected_address.as_ref());
        match (change, &self.binding) {
            (Change::Keep, binding) => Ok(binding.clone()),
            // One that has nothing else would be nobody.
            (Change::Clear, _) if projected.is_none() || self.identity.is_none() => {
                Err(Problem::PROJECTED_ADDRESS_NOT_REMOVED)
            }
            (Change::Clear, _) => Ok(None),
            (Change::Set(_), Some(_)) => Err(Problem::PROJECTED_ADDRESS_NOT_ADDED),
            (Change::Set(address), None) => Binding::projected(address).map(Some),
        }
    }

    /// The binding after the proxy address was changed as asked. One that is there is never replaced:
    /// not even by itself.
    fn with_proxy_address(&self, change: &Change<String>) -> Result<Option<Binding>, Problem> {
        match (change, self.binding.clone()) {
            (Change::Keep, binding) => Ok(binding),
            (Change::Clear, Some(binding)) if binding.proxy_address.is_some() && binding.may_lack_proxy() => {
                Ok(Some(Binding { proxy_address: None, ..binding }))
            }
            (Change::Clear, _) => Err(Problem::PROXY_ADDRESS_NOT_REMOVED),
            (Change::Set(proxy), Some(binding))
                if binding.address.is_some() && binding.proxy_address.is_none() =>
            {
                binding.with_proxy(proxy).map(Some)
            }
            (Change::Set(_), _) => Err(Problem::PROXY_ADDRESS_NOT_ADDED),
        }
    }

    /// Lets somebody take over a number that nobody speaks for yet.
    fn with_identity(&self, identity: Option<&String>) -> Result<Option<String>, Problem> {
        let Some(identity) = identity else { return Ok(self.identity.clone()) };
        let is_gateway = self.identity.is_none()
            && self.binding.as_ref().is_some_and(|binding| binding.projected_address.is_some());
        if is_gateway { Ok(Some(identity.clone())) } else { Err(Problem::IDENTITY_NOT_ADDED) }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

/// Nothing that a participant is found by, so that no index is written.
const SET_HORIZON: &str = "UPDATE participants SET last_read_message_index = $3, last_read_timestamp = $4, \
     date_updated = $5, position_changed = $6 WHERE conversation_sid = $1 AND sid = $2";

// Operations: one transaction each ───────────────────────────────────────────

pub fn update(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    form: &UpdateParticipant,
) -> Result<Participant, Failure> {
    services::require(tx, call)?;
    let mut head = heads::lock(tx, call, path)?;
    let standing = permissions::of_member(tx, call, head.sid)?;
    let before = participants::of_path(tx, call, path, head.sid)?;
    if form.attributes.is_some() {
        let (own, any) = (Permission::EditOwnParticipantAttributes, Permission::EditAnyParticipantAttributes);
        standing.require_own_or_any(standing.is(&before), own, any)?;
    }
    head.require_open()?;
    if form.is_empty() {
        return Ok(before);
    }
    if let Some(role) = form.role_sid {
        roles::hold(tx, call, role, (RoleType::Conversation, Problem::CONVERSATION_ROLE_NOT_FOUND))?;
    }
    let now = tx.now();
    let mut after = before.clone();
    after.binding = after.with_projected_address(&form.projected_address)?;
    after.binding = after.with_proxy_address(&form.proxy_address)?;
    after.identity = after.with_identity(form.identity.as_ref())?;
    after.attributes = form.attributes.clone().unwrap_or(after.attributes);
    after.role_sid = form.role_sid.or(after.role_sid);
    after.date_created = form.date_created.unwrap_or(after.date_created);
    after.date_updated = form.date_updated.unwrap_or(now);
    form.horizon.apply(&mut after, now);
    if after.role_sid.is_none() && !after.is_group_phone() {
        after.role_sid = Some(services::of_call(tx, call)?.default_conversation_role_sid);
    }
    if after.binding != before.binding {
        call.owned.require_binding(after.binding.as_ref())?;
    }
    if after.binding != before.binding || after.identity != before.identity {
        rebind(tx, call, &mut head, (&before, &mut after))?;
    }
    store(tx, &mut head, &mut after)?;
    if before.user_sid.is_some() && !form.horizon.is_kept() {
        copy_horizon(tx, &after)?;
    }
    heads::replace_after_participant(tx, &head)?;
    events::of_participant(tx, &call.cause(), EventType::ParticipantUpdated, &after)?;
    Ok(after)
}

/// Sets how far a participant has read: on its row, and on its user's copy.
pub fn set_read_horizon(
    tx: &mut Tx<'_>,
    cause: &Cause<'_>,
    (head, participant): (&mut Head, &mut Participant),
    horizon: &ReadHorizon,
) -> Result<(), Failure> {
    let now = tx.now();
    horizon.apply(participant, now);
    participant.date_updated = now;
    participant.position_changed = head.advance();
    let Participant { conversation_sid, sid, last_read_message_index: index, .. } = &*participant;
    let Participant { last_read_timestamp: at, date_updated, position_changed, .. } = &*participant;
    tx.put(SET_HORIZON, &[conversation_sid, sid, index, at, date_updated, position_changed])?;
    events::of_participant(tx, cause, EventType::ParticipantUpdated, participant)
}

fn store(tx: &mut Tx<'_>, head: &mut Head, participant: &mut Participant) -> Result<(), Failure> {
    participant.position_changed = head.advance();
    tx.replace(participant)?;
    Ok(())
}

fn copy_horizon(tx: &mut Tx<'_>, participant: &Participant) -> Result<(), Failure> {
    let Some(user) = participant.user_sid else { return Ok(()) };
    tx.lock(&memberships::roots(user, participant.conversation_sid))?;
    if let Some(membership) = memberships::find(tx, user, participant.conversation_sid)? {
        let last_read_message_index = participant.last_read_message_index;
        memberships::change(tx, memberships::Membership { last_read_message_index, ..membership })?;
    }
    Ok(())
}

/// Moves claims, counts and membership along with a changed binding or identity.
fn rebind(
    tx: &mut Tx<'_>,
    call: &Call,
    head: &mut Head,
    (before, after): (&Participant, &mut Participant),
) -> Result<(), Failure> {
    if after.identity != before.identity
        && let Some(identity) = &after.identity
    {
        if participants::find(tx, head.sid, &Key::Name(identity.clone()))?.is_some() {
            return Err(Problem::PARTICIPANT_ALREADY_EXISTS.into());
        }
        let service = services::of_call(tx, call)?;
        let user = users::find_or_create(tx, call, &service, identity)?;
        memberships::require_room(tx, call, user.sid)?;
        after.user_sid = Some(user.sid);
        head.non_chat_participants -= 1;
        memberships::begin(tx, user.sid, after)?;
    }
    let all = bound(tx, head)?;
    let others: Vec<Participant> = all.iter().filter(|other| other.sid != after.sid).cloned().collect();
    let binding = |participant: &Participant| i64::from(participant.binding.is_some());
    head.bound_participants += binding(after) - binding(before);
    let mut together = others.clone();
    if after.binding.is_some() {
        admit(&others, after, head.participants, call.limits)?;
        together.push(after.clone());
    }
    let pair = |participant: &Participant| {
        participant.binding.as_ref().and_then(|binding| binding.proxy_address.clone())
    };
    if pair(before) != pair(after) {
        free_pair(tx, before)?;
        take_pair(tx, after)?;
    }
    move_set(tx, head, (&all, &together))
}
