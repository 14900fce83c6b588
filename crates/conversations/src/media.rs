//! Media: files that messages carry, one each. A file is uploaded first and named in a message soon after,
//! or it goes again; from then on it goes with its message. It never changes.
//!
//! Here are the rows. The bytes lie wherever the server keeps them, by service and sid, and are on disk
//! before the row is: see [`removals`] for what becomes of bytes without a row.

pub mod direct;
mod form;
pub mod readers;
pub mod removals;

pub use form::{About, CreateMedia};
use removals::File;
use wire::Microseconds;

use crate::messages::{Message, SYSTEM};
use crate::prelude::*;
use crate::services;

/// Rows that one step removes.
const AT_ONCE: i64 = 100;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the columns.
#[derive(Clone, Debug)]
pub struct Media {
    pub sid: Sid<Media>,
    pub account_sid: Sid<Account>,
    pub chat_service_sid: Sid<Service>,
    /// Bytes.
    pub size: i64,
    pub content_type: String,
    pub filename: Option<String>,
    pub category: Category,
    pub author: String,
    pub conversation_sid: Option<Sid<Conversation>>,
    pub message_sid: Option<Sid<Message>>,
    /// When it goes, unless a message carries it.
    pub expires: Option<Timestamp>,
    pub date_created: Timestamp,
    pub date_upload_updated: Timestamp,
    pub date_updated: Timestamp,
}

/// What a file is to a message: an attachment, or a long text of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    Media,
    Body,
    History,
}

impl Prefix for Media {
    const PREFIX: &'static str = "ME";
}

/// A file as the media service shows it.
pub struct Shown {
    media: Media,
    /// Its direct address, where that is shown.
    direct: Option<String>,
}

impl Serialize for Shown {
    // Twilio: unlike those of all other resources, dates have microseconds and an offset, and links no host.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Content<'a> {
            content: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            content_direct_temporary: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Fields<'a> {
            sid: &'a Sid<Media>,
            service_sid: &'a Sid<Service>,
            date_created: Microseconds,
            date_upload_updated: Microseconds,
            date_updated: Microseconds,
            links: Content<'a>,
            size: i64,
            content_type: &'a str,
            filename: Option<&'a str>,
            author: &'a str,
            category: Category,
            message_sid: Option<Sid<Message>>,
            channel_sid: Option<Sid<Conversation>>,
            url: String,
            is_multipart_upstream: bool,
        }
        let Self { media, direct } = self;
        let url = format!("/v1/Services/{}/Media/{}", media.chat_service_sid, media.sid);
        Fields {
            sid: &media.sid,
            service_sid: &media.chat_service_sid,
            date_created: media.date_created.microseconds(),
            date_upload_updated: media.date_upload_updated.microseconds(),
            date_updated: media.date_updated.microseconds(),
            links: Content { content: format!("{url}/Content"), content_direct_temporary: direct.as_deref() },
            size: media.size,
            content_type: &media.content_type,
            filename: media.filename.as_deref(),
            author: &media.author,
            category: media.category,
            message_sid: media.message_sid,
            channel_sid: media.conversation_sid,
            url,
            is_multipart_upstream: false,
        }
        .serialize(serializer)
    }
}

impl Resource for Shown {
    /// It stands before the last member.
    const PRINTS_URL: bool = false;

    fn url(&self, _: &Call) -> String {
        String::new()
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl Category {
    const ALL: [(Self, &str); 3] = [(Self::Media, "media"), (Self::Body, "body"), (Self::History, "history")];

    fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// In any case.
    fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name))
            .map(|(category, _)| category)
    }
}

impl Media {
    fn new(call: &Call, form: &CreateMedia, now: Timestamp) -> Self {
        let CreateMedia { sid, size, kept, about } = form;
        let About { content_type, filename, category, author } = about.clone();
        Self {
            sid: *sid,
            account_sid: call.account_sid,
            chat_service_sid: call.service_sid,
            size: *size,
            content_type,
            filename,
            category,
            author,
            conversation_sid: None,
            message_sid: None,
            expires: Some(now.saturating_plus_micros(*kept)),
            date_created: now,
            date_upload_updated: now,
            date_updated: now,
        }
    }

    /// Where its bytes are.
    pub fn file(&self) -> File {
        File { chat_service_sid: self.chat_service_sid, sid: self.sid }
    }

    /// As it is shown where it is asked for.
    pub fn shown(self, call: &Call, now: Timestamp) -> Shown {
        let direct = Some(direct::url(call, &self, now));
        Shown { media: self, direct }
    }

    fn is_there(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    /// What a message says of a file it carries: JSON text.
    // Twilio: the description shows no category, but programs look for files by it.
    fn of_message(&self) -> String {
        #[derive(Serialize)]
        struct Fields<'a> {
            sid: &'a Sid<Media>,
            size: i64,
            content_type: &'a str,
            filename: Option<&'a str>,
            category: Category,
        }
        let fields = Fields {
            sid: &self.sid,
            size: self.size,
            content_type: &self.content_type,
            filename: self.filename.as_deref(),
            category: self.category,
        };
        serde_json::to_string(&fields).expect("a record has only text keys")
    }
}

impl Media {
    /// A user sends what it has uploaded, and what the account has; another user's file is nothing to it.
    fn may_be_sent_by(&self, call: &Call) -> bool {
        call.client().is_none_or(|client| self.author == client.identity || self.author == SYSTEM)
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for Category {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.name())
    }
}

impl Column for Category {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(name) => Self::parse(name),
            _ => None,
        }
    }
}

impl Media {
    /// What those lock who would give it to a message.
    fn root(sid: Sid<Media>) -> Root {
        const KIND: RootKind = RootKind { rank: 5, lock: "SELECT sid FROM media WHERE sid = $1" };
        Root::new(&KIND, *sid.as_bytes())
    }
}

impl Record for Media {
    const TABLE: &'static str = "media";
    const KEY: &'static [&'static str] = &["chat_service_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, chat_service_sid, size, content_type, filename, category, \
         author, conversation_sid, message_sid, expires, date_created, date_upload_updated, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.account_sid, &self.chat_service_sid, &self.size, &self.content_type,
             &self.filename, &self.category, &self.author, &self.conversation_sid, &self.message_sid,
             &self.expires, &self.date_created, &self.date_upload_updated, &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, chat_service_sid: row.next()?, size: row.next()?,
            content_type: row.next()?, filename: row.next()?, category: row.next()?, author: row.next()?,
            conversation_sid: row.next()?, message_sid: row.next()?, expires: row.next()?,
            date_created: row.next()?, date_upload_updated: row.next()?, date_updated: row.next()?,
        })
    }
}

const BY_SID: &str = "WHERE chat_service_sid = $1 AND sid = $2";
const REMOVE: &str = "DELETE FROM media WHERE conversation_sid = $1 AND message_sid = $2 \
     RETURNING chat_service_sid, sid";
const REMOVE_SOME_OF: &str = "DELETE FROM media WHERE conversation_sid = $1 AND sid IN \
     (SELECT sid FROM media WHERE conversation_sid = $1 ORDER BY message_sid LIMIT $2) \
     RETURNING chat_service_sid, sid";
const REMOVE_SOME_IN: &str = "DELETE FROM media WHERE chat_service_sid = $1 AND conversation_sid IS NULL \
     AND sid IN (SELECT sid FROM media WHERE chat_service_sid = $1 AND conversation_sid IS NULL \
     ORDER BY sid LIMIT $2) RETURNING chat_service_sid, sid";
// The scan for what has expired: without a tenant.
const EXPIRED: &str = "SELECT sid FROM media WHERE expires IS NOT NULL AND expires <= $1 \
     ORDER BY expires LIMIT $2";
const EXPIRE: &str = "DELETE FROM media WHERE sid = $1 AND expires <= $2 RETURNING chat_service_sid, sid";

// Operations: one transaction each ───────────────────────────────────────────

/// The file of this sid in the service, whosever the service is: for those who have proved that they may
/// see it.
pub fn find(tx: &mut Tx<'_>, service: Sid<Service>, sid: Sid<Media>) -> Result<Option<Media>, StoreError> {
    let now = tx.now();
    Ok(tx.find::<Media>(BY_SID, &[&service, &sid])?.filter(|media| media.is_there(now)))
}

/// The file of the path, or 404.
pub fn of_path(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Media, Failure> {
    services::require(tx, call)?;
    let sid = path.sid(call, "MediaSid")?;
    find(tx, call.service_sid, sid)?.ok_or_else(|| call.not_found().into())
}

/// These files, each if it is there.
pub fn of_sids(tx: &mut Tx<'_>, call: &Call, sids: &[Sid<Media>]) -> Result<Vec<Option<Media>>, Failure> {
    services::require(tx, call)?;
    Ok(sids.iter().map(|sid| find(tx, call.service_sid, *sid)).collect::<Result<_, _>>()?)
}

/// Says that a file is about to be uploaded: whatever happens to the server, it is known of from here on.
pub fn begin(tx: &mut Tx<'_>, call: &Call, sid: Sid<Media>) -> Result<(), Failure> {
    let service = services::of_call(tx, call)?;
    Ok(removals::expect_upload(tx, File { chat_service_sid: service.sid, sid })?)
}

/// The upload is whole and on disk.
fn create(tx: &mut Tx<'_>, call: &Call, _: &Path, form: &CreateMedia) -> Result<Shown, Failure> {
    services::of_call(tx, call)?;
    let media = Media::new(call, form, tx.now());
    if !removals::cancel(tx, media.file())? {
        return Err(Problem::conflict("The upload took too long and was given up").into());
    }
    tx.append(&media)?;
    Ok(Shown { media, direct: None })
}

/// Files that a message may carry; nobody else can have them until this transaction ends.
pub fn take(tx: &mut Tx<'_>, call: &Call, sids: &[Sid<Media>]) -> Result<Vec<Media>, Failure> {
    let mut roots = Roots::none();
    for sid in sids {
        roots.push(Media::root(*sid));
    }
    tx.lock(&roots)?;
    let mut all = Vec::with_capacity(sids.len());
    for sid in sids {
        let media = find(tx, call.service_sid, *sid)?.filter(|media| media.may_be_sent_by(call));
        let media = media.ok_or(Problem::MEDIA_NOT_FOUND)?;
        if media.message_sid.is_some() {
            return Err(Problem::MEDIA_ALREADY_SENT.into());
        }
        all.push(media);
    }
    Ok(all)
}

/// Gives files that were taken to their message, and tells what the message says of them: a JSON text, none where
/// there are none.
pub fn attach(tx: &mut Tx<'_>, all: Vec<Media>, message: &Message) -> Result<Option<String>, StoreError> {
    let mut said = Vec::with_capacity(all.len());
    for media in all {
        let attached = Media {
            conversation_sid: Some(message.conversation_sid),
            message_sid: Some(message.sid),
            expires: None,
            date_updated: tx.now(),
            ..media
        };
        tx.replace(&attached)?;
        said.push(attached.of_message());
    }
    Ok((!said.is_empty()).then(|| format!("[{}]", said.join(","))))
}

/// Removes what a message carried.
pub fn remove_of(tx: &mut Tx<'_>, message: &Message) -> Result<(), StoreError> {
    if message.media.is_some() {
        remove(tx, REMOVE, &[&message.conversation_sid, &message.sid])?;
    }
    Ok(())
}

/// Removes some of what the messages of a conversation carried, and tells whether there was any.
pub fn remove_some_of(tx: &mut Tx<'_>, conversation: Sid<Conversation>) -> Result<bool, StoreError> {
    remove(tx, REMOVE_SOME_OF, &[&conversation, &AT_ONCE])
}

/// Removes some of a service's files that no message carries, and tells whether there was any.
pub fn remove_some_in(tx: &mut Tx<'_>, service: Sid<Service>) -> Result<bool, StoreError> {
    remove(tx, REMOVE_SOME_IN, &[&service, &AT_ONCE])
}

/// Whether there are files whose time has come.
pub fn has_expired(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.row(EXPIRED, &[&now, &1], one::<Sid<Media>>)?.is_some())
}

/// Removes some of them.
pub fn expire(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let now = tx.now();
    let sids = tx.rows(EXPIRED, &[&now, &AT_ONCE], one::<Sid<Media>>)?;
    let mut roots = Roots::none();
    for sid in &sids {
        roots.push(Media::root(*sid));
    }
    tx.lock(&roots)?;
    for sid in &sids {
        // A message may have come first.
        remove(tx, EXPIRE, &[sid, &now])?;
    }
    Ok(())
}

fn remove(tx: &mut Tx<'_>, sql: &str, params: &[&dyn Value]) -> Result<bool, StoreError> {
    let read = |row: &mut Row<'_>| Ok(File { chat_service_sid: row.next()?, sid: row.next()? });
    let files = tx.rows(sql, params, read)?;
    for file in &files {
        removals::add(tx, *file)?;
    }
    Ok(!files.is_empty())
}

/// The one operation that changes something; the door of the media service stands before it, and not that
/// of the table of operations.
pub fn creation() -> Operation {
    Operation::create("/Media", create).at(Mount::Service).for_clients()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_known_by_its_name_in_any_case() {
        for (category, name) in Category::ALL {
            assert_eq!(category.name(), name);
            assert_eq!(Category::parse(&name.to_uppercase()), Some(category));
        }
        assert_eq!(Category::parse("picture"), None);
    }
}
