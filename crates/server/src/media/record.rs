//! What is known of a file, and of several at once.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::media::{self, Shown, readers};
use conversations::{Failure, Media};
use http::Method;
use serde::{Deserialize, Serialize};
use wire::{Problem, Sid};

use super::door::{Asked, Outcome, Place};
use crate::app::App;
use crate::web::{answer, form};

const ONE: Place = Place {
    shown: "/v1/Services/{ChatServiceSid}/Media/{MediaSid}",
    template: "/Media/{MediaSid}",
    method: Method::GET,
};
const SET: Place =
    Place { shown: "/v1/Services/{ChatServiceSid}/MediaSet", template: "/MediaSet", method: Method::POST };
/// Files that can be asked for at once.
const SET_LENGTH: usize = 100;

pub fn router() -> Router<Arc<App>> {
    Router::new().route(ONE.shown, any(one)).route(SET.shown, any(set))
}

async fn one(State(app): State<Arc<App>>, request: Request) -> Response {
    match Asked::enter(app, &ONE, request).await {
        Ok((asked, _)) => {
            let outcome = fetch(&asked).await;
            asked.answered(outcome)
        }
        Err(response) => *response,
    }
}

async fn set(State(app): State<Arc<App>>, request: Request) -> Response {
    match Asked::enter(app, &SET, request).await {
        Ok((asked, body)) => {
            let outcome = fetch_set(&asked, body).await;
            asked.answered(outcome)
        }
        Err(response) => *response,
    }
}

async fn fetch(asked: &Asked) -> Outcome {
    Ok(shown(&asked.media().await?.shown(&asked.call, asked.app.clock.now())))
}

/// What is asked for in a set.
#[derive(Deserialize)]
struct Command {
    command: String,
    list: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    media_sid: Option<String>,
}

/// One answer of a set. Its code stands for the status of a request of its own.
#[derive(Serialize)]
struct Told {
    code: u16,
    media_record: Option<Shown>,
}

async fn fetch_set(asked: &Asked, body: Body) -> Outcome {
    let sids = match sids(asked, body).await {
        Ok(sids) => sids,
        Err(problem) => return Err(asked.refuse(problem).await),
    };
    let (call, identity) = (Arc::clone(&asked.call), asked.identity());
    let read = move |tx: &mut store::Tx<'_>| -> Result<Vec<Result<Media, u16>>, Failure> {
        let mut files = Vec::new();
        for found in media::of_sids(tx, &call, &sids)? {
            files.push(match (found, &identity) {
                (None, _) => Err(404),
                (Some(media), Some(identity)) if !readers::admit(tx, &media, identity)? => Err(403),
                (Some(media), _) => Ok(media),
            });
        }
        Ok(files)
    };
    let found = asked.app.store.read(read).await?;
    let now = asked.app.clock.now();
    let told = found.into_iter().map(|found| match found {
        Ok(media) => Told { code: 200, media_record: Some(media.shown(&asked.call, now)) },
        Err(code) => Told { code, media_record: None },
    });
    Ok(shown(&told.collect::<Vec<_>>()))
}

async fn sids(asked: &Asked, body: Body) -> Result<Vec<Sid<Media>>, Problem> {
    let body = form::read(&asked.parts.headers, body).await?;
    let command: Command = serde_json::from_slice(&body)
        .map_err(|_| Problem::parameter("The body is not a JSON object with a command and a list"))?;
    if command.command != "get" {
        return Err(Problem::invalid_parameter("command"));
    }
    if command.list.len() > SET_LENGTH {
        return Err(Problem::parameter(format!("The list has more than {SET_LENGTH} items")));
    }
    let sid = |item: Item| match item.media_sid.as_deref() {
        None | Some("") => Err(Problem::MEDIA_SID_NOT_PROVIDED),
        Some(sid) => Sid::parse(sid).ok_or(Problem::INVALID_MEDIA_SID),
    };
    command.list.into_iter().map(sid).collect()
}

fn shown(body: &impl Serialize) -> Response {
    answer::json(200, serde_json::to_vec(body).expect("records have only text keys"))
}
