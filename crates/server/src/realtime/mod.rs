//! The protocol of the client SDK: one WebSocket for each client, and everything else through it.
//!
//! `door` is where clients come in, `connection` is one connection, `session` a client that was let in, and `frame` how
//! frames are written; `gate` bounds strangers, and `sign_in` judges tokens. `exchange` is what comes out of the tunnel
//! and goes back into it, `connected` who is at its other end. `requests` finds out to whom a request belongs:
//! `configuration`, `commands`, `templates`, `typing`, `registrations`, `entities` (what clients open),
//! `subscriptions`. `hub` tells them what has changed, and `presence` others that they are there.

mod client_form;
mod commands;
mod configuration;
mod connected;
mod connection;
mod door;
mod entities;
mod exchange;
mod frame;
mod gate;
mod hub;
mod presence;
mod registrations;
mod requests;
mod session;
mod sign_in;
mod subscriptions;
mod templates;
mod tunnelled;
mod typing;

pub use connected::{Connected, Outbox};
pub use connection::serve;
pub use door::{PATH, Tunnel, router};
pub use entities::read as read_entity;
pub use exchange::{Reply, Request};
pub use hub::{Hub, heal, pump, tell};
pub use presence::{Presence, keep as keep_lease};
pub use requests::answer;
pub use typing::elsewhere::Typists;
