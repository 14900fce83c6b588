//! The webhooks of an account: told of what happens in every service of it. They always exist, empty at
//! first.

use crate::accounts;
use crate::prelude::*;
use crate::webhooks::{Hooks, HooksForm};

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns.
#[derive(Clone, Debug, Serialize)]
pub struct AccountWebhooks {
    pub account_sid: Sid<Account>,
    /// Four columns.
    #[serde(flatten)]
    pub hooks: Hooks,
    pub target: Target,
}

/// Who is told: whoever listens at the URLs, or another product, which we are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    Webhook,
    Flex,
}

impl Resource for AccountWebhooks {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Configuration/Webhooks"))
    }
}

// Form parameters ────────────────────────────────────────────────────────────

pub struct UpdateAccountWebhooks {
    hooks: HooksForm,
    target: Option<Target>,
}

impl FromForm for UpdateAccountWebhooks {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let target = match form.get("Target") {
            None => None,
            Some(target) if target.eq_ignore_ascii_case("webhook") => Some(Target::Webhook),
            Some(target) if target.eq_ignore_ascii_case("flex") => Some(Target::Flex),
            Some(_) => return Err(Problem::invalid_parameter("Target")),
        };
        Ok(Self { hooks: HooksForm::from_form(call, form)?, target })
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for Target {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(match self {
            Self::Webhook => "webhook",
            Self::Flex => "flex",
        })
    }
}

impl Column for Target {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text("webhook") => Some(Self::Webhook),
            Cell::Text("flex") => Some(Self::Flex),
            _ => None,
        }
    }
}

impl Record for AccountWebhooks {
    const TABLE: &'static str = "account_webhooks";
    const KEY: &'static [&'static str] = &["account_sid"];
    const COLUMNS: &'static str = "account_sid, method, filters, pre_webhook_url, post_webhook_url, target";

    fn values(&self) -> Vec<&dyn Value> {
        let [method, filters, pre, post] = self.hooks.values();
        vec![&self.account_sid, method, filters, pre, post, &self.target]
    }

    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { account_sid: row.next()?, hooks: Hooks::read(row)?, target: row.next()? })
    }
}

const OF_ACCOUNT: &str = "WHERE account_sid = $1";

// Operations: one transaction each ───────────────────────────────────────────

fn fetch(tx: &mut Tx<'_>, call: &Call, _: &Path) -> Result<AccountWebhooks, Failure> {
    let unconfigured =
        AccountWebhooks { account_sid: call.account_sid, hooks: Hooks::default(), target: Target::Webhook };
    Ok(tx.find(OF_ACCOUNT, &[&call.account_sid])?.unwrap_or(unconfigured))
}

fn update(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    form: &UpdateAccountWebhooks,
) -> Result<AccountWebhooks, Failure> {
    let account = accounts::lock(tx, call.account_sid)?.ok_or_else(|| call.not_found())?;
    let before = fetch(tx, call, path)?;
    if form.hooks.is_empty() && form.target.is_none() {
        return Ok(before);
    }
    let target = form.target.unwrap_or(before.target);
    let after = AccountWebhooks { hooks: before.hooks.with(&form.hooks), target, ..before };
    if !tx.insert(&after)? {
        tx.replace(&after)?;
    }
    accounts::change(tx, account)?;
    Ok(after)
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const ONE: &str = "/Configuration/Webhooks";
    // Twilio: older libraries know the same by another path. It takes that one from a conversation of
    // the name, which has its sid.
    const OLD: &str = "/Conversations/Webhooks";
    [ONE, OLD]
        .into_iter()
        .flat_map(|path| [Operation::fetch(path, fetch), Operation::update(path, update)])
        .map(|operation| operation.at(Mount::Account))
        .collect()
}
