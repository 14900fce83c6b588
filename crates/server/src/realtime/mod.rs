//! The protocol of the client SDK: one WebSocket for each client, and everything else through it.
//!
//! `exchange` is what comes out of the tunnel and goes back into it, `connected` who is at its other end.

mod connected;
mod exchange;

pub use connected::{Connected, Outbox};
pub use exchange::{Reply, Request};
