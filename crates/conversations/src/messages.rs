//! Messages: what is said in a conversation, in the order of its index. An index is never given again.

mod changes;
mod form;
mod history;
mod key;
mod metadata;

pub use changes::{added, changed, some};
pub use form::{CreateMessage, ListMessages, UpdateMessage};
pub use history::between;
pub use key::MessageKey;
pub use metadata::operations as client_operations;
use serde_json::value::RawValue;
use store::Opening;
use wire::Position;

use crate::content_templates::{self, ContentTemplate};
use crate::events::{self, EventType, Reason};
use crate::heads::{self, Head};
use crate::participants::{bound, is_group};
use crate::permissions::{self, Permission, Standing};
use crate::prelude::*;
use crate::tombstones::{self, Kind};
use crate::{conversations, media, participants, receipts, services};

/// Who speaks where no author is named.
pub const SYSTEM: &str = "system";

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the columns.
#[derive(Clone, Debug)]
pub struct Message {
    pub key: MessageKey,
    pub sid: Sid<Message>,
    pub conversation_sid: Sid<Conversation>,
    pub author: String,
    pub participant_sid: Option<Sid<Participant>>,
    pub body: Option<String>,
    /// Stored, and shown to SDK clients; the REST API does not print it.
    pub subject: Option<String>,
    pub attributes: Attributes,
    /// JSON text of an array.
    pub media: Option<String>,
    pub content_sid: Option<Sid<ContentTemplate>>,
    /// JSON text of the summary of its receipts; none until a receipt has a status.
    pub delivery: Option<String>,
    /// Who edited it last, `system` for the account; none until somebody has. The REST API does not print it.
    pub last_updated_by: Option<String>,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
    /// Positions of the conversation.
    pub position_added: i64,
    pub position_changed: Option<i64>,
}

impl Prefix for Message {
    const PREFIX: &'static str = "IM";
}

/// A message as the API shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub message: Message,
    pub account_sid: Sid<Account>,
}

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            sid: &'a Sid<Message>,
            account_sid: &'a Sid<Account>,
            conversation_sid: &'a Sid<Conversation>,
            body: &'a Option<String>,
            media: Option<&'a RawValue>,
            author: &'a str,
            participant_sid: &'a Option<Sid<Participant>>,
            attributes: &'a Attributes,
            date_created: &'a Timestamp,
            date_updated: &'a Timestamp,
            index: i64,
            delivery: Option<&'a RawValue>,
            content_sid: &'a Option<Sid<ContentTemplate>>,
        }
        let Self { message, account_sid } = self;
        Fields {
            sid: &message.sid,
            account_sid,
            conversation_sid: &message.conversation_sid,
            body: &message.body,
            media: raw(message.media.as_ref()),
            author: &message.author,
            participant_sid: &message.participant_sid,
            attributes: &message.attributes,
            date_created: &message.date_created,
            date_updated: &message.date_updated,
            index: message.key.index(),
            delivery: raw(message.delivery.as_ref()),
            content_sid: &message.content_sid,
        }
        .serialize(serializer)
    }
}

fn raw(json: Option<&String>) -> Option<&RawValue> {
    json.and_then(|text| serde_json::from_str(text).ok())
}

impl Resource for Shown {
    const NAMES_SERVICE: bool = true;

    fn url(&self, call: &Call) -> String {
        let Message { sid, conversation_sid, .. } = &self.message;
        call.service_url(format_args!("/Conversations/{conversation_sid}/Messages/{sid}"))
    }

    fn links(&self, _: &Call, url: &str) -> Links {
        below(url, &[("delivery_receipts", "Receipts"), ("channel_metadata", "ChannelMetadata")])
    }

    fn client_members(&self, members: &mut Members<'_>) {
        members.put("subject", &self.message.subject);
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl Message {
    fn new(call: &Call, head: &Head, form: &CreateMessage, now: Timestamp) -> Self {
        let CreateMessage {
            author,
            body,
            content,
            media_sids: _,
            has_text: _,
            subject,
            attributes,
            date_created,
            date_updated,
        } = form;
        let date_created = date_created.unwrap_or(now);
        Self {
            key: MessageKey::new(head.number, head.next_index - 1),
            sid: call.new_sid(now),
            conversation_sid: head.sid,
            author: author.clone().unwrap_or_else(|| SYSTEM.to_owned()),
            participant_sid: None,
            body: body.clone(),
            subject: subject.clone(),
            attributes: attributes.clone().unwrap_or_default(),
            media: None,
            content_sid: content.as_ref().map(|content| content.sid),
            delivery: None,
            last_updated_by: None,
            date_created,
            date_updated: date_updated.unwrap_or(date_created),
            position_added: head.position,
            position_changed: None,
        }
    }

    /// A parameter left out keeps its value.
    fn with(self, call: &Call, form: &UpdateMessage, now: Timestamp) -> Self {
        let UpdateMessage {
            author,
            body,
            subject,
            attributes,
            date_created,
            date_updated,
            says_body: _,
            says_attributes: _,
        } = form;
        Self {
            author: author.clone().unwrap_or(self.author),
            body: body.clone().or(self.body),
            subject: subject.clone().or(self.subject),
            attributes: attributes.clone().unwrap_or(self.attributes),
            last_updated_by: Some(call.client().map_or(SYSTEM, |client| &client.identity).to_owned()),
            date_created: date_created.unwrap_or(self.date_created),
            date_updated: date_updated.unwrap_or(now),
            ..self
        }
    }

    /// Whether it is the caller's own.
    fn is_of(&self, call: &Call) -> bool {
        call.client().is_some_and(|client| client.identity == self.author)
    }

    fn shown(self, call: &Call) -> Shown {
        Shown { message: self, account_sid: call.account_sid }
    }
}

/// The participant among `bound` who speaks as this author: by identity, address or projected address.
fn speaker<'a>(bound: &'a [Participant], author: &str) -> Option<&'a Participant> {
    bound.iter().find(|participant| {
        let addresses = participant.binding.iter().flat_map(|b| [&b.address, &b.projected_address]);
        addresses.chain([&participant.identity]).flatten().any(|name| name == author)
    })
}

/// Files need one permission, and whatever else there is the other.
fn require_leave_to_send(standing: &Standing, form: &CreateMessage) -> Result<(), Problem> {
    if !form.media_sids.is_empty() {
        standing.require(Permission::SendMediaMessage)?;
    }
    if form.has_text { standing.require(Permission::SendMessage) } else { Ok(()) }
}

/// In a group MMS nobody speaks who has no number in it: not even the system.
fn require_speaker(bound: &[Participant], author: &str) -> Result<(), Problem> {
    if is_group(bound) && speaker(bound, author).is_none() {
        return Err(Problem::AUTHOR_NOT_IN_GROUP);
    }
    Ok(())
}

// Storage ────────────────────────────────────────────────────────────────────

impl Record for Message {
    const TABLE: &'static str = "messages";
    const KEY: &'static [&'static str] = &["key"];
    const COLUMNS: &'static str = "key, sid, conversation_sid, author, participant_sid, body, subject, \
         attributes, media, content_sid, delivery, last_updated_by, date_created, date_updated, position_added, \
         position_changed";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.key, &self.sid, &self.conversation_sid, &self.author, &self.participant_sid, &self.body,
             &self.subject, &self.attributes, &self.media, &self.content_sid, &self.delivery,
             &self.last_updated_by, &self.date_created, &self.date_updated, &self.position_added,
             &self.position_changed]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            key: row.next()?, sid: row.next()?, conversation_sid: row.next()?, author: row.next()?,
            participant_sid: row.next()?, body: row.next()?, subject: row.next()?, attributes: row.next()?,
            media: row.next()?, content_sid: row.next()?, delivery: row.next()?,
            last_updated_by: row.next()?, date_created: row.next()?, date_updated: row.next()?,
            position_added: row.next()?, position_changed: row.next()?,
        })
    }
}

// The conversation that leads each of these has been found under its tenant.
const BY_SID: &str = "WHERE conversation_sid = $1 AND sid = $2";
const LAST: &str = "WHERE key >= $1 AND key < $2 ORDER BY key DESC LIMIT 1";
const SET_DELIVERY: &str = "UPDATE messages SET delivery = $2, position_changed = $3 WHERE key = $1";
const COUNT_AFTER: &str =
    "SELECT COUNT(*) FROM (SELECT 1 FROM messages WHERE key > $1 AND key < $2 LIMIT $3) AS unread";

// Operations: one transaction each ───────────────────────────────────────────

/// The message of the path, or 404.
pub fn of_path(tx: &mut Tx<'_>, call: &Call, path: &Path, head: &Head) -> Result<Message, Failure> {
    let not_found = || call.lacks(Problem::MESSAGE_NOT_FOUND);
    let sid = path.sid::<Message>(call, "MessageSid").map_err(|_| not_found())?;
    find(tx, head, sid)?.ok_or_else(|| not_found().into())
}

/// The message of this sid in a conversation.
pub fn find(tx: &mut Tx<'_>, head: &Head, sid: Sid<Message>) -> Result<Option<Message>, StoreError> {
    tx.find(BY_SID, &[&head.sid, &sid])
}

/// How many messages come after `index`, up to `limit`.
pub fn count_after(tx: &mut Tx<'_>, head: &Head, index: i64, limit: i64) -> Result<i64, StoreError> {
    if head.messages == head.next_index {
        // Nothing was ever removed: the indexes tell.
        return Ok((head.next_index - 1 - index).clamp(0, limit));
    }
    let (_, end) = MessageKey::range(head.number);
    let after = MessageKey::new(head.number, index.min(MessageKey::LAST_INDEX));
    Ok(tx.row(COUNT_AFTER, &[&after, &end, &limit], one::<i64>)?.unwrap_or_default())
}

/// Who speaks as this author; nobody where the author takes no part.
fn participant_of(
    tx: &mut Tx<'_>,
    (head, bound): (&Head, &[Participant]),
    author: &str,
) -> Result<Option<Sid<Participant>>, StoreError> {
    match speaker(bound, author) {
        Some(participant) => Ok(Some(participant.sid)),
        None if author == SYSTEM => Ok(None),
        None => Ok(participants::find(tx, head.sid, &Key::Name(author.to_owned()))?.map(|one| one.sid)),
    }
}

/// Writes the summary of a message's receipts, at a new position of its locked conversation.
pub fn set_delivery(
    tx: &mut Tx<'_>,
    key: MessageKey,
    delivery: Option<&String>,
    position: i64,
) -> Result<(), StoreError> {
    tx.put(SET_DELIVERY, &[&key, &delivery, &position])
}

fn open(call: &Call, path: &Path, form: &CreateMessage) -> Option<Opening> {
    heads::open_with_speaker(call, path, form.author.as_deref().unwrap_or(SYSTEM))
}

/// Everything that a message is, in its own transaction: the head's counters, the row, and a receipt
/// for each participant that it will go out to.
fn create(tx: &mut Tx<'_>, call: &Call, path: &Path, form: &CreateMessage) -> Result<Shown, Failure> {
    services::require(tx, call)?;
    let author = form.author.as_deref().unwrap_or(SYSTEM);
    // What may refuse comes before the first write: an undone write costs the whole batch.
    let (mut head, member) = heads::lock_with_speaker(tx, call, path, author)?;
    require_leave_to_send(&permissions::of_member(tx, call, head.sid)?, form)?;
    head.require_open()?;
    let rendered = match &form.content {
        Some(content) => content_templates::render(tx, call, content)?,
        None => None,
    };
    let bound = bound(tx, &head)?;
    require_speaker(&bound, author)?;
    let media = media::take(tx, call, &form.media_sids)?;
    let (state, place) = (head.state, head.place());
    head.add_message(tx.now());
    heads::replace_after_message(tx, &head, place)?;
    let mut message = Message::new(call, &head, form, tx.now());
    if form.content.is_some() {
        message.body = rendered;
    }
    let named = if author == SYSTEM { None } else { member };
    message.participant_sid = speaker(&bound, author).map(|bound| bound.sid).or(named);
    message.media = media::attach(tx, media, &message)?;
    tx.append(&message)?;
    for recipient in bound.iter().filter(|one| one.is_reached_by_channel()) {
        if message.participant_sid != Some(recipient.sid) {
            receipts::expect(tx, call, &message, recipient)?;
        }
    }
    events::of_message(tx, &call.cause(), EventType::MessageAdded, (&head, &message))?;
    if state != head.state {
        let conversation = conversations::awoken(tx, &head)?;
        let cause = call.cause().because(Reason::Event);
        events::of_state(tx, &cause, state, (&conversation, &head))?;
    }
    Ok(message.shown(call))
}

/// What [`fetch`] reads where the path names sids.
fn look(call: &Call, path: &Path) -> Vec<Opening> {
    let (conversation, message) = (path.key::<Conversation>("ConversationSid"), path.key("MessageSid"));
    let (Key::Sid(sid), Key::Sid::<Message>(message)) = (conversation, message) else { return Vec::new() };
    let message = Opening::of::<Message>(BY_SID).with(&sid).with(&message);
    services::look(call).into_iter().chain([heads::look(call.service_sid, sid), message]).collect()
}

fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Shown, Failure> {
    services::require(tx, call)?;
    let head = heads::fetch(tx, call, path)?;
    permissions::of_member(tx, call, head.sid)?;
    Ok(of_path(tx, call, path, &head)?.shown(call))
}

fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    filter: &ListMessages,
    request: &PageRequest,
) -> Result<Page<Shown>, Failure> {
    services::require(tx, call)?;
    let head = heads::fetch(tx, call, path)?;
    permissions::of_member(tx, call, head.sid)?;
    // Cursors carry the index, not the key: the number is this database's own affair.
    let seek = |index| MessageKey::seek(head.number, index);
    let key = |cursor: Cursor| Cursor { at: seek(cursor.at), ..cursor };
    let position = match request.position {
        Position::Start => Position::Start,
        Position::After(cursor) => Position::After(key(cursor)),
        Position::Before(cursor) => Position::Before(key(cursor)),
    };
    let request = PageRequest { position, ..*request };
    let select = format!("SELECT {} FROM messages", Message::COLUMNS);
    let ordered = if filter.is_descending() { Order::descending } else { Order::ascending };
    let order = ordered("key", None).within(Some(seek(0)), Some(seek(MessageKey::LAST_INDEX)));
    let read = |row: &mut Row<'_>| Message::read(row).map(|message| message.shown(call));
    let cursor = |shown: &Shown| Cursor { at: shown.message.key.index(), sid: [0; 16] };
    Ok(page(tx, (&select, &[]), &order, &request, (read, cursor))?)
}

fn update(tx: &mut Tx<'_>, call: &Call, path: &Path, form: &UpdateMessage) -> Result<Shown, Failure> {
    services::require(tx, call)?;
    let mut head = heads::lock(tx, call, path)?;
    let standing = permissions::of_member(tx, call, head.sid)?;
    let message = of_path(tx, call, path, &head)?;
    let is_own = message.is_of(call);
    if form.says_body {
        standing.require_own_or_any(is_own, Permission::EditOwnMessage, Permission::EditAnyMessage)?;
    }
    if form.says_attributes {
        let (own, any) = (Permission::EditOwnMessageAttributes, Permission::EditAnyMessageAttributes);
        standing.require_own_or_any(is_own, own, any)?;
    }
    head.require_open()?;
    if form.body.is_some() && message.media.is_some() {
        return Err(Problem::MEDIA_BODY_NOT_UPDATABLE.into());
    }
    if form.is_empty() {
        return Ok(message.shown(call));
    }
    let mut message = message.with(call, form, tx.now());
    message.position_changed = Some(head.advance());
    if form.author.is_some() {
        let bound = bound(tx, &head)?;
        require_speaker(&bound, &message.author)?;
        message.participant_sid = participant_of(tx, (&head, &bound), &message.author)?;
    }
    tx.replace(&message)?;
    heads::replace(tx, &head)?;
    events::of_message(tx, &call.cause(), EventType::MessageUpdated, (&head, &message))?;
    Ok(message.shown(call))
}

fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    services::require(tx, call)?;
    let mut head = heads::lock(tx, call, path)?;
    let standing = permissions::of_member(tx, call, head.sid)?;
    let message = of_path(tx, call, path, &head)?;
    let (own, any) = (Permission::DeleteOwnMessage, Permission::DeleteAnyMessage);
    standing.require_own_or_any(message.is_of(call), own, any)?;
    head.require_open()?;
    tx.remove(&message)?;
    receipts::remove_all(tx, &message)?;
    media::remove_of(tx, &message)?;
    let index = message.key.index();
    let stone = (Kind::Message, message.sid.as_bytes(), Some(index));
    let position = head.advance();
    tombstones::leave(tx, (head.sid.as_bytes(), position), stone)?;
    head.messages -= 1;
    if head.last_message_index == Some(index) {
        let (first, end) = MessageKey::range(head.number);
        let last: Option<Message> = tx.find(LAST, &[&first, &end])?;
        head.last_message_index = last.as_ref().map(|message| message.key.index());
        head.last_message_at = last.map(|message| message.date_created);
        head.document_position = head.position;
    }
    heads::replace(tx, &head)?;
    events::of_message(tx, &call.cause(), EventType::MessageRemoved, (&head, &message))
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Conversations/{ConversationSid}/Messages";
    const ONE: &str = "/Conversations/{ConversationSid}/Messages/{MessageSid}";
    vec![
        Operation::list(LIST, Paged::new("messages", 100), list).for_clients(),
        Operation::create_opening(LIST, open, create).for_clients(),
        Operation::fetch_opening(ONE, look, fetch).for_clients(),
        Operation::update(ONE, update).for_clients(),
        Operation::delete(ONE, delete).for_clients(),
    ]
}
