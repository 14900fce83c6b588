//! Group MMS: what holds among the bound participants of one conversation. A conversation is a group
//! once a participant has an address without a proxy address, or a projected address.
//! Pure: records in, a set of addresses or a problem out.

use super::kind::Binding;
use crate::prelude::*;

/// Twilio's limit of participants in a group.
const GROUP_SIZE: i64 = 10;

/// Whether these participants make their conversation a group MMS.
pub fn is_group(participants: &[Participant]) -> bool {
    participants.iter().filter_map(|participant| participant.binding.as_ref()).any(Binding::is_of_group)
}

/// What a group is known by: its addresses, sorted. None where there is no group, or where a single
/// address does not make one yet.
pub fn address_set(bound: &[Participant]) -> Option<Vec<String>> {
    if !is_group(bound) {
        return None;
    }
    let mut set: Vec<String> = bound
        .iter()
        .filter_map(|participant| participant.binding.as_ref())
        .flat_map(|binding| [&binding.address, &binding.projected_address])
        .flatten()
        .cloned()
        .collect();
    set.sort();
    set.dedup();
    (set.len() > 1).then_some(set)
}

/// Whether `new` may stand beside `bound`, the bound participants that are there; `count` is how many
/// participants there would be in all.
pub fn admit(
    bound: &[Participant],
    new: &Participant,
    count: i64,
    limits: crate::Limits,
) -> Result<(), Problem> {
    let is_already = is_group(bound);
    let becomes = new.binding.as_ref().is_some_and(Binding::is_of_group);
    if !is_already && !becomes {
        return Ok(());
    }
    let Some(binding) = &new.binding else {
        return Err(Problem::PROJECTED_ADDRESS_NOT_PROVIDED);
    };
    let stands_there = bound.iter().any(|other| {
        let Some(there) = &other.binding else { return false };
        let same_address = binding.address.is_some() && binding.address == there.address;
        let same_projected = binding.projected_address.is_some()
            && binding.projected_address == there.projected_address
            && new.identity == other.identity;
        same_address || same_projected
    });
    if stands_there {
        return Err(Problem::GROUP_PARTICIPANT_EXISTS);
    }
    if count > limits.count(GROUP_SIZE) {
        return Err(Problem::GROUP_LIMIT_EXCEEDED);
    }
    Ok(())
}
