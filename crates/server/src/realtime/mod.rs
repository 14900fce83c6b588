//! The protocol of the client SDK: one WebSocket for each client, and everything else through it.
//!
//! `door` is where clients come in, `connection` is one connection, `session` a client that was let in, and `frame` how
//! frames are written; `socket` sends them, `gate` bounds strangers, and `sign_in` judges tokens. `exchange` is what comes
//! out of the tunnel and goes back into it, `connected` who is at its other end, and `outbox` the way there; `finished` is
//! the way back of what runs beside a connection. `requests` finds out to whom a request belongs:
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
mod finished;
mod frame;
mod gate;
mod hub;
mod outbox;
mod presence;
mod registrations;
mod requests;
mod session;
mod sign_in;
mod socket;
mod subscriptions;
mod templates;
mod tunnelled;
mod typing;

pub use connected::Connected;
pub use connection::serve;
pub use door::{PATH, Tunnel, router};
pub use entities::read as read_entity;
pub use exchange::{Reply, Request};
pub use hub::{Hub, heal, pump, tell};
pub use outbox::{Outbox, Waiting};
pub use presence::{
    Presence, arrived, follow as follow_reachability, keep as keep_lease, left, look as look_at_reachability,
};
pub use requests::answer;
pub use typing::elsewhere::Typists;
