//! The protocol of the client SDK: one WebSocket for each client, and everything else through it.
//!
//! `door` is where clients come in, `connection` is one connection, `session` a client that was let in, and `frame` how
//! frames are written; `gate` bounds strangers, and `sign_in` judges tokens. `exchange` is what comes out of the tunnel
//! and goes back into it, `connected` who is at its other end, and `requests` what is answered.

#![expect(dead_code, reason = "what the hub and the commands need of it comes before them")]

mod connected;
mod connection;
mod door;
mod exchange;
mod frame;
mod gate;
mod requests;
mod session;
mod sign_in;
mod tunnelled;

pub use connected::{Connected, Outbox};
pub use connection::serve;
pub use door::{PATH, Tunnel, router};
pub use exchange::{Reply, Request};
