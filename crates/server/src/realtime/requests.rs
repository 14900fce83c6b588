//! What comes through the tunnel, to whom it belongs. Hosts are labels, so paths decide.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use conversations::Asker;
use wire::Problem;

use super::connected::Connected;
use super::exchange::{Reply, Request};
use super::{commands, configuration, entities, registrations, subscriptions, templates, typing};
use crate::app::App;
use crate::metrics::Asked;
use crate::stopwatch;
use crate::web::access_log::{self, Line};
use crate::web::answer::Note;
use crate::web::edge::caught;

/// Answers one request of a client. Whose it is decides the connection, and nothing that the request says.
pub async fn answer(app: &Arc<App>, connected: &Arc<Connected>, request: Request) -> Reply {
    if let Some(reply) = configuration::run(app, connected, &request).await {
        return reply;
    }
    if let Some(reply) = templates::run(app, connected, &request).await {
        return reply;
    }
    if let Some(reply) = typing::run(app, connected, &request).await {
        return reply;
    }
    if let Some(reply) = entities::read(app, connected, &request).await {
        return reply;
    }
    if let Some(reply) = subscriptions::run(app, connected, &request).await {
        return reply;
    }
    if let Some(reply) = commands::run(app, connected, &request).await {
        return reply;
    }
    if let Some(reply) = registrations::run(app, connected, &request).await {
        return reply;
    }
    Reply::problem(&Problem::not_found(&request.path))
}

/// The same with its line in the log and its place in the figures, also where it panics. It began when its frame came.
pub async fn serve(app: &Arc<App>, connected: &Arc<Connected>, request: Request, began: Instant) -> Reply {
    let asked =
        Asked { method: access_log::method(&request.method), template: template(&request.path).into() };
    let reply = caught(pin!(answer(app, connected, request))).await;
    let reply = reply.unwrap_or_else(|| Reply::problem(&Problem::INTERNAL));
    app.metrics.realtime_durations.observe(began.elapsed().as_secs_f64());
    log(app, connected, asked, (&reply, began));
    reply
}

/// The line of what is no request.
pub fn refused(app: &App, connected: &Connected, problem: &Problem) {
    let asked = Asked { method: "(none)", template: "(none)".into() };
    log(app, connected, asked, (&Reply::problem(problem), stopwatch::start()));
}

fn log(app: &App, connected: &Connected, asked: Asked, (reply, began): (&Reply, Instant)) {
    let note = Note { account_sid: Some(connected.account_sid), ..reply.note.clone() };
    let request_id = access_log::request_id(app, Asker::Client);
    Line { request_id, asked, status: reply.status }.log(&note, began.elapsed());
}

/// A path with its names in braces: one of few, whatever is asked.
fn template(path: &str) -> String {
    let exact = configuration::PATHS.into_iter().chain([templates::PATH, subscriptions::PATH]);
    let known = exact.into_iter().find(|exact| *exact == path);
    let known = known.or_else(|| entities::template(path)).or_else(|| registrations::template(path));
    let known = known.or_else(|| typing::template(path)).map(str::to_owned);
    known.or_else(|| commands::template(path)).unwrap_or_else(|| "(none)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_hold_no_names() {
        let service = "/Client/v2/Services/IS00112233445566778899aabbccddeeff";
        let below = "/Client/v2/Services/{ChatServiceSid}";
        for (path, expected) in [
            ("/Client/v2/Configuration".to_owned(), "/Client/v2/Configuration".to_owned()),
            ("/Client/v2/ContentTemplates".to_owned(), "/Client/v2/ContentTemplates".to_owned()),
            ("/v4/Subscriptions".to_owned(), "/v4/Subscriptions".to_owned()),
            ("/v3/Maps/alice.roster/Items".to_owned(), "/v3/Maps/{Name}/Items".to_owned()),
            ("/v3/Documents/x".to_owned(), "/v3/Documents/{Name}".to_owned()),
            ("/v1/registrations/BS1/more".to_owned(), "/v1/registrations/{RegistrationSid}".to_owned()),
            ("/v1/registrations".to_owned(), "/v1/registrations".to_owned()),
            (format!("{service}/Typing"), format!("{below}/Typing")),
            (format!("{service}/Users/alice%40a"), format!("{below}/Users/{{UserSid}}")),
            (format!("{service}/Conversations"), format!("{below}/Conversations")),
            (format!("{service}/Secrets/of/alice"), "(none)".to_owned()),
            ("/v1/registrationsx".to_owned(), "(none)".to_owned()),
            (String::new(), "(none)".to_owned()),
        ] {
            assert_eq!(template(&path), expected, "{path}");
        }
    }
}
