//! How participants go, alone or many at once.

use super::addresses::{bound, free_pair, shrink_set};
use crate::events::{self, Cause, EventType};
use crate::heads::{self, Head};
use crate::memberships::{self, Membership};
use crate::prelude::*;
use crate::tombstones::{self, Kind};

/// The memberships that a deletion ends at once; a conversation with more leaves them to housekeeping.
const AT_ONCE: i64 = 50;

const CHAT_MEMBERS: &str = "WHERE conversation_sid = $1 AND user_sid IS NOT NULL ORDER BY sid LIMIT $2";

/// Removes a participant of a locked conversation and counts it out of the head, which the caller
/// writes back. Messages stay.
pub fn remove(
    tx: &mut Tx<'_>,
    cause: &Cause<'_>,
    head: &mut Head,
    participant: &Participant,
) -> Result<(), Failure> {
    if let Some(user) = participant.user_sid {
        tx.lock(&memberships::roots(user, head.sid))?;
        if let Some(membership) = memberships::find(tx, user, head.sid)? {
            memberships::end(tx, &membership)?;
        }
    }
    if participant.binding.is_some() {
        free_pair(tx, participant)?;
        let before = bound(tx, head)?;
        let after: Vec<Participant> =
            before.iter().filter(|other| other.sid != participant.sid).cloned().collect();
        shrink_set(tx, head, (&before, &after))?;
    }
    let stone = (Kind::Participant, participant.sid.as_bytes(), None);
    let position = head.advance();
    tombstones::leave(tx, (head.sid.as_bytes(), position), stone)?;
    head.participants -= 1;
    head.non_chat_participants -= i64::from(participant.identity.is_none());
    head.bound_participants -= i64::from(participant.binding.is_some());
    tx.remove(participant)?;
    events::of_participant(tx, cause, EventType::ParticipantRemoved, participant)
}

/// Takes a user out of the conversations of these memberships.
pub fn leave_all(tx: &mut Tx<'_>, cause: &Cause<'_>, memberships: &[Membership]) -> Result<(), Failure> {
    let mut roots = Roots::none();
    for membership in memberships {
        roots.push(Conversation::root(membership.conversation_sid));
        roots.push(User::root(membership.user_sid));
    }
    tx.lock(&roots)?;
    for membership in memberships {
        let there = heads::of_account(tx, cause.account_sid, membership.conversation_sid)?;
        let participant =
            super::find(tx, membership.conversation_sid, &Key::Sid(membership.participant_sid))?;
        match (there, participant) {
            (Some(mut head), Some(participant)) => {
                remove(tx, cause, &mut head, &participant)?;
                heads::replace_after_participant(tx, &head)?;
            }
            // The conversation is gone, and its rows with it or soon.
            _ => memberships::end(tx, membership)?,
        }
    }
    Ok(())
}

/// Ends the memberships of a conversation that is going, where they are few.
pub fn end_memberships(tx: &mut Tx<'_>, head: &Head) -> Result<(), Failure> {
    if head.participants - head.non_chat_participants > AT_ONCE {
        return Ok(());
    }
    end_some(tx, head.sid, AT_ONCE).map(|_| ())
}

/// Removes some chat participants of a conversation that is out of sight, with their memberships;
/// tells how many there were.
pub fn end_some(tx: &mut Tx<'_>, conversation: Sid<Conversation>, limit: i64) -> Result<usize, Failure> {
    let members: Vec<Participant> = tx.list(CHAT_MEMBERS, &[&conversation, &limit])?;
    let mut roots = Roots::one(Conversation::root(conversation));
    for user in members.iter().filter_map(|member| member.user_sid) {
        roots.push(User::root(user));
    }
    tx.lock(&roots)?;
    for member in &members {
        if let Some(user) = member.user_sid
            && let Some(membership) = memberships::find(tx, user, conversation)?
        {
            memberships::end(tx, &membership)?;
        }
        tx.remove(member)?;
    }
    Ok(members.len())
}
