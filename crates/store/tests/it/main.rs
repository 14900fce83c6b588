//! The store, on both engines: every test runs once on SQLite and once on PostgreSQL.
//!
//! PostgreSQL is the server at `TERTULIA_TEST_POSTGRES`, the URL of a superuser. Each test makes a database of its
//! own there and drops it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::redundant_closure_for_method_calls, reason = "`|row| row.next()` is how a row is read")]
#![expect(clippy::needless_pass_by_value, reason = "a test is given away as a closure")]

// By the name that the workspace gives it.
extern crate tertulia_store as store;

mod batches;
mod bed;
mod cells;
mod closing;
mod connections;
mod gathering;
mod listening;
mod migrating;
mod openings;
mod records;
mod roots;
mod short_reads;
#[cfg(target_os = "linux")]
mod standing;
