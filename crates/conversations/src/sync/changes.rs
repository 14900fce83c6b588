//! What has become of an object since a position: told from what is there now, and from tombstones.
//!
//! Of an item that changed several times the newest state is told. What was added since is told as added, in its place
//! among the others, with what it is now; and where it has changed since, as updated: clients do not know what was never
//! added, and show what is added in the order in which they are told.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::entry::{Entry, Name, date, revision};
use super::object::{ObjectType, SyncObject};
use super::{document, messages, my_conversations, roster, user_info};
use crate::heads::{self, Head};
use crate::prelude::*;
use crate::tombstones::{self, Kind, Stone};
use crate::{conversations, memberships, messages as said, participants, services, users};

/// How many positions are told at once. Each is of one change at most, but that a message may change the document
/// and a profile has three items.
pub const AT_ONCE: i64 = 1000;

/// What has changed below one root, or of one object.
#[derive(Debug)]
pub struct Changes {
    /// Up to here everything has been told.
    pub position: i64,
    /// Whether that is where the root stands now. If not, ask again from there.
    pub is_complete: bool,
    /// Whether the root is gone, with all that hung on it.
    pub is_gone: bool,
    /// Memberships and profile; messages before participants before the document. By id within each.
    pub events: Vec<Event>,
}

/// One change as clients are told of it.
#[derive(Debug)]
pub struct Event {
    pub object: SyncObject,
    /// A position of the root. Of an object that is gone, the last one that was known.
    pub id: i64,
    pub action: Action,
    /// What the batch is called that it may be in, `list_item_added`.
    pub event_type: &'static str,
    /// One element of the `events` of such a batch, JSON.
    pub payload: Vec<u8>,
    /// Of a membership: which conversation a user takes part in from now on, or no longer.
    pub conversation: Option<Sid<Conversation>>,
}

/// What happened to an item, to a document, or to an object as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Added,
    Updated,
    Removed,
    /// The object is no more.
    Gone,
}

/// All that has changed in a conversation after a position.
pub fn changes_of_conversation(
    tx: &mut Tx<'_>,
    service: Sid<Service>,
    sid: Sid<Conversation>,
    after: i64,
) -> Result<Changes, StoreError> {
    let objects = [SyncObject::Messages(sid), SyncObject::Roster(sid), SyncObject::Conversation(sid)];
    of_conversation(tx, (service, sid), &objects, (after, AT_ONCE))
}

/// All that has changed of a user after a position.
pub fn changes_of_user(
    tx: &mut Tx<'_>,
    service: Sid<Service>,
    sid: Sid<User>,
    after: i64,
) -> Result<Changes, StoreError> {
    let objects = [SyncObject::MyConversations(sid), SyncObject::UserInfo(sid)];
    of_user(tx, (service, sid), &objects, (after, AT_ONCE))
}

/// What has changed of one object after a position, for who comes back to it.
///
/// Whoever left a conversation and came in again is told only of the latter: it may have read of it already, and
/// would take the late end of the old membership for that of the new one.
pub fn changes_of(
    tx: &mut Tx<'_>,
    service: Sid<Service>,
    object: &SyncObject,
    after: i64,
) -> Result<Changes, StoreError> {
    changes_within(tx, service, object, (after, AT_ONCE))
}

/// The same of as many positions at once as are given.
pub fn changes_within(
    tx: &mut Tx<'_>,
    service: Sid<Service>,
    object: &SyncObject,
    (after, at_once): (i64, i64),
) -> Result<Changes, StoreError> {
    let user = match *object {
        SyncObject::Conversation(sid) | SyncObject::Messages(sid) | SyncObject::Roster(sid) => {
            return of_conversation(tx, (service, sid), &[*object], (after, at_once));
        }
        SyncObject::MyConversations(sid) | SyncObject::UserInfo(sid) => sid,
    };
    let mut changes = of_user(tx, (service, user), &[*object], (after, at_once))?;
    let mut kept = Vec::with_capacity(changes.events.len());
    for event in changes.events {
        let is_back = match (event.action, event.conversation) {
            (Action::Removed, Some(conversation)) => memberships::find(tx, user, conversation)?.is_some(),
            _ => false,
        };
        if !is_back {
            kept.push(event);
        }
    }
    changes.events = kept;
    Ok(changes)
}

fn of_conversation(
    tx: &mut Tx<'_>,
    (service, sid): (Sid<Service>, Sid<Conversation>),
    objects: &[SyncObject],
    (after, at_once): (i64, i64),
) -> Result<Changes, StoreError> {
    let Some(head) = heads::find(tx, service, &Key::Sid(sid))? else {
        return Ok(Changes::gone(objects, after, tx.now()));
    };
    let window = Window::new(after, head.position, at_once);
    let mut told = Told::new(window);
    if window.is_empty() {
        return Ok(told.into_changes());
    }
    let span = (window.after, window.through);
    let (list, map, own) =
        (SyncObject::Messages(sid), SyncObject::Roster(sid), SyncObject::Conversation(sid));
    if objects.contains(&list) {
        for message in said::added(tx, &head, span)? {
            told.entry(&list, &messages::entry(&message));
        }
        // Mostly there is one new message, and with it all has been told.
        if !told.is_all() {
            for message in said::changed(tx, &head, span)? {
                told.entry(&list, &messages::entry(&message));
            }
            for stone in tombstones::between(tx, (sid.as_bytes(), Kind::Message), span)? {
                told.stone(&list, &stone, &Name::Index(stone.index.unwrap_or_default()));
            }
        }
        told.sort(0);
    }
    if objects.contains(&map) && !told.is_all() {
        let from = told.events.len();
        for participant in participants::changed(tx, sid, span)? {
            told.entry(&map, &roster::entry(&participant));
        }
        for stone in tombstones::between(tx, (sid.as_bytes(), Kind::Participant), span)? {
            let key = Sid::<Participant>::from_bytes(stone.item).to_string();
            told.stone(&map, &stone, &Name::Key(key));
        }
        told.sort(from);
    }
    if objects.contains(&own)
        && window.holds(head.document_position)
        && let Some(conversation) = conversations::find(tx, &head)?
    {
        told.document(&own, &head, &conversation);
    }
    Ok(told.into_changes())
}

fn of_user(
    tx: &mut Tx<'_>,
    (service, sid): (Sid<Service>, Sid<User>),
    objects: &[SyncObject],
    (after, at_once): (i64, i64),
) -> Result<Changes, StoreError> {
    let Some((position, profile_position)) = users::positions(tx, service, sid)? else {
        return Ok(Changes::gone(objects, after, tx.now()));
    };
    let window = Window::new(after, position, at_once);
    let mut told = Told::new(window);
    if window.is_empty() {
        return Ok(told.into_changes());
    }
    let (memberships, info) = (SyncObject::MyConversations(sid), SyncObject::UserInfo(sid));
    let span = (window.after, window.through);
    let now = tx.now();
    if objects.contains(&memberships) {
        for membership in memberships::changed(tx, sid, span)? {
            told.entry(&memberships, &my_conversations::entry(&membership, now));
        }
        for stone in tombstones::between(tx, (sid.as_bytes(), Kind::Membership), span)? {
            let key = Sid::<Conversation>::from_bytes(stone.item).to_string();
            told.stone(&memberships, &stone, &Name::Key(key));
        }
        told.sort(0);
    }
    if objects.contains(&info)
        && window.holds(profile_position)
        && let Some(user) = users::find(tx, service, &Key::Sid(sid))?
        && let Some(service) = services::find(tx, user.account_sid, service)?
    {
        for entry in user_info::entries(user, &service, profile_position) {
            told.entry(&info, &entry);
        }
    }
    Ok(told.into_changes())
}

/// The positions that are told: after one, up to and with another.
#[derive(Clone, Copy)]
struct Window {
    after: i64,
    through: i64,
    position: i64,
}

impl Window {
    fn new(after: i64, position: i64, at_once: i64) -> Self {
        let after = after.max(0);
        Self { after, through: position.min(after.saturating_add(at_once)), position }
    }

    fn holds(self, position: i64) -> bool {
        self.after < position && position <= self.through
    }

    fn is_empty(self) -> bool {
        self.through <= self.after
    }
}

struct Told {
    window: Window,
    events: Vec<Event>,
    /// Each was taken by one change; once all are told of, nothing else can have changed.
    positions: HashSet<i64>,
}

impl Told {
    fn new(window: Window) -> Self {
        Self { window, events: Vec::new(), positions: HashSet::new() }
    }

    fn is_all(&self) -> bool {
        let all = self.window.through - self.window.after;
        usize::try_from(all).is_ok_and(|all| self.positions.len() >= all)
    }

    /// Puts the events of one object, from the one at this place on, in the order of their ids.
    fn sort(&mut self, from: usize) {
        self.events[from..].sort_by_key(|event| event.id);
    }

    /// An item of which something changed in the window. One that was added there is told where it was added, so that
    /// those of one list are told in their order, and where it changed since.
    fn entry(&mut self, object: &SyncObject, entry: &Entry) {
        let Entry { position_added, position_changed, .. } = *entry;
        if self.window.holds(position_added) {
            self.item(object, entry, (Action::Added, position_added));
        }
        if position_changed != position_added && self.window.holds(position_changed) {
            self.item(object, entry, (Action::Updated, position_changed));
        }
    }

    fn item(&mut self, object: &SyncObject, entry: &Entry, (action, id): (Action, i64)) {
        self.positions.insert(id);
        let payload = Payload::of_item(object, id, (&entry.name, Some(&*entry.data)), entry.date_updated);
        self.events.push(Event {
            object: *object,
            id,
            action,
            event_type: event_type(object, action),
            payload: payload.to_json(),
            conversation: entry.conversation,
        });
    }

    fn stone(&mut self, object: &SyncObject, stone: &Stone, name: &Name) {
        self.positions.insert(stone.position);
        let payload = Payload::of_item(object, stone.position, (name, None), stone.date_removed);
        let is_membership = matches!(object, SyncObject::MyConversations(_));
        self.events.push(Event {
            object: *object,
            id: stone.position,
            action: Action::Removed,
            event_type: event_type(object, Action::Removed),
            payload: payload.to_json(),
            conversation: is_membership.then(|| Sid::from_bytes(stone.item)),
        });
    }

    fn document(&mut self, object: &SyncObject, head: &Head, conversation: &Conversation) {
        let id = head.document_position;
        let data = document::data(head, conversation);
        let payload = Payload {
            document_revision: Some(revision(id)),
            document_data: Some(&data),
            ..Payload::of(object, id, conversation.date_updated)
        };
        self.events.push(Event {
            object: *object,
            id,
            action: Action::Updated,
            event_type: event_type(object, Action::Updated),
            payload: payload.to_json(),
            conversation: None,
        });
    }

    fn into_changes(self) -> Changes {
        let Window { through, position, .. } = self.window;
        Changes {
            position: through.min(position),
            is_complete: through >= position,
            is_gone: false,
            events: self.events,
        }
    }
}

impl Changes {
    /// Of objects whose root is no more.
    fn gone(objects: &[SyncObject], after: i64, now: Timestamp) -> Self {
        let event = |object: &SyncObject| Event {
            object: *object,
            id: after,
            action: Action::Gone,
            event_type: event_type(object, Action::Gone),
            payload: Payload::of(object, after, now).to_json(),
            conversation: None,
        };
        let events = objects.iter().map(event).collect();
        Self { position: after, is_complete: true, is_gone: true, events }
    }
}

fn event_type(object: &SyncObject, action: Action) -> &'static str {
    match (object.object_type(), action) {
        (ObjectType::Document, Action::Gone | Action::Removed) => "document_removed",
        (ObjectType::Document, _) => "document_updated",
        (ObjectType::List, Action::Added) => "list_item_added",
        (ObjectType::List, Action::Updated) => "list_item_updated",
        (ObjectType::List, Action::Removed) => "list_item_removed",
        (ObjectType::List, Action::Gone) => "list_removed",
        (ObjectType::Map, Action::Added) => "map_item_added",
        (ObjectType::Map, Action::Updated) => "map_item_updated",
        (ObjectType::Map, Action::Removed) => "map_item_removed",
        (ObjectType::Map, Action::Gone) => "map_removed",
    }
}

/// An element of `events`. It names no URL: it is the same for whoever listens, by whatever host it came.
#[derive(Default, Serialize)]
struct Payload<'a> {
    id: i64,
    date_created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list_sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map_sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_index: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_data: Option<&'a RawValue>,
}

impl<'a> Payload<'a> {
    fn of(object: &SyncObject, id: i64, at: Timestamp) -> Self {
        let name = object.to_string();
        let payload = Self { id, date_created: date(at), ..Self::default() };
        match object.object_type() {
            ObjectType::Document => Self { document_sid: Some(name), ..payload },
            ObjectType::List => Self { list_sid: Some(name), ..payload },
            ObjectType::Map => Self { map_sid: Some(name), ..payload },
        }
    }

    fn of_item(
        object: &SyncObject,
        id: i64,
        (name, data): (&'a Name, Option<&'a RawValue>),
        at: Timestamp,
    ) -> Self {
        let (item_index, item_key) = match name {
            Name::Index(index) => (Some(*index), None),
            Name::Key(key) => (None, Some(key.as_str())),
        };
        let item_revision = data.is_some().then(|| revision(id));
        Self { item_index, item_key, item_revision, item_data: data, ..Self::of(object, id, at) }
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("all keys are text")
    }
}
