//! What clients of the SDK see: objects that they open and subscribe to, as views over rows and positions. There is
//! no log of events; what somebody has missed is told from what is there now, and from tombstones.

mod object;
mod objects;

pub use object::{ObjectType, SyncObject};
pub use objects::{SyncObjects, SyncObjectsOfUser};
