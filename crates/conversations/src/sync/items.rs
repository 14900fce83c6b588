//! What is in a list or a map, page by page.

use super::cut::{Asked, Cut, LARGEST, Range, first_sid};
use super::entry::{Entry, Item, Name};
use super::object::SyncObject;
use super::rights::{Opened, open};
use super::{messages, my_conversations, roster, user_info};
use crate::messages::MessageKey;
use crate::prelude::*;
use crate::{memberships, messages as said, participants, services};

/// Answered where no size is asked for.
const SIZE: i64 = 50;

/// Which items are asked for.
#[derive(Clone, Debug)]
pub struct ItemsRequest {
    /// The one of this key or index, as text.
    only: Option<String>,
    /// Those from this key or index on, it included.
    from: Option<String>,
    asked: Asked,
}

/// Items in the order that was asked for.
#[derive(Debug, Serialize)]
pub struct Items {
    pub items: Vec<Item>,
    meta: Meta,
}

/// Clients ask only whether they are there; those of older clients come back with them.
#[derive(Debug, Serialize)]
struct Meta {
    previous_token: Option<String>,
    next_token: Option<String>,
}

impl ItemsRequest {
    /// The first ones, as many as are ever told at once.
    pub(super) fn first() -> Self {
        let asked = Asked { is_descending: false, size: LARGEST, start: None };
        Self { only: None, from: None, asked }
    }

    /// Reads the parameters of a query. A token says by itself what page it is; a size beyond what is ever
    /// answered is cut.
    pub fn from_query<'a>(param: impl Fn(&str) -> Option<&'a str>) -> Result<Self, Problem> {
        let only = param("Key").or_else(|| param("Index")).map(str::to_owned);
        if let Some(token) = param("PageToken").filter(|token| !token.is_empty()) {
            let asked = Asked::parse(token).ok_or_else(|| Problem::invalid_parameter("PageToken"))?;
            return Ok(Self { only, from: None, asked });
        }
        let is_descending = match param("Order") {
            None | Some("asc" | "") => false,
            Some("desc") => true,
            Some(_) => return Err(Problem::invalid_parameter("Order")),
        };
        let size = match param("PageSize").map(str::parse::<u64>) {
            None => SIZE,
            Some(Ok(size)) => i64::try_from(size).unwrap_or(LARGEST).clamp(1, LARGEST),
            Some(Err(_)) => return Err(Problem::invalid_parameter("PageSize")),
        };
        let from = param("From").filter(|from| !from.is_empty()).map(str::to_owned);
        Ok(Self { only, from, asked: Asked { is_descending, size, start: None } })
    }
}

/// A page of what is in an object that the client of this call may see. A document holds no items.
pub fn items(
    tx: &mut Tx<'_>,
    call: &Call,
    object: &SyncObject,
    request: &ItemsRequest,
) -> Result<Items, Failure> {
    let opened = open(tx, call, object)?;
    page(tx, call, (object, opened), request)
}

pub(super) fn page(
    tx: &mut Tx<'_>,
    call: &Call,
    (object, opened): (&SyncObject, Opened),
    request: &ItemsRequest,
) -> Result<Items, Failure> {
    let held = Held::of(tx, object, opened)?;
    let ItemsRequest { only, from, asked } = request;
    if let Some(only) = only {
        let (cut, is_there) = held.find(only)?;
        let place = cut.0.filter(|_| is_there);
        let found = match place {
            Some(place) => held.read(tx, (place, place), (true, 1))?,
            None => Vec::new(),
        };
        let items = found.into_iter().map(|entry| entry.shown(call, object)).collect();
        return Ok(Items { items, meta: Meta { previous_token: None, next_token: None } });
    }
    let asked = match from {
        None => *asked,
        Some(from) => Asked { start: Some((begin(held.find(from)?, asked), !asked.is_descending)), ..*asked },
    };
    let Asked { is_descending, size, start } = asked;
    let (range, is_up, rest) = match start {
        None => (Some((0, u128::MAX)), !is_descending, None),
        Some((cut, is_up)) => (cut.side(is_up), is_up, cut.side(!is_up)),
    };
    let mut found = match range {
        Some(range) => held.read(tx, range, (is_up, size + 1))?,
        None => Vec::new(),
    };
    let full = usize::try_from(size).expect("a page is short");
    let has_more = found.len() > full;
    found.truncate(full);
    let has_rest = match rest {
        Some(rest) => !held.read(tx, rest, (!is_up, 1))?.is_empty(),
        None => false,
    };
    if !is_up {
        found.reverse();
    }
    // From the lowest to the highest now.
    let cut = start.map(|(cut, _)| cut);
    let lowest = found.first().map(|entry| Cut::below(entry.place)).or(cut);
    let highest = found.last().map(|entry| Cut::above(entry.place)).or(cut);
    let token = |is_there: bool, cut: Option<Cut>, is_up| {
        let start = cut.map(|cut| (cut, is_up));
        (is_there && start.is_some()).then(|| Asked { start, ..asked }.token())
    };
    let (has_above, has_below) = if is_up { (has_more, has_rest) } else { (has_rest, has_more) };
    let (above, below) = (token(has_above, highest, true), token(has_below, lowest, false));
    if is_descending {
        found.reverse();
    }
    let (previous_token, next_token) = if is_descending { (above, below) } else { (below, above) };
    let items = found.into_iter().map(|entry| entry.shown(call, object)).collect();
    Ok(Items { items, meta: Meta { previous_token, next_token } })
}

/// The cut from which on `found` is shown.
fn begin((cut, is_there): (Cut, bool), asked: &Asked) -> Cut {
    match cut.0 {
        Some(place) if asked.is_descending && is_there => Cut::above(place),
        _ => cut,
    }
}

/// What an object holds, and how it is read.
enum Held {
    Nothing,
    Messages(crate::heads::Head),
    Roster(Sid<Conversation>),
    MyConversations(User),
    UserInfo(Vec<Entry>),
}

impl Held {
    fn of(tx: &mut Tx<'_>, object: &SyncObject, opened: Opened) -> Result<Self, Failure> {
        Ok(match (opened, object) {
            (Opened::Conversation(head), SyncObject::Messages(_)) => Self::Messages(head),
            (Opened::Conversation(head), SyncObject::Roster(_)) => Self::Roster(head.sid),
            (Opened::Conversation(_), _) => Self::Nothing,
            (Opened::User { user, .. }, SyncObject::MyConversations(_)) => Self::MyConversations(user),
            (Opened::User { user, profile_position, .. }, _) => {
                match services::find(tx, user.account_sid, user.chat_service_sid)? {
                    Some(service) => Self::UserInfo(user_info::entries(user, &service, profile_position)),
                    None => Self::Nothing,
                }
            }
        })
    }

    /// The cut below what is called `name`, or below the first one that comes after it; and whether there may be
    /// one of that name.
    fn find(&self, name: &str) -> Result<(Cut, bool), Problem> {
        Ok(match self {
            Self::Nothing => (Cut(None), false),
            Self::Messages(_) => match name.parse::<i64>() {
                Ok(index) => (Cut::below(u128::try_from(index).unwrap_or(0)), index >= 0),
                Err(_) => return Err(Problem::invalid_parameter("From")),
            },
            Self::Roster(_) => first_sid::<Participant>(name),
            Self::MyConversations(_) => first_sid::<Conversation>(name),
            Self::UserInfo(entries) => {
                let key = |entry: &Entry| match &entry.name {
                    Name::Key(key) => key.clone(),
                    Name::Index(index) => index.to_string(),
                };
                match entries.iter().find(|entry| *key(entry) >= *name) {
                    Some(entry) => (Cut::below(entry.place), key(entry) == name),
                    None => (Cut(None), false),
                }
            }
        })
    }

    /// Up to as many as are asked for, from the first up or from the last down.
    fn read(
        &self,
        tx: &mut Tx<'_>,
        (first, last): Range,
        (is_up, limit): (bool, i64),
    ) -> Result<Vec<Entry>, StoreError> {
        Ok(match self {
            Self::Nothing => Vec::new(),
            Self::Messages(head) => {
                let index =
                    |place: u128| i64::try_from(place).unwrap_or(i64::MAX).min(MessageKey::LAST_INDEX);
                let range = (index(first), index(last));
                let found = said::some(tx, head, range, (is_up, limit))?;
                found.iter().map(messages::entry).collect()
            }
            Self::Roster(conversation) => {
                let range = (sid(first), sid(last));
                let found = participants::some(tx, *conversation, range, (is_up, limit))?;
                found.iter().map(roster::entry).collect()
            }
            Self::MyConversations(user) => {
                let range = (sid(first), sid(last));
                let found = memberships::between(tx, user.sid, range, (is_up, limit))?;
                found.iter().map(|one| my_conversations::entry(one, user.date_updated)).collect()
            }
            Self::UserInfo(entries) => {
                let inside = entries.iter().filter(|entry| (first..=last).contains(&entry.place));
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                if is_up {
                    inside.take(limit).cloned().collect()
                } else {
                    inside.rev().take(limit).cloned().collect()
                }
            }
        })
    }
}

fn sid<R>(place: u128) -> Sid<R> {
    Sid::from_bytes(place.to_be_bytes())
}
