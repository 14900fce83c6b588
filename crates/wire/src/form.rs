//! What a request says: an ordered list of names and values.
//!
//! Names compare exactly, unknown ones are never asked for and so ignored, and a repeated one is a list.
//! Reading is strict about what could not be stored: text that is not UTF-8 and the NUL character are refused
//! at the door, with the name of the parameter, instead of being replaced or failing in the database.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::str;
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memchr;
use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::Problem;
use crate::sid::{Prefix, Sid, nibble};
use crate::timestamp::Timestamp;

/// The parameters of one request, from its body or its query.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// All names and values, one behind the other: a request has few large texts rather than many small ones.
    text: String,
    pairs: Vec<Pair>,
    /// What stands among the pairs and was not the caller's word.
    added: BTreeSet<String>,
    asked: Option<Arc<Asked>>,
}

/// Where in the text a name and its value are.
#[derive(Clone, Debug)]
struct Pair {
    name: Range<usize>,
    value: Range<usize>,
}

/// The names that a form was asked for.
#[derive(Debug, Default)]
pub struct Asked(Mutex<BTreeSet<String>>);

impl Asked {
    /// So far, in the order of their letters.
    pub fn names(&self) -> BTreeSet<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is said decides, not who listens.
impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        self.pairs().eq(other.pairs())
    }
}

impl Eq for Form {}

/// Look-up is linear, so that nobody can choose names that collide; this bounds it.
const MAX_PAIRS: usize = 1_000;

/// How deep objects may lie in a JSON body; the longest name, `NewMessage.WithMedia.Enabled`, needs three.
const MAX_DEPTH: usize = 4;

/// Parameters whose value is itself a JSON text: an object in a JSON body is taken as that text.
const JSON_TEXTS: [&str; 3] = ["Attributes", "ContentVariables", "Participant"];

impl Form {
    /// Nothing given.
    pub fn empty() -> Self {
        Self::default()
    }

    /// From pairs that are text already, with the checks of [`Form::parse`].
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Problem> {
        let mut form = Self::empty();
        for (name, value) in pairs {
            form.push(&name, &value)?;
        }
        Ok(form)
    }

    /// Reads `application/x-www-form-urlencoded`, of a body or of a query without its `?`.
    ///
    /// A percent sign that no two hexadecimal digits follow stands for itself, as in browsers.
    pub fn parse(urlencoded: &[u8]) -> Result<Self, Problem> {
        let (mut text, mut pairs) = (Vec::with_capacity(urlencoded.len() + 1), Vec::with_capacity(8));
        let mut rest = urlencoded;
        while !rest.is_empty() && pairs.len() < MAX_PAIRS {
            let (pair, after) = cut(rest, b'&');
            rest = after;
            if pair.is_empty() {
                continue;
            }
            let (name, value) = cut(pair, b'=');
            let name = decode(&mut text, name);
            // What stands between two of them keeps letters apart that are none by themselves.
            text.push(b'=');
            let value = decode(&mut text, value);
            text.push(b'&');
            pairs.push(Pair { name, value });
        }
        let text = match String::from_utf8(text) {
            Ok(text) if !text.contains('\0') => text,
            Ok(text) => return Err(unreadable_among(text.as_bytes(), &pairs)),
            Err(error) => return Err(unreadable_among(error.as_bytes(), &pairs)),
        };
        if rest.iter().any(|byte| *byte != b'&') {
            return Err(too_many());
        }
        Ok(Self { text, pairs, ..Self::default() })
    }

    /// Reads a JSON object, which only the lenient mode accepts.
    ///
    /// Arrays are repeated parameters, objects within make dotted names, `null` leaves a parameter out.
    /// Numbers keep their spelling, and so does an object where the parameter is a JSON text.
    pub fn from_json(body: &[u8]) -> Result<Self, Problem> {
        let members: Members =
            serde_json::from_slice(body).map_err(|_| Problem::parameter("The body is not a JSON object"))?;
        let mut form = Self::empty();
        form.push_members("", members, 1)?;
        Ok(form)
    }

    /// The same form, and whoever wants to know hears which names it is asked for: they must be those that
    /// are described.
    pub fn heard(mut self) -> (Self, Arc<Asked>) {
        let asked = Arc::clone(self.asked.insert(Arc::default()));
        (self, asked)
    }

    fn is_named(&self, pair: &Pair, name: &str) -> bool {
        self.text.as_bytes()[pair.name.clone()] == *name.as_bytes()
    }

    fn hear(&self, name: &str) {
        if let Some(Asked(names)) = self.asked.as_deref() {
            names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        }
    }

    /// The value of this name; of several, the last one given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.hear(name);
        let found = self.pairs.iter().rev().find(|pair| self.is_named(pair, name));
        found.map(|pair| &self.text[pair.value.clone()])
    }

    /// All values of this name, in the order given.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.hear(name);
        let found = self.pairs.iter().filter(move |pair| self.is_named(pair, name));
        found.map(|pair| &self.text[pair.value.clone()])
    }

    /// All names and values, in the order given.
    pub fn pairs(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.pairs.iter().map(|Pair { name, value }| (&self.text[name.clone()], &self.text[value.clone()]))
    }

    /// Whether the caller himself has said something under this name.
    pub fn says(&self, name: &str) -> bool {
        self.pairs.iter().any(|pair| self.is_named(pair, name)) && !self.added.contains(name)
    }

    /// Does what a pre-action webhook asks for: puts its value in the place of all that this name had. It is not the
    /// caller who says what he has not said before.
    pub fn overrule(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        if !self.says(name) {
            self.added.insert(name.to_owned());
        }
        self.set(name, value)
    }

    /// Puts one value in the place of all that this name had.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let text = &self.text;
        self.pairs.retain(|pair| text[pair.name.clone()] != *name);
        self.push(name, value)
    }

    /// A value that must be there and not be empty.
    pub fn required(&self, name: &str, problem: Problem) -> Result<&str, Problem> {
        self.get(name).filter(|value| !value.is_empty()).ok_or(problem)
    }

    /// A text of at most `max_chars` characters. An empty one is a text too.
    pub fn text(&self, name: &str, max_chars: usize, too_long: Problem) -> Result<Option<String>, Problem> {
        match self.get(name) {
            // No character is shorter than a byte, so most texts need no counting.
            Some(value) if value.len() > max_chars && value.chars().count() > max_chars => Err(too_long),
            value => Ok(value.map(str::to_owned)),
        }
    }

    /// `true` or `false` in any case.
    // Twilio: the Python library sends `True` where a program hands it the bare value.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.get(name) {
            None => Ok(None),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Problem::invalid_parameter(name)),
        }
    }

    /// A point in time; an empty value is none and so a problem.
    pub fn timestamp(&self, name: &str, problem: Problem) -> Result<Option<Timestamp>, Problem> {
        self.get(name).map(|value| Timestamp::parse(value).ok_or(problem)).transpose()
    }

    /// A sid; an empty value is none and so a problem.
    pub fn sid<R: Prefix>(&self, name: &str, problem: Problem) -> Result<Option<Sid<R>>, Problem> {
        self.get(name).map(|value| Sid::parse(value).ok_or(problem)).transpose()
    }

    fn push(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        if name.contains('\0') || value.contains('\0') {
            return Err(unreadable(name));
        }
        if self.pairs.len() == MAX_PAIRS {
            return Err(too_many());
        }
        let (name, value) = (self.place(name), self.place(value));
        self.pairs.push(Pair { name, value });
        Ok(())
    }

    fn place(&mut self, text: &str) -> Range<usize> {
        let begin = self.text.len();
        self.text.push_str(text);
        begin..self.text.len()
    }

    fn push_members(&mut self, path: &str, Members(members): Members, depth: usize) -> Result<(), Problem> {
        for (name, value) in members {
            let name = if path.is_empty() { name } else { format!("{path}.{name}") };
            let text = value.get();
            let nested = text.starts_with('{') && !JSON_TEXTS.contains(&name.as_str());
            if nested && depth < MAX_DEPTH {
                self.push_members(
                    &name,
                    serde_json::from_str(text).map_err(|_| unreadable(&name))?,
                    depth + 1,
                )?;
            } else if text.starts_with('[') && name != "Attributes" {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| unreadable(&name))?;
                for item in items {
                    self.push_value(&name, item.get())?;
                }
            } else {
                self.push_value(&name, text)?;
            }
        }
        Ok(())
    }

    fn push_value(&mut self, name: &str, text: &str) -> Result<(), Problem> {
        match text.as_bytes().first() {
            Some(b'n') => Ok(()),
            Some(b'"') => {
                let value: String = serde_json::from_str(text).map_err(|_| unreadable(name))?;
                self.push(name, &value)
            }
            Some(b'{' | b'[') if !JSON_TEXTS.contains(&name) => Err(unreadable(name)),
            _ => self.push(name, text),
        }
    }
}

/// The caller's own words come back to him, but not without end, and without what would spoil a log or a
/// terminal.
fn unreadable(name: &str) -> Problem {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(100).collect();
    Problem::invalid_parameter(&name)
}

fn too_many() -> Problem {
    Problem::parameter(format!("The request has more than {MAX_PAIRS} parameters"))
}

/// Names the first of these that is no text or has the NUL character.
fn unreadable_among(text: &[u8], pairs: &[Pair]) -> Problem {
    let is_wrong = |range: &Range<usize>| {
        let bytes = &text[range.clone()];
        bytes.contains(&0) || str::from_utf8(bytes).is_err()
    };
    let wrong = pairs.iter().find(|pair| is_wrong(&pair.name) || is_wrong(&pair.value));
    unreadable(&String::from_utf8_lossy(wrong.map_or(&[], |pair| &text[pair.name.clone()])))
}

/// What stands before and behind the first `at`; all of it stands before where there is none.
fn cut(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    match memchr(at, bytes) {
        Some(place) => (&bytes[..place], &bytes[place + 1..]),
        None => (bytes, &[]),
    }
}

/// Appends what is encoded, and says where it is.
fn decode(text: &mut Vec<u8>, encoded: &[u8]) -> Range<usize> {
    let begin = text.len();
    text.extend(encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }));
    if let Some(first) = memchr(b'%', encoded) {
        let (mut from, mut to) = (begin + first, begin + first);
        while from < text.len() {
            let (byte, length) = match &text[from..] {
                [b'%', high, low, ..] => match (nibble(*high), nibble(*low)) {
                    (Some(high), Some(low)) => ((high << 4) | low, 3),
                    _ => (b'%', 1),
                },
                other => (other[0], 1),
            };
            text[to] = byte;
            from += length;
            to += 1;
        }
        text.truncate(to);
    }
    begin..text.len()
}

/// The members of a JSON object in their order, their values unread: reading them does not recurse.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(form: &Form) -> Vec<(&str, &str)> {
        form.pairs().collect()
    }

    fn names(problem: &Problem, name: &str) -> bool {
        (problem.code, problem.status) == (20001, 400) && problem.message.contains(name)
    }

    #[test]
    fn what_a_webhook_adds_is_not_the_callers_word() {
        let mut form = Form::parse(b"Body=a").expect("a form");
        form.overrule("Body", "b").expect("text");
        form.overrule("Author", "c").expect("text");
        assert_eq!((form.get("Body"), form.says("Body")), (Some("b"), true));
        assert_eq!((form.get("Author"), form.says("Author")), (Some("c"), false));
        assert!(!form.says("Attributes"));
    }

    #[test]
    fn reads_urlencoded_pairs_in_order() {
        let form = Form::parse(
            b"Body=Hello+w%C3%B6rld%21&Filters=a&&Filters=b&Flag&Empty=&=x&A%3DB=1=2&Cut=100%&Odd=%zz%4",
        )
        .unwrap();
        assert_eq!(
            pairs(&form),
            [
                ("Body", "Hello w\u{f6}rld!"),
                ("Filters", "a"),
                ("Filters", "b"),
                ("Flag", ""),
                ("Empty", ""),
                ("", "x"),
                ("A=B", "1=2"),
                ("Cut", "100%"),
                ("Odd", "%zz%4"),
            ]
        );
        assert_eq!(form.get("Filters"), Some("b"));
        assert_eq!(form.all("Filters").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((form.get("filters"), form.get("Nothing")), (None, None));
        let (heard, asked) = form.clone().heard();
        let _ = (heard.get("Body"), heard.all("Filters").count(), heard.boolean("Nothing"));
        assert_eq!(asked.names().into_iter().collect::<Vec<_>>(), ["Body", "Filters", "Nothing"]);
        assert_eq!(heard, form);
        assert_eq!(Form::parse(b"").unwrap(), Form::empty());
    }

    #[test]
    fn refuses_what_could_not_be_stored() {
        for (body, name) in [
            (&b"Fine=1&Body=%ff"[..], "Body"),
            (b"Body=\xc3", "Body"),
            (b"Body=%ED%A0%80", "Body"),
            (b"Body=a%00b", "Body"),
            (b"Bo%00dy=a", "Body"),
            (b"Bo%ffdy=a", "Bo\u{fffd}dy"),
        ] {
            let problem = Form::parse(body).unwrap_err();
            assert!(names(&problem, name), "{problem}");
        }
        assert!(names(&Form::from_pairs([("Body".into(), "\0".into())]).unwrap_err(), "Body"));
        assert!(names(&Form::from_json(br#"{"Body":"\u0000"}"#).unwrap_err(), "Body"));
        let long = format!("{}=%00", "x".repeat(10_000));
        assert!(Form::parse(long.as_bytes()).unwrap_err().message.len() < 200);
    }

    #[test]
    fn takes_a_thousand_pairs() {
        assert!(Form::parse("a=1&".repeat(1_000).as_bytes()).is_ok());
        assert_eq!(Form::parse("a=1&".repeat(1_001).as_bytes()).unwrap_err().code, 20001);
        let json = format!("{{\"a\":[{}1]}}", "1,".repeat(1_000));
        assert_eq!(Form::from_json(json.as_bytes()).unwrap_err().code, 20001);
    }

    #[test]
    fn reads_json_objects() {
        let body = r#" {"FriendlyName": "x", "Count": 1.50, "Xwith": true, "UniqueName": null,
            "Timers": {"Inactive": "PT1M", "Deep": {"Er": 1}}, "Filters": ["a", 2, null, false],
            "Attributes": { "b": 1,  "a": [1e400] }, "ContentVariables": {"1": "x"},
            "Participant": [{"identity": "a"}, "{}"]} "#;
        assert_eq!(
            pairs(&Form::from_json(body.as_bytes()).unwrap()),
            [
                ("FriendlyName", "x"),
                ("Count", "1.50"),
                ("Xwith", "true"),
                ("Timers.Inactive", "PT1M"),
                ("Timers.Deep.Er", "1"),
                ("Filters", "a"),
                ("Filters", "2"),
                ("Filters", "false"),
                ("Attributes", r#"{ "b": 1,  "a": [1e400] }"#),
                ("ContentVariables", r#"{"1": "x"}"#),
                ("Participant", r#"{"identity": "a"}"#),
                ("Participant", "{}"),
            ]
        );
        assert_eq!(Form::from_json(b"{}").unwrap(), Form::empty());
    }

    #[test]
    fn refuses_other_json() {
        for body in ["", "[]", "1", "{", "{} {}", "null", "\"a\"", "\u{feff}{}"] {
            assert_eq!(Form::from_json(body.as_bytes()).unwrap_err().code, 20001, "{body}");
        }
        for body in [
            r#"{"X":[["a"]]}"#,
            r#"{"X":[{"a":1}]}"#,
            r#"{"X":{"a":{"b":{"c":{"d":1}}}}}"#,
            r#"{"X":"\ud800"}"#,
        ] {
            assert!(names(&Form::from_json(body.as_bytes()).unwrap_err(), "X"), "{body}");
        }
        assert_eq!(Form::from_json(b"{\"X\":\"\xff\"}").unwrap_err().code, 20001);
    }

    #[test]
    fn a_pile_of_brackets_does_not_overflow_the_stack() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = open.repeat(100_000) + "1" + &close.repeat(100_000);
            let body = format!("{{\"X\":{deep}}}");
            assert_eq!(Form::from_json(body.as_bytes()).unwrap_err().code, 20001);
            let body = format!("{{\"Attributes\":{deep}}}");
            assert_eq!(Form::from_json(body.as_bytes()).unwrap().get("Attributes"), Some(deep.as_str()));
        }
    }

    #[test]
    fn values_are_read_by_kind() {
        struct Role;
        impl Prefix for Role {
            const PREFIX: &'static str = "RL";
        }
        let problem = Problem::ROLE_SID_NOT_PROVIDED;
        let form = Form::parse(
            b"Yes=TrUe&No=false&Bad=1&Empty=&Name=%C3%A9%C3%A9&At=2020-07-01T22:18:37Z&RoleSid=RL00112233445566778899aabbccddeeff",
        )
        .unwrap();

        assert_eq!(form.boolean("Yes"), Ok(Some(true)));
        assert_eq!(form.boolean("No"), Ok(Some(false)));
        assert_eq!(form.boolean("Nothing"), Ok(None));
        assert!(names(&form.boolean("Bad").unwrap_err(), "Bad"));
        assert!(names(&form.boolean("Empty").unwrap_err(), "Empty"));

        assert_eq!(form.required("Name", problem.clone()), Ok("\u{e9}\u{e9}"));
        assert_eq!(form.required("Empty", problem.clone()), Err(problem.clone()));
        assert_eq!(form.required("Nothing", problem.clone()), Err(problem.clone()));

        assert_eq!(form.text("Name", 2, problem.clone()), Ok(Some("\u{e9}\u{e9}".to_owned())));
        assert_eq!(form.text("Name", 1, problem.clone()), Err(problem.clone()));
        assert_eq!(form.text("Empty", 0, problem.clone()), Ok(Some(String::new())));
        assert_eq!(form.text("Nothing", 0, problem.clone()), Ok(None));

        assert_eq!(
            form.timestamp("At", problem.clone()).unwrap().unwrap().to_string(),
            "2020-07-01T22:18:37Z"
        );
        assert_eq!(form.timestamp("Name", problem.clone()), Err(problem.clone()));
        assert_eq!(form.timestamp("Nothing", problem.clone()), Ok(None));

        let sid = Sid::<Role>::parse("RL00112233445566778899aabbccddeeff");
        assert_eq!(form.sid("RoleSid", problem.clone()), Ok(sid));
        assert_eq!(form.sid::<Role>("Name", problem.clone()), Err(problem.clone()));
        assert_eq!(form.sid::<Role>("Nothing", problem), Ok(None));
    }

    #[test]
    fn a_webhook_replaces_a_value() {
        let mut form = Form::parse(b"Body=a&Author=x&Body=b").unwrap();
        form.set("Body", "c").unwrap();
        assert_eq!(pairs(&form), [("Author", "x"), ("Body", "c")]);
        assert!(form.set("Body", "\0").is_err());
    }

    proptest! {
        #[test]
        fn reads_what_was_written(given in prop::collection::vec(("[^\0]{0,8}", "[^\0]{0,8}"), 0..8)) {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&given).finish();
            let form = Form::parse(body.as_bytes()).unwrap();
            // A pair of two empty texts is written as `=`.
            prop_assert_eq!(form, Form::from_pairs(given).unwrap());
        }

        #[test]
        fn reads_any_bytes_without_panic(
            bytes: Vec<u8>,
            almost in "([A-Z+]{0,3}|%[0-9a-fg]{1,2}|=|&){0,40}",
            json in r#"(\{|\}|\[|\]|"[a-zA\\u0]{0,6}"|:|,|1e9|null|true| ){0,30}"#,
        ) {
            let _ = Form::parse(&bytes);
            let _ = Form::parse(almost.as_bytes());
            let _ = Form::from_json(&bytes);
            let _ = Form::from_json(json.as_bytes());
        }
    }
}
