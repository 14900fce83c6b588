//! What a value is: a parameter as its form takes it, a member as an answer shows it.

use conversations::Limits;
use conversations::participants::LARGEST_INDEX;
use conversations::webhooks::URL_LENGTH;
use serde_json::{Value, json};

use Kind::{
    Absent, Address, AnySid, Boolean, Bytes, Country, Duration, Email, Exactly, Integer, Json, List,
    Nullable, Object, OneOf, Participant, Sid, Text, Time, Url, WholeSecond, Words,
};

/// A name, and what stands behind it.
pub type Member = (&'static str, Kind);

/// What a value is.
#[derive(Clone, Copy)]
pub enum Kind {
    /// These two letters and 32 digits.
    Sid(&'static str),
    /// The same with any two letters: a channel's own name for a message.
    AnySid,
    /// At most so many characters, where product limits hold.
    Text(usize),
    /// The same, counted in bytes.
    Bytes(usize),
    /// As long as a request may be.
    Words,
    /// JSON as text, at most so many bytes where product limits hold.
    Json(usize),
    /// What creates a participant, as JSON text.
    Participant,
    /// One of the names of these lists. As a parameter in any case.
    OneOf(&'static [&'static [&'static str]]),
    /// The same in this case alone.
    Exactly(&'static [&'static [&'static str]]),
    Boolean,
    /// From the first to the last.
    Integer(i64, i64),
    /// As a parameter: with any offset and fraction.
    Time,
    /// As it is shown: in whole seconds of UTC.
    WholeSecond,
    /// ISO 8601, not negative.
    Duration,
    /// Absolute, of HTTP, at most 512 characters.
    Url,
    /// Of some channel.
    Address,
    Email,
    /// ISO 3166-1, two letters.
    Country,
    /// Or null.
    Nullable(&'static Kind),
    /// Left out where it is not set.
    Absent(&'static Kind),
    /// As a parameter: given as often as wanted.
    List(&'static Kind),
    /// With these members and no others.
    Object(&'static [Member]),
}

/// An index, a count.
pub const NUMBER: Kind = Integer(0, LARGEST_INDEX);

impl Kind {
    /// As JSON Schema, in which formats stand for what no pattern tells.
    pub fn schema(self, limits: Limits) -> Value {
        let text =
            |format: &str, example: &str| json!({"type": "string", "format": format, "examples": [example]});
        let bounded = |mut schema: Value, most: usize| {
            if limits == Limits::Strict {
                schema["maxLength"] = most.into();
            }
            schema
        };
        let sid = |letters: &str| {
            let pattern = format!("^{letters}[0-9a-fA-F]{{32}}$");
            json!({"type": "string", "minLength": 34, "maxLength": 34, "pattern": pattern})
        };
        match self {
            Sid(prefix) => sid(prefix),
            AnySid => sid("[a-zA-Z]{2}"),
            Text(most) | Bytes(most) => bounded(json!({"type": "string"}), most),
            Words => json!({"type": "string"}),
            Json(most) => bounded(text("json", "{}"), most),
            Participant => text("participant", r#"{"identity":"alice"}"#),
            OneOf(names) | Exactly(names) => json!({"type": "string", "enum": names.concat()}),
            Boolean => json!({"type": "boolean"}),
            Integer(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
            Time => text("date-time", "2020-07-01T22:18:37Z"),
            WholeSecond => json!({
                "type": "string",
                "format": "date-time",
                "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$",
            }),
            Duration => text("duration", "PT1H"),
            Url => bounded(text("uri", "https://example.com/heard"), URL_LENGTH),
            Address => text("address", "+15558675310"),
            Email => bounded(text("email", "support@example.com"), 256),
            Country => json!({"type": "string", "pattern": "^[A-Za-z]{2}$"}),
            Nullable(kind) => json!({"anyOf": [kind.schema(limits), {"type": "null"}]}),
            Absent(kind) => kind.schema(limits),
            List(kind) => json!({"type": "array", "items": kind.schema(limits)}),
            Object(members) => object(members, limits),
        }
    }

    /// Whether it is always there.
    fn is_printed(self) -> bool {
        !matches!(self, Absent(_))
    }
}

/// An object with these members and no others.
pub fn object(members: &[Member], limits: Limits) -> Value {
    let required: Vec<_> =
        members.iter().filter(|(_, kind)| kind.is_printed()).map(|(name, _)| name).collect();
    let properties: serde_json::Map<_, _> =
        members.iter().map(|(name, kind)| ((*name).to_owned(), kind.schema(limits))).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

#[cfg(test)]
impl Kind {
    /// Values at its bounds that a form takes.
    pub fn taken(self) -> Vec<String> {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        match self {
            Sid(prefix) => vec![format!("{prefix}{}", "0123456789abcdEF".repeat(2))],
            Text(most) => vec!["\u{e9}".repeat(most)],
            Bytes(most) => vec!["x".repeat(most)],
            Words => texts(&["whatever"]),
            Json(most) => vec!["{}".to_owned(), format!("{{\"a\":\"{}\"}}", "x".repeat(most - 8))],
            Participant => texts(&[r#"{"identity":"alice"}"#]),
            OneOf(names) => {
                let names = names.concat();
                names.iter().map(|&name| name.to_owned()).chain([names[0].to_uppercase()]).collect()
            }
            Exactly(names) => texts(&names.concat()),
            Boolean => texts(&["true", "False"]),
            Integer(least, most) => vec![least.to_string(), most.to_string()],
            Time => texts(&["2020-07-01T22:18:37Z", "2020-07-01T22:18:37.123+02:00"]),
            Duration => texts(&["PT1H", "P1D"]),
            Url => vec![format!("https://example.com/{}", "x".repeat(URL_LENGTH - 20))],
            Address => texts(&["+15558675310"]),
            Email => texts(&["support@example.com"]),
            Country => texts(&["de", "US"]),
            List(kind) => kind.taken(),
            Nullable(_) | Absent(_) | Object(_) | AnySid | WholeSecond => unreachable!("no parameter"),
        }
    }

    /// Values just beyond them, which it refuses.
    pub fn refused(self) -> Vec<String> {
        match self {
            Text(most) => vec!["\u{e9}".repeat(most + 1)],
            Bytes(most) => vec!["x".repeat(most + 1)],
            Url => vec![format!("https://example.com/{}", "x".repeat(URL_LENGTH - 19)), "no URL".to_owned()],
            Json(most) => vec!["{".to_owned(), format!("{{\"a\":\"{}\"}}", "x".repeat(most - 7))],
            Integer(least, most) => vec![(least - 1).to_string(), (most + 1).to_string(), "one".to_owned()],
            Words => Vec::new(),
            List(kind) => kind.refused(),
            _ => vec!["no such value".to_owned()],
        }
    }
}
