//! What comes through the tunnel, to whom it belongs. Hosts are labels, so paths decide.

use std::sync::Arc;

use wire::Problem;

use super::connected::Connected;
use super::exchange::{Reply, Request};
use super::{commands, configuration, entities, registrations, subscriptions, templates, typing};
use crate::app::App;

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
