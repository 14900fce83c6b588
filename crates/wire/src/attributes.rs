//! Attributes: a JSON text of the customer's, which we carry and never look into.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Serialize, Serializer};

use crate::problem::Problem;

/// A JSON text kept byte for byte: spaces, order of keys, duplicate keys and all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attributes(Cow<'static, str>);

impl Attributes {
    /// Checks what a caller sends: its length in bytes, and that it is JSON.
    pub fn parse(text: &str, max_bytes: usize) -> Result<Self, Problem> {
        if text.len() > max_bytes {
            return Err(Problem::ATTRIBUTES_TOO_LONG);
        }
        // `IgnoredAny` builds nothing, does not recurse and converts no number, so that neither a pile of
        // brackets nor 1e400 can hurt.
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(IgnoredAny) => Ok(Self(Cow::Owned(text.to_owned()))),
            Err(_) => Err(Problem::ATTRIBUTES_NOT_JSON),
        }
    }

    /// Takes what was checked before it was stored.
    pub fn stored(text: String) -> Self {
        Self(Cow::Owned(text))
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Attributes {
    fn default() -> Self {
        Self(Cow::Borrowed("{}"))
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_text_byte_for_byte() {
        for text in [
            "{}",
            "{ \"topic\": \"feedback\" }",
            "{\"a\":1,\"a\":2}",
            "[1e400, -0, 123456789012345678901234567890]",
            "\"\\ud800\"",
            "null",
            " 1 ",
        ] {
            let attributes = Attributes::parse(text, 64).unwrap();
            assert_eq!(attributes.as_str(), text);
            let json = serde_json::to_string(&attributes).unwrap();
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", " ", "{\"a\":", "{} {}", "{'a':1}", "nul", "\u{feff}{}", "[1,]", "\"\n\""] {
            assert_eq!(Attributes::parse(text, 64), Err(Problem::ATTRIBUTES_NOT_JSON), "{text}");
        }
    }

    #[test]
    fn the_limit_counts_bytes_and_belongs_to_the_allowed() {
        let text = "\"\u{e9}\"";
        assert!(Attributes::parse(text, 4).is_ok());
        assert_eq!(Attributes::parse(text, 3), Err(Problem::ATTRIBUTES_TOO_LONG));
    }

    #[test]
    fn a_pile_of_brackets_does_not_overflow_the_stack() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(Attributes::parse(&deep, usize::MAX).is_ok());
        let open = "{\"a\":".repeat(100_000);
        assert_eq!(Attributes::parse(&open, usize::MAX), Err(Problem::ATTRIBUTES_NOT_JSON));
    }

    #[test]
    fn nothing_given_is_an_empty_object() {
        assert_eq!(Attributes::default().as_str(), "{}");
        assert_eq!(Attributes::default(), Attributes::stored("{}".to_owned()));
    }
}
