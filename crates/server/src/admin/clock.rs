//! The clock: what time it is, and, where it is a manual one, what time it shall be.
//!
//! Moving it is answered when everything that fell due on the way has run, in the order of its time and
//! each at its own time.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::Failure;
use http::Method;
use serde::Serialize;
use store::Clock;
use wire::{Form, IsoDuration, Milliseconds, Problem, Timestamp};

use super::door::{Asked, Outcome, answered, shown};
use crate::app::App;
use crate::timers;
use crate::web::answer;

const CLOCK: &str = "/tertulia/v1/Clock";

pub fn router() -> Router<Arc<App>> {
    Router::new().route(CLOCK, any(the_clock))
}

async fn the_clock(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, body) = Asked::new(app, request);
    answered(clock(&asked, body).await, CLOCK)
}

#[derive(Serialize)]
struct Shown {
    mode: &'static str,
    now: Milliseconds,
}

async fn clock(asked: &Asked, body: Body) -> Outcome {
    asked.server_wide()?;
    let app = &asked.app;
    match asked.method {
        Method::GET => {}
        Method::POST => set(asked, body).await?,
        _ => return Ok(answer::not_allowed("GET, POST")),
    }
    let mode = if app.settings.manual_clock.is_some() { "manual" } else { "real" };
    Ok(shown(200, &Shown { mode, now: app.clock.now().milliseconds() }))
}

async fn set(asked: &Asked, body: Body) -> Result<(), Failure> {
    let app = &asked.app;
    let Some(clock) = &app.settings.manual_clock else {
        let reason =
            "This server runs on the real clock, which nobody can move; start it with --clock manual";
        return Err(Problem::conflict(reason).into());
    };
    let form = asked.form(body).await?;
    let _moving = clock.take().await;
    timers::move_clock(app, clock, target(&form, clock.now())?).await
}

/// What time it shall be.
fn target(form: &Form, now: Timestamp) -> Result<Timestamp, Problem> {
    let invalid = |name| move || Problem::invalid_parameter(name);
    let target = match (form.get("Advance"), form.get("Set")) {
        (Some(advance), None) => {
            let advance = IsoDuration::parse(advance).ok_or_else(invalid("Advance"))?;
            now.plus_micros(advance.micros()).ok_or_else(invalid("Advance"))?
        }
        (None, Some(set)) => Timestamp::parse(set).ok_or_else(invalid("Set"))?,
        _ => return Err(Problem::parameter("Either Advance, a duration, or Set, a date, is needed")),
    };
    if target < now {
        let stands = now.milliseconds();
        return Err(Problem::parameter(format!("The clock stands at {stands} and does not go back")));
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_advanced_or_set_and_never_goes_back() {
        let now = Timestamp::from_micros(1_767_225_600_000_000);
        let asked = |text: &str| {
            let form = Form::parse(text.as_bytes()).expect("a form");
            target(&form, now).map(|target| target.milliseconds().to_string()).map_err(|told| told.message)
        };
        assert_eq!(asked("Advance=P1D").as_deref(), Ok("2026-01-02T00:00:00.000Z"));
        assert_eq!(asked("Advance=PT0.5S").as_deref(), Ok("2026-01-01T00:00:00.500Z"));
        assert_eq!(asked("Set=2030-01-01T00:00:00Z").as_deref(), Ok("2030-01-01T00:00:00.000Z"));
        assert_eq!(asked("Set=2026-01-01").as_deref(), Ok("2026-01-01T00:00:00.000Z"));
        for wrong in [
            "",
            "Advance=",
            "Advance=1",
            "Advance=-P1D",
            "Advance=P9000Y",
            "Set=",
            "Set=tomorrow",
            "Set=2025-12-31T23:59:59Z",
            "Advance=P1D&Set=2030-01-01",
        ] {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }
}
