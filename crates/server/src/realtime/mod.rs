//! The protocol of the client SDK: one WebSocket for each client, and everything else through it.
//!
//! `door` is where clients come in, `session` one connection from its first frame to its last, `frame` how frames are
//! written; `gate` bounds strangers, `sign_in` judges tokens. `exchange` is what comes out of the tunnel and goes back
//! into it, `connected` who is at its other end. `requests` finds out to whom a request belongs: `configuration`,
//! `commands`, `templates`, `typing`, `entities` (what clients open), `subscriptions`. `hub` tells them what has
//! changed, and `presence` others that they are there.

mod client_form;
mod commands;
mod configuration;
mod connected;
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
pub use door::{PATH, Tunnel, router};
pub use entities::read as read_entity;
pub use exchange::{Reply, Request};
pub use hub::{Hub, heal, pump, tell};
pub use presence::{Presence, keep as keep_lease};
pub use requests::answer;
pub use session::serve;
