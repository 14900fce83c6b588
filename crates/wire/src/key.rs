//! What stands in a path where a sid is expected: the sid, or a name in its place.

use std::fmt;

use crate::sid::{Prefix, Sid};

/// One segment of a path, told apart once.
///
/// Both readings never fit: unique names and identities that look like a sid are refused when they are given.
pub enum Key<R> {
    /// The sid.
    Sid(Sid<R>),
    /// A unique name, an identity or an address.
    Name(String),
}

impl<R: Prefix> Key<R> {
    /// What looks like a sid is one, everything else is a name.
    pub fn parse(segment: &str) -> Self {
        Sid::parse(segment).map_or_else(|| Self::Name(segment.to_owned()), Self::Sid)
    }
}

impl<R> Clone for Key<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Sid(sid) => Self::Sid(*sid),
            Self::Name(name) => Self::Name(name.clone()),
        }
    }
}

impl<R> PartialEq for Key<R> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sid(a), Self::Sid(b)) => a == b,
            (Self::Name(a), Self::Name(b)) => a == b,
            _ => false,
        }
    }
}

impl<R> Eq for Key<R> {}

impl<R> fmt::Debug for Key<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sid(sid) => f.debug_tuple("Sid").field(sid).finish(),
            Self::Name(name) => f.debug_tuple("Name").field(name).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct User;
    impl Prefix for User {
        const PREFIX: &'static str = "US";
    }

    #[test]
    fn tells_a_sid_from_a_name() {
        let sid = "US00112233445566778899aabbccddeeff";
        assert_eq!(Key::<User>::parse(sid), Key::Sid(Sid::parse(sid).unwrap()));
        for name in ["alice", "", "US71", "CH00112233445566778899aabbccddeeff", "+15551234567"] {
            assert_eq!(Key::<User>::parse(name), Key::Name(name.to_owned()));
        }
    }
}
