//! The description put together: the routes with what is known of their resources.

use std::collections::BTreeSet;

use conversations::{Limits, Operation, Paged, Scope, Verb};
use serde_json::{Map, Value, json};

use super::kind::{Kind, Member, NUMBER, object};
use super::resource::{Form, Resource};
use super::resources;
use crate::rest::{self, Route};

/// The whole description.
pub fn document(limits: Limits) -> Value {
    let mut paths = Map::new();
    let mut schemas = common_schemas(limits);
    let mut tags = BTreeSet::new();
    for route in rest::table() {
        let mut methods = Map::new();
        for (method, operation) in route.operations() {
            let Some(resource) = resources::of(operation) else { continue };
            let described = Described { route: &route, operation, resource, limits };
            methods.insert(method.as_str().to_ascii_lowercase(), described.operation());
            schemas.extend(described.schemas());
            tags.insert((resource.name, resource.about));
        }
        if !methods.is_empty() {
            methods.insert("parameters".to_owned(), path_parameters(&route.shown, limits));
            paths.insert(route.shown.to_string(), methods.into());
        }
    }
    let tags: Vec<_> = tags
        .into_iter()
        .map(|(name, about)| json!({"name": name, "description": format!("{about}.")}))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tertulia",
            "description": "What this server serves of the REST API of Twilio Conversations v1.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{"url": "/", "description": "This server"}],
        "security": [{"basic": []}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {"basic": {
                "type": "http",
                "scheme": "basic",
                "description": "An account's sid and auth token, or an API key's sid and secret.",
            }},
            "headers": headers(),
            "responses": problems(),
            "schemas": schemas,
        },
    })
}

/// One operation at one of its places.
struct Described<'a> {
    route: &'a Route,
    operation: &'a Operation,
    resource: &'static Resource,
    limits: Limits,
}

impl Described<'_> {
    fn operation(&self) -> Value {
        let Self { route, operation, resource, .. } = self;
        let verb = operation.verb;
        let of_service = route.scope == Scope::Service && !resource.name.starts_with("Service");
        let id = format!("{verb:?}{}{}", if of_service { "Service" } else { "" }, resource.name);
        let mut described = json!({
            "operationId": id,
            "summary": summary(verb, resource),
            "tags": [resource.name],
            "parameters": self.parameters(),
            "responses": self.responses(),
        });
        if resource.is_old {
            described["deprecated"] = true.into();
        }
        if matches!(verb, Verb::Create | Verb::Update) {
            described["requestBody"] = self.body(resource.form(verb));
        }
        described
    }

    /// Those of the query, and headers.
    fn parameters(&self) -> Vec<Value> {
        let Operation { verb, paged, .. } = *self.operation;
        let mut parameters = Vec::new();
        if let Some(paged) = paged {
            let filter = &self.resource.filter;
            parameters.extend(filter.members().map(|member| self.in_query(member, filter)));
            parameters.extend(paging(paged));
        }
        if matches!(verb, Verb::Create | Verb::Update | Verb::Delete) {
            let about = "Whether webhooks hear of the change.";
            let schema = json!({"type": "string", "enum": ["true", "false"], "default": "false"});
            parameters.push(parameter("X-Twilio-Webhook-Enabled", "header", about, &schema));
        }
        if verb == Verb::Create {
            let about = "The same request under the same key is done once, however often it is sent.";
            let schema = json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"});
            parameters.push(parameter("Idempotency-Key", "header", about, &schema));
        }
        parameters
    }

    fn in_query(&self, &(name, kind): &Member, filter: &Form) -> Value {
        let mut described = parameter(name, "query", "", &kind.schema(self.limits));
        described["required"] = filter.required.contains(&name).into();
        described
    }

    fn body(&self, form: &Form) -> Value {
        let properties: Map<_, _> =
            form.members().map(|(name, kind)| ((*name).to_owned(), kind.schema(self.limits))).collect();
        let examples: Map<_, _> = form
            .examples
            .iter()
            .enumerate()
            .map(|(place, example)| (format!("{}", place + 1), json!({"value": decoded(example, form)})))
            .collect();
        let schema = json!({"type": "object", "properties": properties, "required": form.required});
        let mut content = json!({"schema": schema});
        if !examples.is_empty() {
            content["examples"] = examples.into();
        }
        json!({
            "required": !form.required.is_empty(),
            "content": {"application/x-www-form-urlencoded": content},
        })
    }

    fn responses(&self) -> Value {
        let verb = self.operation.verb;
        let shown = match verb {
            Verb::List => self.page_name(),
            _ => self.schema_name(),
        };
        let content = json!({"application/json": {"schema": reference("schemas", &shown)}});
        let (statuses, refusals): (&[u16], &[&str]) = match verb {
            Verb::List | Verb::Fetch => (&[200], &["400", "401", "403", "404", "429", "500", "503"]),
            Verb::Create => (self.resource.statuses, &CHANGED_REFUSALS),
            Verb::Update => (&[200], &CHANGED_REFUSALS),
            Verb::Delete => (&[204], &["400", "401", "403", "404", "409", "429", "500", "503"]),
        };
        let mut responses = Map::new();
        for status in statuses {
            let mut response = json!({"description": "Done.", "headers": own_headers()});
            if *status != 204 {
                response["content"] = content.clone();
            }
            responses.insert(status.to_string(), response);
        }
        for status in refusals {
            responses.insert((*status).to_owned(), reference("responses", status));
        }
        responses.into()
    }

    /// The path of the service adds a member to some.
    fn names_service(&self) -> bool {
        self.resource.names_service && self.route.scope == Scope::Service
    }

    fn schema_name(&self) -> String {
        let prefix = if self.names_service() { "Service" } else { "" };
        format!("{prefix}{}", self.resource.name)
    }

    fn page_name(&self) -> String {
        format!("{}Page", self.schema_name())
    }

    fn schemas(&self) -> Vec<(String, Value)> {
        let resource = self.resource;
        let mut members = resource.members.to_vec();
        if self.names_service() {
            members.push(("chat_service_sid", Kind::Sid("IS")));
        }
        let mut schema = object(&members, self.limits);
        let url = json!({"type": "string", "format": "uri"});
        if resource.prints_url {
            add(&mut schema, "url", url.clone());
        }
        if !resource.links.is_empty() {
            let links: Map<_, _> =
                resource.links.iter().map(|name| ((*name).to_owned(), url.clone())).collect();
            let links = json!({
                "type": "object",
                "properties": links,
                "required": resource.links,
                "additionalProperties": false,
            });
            add(&mut schema, "links", links);
        }
        let mut schemas = vec![(self.schema_name(), schema)];
        if let Some(Paged { key, .. }) = self.operation.paged {
            let items = json!({"type": "array", "items": reference("schemas", &self.schema_name())});
            let page = json!({
                "type": "object",
                "properties": {"meta": reference("schemas", "Meta"), key: items},
                "required": ["meta", key],
                "additionalProperties": false,
            });
            schemas.push((self.page_name(), page));
        }
        schemas
    }
}

const CHANGED_REFUSALS: [&str; 9] = ["400", "401", "403", "404", "409", "413", "429", "500", "503"];

fn summary(verb: Verb, resource: &Resource) -> String {
    let about = resource.about;
    match verb {
        Verb::List => format!("A page of these: {about}."),
        Verb::Fetch => format!("One of these: {about}."),
        Verb::Create => format!("Makes one of these: {about}."),
        Verb::Update => format!("Changes what is given of one of these: {about}."),
        Verb::Delete => format!("Removes one of these: {about}."),
    }
}

/// Adds a property that is always there.
fn add(schema: &mut Value, name: &str, property: Value) {
    schema["properties"][name] = property;
    if let Some(required) = schema["required"].as_array_mut() {
        required.push(name.into());
    }
}

fn reference(of: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{of}/{name}")})
}

fn parameter(name: &str, place: &str, about: &str, schema: &Value) -> Value {
    let mut parameter = json!({"name": name, "in": place, "schema": schema});
    if !about.is_empty() {
        parameter["description"] = about.into();
    }
    parameter
}

/// What stands in braces.
fn path_parameters(path: &str, limits: Limits) -> Value {
    let named = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let known = named.filter_map(|name| resources::PATH_PARAMETERS.iter().find(|known| known.0 == name));
    known
        .map(|&(name, kind, about)| {
            let mut schema = kind.schema(limits);
            schema["minLength"] = 1.into();
            let mut described = parameter(name, "path", about, &schema);
            described["required"] = true.into();
            described
        })
        .collect::<Vec<_>>()
        .into()
}

fn paging(Paged { default, max, .. }: Paged) -> [Value; 3] {
    let about = format!("Items on the page. More than {max} is taken as {max}.");
    let size = json!({"type": "integer", "minimum": 1, "default": default});
    let page = json!({"type": "integer", "minimum": 0});
    [
        parameter("PageSize", "query", &about, &size),
        parameter("Page", "query", "The client's own count of pages; it seeks nothing.", &page),
        parameter(
            "PageToken",
            "query",
            "Where the page begins, as another page told.",
            &json!({"type": "string"}),
        ),
    ]
}

/// A form as JSON; what may be given often is a list.
fn decoded(example: &str, form: &Form) -> Value {
    let said = wire::Form::parse(example.as_bytes()).expect("the examples are forms");
    let is_list =
        |name: &str| form.members().any(|(known, kind)| *known == name && matches!(kind, Kind::List(_)));
    let mut members = Map::new();
    for (name, value) in said.pairs() {
        let value = if is_list(name) { said.all(name).collect::<Vec<_>>().into() } else { value.into() };
        members.insert(name.to_owned(), value);
    }
    members.into()
}

fn common_schemas(limits: Limits) -> Map<String, Value> {
    const META: &[Member] = &[
        ("page", NUMBER),
        ("page_size", NUMBER),
        ("first_page_url", Kind::Words),
        ("previous_page_url", Kind::Nullable(&Kind::Words)),
        ("url", Kind::Words),
        ("next_page_url", Kind::Nullable(&Kind::Words)),
        ("key", Kind::Words),
    ];
    const PROBLEM: &[Member] = &[
        ("code", NUMBER),
        ("message", Kind::Words),
        ("more_info", Kind::Words),
        ("status", Kind::Integer(400, 599)),
    ];
    [("Meta", META), ("Problem", PROBLEM)]
        .into_iter()
        .map(|(name, members)| (name.to_owned(), object(members, limits)))
        .collect()
}

/// What an answer of the API may carry; those that every success carries come first.
const HEADERS: [(&str, &str, &str); 4] = [
    ("Twilio-Request-Id", "^RQ[0-9a-f]{32}$", "The request's own name, as the log has it."),
    ("Twilio-Request-Duration", r"^\d+\.\d{3}$", "Seconds."),
    ("Twilio-Concurrent-Requests", r"^\d+$", "The account's requests in flight, with this one."),
    ("Retry-After", r"^\d+$", "Seconds after which it may be tried again."),
];

fn headers() -> Value {
    let headers: Map<_, _> = HEADERS
        .iter()
        .map(|(name, pattern, about)| {
            let header = json!({"description": about, "schema": {"type": "string", "pattern": pattern}});
            ((*name).to_owned(), header)
        })
        .collect();
    headers.into()
}

/// What every answer of the API carries, in the description of one.
fn own_headers() -> Value {
    let headers: Map<_, _> =
        HEADERS[..3].iter().map(|(name, ..)| ((*name).to_owned(), reference("headers", name))).collect();
    headers.into()
}

fn problems() -> Value {
    let problems = [
        (400, "A parameter that is missing or wrong, or something that the present state does not allow."),
        (401, "Credentials that do not hold."),
        (403, "Credentials that may not do this."),
        (404, "Something that the path names is not there."),
        (409, "In conflict with something that is there."),
        (413, "More than the server reads of one request."),
        (429, "More than is allowed at a time."),
        (500, "The server failed. It has logged why."),
        (503, "The server cannot take this now; it says when to come back."),
    ];
    let problems: Map<_, _> = problems
        .into_iter()
        .map(|(status, about)| {
            let content = json!({"application/json": {"schema": reference("schemas", "Problem")}});
            let mut problem = json!({"description": about, "content": content});
            if let 429 | 503 = status {
                problem["headers"] = json!({"Retry-After": reference("headers", "Retry-After")});
            }
            (status.to_string(), problem)
        })
        .collect();
    problems.into()
}
