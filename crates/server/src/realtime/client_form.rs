//! What a client sends as JSON, as the form that the REST API takes: `{"messaging_binding": {"proxy_address": "x"}}`
//! says `MessagingBinding.ProxyAddress=x`.
//!
//! Arrays are repeated parameters; numbers and truth values keep their spelling. What is `null` was not said, but for
//! the few members in which it takes something away.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use wire::{Form, Problem};

use super::exchange::Request;

/// As much as the REST API takes.
const MAX_BYTES: usize = 1024 * 1024;

/// How deep objects may lie: `messaging_binding.address` needs two.
const MAX_DEPTH: usize = 3;

const URLENCODED: &str = "application/x-www-form-urlencoded";

/// Members in which `null` says something, and what the REST API calls it.
const CLEARED_BY_NULL: [(&str, &str); 4] = [
    ("FriendlyName", ""),
    ("UniqueName", ""),
    ("LastReadMessageIndex", "null"),
    ("LastReadTimestamp", "null"),
];

/// The form in the body of a request.
pub fn of_body(request: &Request) -> Result<Form, Problem> {
    if request.body.len() > MAX_BYTES {
        return Err(Problem::REQUEST_ENTITY_TOO_LARGE);
    }
    let essence = request.content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(URLENCODED) {
        return Form::parse(&request.body);
    }
    of_json(&request.body)
}

/// The form in the query of a request.
pub fn of_query(request: &Request) -> Result<Form, Problem> {
    Form::from_pairs(request.params.iter().cloned())
}

fn of_json(body: &[u8]) -> Result<Form, Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(Form::empty());
    }
    let members: Members<'_> =
        serde_json::from_slice(body).map_err(|_| Problem::parameter("The body is not a JSON object"))?;
    let mut pairs = Vec::new();
    push_members(&mut pairs, ("", &members), 1)?;
    Form::from_pairs(pairs)
}

/// In the order of their names; of two of one name the last. Their values are unread: that does not recurse.
type Members<'a> = BTreeMap<String, &'a RawValue>;

fn push_members(
    pairs: &mut Vec<(String, String)>,
    (path, members): (&str, &Members<'_>),
    depth: usize,
) -> Result<(), Problem> {
    for (name, value) in members {
        let name = match name.as_str() {
            // The REST API has no plural.
            "media_sids" => "MediaSid".to_owned(),
            name => in_rest(name),
        };
        let name = if path.is_empty() { name } else { format!("{path}.{name}") };
        match value.get().as_bytes().first() {
            Some(b'{') if depth < MAX_DEPTH => {
                let members = serde_json::from_str(value.get()).map_err(|_| unreadable(&name))?;
                push_members(pairs, (&name, &members), depth + 1)?;
            }
            Some(b'[') => {
                let items: Vec<&RawValue> =
                    serde_json::from_str(value.get()).map_err(|_| unreadable(&name))?;
                for item in items {
                    push_value(pairs, &name, item)?;
                }
            }
            _ => push_value(pairs, &name, value)?,
        }
    }
    Ok(())
}

fn push_value(pairs: &mut Vec<(String, String)>, name: &str, value: &RawValue) -> Result<(), Problem> {
    let text = value.get();
    let said = match text.as_bytes().first() {
        Some(b'n') => match CLEARED_BY_NULL.iter().find(|(known, _)| *known == name) {
            Some((_, cleared)) => (*cleared).to_owned(),
            None => return Ok(()),
        },
        Some(b'"') => serde_json::from_str(text).map_err(|_| unreadable(name))?,
        Some(b'{' | b'[') => return Err(unreadable(name)),
        _ => text.to_owned(),
    };
    pairs.push((name.to_owned(), said));
    Ok(())
}

/// `proxy_address` is `ProxyAddress`.
fn in_rest(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
    });
    words.flatten().collect()
}

/// The caller's own words come back to it, but not without end.
fn unreadable(name: &str) -> Problem {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(100).collect();
    Problem::invalid_parameter(&name)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Method;
    use proptest::prelude::*;

    use super::*;

    fn pairs(body: &str) -> Vec<(String, String)> {
        let form = of_json(body.as_bytes()).expect(body);
        form.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn refusal(body: &str) -> String {
        let problem = of_json(body.as_bytes()).expect_err(body);
        assert_eq!((problem.status, problem.code), (400, 20001), "{body}");
        problem.message.into_owned()
    }

    fn request(content_type: &str, body: Vec<u8>) -> Request {
        Request {
            method: Method::POST,
            path: String::new(),
            params: Vec::new(),
            content_type: content_type.to_owned(),
            body: Bytes::from(body),
        }
    }

    #[test]
    fn members_get_the_names_of_the_rest_api() {
        for (sent, name) in [
            ("body", "Body"),
            ("last_read_message_index", "LastReadMessageIndex"),
            ("Identity", "Identity"),
            ("_", ""),
            ("a__b", "AB"),
            ("\u{e4}_b", "\u{e4}B"),
        ] {
            assert_eq!(in_rest(sent), name);
        }
    }

    #[test]
    fn what_the_sdk_sends_is_a_form() {
        let body = r#" {"attributes": "{\"a\":1}", "messaging_binding": {"address": "+1", "proxy_address": "+2"},
            "media_sids": ["ME1", "ME2"], "last_read_message_index": 7, "is": true, "friendly_name": null,
            "subject": null} "#;
        let told: Vec<String> = pairs(body).iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            told,
            [
                "Attributes={\"a\":1}",
                "FriendlyName=",
                "Is=true",
                "LastReadMessageIndex=7",
                "MediaSid=ME1",
                "MediaSid=ME2",
                "MessagingBinding.Address=+1",
                "MessagingBinding.ProxyAddress=+2",
            ]
        );
    }

    #[test]
    fn null_takes_away_only_what_can_be_taken_away() {
        assert_eq!(
            pairs(r#"{"last_read_message_index":null}"#),
            [("LastReadMessageIndex".to_owned(), "null".to_owned())]
        );
        assert_eq!(pairs(r#"{"body":null,"role_sid":null,"media_sids":[null]}"#), []);
    }

    #[test]
    fn nothing_is_no_parameters() {
        for body in ["", " \r\n", "{}"] {
            assert_eq!(pairs(body), [], "{body:?}");
        }
    }

    #[test]
    fn what_is_no_object_of_texts_is_refused() {
        for body in ["1", "[]", "null", "\"x\"", "{", "{\"a\":}", "{\"a\":1}x", "\u{feff}{}"] {
            assert_eq!(refusal(body), "The body is not a JSON object");
        }
        assert_eq!(refusal(r#"{"a_b":[[1]]}"#), "Invalid value for parameter AB");
        assert_eq!(refusal(r#"{"a":{"b":{"c":{"d":1}}}}"#), "Invalid value for parameter A.B.C");
        assert_eq!(refusal(r#"{"a":"\ud800"}"#), "Invalid value for parameter A");
        assert_eq!(refusal("{\"a\":\"x\\u0000\"}"), "Invalid value for parameter A");
        assert!(of_json(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_body_is_bounded() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(300_000), "]".repeat(300_000));
        assert!(of_body(&request("", deep.into_bytes())).is_err());
        let many = format!("{{\"a\":[{}1]}}", "1,".repeat(2_000));
        assert!(of_body(&request("", many.into_bytes())).is_err());
        let large = of_body(&request("", vec![b' '; MAX_BYTES + 1])).expect_err("it is too large");
        assert_eq!(large.status, 413);
    }

    #[test]
    fn a_form_is_a_form() {
        let form =
            of_body(&request(" application/X-www-form-urlencoded; charset=utf-8", b"ChannelSid=CH".into()));
        assert_eq!(form.expect("a form").get("ChannelSid"), Some("CH"));
    }

    proptest! {
        #[test]
        fn junk_is_read_or_refused(body: Vec<u8>) {
            let _ = of_json(&body);
        }

        #[test]
        fn almost_json_is_read_or_refused(
            body in r#"\{("[a-z_]{0,5}":(null|1|"(\\u[0-9a-f]{4}|\\|x)*"|\[.{0,4}\]|\{.{0,9}\}),?){0,4}\}?"#
        ) {
            let _ = of_json(body.as_bytes());
        }

        #[test]
        fn a_text_arrives_as_it_was_sent(text in "[^\0]{0,40}") {
            let body = serde_json::json!({ "friendly_name": text }).to_string();
            prop_assert_eq!(pairs(&body), [("FriendlyName".to_owned(), text)]);
        }
    }
}
