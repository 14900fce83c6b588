//! Commands: what clients do with conversations, participants, messages and users.
//!
//! They are the operations of the REST API, below another prefix: found by method and path in the same table, and run
//! through the same [`perform`]. What its roles allow a client, and what only clients may or may not say, is decided
//! where everything else is decided, in the transaction.

use std::sync::{Arc, LazyLock};

use conversations::{Failure, Operation, Path, Verb, client_operations};
use http::Method;
use wire::{Form, Problem};

use super::client_form;
use super::connected::Connected;
use super::exchange::{Reply, Request};
use crate::app::App;
use crate::perform::{perform, refuse};
use crate::rest::Standing;
use crate::web::path;

const PREFIX: &str = "/Client/v2/Services/{ChatServiceSid}";

/// What clients may ask for.
static COMMANDS: LazyLock<Vec<Operation>> = LazyLock::new(client_operations);

/// Answers what is asked below the prefix; none for any other path.
pub async fn run(app: &Arc<App>, connected: &Connected, request: &Request) -> Option<Reply> {
    let below = request.path.strip_prefix("/Client/v2/Services/")?;
    let (service, _) = below.split_once('/').unwrap_or((below, ""));
    // A token is good for one service. Whether others are there is none of its business.
    if service != connected.service_sid.to_string() {
        return Some(Reply::problem(&Problem::not_found(&request.path)));
    }
    let answered = answer(app, connected, request).await;
    Some(answered.unwrap_or_else(Reply::failure))
}

/// The template of a path below the prefix.
pub fn template(path: &str) -> Option<String> {
    let operation = COMMANDS.iter().find(|operation| fits(operation.template, path))?;
    Some(format!("{PREFIX}{}", operation.template))
}

async fn answer(app: &Arc<App>, connected: &Connected, request: &Request) -> Result<Reply, Failure> {
    let operation = find(&request.method, &request.path)?;
    let values = path::values(PREFIX, operation.template, &request.path)
        .ok_or_else(|| Problem::not_found(&request.path))?;
    let (call, path) = (Arc::new(connected.call(app, &request.path)), Arc::new(Path::new(values)));
    if let Err((problem, _)) = app.rates.act(operation, (&call, &path), &mut Standing::default()) {
        return Err(problem.into());
    }
    let said = match operation.verb {
        Verb::List => client_form::of_query(request),
        Verb::Fetch | Verb::Delete => Ok(Form::empty()),
        Verb::Create | Verb::Update => client_form::of_body(request),
    };
    let form = match said {
        Ok(form) => form,
        Err(problem) => return Err(refuse(app, call, path, problem).await),
    };
    let answer = perform(app, Arc::clone(&call), operation, path, (&form, None)).await?;
    Ok(Reply::new(answer.status, answer.body(&call)))
}

/// The operation of a method and a path; otherwise the path is nobody's, or the method.
fn find(method: &Method, path: &str) -> Result<&'static Operation, Problem> {
    let mut of_path = COMMANDS.iter().filter(|operation| fits(operation.template, path)).peekable();
    if of_path.peek().is_none() {
        return Err(Problem::not_found(path));
    }
    of_path.find(|operation| is_asked(operation.verb, method)).ok_or(Problem::METHOD_NOT_ALLOWED)
}

fn is_asked(verb: Verb, method: &Method) -> bool {
    match verb {
        Verb::List | Verb::Fetch => method == Method::GET,
        Verb::Create | Verb::Update => method == Method::POST,
        Verb::Delete => method == Method::DELETE,
    }
}

/// Whether a path below the prefix is one of the template.
fn fits(template: &str, path: &str) -> bool {
    let (mut expected, mut given) = (PREFIX.split('/').chain(template.split('/').skip(1)), path.split('/'));
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other || (one.starts_with('{') && !other.is_empty()) => {}
            _ => return false,
        }
    }
}
