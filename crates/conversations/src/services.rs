//! Services: the walls within an account. Conversations, users, roles, unique names and identities of
//! one service are unknown in another.

use store::Opening;

use crate::call::Scope;
use crate::ids::Ids;
use crate::prelude::*;
use crate::{accounts, purges, roles};

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns. Its configuration is a resource of its own
/// ([`service_configuration`](crate::service_configuration)).
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    pub sid: Sid<Service>,
    pub account_sid: Sid<Account>,
    pub friendly_name: String,
    #[serde(skip)]
    pub default_conversation_creator_role_sid: Sid<Role>,
    #[serde(skip)]
    pub default_conversation_role_sid: Sid<Role>,
    #[serde(skip)]
    pub default_chat_service_role_sid: Sid<Role>,
    #[serde(skip)]
    pub reachability_enabled: bool,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

impl Prefix for Service {
    const PREFIX: &'static str = "IS";
}

impl Resource for Service {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Services/{}", self.sid))
    }

    fn links(&self, _: &Call, url: &str) -> Links {
        below(
            url,
            &[
                ("conversations", "Conversations"),
                ("users", "Users"),
                ("roles", "Roles"),
                ("bindings", "Bindings"),
                ("configuration", "Configuration"),
                ("participant_conversations", "ParticipantConversations"),
                ("conversation_with_participants", "ConversationWithParticipants"),
            ],
        )
    }
}

// Form parameters ────────────────────────────────────────────────────────────

/// A service has a name and nothing else; there is no update.
pub struct CreateService {
    friendly_name: String,
}

impl FromForm for CreateService {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let friendly_name = form.required("FriendlyName", Problem::FRIENDLY_NAME_NOT_PROVIDED)?.to_owned();
        if friendly_name.chars().count() > call.limits.limit(256) {
            return Err(Problem::FRIENDLY_NAME_TOO_LONG);
        }
        Ok(Self { friendly_name })
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Service {
    /// What a deletion and a change of its default roles lock.
    pub fn root(sid: Sid<Service>) -> Root {
        const KIND: RootKind = RootKind { rank: 3, lock: "SELECT sid FROM services WHERE sid = $1" };
        Root::new(&KIND, *sid.as_bytes())
    }
}

impl Record for Service {
    const TABLE: &'static str = "services";
    const KEY: &'static [&'static str] = &["account_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, friendly_name, default_conversation_creator_role_sid, \
         default_conversation_role_sid, default_chat_service_role_sid, reachability_enabled, date_created, \
         date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.account_sid, &self.friendly_name, &self.default_conversation_creator_role_sid,
             &self.default_conversation_role_sid, &self.default_chat_service_role_sid,
             &self.reachability_enabled, &self.date_created, &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, friendly_name: row.next()?,
            default_conversation_creator_role_sid: row.next()?, default_conversation_role_sid: row.next()?,
            default_chat_service_role_sid: row.next()?, reachability_enabled: row.next()?,
            date_created: row.next()?, date_updated: row.next()?,
        })
    }
}

const BY_SID: &str = "WHERE account_sid = $1 AND sid = $2";
const OF_ACCOUNT: &str = "WHERE account_sid = $1";

// Operations: one transaction each ───────────────────────────────────────────

/// Refuses a service that is not the account's: this is where one account is kept from another's things.
/// Every operation below a service asks first. The default service came with the account's credentials,
/// and cannot be deleted, so it costs no look. (On another node it may be the default one of a moment ago,
/// and even deleted since: what makes something that hangs on the service alone looks at its row.)
pub fn require(tx: &mut Tx<'_>, call: &Call) -> Result<(), Failure> {
    match call.scope {
        Scope::Account => Ok(()),
        Scope::Service | Scope::Client => of_call(tx, call).map(|_| ()),
    }
}

/// What [`require`] reads.
pub fn look(call: &Call) -> Option<Opening> {
    match call.scope {
        Scope::Account => None,
        Scope::Service | Scope::Client => Some(look_of_call(call)),
    }
}

/// The same, with the service's row: of the path, or the account's default one.
pub fn of_call(tx: &mut Tx<'_>, call: &Call) -> Result<Service, Failure> {
    find(tx, call.account_sid, call.service_sid)?.ok_or_else(|| call.not_found().into())
}

/// What [`of_call`] reads.
pub fn look_of_call(call: &Call) -> Opening {
    Opening::of::<Service>(BY_SID).with(&call.account_sid).with(&call.service_sid)
}

/// The account's service of this sid.
pub fn find(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    sid: Sid<Service>,
) -> Result<Option<Service>, StoreError> {
    tx.find(BY_SID, &[&account, &sid])
}

/// Makes a service with its four roles. Their names are Chat's: programs look them up by them.
pub fn found(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    account: Sid<Account>,
    friendly_name: &str,
) -> Result<Service, StoreError> {
    let now = tx.now();
    let sid = Sid::from_bytes(ids.sid(now));
    let [_, service_user, channel_admin, channel_user] = roles::found(tx, ids, (account, sid))?;
    let service = Service {
        sid,
        account_sid: account,
        friendly_name: friendly_name.to_owned(),
        default_conversation_creator_role_sid: channel_admin,
        default_conversation_role_sid: channel_user,
        default_chat_service_role_sid: service_user,
        reachability_enabled: false,
        date_created: now,
        date_updated: now,
    };
    tx.append(&service)?;
    Ok(service)
}

fn create(tx: &mut Tx<'_>, call: &Call, _: &Path, form: &CreateService) -> Result<Service, Failure> {
    Ok(found(tx, &*call.ids, call.account_sid, &form.friendly_name)?)
}

/// The service that is the object of the path, or 404.
pub fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Service, Failure> {
    let sid = path.sid::<Service>(call, "ServiceSid")?;
    find(tx, call.account_sid, sid)?.ok_or_else(|| call.not_found().into())
}

fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    _: &NoParameters,
    request: &PageRequest,
) -> Result<Page<Service>, Failure> {
    let cursor =
        |service: &Service| Cursor { at: service.date_created.micros(), sid: *service.sid.as_bytes() };
    Ok(list_records(tx, (OF_ACCOUNT, &[&call.account_sid]), &BY_CREATION, request, cursor)?)
}

/// Takes the service out of sight with all that is in it; housekeeping removes the rows.
fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    let service = fetch(tx, call, path)?;
    tx.lock(&Roots::one(Service::root(service.sid)))?;
    let service = fetch(tx, call, path).map(|_| service)?;
    let account = accounts::find(tx, call.account_sid)?.ok_or_else(|| call.not_found())?;
    if account.default_chat_service_sid == service.sid {
        return Err(Problem::conflict("The default service of the account cannot be deleted").into());
    }
    tx.remove(&service)?;
    purges::service(tx, &service)?;
    Ok(())
}

/// Where the operations stand. The service of the path is their object, not their tenant.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Services";
    const ONE: &str = "/Services/{ServiceSid}";
    vec![
        Operation::list(LIST, Paged::new("services", 100), list).at(Mount::Account),
        Operation::create(LIST, create).at(Mount::Account),
        Operation::fetch(ONE, fetch).at(Mount::Account),
        Operation::delete(ONE, delete).at(Mount::Account),
    ]
}
