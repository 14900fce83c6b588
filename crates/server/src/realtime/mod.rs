//! The protocol of the client SDK: one WebSocket for each client, and everything else through it.
//!
//! `entities` answers what clients open. `exchange` is what comes out of the tunnel and goes back into it, `connected` who is at its other end.

mod connected;
mod entities;
mod exchange;
mod frame;
mod hub;
mod presence;
mod subscriptions;

pub use connected::{Connected, Outbox};
pub use entities::read as read_entity;
pub use exchange::{Reply, Request};
pub use hub::{Hub, heal, pump};
pub use presence::{Presence, keep as keep_lease};
