//! The log's line for each request, however it came: by HTTP, or through a client's tunnel.
//!
//! It names the path's template and never what was asked, said or signed with.

use std::time::Duration;

use conversations::Asker;
use http::Method;
use wire::{Prefix, Sid};

use super::answer::Note;
use crate::app::App;
use crate::health;
use crate::metrics::Asked;

/// What has a request's id.
pub struct Asking;

impl Prefix for Asking {
    const PREFIX: &'static str = "RQ";
}

/// What the log says of one request.
pub struct Line {
    pub request_id: Sid<Asking>,
    pub(crate) asked: Asked,
    pub status: u16,
}

impl Line {
    /// Writes it, and beside it what went wrong inside.
    pub fn log(&self, note: &Note, time: Duration) {
        let Self { request_id, asked: Asked { method, template }, status } = self;
        // Being too busy is no failure that somebody must see to; how often it happens stands in the metrics.
        if let Some(failure) = note.failure.as_ref().filter(|failure| !failure.is_busy()) {
            tracing::error!(%request_id, "failed to answer {method} {template}: {failure:?}");
        }
        // A probe that passes is not worth a line every few seconds.
        if *status == 200 && template.starts_with(health::PREFIX) {
            return;
        }
        // As texts: what has to be formatted first costs the log several times as much.
        let message = [method, " ", template, " ", itoa::Buffer::new().format(*status)].concat();
        request_id.written(|request_id| {
            written(note.account_sid, |account_sid| {
                tracing::info!(
                    target: "access",
                    message, request_id, method, template = &**template, status, code = note.code, account_sid,
                    milliseconds = milliseconds(time)
                );
            });
        });
    }
}

/// A sid's text, where there is one.
fn written<R: Prefix>(sid: Option<Sid<R>>, with: impl FnOnce(Option<&str>)) {
    match sid {
        Some(sid) => sid.written(|text| with(Some(text))),
        None => with(None),
    }
}

/// A new id for a request.
pub fn request_id(app: &App, asker: Asker) -> Sid<Asking> {
    Sid::from_bytes(app.ids.request_id(app.clock.now(), asker))
}

/// Methods are a label of metrics, and so a few known words.
pub fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        _ => "(other)",
    }
}

/// To a tenth of a millisecond.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_tenths_of_milliseconds() {
        assert_eq!(format!("{}", milliseconds(Duration::from_micros(1_234))), "1.2");
    }
}
