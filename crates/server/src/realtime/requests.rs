//! What a connected client asks for.

use std::sync::Arc;

use wire::Problem;

use super::connected::Connected;
use super::exchange::{Reply, Request};
use crate::app::App;
use crate::web::path;

/// Answers one request out of the tunnel. Whose it is decides the connection, and nothing that the request says.
#[expect(clippy::unused_async, reason = "what is answered is read from the store")]
pub async fn answer(_: &Arc<App>, _: &Arc<Connected>, request: Request) -> Reply {
    Reply::problem(&Problem::not_found(path::shown(&request.path)))
}
