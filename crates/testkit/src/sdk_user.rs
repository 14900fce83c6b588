//! A user of the client SDK, as the operations see one: without a token and without a socket.

use std::sync::Arc;

use conversations::{
    Account, Actor, Call, Client, Failure, Guess, Limits, Operation, Owned, Path, Scope, Service, Source,
    User, Verb, client_operations, users,
};
use http::{HeaderMap, StatusCode};
use wire::{Form, Key, Problem, Sid};

use crate::house::{ACCOUNT_SID, House, vault};
use crate::reply::Reply;

/// Somebody of a service, to ask for what clients may ask for. Paths are those below
/// `/Client/v2/Services/{ChatServiceSid}`; forms and queries are urlencoded.
#[derive(Clone)]
pub struct SdkUser {
    house: House,
    service_sid: Sid<Service>,
    client: Arc<Client>,
}

impl House {
    /// The user of an identity in the account's default service, made where there is none yet.
    pub async fn sdk_user(&self, identity: &str) -> SdkUser {
        let service = self.get("/v1/Configuration").await.field("default_chat_service_sid");
        self.sdk_user_of(&service, identity).await
    }

    /// The same in any service of the account.
    pub async fn sdk_user_of(&self, service: &str, identity: &str) -> SdkUser {
        let service_sid: Sid<Service> = Sid::parse(service).expect("a sid");
        let key: Key<User> = Key::Name(identity.to_owned());
        let find = move |tx: &mut store::Tx<'_>| users::find(tx, service_sid, &key);
        let found = self.app.store().read(find).await.expect("the store reads");
        let user_sid = if let Some(user) = found {
            user.sid
        } else {
            let form =
                form_urlencoded::Serializer::new(String::new()).append_pair("Identity", identity).finish();
            let made = self.post(&format!("/v1/Services/{service}/Users"), &form).await;
            Sid::parse(&made.sid()).expect("a sid")
        };
        let client = Arc::new(Client { identity: identity.to_owned(), user_sid });
        SdkUser { house: self.clone(), service_sid, client }
    }
}

impl SdkUser {
    /// Who it is, for functions that are no operations.
    pub fn call(&self, path: &str) -> Call {
        let account_sid: Sid<Account> = Sid::parse(ACCOUNT_SID).expect("a sid");
        Call {
            account_sid,
            service_sid: self.service_sid,
            scope: Scope::Client,
            actor: Actor::Client(Arc::clone(&self.client)),
            source: Source::Sdk,
            hooks: true,
            is_streamed: false,
            limits: Limits::Strict,
            owned: Arc::new(Owned::default()),
            base_url: "http://tertulia.test".into(),
            path: path.to_owned(),
            ids: self.house.ids.clone(),
            vault: vault(),
            guess: Guess::default(),
            rehearsal: None,
        }
    }

    /// The sid of the user.
    pub fn sid(&self) -> String {
        self.client.user_sid.to_string()
    }

    /// GET of one.
    pub async fn fetch(&self, path: &str) -> Reply {
        self.send(Verb::Fetch, path, "").await
    }

    /// GET of a list.
    pub async fn list(&self, path: &str, query: &str) -> Reply {
        self.send(Verb::List, path, query).await
    }

    /// POST to a list.
    pub async fn create(&self, path: &str, form: &str) -> Reply {
        self.send(Verb::Create, path, form).await
    }

    /// POST to one.
    pub async fn update(&self, path: &str, form: &str) -> Reply {
        self.send(Verb::Update, path, form).await
    }

    /// DELETE of one.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Verb::Delete, path, "").await
    }

    /// What clients may ask for, asked for.
    pub async fn send(&self, verb: Verb, path: &str, form: &str) -> Reply {
        let found = client_operations().into_iter().find_map(|operation| {
            let values = values(operation.template, path).filter(|_| operation.verb == verb)?;
            Some((operation, values))
        });
        let (operation, values) = found.expect("clients may ask for it");
        self.perform(&operation, (path, values), form).await
    }

    /// Any operation, whether it is for clients or not.
    pub async fn perform(
        &self,
        operation: &Operation,
        (path, values): (&str, Vec<(&'static str, String)>),
        form: &str,
    ) -> Reply {
        let call = Arc::new(self.call(path));
        let form = Form::parse(form.as_bytes()).expect("a form");
        let path = Arc::new(Path::new(values));
        let answer =
            server::perform(&self.house.app, Arc::clone(&call), operation, path, (&form, None)).await;
        match answer {
            Ok(answer) => reply(answer.status, answer.body(&call)),
            Err(failure) => refusal(&failure),
        }
    }
}

/// What a client is told instead.
fn refusal(failure: &Failure) -> Reply {
    let problem = failure.problem().unwrap_or_else(|| panic!("the store fails: {failure:?}"));
    let Problem { status, .. } = problem;
    reply(*status, problem.to_json())
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    let status = StatusCode::from_u16(status).expect("a status");
    Reply { status, headers: HeaderMap::new(), body }
}

/// What stands in a path where its template has names.
fn values(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let (names, parts): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    if names.len() != parts.len() {
        return None;
    }
    let mut values = Vec::new();
    for (name, part) in names.into_iter().zip(parts) {
        match name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => values.push((name, part.to_owned())),
            None if name != part => return None,
            None => {}
        }
    }
    Some(values)
}
