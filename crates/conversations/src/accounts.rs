//! Accounts: the tenants. Each has its auth tokens and a default conversation service.

use serde::Serialize;
use store::{Cell, Column, Record, Root, RootKind, Roots, Row, StoreError, Tx, Value};
use wire::{Form, Prefix, Problem, Sid, Timestamp};

use crate::claims::{self, Claim};
use crate::failure::Failure;
use crate::ids::{Ids, hex};
use crate::owned;
use crate::services::{self, Service};
use crate::vault::Vault;
use crate::webhooks::Texts;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns; what is sealed is not shown.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    pub sid: Sid<Account>,
    pub friendly_name: String,
    pub status: Status,
    /// None where it is nobody's subaccount.
    pub owner_account_sid: Option<Sid<Account>>,
    #[serde(skip)]
    auth_token: Vec<u8>,
    #[serde(skip)]
    secondary_auth_token: Option<Vec<u8>>,
    pub default_chat_service_sid: Sid<Service>,
    pub default_messaging_service_sid: Option<Sid<MessagingService>>,
    pub default_inactive_timer: Option<String>,
    pub default_closed_timer: Option<String>,
    /// The addresses that are its own; every one where there is no list.
    pub senders: Option<Texts>,
    /// The same of messaging services.
    pub messaging_service_sids: Option<Texts>,
    #[serde(skip)]
    version: i64,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

impl Prefix for Account {
    const PREFIX: &'static str = "AC";
}

/// Whether an account's credentials are good for anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Active,
    /// Until it is made active again.
    Suspended,
    /// For good.
    Closed,
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
    /// Makes it a subaccount.
    pub owner_account_sid: Option<Sid<Account>>,
    pub sid: Option<Sid<Account>>,
    pub auth_token: Option<String>,
    pub senders: Option<Texts>,
    pub messaging_service_sids: Option<Texts>,
}

impl CreateAccount {
    /// From the form of the admin API, which pins no sid.
    pub fn from_form(form: &Form) -> Result<Self, Problem> {
        let friendly_name = form.text("FriendlyName", 64, Problem::FRIENDLY_NAME_TOO_LONG)?;
        let owner_account_sid = form.sid(OWNER, Problem::invalid_parameter(OWNER))?;
        Ok(Self {
            friendly_name,
            owner_account_sid,
            sid: None,
            auth_token: None,
            senders: owned::senders_of_form(form)?,
            messaging_service_sids: owned::messaging_services_of_form(form)?,
        })
    }
}

const OWNER: &str = "OwnerAccountSid";

/// What may be changed of an account; absent is as it was.
#[derive(Clone, Debug, Default)]
pub struct UpdateAccount {
    pub friendly_name: Option<String>,
    pub status: Option<Status>,
    /// Empty to clear.
    pub senders: Option<Texts>,
    /// Empty to clear.
    pub messaging_service_sids: Option<Texts>,
}

impl UpdateAccount {
    /// From the form of the admin API.
    pub fn from_form(form: &Form) -> Result<Self, Problem> {
        let friendly_name = form.text("FriendlyName", 64, Problem::FRIENDLY_NAME_TOO_LONG)?;
        let status = match form.get("Status") {
            Some(text) => Some(Status::parse(text).ok_or_else(|| Problem::invalid_parameter("Status"))?),
            None => None,
        };
        let senders = owned::senders_of_form(form)?;
        let messaging_service_sids = owned::messaging_services_of_form(form)?;
        Ok(Self { friendly_name, status, senders, messaging_service_sids })
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
        self.status == Status::Active
    }

    /// Who is told to own it: a subaccount's owner, and every other account itself.
    pub fn owner(&self) -> Sid<Account> {
        self.owner_account_sid.unwrap_or(self.sid)
    }

    /// The token that signs.
    pub fn auth_token(&self, vault: &Vault) -> Option<String> {
        vault.open(self.sid.as_bytes(), &self.auth_token)
    }

    /// Whether anything changed.
    fn apply(&mut self, form: &UpdateAccount) -> Result<bool, Problem> {
        let UpdateAccount { friendly_name, status, senders, messaging_service_sids } = form;
        let told = |account: &Self| {
            let lists = (account.senders.clone(), account.messaging_service_sids.clone());
            (account.friendly_name.clone(), account.status, lists)
        };
        let before = told(self);
        if let Some(friendly_name) = friendly_name {
            self.friendly_name.clone_from(friendly_name);
        }
        if let Some(status) = *status {
            if self.status == Status::Closed && status != Status::Closed {
                return Err(Problem::conflict("A closed account stays closed"));
            }
            self.status = status;
        }
        if let Some(senders) = senders {
            self.senders = Some(senders.clone()).filter(|list| !list.is_empty());
        }
        if let Some(sids) = messaging_service_sids {
            self.messaging_service_sids = Some(sids.clone()).filter(|list| !list.is_empty());
        }
        Ok(before != told(self))
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

impl Status {
    const ALL: [(&str, Self); 3] =
        [("active", Self::Active), ("suspended", Self::Suspended), ("closed", Self::Closed)];

    fn parse(text: &str) -> Option<Self> {
        let named = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        named.map(|(_, status)| *status)
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for Status {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.name())
    }
}

impl Column for Status {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Self::parse(text),
            _ => None,
        }
    }
}

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
    const COLUMNS: &'static str = "sid, friendly_name, status, owner_account_sid, auth_token, \
         secondary_auth_token, default_chat_service_sid, default_messaging_service_sid, default_inactive_timer, \
         default_closed_timer, senders, messaging_service_sids, version, date_created, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.friendly_name, &self.status, &self.owner_account_sid,
             &self.auth_token, &self.secondary_auth_token, &self.default_chat_service_sid, &self.default_messaging_service_sid,
             &self.default_inactive_timer, &self.default_closed_timer, &self.senders, &self.messaging_service_sids,
             &self.version, &self.date_created, &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, friendly_name: row.next()?, status: row.next()?, owner_account_sid: row.next()?,
            auth_token: row.next()?, secondary_auth_token: row.next()?, default_chat_service_sid: row.next()?,
            default_messaging_service_sid: row.next()?, default_inactive_timer: row.next()?,
            default_closed_timer: row.next()?, senders: row.next()?, messaging_service_sids: row.next()?,
            version: row.next()?, date_created: row.next()?, date_updated: row.next()?,
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

/// Locks the account: changes of what hangs on it alone (push credentials, address configurations) come
/// one after the other.
pub fn hold(tx: &mut Tx<'_>, sid: Sid<Account>) -> Result<(), StoreError> {
    tx.lock(&Roots::one(Account::root(sid)))
}

/// The account of this sid, where `viewer` may see it: it is the viewer itself or one of its subaccounts.
pub fn visible(
    tx: &mut Tx<'_>,
    viewer: Sid<Account>,
    sid: Sid<Account>,
) -> Result<Option<Account>, StoreError> {
    Ok(find(tx, sid)?.filter(|account| account.sid == viewer || account.owner() == viewer))
}

/// The same, locked.
pub fn lock(tx: &mut Tx<'_>, sid: Sid<Account>) -> Result<Option<Account>, StoreError> {
    tx.lock(&Roots::one(Account::root(sid)))?;
    find(tx, sid)
}

/// Writes back an account that was locked before it was read. What hangs on the account alone, such as its
/// webhooks, is counted as a change of it too.
pub fn change(tx: &mut Tx<'_>, account: Account) -> Result<Account, StoreError> {
    let account = Account { version: account.version + 1, date_updated: tx.now(), ..account };
    tx.replace(&account)?;
    Ok(account)
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
    if let Some(owner) = form.owner_account_sid {
        hold_owner(tx, owner)?;
    }
    let service = services::found(tx, ids, sid, "Default Conversations Service")?;
    let account = Account {
        sid,
        friendly_name: form.friendly_name.clone().unwrap_or_else(|| "My account".to_owned()),
        status: Status::Active,
        owner_account_sid: form.owner_account_sid,
        auth_token: vault.seal(ids, sid.as_bytes(), &auth_token),
        secondary_auth_token: None,
        default_chat_service_sid: service.sid,
        default_messaging_service_sid: Some(Sid::from_bytes(ids.sid(now))),
        default_inactive_timer: None,
        default_closed_timer: None,
        senders: form.senders.clone().filter(|list| !list.is_empty()),
        messaging_service_sids: form.messaging_service_sids.clone().filter(|list| !list.is_empty()),
        version: 0,
        date_created: now,
        date_updated: now,
    };
    if !tx.insert(&account)? {
        return Err(Problem::conflict("Account already exists").into());
    }
    Ok(CreatedAccount { account, auth_token })
}

/// Only an account of its own has subaccounts, and only as long as it is not closed.
fn hold_owner(tx: &mut Tx<'_>, sid: Sid<Account>) -> Result<(), Failure> {
    let refused = |reason| Problem::parameter(format!("Invalid value for parameter {OWNER}: {reason}"));
    match lock(tx, sid)? {
        None => Err(refused("there is no such account").into()),
        Some(owner) if owner.owner_account_sid.is_some() => Err(refused("it is itself a subaccount").into()),
        Some(owner) if owner.status == Status::Closed => Err(refused("it is closed").into()),
        Some(_) => Ok(()),
    }
}

/// Changes an account's name, its status, or what it may use.
pub fn update(tx: &mut Tx<'_>, sid: Sid<Account>, form: &UpdateAccount) -> Result<Option<Account>, Failure> {
    let Some(mut account) = lock(tx, sid)? else { return Ok(None) };
    let is_changed = account.apply(form)?;
    Ok(Some(if is_changed { change(tx, account)? } else { account }))
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
    Ok(Some(CreatedAccount { account: change(tx, account)?, auth_token }))
}

/// Makes the secondary token the primary one; the old primary is accepted no longer.
pub fn promote_auth_token(tx: &mut Tx<'_>, sid: Sid<Account>) -> Result<Option<Account>, Failure> {
    let Some(mut account) = lock(tx, sid)? else { return Ok(None) };
    let Some(secondary) = account.secondary_auth_token.take() else {
        return Err(Problem::conflict("The account has no secondary auth token").into());
    };
    account.auth_token = secondary;
    Ok(Some(change(tx, account)?))
}
