//! User conversations: the conversations of one user, each with what is that user's own in it: the read
//! horizon, the notification level, what is unread.

use std::sync::LazyLock;

use store::Opening;

use crate::call::Scope;
use crate::conversations::Shown;
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
        call.service_url(format_args!("/Users/{}/Conversations/{}", self.user_sid, self.conversation_sid))
    }

    fn links(&self, call: &Call, _: &str) -> Links {
        let conversation = call.service_url(format_args!("/Conversations/{}", self.conversation_sid));
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
/// look at the head of each. The steps keep the planners from reading the heads of everybody else instead, and
/// hold what orders the list alone: whatever else is shown is read of the page.
const PAGE: &str = "WITH all_of_user AS MATERIALIZED (SELECT m.user_sid, m.conversation_sid, (SELECT last_activity \
     FROM conversation_heads WHERE chat_service_sid = $1 AND sid = m.conversation_sid) AS last_activity \
     FROM memberships m WHERE m.user_sid = $2), \
     k AS (SELECT * FROM all_of_user WHERE last_activity IS NOT NULL{page})";
const OF_PAGE: &str = "JOIN k ON k.conversation_sid = h.sid \
     JOIN memberships m ON m.user_sid = k.user_sid AND m.conversation_sid = k.conversation_sid";

/// The order for clients, who read all of it while others write: nothing moves in it, and a page costs no more
/// than its rows.
const PAGE_IN_PLACE: &str = "WITH k AS MATERIALIZED (SELECT m.* FROM memberships m WHERE m.user_sid = $2 AND \
     EXISTS (SELECT 1 FROM conversation_heads WHERE chat_service_sid = $1 AND sid = m.conversation_sid){page})";
const OF_PAGE_IN_PLACE: &str = "JOIN k ON k.conversation_sid = h.sid";

/// The memberships of a page beside the two rows of each conversation.
fn select(page: &str, (memberships, of_page): (&str, &str)) -> String {
    format!("{page} SELECT {}, {} {of_page}", columns::<Membership>(memberships), shown())
}

fn read(row: &mut Row<'_>) -> Result<(Membership, Shown), StoreError> {
    Ok((Membership::read(row)?, Shown::read(row)?))
}

fn columns<R: Record>(table: &str) -> String {
    R::COLUMNS.split(", ").map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ")
}

/// The query of both rows of a conversation, for more columns before its own.
fn shown() -> String {
    let both = Shown::select();
    both.strip_prefix("SELECT ").expect("it is a query").to_owned()
}

/// All rows that one user's part in one conversation has to do with. Each is found by its key, so that one
/// statement does the work of six.
struct Part {
    membership: Membership,
    participant: Participant,
    /// Of the user.
    position: i64,
    shown: Shown,
}

impl Part {
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        let (membership, participant) = (Membership::read(row)?, Participant::read(row)?);
        Ok(Self { membership, participant, position: row.next()?, shown: Shown::read(row)? })
    }

    fn roots(&self) -> Roots {
        memberships::roots(self.membership.user_sid, self.shown.head.sid)
    }
}

const PART: &str = "JOIN user_heads u ON u.chat_service_sid = h.chat_service_sid \
     JOIN memberships m ON m.user_sid = u.sid AND m.conversation_sid = h.sid \
     JOIN participants p ON p.conversation_sid = h.sid AND p.sid = m.participant_sid \
     WHERE h.chat_service_sid = $1 AND h.sid = {conversation} AND u.sid = {user}";
const OF_NAME: &str = "(SELECT owner FROM claims WHERE tenant = $1 AND kind = 1 AND key = $2)";
const OF_IDENTITY: &str = "(SELECT owner FROM claims WHERE tenant = $1 AND kind = 2 AND key = $3)";
/// Of the user who is guessed, which may be wrong.
const OF_GUESS: &str =
    "$4 AND u.sid = (SELECT owner FROM claims WHERE tenant = $1 AND kind = 2 AND key = $3)";

/// How a path names a user.
#[derive(Clone, Copy)]
enum Named {
    Sid,
    Identity,
    /// The same, where it is guessed who that is.
    Guessed,
}

/// The conversation by its sid and by its name, in the order of [`Named`].
static PARTS: LazyLock<[[String; 3]; 2]> = LazyLock::new(|| {
    let (of_member, of_participant, both) =
        (columns::<Membership>("m"), columns::<Participant>("p"), shown());
    ["$2", OF_NAME].map(|conversation| {
        ["$3", OF_IDENTITY, OF_GUESS].map(|user| {
            let found = PART.replace("{conversation}", conversation).replace("{user}", user);
            format!("SELECT {of_member}, {of_participant}, u.position, {both} {found}")
        })
    })
});

/// The statement that finds what such a path names.
fn statement(conversation: &Key<Conversation>, named: Named) -> &'static str {
    let of_conversation = usize::from(matches!(conversation, Key::Name(_)));
    &PARTS[of_conversation][named as usize]
}

fn value<R>(key: &Key<R>) -> &dyn Value {
    match key {
        Key::Sid(sid) => sid,
        Key::Name(name) => name,
    }
}

// Operations: one transaction each ───────────────────────────────────────────

/// The membership of the path and its conversation's head, or 404.
fn of_path(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(Membership, Head), Failure> {
    let user = users::of_path(tx, call, path)?;
    permissions::require_self(call, user.sid)?;
    let head = heads::fetch(tx, call, path)?;
    let membership = memberships::find(tx, user.sid, head.sid)?
        .ok_or_else(|| call.lacks(Problem::USER_NOT_PARTICIPANT))?;
    Ok((membership, head))
}

/// What the path names, if all of it is there: what is not, [`of_path`] tells.
fn find(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Option<Part>, Failure> {
    services::require(tx, call)?;
    let (conversation, user) = (path.key("ConversationSid"), path.key::<User>("UserSid"));
    let (named, guessed) = named(call, &user);
    let params: &[&dyn Value] = &[&call.service_sid, value(&conversation), value(&user), &guessed];
    let given = if guessed.is_some() { params } else { &params[..3] };
    let mut found = tx.row(statement(&conversation, named), given, Part::read)?;
    if found.is_none() && guessed.is_some() {
        found = tx.row(statement(&conversation, Named::Identity), &params[..3], Part::read)?;
    }
    if let Some(part) = &found {
        permissions::require_self(call, part.membership.user_sid)?;
        if guessed != Some(part.membership.user_sid) {
            call.guess.remember(call.service_sid, &user, part.membership.user_sid);
        }
    }
    Ok(found)
}

/// How the path names the user, and who that is guessed to be.
fn named(call: &Call, user: &Key<User>) -> (Named, Option<Sid<User>>) {
    match (user, call.guess.user(call.service_sid, user)) {
        (Key::Sid(_), _) => (Named::Sid, None),
        (Key::Name(_), None) => (Named::Identity, None),
        (Key::Name(_), guessed) => (Named::Guessed, guessed),
    }
}

/// The same or 404, with both roots locked.
fn lock(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Part, Failure> {
    if let Some(part) = find(tx, call, path)? {
        tx.lock(&part.roots())?;
        return Ok(part);
    }
    let (membership, head) = of_path(tx, call, path)?;
    // It has come since it was looked for. Locked, it is there or is not.
    tx.lock(&memberships::roots(membership.user_sid, head.sid))?;
    Err(Problem::CONFLICTING_USER_MODIFICATION.into())
}

/// What [`lock`] reads first, where both roots are declared: nothing else may be read ahead of a lock. Of a user who
/// is guessed it reads what lies below that user's root, the claim of the identity among it.
fn open<F>(call: &Call, path: &Path, _: &F) -> Option<Opening> {
    let named = named(call, &path.find_key("UserSid")?);
    let is_by_sid = matches!(path.find_key::<Conversation>("ConversationSid")?, Key::Sid(_));
    let is_declared = is_by_sid && !matches!(named, (Named::Identity, _));
    is_declared.then(|| opening(call, path, named))
}

/// What [`find`] reads first.
fn opening(call: &Call, path: &Path, (named, guessed): (Named, Option<Sid<User>>)) -> Opening {
    let (conversation, user) = (path.key("ConversationSid"), path.key::<User>("UserSid"));
    let opening = Opening::new(statement(&conversation, named));
    let opening = opening.with(&call.service_sid).with(value(&conversation)).with(value(&user));
    if guessed.is_some() { opening.with(&guessed) } else { opening }
}

/// What [`fetch`] reads, but for counting what is unread where something was removed.
fn look(call: &Call, path: &Path) -> Vec<Opening> {
    let found = opening(call, path, named(call, &path.key("UserSid")));
    services::look(call).into_iter().chain([found]).collect()
}

fn show(tx: &mut Tx<'_>, membership: &Membership, shown: Shown) -> Result<UserConversation, Failure> {
    let unread = unread(tx, membership, &shown.head)?;
    Ok(UserConversation::new(membership, shown, unread))
}

fn unread(tx: &mut Tx<'_>, membership: &Membership, head: &Head) -> Result<Option<i64>, StoreError> {
    let Some(index) = membership.last_read_message_index else { return Ok(None) };
    messages::count_after(tx, head, index, UNREAD).map(Some)
}

fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<UserConversation, Failure> {
    if let Some(part) = find(tx, call, path)? {
        return show(tx, &part.membership, part.shown);
    }
    of_path(tx, call, path)?;
    Err(Problem::CONFLICTING_USER_MODIFICATION.into())
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
        Scope::Client => {
            (select(PAGE_IN_PLACE, ("k", OF_PAGE_IN_PLACE)), Order::by_sid("conversation_sid", None))
        }
        Scope::Account | Scope::Service => {
            (select(PAGE, ("m", OF_PAGE)), Order::descending("last_activity", Some("conversation_sid")))
        }
    };
    let cursor = |(membership, shown): &(Membership, Shown)| Cursor {
        at: shown.head.last_activity.micros(),
        sid: *membership.conversation_sid.as_bytes(),
    };
    let found = page(tx, (&select, &[&call.service_sid, &user.sid]), &order, request, (read, cursor))?;
    let mut items = Vec::with_capacity(found.items.len());
    for (membership, shown) in found.items {
        items.push(show(tx, &membership, shown)?);
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
    let Part { mut membership, mut participant, position, mut shown } = lock(tx, call, path)?;
    let head = &mut shown.head;
    if notification_level.is_some() {
        permissions::of_member(tx, call, head.sid)?.require(Permission::EditNotificationLevel)?;
    }
    head.require_open()?;
    if notification_level.is_none() && horizon.is_kept() {
        return show(tx, &membership, shown);
    }
    if !horizon.is_kept() {
        participants::set_read_horizon(tx, &call.cause(), (head, &mut participant), horizon)?;
        membership.last_read_message_index = participant.last_read_message_index;
        heads::replace_after_participant(tx, head)?;
    }
    membership.notification_level = notification_level.unwrap_or(membership.notification_level);
    let membership = memberships::change_after(tx, membership, position)?;
    show(tx, &membership, shown)
}

/// Takes the user out of the conversation.
fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    let Part { participant, shown: Shown { mut head, .. }, .. } = lock(tx, call, path)?;
    permissions::of_member(tx, call, head.sid)?.require(Permission::LeaveConversation)?;
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
        Operation::fetch_opening(ONE, look, fetch).for_clients(),
        Operation::update_opening(ONE, open, update).for_clients(),
        Operation::delete(ONE, delete).for_clients(),
    ]
}
