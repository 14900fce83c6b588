//! Who is connected to this server, and so on line.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conversations::User;
use conversations::presences::{self, LEASE_SECONDS, Node, Tenant};
use conversations::typings;
use store::{Roots, StoreError};
use tokio_util::task::TaskTracker;
use wire::Sid;

use super::connected::Connected;
use crate::app::App;
use crate::listen::Stops;

/// A lease is renewed three times before it would end.
const RENEW_EVERY: Duration = Duration::from_secs(LEASE_SECONDS.unsigned_abs() / 3);

/// The connections of each user, in memory.
pub struct Presence {
    node: Node,
    /// Whether other nodes were there when the lease was renewed last.
    has_others: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connections: HashMap<Sid<User>, usize>,
    /// Those of whom the store may say something else.
    unsettled: HashSet<(Tenant, Sid<User>)>,
}

impl Presence {
    /// Nobody is connected to a new node.
    pub fn new(node: Node) -> Self {
        Self { node, has_others: AtomicBool::default(), state: Mutex::default() }
    }

    /// Which node this is.
    pub fn node(&self) -> Node {
        self.node
    }

    /// Whether other nodes share the store. What is told of one that has just begun or ended is a little late.
    pub fn has_others(&self) -> bool {
        self.has_others.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_here(&self, user: Sid<User>) -> bool {
        self.state().connections.contains_key(&user)
    }
}

/// Somebody has connected. What is to be written is written beside it.
pub fn arrived(app: &Arc<App>, connected: &Connected, tasks: &TaskTracker) {
    let user = connected.client.user_sid;
    let is_first = {
        let mut state = app.presence.state();
        let count = state.connections.entry(user).or_default();
        *count += 1;
        *count == 1
    };
    if is_first {
        tasks.spawn(settle(Arc::clone(app), ((connected.account_sid, connected.service_sid), user)));
    }
}

/// A connection is over.
pub fn left(app: &Arc<App>, connected: &Connected, tasks: &TaskTracker) {
    let user = connected.client.user_sid;
    let is_last = {
        let mut state = app.presence.state();
        let Some(count) = state.connections.get_mut(&user) else { return };
        *count -= 1;
        let is_last = *count == 0;
        if is_last {
            state.connections.remove(&user);
        }
        is_last
    };
    if is_last {
        tasks.spawn(settle(Arc::clone(app), ((connected.account_sid, connected.service_sid), user)));
    }
}

/// Writes down what is so when it is written, whatever has happened since it was asked for. What cannot be written now
/// is written with the next lease.
async fn settle(app: Arc<App>, (tenant, user): (Tenant, Sid<User>)) {
    match app.store.read(move |tx| presences::are_kept(tx, tenant)).await {
        Ok(false) => return,
        Ok(true) => {}
        Err(error) => return unsettled(&app, (tenant, user), &error),
    }
    let there = Arc::clone(&app);
    let roots = Roots::one(User::root(user));
    let write = move |tx: &mut store::Tx<'_>| {
        let Presence { node, .. } = there.presence;
        presences::settle(tx, node, (tenant, user), there.presence.is_here(user))
    };
    if let Err(error) = app.store.write(roots, write).await {
        unsettled(&app, (tenant, user), &error);
    }
}

fn unsettled(app: &App, who: (Tenant, Sid<User>), error: &StoreError) {
    tracing::warn!("failed to note who is connected; it is tried again: {error:?}");
    app.presence.state().unsettled.insert(who);
}

/// Renews this node's lease, and sweeps up after others, until the server stops. Then the lease ends.
pub async fn keep(app: Arc<App>, stops: Stops) {
    let keeping = async {
        loop {
            if let Err(error) = renew(&app).await {
                tracing::error!("failed to renew this node's lease: {error:?}");
            }
            tokio::time::sleep(RENEW_EVERY).await;
        }
    };
    stops.soft.run_until_cancelled(keeping).await;
}

async fn renew(app: &Arc<App>) -> Result<(), StoreError> {
    let node = app.presence.node;
    let renew = move |tx: &mut store::Tx<'_>| {
        presences::renew(tx, node)?;
        typings::forget(tx)?;
        presences::has_others(tx, node)
    };
    let has_others = app.store.write(Roots::none(), renew).await?;
    app.presence.has_others.store(has_others, Ordering::Relaxed);
    let unsettled = std::mem::take(&mut app.presence.state().unsettled);
    for who in unsettled {
        settle(Arc::clone(app), who).await;
    }
    while let Some(gone) = app.store.read(presences::next_gone).await? {
        app.store.write(Roots::none(), move |tx| presences::sweep(tx, gone)).await?;
    }
    Ok(())
}
