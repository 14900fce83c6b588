//! What was said once already: a program that tries a host a thousand times is told of it once.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Beyond these nothing more is said.
const HOSTS: usize = 200;

/// The hosts that something was said of.
#[derive(Default)]
pub struct Told(Mutex<HashSet<String>>);

impl Told {
    /// Whether this is the first that is said of `host`.
    pub fn is_first(&self, host: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < HOSTS && told.insert(host.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_told_of_once_and_so_many_hosts_at_all() {
        let told = Told::default();
        assert!(told.is_first("a") && told.is_first("b") && !told.is_first("a"));
        for number in 0..2 * HOSTS {
            told.is_first(&number.to_string());
        }
        assert!(!told.is_first("another"));
    }
}
