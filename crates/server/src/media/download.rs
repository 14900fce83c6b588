//! The content of a file, for whoever signs in, and at its direct address for whoever has it.
//!
//! What somebody uploaded may be anything, whatever type it claims to be. Browsers are told to believe the
//! type, to run nothing, and to show nothing but pictures, sound and films.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::media::{self, direct};
use conversations::{Failure, Media};
use futures_util::StreamExt;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderValue, Method};
use object_store::GetRange;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use wire::{Form, Problem, Sid};

use super::door::{Asked, Outcome, PREFIX, Place, noted};
use crate::app::App;
use crate::web::{answer, form, path};

const CONTENT: Place = Place {
    shown: "/v1/Services/{ChatServiceSid}/Media/{MediaSid}/Content",
    template: "/Media/{MediaSid}/Content",
    method: Method::GET,
};
/// What needs no percent sign in the name of a file.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

pub fn router() -> Router<Arc<App>> {
    Router::new().route(CONTENT.shown, any(content))
}

async fn content(State(app): State<Arc<App>>, request: Request) -> Response {
    let query = form::of_query(request.uri().query()).unwrap_or_default();
    if request.method() == Method::GET && query.get("Signature").is_some() {
        let (parts, _) = request.into_parts();
        let outcome = by_signature(&app, &parts, &query).await;
        return noted(outcome.unwrap_or_else(answer::failure), &CONTENT);
    }
    match Asked::enter(app, &CONTENT, request).await {
        Ok((asked, _)) => {
            let outcome = by_credentials(&asked).await;
            asked.answered(outcome)
        }
        Err(response) => *response,
    }
}

async fn by_credentials(asked: &Asked) -> Outcome {
    served(&asked.app, &asked.media().await?, &asked.parts).await
}

/// The signature is all that is looked at: whoever holds it needs nothing else.
async fn by_signature(app: &App, parts: &Parts, query: &Form) -> Outcome {
    let not_found = || Problem::not_found(path::shown(parts.uri.path()));
    let values = path::values(PREFIX, CONTENT.template, parts.uri.path()).ok_or_else(not_found)?;
    let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
    let service_sid = value("ChatServiceSid").and_then(Sid::parse).ok_or_else(not_found)?;
    let sid = value("MediaSid").and_then(Sid::parse).ok_or_else(not_found)?;
    let given = (query.get("Expires").unwrap_or_default(), query.get("Signature").unwrap_or_default());
    if !direct::opens(&app.vault, (service_sid, sid), given, app.clock.now()) {
        return Err(Problem::FORBIDDEN.into());
    }
    let found = app.store.read(move |tx| media::find(tx, service_sid, sid)).await?;
    served(app, &found.ok_or_else(not_found)?, parts).await
}

/// The file, or the range of it that is asked for.
async fn served(app: &App, media: &Media, parts: &Parts) -> Outcome {
    let size = u64::try_from(media.size).unwrap_or_default();
    let range = match parts.headers.get(RANGE).and_then(|range| range.to_str().ok()) {
        None => Asking::All,
        Some(text) => asking(text, size),
    };
    let (status, (first, end)) = match range {
        Asking::Nothing => {
            let mut response = answer::empty(416);
            put(&mut response, CONTENT_RANGE, format!("bytes */{size}"));
            return Ok(response);
        }
        Asking::All => (200, (0, size)),
        Asking::Part(first, end) => (206, (first, end)),
    };
    let held = app.pressure.download()?;
    let part = (status == 206).then_some(GetRange::Bounded(first..end));
    let found = app.media.read(media.file(), part).await.map_err(|failed| failed.reported())?;
    let Some(found) = found else {
        tracing::error!("the file of {} is not where files are kept", media.sid);
        return Err(Failure::Refused(Problem::INTERNAL));
    };
    let mut response = answer::empty(status);
    if status == 206 {
        put(&mut response, CONTENT_RANGE, format!("bytes {first}-{}/{size}", end - 1));
    }
    put(&mut response, CONTENT_TYPE, media.content_type.clone());
    put(&mut response, CONTENT_LENGTH, (end - first).to_string());
    put(&mut response, CONTENT_DISPOSITION, disposition(&media.content_type, media.filename.as_deref()));
    for (name, value) in [
        (ACCEPT_RANGES, "bytes"),
        (CACHE_CONTROL, "private"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let bytes = found.into_stream();
    *response.body_mut() = Body::from_stream(bytes.inspect(move |_| {
        // It is given back with the stream.
        let _ = &held;
    }));
    Ok(response)
}

fn put(response: &mut Response, name: HeaderName, value: String) {
    let value = HeaderValue::try_from(value).expect("it was checked when the file was uploaded");
    response.headers_mut().insert(name, value);
}

/// How much of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asking {
    All,
    /// From the first byte, up to and without the second.
    Part(u64, u64),
    /// Of nothing that is there.
    Nothing,
}

/// One range of bytes; several at once, and what cannot be read, are as good as none.
fn asking(text: &str, size: u64) -> Asking {
    let range = text.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let Some((first, last)) = range else { return Asking::All };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match (number(first), number(last)) {
        (None, Some(length)) if first.trim().is_empty() => match length.min(size) {
            0 => Asking::Nothing,
            length => Asking::Part(size - length, size),
        },
        (Some(first), _) if last.trim().is_empty() || number(last).is_some_and(|last| last >= first) => {
            let end = number(last).map_or(size, |last| last.saturating_add(1).min(size));
            if first < size { Asking::Part(first, end) } else { Asking::Nothing }
        }
        _ => Asking::All,
    }
}

/// Whether browsers may show it in their window, and the name it is saved under.
fn disposition(content_type: &str, filename: Option<&str>) -> String {
    let kind = if is_shown(content_type) { "inline" } else { "attachment" };
    match filename {
        None => kind.to_owned(),
        Some(name) => format!("{kind}; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN)),
    }
}

/// Pictures of dots, sound and films hold nothing that runs.
fn is_shown(content_type: &str) -> bool {
    const PICTURES: [&str; 9] = ["apng", "avif", "bmp", "gif", "heic", "jpeg", "jpg", "png", "webp"];
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("image", sub)) => PICTURES.contains(&sub),
        Some((kind, _)) => matches!(kind, "audio" | "video"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_served_and_anything_else_is_the_whole() {
        for (text, expected) in [
            ("bytes=0-0", Asking::Part(0, 1)),
            ("bytes=2-5", Asking::Part(2, 6)),
            ("bytes=2-", Asking::Part(2, 10)),
            ("bytes=2-999", Asking::Part(2, 10)),
            ("bytes=-3", Asking::Part(7, 10)),
            ("bytes=-99", Asking::Part(0, 10)),
            ("bytes=10-", Asking::Nothing),
            ("bytes=-0", Asking::Nothing),
            ("bytes=5-2", Asking::All),
            ("bytes=0-1,3-4", Asking::All),
            ("bytes=-", Asking::All),
            ("bytes=x-1", Asking::All),
            ("bytes=1-x", Asking::All),
            ("lines=1-2", Asking::All),
            ("", Asking::All),
        ] {
            assert_eq!(asking(text, 10), expected, "{text}");
        }
        assert_eq!(asking("bytes=0-", 0), Asking::Nothing);
    }

    #[test]
    fn only_what_holds_nothing_that_runs_is_shown_in_the_window() {
        for shown in ["image/png", "Image/JPEG; x=y", "audio/ogg", "video/mp4"] {
            assert!(is_shown(shown), "{shown}");
        }
        for kept in
            ["image/svg+xml", "text/html", "application/pdf", "text/plain", "application/xhtml+xml", ""]
        {
            assert!(!is_shown(kept), "{kept}");
        }
    }

    #[test]
    fn a_filename_cannot_leave_its_header() {
        assert_eq!(disposition("text/html", None), "attachment");
        assert_eq!(
            disposition("text/html", Some("a\"; b\r\nc\u{732b}.html")),
            "attachment; filename*=UTF-8''a%22%3B%20b%0D%0Ac%E7%8C%AB.html"
        );
        assert_eq!(disposition("image/png", Some("cat.png")), "inline; filename*=UTF-8''cat.png");
    }
}
