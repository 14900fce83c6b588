//! The protocol of the client SDK: one WebSocket for each client, and everything else through it.
//!
//! `frame` is how what goes through it is written, `exchange` what comes out of the tunnel and goes back into it,
//! `connected` who is at its other end. `requests` finds out to whom a request belongs: `configuration`, `commands`,
//! `templates`, `typing`, `entities` (what clients open), `subscriptions`. `hub` tells them what has changed, and
//! `presence` others that they are there.

mod client_form;
mod commands;
mod configuration;
mod connected;
mod entities;
mod exchange;
mod frame;
mod hub;
mod presence;
mod requests;
mod subscriptions;
mod templates;
mod typing;

pub use connected::{Connected, Outbox};
pub use exchange::{Reply, Request};
pub use hub::{Hub, heal, pump, tell};
pub use presence::{Presence, keep as keep_lease};
pub use requests::answer;
