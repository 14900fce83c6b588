//! A thin SQL engine over SQLite and PostgreSQL: closures run as transactions on threads that own a connection.
//!
//! The crate knows no resource. Whoever uses it brings statements as text (one text for both engines), records,
//! and closures; it brings transactions, group commit, retries and migrations. What it promises:
//!
//! - **Acknowledged is on disk.** [`Store::write`] answers after the COMMIT that holds the job, never before.
//! - **All or nothing, for each job.** Jobs share a transaction for the price of one commit; when one of them
//!   fails after it has written, the others are stored and it is not.
//! - **A failed statement is remembered.** A closure that swallows the error of a statement is not stored,
//!   whatever it answers, and its caller gets the error.
//! - **A body may run more than once**, hence `Fn`: after a deadlock, a lost connection, a root that it had not
//!   declared, or a failure elsewhere in its batch. Only the last run counts.
//! - **Roots are locked before the first body runs**, sorted, so that bodies take no lock of their own.
//! - **Refused is never stored.** A job that finds its queue full, or whose turn does not come in time, is refused
//!   before any of it has run ([`StoreError::is_busy`]).
//! - **An unknown outcome is not repeated.** When a connection dies during COMMIT the caller gets an error, and
//!   the job may or may not be stored.
//!
//! The text of a statement uses `$1`, `$2`, .. and what both engines understand: columns of text, 64-bit integers
//! and bytes; no arrays, no JSON operators, no data-modifying CTE. The few words that differ are written as
//! `{PLACEHOLDERS}`; the whole list is in the module `dialect`.

#![warn(missing_docs)]

mod ahead;
mod batch;
mod company;
mod dialect;
mod error;
mod job;
mod migrations;
mod opening;
mod patience;
mod postgres;
mod queue;
mod record;
mod roots;
mod session;
mod sqlite;
mod store;
mod tools;
mod tx;
mod value;

pub use error::StoreError;
pub use migrations::Migration;
pub use opening::Opening;
pub use record::Record;
pub use roots::{Root, RootKind, Roots};
pub use store::{Options, Store};
pub use tools::{Clock, Counters, Examined, Listener, NoObserver, Observer};
pub use tx::Tx;
pub use value::{Cell, Column, Row, Value};
