//! Lanes: what keeps its order, by a key that says whom it concerns.

use crate::conversation_webhooks::Webhook;
use crate::prelude::*;

/// What an event belongs to, whose order it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Conversation(Sid<Conversation>),
    User(Sid<User>),
}

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKey {
    /// The webhook of the account.
    Account(Sid<Account>),
    /// The webhook of a service.
    Service(Sid<Service>),
    /// A webhook of a conversation.
    Webhook(Sid<Webhook>),
}

/// One target and one subject: a letter and 16 bytes of each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey(Vec<u8>);

const HALF: usize = 17;

impl Subject {
    /// The conversation, where it is one.
    pub fn conversation(self) -> Option<Sid<Conversation>> {
        match self {
            Self::Conversation(sid) => Some(sid),
            Self::User(_) => None,
        }
    }
}

impl TargetKey {
    /// What it is, and its sid, in words.
    pub fn words(self) -> (&'static str, String) {
        match self {
            Self::Account(sid) => ("account", sid.to_string()),
            Self::Service(sid) => ("service", sid.to_string()),
            Self::Webhook(sid) => ("webhook", sid.to_string()),
        }
    }
}

impl LaneKey {
    /// Before all others.
    pub const FIRST: Self = Self(Vec::new());

    pub fn new(target: TargetKey, subject: Subject) -> Self {
        let (of_subject, subject) = match subject {
            Subject::Conversation(sid) => (b'c', *sid.as_bytes()),
            Subject::User(sid) => (b'u', *sid.as_bytes()),
        };
        let mut key = Self::half_of(target);
        key.push(of_subject);
        key.extend(subject);
        Self(key)
    }

    /// Somebody who is told, or asked, without any order.
    pub fn of_target(target: TargetKey) -> Self {
        Self(Self::half_of(target))
    }

    /// What all lanes of a target begin with.
    pub(super) fn half_of(target: TargetKey) -> Vec<u8> {
        let (of_target, target) = match target {
            TargetKey::Account(sid) => (b'a', *sid.as_bytes()),
            TargetKey::Service(sid) => (b's', *sid.as_bytes()),
            TargetKey::Webhook(sid) => (b'w', *sid.as_bytes()),
        };
        let mut key = Vec::with_capacity(2 * HALF);
        key.push(of_target);
        key.extend(target);
        key
    }

    /// As it is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whose order it keeps.
    pub fn subject(&self) -> Option<Subject> {
        let (kind, sid) = self.half(1)?;
        match kind {
            b'c' => Some(Subject::Conversation(Sid::from_bytes(sid))),
            b'u' => Some(Subject::User(Sid::from_bytes(sid))),
            _ => None,
        }
    }

    /// Who is told.
    pub fn target(&self) -> Option<TargetKey> {
        let (kind, sid) = self.half(0)?;
        match kind {
            b'a' => Some(TargetKey::Account(Sid::from_bytes(sid))),
            b's' => Some(TargetKey::Service(Sid::from_bytes(sid))),
            b'w' => Some(TargetKey::Webhook(Sid::from_bytes(sid))),
            _ => None,
        }
    }

    fn half(&self, number: usize) -> Option<(u8, [u8; 16])> {
        let half = self.0.get(number * HALF..(number + 1) * HALF)?;
        let (kind, sid) = half.split_first()?;
        Some((*kind, sid.try_into().ok()?))
    }
}

/// Of all tenants: for who is alone with the store.
const FREE_ALL: &str = "UPDATE lanes SET leased_until = 0 WHERE leased_until > 0";

/// Lets every lane go.
pub fn free_all(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.put(FREE_ALL, &[])
}

impl Value for LaneKey {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(&self.0)
    }
}

impl Column for LaneKey {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        Vec::from_cell(cell).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_whom_it_concerns() {
        let (conversation, user) = (Sid::from_bytes([1; 16]), Sid::from_bytes([2; 16]));
        for target in [
            TargetKey::Account(Sid::from_bytes([3; 16])),
            TargetKey::Service(Sid::from_bytes([4; 16])),
            TargetKey::Webhook(Sid::from_bytes([5; 16])),
        ] {
            for subject in [Subject::Conversation(conversation), Subject::User(user)] {
                let key = LaneKey::new(target, subject);
                assert_eq!((key.target(), key.subject()), (Some(target), Some(subject)));
                assert_eq!(LaneKey::from_cell(key.cell()), Some(key));
            }
        }
        assert_eq!(LaneKey(vec![1, 2]).subject(), None);
    }
}
