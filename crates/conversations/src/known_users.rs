//! Known users: which user an identity was last, so that a write whose path names a user by the identity can say
//! beforehand which root it will lock.
//!
//! It is a guess and decides nothing: an operation asks in its transaction whether the identity is still that user's,
//! and a guess that is wrong, or that nobody has made yet, costs one more run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use wire::{Key, Sid};

use crate::services::Service;
use crate::users::User;

/// What is remembered at most; then it begins anew.
const CAPACITY: usize = 10_000;

type Entries = HashMap<(Sid<Service>, String), Sid<User>>;

/// Who was which user last, in all services.
#[derive(Default)]
pub struct KnownUsers(Mutex<Entries>);

impl KnownUsers {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, service: Sid<Service>, identity: &str) -> Option<Sid<User>> {
        self.entries().get(&(service, identity.to_owned())).copied()
    }

    fn remember(&self, service: Sid<Service>, identity: &str, user: Sid<User>) {
        let mut entries = self.entries();
        if entries.len() >= CAPACITY {
            entries.clear();
        }
        entries.insert((service, identity.to_owned()), user);
    }
}

/// What one call guesses: the same for as long as it lasts, whatever is remembered meanwhile. What it has declared
/// and what it asks for would differ otherwise.
#[derive(Clone, Default)]
pub struct Guess {
    known: Arc<KnownUsers>,
    user: OnceLock<Option<Sid<User>>>,
}

impl Guess {
    /// From what is known.
    pub fn new(known: &Arc<KnownUsers>) -> Self {
        Self { known: Arc::clone(known), user: OnceLock::new() }
    }

    /// Which user the path of the call may name.
    pub(crate) fn user(&self, service: Sid<Service>, key: &Key<User>) -> Option<Sid<User>> {
        match key {
            Key::Sid(sid) => Some(*sid),
            Key::Name(identity) => *self.user.get_or_init(|| self.known.find(service, identity)),
        }
    }

    /// Whom it names indeed.
    pub(crate) fn remember(&self, service: Sid<Service>, key: &Key<User>, user: Sid<User>) {
        if let Key::Name(identity) = key {
            self.known.remember(service, identity, user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_guesses_once_and_what_is_remembered_is_bounded() {
        let known = Arc::<KnownUsers>::default();
        let service = Sid::from_bytes([1; 16]);
        let (first, alice) = (Guess::new(&known), Key::Name("alice".to_owned()));
        assert_eq!(first.user(service, &alice), None);
        first.remember(service, &alice, Sid::from_bytes([2; 16]));
        assert_eq!(first.user(service, &alice), None);
        assert_eq!(Guess::new(&known).user(service, &alice), Some(Sid::from_bytes([2; 16])));
        assert_eq!(Guess::new(&known).user(Sid::from_bytes([9; 16]), &alice), None);
        for number in 0..=CAPACITY {
            first.remember(service, &Key::Name(number.to_string()), Sid::from_bytes([3; 16]));
        }
        assert!(known.entries().len() <= CAPACITY);
    }
}
