//! What every door over HTTP needs: who asks, what the form says, and how an answer leaves.

pub mod access_log;
pub mod access_token;
pub mod answer;
pub mod cors;
pub mod edge;
pub mod form;
pub mod host;
pub mod in_flight;
pub mod known_credentials;
pub mod path;
pub mod sign_in;
pub mod unread;

use std::net::SocketAddr;

/// The two ends of the connection that a request came by.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The caller, or the proxy before us.
    pub peer: SocketAddr,
    /// Our own end.
    pub local: SocketAddr,
}
