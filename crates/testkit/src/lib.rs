//! Fakes and the ground that the conformance suites stand on.
//!
//! A [`House`] is the whole server without sockets: the real router over a real store, with a clock that
//! is moved by hand and sids that count, so that whole answers can be compared. [`on_both`] runs one test
//! on SQLite and on PostgreSQL; where PostgreSQL is not to be had the test fails and says how to get it.

mod client;
mod database;
mod fakes;
mod figures;
mod house;
mod receiver;
mod reply;
mod sdk_user;
mod waiting;

pub use client::Client;
pub use database::{Database, Engine};
pub use fakes::{CountingIds, ManualClock};
pub use figures::{figure, is_full};
pub use house::{ACCOUNT_SID, AUTH_TOKEN, House, heard, on_both, on_both_with, webhooks_inside};
pub use receiver::{Received, Receiver};
pub use reply::Reply;
pub use sdk_user::SdkUser;
pub use waiting::holds_within;
