//! Conversations: where messages and participants are, from active over inactive to closed.

mod form;
mod seen;

use seen::Seen;
use serde_json::value::RawValue;
use store::Opening;

pub use form::{Bindings, ConversationForm, ListConversations, closed_timer, inactive_timer};

use crate::call::Scope;
use crate::claims::{self, Claim};
use crate::events::{self, Cause, EventType};
use crate::heads::{self, Head, State, Timers};
use crate::ids::Ids;
use crate::paging::{arrange, rows};
use crate::permissions::{self, Permission, Standing};
use crate::prelude::*;
use crate::sync::SyncObjects;
use crate::{accounts, participants, purges, services};

// Record ─────────────────────────────────────────────────────────────────────

/// The wide row: what describes. What decides is in the [`Head`]. Field order is the order of the columns.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub sid: Sid<Conversation>,
    pub account_sid: Sid<Account>,
    pub chat_service_sid: Sid<Service>,
    pub messaging_service_sid: Option<Sid<MessagingService>>,
    pub friendly_name: Option<String>,
    pub unique_name: Option<String>,
    pub attributes: Attributes,
    /// JSON text.
    pub bindings: String,
    /// The creator's identity, or `system`.
    pub created_by: String,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
    /// When it came to the state that it has; none where it was made with it.
    pub state_updated: Option<Timestamp>,
}

impl Prefix for Conversation {
    const PREFIX: &'static str = "CH";
}

/// A conversation as the API shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub conversation: Conversation,
    pub head: Head,
}

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            sid: &'a Sid<Conversation>,
            account_sid: &'a Sid<Account>,
            chat_service_sid: &'a Sid<Service>,
            messaging_service_sid: &'a Option<Sid<MessagingService>>,
            friendly_name: &'a Option<String>,
            unique_name: &'a Option<String>,
            attributes: &'a Attributes,
            date_created: &'a Timestamp,
            date_updated: &'a Timestamp,
            state: State,
            timers: Timers,
            bindings: Option<&'a RawValue>,
        }
        let Self { conversation, head } = self;
        Fields {
            sid: &conversation.sid,
            account_sid: &conversation.account_sid,
            chat_service_sid: &conversation.chat_service_sid,
            messaging_service_sid: &conversation.messaging_service_sid,
            friendly_name: &conversation.friendly_name,
            unique_name: &conversation.unique_name,
            attributes: &conversation.attributes,
            date_created: &conversation.date_created,
            date_updated: &conversation.date_updated,
            state: head.state,
            timers: head.timers(),
            bindings: serde_json::from_str(&conversation.bindings).ok(),
        }
        .serialize(serializer)
    }
}

impl Resource for Shown {
    fn url(&self, call: &Call) -> String {
        call.service_url(format_args!("/Conversations/{}", self.conversation.sid))
    }

    fn links(&self, call: &Call, url: &str) -> Links {
        let parts = [
            ("participants", "Participants"),
            ("messages", "Messages"),
            ("webhooks", "Webhooks"),
            ("export", "Export"),
        ];
        // What a client cannot ask for is not offered to it.
        let reachable = if call.scope == Scope::Client { 2 } else { parts.len() };
        below(url, &parts[..reachable])
    }

    fn client_members(&self, members: &mut Members<'_>) {
        let Self { conversation, head } = self;
        members.put("created_by", &conversation.created_by);
        members.put("messages_count", &head.messages);
        members.put("participants_count", &head.participants);
        members.put("sync_objects", &SyncObjects::of(head.sid));
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl Conversation {
    fn new(call: &Call, account: &Account, now: Timestamp) -> Self {
        Self {
            sid: call.new_sid(now),
            account_sid: call.account_sid,
            chat_service_sid: call.service_sid,
            messaging_service_sid: account.default_messaging_service_sid,
            friendly_name: None,
            unique_name: None,
            attributes: Attributes::default(),
            bindings: "{}".to_owned(),
            created_by: call.client().map_or("system", |client| &client.identity).to_owned(),
            date_created: now,
            date_updated: now,
            state_updated: None,
        }
    }

    /// A parameter left out keeps its value; state and timers are the head's.
    fn with(self, form: &ConversationForm) -> Self {
        let ConversationForm {
            friendly_name,
            unique_name,
            messaging_service_sid,
            attributes,
            bindings,
            date_created,
            date_updated,
            state: _,
            inactive_after: _,
            closed_after: _,
            needs: _,
        } = form;
        Self {
            friendly_name: named(friendly_name.as_ref(), self.friendly_name),
            unique_name: named(unique_name.as_ref(), self.unique_name),
            messaging_service_sid: messaging_service_sid.or(self.messaging_service_sid),
            attributes: attributes.clone().unwrap_or(self.attributes),
            bindings: bindings.over(&self.bindings),
            date_created: date_created.unwrap_or(self.date_created),
            date_updated: date_updated.unwrap_or(self.date_updated),
            ..self
        }
    }
}

/// An empty name clears.
fn named(given: Option<&String>, present: Option<String>) -> Option<String> {
    match given {
        None => present,
        Some(name) => Some(name.clone()).filter(|name| !name.is_empty()),
    }
}

impl Head {
    /// Takes state and timers of the form. Whichever of them changes sets the timers anew, from the
    /// form's `DateUpdated` where it has one.
    fn with(&mut self, form: &ConversationForm, now: Timestamp) {
        let before = (self.state, self.inactive_after, self.closed_after);
        self.state = form.state.unwrap_or(self.state);
        if let Some(after) = form.inactive_after {
            self.inactive_after = Some(after).filter(|after| *after > 0);
        }
        if let Some(after) = form.closed_after {
            self.closed_after = Some(after).filter(|after| *after > 0);
        }
        let is_final = self.state == State::Closed;
        let is_rearmed = form.inactive_after.is_some() || form.closed_after.is_some();
        if !is_final && (is_rearmed || before != (self.state, self.inactive_after, self.closed_after)) {
            self.arm(form.date_updated.unwrap_or(now));
        }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Conversation {
    /// The root of its messages, participants, receipts.
    pub fn root(sid: Sid<Conversation>) -> Root {
        const KIND: RootKind =
            RootKind { rank: 0, lock: "SELECT sid FROM conversation_heads WHERE sid = $1" };
        Root::new(&KIND, *sid.as_bytes())
    }
}

impl Record for Conversation {
    const TABLE: &'static str = "conversations";
    const KEY: &'static [&'static str] = &["chat_service_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, chat_service_sid, messaging_service_sid, friendly_name, \
         unique_name, attributes, bindings, created_by, date_created, date_updated, \
         state_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.account_sid, &self.chat_service_sid, &self.messaging_service_sid,
             &self.friendly_name, &self.unique_name, &self.attributes, &self.bindings, &self.created_by,
             &self.date_created, &self.date_updated, &self.state_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, chat_service_sid: row.next()?,
            messaging_service_sid: row.next()?, friendly_name: row.next()?, unique_name: row.next()?,
            attributes: row.next()?, bindings: row.next()?, created_by: row.next()?,
            date_created: row.next()?, date_updated: row.next()?, state_updated: row.next()?,
        })
    }
}

impl Shown {
    /// A query of both rows, up to its WHERE.
    pub fn select() -> String {
        let columns = |table: &str, columns: &str| {
            columns.split(", ").map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ")
        };
        let (wide, narrow) = (columns("c", Conversation::COLUMNS), columns("h", Head::COLUMNS));
        format!("SELECT {wide}, {narrow} FROM conversation_heads h JOIN conversations c ON c.sid = h.sid")
    }

    pub fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { conversation: Conversation::read(row)?, head: Head::read(row)? })
    }
}

const BY_SID: &str = "WHERE chat_service_sid = $1 AND sid = $2";
const MESSAGING_SERVICE: &str =
    "SELECT messaging_service_sid FROM conversations WHERE chat_service_sid = $1 AND sid = $2";
const SET_STATE_UPDATED: &str =
    "UPDATE conversations SET state_updated = $3 WHERE chat_service_sid = $1 AND sid = $2";
/// Ordered by the narrow row alone: a second's conversations are sorted, and the wide rows are those of the page.
const IN_STATE: &str = "SELECT number FROM conversation_heads WHERE chat_service_sid = $1 AND state = $2";

// Operations: one transaction each ───────────────────────────────────────────

/// The wide row of a head that has been read.
pub fn of_head(tx: &mut Tx<'_>, head: &Head) -> Result<Conversation, Failure> {
    find(tx, head)?.ok_or_else(|| Problem::CONFLICTING_CONVERSATION_MODIFICATION.into())
}

/// The same; none where it went meanwhile.
pub fn find(tx: &mut Tx<'_>, head: &Head) -> Result<Option<Conversation>, StoreError> {
    tx.find(BY_SID, &[&head.chat_service_sid, &head.sid])
}

/// The wide row of a locked head that a message has made active, which it keeps when.
pub fn awoken(tx: &mut Tx<'_>, head: &Head) -> Result<Conversation, Failure> {
    let now = tx.now();
    tx.put(SET_STATE_UPDATED, &[&head.chat_service_sid, &head.sid, &now])?;
    of_head(tx, head)
}

/// What every event of a new message tells of the wide row.
pub fn messaging_service_of(tx: &mut Tx<'_>, head: &Head) -> Result<Option<Sid<MessagingService>>, Failure> {
    tx.row(MESSAGING_SERVICE, &[&head.chat_service_sid, &head.sid], one)?
        .ok_or_else(|| Problem::CONFLICTING_CONVERSATION_MODIFICATION.into())
}

fn create(tx: &mut Tx<'_>, call: &Call, _: &Path, form: &ConversationForm) -> Result<Shown, Failure> {
    services::require(tx, call)?;
    permissions::in_service(tx, call)?.require(Permission::CreateConversation)?;
    let shown = found(tx, call, form)?;
    heads::insert(tx, &shown.head)?;
    Ok(shown)
}

/// Makes a conversation of the call's service, but for its head, which the caller inserts.
pub fn found(tx: &mut Tx<'_>, call: &Call, form: &ConversationForm) -> Result<Shown, Failure> {
    if form.state == Some(State::Closed) {
        return Err(Problem::INITIAL_STATE_CLOSED.into());
    }
    let account = accounts::find(tx, call.account_sid)?.ok_or_else(|| call.not_found())?;
    if call.service_sid != account.default_chat_service_sid {
        services::of_call(tx, call)?;
    }
    call.owned.require_messaging_service(form.messaging_service_sid)?;
    let now = tx.now();
    let mut conversation = Conversation::new(call, &account, now).with(form);
    if form.date_created.is_some() && form.date_updated.is_none() {
        conversation.date_updated = conversation.date_created;
    }
    let mut head = Head::new(call.service_sid, conversation.sid, now);
    head.inactive_after = form::default_timer(account.default_inactive_timer.as_deref());
    head.closed_after = form::default_timer(account.default_closed_timer.as_deref());
    head.arm(form.date_updated.unwrap_or(now));
    head.with(form, now);
    claim_name(tx, &conversation)?;
    tx.append(&conversation)?;
    let shown = Shown { conversation, head };
    events::of_conversation(tx, &call.cause(), EventType::ConversationAdded, &shown)?;
    Ok(shown)
}

fn claim_name(tx: &mut Tx<'_>, conversation: &Conversation) -> Result<(), Failure> {
    let Some(name) = &conversation.unique_name else { return Ok(()) };
    let claim = Claim::unique_name(conversation.chat_service_sid, name);
    match claims::take(tx, &claim, conversation.sid)? {
        None => Ok(()),
        Some(_) => Err(Problem::CONVERSATION_UNIQUE_NAME_EXISTS.into()),
    }
}

fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Shown, Failure> {
    services::require(tx, call)?;
    let head = heads::fetch(tx, call, path)?;
    let standing = permissions::in_conversation(tx, call, head.sid)?;
    let conversation = of_head(tx, &head)?;
    if !may_join(call, &standing, &conversation) {
        standing.require_member()?;
    }
    Ok(Shown { conversation, head })
}

/// Whether a client that does not take part may come in by itself, and so look at the conversation: whoever has made
/// it, and whoever may add people to any.
pub fn may_join(call: &Call, standing: &Standing, conversation: &Conversation) -> bool {
    let is_creator = call.client().is_some_and(|client| client.identity == conversation.created_by);
    is_creator || !standing.is_member() && standing.may(Permission::AddParticipant)
}

/// What [`show`] reads where the path names a sid: of a name, the first look has to tell it.
fn look(call: &Call, path: &Path) -> Vec<Opening> {
    let Key::Sid(sid) = path.key::<Conversation>("ConversationSid") else { return Vec::new() };
    let wide = Opening::of::<Conversation>(BY_SID).with(&call.service_sid).with(&sid);
    services::look(call).into_iter().chain([heads::look(call.service_sid, sid), wide]).collect()
}

fn show(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Seen, Failure> {
    let shown = fetch(tx, call, path)?;
    Ok(Seen::new(tx, call, shown)?)
}

/// By recent activity; where dates are asked for, by creation, newest first.
fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    filter: &ListConversations,
    request: &PageRequest,
) -> Result<Page<Shown>, Failure> {
    services::require(tx, call)?;
    if filter.has_dates() {
        return list_by_date(tx, call, filter, request);
    }
    let order = Order::descending("last_activity", Some("sid")).in_seconds("active_second");
    let cursor =
        |shown: &Shown| Cursor { at: shown.head.last_activity.micros(), sid: *shown.head.sid.as_bytes() };
    let select = format!("{} JOIN ({IN_STATE}{{page}}) k ON k.number = h.number", Shown::select());
    // The index leads with the state; what has many states is merged from a page of each.
    let mut merged = Vec::new();
    for state in filter.states() {
        let params: &[&dyn Value] = &[&call.service_sid, state];
        merged.append(&mut rows(tx, (&select, params), &order, request, Shown::read)?);
    }
    Ok(arrange(merged, &order, request, cursor))
}

fn list_by_date(
    tx: &mut Tx<'_>,
    call: &Call,
    filter: &ListConversations,
    request: &PageRequest,
) -> Result<Page<Shown>, Failure> {
    let (from, to) = filter.dates();
    let order = Order::descending("c.date_created", Some("c.sid")).within(from, to);
    let cursor = |shown: &Shown| Cursor {
        at: shown.conversation.date_created.micros(),
        sid: *shown.conversation.sid.as_bytes(),
    };
    let mut select = format!("{} WHERE c.chat_service_sid = $1", Shown::select());
    let mut params: Vec<&dyn Value> = vec![&call.service_sid];
    // No index has both: those of other states are read and dropped until the page is full.
    if let Some(state) = filter.state() {
        params.push(state);
        select.push_str(" AND h.state = $2");
    }
    Ok(page(tx, (&select, &params), &order, request, (Shown::read, cursor))?)
}

fn update(tx: &mut Tx<'_>, call: &Call, path: &Path, form: &ConversationForm) -> Result<Shown, Failure> {
    services::require(tx, call)?;
    let mut head = heads::lock(tx, call, path)?;
    let standing = permissions::of_member(tx, call, head.sid)?;
    form.needs.iter().try_for_each(|permission| standing.require(*permission))?;
    head.require_open()?;
    let conversation = of_head(tx, &head)?;
    if form.asks_nothing_of(head.state) {
        return Ok(Shown { conversation, head });
    }
    if form.messaging_service_sid != conversation.messaging_service_sid {
        call.owned.require_messaging_service(form.messaging_service_sid)?;
    }
    let now = tx.now();
    let before = conversation.unique_name.clone();
    let mut conversation = Conversation { date_updated: now, ..conversation }.with(form);
    if conversation.unique_name != before {
        claim_name(tx, &conversation)?;
        if let Some(name) = before {
            claims::free(tx, &Claim::unique_name(head.chat_service_sid, &name), head.sid)?;
        }
    }
    head.document_position = head.advance();
    let state = head.state;
    head.with(form, now);
    if head.state != state {
        conversation.state_updated = Some(now);
    }
    keep(tx, &conversation, &head)?;
    let shown = Shown { conversation, head };
    if form.asks_more_than_a_state() {
        events::of_conversation(tx, &call.cause(), EventType::ConversationUpdated, &shown)?;
    }
    if shown.head.state != state {
        events::of_state(tx, &call.cause(), state, (&shown.conversation, &shown.head))?;
    }
    Ok(shown)
}

/// A timer of a locked conversation has run out, and this is what it leads to.
pub fn elapse(tx: &mut Tx<'_>, ids: &dyn Ids, shown: Shown, state: State) -> Result<(), Failure> {
    let Shown { conversation, mut head } = shown;
    let before = head.state;
    head.document_position = head.advance();
    head.elapse(state);
    let now = tx.now();
    let conversation = Conversation { date_updated: now, state_updated: Some(now), ..conversation };
    keep(tx, &conversation, &head)?;
    let cause = Cause::of_server(conversation.account_sid, conversation.chat_service_sid, ids);
    events::of_state(tx, &cause, before, (&conversation, &head))
}

/// Writes a locked conversation back. What is closed, by whomever, frees the addresses that it held.
fn keep(tx: &mut Tx<'_>, conversation: &Conversation, head: &Head) -> Result<(), Failure> {
    if head.state == State::Closed {
        participants::free_addresses(tx, head)?;
    }
    tx.replace(conversation)?;
    Ok(heads::replace(tx, head)?)
}

/// Closed or not.
fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    services::require(tx, call)?;
    let head = heads::lock(tx, call, path)?;
    permissions::of_member(tx, call, head.sid)?.require(Permission::DeleteConversation)?;
    let conversation = remove(tx, &head)?;
    let shown = Shown { conversation, head };
    events::of_conversation(tx, &call.cause(), EventType::ConversationRemoved, &shown)
}

/// Takes a locked conversation out of sight, frees what it claimed, and leaves its rows to housekeeping.
pub fn remove(tx: &mut Tx<'_>, head: &Head) -> Result<Conversation, Failure> {
    let conversation = of_head(tx, head)?;
    // While all who hold an address are still there to tell which.
    participants::free_addresses(tx, head)?;
    participants::end_memberships(tx, head)?;
    if let Some(name) = &conversation.unique_name {
        claims::free(tx, &Claim::unique_name(head.chat_service_sid, name), head.sid)?;
    }
    heads::remove(tx, head)?;
    tx.remove(&conversation)?;
    purges::conversation(tx, &conversation, head.number)?;
    Ok(conversation)
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Conversations";
    const ONE: &str = "/Conversations/{ConversationSid}";
    vec![
        Operation::list(LIST, Paged::new("conversations", 100), list),
        Operation::create(LIST, create).for_clients(),
        Operation::fetch_opening(ONE, look, show).for_clients(),
        Operation::update(ONE, update).for_clients(),
        Operation::delete(ONE, delete).for_clients(),
    ]
}
