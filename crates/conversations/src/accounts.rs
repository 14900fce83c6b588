//! Accounts: the tenants. Each has its auth tokens and a default conversation service.

use serde::Serialize;
use store::{Record, Root, RootKind, Roots, Row, StoreError, Tx, Value};
use wire::{Form, Prefix, Problem, Sid, Timestamp};

use crate::claims::{self, Claim};
use crate::failure::Failure;
use crate::ids::{Ids, hex};
use crate::services::{self, Service};
use crate::vault::Vault;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns; what is sealed is not shown.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    pub sid: Sid<Account>,
    pub friendly_name: String,
    pub status: String,
    #[serde(skip)]
    auth_token: Vec<u8>,
    #[serde(skip)]
    secondary_auth_token: Option<Vec<u8>>,
    pub default_chat_service_sid: Sid<Service>,
    pub default_messaging_service_sid: Option<Sid<MessagingService>>,
    pub default_inactive_timer: Option<String>,
    pub default_closed_timer: Option<String>,
    #[serde(skip)]
    version: i64,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

impl Prefix for Account {
    const PREFIX: &'static str = "AC";
}

/// A messaging service is only ever named: what it does is another product's.
#[derive(Clone, Debug)]
pub enum MessagingService {}

impl Prefix for MessagingService {
    const PREFIX: &'static str = "MG";
}

// Form parameters ────────────────────────────────────────────────────────────

/// What a new account is made of. Sid and token are made where they are not given.
#[derive(Clone, Debug, Default)]
pub struct CreateAccount {
    pub friendly_name: Option<String>,
    pub sid: Option<Sid<Account>>,
    pub auth_token: Option<String>,
}

impl CreateAccount {
    /// From the form of the admin API, which pins no sid.
    pub fn from_form(form: &Form) -> Result<Self, Problem> {
        let friendly_name = form.text("FriendlyName", 64, Problem::FRIENDLY_NAME_TOO_LONG)?;
        Ok(Self { friendly_name, sid: None, auth_token: None })
    }
}

/// A new account with its token, which is shown this once.
#[derive(Clone, Debug, Serialize)]
pub struct CreatedAccount {
    #[serde(flatten)]
    pub account: Account,
    pub auth_token: String,
}

/// Which of an account's two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthToken {
    /// The one that signs.
    Primary,
    /// The one that is already accepted while clients move over to it.
    Secondary,
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl Account {
    /// Whether its credentials are good for anything.
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }

    /// The tokens that are accepted, the signing one first.
    pub fn auth_tokens(&self, vault: &Vault) -> Vec<String> {
        [Some(&self.auth_token), self.secondary_auth_token.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(|stored| vault.open(self.sid.as_bytes(), stored))
            .collect()
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Account {
    /// What a change of its tokens, or of what hangs on it alone, locks.
    pub fn root(sid: Sid<Account>) -> Root {
        const KIND: RootKind = RootKind { rank: 4, lock: "SELECT sid FROM accounts WHERE sid = $1" };
        Root::new(&KIND, *sid.as_bytes())
    }
}

impl Record for Account {
    const TABLE: &'static str = "accounts";
    const KEY: &'static [&'static str] = &["sid"];
    const COLUMNS: &'static str = "sid, friendly_name, status, auth_token, secondary_auth_token, \
         default_chat_service_sid, default_messaging_service_sid, default_inactive_timer, \
         default_closed_timer, version, date_created, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.friendly_name, &self.status, &self.auth_token, &self.secondary_auth_token,
             &self.default_chat_service_sid, &self.default_messaging_service_sid,
             &self.default_inactive_timer, &self.default_closed_timer, &self.version,
             &self.date_created, &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, friendly_name: row.next()?, status: row.next()?, auth_token: row.next()?,
            secondary_auth_token: row.next()?, default_chat_service_sid: row.next()?,
            default_messaging_service_sid: row.next()?, default_inactive_timer: row.next()?,
            default_closed_timer: row.next()?, version: row.next()?, date_created: row.next()?,
            date_updated: row.next()?,
        })
    }
}

const BY_SID: &str = "WHERE sid = $1";
const IN_ORDER: &str = "ORDER BY date_created, sid";

// Operations: one transaction each ───────────────────────────────────────────

/// The account of this sid.
pub fn find(tx: &mut Tx<'_>, sid: Sid<Account>) -> Result<Option<Account>, StoreError> {
    tx.find(BY_SID, &[&sid])
}

fn lock(tx: &mut Tx<'_>, sid: Sid<Account>) -> Result<Option<Account>, StoreError> {
    hold(tx, sid)?;
    find(tx, sid)
}

/// Locks the account: changes of what hangs on it alone (push credentials, address configurations) come
/// one after the other.
pub fn hold(tx: &mut Tx<'_>, sid: Sid<Account>) -> Result<(), StoreError> {
    tx.lock(&Roots::one(Account::root(sid)))
}

/// Every account of the server, oldest first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Account>, StoreError> {
    tx.list(IN_ORDER, &[])
}

/// Makes an account with its default conversation service (and that one's roles) and its default
/// messaging service.
pub fn create(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    vault: &Vault,
    form: &CreateAccount,
) -> Result<CreatedAccount, Failure> {
    let now = tx.now();
    let sid = form.sid.unwrap_or_else(|| Sid::from_bytes(ids.sid(now)));
    let auth_token = form.auth_token.clone().unwrap_or_else(|| hex(&ids.secret()[..16]));
    let service = services::found(tx, ids, sid, "Default Conversations Service")?;
    let account = Account {
        sid,
        friendly_name: form.friendly_name.clone().unwrap_or_else(|| "My account".to_owned()),
        status: "active".to_owned(),
        auth_token: vault.seal(ids, sid.as_bytes(), &auth_token),
        secondary_auth_token: None,
        default_chat_service_sid: service.sid,
        default_messaging_service_sid: Some(Sid::from_bytes(ids.sid(now))),
        default_inactive_timer: None,
        default_closed_timer: None,
        version: 0,
        date_created: now,
        date_updated: now,
    };
    if !tx.insert(&account)? {
        return Err(Problem::conflict("Account already exists").into());
    }
    Ok(CreatedAccount { account, auth_token })
}

/// Makes the account that a server makes for itself. Of two nodes that start at once on one database,
/// the second is refused with a conflict, and finds the account when it looks again.
pub fn create_first(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    vault: &Vault,
    form: &CreateAccount,
) -> Result<CreatedAccount, Failure> {
    let sid = form.sid.unwrap_or_else(|| Sid::from_bytes(ids.sid(tx.now())));
    let is_pinned = form.sid.is_some();
    if !is_pinned && claims::take(tx, &Claim::first_account(), sid)?.is_some() {
        return Err(Problem::conflict("Another node has made the first account").into());
    }
    create(tx, ids, vault, &CreateAccount { sid: Some(sid), ..form.clone() })
}

/// Replaces one of the two tokens by `token`, or by a new one, and tells it.
pub fn set_auth_token(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    vault: &Vault,
    (sid, which): (Sid<Account>, AuthToken),
    token: Option<&str>,
) -> Result<Option<CreatedAccount>, Failure> {
    let Some(mut account) = lock(tx, sid)? else { return Ok(None) };
    let auth_token = token.map_or_else(|| hex(&ids.secret()[..16]), str::to_owned);
    let stored = vault.seal(ids, sid.as_bytes(), &auth_token);
    match which {
        AuthToken::Primary => account.auth_token = stored,
        AuthToken::Secondary => account.secondary_auth_token = Some(stored),
    }
    account.version += 1;
    account.date_updated = tx.now();
    tx.replace(&account)?;
    Ok(Some(CreatedAccount { account, auth_token }))
}

/// Makes the secondary token the primary one; the old primary is accepted no longer.
pub fn promote_auth_token(tx: &mut Tx<'_>, sid: Sid<Account>) -> Result<Option<Account>, Failure> {
    let Some(mut account) = lock(tx, sid)? else { return Ok(None) };
    let Some(secondary) = account.secondary_auth_token.take() else {
        return Err(Problem::conflict("The account has no secondary auth token").into());
    };
    account.auth_token = secondary;
    account.version += 1;
    account.date_updated = tx.now();
    tx.replace(&account)?;
    Ok(Some(account))
}
