//! Receipts: what became of a message on its way to one participant that is not reached by chat.
//!
//! A message opens one for each of its recipients in its own transaction. Channels move its status on
//! with [`move_status`], which keeps the summary that the message shows; so does whoever tests without one ([`tell`]).

mod by_hand;
mod status;

pub use by_hand::{Place, TellReceipt, tell};
pub use status::{Delivery, Share, Status};

use crate::Message;
use crate::events::{self, Cause};
use crate::heads::{self, Head};
use crate::messages::{self, MessageKey};
use crate::participants::{self, ReadHorizon};
use crate::prelude::*;
use crate::{permissions, services};

// Record ─────────────────────────────────────────────────────────────────────

/// One row per (message, recipient). Field order is the order of the columns.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub message_key: MessageKey,
    pub participant_sid: Sid<Participant>,
    pub sid: Sid<Receipt>,
    pub conversation_sid: Sid<Conversation>,
    pub message_sid: Sid<Message>,
    /// The channel's own name for it.
    pub channel_message_sid: Option<String>,
    /// None while the message has not left this server.
    pub status: Option<Status>,
    pub error_code: Option<i64>,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

impl Prefix for Receipt {
    const PREFIX: &'static str = "DY";
}

/// A receipt as the API shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub receipt: Receipt,
    pub account_sid: Sid<Account>,
}

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            sid: &'a Sid<Receipt>,
            account_sid: &'a Sid<Account>,
            conversation_sid: &'a Sid<Conversation>,
            message_sid: &'a Sid<Message>,
            participant_sid: &'a Sid<Participant>,
            channel_message_sid: &'a Option<String>,
            status: Option<Status>,
            error_code: Option<i64>,
            date_created: &'a Timestamp,
            date_updated: &'a Timestamp,
        }
        let Self { receipt, account_sid } = self;
        Fields {
            sid: &receipt.sid,
            account_sid,
            conversation_sid: &receipt.conversation_sid,
            message_sid: &receipt.message_sid,
            participant_sid: &receipt.participant_sid,
            channel_message_sid: &receipt.channel_message_sid,
            status: receipt.status,
            error_code: receipt.error_code,
            date_created: &receipt.date_created,
            date_updated: &receipt.date_updated,
        }
        .serialize(serializer)
    }
}

impl Resource for Shown {
    const NAMES_SERVICE: bool = true;

    fn url(&self, call: &Call) -> String {
        let Receipt { sid, conversation_sid, message_sid, .. } = &self.receipt;
        call.service_url(format_args!(
            "/Conversations/{conversation_sid}/Messages/{message_sid}/Receipts/{sid}"
        ))
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

/// What a channel tells of one message to one recipient.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// None where it was taken and has not left yet.
    pub status: Option<Status>,
    /// Of a failure.
    pub error_code: Option<i64>,
    /// The channel's own name for the message: two letters and 32 hexadecimal digits. The first one stays.
    pub channel_message_sid: Option<String>,
}

impl Receipt {
    /// The receipt after what was told; none where that is nothing new.
    fn after(&self, told: &Progress, now: Timestamp) -> Option<Self> {
        let mut after = self.clone();
        if self.channel_message_sid.is_none() {
            after.channel_message_sid.clone_from(&told.channel_message_sid);
        }
        if let Some(status) = told.status.filter(|status| status.follows(self.status)) {
            after.status = Some(status);
            after.error_code = told.error_code.filter(|_| status.is_failure());
            after.date_updated = now;
        }
        let is_news = after.status != self.status || after.channel_message_sid != self.channel_message_sid;
        is_news.then_some(after)
    }

    fn shown(self, call: &Call) -> Shown {
        Shown { receipt: self, account_sid: call.account_sid }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Record for Receipt {
    const TABLE: &'static str = "receipts";
    const KEY: &'static [&'static str] = &["message_key", "participant_sid"];
    const COLUMNS: &'static str = "message_key, participant_sid, sid, conversation_sid, message_sid, \
         channel_message_sid, status, error_code, date_created, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.message_key, &self.participant_sid, &self.sid, &self.conversation_sid, &self.message_sid,
             &self.channel_message_sid, &self.status, &self.error_code, &self.date_created,
             &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            message_key: row.next()?, participant_sid: row.next()?, sid: row.next()?,
            conversation_sid: row.next()?, message_sid: row.next()?, channel_message_sid: row.next()?,
            status: row.next()?, error_code: row.next()?, date_created: row.next()?,
            date_updated: row.next()?,
        })
    }
}

// The message or conversation that leads each of these has been found under its tenant.
const OF_MESSAGE: &str = "WHERE message_key = $1";
const BY_SID: &str = "WHERE message_key = $1 AND sid = $2";
const OF_PARTICIPANT: &str = "WHERE message_key = $1 AND participant_sid = $2";
const OF_CONVERSATION: &str = "WHERE conversation_sid = $1 AND sid = $2";
const REMOVE_ALL: &str = "DELETE FROM receipts WHERE message_key = $1";

// Operations: within a transaction ───────────────────────────────────────────

/// Opens the receipt of a new message for one recipient.
pub fn expect(
    tx: &mut Tx<'_>,
    call: &Call,
    message: &Message,
    recipient: &Participant,
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.append(&Receipt {
        message_key: message.key,
        participant_sid: recipient.sid,
        sid: call.new_sid(now),
        conversation_sid: message.conversation_sid,
        message_sid: message.sid,
        channel_message_sid: None,
        status: None,
        error_code: None,
        date_created: now,
        date_updated: now,
    })
}

/// They go with their message.
pub fn remove_all(tx: &mut Tx<'_>, message: &Message) -> Result<(), StoreError> {
    tx.put(REMOVE_ALL, &[&message.key])
}

/// Moves a receipt on as a channel tells, and with it the summary of its message. Answers with the
/// receipt where its status has moved; what is told late, twice, out of order or of something that is
/// gone changes nothing. A closed conversation is no obstacle: what was said in it may still arrive.
pub fn move_status(
    tx: &mut Tx<'_>,
    cause: &Cause<'_>,
    conversation: Sid<Conversation>,
    sid: Sid<Receipt>,
    told: &Progress,
) -> Result<Option<Receipt>, Failure> {
    tx.lock(&Roots::one(Conversation::root(conversation)))?;
    let Some(mut head) = heads::find(tx, cause.chat_service_sid, &Key::Sid(conversation))? else {
        return Ok(None);
    };
    let found: Option<Receipt> = tx.find(OF_CONVERSATION, &[&head.sid, &sid])?;
    let Some(before) = found else { return Ok(None) };
    let Some(after) = before.after(told, tx.now()) else { return Ok(None) };
    tx.replace(&after)?;
    if after.status == before.status {
        return Ok(None);
    }
    let all: Vec<Receipt> = tx.list(OF_MESSAGE, &[&after.message_key])?;
    let statuses: Vec<_> = all.iter().map(|receipt| receipt.status).collect();
    let delivery = Delivery::of(&statuses).map(|delivery| delivery.to_json());
    messages::set_delivery(tx, after.message_key, delivery.as_ref(), head.advance())?;
    if after.status == Some(Status::Read) {
        advance_horizon(tx, cause, &mut head, &after)?;
    }
    heads::replace_after_participant(tx, &head)?;
    events::of_receipt(tx, cause, &after)?;
    Ok(Some(after))
}

/// Whoever read a message on a channel has read as far as that. An older message that is told later takes
/// nothing back.
fn advance_horizon(
    tx: &mut Tx<'_>,
    cause: &Cause<'_>,
    head: &mut Head,
    receipt: &Receipt,
) -> Result<(), Failure> {
    let found = participants::find(tx, head.sid, &Key::Sid(receipt.participant_sid))?;
    let Some(mut participant) = found else { return Ok(()) };
    let index = receipt.message_key.index();
    if participant.last_read_message_index.is_none_or(|read| read < index) {
        participants::set_read_horizon(tx, cause, (head, &mut participant), &ReadHorizon::at(index))?;
    }
    Ok(())
}

// Operations: one transaction each ───────────────────────────────────────────

fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Shown, Failure> {
    services::require(tx, call)?;
    let head = heads::fetch(tx, call, path)?;
    permissions::of_member(tx, call, head.sid)?;
    let message = messages::of_path(tx, call, path, &head)?;
    let sid = path.sid::<Receipt>(call, "ReceiptSid")?;
    let receipt: Option<Receipt> = tx.find(BY_SID, &[&message.key, &sid])?;
    receipt.map(|receipt| receipt.shown(call)).ok_or_else(|| call.not_found().into())
}

/// In the order in which the recipients came to the conversation.
fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    _: &NoParameters,
    request: &PageRequest,
) -> Result<Page<Shown>, Failure> {
    services::require(tx, call)?;
    let head = heads::fetch(tx, call, path)?;
    permissions::of_member(tx, call, head.sid)?;
    let message = messages::of_path(tx, call, path, &head)?;
    let select = format!("SELECT {} FROM receipts {OF_MESSAGE}", Receipt::COLUMNS);
    let read = |row: &mut Row<'_>| Receipt::read(row).map(|receipt| receipt.shown(call));
    let cursor = |shown: &Shown| Cursor { at: 0, sid: *shown.receipt.participant_sid.as_bytes() };
    let order = Order::by_sid("participant_sid", None);
    Ok(page(tx, (&select, &[&message.key]), &order, request, (read, cursor))?)
}

/// Where the operations stand. Nobody but a channel writes a receipt.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts";
    const ONE: &str = "/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts/{ReceiptSid}";
    vec![
        Operation::list(LIST, Paged::new("delivery_receipts", 50), list).for_clients(),
        Operation::fetch(ONE, fetch).for_clients(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Receipt {
        Receipt {
            message_key: MessageKey::new(1, 0),
            participant_sid: Sid::from_bytes([1; 16]),
            sid: Sid::from_bytes([2; 16]),
            conversation_sid: Sid::from_bytes([3; 16]),
            message_sid: Sid::from_bytes([4; 16]),
            channel_message_sid: None,
            status: None,
            error_code: None,
            date_created: Timestamp::from_micros(0),
            date_updated: Timestamp::from_micros(0),
        }
    }

    fn told(status: Option<Status>, error_code: Option<i64>, name: Option<&str>) -> Progress {
        Progress { status, error_code, channel_message_sid: name.map(str::to_owned) }
    }

    #[test]
    fn a_status_that_moves_sets_the_date_and_only_a_failure_an_error_code() {
        let now = Timestamp::from_micros(7);
        for status in Status::ALL {
            let after = receipt().after(&told(Some(status), Some(30003), None), now).expect("it is news");
            let expected = status.is_failure().then_some(30003);
            assert_eq!((after.status, after.error_code, after.date_updated), (Some(status), expected, now));
        }
    }

    #[test]
    fn the_channels_name_is_kept_from_the_first_time_it_is_told() {
        let now = Timestamp::from_micros(7);
        let queued = receipt().after(&told(None, None, Some("SM1")), now).expect("it is news");
        assert_eq!((queued.status, queued.date_updated), (None, Timestamp::from_micros(0)));
        assert_eq!(queued.channel_message_sid.as_deref(), Some("SM1"));
        let sent = queued.after(&told(Some(Status::Sent), None, Some("SM2")), now).expect("it is news");
        assert_eq!(sent.channel_message_sid.as_deref(), Some("SM1"));
        assert!(sent.after(&told(Some(Status::Sent), None, Some("SM2")), now).is_none());
        assert!(sent.after(&told(None, Some(1), None), now).is_none());
    }

    #[test]
    fn a_failure_keeps_its_error_code() {
        let now = Timestamp::from_micros(7);
        let failed = receipt().after(&told(Some(Status::Failed), Some(30003), None), now).expect("news");
        for status in Status::ALL {
            assert!(failed.after(&told(Some(status), Some(1), None), now).is_none(), "{status:?}");
        }
    }
}
