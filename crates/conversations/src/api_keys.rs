//! API keys: credentials of an account that can be given out and taken back one by one.

use serde::Serialize;
use store::{Record, Row, StoreError, Tx, Value};
use wire::{Cursor, Form, PageRequest, Prefix, Problem, Sid, Timestamp};

use crate::accounts::{self, Account};
use crate::failure::Failure;
use crate::ids::{Ids, hex};
use crate::paging::{self, BY_CREATION, Page};
use crate::vault::Vault;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns; what is sealed is not shown.
#[derive(Clone, Debug, Serialize)]
pub struct ApiKey {
    pub sid: Sid<ApiKey>,
    pub account_sid: Sid<Account>,
    pub friendly_name: String,
    #[serde(skip)]
    secret: Vec<u8>,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

impl Prefix for ApiKey {
    const PREFIX: &'static str = "SK";
}

// Form parameters ────────────────────────────────────────────────────────────

/// What a new key is made of. Sid and secret are made where they are not given.
#[derive(Clone, Debug, Default)]
pub struct CreateApiKey {
    pub friendly_name: Option<String>,
    pub sid: Option<Sid<ApiKey>>,
    pub secret: Option<String>,
}

impl CreateApiKey {
    /// From the form of the admin API, which pins neither.
    pub fn from_form(form: &Form) -> Result<Self, Problem> {
        let friendly_name = form.text("FriendlyName", 64, Problem::FRIENDLY_NAME_TOO_LONG)?;
        Ok(Self { friendly_name, sid: None, secret: None })
    }
}

/// What may be changed of a key; absent is as it was.
#[derive(Clone, Debug)]
pub struct UpdateApiKey {
    pub friendly_name: Option<String>,
}

impl UpdateApiKey {
    /// From a form.
    pub fn from_form(form: &Form) -> Result<Self, Problem> {
        Ok(Self { friendly_name: form.text("FriendlyName", 64, Problem::FRIENDLY_NAME_TOO_LONG)? })
    }
}

/// A new key with its secret, which is shown this once.
#[derive(Clone, Debug, Serialize)]
pub struct CreatedApiKey {
    #[serde(flatten)]
    pub key: ApiKey,
    pub secret: String,
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl ApiKey {
    /// The secret, where it was stored under this master key.
    pub fn secret(&self, vault: &Vault) -> Option<String> {
        vault.open(self.sid.as_bytes(), &self.secret)
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Record for ApiKey {
    const TABLE: &'static str = "api_keys";
    const KEY: &'static [&'static str] = &["account_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, friendly_name, secret, date_created, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.account_sid, &self.friendly_name, &self.secret,
             &self.date_created, &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, friendly_name: row.next()?, secret: row.next()?,
            date_created: row.next()?, date_updated: row.next()?,
        })
    }
}

/// The look-up of credentials: the one WHERE here without a tenant, for it finds the tenant.
const OF_CREDENTIALS: &str = "WHERE sid = $1";
const BY_SID: &str = "WHERE account_sid = $1 AND sid = $2";
const OF_ACCOUNT: &str = "WHERE account_sid = $1 ORDER BY date_created, sid";
const PAGE_OF_ACCOUNT: &str = "WHERE account_sid = $1";
/// What was made first stays the one.
const BY_NAME: &str = "WHERE account_sid = $1 AND friendly_name = $2 ORDER BY date_created, sid LIMIT 1";
/// Touches nothing but the name, so that it undoes no other change made at the same moment.
const RENAME: &str =
    "UPDATE api_keys SET friendly_name = $3, date_updated = $4 WHERE account_sid = $1 AND sid = $2";

// Operations: one transaction each ───────────────────────────────────────────

/// The key of this sid, whosever it is.
pub fn of_credentials(tx: &mut Tx<'_>, sid: Sid<ApiKey>) -> Result<Option<ApiKey>, StoreError> {
    tx.find(OF_CREDENTIALS, &[&sid])
}

/// The account's keys, oldest first.
pub fn list(tx: &mut Tx<'_>, account: Sid<Account>) -> Result<Vec<ApiKey>, StoreError> {
    tx.list(OF_ACCOUNT, &[&account])
}

/// A page of the account's keys, oldest first.
pub fn page(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    request: &PageRequest,
) -> Result<Page<ApiKey>, StoreError> {
    let cursor = |key: &ApiKey| Cursor { at: key.date_created.micros(), sid: *key.sid.as_bytes() };
    paging::list(tx, (PAGE_OF_ACCOUNT, &[&account]), &BY_CREATION, request, cursor)
}

/// The account's key of this sid.
pub fn find(tx: &mut Tx<'_>, account: Sid<Account>, sid: Sid<ApiKey>) -> Result<Option<ApiKey>, StoreError> {
    tx.find(BY_SID, &[&account, &sid])
}

/// The name of the key that the server signs access tokens with.
const FOR_TOKENS: &str = "Access tokens";

/// The account's key that the server signs access tokens with, where there is one.
pub fn for_tokens(tx: &mut Tx<'_>, account: Sid<Account>) -> Result<Option<ApiKey>, StoreError> {
    tx.find(BY_NAME, &[&account, &FOR_TOKENS])
}

/// The same, made where there is none. The account is locked, so that there is one for all who ask at once.
pub fn found_for_tokens(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    vault: &Vault,
    account: Sid<Account>,
) -> Result<ApiKey, Failure> {
    accounts::hold(tx, account)?;
    if let Some(key) = for_tokens(tx, account)? {
        return Ok(key);
    }
    let form = CreateApiKey { friendly_name: Some(FOR_TOKENS.to_owned()), ..CreateApiKey::default() };
    Ok(create(tx, ids, vault, account, &form)?.key)
}

/// Makes a key.
pub fn create(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    vault: &Vault,
    account: Sid<Account>,
    form: &CreateApiKey,
) -> Result<CreatedApiKey, Failure> {
    let now = tx.now();
    let sid = form.sid.unwrap_or_else(|| Sid::from_bytes(ids.sid(now)));
    let secret = form.secret.clone().unwrap_or_else(|| hex(&ids.secret()[..16]));
    let key = ApiKey {
        sid,
        account_sid: account,
        friendly_name: form.friendly_name.clone().unwrap_or_default(),
        secret: vault.seal(ids, sid.as_bytes(), &secret),
        date_created: now,
        date_updated: now,
    };
    if !tx.insert(&key)? {
        return Err(Problem::conflict("API key already exists").into());
    }
    Ok(CreatedApiKey { key, secret })
}

/// Changes a key's name; none where there is no such key.
pub fn update(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    sid: Sid<ApiKey>,
    form: &UpdateApiKey,
) -> Result<Option<ApiKey>, StoreError> {
    let UpdateApiKey { friendly_name } = form;
    if let Some(friendly_name) = friendly_name {
        let now = tx.now();
        tx.execute(RENAME, &[&account, &sid, friendly_name, &now])?;
    }
    find(tx, account, sid)
}

/// Takes a key back; false where there is none.
pub fn delete(tx: &mut Tx<'_>, account: Sid<Account>, sid: Sid<ApiKey>) -> Result<bool, StoreError> {
    let Some(key) = find(tx, account, sid)? else { return Ok(false) };
    tx.remove(&key)?;
    Ok(true)
}
