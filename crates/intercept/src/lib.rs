//! A proxy on loopback that leads a program's calls to Twilio's hosts to a server of ours.
//!
//! A program that is told of the [`Proxy`] by `HTTPS_PROXY` asks it for a tunnel to `conversations.twilio.com`.
//! The proxy ends the TLS in it with a certificate of an [`Authority`] that was made for this run, and hands
//! what comes out to the server, byte by byte. Other hosts are refused, or passed where [`Others`] says so.
//!
//! What holds: the proxy listens on 127.0.0.1 and nowhere else. The authority's key never leaves this
//! process, and its certificate is good for names at and below `twilio.com` alone and for a week at most. What is meant
//! for a host of Twilio's is answered here or refused; it never leaves the machine. Heads are bounded in size
//! and in time, handshakes in time, connections in number.

mod authority;
mod destination;
mod forward;
mod proxy;
mod told;
mod tunnel;

pub use authority::Authority;
pub use proxy::{Others, Plan, Proxy};
