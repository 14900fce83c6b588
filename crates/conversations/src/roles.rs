//! Roles: named sets of permissions. They bind the users of the client SDK; the account's own
//! credentials may do everything.

use std::str::FromStr;

use crate::ids::Ids;
use crate::permissions::Permission;
use crate::prelude::*;
use crate::services;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns.
#[derive(Clone, Debug, Serialize)]
pub struct Role {
    pub sid: Sid<Role>,
    pub account_sid: Sid<Account>,
    pub chat_service_sid: Sid<Service>,
    pub friendly_name: String,
    #[serde(rename = "type")]
    pub kind: RoleType,
    pub permissions: Permissions,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

/// What a role is for: a user in its service, or a participant in its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleType {
    Conversation,
    Service,
}

/// Names of permissions in the order in which they were given, each once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Permissions(Vec<String>);

impl Prefix for Role {
    const PREFIX: &'static str = "RL";
}

impl Resource for Role {
    fn url(&self, call: &Call) -> String {
        call.service_url(format_args!("/Roles/{}", self.sid))
    }
}

// Form parameters ────────────────────────────────────────────────────────────

pub struct CreateRole {
    friendly_name: String,
    kind: RoleType,
    permissions: Permissions,
}

impl FromForm for CreateRole {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let friendly_name = form.required("FriendlyName", Problem::FRIENDLY_NAME_NOT_PROVIDED)?.to_owned();
        if friendly_name.chars().count() > call.limits.limit(64) {
            return Err(Problem::FRIENDLY_NAME_TOO_LONG);
        }
        let kind = form.required("Type", Problem::INVALID_ROLE_TYPE)?;
        let kind = RoleType::from_str(&kind.to_ascii_lowercase())?;
        let given = form.all("Permission").map(str::to_owned).collect();
        Ok(Self { friendly_name, kind, permissions: Permissions::new(given, kind)? })
    }
}

/// Name and type of a role are fixed.
pub struct UpdateRole {
    /// Which of them are valid depends on the type of the role.
    permissions: Vec<String>,
}

impl FromForm for UpdateRole {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        let permissions: Vec<String> = form.all("Permission").map(str::to_owned).collect();
        if permissions.is_empty() {
            return Err(Problem::invalid_parameter("Permission"));
        }
        Ok(Self { permissions })
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

/// Permissions of both types of role. Some are in no document of Twilio's for one type or both, but accepted
/// by it: infrastructure-as-code providers send them.
pub const OF_BOTH: &[&str] = &Permission::names([
    Permission::AddNonChatParticipant,
    Permission::AddParticipant,
    Permission::DeleteAnyMessage,
    Permission::DeleteConversation,
    Permission::DeleteOwnMessage,
    Permission::EditAnyMessage,
    Permission::EditAnyMessageAttributes,
    Permission::EditAnyParticipantAttributes,
    Permission::EditAnyUserInfo,
    Permission::EditConversationAttributes,
    Permission::EditConversationName,
    Permission::EditOwnMessage,
    Permission::EditOwnMessageAttributes,
    Permission::EditOwnParticipantAttributes,
    Permission::EditOwnUserInfo,
    Permission::RemoveParticipant,
]);
pub const OF_SERVICE: &[&str] =
    &Permission::names([Permission::CreateConversation, Permission::JoinConversation]);
pub const OF_CONVERSATION: &[&str] = &Permission::names([
    Permission::EditNotificationLevel,
    Permission::LeaveConversation,
    Permission::ReadChannelMetadata,
    Permission::SendMediaMessage,
    Permission::SendMessage,
]);

const SERVICE_ADMIN: &[&str] = &Permission::names([
    Permission::CreateConversation,
    Permission::JoinConversation,
    Permission::DeleteConversation,
    Permission::EditConversationAttributes,
    Permission::EditConversationName,
    Permission::AddParticipant,
    Permission::AddNonChatParticipant,
    Permission::RemoveParticipant,
    Permission::EditAnyParticipantAttributes,
    Permission::EditAnyMessage,
    Permission::DeleteAnyMessage,
    Permission::EditAnyMessageAttributes,
    Permission::EditAnyUserInfo,
]);
const SERVICE_USER: &[&str] = &Permission::names([
    Permission::CreateConversation,
    Permission::EditOwnUserInfo,
    Permission::JoinConversation,
]);
const CHANNEL_ADMIN: &[&str] = &Permission::names([
    Permission::AddParticipant,
    Permission::AddNonChatParticipant,
    Permission::RemoveParticipant,
    Permission::DeleteConversation,
    Permission::EditConversationName,
    Permission::EditConversationAttributes,
    Permission::EditAnyMessage,
    Permission::EditAnyMessageAttributes,
    Permission::DeleteAnyMessage,
    Permission::EditAnyParticipantAttributes,
    Permission::EditNotificationLevel,
    Permission::SendMessage,
    Permission::SendMediaMessage,
    Permission::LeaveConversation,
    Permission::EditOwnMessage,
    Permission::DeleteOwnMessage,
]);
const CHANNEL_USER: &[&str] = &Permission::names([
    Permission::SendMessage,
    Permission::SendMediaMessage,
    Permission::LeaveConversation,
    Permission::EditNotificationLevel,
    Permission::EditOwnMessage,
    Permission::EditOwnMessageAttributes,
    Permission::DeleteOwnMessage,
    Permission::EditOwnParticipantAttributes,
]);

/// The roles of a new service.
const FOUNDING: [(&str, RoleType, &[&str]); 4] = [
    ("service admin", RoleType::Service, SERVICE_ADMIN),
    ("service user", RoleType::Service, SERVICE_USER),
    ("channel admin", RoleType::Conversation, CHANNEL_ADMIN),
    ("channel user", RoleType::Conversation, CHANNEL_USER),
];

impl Permissions {
    /// At least one, each known and fit for a role of this type.
    fn new(given: Vec<String>, kind: RoleType) -> Result<Self, Problem> {
        let own = match kind {
            RoleType::Conversation => OF_CONVERSATION,
            RoleType::Service => OF_SERVICE,
        };
        let known = |name: &str| own.contains(&name) || OF_BOTH.contains(&name);
        if given.is_empty() || !given.iter().all(|name| known(name)) {
            return Err(Problem::PERMISSION_NOT_FOUND);
        }
        let mut once: Vec<String> = Vec::with_capacity(given.len());
        for name in given {
            if !once.contains(&name) {
                once.push(name);
            }
        }
        Ok(Self(once))
    }

    /// Whether it is among them.
    pub fn contains(&self, permission: Permission) -> bool {
        self.0.iter().any(|name| name == permission.name())
    }
}

impl FromStr for RoleType {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "conversation" => Ok(Self::Conversation),
            "service" => Ok(Self::Service),
            _ => Err(Problem::INVALID_ROLE_TYPE),
        }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Role {
    /// What a use of the role and its deletion lock.
    pub fn root(sid: Sid<Role>) -> Root {
        const KIND: RootKind = RootKind { rank: 2, lock: "SELECT sid FROM roles WHERE sid = $1" };
        Root::new(&KIND, *sid.as_bytes())
    }
}

impl Value for RoleType {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(match self {
            Self::Conversation => "conversation",
            Self::Service => "service",
        })
    }
}

impl Column for RoleType {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// Stored as one text, a line each.
impl Column for Permissions {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(Self(text.lines().map(str::to_owned).collect())),
            _ => None,
        }
    }
}

/// A role as its row holds it.
pub struct Stored {
    role: Role,
    permissions: String,
}

impl From<Role> for Stored {
    fn from(role: Role) -> Self {
        Self { permissions: role.permissions.0.join("\n"), role }
    }
}

impl Record for Stored {
    const TABLE: &'static str = "roles";
    const KEY: &'static [&'static str] = &["chat_service_sid", "sid"];
    const COLUMNS: &'static str =
        "sid, account_sid, chat_service_sid, friendly_name, type, permissions, date_created, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        let role = &self.role;
        vec![&role.sid, &role.account_sid, &role.chat_service_sid, &role.friendly_name, &role.kind,
             &self.permissions, &role.date_created, &role.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self::from(Role {
            sid: row.next()?, account_sid: row.next()?, chat_service_sid: row.next()?,
            friendly_name: row.next()?, kind: row.next()?, permissions: row.next()?,
            date_created: row.next()?, date_updated: row.next()?,
        }))
    }
}

const BY_SID: &str = "WHERE chat_service_sid = $1 AND sid = $2";
const OF_SERVICE_SID: &str = "WHERE chat_service_sid = $1";
const USED_BY_USER: &str = "SELECT sid FROM users WHERE role_sid = $1 LIMIT 1";
/// Of a conversation that is still there: what is out of sight uses nothing.
const USED_BY_PARTICIPANT: &str = "SELECT p.sid FROM participants p \
     JOIN conversation_heads h ON h.sid = p.conversation_sid WHERE p.role_sid = $1 LIMIT 1";

// Operations: one transaction each ───────────────────────────────────────────

/// The service's role of this sid.
pub fn find(tx: &mut Tx<'_>, service: Sid<Service>, sid: Sid<Role>) -> Result<Option<Role>, StoreError> {
    Ok(tx.find::<Stored>(BY_SID, &[&service, &sid])?.map(|stored| stored.role))
}

/// Holds a role that a parameter names, so that it cannot go before the transaction ends. `wrong_type`
/// is the refusal of one that is for something else.
pub fn hold(
    tx: &mut Tx<'_>,
    call: &Call,
    sid: Sid<Role>,
    (kind, wrong_type): (RoleType, Problem),
) -> Result<Sid<Role>, Failure> {
    tx.lock(&Roots::one(Role::root(sid)))?;
    match find(tx, call.service_sid, sid)? {
        Some(role) if role.kind == kind => Ok(sid),
        Some(_) => Err(wrong_type.into()),
        None => Err(Problem { status: 400, ..Problem::ROLE_NOT_FOUND }.into()),
    }
}

/// Makes the roles of a new service: service admin, service user, channel admin, channel user.
pub fn found(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    (account_sid, chat_service_sid): (Sid<Account>, Sid<Service>),
) -> Result<[Sid<Role>; 4], StoreError> {
    let now = tx.now();
    let mut sids = [Sid::from_bytes([0; 16]); 4];
    for (sid, (friendly_name, kind, permissions)) in sids.iter_mut().zip(FOUNDING) {
        *sid = Sid::from_bytes(ids.sid(now));
        let role = Role {
            sid: *sid,
            account_sid,
            chat_service_sid,
            friendly_name: friendly_name.to_owned(),
            kind,
            permissions: Permissions(permissions.iter().map(|&name| name.to_owned()).collect()),
            date_created: now,
            date_updated: now,
        };
        tx.append(&Stored::from(role))?;
    }
    Ok(sids)
}

fn create(tx: &mut Tx<'_>, call: &Call, _: &Path, form: &CreateRole) -> Result<Role, Failure> {
    let service = services::of_call(tx, call)?;
    let now = tx.now();
    let role = Role {
        sid: call.new_sid(now),
        account_sid: call.account_sid,
        chat_service_sid: service.sid,
        friendly_name: form.friendly_name.clone(),
        kind: form.kind,
        permissions: form.permissions.clone(),
        date_created: now,
        date_updated: now,
    };
    tx.append(&Stored::from(role.clone()))?;
    Ok(role)
}

/// The role of the path.
pub fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Role, Failure> {
    services::require(tx, call)?;
    let sid = path.sid(call, "RoleSid")?;
    find(tx, call.service_sid, sid)?.ok_or_else(|| call.not_found().into())
}

fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    _: &NoParameters,
    request: &PageRequest,
) -> Result<Page<Role>, Failure> {
    services::require(tx, call)?;
    let cursor =
        |stored: &Stored| Cursor { at: stored.role.date_created.micros(), sid: *stored.role.sid.as_bytes() };
    let of_service: (&str, &[&dyn Value]) = (OF_SERVICE_SID, &[&call.service_sid]);
    let Page { items, next, previous } = list_records(tx, of_service, &BY_CREATION, request, cursor)?;
    let items = items.into_iter().map(|stored: Stored| stored.role).collect();
    Ok(Page { items, next, previous })
}

/// The permissions given replace the whole set.
fn update(tx: &mut Tx<'_>, call: &Call, path: &Path, form: &UpdateRole) -> Result<Role, Failure> {
    let mut role = fetch(tx, call, path)?;
    role.permissions = Permissions::new(form.permissions.clone(), role.kind)?;
    role.date_updated = tx.now();
    tx.replace(&Stored::from(role.clone()))?;
    Ok(role)
}

/// A role that is a default of its service, or that somebody has, stays.
fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    let role = fetch(tx, call, path)?;
    let service = services::of_call(tx, call)?;
    tx.lock(&Roots::one(Role::root(role.sid)).and(Service::root(service.sid)))?;
    let service = services::of_call(tx, call)?;
    let is_default = [
        service.default_conversation_creator_role_sid,
        service.default_conversation_role_sid,
        service.default_chat_service_role_sid,
    ]
    .contains(&role.sid);
    if is_default {
        return Err(Problem::conflict("The role is a default role of its service").into());
    }
    let is_used = tx.row(USED_BY_USER, &[&role.sid], one::<Vec<u8>>)?.is_some()
        || tx.row(USED_BY_PARTICIPANT, &[&role.sid], one::<Vec<u8>>)?.is_some();
    if is_used {
        return Err(Problem::conflict("The role is in use").into());
    }
    tx.remove(&Stored::from(role))?;
    Ok(())
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Roles";
    const ONE: &str = "/Roles/{RoleSid}";
    vec![
        Operation::list(LIST, Paged::new("roles", 50), list),
        Operation::create(LIST, create),
        Operation::fetch(ONE, fetch),
        Operation::update(ONE, update),
        Operation::delete(ONE, delete),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str]) -> Vec<String> {
        given.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn permissions_keep_their_order_and_stand_once() {
        let given = names(&["sendMessage", "addParticipant", "sendMessage"]);
        let permissions = Permissions::new(given, RoleType::Conversation).expect("both are known");
        assert_eq!(permissions.0, ["sendMessage", "addParticipant"]);
    }

    #[test]
    fn a_permission_of_the_other_type_is_not_found() {
        let refused = Permissions::new(names(&["sendMessage"]), RoleType::Service);
        assert_eq!(refused, Err(Problem::PERMISSION_NOT_FOUND));
        let refused = Permissions::new(names(&["createConversation"]), RoleType::Conversation);
        assert_eq!(refused, Err(Problem::PERMISSION_NOT_FOUND));
        assert_eq!(Permissions::new(Vec::new(), RoleType::Service), Err(Problem::PERMISSION_NOT_FOUND));
    }

    #[test]
    fn the_founding_roles_have_only_known_permissions() {
        for (name, kind, permissions) in FOUNDING {
            assert!(Permissions::new(names(permissions), kind).is_ok(), "{name}");
        }
    }
}
