//! What is said about a file that is uploaded.

use crate::media::{Category, Media};
use crate::messages::SYSTEM;
use crate::prelude::*;

/// Characters.
const FILENAME_LENGTH: usize = 255;
/// Bytes.
const CONTENT_TYPE_LENGTH: usize = 255;
/// What a file is that nobody says anything about.
const BYTES: &str = "application/octet-stream";

/// What the caller says about a file. The door puts it into the form from wherever it stands in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub content_type: String,
    pub filename: Option<String>,
    pub category: Category,
    pub author: String,
}

/// A file that is stored: what was said about it, and what the door found.
pub struct CreateMedia {
    pub sid: Sid<Media>,
    pub size: i64,
    /// Microseconds for which it is kept without a message.
    pub kept: i64,
    pub about: About,
}

impl About {
    /// Reads what was said. A door asks before it takes the file in, too.
    pub fn read(call: &Call, form: &Form) -> Result<Self, Problem> {
        let given = |name| form.get(name).filter(|value: &&str| !value.is_empty());
        let content_type = given("ContentType").unwrap_or(BYTES);
        if !is_content_type(content_type) {
            return Err(Problem::INVALID_MEDIA_CONTENT_TYPE);
        }
        let author = match call.client() {
            // Whose file it is, is known of a client.
            Some(client) => Some(client.identity.clone()),
            None => form.text("Author", call.limits.limit(256), Problem::AUTHOR_TOO_LONG)?,
        };
        Ok(Self {
            content_type: content_type.to_owned(),
            filename: given("Filename").and_then(filename),
            category: match given("Category") {
                None => Category::Media,
                Some(name) => Category::parse(name).ok_or_else(|| Problem::invalid_parameter("Category"))?,
            },
            author: author.filter(|author| !author.is_empty()).unwrap_or_else(|| SYSTEM.to_owned()),
        })
    }
}

impl FromForm for CreateMedia {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let number = |name| form.get(name).and_then(|text: &str| text.parse().ok());
        let invalid = Problem::invalid_parameter;
        Ok(Self {
            sid: form.sid("Sid", invalid("Sid"))?.ok_or_else(|| invalid("Sid"))?,
            size: number("Size").ok_or_else(|| invalid("Size"))?,
            kept: number("Kept").ok_or_else(|| invalid("Kept"))?,
            about: About::read(call, form)?,
        })
    }
}

/// `type/subtype`, with or without parameters, in letters that a header may have.
fn is_content_type(text: &str) -> bool {
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let is_token = |text: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !text.is_empty() && text.bytes().all(is_letter)
    };
    let is_printed = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    text.len() <= CONTENT_TYPE_LENGTH
        && parameters.bytes().all(is_printed)
        && essence.trim_end().split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub))
}

/// The last part of what may be a path, without control characters; none where nothing is left.
fn filename(given: &str) -> Option<String> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|letter| !letter.is_control()).take(FILENAME_LENGTH).collect();
    let name = name.trim();
    (!matches!(name, "" | "." | "..")).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_is_two_words_and_perhaps_parameters() {
        for text in ["image/png", "text/plain; charset=utf-8", "text/plain ;x", "application/vnd.a+json"] {
            assert!(is_content_type(text), "{text}");
        }
        for text in ["", "image", "image/", "/png", "a/b/c", "image/p ng", "text/plain; a=\u{e9}", "a/b;\r\n"]
        {
            assert!(!is_content_type(text), "{text}");
        }
        assert!(!is_content_type(&format!("a/{}", "b".repeat(CONTENT_TYPE_LENGTH))));
    }

    #[test]
    fn of_a_path_the_last_part_is_the_name() {
        for (given, expected) in [
            ("cat.png", Some("cat.png")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\photos\\cat.png", Some("cat.png")),
            ("a\r\nb\u{0}.png", Some("ab.png")),
            (" \u{732b}.png ", Some("\u{732b}.png")),
            ("..", None),
            ("photos/", None),
            ("\n", None),
        ] {
            assert_eq!(filename(given).as_deref(), expected, "{given:?}");
        }
        assert_eq!(filename(&"\u{e9}".repeat(300)).map(|name| name.chars().count()), Some(FILENAME_LENGTH));
    }
}
