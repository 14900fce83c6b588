//! Receipts moved on by hand, by the very operation that channels move them with: for who tests without a channel.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use conversations::receipts::{self, Place, Shown, TellReceipt};
use conversations::{Conversation, Service};
use http::Method;
use serde::Serialize;
use store::Roots;
use wire::{Prefix, Sid};

use super::door::{Asked, Outcome, answered, shown};
use crate::app::App;
use crate::web::answer;

const ALL: &str = "/tertulia/v1/Services/{ChatServiceSid}/Conversations/{ConversationSid}/Messages\
     /{MessageSid}/Receipts";

pub fn router() -> Router<Arc<App>> {
    Router::new().route(ALL, any(all_of_them))
}

async fn all_of_them(State(app): State<Arc<App>>, request: Request) -> Response {
    let (asked, body) = Asked::new(app, request);
    answered(tell(&asked, body).await, ALL)
}

/// The receipt as the API shows it.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    receipt: Shown,
    chat_service_sid: Sid<Service>,
    url: String,
}

async fn tell(asked: &Asked, body: Body) -> Outcome {
    if asked.method != Method::POST {
        return Ok(answer::not_allowed("POST"));
    }
    let account_sid = asked.account_sid_for_keys_too().await?;
    let place = Place {
        account_sid,
        chat_service_sid: segment(asked, 4)?,
        conversation_sid: segment(asked, 6)?,
        message_sid: segment(asked, 8)?,
    };
    let told = TellReceipt::from_form(&asked.form(body).await?);
    let ids = Arc::clone(&asked.app.ids);
    let roots = Roots::one(Conversation::root(place.conversation_sid));
    let write = move |tx: &mut store::Tx<'_>| receipts::tell(tx, &*ids, &place, &told);
    let receipt = asked.app.store.write(roots, write).await?.ok_or_else(|| asked.not_found())?;
    asked.app.deliveries.notify_one();
    asked.app.streams.notify_one();
    let Place { chat_service_sid, conversation_sid, message_sid, .. } = place;
    let url = format!(
        "{}/v1/Services/{chat_service_sid}/Conversations/{conversation_sid}/Messages/{message_sid}/Receipts/{}",
        asked.base_url, receipt.receipt.sid
    );
    Ok(shown(200, &Told { receipt, chat_service_sid, url }))
}

/// The sid that stands at this place of the path.
fn segment<R: Prefix>(asked: &Asked, place: usize) -> Result<Sid<R>, wire::Problem> {
    asked.path.split('/').nth(place).and_then(Sid::parse).ok_or_else(|| asked.not_found())
}
