//! What create, update and list of messages take.

use crate::content_templates::NamedContent;
use crate::media::Media;
use crate::permissions;
use crate::prelude::*;

/// Bytes.
const BODY_LENGTH: usize = 32 * 1024;
/// Bytes.
const ATTRIBUTES_LENGTH: usize = 4 * 1024;
/// Of one message.
const FILES: usize = 10;

/// What a client may not say of a message.
const NOT_OF_CLIENTS: [&str; 3] = ["Author", "DateCreated", "DateUpdated"];

#[derive(Clone, Debug)]
pub struct CreateMessage {
    pub author: Option<String>,
    pub body: Option<String>,
    /// In place of body and media.
    pub content: Option<NamedContent>,
    /// One at the most, but from clients.
    pub media_sids: Vec<Sid<Media>>,
    /// Whether it says anything besides its files.
    pub has_text: bool,
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
    /// Whether it is the caller who speaks of the body.
    pub says_body: bool,
    /// The same for the attributes.
    pub says_attributes: bool,
}

impl FromForm for CreateMessage {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let content = NamedContent::from_form(call, form)?;
        let UpdateMessage {
            author,
            body,
            subject,
            attributes,
            date_created,
            date_updated,
            says_body,
            says_attributes: _,
        } = UpdateMessage::read(call, form)?;
        // Who speaks is known of a client; only a webhook that is asked says otherwise.
        let author = author.or_else(|| call.client().map(|client| client.identity.clone()));
        // Twilio: a template takes the place of a file, whatever is said of one.
        let media_sids = if content.is_none() { media_sids(call, form)? } else { Vec::new() };
        let has_body = body.as_ref().is_some_and(|body| !body.is_empty());
        let says_something = content.is_some() || !media_sids.is_empty() || has_body;
        if !says_something && attributes.is_none() && subject.is_none() {
            return Err(Problem::BODY_NOT_PROVIDED);
        }
        let has_text = media_sids.is_empty() || has_body && says_body;
        Ok(Self {
            author,
            body,
            content,
            media_sids,
            has_text,
            subject,
            attributes,
            date_created,
            date_updated,
        })
    }
}

/// An empty one is none.
fn media_sids(call: &Call, form: &Form) -> Result<Vec<Sid<Media>>, Problem> {
    let parse = |sid: &str| Sid::parse(sid).ok_or(Problem::INVALID_MEDIA_SID);
    let is_given = |sid: &&str| !sid.is_empty();
    if call.client().is_none() {
        return form.get("MediaSid").filter(is_given).map(parse).into_iter().collect();
    }
    let sids: Vec<Sid<Media>> = form.all("MediaSid").filter(is_given).map(parse).collect::<Result<_, _>>()?;
    if sids.len() > call.limits.limit(FILES) {
        return Err(Problem::parameter(format!("A message has at most {FILES} files")));
    }
    if sids.iter().enumerate().any(|(at, sid)| sids[..at].contains(sid)) {
        return Err(Problem::MEDIA_ALREADY_SENT);
    }
    Ok(sids)
}

impl FromForm for UpdateMessage {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        permissions::refuse(call, form, &["Subject"], Problem::USER_NOT_AUTHORIZED)?;
        Self::read(call, form)
    }
}

impl UpdateMessage {
    fn read(call: &Call, form: &Form) -> Result<Self, Problem> {
        permissions::refuse(call, form, &NOT_OF_CLIENTS, Problem::USER_NOT_AUTHORIZED)?;
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
            says_body: form.says("Body"),
            says_attributes: form.says("Attributes"),
        })
    }

    /// Whether an update with it changes nothing.
    pub fn is_empty(&self) -> bool {
        let Self {
            author,
            body,
            subject,
            attributes,
            date_created,
            date_updated,
            says_body: _,
            says_attributes: _,
        } = self;
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
