//! Claims: what may belong to one owner only, beyond the reach of one root's lock.
//!
//! A claim is taken by an insert that does nothing on conflict: of two transactions that race, the
//! second waits for the first to end and then learns whose the claim is. A transaction that takes
//! several takes them in their sorted order, so that no two wait for each other.

use aws_lc_rs::digest::{SHA256, digest};

use crate::prelude::*;

/// Bytes that fit into an index entry of either database beside the rest.
const KEY_LENGTH: usize = 2048;

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A conversation's unique name, per service.
    UniqueName = 1,
    /// A user's identity, per service.
    Identity = 2,
    /// An (address, proxy address) pair, per account, while its conversation is not closed.
    AddressPair = 3,
    /// The set of addresses of a group MMS, per account, while its conversation is not closed.
    AddressSet = 4,
    /// The account that a server makes for itself, once in a database.
    FirstAccount = 5,
    /// The address of an address configuration, per account.
    ConfiguredAddress = 6,
}

/// One thing that can be claimed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    pub tenant: [u8; 16],
    pub kind: Kind,
    pub key: String,
}

impl Claim {
    pub fn unique_name(service: Sid<Service>, name: &str) -> Self {
        Self { tenant: *service.as_bytes(), kind: Kind::UniqueName, key: name.to_owned() }
    }

    pub fn identity(service: Sid<Service>, identity: &str) -> Self {
        Self { tenant: *service.as_bytes(), kind: Kind::Identity, key: identity.to_owned() }
    }

    pub fn address_pair(account: Sid<Account>, address: &str, proxy: &str) -> Self {
        Self { tenant: *account.as_bytes(), kind: Kind::AddressPair, key: format!("{address}\n{proxy}") }
    }

    pub fn first_account() -> Self {
        Self { tenant: [0; 16], kind: Kind::FirstAccount, key: String::new() }
    }

    pub fn configured_address(account: Sid<Account>, address: &str) -> Self {
        Self { tenant: *account.as_bytes(), kind: Kind::ConfiguredAddress, key: address.to_owned() }
    }

    /// `addresses` sorted. Lenient mode knows no largest group, but an index its largest key: beyond that,
    /// a digest stands for the set.
    pub fn address_set(account: Sid<Account>, addresses: &[String]) -> Self {
        let mut key = addresses.join("\n");
        if key.len() > KEY_LENGTH {
            key = crate::hex(digest(&SHA256, key.as_bytes()).as_ref());
        }
        Self { tenant: *account.as_bytes(), kind: Kind::AddressSet, key }
    }
}

const OWNER: &str = "SELECT owner FROM claims WHERE tenant = $1 AND kind = $2 AND key = $3";
const TAKE: &str =
    "INSERT INTO claims (tenant, kind, key, owner) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const TAKE_OVER: &str =
    "UPDATE claims SET owner = $4 WHERE tenant = $1 AND kind = $2 AND key = $3 AND owner = $5";
const FREE: &str = "DELETE FROM claims WHERE tenant = $1 AND kind = $2 AND key = $3 AND owner = $4";

/// Whose it is.
pub fn owner<R>(tx: &mut Tx<'_>, claim: &Claim) -> Result<Option<Sid<R>>, StoreError> {
    tx.row(OWNER, &[&claim.tenant, &(claim.kind as i64), &claim.key], one)
}

/// Takes the claim; where it is taken already, tells whose it is.
pub fn take<R>(tx: &mut Tx<'_>, claim: &Claim, by: Sid<R>) -> Result<Option<Sid<R>>, StoreError> {
    loop {
        if tx.execute(TAKE, &[&claim.tenant, &(claim.kind as i64), &claim.key, &by])? == 1 {
            return Ok(None);
        }
        // Whoever had it may have freed it since; then it is there to be taken again.
        if let Some(owner) = owner(tx, claim)? {
            return Ok(Some(owner));
        }
    }
}

/// Takes a claim away from an owner that is gone.
pub fn take_over<R>(tx: &mut Tx<'_>, claim: &Claim, by: Sid<R>, from: Sid<R>) -> Result<bool, StoreError> {
    let params: &[&dyn Value] = &[&claim.tenant, &(claim.kind as i64), &claim.key, &by, &from];
    Ok(tx.execute(TAKE_OVER, params)? == 1)
}

/// Frees the claim where it is `owner`'s.
pub fn free<R>(tx: &mut Tx<'_>, claim: &Claim, owner: Sid<R>) -> Result<(), StoreError> {
    tx.put(FREE, &[&claim.tenant, &(claim.kind as i64), &claim.key, &owner])
}
