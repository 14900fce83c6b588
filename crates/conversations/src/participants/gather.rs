//! How a new conversation gets its first participants: all of them, or none.

use super::addresses::{move_set, take_pairs};
use super::group::require_together;
use super::join::{CreateParticipant, count_in, hold_role};
use crate::conversations::Shown;
use crate::events::{self, EventType};
use crate::prelude::*;
use crate::{memberships, users};

/// The users whom the service knows already among those described, locked all at once: a root that is
/// asked for later runs the whole job anew.
pub fn lock_users(
    tx: &mut Tx<'_>,
    service: &Service,
    forms: &[CreateParticipant],
) -> Result<Vec<User>, Failure> {
    let mut known = Vec::new();
    let mut roots = Roots::none();
    for identity in forms.iter().filter_map(CreateParticipant::identity) {
        if let Some(user) = users::find(tx, service.sid, &Key::Name(identity.to_owned()))? {
            roots.push(User::root(user.sid));
            known.push(user);
        }
    }
    tx.lock(&roots)?;
    Ok(known)
}

/// Adds all participants to a conversation that nobody else has seen yet, and counts them in its head,
/// which the caller inserts. `known` are the users that exist, locked.
///
/// Whoever takes several claims takes them in one order (new identities, then pairs, then the set of a
/// group, each sorted), so that two who want the same do not wait for each other.
pub fn gather(
    tx: &mut Tx<'_>,
    call: &Call,
    (service, shown): (&Service, &mut Shown),
    (forms, known): (&[CreateParticipant], Vec<User>),
) -> Result<(), Failure> {
    let Shown { conversation, head } = shown;
    let now = tx.now();
    let mut participants: Vec<Participant> =
        forms.iter().map(|form| Participant::new(call, service, head, form, now)).collect();
    require_together(&participants)?;
    for form in forms {
        hold_role(tx, call, form)?;
    }
    let is_bound = participants.iter().any(|participant| participant.binding.is_some());
    if is_bound && conversation.messaging_service_sid.is_none() {
        return Err(Problem::NO_MESSAGING_SERVICE.into());
    }
    for participant in &participants {
        call.owned.require_binding(participant.binding.as_ref())?;
    }
    find_users(tx, call, service, (&mut participants, known))?;
    take_pairs(tx, &participants)?;
    move_set(tx, head, (&[], &participants))?;
    for participant in &mut participants {
        count_in(head, participant);
        tx.append(participant)?;
        if let Some(user) = participant.user_sid {
            memberships::begin(tx, user, participant)?;
        }
        events::of_participant(tx, &call.cause(), EventType::ParticipantAdded, participant)?;
    }
    Ok(())
}

/// Gives each identity its user, made where the service does not know it.
fn find_users(
    tx: &mut Tx<'_>,
    call: &Call,
    service: &Service,
    (participants, known): (&mut [Participant], Vec<User>),
) -> Result<(), Failure> {
    let mut chat: Vec<&mut Participant> =
        participants.iter_mut().filter(|participant| participant.identity.is_some()).collect();
    chat.sort_by(|one, other| one.identity.cmp(&other.identity));
    for participant in chat {
        let Some(identity) = &participant.identity else { continue };
        let user = match known.iter().find(|user| user.identity == *identity) {
            Some(user) => user.sid,
            None => users::find_or_create(tx, call, service, identity)?.sid,
        };
        memberships::require_room(tx, call, user)?;
        participant.user_sid = Some(user);
    }
    Ok(())
}
