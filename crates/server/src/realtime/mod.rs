//! The protocol of the client SDK: one WebSocket for each client, and everything else through it.
//!
//! `exchange` is what comes out of the tunnel and goes back into it, `connected` who is at its other end. `requests`
//! finds out to whom a request belongs: `configuration`, `commands`, `templates`, `typing`.

mod client_form;
mod commands;
mod configuration;
mod connected;
mod exchange;
mod registrations;
mod requests;
mod templates;
mod typing;

pub use connected::{Connected, Outbox};
pub use exchange::{Reply, Request};
pub use requests::answer;
