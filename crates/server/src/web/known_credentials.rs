//! Credentials that were read lately, so that a request does not cost a look into the store.
//!
//! An entry is good for a second; while one request reads it again, the others use it for one second
//! more. So a rotated token acts within two seconds on every node, and at once on the node that rotated
//! it ([`forget`](KnownCredentials::forget)). So do another default service of an account and its lists of
//! senders, and whether it streams events, which stand in the entries too ([`forget_account`](KnownCredentials::forget_account)). A sid that nobody has is remembered like the others, and
//! the number of entries is bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use conversations::credentials::Credentials;
use conversations::{Account, ApiKey};
use wire::Sid;

/// Who signs in. Anything else is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Username {
    /// An account, with one of its auth tokens.
    Account(Sid<Account>),
    /// An API key, with its secret.
    ApiKey(Sid<ApiKey>),
}

impl Username {
    /// None where it cannot be anybody's.
    pub fn parse(text: &str) -> Option<Self> {
        Sid::parse(text).map(Self::Account).or_else(|| Sid::parse(text).map(Self::ApiKey))
    }

    /// The sid as it is printed.
    pub fn text(&self) -> String {
        match self {
            Self::Account(sid) => sid.to_string(),
            Self::ApiKey(sid) => sid.to_string(),
        }
    }
}

const FRESH: Duration = Duration::from_secs(1);
const USABLE: Duration = Duration::from_secs(2);
const CAPACITY: usize = 10_000;

/// The entries, by who signs in.
#[derive(Default)]
pub struct KnownCredentials(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    by_username: HashMap<Username, Entry>,
    /// Counts what was forgotten, so that a read that began before is not kept after.
    generation: u64,
}

struct Entry {
    credentials: Option<Arc<Credentials>>,
    read_at: Instant,
    is_being_read: bool,
}

/// What is known of somebody.
pub enum Known {
    /// These are the credentials; none where nobody has the sid.
    Yes(Option<Arc<Credentials>>),
    /// Read them, and [`keep`](KnownCredentials::keep) them with this.
    No(Reading),
}

/// A read that has begun.
pub struct Reading {
    username: Username,
    generation: u64,
    began: Instant,
}

impl KnownCredentials {
    /// Looks somebody up.
    pub fn get(&self, username: Username, now: Instant) -> Known {
        let mut entries = self.entries();
        let generation = entries.generation;
        if let Some(entry) = entries.by_username.get_mut(&username) {
            let age = now.saturating_duration_since(entry.read_at);
            if age < FRESH || (age < USABLE && entry.is_being_read) {
                return Known::Yes(entry.credentials.clone());
            }
            entry.is_being_read = true;
        }
        Known::No(Reading { username, generation, began: now })
    }

    /// Remembers what was read, unless something was forgotten meanwhile.
    pub fn keep(&self, reading: &Reading, credentials: Option<Arc<Credentials>>) {
        let mut entries = self.entries();
        if entries.generation != reading.generation {
            return;
        }
        if entries.by_username.len() >= CAPACITY && !entries.by_username.contains_key(&reading.username) {
            entries.make_room(reading.began);
        }
        let entry = Entry { credentials, read_at: reading.began, is_being_read: false };
        entries.by_username.insert(reading.username, entry);
    }

    /// Drops what is known of somebody whose credentials have changed.
    pub fn forget(&self, username: Username) {
        let mut entries = self.entries();
        entries.generation += 1;
        entries.by_username.remove(&username);
    }

    /// Drops what is known of everybody who signs in for an account, because the account has changed.
    pub fn forget_account(&self, sid: Sid<Account>) {
        let is_of_another = |credentials: &Arc<Credentials>| credentials.account_sid != sid;
        let mut entries = self.entries();
        entries.generation += 1;
        entries.by_username.retain(|_, entry| entry.credentials.as_ref().is_none_or(is_of_another));
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        self.entries().by_username.len()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// First the old go, then the unknown sids, which somebody may be making up.
    fn make_room(&mut self, now: Instant) {
        self.by_username.retain(|_, entry| now.saturating_duration_since(entry.read_at) < USABLE);
        if self.by_username.len() >= CAPACITY {
            self.by_username.retain(|_, entry| entry.credentials.is_some());
        }
        if self.by_username.len() >= CAPACITY {
            self.by_username.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stopwatch;

    fn account(number: u128) -> Username {
        Username::Account(Sid::from_bytes(number.to_be_bytes()))
    }

    fn reading(known: Known) -> Option<Reading> {
        match known {
            Known::Yes(_) => None,
            Known::No(reading) => Some(reading),
        }
    }

    #[test]
    fn an_entry_is_read_again_after_a_second_by_one_request_and_by_all_after_two() {
        let (known, start) = (KnownCredentials::default(), stopwatch::start());
        let at = |millis| start + Duration::from_millis(millis);
        let first = reading(known.get(account(1), at(0))).expect("nothing is known yet");
        known.keep(&first, None);
        assert!(reading(known.get(account(1), at(999))).is_none());
        let second = reading(known.get(account(1), at(1_000))).expect("it is old");
        assert!(reading(known.get(account(1), at(1_500))).is_none(), "another request reads it");
        assert!(reading(known.get(account(1), at(2_000))).is_some(), "it is too old to be used");
        known.keep(&second, None);
        assert!(reading(known.get(account(1), at(1_999))).is_none());
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let (known, now) = (KnownCredentials::default(), stopwatch::start());
        let before = reading(known.get(account(1), now)).expect("nothing is known yet");
        known.forget(account(1));
        known.keep(&before, None);
        assert!(reading(known.get(account(1), now)).is_some());
    }

    #[test]
    fn made_up_sids_do_not_fill_the_memory() {
        let (known, now) = (KnownCredentials::default(), stopwatch::start());
        for number in 0..25_000 {
            let reading = reading(known.get(account(number), now)).expect("it is new");
            known.keep(&reading, None);
        }
        assert!(known.count() <= CAPACITY);
    }

    #[test]
    fn a_username_is_a_sid_in_either_case() {
        let lower = Username::parse("AC00112233445566778899aabbccddeeff");
        assert_eq!(lower, Username::parse("AC00112233445566778899AABBCCDDEEFF"));
        assert!(matches!(lower, Some(Username::Account(_))));
        let key = Username::parse("SK00112233445566778899aabbccddeeff");
        assert_eq!(key.map(|key| key.text()).as_deref(), Some("SK00112233445566778899aabbccddeeff"));
        assert_eq!(Username::parse("admin"), None);
    }
}
