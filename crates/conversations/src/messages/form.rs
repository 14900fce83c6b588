//! What create, update and list of messages take.

use crate::content_templates::NamedContent;
use crate::media::Media;
use crate::prelude::*;

/// Bytes.
const BODY_LENGTH: usize = 32 * 1024;
/// Bytes.
const ATTRIBUTES_LENGTH: usize = 4 * 1024;

#[derive(Clone, Debug)]
pub struct CreateMessage {
    pub author: Option<String>,
    pub body: Option<String>,
    /// In place of body and media.
    pub content: Option<NamedContent>,
    pub media_sid: Option<Sid<Media>>,
    pub subject: Option<String>,
    pub attributes: Option<Attributes>,
    pub date_created: Option<Timestamp>,
    pub date_updated: Option<Timestamp>,
}

/// Media and content of a message cannot be changed.
#[derive(Clone, Debug)]
pub struct UpdateMessage {
    pub author: Option<String>,
    pub body: Option<String>,
    pub subject: Option<String>,
    pub attributes: Option<Attributes>,
    pub date_created: Option<Timestamp>,
    pub date_updated: Option<Timestamp>,
}

impl FromForm for CreateMessage {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let content = NamedContent::from_form(call, form)?;
        let UpdateMessage { author, body, subject, attributes, date_created, date_updated } =
            UpdateMessage::from_form(call, form)?;
        // Twilio: a template takes the place of a file, whatever is said of one.
        let media_sid = if content.is_none() { media_sid(form)? } else { None };
        let says_something =
            content.is_some() || media_sid.is_some() || body.as_ref().is_some_and(|body| !body.is_empty());
        if !says_something && attributes.is_none() && subject.is_none() {
            return Err(Problem::BODY_NOT_PROVIDED);
        }
        Ok(Self { author, body, content, media_sid, subject, attributes, date_created, date_updated })
    }
}

/// An empty one is none.
fn media_sid(form: &Form) -> Result<Option<Sid<Media>>, Problem> {
    let given = form.get("MediaSid").filter(|sid| !sid.is_empty());
    given.map(|sid| Sid::parse(sid).ok_or(Problem::INVALID_MEDIA_SID)).transpose()
}

impl FromForm for UpdateMessage {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let attributes = |text| Attributes::parse(text, call.limits.limit(ATTRIBUTES_LENGTH));
        let body = form.get("Body");
        if body.is_some_and(|body| body.len() > call.limits.limit(BODY_LENGTH)) {
            return Err(Problem::BODY_TOO_LONG);
        }
        let subject_too_long = Problem::parameter("Subject is too long: 256 characters are allowed");
        Ok(Self {
            author: form
                .text("Author", call.limits.limit(256), Problem::AUTHOR_TOO_LONG)?
                .filter(|author| !author.is_empty()),
            body: body.map(str::to_owned),
            subject: form.text("Subject", call.limits.limit(256), subject_too_long)?,
            attributes: form.get("Attributes").map(attributes).transpose()?,
            date_created: form.timestamp("DateCreated", Problem::INVALID_DATE_CREATED)?,
            date_updated: form.timestamp("DateUpdated", Problem::INVALID_DATE_UPDATED)?,
        })
    }
}

impl UpdateMessage {
    /// Whether an update with it changes nothing.
    pub fn is_empty(&self) -> bool {
        let Self { author, body, subject, attributes, date_created, date_updated } = self;
        author.is_none()
            && body.is_none()
            && subject.is_none()
            && attributes.is_none()
            && date_created.is_none()
            && date_updated.is_none()
    }
}

/// Oldest first, unless asked otherwise.
pub struct ListMessages {
    order: Option<Direction>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
}

impl ListMessages {
    pub fn is_descending(&self) -> bool {
        self.order == Some(Direction::Descending)
    }
}

impl FromForm for ListMessages {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        let order = match form.get("Order").map(str::to_ascii_lowercase).as_deref() {
            None | Some("") => None,
            Some("asc") => Some(Direction::Ascending),
            Some("desc") => Some(Direction::Descending),
            Some(_) => return Err(Problem::invalid_parameter("Order")),
        };
        Ok(Self { order })
    }
}

impl Filter for ListMessages {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let name = |order| match order {
            Direction::Ascending => "asc",
            Direction::Descending => "desc",
        };
        self.order.map(|order| ("Order", name(order).to_owned())).into_iter().collect()
    }
}
