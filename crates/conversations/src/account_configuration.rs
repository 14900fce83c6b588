//! The configuration of an account: what new conversations get where nothing is said, and which service the
//! short paths lead to. It always exists, in the account's row.

use wire::IsoDuration;

use crate::prelude::*;
use crate::{accounts, conversations, services};

// Record ─────────────────────────────────────────────────────────────────────

/// A view of [`Account`].
#[derive(Clone, Debug, Serialize)]
pub struct AccountConfiguration {
    pub account_sid: Sid<Account>,
    pub default_chat_service_sid: Sid<Service>,
    pub default_messaging_service_sid: Option<Sid<MessagingService>>,
    pub default_inactive_timer: Option<String>,
    pub default_closed_timer: Option<String>,
}

impl Resource for AccountConfiguration {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Configuration"))
    }

    fn links(&self, call: &Call, url: &str) -> Links {
        let service =
            call.root_url(format_args!("/Services/{}/Configuration", self.default_chat_service_sid));
        vec![("service", service), ("webhooks", format!("{url}/Webhooks"))]
    }
}

// Form parameters ────────────────────────────────────────────────────────────

pub struct UpdateAccountConfiguration {
    chat_service_sid: Option<Sid<Service>>,
    messaging_service_sid: Option<Sid<MessagingService>>,
    /// One of no length switches the default off; the same of the other.
    inactive_timer: Option<IsoDuration>,
    closed_timer: Option<IsoDuration>,
}

impl FromForm for UpdateAccountConfiguration {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        Ok(Self {
            chat_service_sid: form.sid("DefaultChatServiceSid", unknown_service())?,
            // An empty one is passed over, as in the update of a conversation.
            messaging_service_sid: match form.get("DefaultMessagingServiceSid") {
                None | Some("") => None,
                Some(sid) => Some(Sid::parse(sid).ok_or(Problem::INVALID_MESSAGING_SERVICE_SID)?),
            },
            inactive_timer: conversations::inactive_timer(call, form.get("DefaultInactiveTimer"))?,
            closed_timer: conversations::closed_timer(call, form.get("DefaultClosedTimer"))?,
        })
    }
}

/// As a parameter, not as a path.
fn unknown_service() -> Problem {
    Problem { status: 400, ..Problem::SERVICE_NOT_FOUND }
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl From<Account> for AccountConfiguration {
    fn from(account: Account) -> Self {
        Self {
            account_sid: account.sid,
            default_chat_service_sid: account.default_chat_service_sid,
            default_messaging_service_sid: account.default_messaging_service_sid,
            default_inactive_timer: account.default_inactive_timer,
            default_closed_timer: account.default_closed_timer,
        }
    }
}

impl UpdateAccountConfiguration {
    fn is_empty(&self) -> bool {
        let Self { chat_service_sid, messaging_service_sid, inactive_timer, closed_timer } = self;
        chat_service_sid.is_none()
            && messaging_service_sid.is_none()
            && inactive_timer.is_none()
            && closed_timer.is_none()
    }

    /// A parameter left out keeps its value.
    fn apply(&self, account: &mut Account) {
        let Self { chat_service_sid, messaging_service_sid, inactive_timer, closed_timer } = self;
        if let Some(service) = chat_service_sid {
            account.default_chat_service_sid = *service;
        }
        if let Some(service) = messaging_service_sid {
            account.default_messaging_service_sid = Some(*service);
        }
        if let Some(after) = inactive_timer {
            account.default_inactive_timer = shown(after);
        }
        if let Some(after) = closed_timer {
            account.default_closed_timer = shown(after);
        }
    }
}

/// The text as it was given, because the API echoes it so; none where it switches the default off.
fn shown(after: &IsoDuration) -> Option<String> {
    (after.micros() > 0).then(|| after.as_str().to_owned())
}

// Operations: one transaction each ───────────────────────────────────────────

fn fetch(tx: &mut Tx<'_>, call: &Call, _: &Path) -> Result<AccountConfiguration, Failure> {
    let account = accounts::find(tx, call.account_sid)?.ok_or_else(|| call.not_found())?;
    Ok(account.into())
}

/// A service that becomes the default one is held, so that it cannot be deleted meanwhile: its deletion
/// looks at the account behind the same lock.
fn update(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    form: &UpdateAccountConfiguration,
) -> Result<AccountConfiguration, Failure> {
    let mut roots = Roots::one(Account::root(call.account_sid));
    if let Some(service) = form.chat_service_sid {
        roots.push(Service::root(service));
    }
    tx.lock(&roots)?;
    let mut account = accounts::find(tx, call.account_sid)?.ok_or_else(|| call.not_found())?;
    if let Some(service) = form.chat_service_sid {
        services::find(tx, call.account_sid, service)?.ok_or_else(unknown_service)?;
    }
    if form.is_empty() {
        return Ok(account.into());
    }
    call.owned.require_messaging_service(form.messaging_service_sid)?;
    form.apply(&mut account);
    Ok(accounts::change(tx, account)?.into())
}

/// Where the operations stand. (The service's `Configuration` is another resource.)
pub fn operations() -> Vec<Operation> {
    const ONE: &str = "/Configuration";
    vec![
        Operation::fetch(ONE, fetch).at(Mount::Account),
        Operation::update(ONE, update).at(Mount::Account).changing_account(),
    ]
}
