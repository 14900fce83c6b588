//! What may happen in a history. Everything is named by small numbers, so that histories shrink.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;

/// Where: a service of an account.
pub const PLACES: usize = 3;
/// Who.
pub const PEOPLE: [&str; 3] = ["ann", "bob", "cy"];
/// Unique names.
pub const NAMES: [&str; 2] = ["red", "blue"];
/// Address and proxy address.
pub const PAIRS: [(&str, &str); 2] = [("+15550000001", "+15559999999"), ("+15550000002", "+15559999999")];
/// States in the order of their numbers.
pub const STATES: [&str; 3] = ["active", "inactive", "closed"];

/// A conversation: the n-th that was made at a place, asked for at a place that need not be the same.
#[derive(Clone, Copy, Debug)]
pub struct Of {
    pub asked_at: usize,
    pub made_at: usize,
    pub number: usize,
}

/// What an update does to a unique name.
#[derive(Clone, Copy, Debug)]
pub enum Rename {
    Keep,
    Clear,
    To(usize),
}

#[derive(Clone, Debug)]
pub enum Operation {
    CreateConversation { at: usize, name: Option<usize>, state: Option<usize> },
    UpdateConversation { of: Of, name: Rename, state: Option<usize> },
    DeleteConversation { of: Of },
    FetchConversation { of: Of },
    ListConversations { at: usize, state: Option<usize> },
    AddPerson { of: Of, who: usize },
    AddPhone { of: Of, pair: usize },
    RemovePerson { of: Of, who: usize },
    ReadUpTo { of: Of, who: usize, index: Option<i64> },
    ListParticipants { of: Of },
    Say { of: Of, author: Option<usize> },
    Unsay { of: Of, number: usize },
    ListMessages { of: Of, newest_first: bool },
    CreateUser { at: usize, who: usize },
    DeleteUser { at: usize, who: usize },
    FetchUserConversation { of: Of, who: usize },
    ListUserConversations { at: usize, who: usize },
    LeaveConversation { of: Of, who: usize },
}

fn of() -> impl Strategy<Value = Of> {
    // Mostly where it was made, now and then elsewhere.
    (0..PLACES, 0..6_usize, 0..8_usize).prop_map(|(made_at, number, stray)| {
        let asked_at = if stray == 0 { (made_at + 1) % PLACES } else { made_at };
        Of { asked_at, made_at, number }
    })
}

fn maybe(limit: usize) -> impl Strategy<Value = Option<usize>> {
    (0..limit * 2).prop_map(move |number| (number < limit).then_some(number))
}

/// Up to `length` operations; every list begins with some conversations to meet in.
pub fn history(length: usize) -> impl Strategy<Value = Vec<Operation>> {
    use Operation::*;
    let who = 0..PEOPLE.len();
    let operation = prop_oneof![
        3 => (0..PLACES, maybe(2), maybe(3)).prop_map(|(at, name, state)| CreateConversation { at, name, state }),
        2 => (of(), 0..5_usize, maybe(3)).prop_map(|(of, name, state)| {
            let name = match name {
                name @ (0 | 1) => Rename::To(name),
                2 => Rename::Clear,
                _ => Rename::Keep,
            };
            UpdateConversation { of, name, state }
        }),
        1 => of().prop_map(|of| DeleteConversation { of }),
        1 => of().prop_map(|of| FetchConversation { of }),
        2 => (0..PLACES, maybe(3)).prop_map(|(at, state)| ListConversations { at, state }),
        6 => (of(), who.clone()).prop_map(|(of, who)| AddPerson { of, who }),
        3 => (of(), 0..PAIRS.len()).prop_map(|(of, pair)| AddPhone { of, pair }),
        2 => (of(), who.clone()).prop_map(|(of, who)| RemovePerson { of, who }),
        3 => (of(), who.clone(), -1..6_i64).prop_map(|(of, who, index)| {
            ReadUpTo { of, who, index: Some(index).filter(|index| *index < 5) }
        }),
        1 => of().prop_map(|of| ListParticipants { of }),
        6 => (of(), maybe(3)).prop_map(|(of, author)| Say { of, author }),
        2 => (of(), 0..4_usize).prop_map(|(of, number)| Unsay { of, number }),
        1 => (of(), any::<bool>()).prop_map(|(of, newest_first)| ListMessages { of, newest_first }),
        1 => (0..PLACES, who.clone()).prop_map(|(at, who)| CreateUser { at, who }),
        1 => (0..PLACES, who.clone()).prop_map(|(at, who)| DeleteUser { at, who }),
        3 => (of(), who.clone()).prop_map(|(of, who)| FetchUserConversation { of, who }),
        1 => (0..PLACES, who.clone()).prop_map(|(at, who)| ListUserConversations { at, who }),
        1 => (of(), who).prop_map(|(of, who)| LeaveConversation { of, who }),
    ];
    vec(operation, 1..length)
}
