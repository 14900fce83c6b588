//! What a caller is told when a request is refused.
//!
//! A problem is its code, its HTTP status and its text; client libraries switch on the code, and some
//! programs read the text too, so texts are Twilio's to the letter. Those that never vary are constants of
//! [`Problem`] and stand in the catalogue; those that name something are made by the functions below.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// A refusal, as the caller sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Twilio's number for it.
    pub code: u32,
    /// The HTTP status it is answered with.
    pub status: u16,
    /// The text for people.
    pub message: Cow<'static, str>,
}

impl Problem {
    /// An entry of the catalogue.
    pub const fn new(code: u32, status: u16, message: &'static str) -> Self {
        Self { code, status, message: Cow::Borrowed(message) }
    }

    /// 404: `path` is printed as it was asked for, but without `/v1` and without the query.
    pub fn not_found(path: &str) -> Self {
        Self { message: format!("The requested resource {path} was not found").into(), ..Self::NOT_FOUND }
    }

    /// 400 for a parameter that has no code of its own: its value cannot be read.
    pub fn invalid_parameter(name: &str) -> Self {
        Self::parameter(format!("Invalid value for parameter {name}"))
    }

    /// 400 in words of one's own, which name the parameter.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self { message: Cow::Owned(message.into()), ..Self::INVALID_PARAMETER }
    }

    /// 409 in words of one's own.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self { message: Cow::Owned(message.into()), ..Self::CONFLICT }
    }

    /// 409: the pair of addresses is bound in `conversation`.
    // Twilio: programs cut the sid out of this text to find the other conversation.
    pub fn binding_exists(conversation: &str) -> Self {
        let message = format!(
            "A binding for this participant and proxy address already exists in Conversation {conversation}"
        );
        Self { message: message.into(), ..Self::BINDING_EXISTS }
    }

    /// 409: the same people already have the group `conversation`.
    pub fn group_exists(conversation: &str) -> Self {
        let message =
            format!("Group MMS with given participant list already exists as Conversation {conversation}");
        Self { message: message.into(), ..Self::GROUP_EXISTS }
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and texts can be written")
    }
}

/// Exactly these four members: a body that also had `type` and `title` would be taken for another kind of
/// error by newer client libraries.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("Problem", 4)?;
        body.serialize_field("code", &self.code)?;
        body.serialize_field("message", &self.message)?;
        body.serialize_field("more_info", &format_args!("https://www.twilio.com/docs/errors/{}", self.code))?;
        body.serialize_field("status", &self.status)?;
        body.end()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, status {})", self.message, self.code, self.status)
    }
}

impl Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_four_members_in_order() {
        let body = Problem::new(50407, 400, "Invalid messaging binding address").to_json();
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"code":50407,"message":"Invalid messaging binding address","more_info":"https://www.twilio.com/docs/errors/50407","status":400}"#
        );
    }

    #[test]
    fn texts_that_name_something_are_escaped() {
        let body = Problem::not_found("/Conversations/\"x\"").to_json();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["message"], "The requested resource /Conversations/\"x\" was not found");
        assert_eq!((&body["code"], &body["status"]), (&20404.into(), &404.into()));
    }

    #[test]
    fn texts_that_programs_read() {
        let problem = Problem::binding_exists("CH71");
        assert_eq!((problem.code, problem.status), (50416, 409));
        assert_eq!(
            problem.message,
            "A binding for this participant and proxy address already exists in Conversation CH71"
        );
        let problem = Problem::group_exists("CH71");
        assert_eq!((problem.code, problem.status), (50438, 409));
        assert_eq!(
            problem.message,
            "Group MMS with given participant list already exists as Conversation CH71"
        );
        assert_eq!(
            Problem::invalid_parameter("PageSize").to_string(),
            "Invalid value for parameter PageSize (20001, status 400)"
        );
        assert_eq!(Problem::conflict("in use").message, "in use");
    }
}
