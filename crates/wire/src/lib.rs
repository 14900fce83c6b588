//! The letter of the API: how sids, times, forms, pages and errors of Twilio Conversations are read and
//! written.
//!
//! Everything here is pure: no I/O, no clock, no randomness. What comes from outside is parsed once, at the
//! edge, into types that cannot hold anything malformed; what goes out is written without surprises, byte for
//! byte as client libraries expect it. The crate knows no resource; resources bring their own sid
//! prefix ([`Prefix`]) and pick their errors from the catalogue ([`Problem`]).

#![warn(missing_docs)]

mod access_token;
mod address;
mod attributes;
mod catalogue;
mod duration;
mod form;
pub mod json;
mod key;
mod page;
mod problem;
mod sid;
mod signature;
mod target;
mod timestamp;

pub use access_token::{AccessToken, ChatGrant, UnverifiedToken};
pub use address::{Channel, channel_of, proxy_channel_of};
pub use attributes::Attributes;
pub use duration::IsoDuration;
pub use form::{Asked, Form};
pub use key::Key;
pub use page::{Cursor, List, Meta, PageRequest, Position, Tokens, meta};
pub use problem::Problem;
pub use sid::{Prefix, Sid};
pub use signature::{signature, signed_text, standard_signature, with_body_sha256};
pub use target::{Overrides, RetryOn, Target};
pub use timestamp::{Microseconds, Milliseconds, Rfc2822, Timestamp};
