//! Message recipients: whom messages of a conversation went out to, and by which address. Clients of the SDK ask for
//! them; REST has receipts.

use wire::Position;

use crate::heads::{self, Head};
use crate::messages::{self, Message, MessageKey};
use crate::prelude::*;
use crate::{permissions, services};

// Record ─────────────────────────────────────────────────────────────────────

/// A receipt beside whom it is of. Field order is the order of the JSON.
#[derive(Debug, Serialize)]
pub struct MessageRecipient {
    message_sid: Sid<Message>,
    /// The channel.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Of e-mail: `to` or `cc`. Nothing of ours has one.
    level: Option<String>,
    /// Of e-mail, likewise.
    name: Option<String>,
    address: Option<String>,
    #[serde(skip)]
    place: (MessageKey, Sid<Participant>),
}

impl Resource for MessageRecipient {
    const PRINTS_URL: bool = false;

    fn url(&self, _: &Call) -> String {
        String::new()
    }
}

// Form parameters ────────────────────────────────────────────────────────────

/// Of one message, or of all.
pub struct ListRecipients {
    message_sid: Option<Sid<Message>>,
}

impl FromForm for ListRecipients {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        Ok(Self { message_sid: form.sid("MessageSid", Problem::MESSAGE_NOT_FOUND)? })
    }
}

impl Filter for ListRecipients {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        self.message_sid.iter().map(|sid| ("MessageSid", sid.to_string())).collect()
    }
}

// Storage ────────────────────────────────────────────────────────────────────

// The conversation has been found under its tenant, and its number leads the key that the order is within.
const SELECT: &str = "SELECT r.message_key, r.participant_sid, r.message_sid, p.binding_type, p.address \
     FROM receipts r JOIN participants p ON p.conversation_sid = r.conversation_sid AND p.sid = r.participant_sid \
     WHERE r.conversation_sid = $1";

fn read(row: &mut Row<'_>) -> Result<MessageRecipient, StoreError> {
    let place = (row.next()?, row.next()?);
    let (message_sid, kind, address) = (row.next()?, row.next()?, row.next()?);
    Ok(MessageRecipient { message_sid, kind, level: None, name: None, address, place })
}

// Operations: one transaction each ───────────────────────────────────────────

/// In the order of the messages, and of each in that in which its recipients came. Those who have left are not told.
pub fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    filter: &ListRecipients,
    request: &PageRequest,
) -> Result<Page<MessageRecipient>, Failure> {
    services::require(tx, call)?;
    let head = heads::fetch(tx, call, path)?;
    permissions::of_member(tx, call, head.sid)?;
    let (first, last) = indexes(tx, call, &head, filter)?;
    // Cursors carry the index, not the key: the number is this database's own affair.
    let seek = |index| MessageKey::seek(head.number, index);
    let key = |cursor: Cursor| Cursor { at: seek(cursor.at), ..cursor };
    let position = match request.position {
        Position::Start => Position::Start,
        Position::After(cursor) => Position::After(key(cursor)),
        Position::Before(cursor) => Position::Before(key(cursor)),
    };
    let request = PageRequest { position, ..*request };
    let order = Order::ascending("r.message_key", Some("r.participant_sid"));
    let order = order.within(Some(seek(first)), Some(seek(last)));
    let cursor = |one: &MessageRecipient| Cursor { at: one.place.0.index(), sid: *one.place.1.as_bytes() };
    Ok(page(tx, (SELECT, &[&head.sid]), &order, &request, (read, cursor))?)
}

/// From which message to which.
fn indexes(
    tx: &mut Tx<'_>,
    call: &Call,
    head: &Head,
    filter: &ListRecipients,
) -> Result<(i64, i64), Failure> {
    let Some(sid) = filter.message_sid else { return Ok((0, MessageKey::LAST_INDEX)) };
    let message = messages::find(tx, head, sid)?.ok_or_else(|| call.lacks(Problem::MESSAGE_NOT_FOUND))?;
    Ok((message.key.index(), message.key.index()))
}

/// Where the operation stands, for clients alone.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Conversations/{ConversationSid}/MessageRecipients";
    vec![Operation::list(LIST, Paged::new("message_recipients", 50), list).for_clients()]
}
