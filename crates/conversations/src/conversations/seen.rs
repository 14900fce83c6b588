//! A conversation as whoever asks for it sees it: a client that takes part in it learns what is its own there.

use super::Shown;
use crate::memberships::{self, Membership};
use crate::prelude::*;

/// To the REST API it is what [`Shown`] is.
pub struct Seen {
    shown: Shown,
    /// Of a client that takes part.
    membership: Option<Membership>,
}

impl Seen {
    pub fn new(tx: &mut Tx<'_>, call: &Call, shown: Shown) -> Result<Self, StoreError> {
        let membership = match call.client() {
            Some(client) => memberships::find(tx, client.user_sid, shown.head.sid)?,
            None => None,
        };
        Ok(Self { shown, membership })
    }
}

impl Serialize for Seen {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown.serialize(serializer)
    }
}

impl Resource for Seen {
    fn url(&self, call: &Call) -> String {
        self.shown.url(call)
    }

    fn links(&self, call: &Call, url: &str) -> Links {
        self.shown.links(call, url)
    }

    fn client_members(&self, members: &mut Members<'_>) {
        self.shown.client_members(members);
        // A client that is not told forgets the level that it knows. Of one that takes no part nothing is said: any
        // other status would have it open what it may not.
        if let Some(membership) = &self.membership {
            members.put("status", &"joined");
            members.put("notification_level", &membership.notification_level);
            members.put("last_read_message_index", &membership.last_read_message_index);
        }
    }
}
