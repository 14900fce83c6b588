//! User conversations: the conversations of one user, each with what is that user's own in it: the read
//! horizon, the notification level, what is unread.

use crate::call::Scope;
use crate::conversations::{self, Shown};
use crate::heads::{self, Head, State, Timers};
use crate::memberships::{self, Membership, NotificationLevel};
use crate::participants::{self, ReadHorizon};
use crate::permissions::{self, Permission};
use crate::prelude::*;
use crate::sync::SyncObjects;
use crate::{messages, services, users};

/// Twilio's cap of what is counted as unread.
const UNREAD: i64 = 1000;

// Record ─────────────────────────────────────────────────────────────────────

/// A view of a membership and its conversation. Field order is the order of the JSON.
#[derive(Clone, Debug, Serialize)]
pub struct UserConversation {
    pub account_sid: Sid<Account>,
    pub chat_service_sid: Sid<Service>,
    pub conversation_sid: Sid<Conversation>,
    /// None while nothing was ever marked as read.
    pub unread_messages_count: Option<i64>,
    pub last_read_message_index: Option<i64>,
    pub participant_sid: Sid<Participant>,
    pub user_sid: Sid<User>,
    pub friendly_name: Option<String>,
    pub conversation_state: State,
    pub timers: Timers,
    pub attributes: Attributes,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
    pub created_by: String,
    pub notification_level: NotificationLevel,
    pub unique_name: Option<String>,
}

impl Resource for UserConversation {
    fn url(&self, call: &Call) -> String {
        format!("{}/Users/{}/Conversations/{}", call.service_url(), self.user_sid, self.conversation_sid)
    }

    fn links(&self, call: &Call, _: &str) -> Links {
        let conversation = format!("{}/Conversations/{}", call.service_url(), self.conversation_sid);
        let participant = format!("{conversation}/Participants/{}", self.participant_sid);
        vec![("participant", participant), ("conversation", conversation)]
    }

    fn client_members(&self, members: &mut Members<'_>) {
        // Nobody is shown a conversation here without taking part in it.
        members.put("status", &"joined");
        members.put("sync_objects", &SyncObjects::of(self.conversation_sid));
    }
}

// Form parameters ────────────────────────────────────────────────────────────

pub struct UpdateUserConversation {
    notification_level: Option<NotificationLevel>,
    horizon: ReadHorizon,
}

impl FromForm for UpdateUserConversation {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        Ok(Self {
            notification_level: form.get("NotificationLevel").map(NotificationLevel::parse).transpose()?,
            horizon: ReadHorizon::from_form(form)?,
        })
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl UserConversation {
    fn new(membership: &Membership, shown: Shown, unread: Option<i64>) -> Self {
        let Shown { conversation, head } = shown;
        Self {
            account_sid: conversation.account_sid,
            chat_service_sid: conversation.chat_service_sid,
            conversation_sid: conversation.sid,
            unread_messages_count: unread,
            last_read_message_index: membership.last_read_message_index,
            participant_sid: membership.participant_sid,
            user_sid: membership.user_sid,
            friendly_name: conversation.friendly_name,
            conversation_state: head.state,
            timers: head.timers(),
            attributes: conversation.attributes,
            date_created: conversation.date_created,
            date_updated: conversation.date_updated,
            created_by: conversation.created_by,
            notification_level: membership.notification_level,
            unique_name: conversation.unique_name,
        }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

/// The order is the conversations' own, so for each page all of the user's memberships are ordered, by one
/// look at the head of each. The steps keep the planners from reading the heads of everybody else instead.
const PAGE: &str = "WITH all_of_user AS MATERIALIZED (SELECT m.*, (SELECT last_activity \
     FROM conversation_heads WHERE chat_service_sid = $1 AND sid = m.conversation_sid) AS last_activity \
     FROM memberships m WHERE m.user_sid = $2), \
     k AS (SELECT * FROM all_of_user WHERE last_activity IS NOT NULL{page})";

/// The order for clients, who read all of it while others write: nothing moves in it, and a page costs no more
/// than its rows.
const PAGE_IN_PLACE: &str = "WITH k AS MATERIALIZED (SELECT m.* FROM memberships m WHERE m.user_sid = $2 AND \
     EXISTS (SELECT 1 FROM conversation_heads WHERE chat_service_sid = $1 AND sid = m.conversation_sid){page})";

/// The memberships of a page beside the two rows of each conversation.
fn select(page: &str) -> String {
    let of_member: Vec<String> =
        Membership::COLUMNS.split(", ").map(|column| format!("k.{column}")).collect();
    let both = Shown::select();
    let both = both.strip_prefix("SELECT ").expect("it is a query");
    format!("{page} SELECT {}, {both} JOIN k ON k.conversation_sid = h.sid", of_member.join(", "))
}

fn read(row: &mut Row<'_>) -> Result<(Membership, Shown), StoreError> {
    Ok((Membership::read(row)?, Shown::read(row)?))
}

// Operations: one transaction each ───────────────────────────────────────────

/// The membership of the path and its conversation's head, or 404.
fn of_path(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(Membership, Head), Failure> {
    services::require(tx, call)?;
    let user = users::of_path(tx, call, path)?;
    permissions::require_self(call, user.sid)?;
    let head = heads::fetch(tx, call, path)?;
    let membership = memberships::find(tx, user.sid, head.sid)?
        .ok_or_else(|| call.lacks(Problem::USER_NOT_PARTICIPANT))?;
    Ok((membership, head))
}

/// The same, with both roots locked.
fn lock(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(Membership, Head), Failure> {
    let (membership, head) = of_path(tx, call, path)?;
    tx.lock(&memberships::roots(membership.user_sid, head.sid))?;
    Ok((membership, head))
}

fn show(tx: &mut Tx<'_>, membership: &Membership, head: Head) -> Result<UserConversation, Failure> {
    let unread = unread(tx, membership, &head)?;
    let conversation = conversations::of_head(tx, &head)?;
    Ok(UserConversation::new(membership, Shown { conversation, head }, unread))
}

fn unread(tx: &mut Tx<'_>, membership: &Membership, head: &Head) -> Result<Option<i64>, StoreError> {
    let Some(index) = membership.last_read_message_index else { return Ok(None) };
    messages::count_after(tx, head, index, UNREAD).map(Some)
}

fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<UserConversation, Failure> {
    let (membership, head) = of_path(tx, call, path)?;
    show(tx, &membership, head)
}

/// By recent activity, whatever the state; for clients by sid.
fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    _: &NoParameters,
    request: &PageRequest,
) -> Result<Page<UserConversation>, Failure> {
    services::require(tx, call)?;
    let user = users::of_path(tx, call, path)?;
    permissions::require_self(call, user.sid)?;
    let (select, order) = match call.scope {
        Scope::Client => (select(PAGE_IN_PLACE), Order::by_sid("conversation_sid", None)),
        Scope::Account | Scope::Service => {
            (select(PAGE), Order::descending("last_activity", Some("conversation_sid")))
        }
    };
    let cursor = |(membership, shown): &(Membership, Shown)| Cursor {
        at: shown.head.last_activity.micros(),
        sid: *membership.conversation_sid.as_bytes(),
    };
    let found = page(tx, (&select, &[&call.service_sid, &user.sid]), &order, request, (read, cursor))?;
    let mut items = Vec::with_capacity(found.items.len());
    for (membership, shown) in found.items {
        let unread = unread(tx, &membership, &shown.head)?;
        items.push(UserConversation::new(&membership, shown, unread));
    }
    Ok(Page { items, next: found.next, previous: found.previous })
}

fn update(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    form: &UpdateUserConversation,
) -> Result<UserConversation, Failure> {
    let UpdateUserConversation { notification_level, horizon } = form;
    let (mut membership, mut head) = lock(tx, call, path)?;
    if notification_level.is_some() {
        permissions::of_member(tx, call, head.sid)?.require(Permission::EditNotificationLevel)?;
    }
    head.require_open()?;
    if notification_level.is_none() && horizon.is_kept() {
        return show(tx, &membership, head);
    }
    if !horizon.is_kept() {
        let key = Key::Sid(membership.participant_sid);
        let mut participant =
            participants::find(tx, head.sid, &key)?.ok_or(Problem::CONFLICTING_USER_MODIFICATION)?;
        participants::set_read_horizon(tx, &call.cause(), (&mut head, &mut participant), horizon)?;
        membership.last_read_message_index = participant.last_read_message_index;
        heads::replace_after_participant(tx, &head)?;
    }
    membership.notification_level = notification_level.unwrap_or(membership.notification_level);
    let membership = memberships::change(tx, membership)?;
    show(tx, &membership, head)
}

/// Takes the user out of the conversation.
fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    let (membership, mut head) = lock(tx, call, path)?;
    permissions::of_member(tx, call, head.sid)?.require(Permission::LeaveConversation)?;
    let key = Key::Sid(membership.participant_sid);
    let participant = participants::find(tx, head.sid, &key)?.ok_or_else(|| call.not_found())?;
    participants::remove(tx, &call.cause(), &mut head, &participant)?;
    heads::replace_after_participant(tx, &head)?;
    Ok(())
}

/// Where the operations stand. There is no create: a user joins as a participant.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Users/{UserSid}/Conversations";
    const ONE: &str = "/Users/{UserSid}/Conversations/{ConversationSid}";
    vec![
        Operation::list(LIST, Paged::new("conversations", 50), list).for_clients(),
        Operation::fetch(ONE, fetch).for_clients(),
        Operation::update(ONE, update).for_clients(),
        Operation::delete(ONE, delete).for_clients(),
    ]
}
