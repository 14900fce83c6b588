//! The webhooks of a service: told of what happens in it, beside those of its account. They always exist,
//! empty at first.

use crate::prelude::*;
use crate::webhooks::{Hooks, HooksForm};
use crate::{accounts, services};

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceWebhooks {
    pub chat_service_sid: Sid<Service>,
    pub account_sid: Sid<Account>,
    /// Four columns.
    #[serde(flatten)]
    pub hooks: Hooks,
}

impl Resource for ServiceWebhooks {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Services/{}/Configuration/Webhooks", self.chat_service_sid))
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Record for ServiceWebhooks {
    const TABLE: &'static str = "service_webhooks";
    const KEY: &'static [&'static str] = &["chat_service_sid"];
    const COLUMNS: &'static str =
        "chat_service_sid, account_sid, method, filters, pre_webhook_url, post_webhook_url";

    fn values(&self) -> Vec<&dyn Value> {
        let [method, filters, pre, post] = self.hooks.values();
        vec![&self.chat_service_sid, &self.account_sid, method, filters, pre, post]
    }

    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { chat_service_sid: row.next()?, account_sid: row.next()?, hooks: Hooks::read(row)? })
    }
}

const OF_SERVICE: &str = "WHERE chat_service_sid = $1";
const REMOVE: &str = "DELETE FROM service_webhooks WHERE chat_service_sid = $1";

// Operations: one transaction each ───────────────────────────────────────────

fn fetch(tx: &mut Tx<'_>, call: &Call, _: &Path) -> Result<ServiceWebhooks, Failure> {
    services::require(tx, call)?;
    let unconfigured = ServiceWebhooks {
        chat_service_sid: call.service_sid,
        account_sid: call.account_sid,
        hooks: Hooks::default(),
    };
    Ok(tx.find(OF_SERVICE, &[&call.service_sid])?.unwrap_or(unconfigured))
}

fn update(tx: &mut Tx<'_>, call: &Call, path: &Path, form: &HooksForm) -> Result<ServiceWebhooks, Failure> {
    services::require(tx, call)?;
    tx.lock(&Roots::one(Service::root(call.service_sid)).and(Account::root(call.account_sid)))?;
    let account = accounts::find(tx, call.account_sid)?.ok_or_else(|| call.not_found())?;
    let before = fetch(tx, call, path)?;
    if form.is_empty() {
        return Ok(before);
    }
    let after = ServiceWebhooks { hooks: before.hooks.with(form), ..before };
    if !tx.insert(&after)? {
        tx.replace(&after)?;
    }
    accounts::change(tx, account)?;
    Ok(after)
}

/// Removes what a service that is out of sight was configured with.
pub fn remove(tx: &mut Tx<'_>, service: Sid<Service>) -> Result<(), StoreError> {
    tx.put(REMOVE, &[&service])
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const ONE: &str = "/Configuration/Webhooks";
    vec![Operation::fetch(ONE, fetch).at(Mount::Service), Operation::update(ONE, update).at(Mount::Service)]
}
