//! What every resource file needs.

pub use serde::Serialize;
pub use store::{Cell, Column, Record, Root, RootKind, Roots, Row, StoreError, Tx, Value};
pub use wire::{Attributes, Cursor, Form, Key, PageRequest, Prefix, Problem, Sid, Timestamp};

pub use crate::accounts::{Account, MessagingService};
pub use crate::call::Call;
pub use crate::conversations::Conversation;
pub use crate::failure::Failure;
pub use crate::operation::{Filter, FromForm, Mount, NoParameters, Operation, Paged, Path};
pub use crate::paging::{BY_CREATION, Order, Page, list as list_records, page};
pub use crate::participants::Participant;
pub use crate::resource::{Links, Members, Resource, below};
pub use crate::roles::Role;
pub use crate::services::Service;
pub use crate::users::User;

/// Reads a row of one column.
pub fn one<T: Column>(row: &mut Row<'_>) -> Result<T, StoreError> {
    row.next()
}
