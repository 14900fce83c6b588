//! Who a client is: by its token, when it comes, when it brings a new one, and from time to time.

use std::sync::Arc;

use conversations::{Actor, Call, Client, Failure, Guess, Scope, Source, User, users};
use store::Roots;
use wire::{Key, Problem, Sid};

use crate::app::App;
use crate::web::access_token::{Granted, verify};

/// Lets somebody in who has a token that holds: the user is made where the service does not know it.
pub async fn enter(app: &App, base_url: &Arc<str>, token: &str) -> Result<(Granted, Sid<User>), Failure> {
    let granted = verify(app, token).await?;
    let (service_sid, key) = (granted.service_sid, Key::Name(granted.identity.clone()));
    if let Some(user) = app.store.read(move |tx| users::find(tx, service_sid, &key)).await? {
        return Ok((granted, user.sid));
    }
    let (call, role_sid) = (call(app, &granted, base_url), granted.deployment_role_sid);
    let connect = move |tx: &mut store::Tx<'_>| users::connect(tx, &call, role_sid);
    let user = app.store.write(Roots::none(), connect).await?;
    app.deliveries.notify_one();
    if granted.is_streamed {
        app.streams.notify_one();
    }
    Ok((granted, user.sid))
}

/// The same for a user who is here already, and who may have been deleted since.
pub async fn stay(app: &App, token: &str, user_sid: Sid<User>) -> Result<Granted, Failure> {
    let granted = verify(app, token).await?;
    let service_sid = granted.service_sid;
    let user = app.store.read(move |tx| users::find(tx, service_sid, &Key::Sid(user_sid))).await?;
    match user {
        Some(user) if user.identity == granted.identity => Ok(granted),
        // A new token changes neither identity nor service.
        _ => Err(Problem { status: 403, ..Problem::INVALID_ACCESS_TOKEN_GRANTS }.into()),
    }
}

/// On behalf of a user who may not be there yet: then it gets this sid.
fn call(app: &App, granted: &Granted, base_url: &Arc<str>) -> Call {
    let user_sid = Sid::from_bytes(app.ids.sid(app.clock.now()));
    Call {
        account_sid: granted.account_sid,
        service_sid: granted.service_sid,
        scope: Scope::Client,
        actor: Actor::Client(Arc::new(Client { identity: granted.identity.clone(), user_sid })),
        source: Source::Sdk,
        hooks: true,
        is_streamed: granted.is_streamed,
        limits: app.settings.limits,
        owned: Arc::clone(&granted.owned),
        base_url: Arc::clone(base_url),
        path: "/Users".to_owned(),
        ids: Arc::clone(&app.ids),
        vault: Arc::clone(&app.vault),
        guess: Guess::new(&app.known_users),
        rehearsal: None,
    }
}

/// What a client is told of a failure, which is logged here. What is not the token's fault has it come back.
pub fn told(failure: Failure) -> Problem {
    let error = match failure {
        // Others would have it come back at once, with the same token.
        Failure::Refused(problem) if matches!(problem.status, 401 | 403 | 429) => return problem,
        Failure::Refused(problem) => return Problem { status: 403, ..problem },
        Failure::Store(error) => error,
    };
    if error.is_busy() || error.is_unreachable() {
        tracing::warn!("a client was turned away: {error:?}");
        return Problem::SERVICE_UNAVAILABLE;
    }
    tracing::error!("failed to let a client in: {error:?}");
    Problem::INTERNAL
}
