//! Whether the server lives, and whether it can do its work. Asked without credentials, so it tells no more.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use conversations::Failure;
use store::Roots;

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

/// Ready is who takes writes: an empty one must come through the writer's queue, and commit, in time.
async fn ready(State(app): State<Arc<App>>) -> Response {
    let probe = app.store.write(Roots::none(), |_| Ok::<_, Failure>(()));
    let outcome = tokio::time::timeout(PATIENCE, probe).await;
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
