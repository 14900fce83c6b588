//! The media service: files that messages carry, a neighbour of the API on a host of its own.
//!
//! A file is streamed to where files are kept, never held in memory, and its row is written when it is
//! there; what that promises is told in [`conversations::media`]. Its content is given to whoever signs in,
//! and to whoever has its direct address, which is signed and short-lived.

mod door;
mod download;
mod multipart;
mod record;
mod source;
mod storage;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;

pub use storage::{MediaStore, S3};

use crate::app::App;
use crate::web::cors;

/// Every path of it.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .merge(upload::router())
        .merge(record::router())
        .merge(download::router())
        .layer(from_fn(cors::pass))
}
