//! The addresses that participants hold against the rest of the account: pairs, and the set of a group.

use super::group::address_set;
use crate::claims::{self, Claim};
use crate::heads::{self, Head, State};
use crate::prelude::*;

const BOUND: &str = "WHERE conversation_sid = $1 AND binding_type IS NOT NULL ORDER BY position_added";

/// The participants that have a messaging binding. Asks nothing where the head counts none.
pub fn bound(tx: &mut Tx<'_>, head: &Head) -> Result<Vec<Participant>, StoreError> {
    if head.bound_participants == 0 {
        return Ok(Vec::new());
    }
    tx.list(BOUND, &[&head.sid])
}

/// Frees every address that the conversation holds: it was closed, or is going.
pub fn free_addresses(tx: &mut Tx<'_>, head: &Head) -> Result<(), StoreError> {
    let bound = bound(tx, head)?;
    for participant in &bound {
        free_pair(tx, participant)?;
    }
    free_set(tx, head, &bound)
}

/// Takes the pair of a participant, or names the conversation that has it. One whose conversation is
/// gone with its service has not been freed yet, and is taken over.
pub fn take_pair(tx: &mut Tx<'_>, participant: &Participant) -> Result<(), Failure> {
    let Some(claim) = pair(participant) else { return Ok(()) };
    match claims::take(tx, &claim, participant.conversation_sid)? {
        None => Ok(()),
        Some(owner) => take_over(tx, (&claim, participant), owner, Problem::binding_exists),
    }
}

/// Takes the pairs of participants who come together, in sorted order, or tells that one is taken.
pub fn take_pairs(tx: &mut Tx<'_>, participants: &[Participant]) -> Result<(), Failure> {
    let mut claims: Vec<(Claim, &Participant)> =
        participants.iter().filter_map(|one| pair(one).map(|claim| (claim, one))).collect();
    claims.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (claim, participant) in &claims {
        if let Some(owner) = claims::take(tx, claim, participant.conversation_sid)? {
            take_over(tx, (claim, participant), owner, |_| Problem::ADDRESS_PAIRS_IN_USE)?;
        }
    }
    Ok(())
}

/// Whose the pair is, where it is taken.
pub fn pair_owner(
    tx: &mut Tx<'_>,
    participant: &Participant,
) -> Result<Option<Sid<Conversation>>, StoreError> {
    match pair(participant) {
        Some(claim) => claims::owner(tx, &claim),
        None => Ok(None),
    }
}

/// Frees the pair of a participant.
pub fn free_pair(tx: &mut Tx<'_>, participant: &Participant) -> Result<(), StoreError> {
    match pair(participant) {
        Some(claim) => claims::free(tx, &claim, participant.conversation_sid),
        None => Ok(()),
    }
}

/// Follows the group from the bound participants `before` to those `after`. Where the new set is
/// another conversation's, `after` is refused.
pub fn move_set(
    tx: &mut Tx<'_>,
    head: &Head,
    (before, after): (&[Participant], &[Participant]),
) -> Result<(), Failure> {
    if address_set(before) == address_set(after) {
        return Ok(());
    }
    if let (Some(set), Some(participant)) = (address_set(after), after.first()) {
        let claim = Claim::address_set(participant.account_sid, &set);
        if let Some(owner) = claims::take(tx, &claim, head.sid)?.filter(|owner| *owner != head.sid) {
            take_over(tx, (&claim, participant), owner, Problem::group_exists)?;
        }
    }
    Ok(free_set(tx, head, before)?)
}

/// Follows the group where nothing may be refused: a set that is another's is left to it.
pub fn shrink_set(
    tx: &mut Tx<'_>,
    head: &Head,
    (before, after): (&[Participant], &[Participant]),
) -> Result<(), StoreError> {
    if address_set(before) == address_set(after) {
        return Ok(());
    }
    free_set(tx, head, before)?;
    if head.state != State::Closed
        && let (Some(set), Some(participant)) = (address_set(after), after.first())
    {
        let _ = claims::take(tx, &Claim::address_set(participant.account_sid, &set), head.sid)?;
    }
    Ok(())
}

fn free_set(tx: &mut Tx<'_>, head: &Head, bound: &[Participant]) -> Result<(), StoreError> {
    if let (Some(set), Some(participant)) = (address_set(bound), bound.first()) {
        claims::free(tx, &Claim::address_set(participant.account_sid, &set), head.sid)?;
    }
    Ok(())
}

fn pair(participant: &Participant) -> Option<Claim> {
    let binding = participant.binding.as_ref()?;
    let (address, proxy) = (binding.address.as_ref()?, binding.proxy_address.as_ref()?);
    Some(Claim::address_pair(participant.account_sid, address, proxy))
}

fn take_over(
    tx: &mut Tx<'_>,
    (claim, participant): (&Claim, &Participant),
    owner: Sid<Conversation>,
    refusal: fn(&str) -> Problem,
) -> Result<(), Failure> {
    let is_free = heads::of_account(tx, participant.account_sid, owner)?.is_none()
        && claims::take_over(tx, claim, participant.conversation_sid, owner)?;
    if is_free { Ok(()) } else { Err(refusal(&owner.to_string()).into()) }
}
