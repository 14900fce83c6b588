//! What users of the client SDK may do: the permissions of their role in the service, and within a conversation
//! those of their participant's role there besides.
//!
//! Roles are read in the transaction that acts on them, for they may change at any time. The account and the
//! server may do everything, and are asked nothing.

use crate::prelude::*;
use crate::roles::Permissions;

/// Each thing that a role may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    AddNonChatParticipant,
    AddParticipant,
    CreateConversation,
    DeleteAnyMessage,
    DeleteConversation,
    DeleteOwnMessage,
    EditAnyMessage,
    EditAnyMessageAttributes,
    EditAnyParticipantAttributes,
    EditAnyUserInfo,
    EditConversationAttributes,
    EditConversationName,
    EditNotificationLevel,
    EditOwnMessage,
    EditOwnMessageAttributes,
    EditOwnParticipantAttributes,
    EditOwnUserInfo,
    JoinConversation,
    LeaveConversation,
    ReadChannelMetadata,
    RemoveParticipant,
    SendMediaMessage,
    SendMessage,
}

/// What whoever calls may do where it wants to do something.
pub struct Standing {
    /// None for those whom no role binds.
    allowed: Option<Vec<Permissions>>,
    participant_sid: Option<Sid<Participant>>,
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl Permission {
    /// As roles name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddNonChatParticipant => "addNonChatParticipant",
            Self::AddParticipant => "addParticipant",
            Self::CreateConversation => "createConversation",
            Self::DeleteAnyMessage => "deleteAnyMessage",
            Self::DeleteConversation => "deleteConversation",
            Self::DeleteOwnMessage => "deleteOwnMessage",
            Self::EditAnyMessage => "editAnyMessage",
            Self::EditAnyMessageAttributes => "editAnyMessageAttributes",
            Self::EditAnyParticipantAttributes => "editAnyParticipantAttributes",
            Self::EditAnyUserInfo => "editAnyUserInfo",
            Self::EditConversationAttributes => "editConversationAttributes",
            Self::EditConversationName => "editConversationName",
            Self::EditNotificationLevel => "editNotificationLevel",
            Self::EditOwnMessage => "editOwnMessage",
            Self::EditOwnMessageAttributes => "editOwnMessageAttributes",
            Self::EditOwnParticipantAttributes => "editOwnParticipantAttributes",
            Self::EditOwnUserInfo => "editOwnUserInfo",
            Self::JoinConversation => "joinConversation",
            Self::LeaveConversation => "leaveConversation",
            Self::ReadChannelMetadata => "readChannelMetadata",
            Self::RemoveParticipant => "removeParticipant",
            Self::SendMediaMessage => "sendMediaMessage",
            Self::SendMessage => "sendMessage",
        }
    }

    /// The names of these.
    pub const fn names<const N: usize>(of: [Self; N]) -> [&'static str; N] {
        let mut names = [""; N];
        let mut at = 0;
        while at < N {
            names[at] = of[at].name();
            at += 1;
        }
        names
    }
}

impl Standing {
    const UNBOUND: Self = Self { allowed: None, participant_sid: None };

    /// Whether it is allowed: by the role in the service, or by the one in the conversation.
    pub fn may(&self, permission: Permission) -> bool {
        let Some(allowed) = &self.allowed else { return true };
        allowed.iter().any(|role| role.contains(permission))
    }

    /// Refuses what is not allowed.
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        if self.may(permission) { Ok(()) } else { Err(Problem::USER_NOT_AUTHORIZED) }
    }

    /// Refuses what is allowed with neither: of what is one's own, and of everybody's.
    pub fn require_own_or_any(&self, is_own: bool, own: Permission, any: Permission) -> Result<(), Problem> {
        if is_own && self.may(own) { Ok(()) } else { self.require(any) }
    }

    /// Whether the user takes part in the conversation.
    pub fn is_member(&self) -> bool {
        self.allowed.is_none() || self.participant_sid.is_some()
    }

    /// As whom the user takes part.
    pub fn participant_sid(&self) -> Option<Sid<Participant>> {
        self.participant_sid
    }

    /// Whether this participant is the user.
    pub fn is(&self, participant: &Participant) -> bool {
        self.participant_sid == Some(participant.sid)
    }

    /// Refuses who does not take part.
    pub fn require_member(&self) -> Result<(), Problem> {
        if self.is_member() { Ok(()) } else { Err(Problem::USER_NOT_PARTICIPANT) }
    }
}

/// Refuses a client's form that says any of these, which are not a client's to say.
pub fn refuse(call: &Call, form: &Form, names: &[&str], problem: Problem) -> Result<(), Problem> {
    let is_refused = call.client().is_some() && names.iter().any(|name| form.says(name));
    if is_refused { Err(problem) } else { Ok(()) }
}

/// Refuses a client what is another user's.
pub fn require_self(call: &Call, user: Sid<User>) -> Result<(), Problem> {
    let is_own = call.client().is_none_or(|client| client.user_sid == user);
    if is_own { Ok(()) } else { Err(Problem::USER_NOT_AUTHORIZED) }
}

// Storage ────────────────────────────────────────────────────────────────────

const OF_USER: &str = "SELECT r.permissions FROM users u JOIN roles r \
     ON r.chat_service_sid = u.chat_service_sid AND r.sid = u.role_sid \
     WHERE u.chat_service_sid = $1 AND u.sid = $2";
// The conversation that leads it has been found under its tenant. What a user of this identity has left behind who was
// deleted is nobody's.
const OF_PARTICIPANT: &str = "SELECT p.sid, r.permissions FROM participants p LEFT JOIN roles r \
     ON r.chat_service_sid = p.chat_service_sid AND r.sid = p.role_sid \
     WHERE p.conversation_sid = $1 AND p.identity = $2 AND p.user_sid = $3";

// Operations: within a transaction ───────────────────────────────────────────

/// What whoever calls may do in the service.
pub fn in_service(tx: &mut Tx<'_>, call: &Call) -> Result<Standing, Failure> {
    let Some(client) = call.client() else { return Ok(Standing::UNBOUND) };
    let role = tx.row(OF_USER, &[&call.service_sid, &client.user_sid], one)?;
    Ok(Standing { allowed: Some(vec![role.ok_or(Problem::USER_NOT_FOUND)?]), participant_sid: None })
}

/// What whoever calls may do in a conversation of the service, taking part in it or not.
pub fn in_conversation(
    tx: &mut Tx<'_>,
    call: &Call,
    conversation: Sid<Conversation>,
) -> Result<Standing, Failure> {
    let mut standing = in_service(tx, call)?;
    let (Some(client), Some(allowed)) = (call.client(), &mut standing.allowed) else { return Ok(standing) };
    let read = |row: &mut Row<'_>| Ok((row.next()?, row.next()?));
    let found: Option<(Sid<Participant>, Option<Permissions>)> =
        tx.row(OF_PARTICIPANT, &[&conversation, &client.identity, &client.user_sid], read)?;
    if let Some((participant, role)) = found {
        standing.participant_sid = Some(participant);
        allowed.extend(role);
    }
    Ok(standing)
}

/// The same of one who must take part: everybody else is refused.
pub fn of_member(tx: &mut Tx<'_>, call: &Call, conversation: Sid<Conversation>) -> Result<Standing, Failure> {
    let standing = in_conversation(tx, call, conversation)?;
    standing.require_member()?;
    Ok(standing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(participant: Option<u8>, allowed: &[&str]) -> Standing {
        let role = Permissions::from_cell(Cell::Text(&allowed.join("\n"))).expect("text");
        Standing {
            allowed: Some(vec![role]),
            participant_sid: participant.map(|byte| Sid::from_bytes([byte; 16])),
        }
    }

    #[test]
    fn whom_no_role_binds_takes_part_and_may_do_everything() {
        assert_eq!(Standing::UNBOUND.require_member(), Ok(()));
        assert_eq!(Standing::UNBOUND.require(Permission::DeleteConversation), Ok(()));
    }

    #[test]
    fn what_is_ones_own_needs_either_permission_and_what_is_not_the_larger_one() {
        let (own, any) = (Permission::EditOwnMessage, Permission::EditAnyMessage);
        let refused = Err(Problem::USER_NOT_AUTHORIZED);
        for (allowed, of_own, of_others) in [
            ("sendMessage", refused.clone(), refused.clone()),
            ("editOwnMessage", Ok(()), refused.clone()),
            ("editAnyMessage", Ok(()), Ok(())),
        ] {
            let standing = standing(Some(1), &[allowed]);
            assert_eq!(standing.require_own_or_any(true, own, any), of_own, "{allowed}");
            assert_eq!(standing.require_own_or_any(false, own, any), of_others, "{allowed}");
        }
    }

    #[test]
    fn a_permission_of_the_service_makes_nobody_take_part() {
        let outside = standing(None, &["sendMessage"]);
        assert_eq!(outside.require_member(), Err(Problem::USER_NOT_PARTICIPANT));
        assert!(outside.may(Permission::SendMessage) && !outside.may(Permission::AddParticipant));
        assert_eq!(standing(Some(1), &[]).require_member(), Ok(()));
    }
}
