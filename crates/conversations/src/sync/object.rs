//! What the client SDK subscribes to: five kinds of objects, each a view of what hangs on one root.

use std::fmt;

use crate::prelude::*;

/// One object. It is called by one name everywhere: where Twilio has a sid beside a unique name, ours are the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncObject {
    /// A conversation's own fields, and its last message. A document.
    Conversation(Sid<Conversation>),
    /// A list, by index.
    Messages(Sid<Conversation>),
    /// The participants, by sid. A map.
    Roster(Sid<Conversation>),
    /// The conversations that a user takes part in, by sid. A map.
    MyConversations(Sid<User>),
    /// A user's profile and reachability. A map.
    UserInfo(Sid<User>),
}

/// How Sync holds an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectType {
    Document,
    List,
    Map,
}

impl SyncObject {
    /// The object of this name; none where nothing can be called so.
    pub fn parse(name: &str) -> Option<Self> {
        let (sid, kind) = name.split_once('.')?;
        match kind {
            "channel" => Sid::parse(sid).map(Self::Conversation),
            "messages" => Sid::parse(sid).map(Self::Messages),
            "roster" => Sid::parse(sid).map(Self::Roster),
            "conversations" => Sid::parse(sid).map(Self::MyConversations),
            "info" => Sid::parse(sid).map(Self::UserInfo),
            _ => None,
        }
    }

    pub fn object_type(&self) -> ObjectType {
        match self {
            Self::Conversation(_) => ObjectType::Document,
            Self::Messages(_) => ObjectType::List,
            Self::Roster(_) | Self::MyConversations(_) | Self::UserInfo(_) => ObjectType::Map,
        }
    }

    /// Where it stands, under this scheme and host.
    pub fn url(&self, base_url: &str) -> String {
        let kind = match self.object_type() {
            ObjectType::Document => "Documents",
            ObjectType::List => "Lists",
            ObjectType::Map => "Maps",
        };
        format!("{base_url}/v3/{kind}/{self}")
    }

    /// What it hangs on: its events are numbered by this root's positions.
    pub fn root(&self) -> Root {
        match *self {
            Self::Conversation(sid) | Self::Messages(sid) | Self::Roster(sid) => Conversation::root(sid),
            Self::MyConversations(sid) | Self::UserInfo(sid) => User::root(sid),
        }
    }
}

impl fmt::Display for SyncObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation(sid) => write!(f, "{sid}.channel"),
            Self::Messages(sid) => write!(f, "{sid}.messages"),
            Self::Roster(sid) => write!(f, "{sid}.roster"),
            Self::MyConversations(sid) => write!(f, "{sid}.conversations"),
            Self::UserInfo(sid) => write!(f, "{sid}.info"),
        }
    }
}

impl ObjectType {
    /// As subscriptions and events say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::List => "list",
            Self::Map => "map",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Document, Self::List, Self::Map].into_iter().find(|known| known.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_found_by_the_name_that_it_says() {
        let (conversation, user) = (Sid::from_bytes([7; 16]), Sid::from_bytes([8; 16]));
        for object in [
            SyncObject::Conversation(conversation),
            SyncObject::Messages(conversation),
            SyncObject::Roster(conversation),
            SyncObject::MyConversations(user),
            SyncObject::UserInfo(user),
        ] {
            assert_eq!(SyncObject::parse(&object.to_string()), Some(object));
        }
        let conversation = conversation.to_string();
        for junk in
            ["", ".", "CH", &conversation, &format!("{conversation}."), &format!("{conversation}.info")]
        {
            assert_eq!(SyncObject::parse(junk), None, "{junk}");
        }
    }
}
