//! The routes: every operation below `/v1`, below `/v1/Services/{ChatServiceSid}`, or below both.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use conversations::{Mount, Operation, Scope, Verb, event_streams, operations};
use http::Method;
use http::header::{CONTENT_LENGTH, ORIGIN};
use http::request::Parts;
use hyper::body::Body as _;
use wire::Problem;

use super::handler;
use crate::app::App;
use crate::metrics::Template;
use crate::web::answer::Note;
use crate::web::host::BaseUrl;
use crate::web::{answer, cors, path};

/// One path, and what can be done there.
pub struct Route {
    pub scope: Scope,
    /// The template with what it stands below, as the log and the metrics show them.
    pub shown: Template,
    /// What stands in braces.
    names: Vec<&'static str>,
    operations: Vec<(Method, Arc<Operation>)>,
}

impl Route {
    fn new(scope: Scope, template: &'static str) -> Self {
        let prefix = match scope {
            Scope::Account => "/v1",
            Scope::Service => "/v1/Services/{ChatServiceSid}",
            Scope::Client => "/Client/v2/Services/{ChatServiceSid}",
        };
        let shown = format!("{prefix}{template}").into();
        let names = path::names(prefix).chain(path::names(template)).collect();
        Self { scope, shown, names, operations: Vec::new() }
    }

    /// Each method with what it does here.
    pub fn operations(&self) -> impl Iterator<Item = (&Method, &Operation)> {
        self.operations.iter().map(|(method, operation)| (method, &**operation))
    }

    /// What a method does here.
    pub fn operation(&self, method: &Method) -> Option<&Operation> {
        self.operations.iter().find(|(known, _)| known == method).map(|(_, operation)| &**operation)
    }

    /// The methods that do something here, for the header `Allow`.
    pub fn allowed(&self) -> String {
        let methods: Vec<_> = self.operations.iter().map(|(method, _)| method.as_str()).collect();
        methods.join(", ")
    }
}

fn method(verb: Verb) -> Method {
    match verb {
        Verb::List | Verb::Fetch => Method::GET,
        Verb::Create | Verb::Update => Method::POST,
        Verb::Delete => Method::DELETE,
    }
}

/// Every path with what can be done there.
pub fn table() -> Vec<Route> {
    routes(operations())
}

/// Those of a product beside it, which [`openapi`](crate::openapi) does not describe.
fn neighbours() -> Vec<Route> {
    routes(event_streams::operations())
}

fn routes(operations: Vec<Operation>) -> Vec<Route> {
    let mut routes = BTreeMap::<String, Route>::new();
    for operation in operations.into_iter().map(Arc::new) {
        let scopes: &[Scope] = match operation.mount {
            Mount::Account => &[Scope::Account],
            Mount::Service => &[Scope::Service],
            Mount::Both => &[Scope::Account, Scope::Service],
        };
        for scope in scopes {
            let route = Route::new(*scope, operation.template);
            let route = routes.entry(route.shown.to_string()).or_insert(route);
            route.operations.push((method(operation.verb), Arc::clone(&operation)));
        }
    }
    routes.into_values().collect()
}

/// The paths of the whole API.
pub struct Paths(matchit::Router<Route>);

/// A route, and the values that a path has for its names. None where one cannot be decoded.
pub struct Place<'a> {
    pub route: &'a Route,
    pub values: Option<Vec<(&'static str, String)>>,
}

impl Paths {
    pub fn new() -> Self {
        let mut paths = matchit::Router::new();
        for route in table().into_iter().chain(neighbours()) {
            paths.insert(&*route.shown.clone(), route).expect("no two templates fit the same path");
        }
        Self(paths)
    }

    /// What stands at a path.
    pub fn find(&self, asked: &str) -> Option<Place<'_>> {
        let found = self.0.at(asked).ok()?;
        let named = found.value.names.iter().zip(found.params.iter());
        let values = named.map(|(name, (_, value))| Some((*name, path::decode(value)?))).collect();
        Some(Place { route: found.value, values })
    }
}

/// Answers a request for what stands there, with what the edge is to know of it.
pub async fn answer(
    app: &App,
    place: Place<'_>,
    base_url: BaseUrl,
    (parts, body): (&Parts, Body),
) -> (Response, Note) {
    let (mut response, note) = match parts.method {
        Method::OPTIONS => (answer::empty(200), Note::default()),
        _ => handler::handle(app, place, base_url, (parts, body)).await,
    };
    cors::show(&mut response, parts.headers.contains_key(ORIGIN));
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().insert(CONTENT_LENGTH, answer::number(length));
    }
    (response, note)
}

/// The answer where nothing stands.
pub async fn unknown(request: Request) -> Response {
    cors::around(request, async |request| answer::problem(&no_such_path(request.uri().path()))).await
}

/// Twilio: `/v2` of this host speaks to another product, so a client that asks for it was set up wrongly.
fn no_such_path(asked: &str) -> Problem {
    let not_found = Problem::not_found(path::shown(asked));
    if !asked.starts_with("/v2/") {
        return not_found;
    }
    let message = format!("{}: /v2 is another product; Conversations is served at /v1", not_found.message);
    Problem { message: message.into(), ..not_found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_each_method_once() {
        for route in table().into_iter().chain(neighbours()) {
            let mut methods: Vec<_> = route.operations.iter().map(|(method, _)| method.as_str()).collect();
            methods.sort_unstable();
            methods.dedup();
            assert_eq!(methods.len(), route.operations.len(), "{}", route.shown);
            assert_eq!(route.allowed().split(", ").count(), methods.len());
        }
    }

    #[test]
    fn what_stands_at_both_places_does_the_same_at_both() {
        let routes = table();
        let find = |shown: &str| routes.iter().find(|route| &*route.shown == shown).expect(shown);
        let short = find("/v1/Conversations/{ConversationSid}/Participants");
        let long = find("/v1/Services/{ChatServiceSid}/Conversations/{ConversationSid}/Participants");
        assert_eq!((short.scope, long.scope), (Scope::Account, Scope::Service));
        assert_eq!(short.allowed(), long.allowed());
        assert!(short.operation(&Method::POST).is_some());
        assert!(short.operation(&Method::PUT).is_none());
    }

    #[test]
    fn a_path_of_another_product_is_told_so() {
        assert_eq!(no_such_path("/v1/Nothing").message, "The requested resource /Nothing was not found");
        let problem = no_such_path("/v2/Conversations");
        assert_eq!((problem.code, problem.status), (20404, 404));
        assert!(problem.message.starts_with("The requested resource /v2/Conversations was not found"));
        assert!(problem.message.contains("another product"));
    }
}
