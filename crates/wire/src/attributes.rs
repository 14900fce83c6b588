//! Attributes: a JSON text of the customer's, which we carry and never look into.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Serialize, Serializer};

use crate::problem::Problem;

/// The nesting that every reader of JSON can follow; some end at 128.
const MAX_DEPTH: usize = 100;

/// A JSON text kept byte for byte: spaces, order of keys, duplicate keys and all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attributes(Cow<'static, str>);

impl Attributes {
    /// Checks what a caller sends: its length in bytes, and that it is JSON which others can read too.
    pub fn parse(text: &str, max_bytes: usize) -> Result<Self, Problem> {
        if text.len() > max_bytes {
            return Err(Problem::ATTRIBUTES_TOO_LONG);
        }
        // `IgnoredAny` builds nothing, does not recurse and converts no number, so that neither a pile of
        // brackets nor 1e400 can hurt.
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(IgnoredAny) if depth(text) <= MAX_DEPTH => Ok(Self(Cow::Owned(text.to_owned()))),
            _ => Err(Problem::ATTRIBUTES_NOT_JSON),
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

/// How deep arrays and objects stand in one another, in a text that is JSON.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => depth += 1,
            b']' | b'}' if !is_text => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
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
    use proptest::prelude::*;

    use super::*;

    /// JSON as people may send it: spaces, numbers that are no floats, doubled keys, deep piles.
    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("1e400".to_owned()),
            Just("-0".to_owned()),
            "-?[1-9][0-9]{0,30}",
            r#""([a-z\u{e9}\u{1F600}]|\\\\|\\"|\\u[0-9a-f]{4}|\[|\}){0,6}""#,
        ];
        leaf.prop_recursive(108, 120, 3, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..3);
            let object = proptest::collection::vec(("[ab]", inner), 0..3);
            prop_oneof![
                list.prop_map(|items| format!("[ {} ]", items.join(" , "))),
                object.prop_map(|members| {
                    let members: Vec<_> =
                        members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_json_is_kept_and_fits_to_the_byte(text in json(), around in "[ \n\t]{0,3}") {
            let text = format!("{around}{text}{around}");
            let kept = Attributes::parse(&text, text.len());
            if depth(&text) > MAX_DEPTH {
                prop_assert_eq!(kept, Err(Problem::ATTRIBUTES_NOT_JSON));
            } else {
                let kept = kept.unwrap();
                prop_assert_eq!(kept.as_str(), &text);
                let shown = serde_json::to_string(&kept).unwrap();
                let read = serde_json::from_str::<String>(&shown).unwrap();
                prop_assert_eq!(Attributes::parse(&read, text.len()), Ok(kept));
            }
            prop_assert_eq!(Attributes::parse(&text, text.len() - 1), Err(Problem::ATTRIBUTES_TOO_LONG));
        }

        #[test]
        fn reads_anything_without_panic(
            text: String,
            almost in r#"(\{|\}|\[|\]|"[a\\u0"]{0,4}"?|:|,|-?1e9{0,3}|null| ){0,40}"#,
        ) {
            for text in [text, almost] {
                let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
                prop_assert_eq!(Attributes::parse(&text, usize::MAX).is_ok(), is_json);
            }
        }
    }

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
    fn a_pile_of_brackets_is_refused_and_does_not_overflow_the_stack() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Attributes::parse(&nested(MAX_DEPTH), usize::MAX).is_ok());
        for depth in [MAX_DEPTH + 1, 100_000] {
            assert_eq!(Attributes::parse(&nested(depth), usize::MAX), Err(Problem::ATTRIBUTES_NOT_JSON));
        }
        let text = format!("[\"\\\"{}\", \"\\\\\"]", "[".repeat(1000));
        assert!(Attributes::parse(&text, usize::MAX).is_ok(), "{text}");
        let open = "{\"a\":".repeat(100_000);
        assert_eq!(Attributes::parse(&open, usize::MAX), Err(Problem::ATTRIBUTES_NOT_JSON));
    }

    #[test]
    fn nothing_given_is_an_empty_object() {
        assert_eq!(Attributes::default().as_str(), "{}");
        assert_eq!(Attributes::default(), Attributes::stored("{}".to_owned()));
    }
}
