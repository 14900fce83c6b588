//! The protocol of the client SDK: one WebSocket for each client, and everything else through it.
//!
//! `exchange` is what comes out of the tunnel and goes back into it, `connected` who is at its other end.

mod connected;
mod exchange;
mod hub;
mod presence;
mod subscriptions;

pub use connected::{Connected, Outbox};
pub use exchange::{Reply, Request};
pub use hub::{Hub, heal, pump};
pub use presence::{Presence, keep as keep_lease};
