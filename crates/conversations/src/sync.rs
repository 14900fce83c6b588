//! What clients of the SDK see: objects that they open and subscribe to, as views over rows and positions. There is
//! no log of events; what somebody has missed is told from what is there now, and from tombstones.
//!
//! `rights` says who may see an object, `root` what is told of it as a whole, `items` what is in it, page by page,
//! `changes` what has become of it since a position, and `positions` where many stand now. What each object holds
//! is in a file of its own; all that an item is, for pages and for events, is made there once.

mod changes;
mod cut;
mod document;
mod entry;
mod items;
mod messages;
mod my_conversations;
mod object;
mod objects;
mod positions;
mod rights;
mod root;
mod roster;
mod user_info;

pub use changes::{
    AT_ONCE, Action, Changes, Event, changes_of, changes_of_conversation, changes_of_user, changes_within,
};
pub use entry::Item;
pub use items::{Items, ItemsRequest, items};
pub use object::{ObjectType, SyncObject};
pub use objects::{SyncObjects, SyncObjectsOfUser};
pub use positions::{Positions, positions};
pub use rights::{may_read, members, not_found};
pub use root::{RootView, root};
