//! Credentials: what a caller may prove itself with, as a door keeps it in memory.
//!
//! Of secrets only digests are kept, and the comparison takes the same time whether the sid is known or not.
//! An API key's secret also signs access tokens; for that the key's own row is kept, in which it is sealed.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use store::{StoreError, Tx};
use wire::Sid;

use crate::accounts::{self, Account};
use crate::api_keys::{self, ApiKey};
use crate::event_streams;
use crate::owned::Owned;
use crate::services::Service;
use crate::vault::Vault;

/// What one sid may sign in with, and to what.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account that is signed in to.
    pub account_sid: Sid<Account>,
    /// Where its short paths lead.
    pub default_chat_service_sid: Sid<Service>,
    /// Which addresses and messaging services it may use.
    pub owned: Arc<Owned>,
    /// Whether it streams events.
    pub is_streamed: bool,
    /// Suspended and closed accounts are refused with 403.
    pub is_active: bool,
    /// The key that the sid is of, where it is a key's.
    pub api_key: Option<ApiKey>,
    secrets: Vec<Digest>,
}

impl Credentials {
    /// Whether `secret` is one of the secrets, in time that does not tell how much of it is right.
    pub fn accept(&self, secret: &str) -> bool {
        let given = digest(&SHA256, secret.as_bytes());
        let equal = |known: &Digest| verify_slices_are_equal(known.as_ref(), given.as_ref()).is_ok();
        self.secrets.iter().fold(false, |accepted, known| accepted | equal(known))
    }

    /// Does the work of [`accept`](Self::accept) for a sid that nobody has.
    pub fn refuse(secret: &str) -> bool {
        let given = digest(&SHA256, secret.as_bytes());
        let _ = verify_slices_are_equal(&[0; 32], given.as_ref());
        false
    }
}

/// The credentials of `username`: an account's or an API key's sid.
pub fn find(tx: &mut Tx<'_>, vault: &Vault, username: &str) -> Result<Option<Credentials>, StoreError> {
    if let Some(sid) = Sid::<Account>::parse(username) {
        let Some(account) = accounts::find(tx, sid)? else { return Ok(None) };
        return of(tx, &account, &account.auth_tokens(vault), None).map(Some);
    }
    let Some(sid) = Sid::<ApiKey>::parse(username) else { return Ok(None) };
    let Some(key) = api_keys::of_credentials(tx, sid)? else { return Ok(None) };
    let Some(account) = accounts::find(tx, key.account_sid)? else { return Ok(None) };
    let secret = key.secret(vault);
    of(tx, &account, secret.as_slice(), Some(key)).map(Some)
}

fn of(
    tx: &mut Tx<'_>,
    account: &Account,
    secrets: &[String],
    api_key: Option<ApiKey>,
) -> Result<Credentials, StoreError> {
    Ok(Credentials {
        account_sid: account.sid,
        default_chat_service_sid: account.default_chat_service_sid,
        owned: Arc::new(Owned::of(account)),
        is_streamed: event_streams::deliveries::is_streamed(tx, account.sid)?,
        is_active: account.is_active(),
        api_key,
        secrets: secrets.iter().map(|secret| digest(&SHA256, secret.as_bytes())).collect(),
    })
}
