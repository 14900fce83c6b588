//! Uploads: the file as the body itself, or as a part of a form.
//!
//! That a file is about to come is written first, then the file, then its row: a server that is killed in
//! between knows what to remove.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use conversations::media::removals::File;
use conversations::media::{self, About};
use conversations::{Failure, Limits};
use http::Method;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use store::Roots;
use wire::{Form, Problem};

use super::door::{Asked, Outcome, Place};
use super::multipart::{self, Multipart};
use super::source::Source;
use crate::app::App;
use crate::perform::perform;
use crate::pressure::Coming;
use crate::web::{answer, form};

const ALL: Place =
    Place { shown: "/v1/Services/{ChatServiceSid}/Media", template: "/Media", method: Method::POST };
/// Twilio: 150 MB.
const STRICT_BYTES: u64 = 150 * 1024 * 1024;
/// What a form may have besides its file.
const BESIDES: u64 = 1024 * 1024;

pub fn router() -> Router<Arc<App>> {
    Router::new().route(ALL.shown, any(all))
}

async fn all(State(app): State<Arc<App>>, request: Request) -> Response {
    match Asked::enter(app, &ALL, request).await {
        Ok((asked, body)) => {
            let outcome = upload(&asked, body).await;
            asked.answered(outcome)
        }
        Err(response) => *response,
    }
}

/// The file as it comes in: the body itself, or a part of the form that the body is.
enum Incoming {
    Body(Source),
    Part(Box<Multipart>),
}

impl Incoming {
    /// What comes next of the file; none at its end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        match self {
            Self::Body(source) => source.next().await,
            Self::Part(parts) => parts.chunk().await,
        }
    }
}

async fn upload(asked: &Asked, body: Body) -> Outcome {
    let (app, call) = (&asked.app, &asked.call);
    let _held = app.pressure.upload()?;
    Coming::pass_on(&asked.parts.extensions);
    let (mut form, mut incoming) = match opened(asked, body).await {
        Ok(opened) => opened,
        Err(problem) => return Err(asked.refuse(problem).await),
    };
    let sid = call.new_sid(app.clock.now());
    let file = File { chat_service_sid: call.service_sid, sid };
    let of_begin = Arc::clone(call);
    app.store.write(Roots::none(), move |tx| media::begin(tx, &of_begin, sid)).await?;
    let size = take_in(app, file, &mut incoming).await?;
    if let Incoming::Part(parts) = &mut incoming {
        read_rest(parts, &mut form).await?;
    }
    if let Some(user) = &asked.user {
        // Whatever the request says.
        form.set("Author", &user.identity)?;
    }
    let kept = app.settings.media.kept.as_micros();
    for (name, value) in [("Sid", sid.to_string()), ("Size", size.to_string()), ("Kept", kept.to_string())] {
        form.set(name, &value)?;
    }
    let creation = media::creation();
    let outcome = perform(app, Arc::clone(call), &creation, Arc::clone(&asked.path), (&form, None)).await;
    if let Err(Failure::Refused(_)) = &outcome
        && let Err(failed) = app.media.remove(file).await
    {
        failed.reported();
    }
    let outcome = outcome?;
    Ok(answer::json(outcome.status, outcome.body(call)))
}

/// What is said of the file before it comes, and the file.
async fn opened(asked: &Asked, body: Body) -> Result<(Form, Incoming), Problem> {
    let headers = &asked.parts.headers;
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Problem::parameter("An upload has no Content-Encoding"));
    }
    let content_type = match headers.get(CONTENT_TYPE) {
        None => "",
        Some(given) => given.to_str().map_err(|_| Problem::INVALID_MEDIA_CONTENT_TYPE)?,
    };
    let (limit, too_large) = limit(&asked.app);
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let is_too_large = |besides| announced.is_some_and(|announced| announced > limit + besides);
    let mut said = Form::empty();
    keep(&mut said, form::of_query(asked.parts.uri.query())?.pairs())?;
    let source = Source::new(body, limit + BESIDES);
    let incoming = match multipart::boundary(content_type) {
        None if is_too_large(0) => return Err(too_large),
        None => {
            said.set("ContentType", content_type)?;
            Incoming::Body(source)
        }
        Some(_) if is_too_large(BESIDES) => return Err(too_large),
        Some(boundary) => {
            let mut parts = Box::new(Multipart::new(source, &boundary?));
            read_until_file(&mut parts, &mut said).await?;
            Incoming::Part(parts)
        }
    };
    About::read(&asked.call, &said)?;
    Ok((said, incoming))
}

/// Keeps what is said of the file, under one name however it is spelt.
fn keep<'a>(said: &mut Form, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), Problem> {
    for (name, value) in pairs {
        let known = ["Category", "Filename", "Author"];
        if let Some(known) = known.into_iter().find(|known| known.eq_ignore_ascii_case(name)) {
            said.set(known, value)?;
        }
    }
    Ok(())
}

/// Reads the fields before the file, and the file's own head. What is said elsewhere of its name stands
/// above the head.
async fn read_until_file(parts: &mut Multipart, said: &mut Form) -> Result<(), Problem> {
    while let Some(part) = parts.part().await? {
        if !part.is_file() {
            let value = parts.text().await?;
            keep(said, [(part.name.as_str(), value.as_str())].into_iter())?;
            continue;
        }
        if said.get("Filename").is_none() {
            said.set("Filename", &part.filename.unwrap_or_default())?;
        }
        return said.set("ContentType", &part.content_type.unwrap_or_default());
    }
    Err(Problem::parameter("There is no file in the form"))
}

/// Reads the fields behind the file. A second file would be lost, and is refused.
async fn read_rest(parts: &mut Multipart, said: &mut Form) -> Result<(), Problem> {
    while let Some(part) = parts.part().await? {
        if part.is_file() {
            return Err(Problem::parameter("There is more than one file in the form"));
        }
        let value = parts.text().await?;
        keep(said, [(part.name.as_str(), value.as_str())].into_iter())?;
    }
    Ok(())
}

/// Writes the file as it comes, and tells its size. What is not finished is given up.
async fn take_in(app: &App, file: File, incoming: &mut Incoming) -> Result<u64, Failure> {
    let (limit, too_large) = limit(app);
    let mut writing = app.media.write(file);
    let failure = loop {
        let chunk = match incoming.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return writing.finish().await.map_err(|failed| failed.reported()),
            Err(problem) => break problem.into(),
        };
        if writing.size() + chunk.len() as u64 > limit {
            break too_large.into();
        }
        if let Err(failed) = writing.push(&chunk).await {
            break failed.reported();
        }
    };
    writing.abort().await;
    Err(failure)
}

/// How many bytes a file may have, and what is answered to more.
fn limit(app: &App) -> (u64, Problem) {
    let max = app.settings.media.max_bytes;
    match app.settings.limits {
        Limits::Strict if STRICT_BYTES <= max => (STRICT_BYTES, Problem::MEDIA_TOO_LARGE),
        Limits::Strict | Limits::Lenient => (max, Problem::REQUEST_ENTITY_TOO_LARGE),
    }
}
