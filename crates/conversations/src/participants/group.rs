//! Group MMS: what holds among the bound participants of one conversation. A conversation is a group
//! once a participant has an address without a proxy address, or a projected address.
//! Pure: records in, a set of addresses or a problem out.

use std::collections::BTreeSet;

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

/// Twilio's least number of participants in a group that begins at once.
const GROUP_BEGINS: usize = 3;

/// Whether these participants may begin a conversation together: nobody comes twice, and a group is
/// whole: at least three, each reached by telephone, and an address on either side.
pub fn require_together(participants: &[Participant]) -> Result<(), Problem> {
    if is_group(participants) {
        let bindings: Vec<&Binding> = participants.iter().filter_map(|one| one.binding.as_ref()).collect();
        let is_whole = bindings.len() == participants.len()
            && bindings.len() >= GROUP_BEGINS
            && bindings.iter().any(|binding| binding.address.is_some())
            && bindings.iter().any(|b| b.proxy_address.is_some() || b.projected_address.is_some());
        if !is_whole {
            return Err(Problem::GROUP_ACTIVATION_FAILED);
        }
        if comes_twice(bindings.iter().filter_map(|binding| binding.address.as_ref()))
            || comes_twice(participants.iter().filter_map(|one| {
                let projected = one.binding.as_ref()?.projected_address.as_ref()?;
                Some((projected, one.identity.as_ref()))
            }))
        {
            return Err(Problem::GROUP_PARTICIPANT_EXISTS);
        }
    }
    if comes_twice(participants.iter().filter_map(|one| one.identity.as_ref())) {
        return Err(Problem::PARTICIPANT_ALREADY_EXISTS);
    }
    if comes_twice(participants.iter().filter_map(|one| {
        let binding = one.binding.as_ref()?;
        Some((binding.address.as_ref()?, binding.proxy_address.as_ref()?))
    })) {
        return Err(Problem::ADDRESS_PAIRS_IN_USE);
    }
    Ok(())
}

fn comes_twice<T: Ord>(things: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    !things.into_iter().all(|thing| seen.insert(thing))
}

/// Whether `new` may stand beside `bound`, the bound participants that are there; `count` is how many
/// participants there would be in all.
pub fn admit(
    bound: &[Participant],
    new: &Participant,
    count: i64,
    limits: crate::Limits,
) -> Result<(), Problem> {
    if let Some(binding) = &new.binding {
        require_apart(bound, binding)?;
    }
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

/// What holds in every conversation: a number is somebody's address or stands in for somebody, not both;
/// and an e-mail address, which has no pair to be claimed, stands there once.
fn require_apart(bound: &[Participant], new: &Binding) -> Result<(), Problem> {
    let there = || bound.iter().filter_map(|participant| participant.binding.as_ref());
    let crosses =
        |one: &Binding, other: &Binding| one.address.is_some() && one.address == other.projected_address;
    if there().any(|other| crosses(new, other) || crosses(other, new)) {
        return Err(Problem::ADDRESS_EQUALS_PROXY_ADDRESS);
    }
    let is_email = |binding: &Binding| binding.kind == wire::Channel::Email.name();
    if is_email(new) && there().any(|other| is_email(other) && other.address == new.address) {
        return Err(Problem::PARTICIPANT_ALREADY_EXISTS);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::kind::Described;
    use super::*;

    /// `alice`, `+1` (a phone alone), `+1/+2` (with a proxy), `>+2` (projected), `alice>+2` (with an identity).
    fn participant(described: &str) -> Participant {
        let (name, projected) = match described.split_once('>') {
            Some((name, projected)) => (Some(name).filter(|name| !name.is_empty()), Some(projected)),
            None => (Some(described), None),
        };
        let (name, proxy_address) = match name.and_then(|name| name.split_once('/')) {
            Some((address, proxy)) => (Some(address), Some(proxy)),
            None => (name, None),
        };
        let is_address = name.is_some_and(|name| name.starts_with('+'));
        let (address, identity) = if is_address { (name, None) } else { (None, name) };
        let described = Described { identity, address, proxy_address, projected_address: projected };
        let now = Timestamp::from_micros(0);
        Participant {
            sid: Sid::from_bytes([0; 16]),
            account_sid: Sid::from_bytes([0; 16]),
            chat_service_sid: Sid::from_bytes([0; 16]),
            conversation_sid: Sid::from_bytes([0; 16]),
            identity: identity.map(str::to_owned),
            user_sid: None,
            attributes: Attributes::default(),
            binding: described.binding().expect("it is one"),
            role_sid: None,
            last_read_message_index: None,
            last_read_timestamp: None,
            date_created: now,
            date_updated: now,
            position_added: 0,
            position_changed: 0,
        }
    }

    fn told(described: &str) -> String {
        let participants: Vec<Participant> = described.split_whitespace().map(participant).collect();
        require_together(&participants)
            .err()
            .map_or_else(|| "ok".to_owned(), |problem| problem.code.to_string())
    }

    #[test]
    fn who_may_begin_a_conversation_together() {
        let table = [
            ("", "ok"),
            ("alice", "ok"),
            ("alice bob", "ok"),
            ("alice alice", "50433"),
            ("alice +15550001/+15559999", "ok"),
            ("+15550001/+15559999 +15550002/+15559999", "ok"),
            ("+15550001/+15559999 +15550001/+15559998", "ok"),
            ("+15550001/+15559999 bob +15550001/+15559999", "50425"),
            // A group: too few, a chat participant without a number, nobody on one of the sides.
            ("+15550001", "50435"),
            ("+15550001 alice>+15559999", "50435"),
            ("+15550001 +15550002 alice", "50435"),
            ("+15550001 +15550002 +15550003", "50435"),
            (">+15559999 alice>+15559998 bob>+15559997", "50435"),
            ("+15550001 +15550002 alice>+15559999", "ok"),
            ("+15550001 +15550002 >+15559999", "ok"),
            ("+15550001 +15550002/+15559999 +15550003", "ok"),
            ("+15550001 alice>+15559999 bob>+15559999", "ok"),
            // A group: nobody is in it twice.
            ("+15550001 +15550001 >+15559999", "50437"),
            ("+15550001 +15550001/+15559998 >+15559999", "50437"),
            ("+15550001 >+15559999 >+15559999", "50437"),
            ("+15550001 alice>+15559999 alice>+15559999", "50437"),
            ("+15550001 alice>+15559999 alice>+15559998", "50433"),
        ];
        for (described, expected) in table {
            assert_eq!(told(described), expected, "{described}");
        }
    }
}
