//! Whether the server lives, and whether it can do its work. Asked without credentials, so it tells no more.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use conversations::probe;
use store::{Roots, StoreError};

use crate::app::App;
use crate::web::answer;

const PATIENCE: Duration = Duration::from_secs(2);

/// What the paths begin with.
pub const PREFIX: &str = "/healthz/";

/// The two questions.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/healthz/live", get(live)).route("/healthz/ready", get(ready))
}

async fn live() -> Response {
    noted(answer::json(200, br#"{"status":"pass"}"#.to_vec()), "/healthz/live")
}

/// Ready is who takes writes: a small one must come through the writer's queue, and to the disk, in time.
async fn ready(State(app): State<Arc<App>>) -> Response {
    let written = app.store.write::<_, StoreError>(Roots::none(), probe::touch);
    let outcome = tokio::time::timeout(PATIENCE, written).await;
    let response = match outcome {
        Ok(Ok(())) if !app.store.is_broken() => answer::json(200, br#"{"status":"pass"}"#.to_vec()),
        _ => answer::json(503, br#"{"status":"fail"}"#.to_vec()),
    };
    noted(response, "/healthz/ready")
}

fn noted(mut response: Response, template: &'static str) -> Response {
    answer::note(&mut response, |note| note.template = Some(template.into()));
    response
}
