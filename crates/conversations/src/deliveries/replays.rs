//! Replays: a webhook that wants to be told of what was said before it was there.
//!
//! Whoever takes the first delivery of the webhook's lane takes the next message of the replay instead, until
//! none is left. It is only written as a delivery then, so that a long history costs no transaction more than
//! the one message, and whatever happens meanwhile waits behind it in the same lane.

use super::{LaneKey, Subject, TargetKey};
use crate::conversation_webhooks::{self, Webhook};
use crate::events;
use crate::ids::Ids;
use crate::prelude::*;
use crate::webhooks::Method;
use crate::{conversations, heads, messages};

/// Messages that one look goes through to find one that the webhook wants.
const CHUNK: i64 = 100;

/// What a replay has to tell.
pub enum Step {
    /// This delivery.
    Tell(i64),
    /// Nothing so far; there may be more.
    Later,
    /// Nothing any more.
    Over,
}

/// Where a replay stands.
struct Replay {
    chat_service_sid: Sid<Service>,
    next_index: i64,
    last_index: i64,
    number: Option<i64>,
}

// Storage ────────────────────────────────────────────────────────────────────

const INSERT: &str =
    "INSERT INTO replays (lane, chat_service_sid, next_index, last_index) VALUES ($1, $2, $3, $4)";
const OF_LANE: &str = "SELECT chat_service_sid, next_index, last_index, number FROM replays WHERE lane = $1";
const ADVANCE: &str = "UPDATE replays SET next_index = $2, number = $3 WHERE lane = $1";
const END: &str = "DELETE FROM replays WHERE lane = $1";
const WAITS: &str = "SELECT number FROM deliveries WHERE number = $1 AND status = 0";

// Operations: within the transaction of the change, or of who takes the lane ─

/// Begins to tell a new webhook of the messages from `first` to `last`.
pub fn begin(
    tx: &mut Tx<'_>,
    webhook: &Webhook,
    service: Sid<Service>,
    (first, last): (i64, i64),
) -> Result<(), StoreError> {
    // A flow is nobody who could be told.
    let Some(url) = &webhook.configuration.url else { return Ok(()) };
    let lane = LaneKey::new(TargetKey::Webhook(webhook.sid), Subject::Conversation(webhook.conversation_sid));
    tx.put(INSERT, &[&lane, &service, &first, &last])?;
    super::open(tx, &lane, webhook.account_sid, url)
}

/// What the replay of a leased lane has to tell next, under the lock of its conversation.
pub fn next(tx: &mut Tx<'_>, ids: &dyn Ids, lane: &LaneKey) -> Result<Step, StoreError> {
    let (Some(TargetKey::Webhook(webhook)), Some(Subject::Conversation(conversation))) =
        (lane.target(), lane.subject())
    else {
        return Ok(Step::Over);
    };
    let replay = tx.row(OF_LANE, &[lane], |row| {
        Ok(Replay {
            chat_service_sid: row.next()?,
            next_index: row.next()?,
            last_index: row.next()?,
            number: row.next()?,
        })
    })?;
    let Some(replay) = replay else { return Ok(Step::Over) };
    if let Some(number) = replay.number
        && tx.row(WAITS, &[&number], one::<i64>)?.is_some()
    {
        return Ok(Step::Tell(number));
    }
    let webhook = conversation_webhooks::find(tx, conversation, webhook)?;
    let head = heads::find(tx, replay.chat_service_sid, &Key::Sid(conversation))?;
    // Who is gone, or whose conversation is, hears no more of what was before.
    let (Some(webhook), Some(head)) = (webhook, head) else { return end(tx, lane) };
    let shown = match conversations::of_head(tx, &head) {
        Ok(conversation) => conversations::Shown { conversation, head },
        Err(Failure::Store(error)) => return Err(error),
        Err(Failure::Refused(_)) => return end(tx, lane),
    };
    let found = messages::between(tx, &shown.head, (replay.next_index, replay.last_index), CHUNK)?;
    let Some(last) = found.last() else { return end(tx, lane) };
    let last = last.key.index();
    for message in &found {
        if let Some(event) = events::of_replay(tx, ids, &webhook, (&shown, message))? {
            let configuration = &webhook.configuration;
            let (url, method) = (configuration.url.as_deref(), configuration.method.unwrap_or(Method::Post));
            let waits = super::insert(tx, &event, lane, (url, method))?;
            let number = if waits { super::newest(tx, lane)? } else { None };
            tx.put(ADVANCE, &[lane, &(message.key.index() + 1), &number])?;
            return Ok(number.map_or(Step::Later, Step::Tell));
        }
    }
    tx.put(ADVANCE, &[lane, &(last + 1), &None::<i64>])?;
    Ok(Step::Later)
}

fn end(tx: &mut Tx<'_>, lane: &LaneKey) -> Result<Step, StoreError> {
    tx.put(END, &[lane])?;
    Ok(Step::Over)
}
