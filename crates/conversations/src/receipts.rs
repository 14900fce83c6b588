//! Receipts: what became of a message on its way to one participant that is not reached by chat.

use crate::Message;
use crate::messages::MessageKey;
use crate::prelude::*;

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
    pub status: Option<String>,
    pub error_code: Option<i64>,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

impl Prefix for Receipt {
    const PREFIX: &'static str = "DY";
}

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

// The message that leads each of these has been found under its tenant.
const OF_MESSAGE: &str = "WHERE message_key = $1 ORDER BY participant_sid";
const REMOVE_ALL: &str = "DELETE FROM receipts WHERE message_key = $1";

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

/// The receipts of a message.
pub fn of_message(tx: &mut Tx<'_>, message: &Message) -> Result<Vec<Receipt>, StoreError> {
    tx.list(OF_MESSAGE, &[&message.key])
}

/// They go with their message.
pub fn remove_all(tx: &mut Tx<'_>, message: &Message) -> Result<(), StoreError> {
    tx.put(REMOVE_ALL, &[&message.key])
}
