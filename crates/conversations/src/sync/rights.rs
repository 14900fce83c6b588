//! Who may see an object, and what it hangs on.

use std::collections::HashSet;

use super::object::{ObjectType, SyncObject};
use crate::heads::{self, Head};
use crate::prelude::*;
use crate::{conversations, memberships, participants, permissions, users};

/// The root of an object that may be read, as it is now.
pub(super) enum Opened {
    Conversation(Head),
    User { user: User, position: i64, profile_position: i64 },
}

/// Refuses what the client of this call may not see: what is not there, or in another service, with 404, what is
/// somebody else's with 403.
///
/// A user sees its own conversations, and the profile of every user of the service; of a conversation all where it
/// takes part, and the document where it may come in: because it made the conversation, or because its role in the
/// service lets it add participants.
pub fn may_read(tx: &mut Tx<'_>, call: &Call, object: &SyncObject) -> Result<(), Failure> {
    open(tx, call, object).map(|_| ())
}

/// Who may read all of a conversation: the users who take part in it.
pub fn members(tx: &mut Tx<'_>, sid: Sid<Conversation>) -> Result<HashSet<Sid<User>>, StoreError> {
    participants::users(tx, sid)
}

/// What an object that is not there is refused with.
pub fn not_found(object_type: ObjectType) -> Problem {
    match object_type {
        ObjectType::Document => Problem::SYNC_DOCUMENT_NOT_FOUND,
        ObjectType::List => Problem::SYNC_LIST_NOT_FOUND,
        ObjectType::Map => Problem::SYNC_MAP_NOT_FOUND,
    }
}

/// The same, with the root.
pub(super) fn open(tx: &mut Tx<'_>, call: &Call, object: &SyncObject) -> Result<Opened, Failure> {
    let missing = || not_found(object.object_type());
    match *object {
        SyncObject::Conversation(sid) | SyncObject::Messages(sid) | SyncObject::Roster(sid) => {
            let head = heads::find(tx, call.service_sid, &Key::Sid(sid))?.ok_or_else(missing)?;
            let Some(client) = call.client() else { return Ok(Opened::Conversation(head)) };
            if memberships::find(tx, client.user_sid, head.sid)?.is_some() {
                return Ok(Opened::Conversation(head));
            }
            if matches!(object, SyncObject::Conversation(_)) {
                let standing = permissions::in_service(tx, call)?;
                let conversation = conversations::find(tx, &head)?;
                if conversation.is_some_and(|one| conversations::may_join(call, &standing, &one)) {
                    return Ok(Opened::Conversation(head));
                }
            }
            Err(Problem::SYNC_ACCESS_FORBIDDEN.into())
        }
        SyncObject::MyConversations(sid) | SyncObject::UserInfo(sid) => {
            let (position, profile_position) =
                users::positions(tx, call.service_sid, sid)?.ok_or_else(missing)?;
            let user = users::find(tx, call.service_sid, &Key::Sid(sid))?.ok_or_else(missing)?;
            let is_own = call.client().is_none_or(|client| client.user_sid == sid);
            if matches!(object, SyncObject::MyConversations(_)) && !is_own {
                return Err(Problem::SYNC_ACCESS_FORBIDDEN.into());
            }
            Ok(Opened::User { user, position, profile_position })
        }
    }
}
