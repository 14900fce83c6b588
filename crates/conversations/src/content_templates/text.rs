//! Which text a template has, and what it says with its variables filled in.
//! Pure: JSON texts in, a text out.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use wire::Problem;

/// Bytes of a rendered text: those of any message's body.
pub const STRICT_LENGTH: usize = 32 * 1024;
/// The same in lenient mode, because a few letters of a template may stand for much.
pub const LENGTH: usize = 1024 * 1024;

/// The types that are known, the plainest first, each with the member that people read.
// Twilio: the clients' libraries know these and no others.
const KNOWN: [(&str, &str); 8] = [
    ("twilio/text", "body"),
    ("twilio/media", "body"),
    ("twilio/quick-reply", "body"),
    ("twilio/call-to-action", "body"),
    ("twilio/list-picker", "body"),
    ("twilio/card", "title"),
    ("whatsapp/card", "body"),
    ("twilio/location", "label"),
];

/// Names and the texts that stand for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// A JSON object of texts, and nothing else.
    pub fn parse(json: &str) -> Option<Self> {
        let members: BTreeMap<String, String> = serde_json::from_str(json).ok()?;
        let is_plain = members.iter().all(|(name, value)| !name.contains('\0') && !value.contains('\0'));
        is_plain.then_some(Self(members))
    }

    /// Names and texts, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The content in its types.
pub struct Types<'a>(BTreeMap<String, BTreeMap<String, &'a RawValue>>);

impl<'a> Types<'a> {
    /// A JSON object of objects.
    pub fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Self)
    }

    /// Whether there is a type, and what people are to read is text; a text cannot do without.
    pub fn are_sound(&self) -> bool {
        let is_text = |(kind, member): &(&str, &str)| {
            self.0.get(*kind).is_none_or(|content| match content.get(*member) {
                Some(value) => text_of(value).is_some(),
                None => *kind != KNOWN[0].0,
            })
        };
        !self.0.is_empty() && KNOWN.iter().all(is_text)
    }

    /// The text of the plainest of its types that has one; none where none has.
    pub fn text(&self) -> Result<Option<String>, Problem> {
        let known = || KNOWN.iter().filter_map(|(kind, member)| Some((self.0.get(*kind)?, *member)));
        if known().next().is_none() {
            return Err(Problem::UNSUPPORTED_CONTENT_TYPE);
        }
        Ok(known().find_map(|(content, member)| text_of(content.get(member)?)))
    }
}

/// A JSON text, where it can be stored.
fn text_of(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok().filter(|text: &String| !text.contains('\0'))
}

/// `template` with each `{{name}}` replaced by what the first of `variables` to know the name has for it. A name
/// that none knows stays as it is, and so does what stands in for another: it is not read again. `None` where
/// the result would have more than `limit` bytes.
pub fn rendered(template: &str, variables: &[&Variables], limit: usize) -> Option<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("}}") {
        let known = |name| variables.iter().find_map(|known| known.0.get(name));
        if let Some((lead, name)) = before.rsplit_once("{{")
            && let Some(value) = known(name)
        {
            text.push_str(lead);
            text.push_str(value);
        } else {
            text.push_str(before);
            text.push_str("}}");
        }
        if text.len() > limit {
            return None;
        }
        rest = after;
    }
    text.push_str(rest);
    (text.len() <= limit).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(json: &str) -> Variables {
        Variables::parse(json).expect("an object of texts")
    }

    #[test]
    fn what_a_message_gives_comes_first_then_the_templates_own() {
        let given = variables(r#"{"1":"Ada","empty":"","loop":"{{1}}"}"#);
        let defaults = variables(r#"{"1":"you","2":"soon","empty":"full"}"#);
        for (template, expected) in [
            ("", ""),
            ("Hello", "Hello"),
            ("{{1}}", "Ada"),
            ("Hi {{1}}, {{2}}!", "Hi Ada, soon!"),
            ("[{{empty}}]", "[]"),
            ("{{3}} and {{ 1 }} stay", "{{3}} and {{ 1 }} stay"),
            ("{{loop}}", "{{1}}"),
            ("{{{{1}}}}", "{{Ada}}"),
            ("{{{1}}}", "{Ada}"),
            ("}} {{1}} {{", "}} Ada {{"),
            ("}}}}{{1}}", "}}}}Ada"),
            ("{{}} {1}", "{{}} {1}"),
            ("{{é}}{{1}}é", "{{é}}Adaé"),
        ] {
            assert_eq!(
                rendered(template, &[&given, &defaults], 100).as_deref(),
                Some(expected),
                "{template}"
            );
        }
    }

    #[test]
    fn a_text_ends_at_the_limit() {
        let long = variables(r#"{"1":"0123456789"}"#);
        assert_eq!(rendered("{{1}}{{1}}", &[&long], 20).map(|text| text.len()), Some(20));
        assert_eq!(rendered("{{1}}{{1}}", &[&long], 19), None);
        assert_eq!(rendered("0123456789", &[], 9), None);
        assert_eq!(rendered(&"}}".repeat(10_000), &[], 20_000).map(|text| text.len()), Some(20_000));
    }

    #[test]
    fn variables_are_an_object_of_texts() {
        assert_eq!(variables("{}"), Variables::default());
        for wrong in ["", "1", "[]", "null", r#"{"1":1}"#, r#"{"1":null}"#, r#"{"1":"\u0000"}"#, "{}{}"] {
            assert_eq!(Variables::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_plainest_type_has_the_text() {
        let told = |json| match Types::parse(json).expect("an object of objects").text() {
            Err(problem) => problem.code.to_string(),
            Ok(None) => "silent".to_owned(),
            Ok(Some(text)) => text,
        };
        for (json, expected) in [
            (r#"{"twilio/media":{"body":"m","media":["u"]},"twilio/text":{"body":"t"}}"#, "t"),
            (r#"{"twilio/card":{"title":"c"},"twilio/quick-reply":{"body":"q","actions":[]}}"#, "q"),
            (r#"{"twilio/card":{"title":"c","body":"b"}}"#, "c"),
            (r#"{"twilio/media":{"media":["u"]}}"#, "silent"),
            (r#"{"twilio/media":{"media":["u"]},"twilio/location":{"label":"l"}}"#, "l"),
            (r#"{"whatsapp/authentication":{"body":"a"}}"#, "50542"),
            ("{}", "50542"),
        ] {
            assert_eq!(told(json), expected, "{json}");
        }
    }

    #[test]
    fn types_are_sound_or_refused() {
        let is_sound = |json| Types::parse(json).is_some_and(|types| types.are_sound());
        assert!(is_sound(r#"{"twilio/text":{"body":""}}"#));
        assert!(is_sound(r#"{"twilio/media":{"media":[]}}"#));
        assert!(is_sound(r#"{"of/ours":{}}"#));
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"twilio/text":"body"}"#,
            r#"{"twilio/text":{}}"#,
            r#"{"twilio/text":{"body":1}}"#,
            r#"{"twilio/text":{"body":"\u0000"}}"#,
            r#"{"twilio/text":{"body":"\ud800"}}"#,
            r#"{"of/ours":{},"twilio/card":{"title":["t"]}}"#,
        ] {
            assert!(!is_sound(wrong), "{wrong}");
        }
    }
}
