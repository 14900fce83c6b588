//! One participant as a JSON text, read into the form that describes a participant elsewhere, so that
//! both are judged by the same rules.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::prelude::*;

/// Those that a participant is made with and whose values are texts. Others are nobody's, as in a form.
const TEXTS: [&str; 7] = [
    "Identity",
    "RoleSid",
    "DateCreated",
    "DateUpdated",
    "MessagingBinding.Address",
    "MessagingBinding.ProxyAddress",
    "MessagingBinding.ProjectedAddress",
];

/// The form that a JSON object stands for: `{"messaging_binding": {"proxy_address": ..}}` is
/// `MessagingBinding.ProxyAddress`.
pub fn participant_form(json: &str) -> Result<Form, Problem> {
    let mut pairs = Vec::new();
    push_members(&mut pairs, "", json)?;
    Form::from_pairs(pairs)
}

fn push_members(pairs: &mut Vec<(String, String)>, path: &str, json: &str) -> Result<(), Problem> {
    let members: BTreeMap<String, &RawValue> = read(json)?;
    for (name, value) in members {
        let name = format!("{path}{}", parameter(&name));
        let json = value.get();
        match name.as_str() {
            _ if json == "null" => {}
            "MessagingBinding" => push_members(pairs, "MessagingBinding.", json)?,
            // A JSON text of its own, which some write as the JSON itself.
            "Attributes" if !json.starts_with('"') => pairs.push((name, json.to_owned())),
            known if known == "Attributes" || TEXTS.contains(&known) => pairs.push((name, read(json)?)),
            _ => {}
        }
    }
    Ok(())
}

fn read<'a, T: serde::Deserialize<'a>>(json: &'a str) -> Result<T, Problem> {
    serde_json::from_str(json).map_err(|_| Problem::INVALID_PARTICIPANT_JSON)
}

/// `proxy_address`, `proxyAddress` and `ProxyAddress` are one name.
fn parameter(name: &str) -> String {
    let mut begins = true;
    let mut parameter = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '_' => begins = true,
            _ if begins => {
                begins = letter == '.';
                parameter.push(letter.to_ascii_uppercase());
            }
            _ => {
                begins = letter == '.';
                parameter.push(letter);
            }
        }
    }
    parameter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> String {
        match participant_form(json) {
            Ok(form) => {
                form.pairs().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
            }
            Err(problem) => problem.code.to_string(),
        }
    }

    #[test]
    fn three_spellings_are_one_form() {
        for json in [
            r#"{"messaging_binding": {"address": "+1", "proxy_address": "+2"}, "role_sid": "RL"}"#,
            r#"{"messagingBinding": {"address": "+1", "proxyAddress": "+2"}, "roleSid": "RL"}"#,
            r#"{"MessagingBinding": {"Address": "+1", "ProxyAddress": "+2"}, "RoleSid": "RL"}"#,
            r#"{"messaging_binding.address": "+1", "MessagingBinding.ProxyAddress": "+2", "role_sid": "RL"}"#,
        ] {
            let form = participant_form(json).expect("it is an object");
            assert_eq!(form.get("MessagingBinding.Address"), Some("+1"), "{json}");
            assert_eq!(form.get("MessagingBinding.ProxyAddress"), Some("+2"), "{json}");
            assert_eq!(form.get("RoleSid"), Some("RL"), "{json}");
            assert_eq!(form.pairs().count(), 3);
        }
    }

    #[test]
    fn nulls_and_what_nobody_knows_are_left_out() {
        let json =
            r#"{"identity":"a","messaging_binding":null,"role_sid":null,"attributes":null,"sid":1,"x":[{}]}"#;
        assert_eq!(told(json), "Identity=a");
        assert_eq!(told("{}"), "");
        assert_eq!(told(r#" {"messaging_binding": {"level": 7, "messaging_binding": {"address": 1}}} "#), "");
    }

    #[test]
    fn attributes_are_a_text_or_the_json_itself() {
        assert_eq!(told(r#"{"attributes":"{\"a\": 1}"}"#), r#"Attributes={"a": 1}"#);
        assert_eq!(told(r#"{"attributes":{"a":  1}}"#), r#"Attributes={"a":  1}"#);
        assert_eq!(told(r#"{"attributes":[1]}"#), "Attributes=[1]");
    }

    #[test]
    fn what_is_no_object_of_texts_is_refused() {
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(told(&deep), "");
        for json in [
            "",
            "alice",
            "[]",
            "[\"alice\"]",
            "null",
            "1",
            "\"a\"",
            "{",
            "{} {}",
            "{\"identity\":\"a\"",
            r#"{"identity":5}"#,
            r#"{"identity":{"a":1}}"#,
            r#"{"messaging_binding":"+1"}"#,
            r#"{"messaging_binding":["+1"]}"#,
            r#"{"messaging_binding":{"address":1}}"#,
            r#"{"identity":"\ud800"}"#,
        ] {
            assert_eq!(told(json), "50424", "{json}");
        }
        assert_eq!(told(r#"{"identity":"\u0000"}"#), "20001");
    }
}
