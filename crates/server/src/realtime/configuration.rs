//! The configuration: the first thing that a client asks for. It says who the client is, and where everything stands.

use std::sync::Arc;

use conversations::sync::SyncObject;
use conversations::{Failure, Limits, Service, services};
use http::Method;
use serde::Serialize;
use wire::Problem;

use super::connected::Connected;
use super::exchange::{Reply, Request};
use crate::app::App;

/// The older path is that of the predecessor of the SDK, which reads the same.
pub const PATHS: [&str; 2] = ["/Client/v2/Configuration", "/Client/v1/Configuration"];

/// Megabytes of the largest file of a message.
// Twilio: what its own configuration says.
const MEDIA_SIZE: u64 = 150;
const MEBIBYTE: u64 = 1024 * 1024;

#[derive(Serialize)]
struct Configuration<'a> {
    identity: &'a str,
    url: String,
    links: Links,
    sync_objects: SyncObjects,
    options: Options,
}

/// The client refuses to start without any of them.
#[derive(Serialize)]
struct Links {
    my_conversations: String,
    conversations: String,
    users: String,
    current_user: String,
    typing: String,
    /// A place for the conversation's sid, then one for the message's.
    messages_receipts: String,
    media_service: String,
    media_set_service: String,
}

#[derive(Serialize)]
struct SyncObjects {
    my_user_info: String,
    my_conversations: String,
}

#[derive(Serialize)]
struct Options {
    reachability_enabled: bool,
    user_infos_to_subscribe: u32,
    http_cache_interval: &'static str,
    consumption_report_interval: &'static str,
    my_conversations_page_size: u32,
    media_attachments_count_limit: u32,
    media_attachment_size_limit_in_mb: u64,
    media_attachments_total_size_limit_in_mb: u64,
    email_histories_allowed_mime_types: [&'static str; 2],
    email_bodies_allowed_mime_types: [&'static str; 2],
}

/// Answers who asks for the configuration; none for any other path.
pub async fn run(app: &Arc<App>, connected: &Connected, request: &Request) -> Option<Reply> {
    if !PATHS.contains(&request.path.as_str()) {
        return None;
    }
    if request.method != Method::GET {
        return Some(Reply::problem(&Problem::METHOD_NOT_ALLOWED));
    }
    Some(match service(app, connected, request).await {
        Ok(service) => Reply::json(200, &Configuration::new(app, connected, (request, &service))),
        Err(failure) => Reply::failure(failure),
    })
}

async fn service(app: &Arc<App>, connected: &Connected, request: &Request) -> Result<Service, Failure> {
    let call = connected.call(app, &request.path);
    app.store.read(move |tx| services::of_call(tx, &call)).await
}

impl<'a> Configuration<'a> {
    fn new(app: &App, connected: &'a Connected, (request, service): (&Request, &Service)) -> Self {
        let base = &connected.base_url;
        let below = connected.call(app, &request.path).service_url(format_args!(""));
        let (user_sid, service_sid) = (connected.client.user_sid, connected.service_sid);
        let media_size = media_size(app);
        Self {
            identity: &connected.client.identity,
            url: format!("{base}{}", request.path),
            links: Links {
                my_conversations: format!("{below}/Users/{user_sid}/Conversations"),
                conversations: format!("{below}/Conversations"),
                users: format!("{below}/Users"),
                current_user: format!("{below}/Users/{user_sid}"),
                typing: format!("{below}/Typing"),
                messages_receipts: format!("{below}/Conversations/%s/Messages/%s/Receipts"),
                media_service: format!("{base}/v1/Services/{service_sid}/Media"),
                media_set_service: format!("{base}/v1/Services/{service_sid}/MediaSet"),
            },
            sync_objects: SyncObjects {
                my_user_info: SyncObject::UserInfo(user_sid).to_string(),
                my_conversations: SyncObject::MyConversations(user_sid).to_string(),
            },
            options: Options {
                reachability_enabled: service.reachability_enabled,
                user_infos_to_subscribe: 100,
                // The client makes a tenth of a second of it: counts are hardly remembered.
                http_cache_interval: "PT1S",
                consumption_report_interval: "PT1S",
                my_conversations_page_size: 100,
                media_attachments_count_limit: 10,
                media_attachment_size_limit_in_mb: media_size,
                media_attachments_total_size_limit_in_mb: media_size,
                email_histories_allowed_mime_types: ["text/plain", "text/html"],
                email_bodies_allowed_mime_types: ["text/plain", "text/html"],
            },
        }
    }
}

/// What the client's message builder takes before it uploads anything.
fn media_size(app: &App) -> u64 {
    let allowed = (app.settings.media.max_bytes / MEBIBYTE).max(1);
    match app.settings.limits {
        Limits::Strict => allowed.min(MEDIA_SIZE),
        Limits::Lenient => allowed,
    }
}
