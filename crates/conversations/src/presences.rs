//! Presences: which users are connected, and to which node. Who is connected anywhere is on line.
//!
//! They are kept only where a service keeps reachability. A node holds a lease and renews it; what was written by one
//! that has died is swept away by any other, or by itself when it starts again.

use crate::prelude::*;
use crate::{services, users};

/// Whose user somebody is.
pub type Tenant = (Sid<Account>, Sid<Service>);

/// A server among those that share the store, for as long as it runs.
pub type Node = [u8; 16];

/// How long a node that does not renew its lease is believed to be there.
pub const LEASE_SECONDS: i64 = 60;
const SECOND: i64 = 1_000_000;
/// Presences that one step sweeps away.
const AT_ONCE: i64 = 100;

// Storage ────────────────────────────────────────────────────────────────────

const INSERT: &str = "INSERT INTO presences (user_sid, node, account_sid, chat_service_sid) \
     VALUES ($1, $2, $3, $4) \
     ON CONFLICT DO NOTHING";
const REMOVE: &str = "DELETE FROM presences WHERE user_sid = $1 AND node = $2";
const ANYWHERE: &str = "SELECT user_sid FROM presences WHERE user_sid = $1 LIMIT 1";

// What belongs to nodes, and to no tenant.
const RENEW: &str = "INSERT INTO nodes (key, leased_until) VALUES ($1, $2) \
     ON CONFLICT (key) DO UPDATE SET leased_until = excluded.leased_until";
const GONE: &str = "SELECT key FROM nodes WHERE leased_until < $1 LIMIT 1";
const OF_NODE: &str = "SELECT account_sid, chat_service_sid, user_sid FROM presences WHERE node = $1 \
     ORDER BY user_sid LIMIT $2";
const ANOTHER: &str = "SELECT key FROM nodes WHERE key <> $1 AND leased_until >= $2 LIMIT 1";
const REMOVE_NODE: &str = "DELETE FROM nodes WHERE key = $1 AND leased_until < $2";
const EXPIRE_ALL: &str = "UPDATE nodes SET leased_until = 0 WHERE leased_until > 0";

// Operations: within a transaction ───────────────────────────────────────────

/// Whether anybody keeps account of who is there.
pub fn are_kept(tx: &mut Tx<'_>, (account, service): Tenant) -> Result<bool, StoreError> {
    Ok(services::find(tx, account, service)?.is_some_and(|service| service.reachability_enabled))
}

/// Notes whether a user is connected to this node, and with it whether it is on line. Whether that is news.
pub fn settle(
    tx: &mut Tx<'_>,
    node: Node,
    (tenant, user): (Tenant, Sid<User>),
    is_here: bool,
) -> Result<bool, StoreError> {
    tx.lock(&Roots::one(User::root(user)))?;
    let is_noted = is_here && are_kept(tx, tenant)?;
    note(tx, node, (tenant, user), is_noted)
}

/// The same of a locked user. Where no reachability is kept, nobody is noted.
fn note(
    tx: &mut Tx<'_>,
    node: Node,
    ((account, service), user): (Tenant, Sid<User>),
    is_noted: bool,
) -> Result<bool, StoreError> {
    if is_noted {
        tx.put(INSERT, &[&user, &node, &account, &service])?;
    } else {
        tx.put(REMOVE, &[&user, &node])?;
    }
    let is_online = is_noted || tx.row(ANYWHERE, &[&user], one::<Sid<User>>)?.is_some();
    users::set_online(tx, (account, service), user, is_online)
}

/// Notes of some users of a service, which keeps reachability now, or no longer, whether they are connected to this
/// node. Who listens to any of them is told, also where it is no news.
pub fn note_again(
    tx: &mut Tx<'_>,
    node: Node,
    tenant: Tenant,
    some: &[(Sid<User>, bool)],
) -> Result<(), StoreError> {
    tx.lock(&some.iter().fold(Roots::none(), |roots, (user, _)| roots.and(User::root(*user))))?;
    let is_kept = are_kept(tx, tenant)?;
    for (user, is_here) in some {
        if !note(tx, node, (tenant, *user), *is_here && is_kept)? {
            users::tell_again(tx, tenant.1, *user)?;
        }
    }
    Ok(())
}

/// This node is there for another while.
pub fn renew(tx: &mut Tx<'_>, node: Node) -> Result<(), StoreError> {
    let until = tx.now().saturating_plus_micros(LEASE_SECONDS * SECOND);
    tx.put(RENEW, &[&node, &until])
}

/// Whether another node is there.
pub fn has_others(tx: &mut Tx<'_>, node: Node) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.row(ANOTHER, &[&node, &now], one::<Node>)?.is_some())
}

/// A node that is gone, if there is one.
pub fn next_gone(tx: &mut Tx<'_>) -> Result<Option<Node>, StoreError> {
    let now = tx.now();
    tx.row(GONE, &[&now], one::<Node>)
}

/// Takes some of those who were connected to a node that is gone off line.
pub fn sweep(tx: &mut Tx<'_>, node: Node) -> Result<(), StoreError> {
    let read = |row: &mut Row<'_>| Ok(((row.next()?, row.next()?), row.next()?));
    let some: Vec<(Tenant, Sid<User>)> = tx.rows(OF_NODE, &[&node, &AT_ONCE], read)?;
    tx.lock(&some.iter().fold(Roots::none(), |roots, (_, user)| roots.and(User::root(*user))))?;
    for user in &some {
        settle(tx, node, *user, false)?;
    }
    if some.is_empty() {
        let now = tx.now();
        tx.put(REMOVE_NODE, &[&node, &now])?;
    }
    Ok(())
}

/// No node is there any more: said at its start by one that has the store to itself.
pub fn expire_all(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.put(EXPIRE_ALL, &[])
}
