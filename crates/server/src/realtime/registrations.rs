//! Push registrations: the devices on which a client's user wants to be notified. They become bindings.

use std::sync::Arc;

use conversations::bindings::{self, Binding, Device, RegisterDevice};
use conversations::{Call, Failure, FromForm, User};
use http::Method;
use serde::Serialize;
use store::{Roots, Tx};
use wire::{Form, Problem, Sid};

use super::client_form;
use super::connected::Connected;
use super::exchange::{Reply, Request};
use crate::app::App;

const PATH: &str = "/v1/registrations";
const ONE: &str = "/v1/registrations/{RegistrationSid}";

#[derive(Serialize)]
struct Registered {
    id: Sid<Binding>,
}

/// Answers what is asked of registrations; none for any other path. The product of the query is always the same.
pub async fn run(app: &Arc<App>, connected: &Connected, request: &Request) -> Option<Reply> {
    let below = request.path.strip_prefix(PATH)?;
    let answered = match (below, &request.method) {
        ("" | "/", &Method::POST) => register(app, connected, request).await,
        ("" | "/", &Method::DELETE) => forget_device(app, connected, request).await,
        ("" | "/", _) => Err(Problem::METHOD_NOT_ALLOWED.into()),
        (below, method) => match below.strip_prefix('/') {
            None => return None,
            Some(_) if method != Method::DELETE => Err(Problem::METHOD_NOT_ALLOWED.into()),
            Some(id) => forget(app, connected, (request, id)).await,
        },
    };
    Some(answered.unwrap_or_else(Reply::failure))
}

/// The template of a path of registrations.
pub fn template(path: &str) -> Option<&'static str> {
    match path.strip_prefix(PATH)? {
        "" | "/" => Some(PATH),
        below => below.starts_with('/').then_some(ONE),
    }
}

async fn register(app: &Arc<App>, connected: &Connected, request: &Request) -> Result<Reply, Failure> {
    let call = connected.call(app, &request.path);
    let device = RegisterDevice::from_form(&call, &of_device(&client_form::of_body(request)?)?)?;
    let credential_sid = connected.push_credential_sid;
    let write =
        move |tx: &mut Tx<'_>, call: &Call| bindings::register_device(tx, call, credential_sid, &device);
    let binding = written(app, call, write).await?;
    if binding.credential_sid.is_none()
        && let Some(push_type) = binding.binding_type.push_type()
    {
        let account_sid = connected.account_sid;
        tracing::warn!(%account_sid, "no push credential for a device of type {push_type:?}; it will hear nothing");
    }
    Ok(Reply::json(201, &Registered { id: binding.sid }))
}

async fn forget(
    app: &Arc<App>,
    connected: &Connected,
    (request, id): (&Request, &str),
) -> Result<Reply, Failure> {
    let call = connected.call(app, &request.path);
    let sid = Sid::parse(id).ok_or_else(|| call.not_found())?;
    written(app, call, move |tx, call| bindings::unregister(tx, call, sid)).await?;
    Ok(nothing())
}

async fn forget_device(app: &Arc<App>, connected: &Connected, request: &Request) -> Result<Reply, Failure> {
    let call = connected.call(app, &request.path);
    let device = Device::from_form(&call, &of_device(&client_form::of_body(request)?)?)?;
    written(app, call, move |tx, call| bindings::unregister_device(tx, call, &device)).await?;
    Ok(nothing())
}

fn nothing() -> Reply {
    Reply::new(204, Vec::new())
}

/// Runs a write under the root of the client's user.
async fn written<T: Send + 'static>(
    app: &Arc<App>,
    call: Call,
    write: impl Fn(&mut Tx<'_>, &Call) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let roots = call.client().map_or_else(Roots::none, |client| Roots::one(User::root(client.user_sid)));
    app.store.write(roots, move |tx| write(tx, &call)).await
}

/// What is said of a device when it is registered, and when it is removed, by the names that bindings have.
fn of_device(said: &Form) -> Result<Form, Problem> {
    let named = [
        ("ChannelType", "BindingType"),
        ("BindingType", "BindingType"),
        ("Data.RegistrationId", "Endpoint"),
        ("Address", "Endpoint"),
        ("MessageTypes", "MessageType"),
    ];
    let pairs = named.into_iter().flat_map(|(from, to)| {
        said.all(from).map(|value| (to.to_owned(), value.to_owned())).collect::<Vec<_>>()
    });
    Form::from_pairs(pairs)
}
