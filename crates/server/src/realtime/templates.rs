//! The content templates of the account, as clients read them.

use std::sync::Arc;

use conversations::ContentTemplate;
use conversations::content_templates;
use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;
use wire::{List, PageRequest, Problem, Sid, Timestamp, Tokens};

use super::client_form;
use super::connected::Connected;
use super::exchange::{Reply, Request};
use crate::app::App;

pub const PATH: &str = "/Client/v2/ContentTemplates";

/// The client asks for a hundred.
const PAGE: (usize, usize) = (100, 100);

#[derive(Serialize)]
struct Page<'a> {
    templates: Vec<Shown<'a>>,
    meta: Tokens,
}

#[derive(Serialize)]
struct Shown<'a> {
    sid: Sid<ContentTemplate>,
    friendly_name: &'a Option<String>,
    /// A JSON text, which the client reads itself.
    variables: &'a str,
    variants: Option<&'a RawValue>,
    date_created: Timestamp,
    date_updated: Timestamp,
}

impl<'a> Shown<'a> {
    fn new(template: &'a ContentTemplate) -> Self {
        Self {
            sid: template.sid,
            friendly_name: &template.friendly_name,
            variables: &template.variables,
            variants: serde_json::from_str(&template.types).ok(),
            date_created: template.date_created,
            date_updated: template.date_updated,
        }
    }
}

/// Answers who asks for content templates; none for any other path.
pub async fn run(app: &Arc<App>, connected: &Connected, request: &Request) -> Option<Reply> {
    if request.path != PATH {
        return None;
    }
    if request.method != Method::GET {
        return Some(Reply::problem(&Problem::METHOD_NOT_ALLOWED));
    }
    let account_sid = connected.account_sid;
    let list = List::of(&format!("{account_sid} {PATH}"));
    let asked = client_form::of_query(request).and_then(|form| PageRequest::parse(&form, PAGE, list));
    let asked = match asked {
        Ok(asked) => asked,
        Err(problem) => return Some(Reply::problem(&problem)),
    };
    let found = app.store.read(move |tx| content_templates::list(tx, account_sid, &asked)).await;
    Some(match found {
        Ok(page) => {
            let templates = page.items.iter().map(Shown::new).collect();
            Reply::json(200, &Page { templates, meta: Tokens::new(list, page.next, page.previous) })
        }
        Err(error) => Reply::failure(error.into()),
    })
}
