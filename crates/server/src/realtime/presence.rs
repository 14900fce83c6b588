//! Who is connected to this server, and so on line.
//!
//! Services keep reachability or do not. Which it is may change while users are connected, by whichever node was asked:
//! every node looks again and again at the services of those who are here, and where it has changed it writes down anew
//! who is here, and has everybody told who listens to somebody, a bounded step at a time.

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
use crate::stopwatch;

/// A lease is renewed three times before it would end.
const RENEW_EVERY: Duration = Duration::from_secs(LEASE_SECONDS.unsigned_abs() / 3);
/// How soon who is connected learns that a service keeps reachability now, or no longer.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Services that one reading looks at, and users that one write is about.
const AT_ONCE: usize = 100;

/// The connections of each user, in memory.
pub struct Presence {
    node: Node,
    /// Whether other nodes were there when the lease was renewed last.
    has_others: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    here: HashMap<Tenant, Here>,
    /// Those of whom the store may say something else.
    unsettled: HashSet<(Tenant, Sid<User>)>,
}

/// Who of one service is here; there is always somebody.
#[derive(Default)]
struct Here {
    connections: HashMap<Sid<User>, usize>,
    /// Whether the service keeps reachability, as far as it is known.
    is_kept: Option<bool>,
    /// Whether some may have been written down while it was otherwise.
    is_doubted: bool,
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

    fn is_here(&self, tenant: Tenant, user: Sid<User>) -> bool {
        self.state().here.get(&tenant).is_some_and(|here| here.connections.contains_key(&user))
    }

    /// Whether a service keeps reachability has been read.
    fn is_kept(&self, tenant: Tenant, is_kept: bool) {
        if let Some(here) = self.state().here.get_mut(&tenant) {
            here.is_doubted |= *here.is_kept.get_or_insert(is_kept) != is_kept;
        }
    }

    /// The same. Those who are here, where it was otherwise before: they are to be written down anew.
    fn doubted(&self, tenant: Tenant, is_kept: bool) -> Option<HashSet<Sid<User>>> {
        self.is_kept(tenant, is_kept);
        let state = self.state();
        let here = state.here.get(&tenant).filter(|here| here.is_doubted)?;
        Some(here.connections.keys().copied().collect())
    }

    /// All who are here have been written down as it is now.
    fn settled(&self, tenant: Tenant, is_kept: bool) {
        if let Some(here) = self.state().here.get_mut(&tenant) {
            (here.is_kept, here.is_doubted) = (Some(is_kept), false);
        }
    }
}

/// Somebody has connected. What is to be written is written beside it.
pub fn arrived(app: &Arc<App>, connected: &Connected, tasks: &TaskTracker) {
    let (tenant, user) = ((connected.account_sid, connected.service_sid), connected.client.user_sid);
    let is_first = {
        let mut state = app.presence.state();
        let count = state.here.entry(tenant).or_default().connections.entry(user).or_default();
        *count += 1;
        *count == 1
    };
    if is_first {
        tasks.spawn(settle(Arc::clone(app), (tenant, user), false));
    }
}

/// A connection is over.
pub fn left(app: &Arc<App>, connected: &Connected, tasks: &TaskTracker) {
    let (tenant, user) = ((connected.account_sid, connected.service_sid), connected.client.user_sid);
    let may_be_noted = {
        let mut state = app.presence.state();
        let Some(here) = state.here.get_mut(&tenant) else { return };
        let Some(count) = here.connections.get_mut(&user) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        here.connections.remove(&user);
        let may_be_noted = here.is_doubted || here.is_kept == Some(true);
        if here.connections.is_empty() {
            state.here.remove(&tenant);
        }
        may_be_noted
    };
    tasks.spawn(settle(Arc::clone(app), (tenant, user), may_be_noted));
}

/// Writes down what is so when it is written, whatever has happened since it was asked for. Where the service keeps no
/// reachability there is nothing to write, unless the user may have been noted while it did. What cannot be written
/// now is written with the next lease.
async fn settle(app: Arc<App>, (tenant, user): (Tenant, Sid<User>), may_be_noted: bool) {
    match app.store.read(move |tx| presences::are_kept(tx, tenant)).await {
        Ok(is_kept) => {
            app.presence.is_kept(tenant, is_kept);
            if !is_kept && !may_be_noted {
                return;
            }
        }
        Err(error) => return unsettled(&app, (tenant, user), &error),
    }
    let there = Arc::clone(&app);
    let roots = Roots::one(User::root(user));
    let write = move |tx: &mut store::Tx<'_>| {
        let Presence { node, .. } = there.presence;
        presences::settle(tx, node, (tenant, user), there.presence.is_here(tenant, user))
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
        settle(Arc::clone(app), who, true).await;
    }
    while let Some(gone) = app.store.read(presences::next_gone).await? {
        app.store.write(Roots::none(), move |tx| presences::sweep(tx, gone)).await?;
    }
    Ok(())
}

/// Looks again and again which services keep reachability, until the server stops.
pub async fn follow(app: Arc<App>, stops: Stops) {
    let following = async {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match look(&app).await {
                Ok(()) => {}
                Err(error) if error.is_busy() => {}
                Err(error) => tracing::error!("failed to look who keeps reachability: {error:?}"),
            }
        }
    };
    stops.soft.run_until_cancelled(following).await;
}

/// Has all learn of it who are concerned where a service keeps reachability now, or no longer. What fails is done again
/// by the next look.
pub async fn look(app: &Arc<App>) -> Result<(), StoreError> {
    let tenants: Vec<Tenant> = app.presence.state().here.keys().copied().collect();
    for some in tenants.chunks(AT_ONCE) {
        let some = some.to_vec();
        let read = move |tx: &mut store::Tx<'_>| {
            some.into_iter().map(|tenant| Ok((tenant, presences::are_kept(tx, tenant)?))).collect()
        };
        let found: Vec<(Tenant, bool)> = app.store.read(read).await?;
        for (tenant, is_kept) in found {
            if let Some(here) = app.presence.doubted(tenant, is_kept) {
                note_again(app, tenant, here).await?;
                app.presence.settled(tenant, is_kept);
            }
        }
    }
    Ok(())
}

/// Writes down who of a service is here, and has those told who listen to anybody of it.
async fn note_again(app: &Arc<App>, tenant: Tenant, here: HashSet<Sid<User>>) -> Result<(), StoreError> {
    let mut users = here;
    users.extend(app.hub.users_of(tenant.1));
    let users: Vec<Sid<User>> = users.into_iter().collect();
    for some in users.chunks(AT_ONCE) {
        let began = stopwatch::start();
        let roots = some.iter().fold(Roots::none(), |roots, user| roots.and(User::root(*user)));
        let (there, some) = (Arc::clone(app), some.to_vec());
        let write = move |tx: &mut store::Tx<'_>| {
            let Presence { node, .. } = there.presence;
            let is_here = |user: &Sid<User>| (*user, there.presence.is_here(tenant, *user));
            presences::note_again(tx, node, tenant, &some.iter().map(is_here).collect::<Vec<_>>())
        };
        app.store.write(roots, write).await?;
        // The slower the store answers, the more of it is left to others.
        tokio::time::sleep(began.elapsed().min(LOOK_EVERY)).await;
    }
    Ok(())
}
