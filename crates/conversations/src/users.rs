//! Users: the people a service knows, each named by its `identity`.

use store::Opening;

use crate::call::Limits;
use crate::claims::{self, Claim};
use crate::events::{self, EventType};
use crate::permissions::{self, Permission};
use crate::prelude::*;
use crate::roles::{self, RoleType};
use crate::sync::SyncObjectsOfUser;
use crate::{bindings, memberships, participants, purges, services};

/// What a deletion takes out of its conversations at once; a user with more leaves the rest to housekeeping.
const MEMBERSHIPS_AT_ONCE: i64 = 50;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns.
#[derive(Clone, Debug, Serialize)]
pub struct User {
    pub sid: Sid<User>,
    pub account_sid: Sid<Account>,
    pub chat_service_sid: Sid<Service>,
    pub role_sid: Sid<Role>,
    pub identity: String,
    pub friendly_name: Option<String>,
    pub attributes: Attributes,
    pub is_online: Option<bool>,
    pub is_notifiable: Option<bool>,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

impl Prefix for User {
    const PREFIX: &'static str = "US";
}

impl Resource for User {
    fn url(&self, call: &Call) -> String {
        call.service_url(format_args!("/Users/{}", self.sid))
    }

    fn links(&self, _: &Call, url: &str) -> Links {
        below(url, &[("user_conversations", "Conversations")])
    }

    fn client_members(&self, members: &mut Members<'_>) {
        members.put("sync_objects", &SyncObjectsOfUser::of(self.sid));
    }
}

// Form parameters ────────────────────────────────────────────────────────────

/// What create and update share.
pub struct UserForm {
    friendly_name: Option<String>,
    attributes: Option<Attributes>,
    role_sid: Option<Sid<Role>>,
}

impl FromForm for UserForm {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        permissions::refuse(call, form, &["RoleSid"], Problem::USER_UNAUTHORIZED_TO_SET_ROLE)?;
        let attributes = |text| Attributes::parse(text, call.limits.limit(16 * 1024));
        Ok(Self {
            // Twilio: an empty FriendlyName does not clear (facts of infrastructure-as-code providers), but from an SDK.
            friendly_name: form
                .text("FriendlyName", call.limits.limit(256), Problem::FRIENDLY_NAME_TOO_LONG)?
                .filter(|name| !name.is_empty() || call.client().is_some()),
            attributes: form.get("Attributes").map(attributes).transpose()?,
            role_sid: form.sid("RoleSid", Problem { status: 400, ..Problem::ROLE_NOT_FOUND })?,
        })
    }
}

pub struct CreateUser {
    identity: String,
    rest: UserForm,
}

impl FromForm for CreateUser {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let identity = form.required("Identity", Problem::IDENTITY_NOT_PROVIDED)?;
        Ok(Self { identity: parse_identity(call, identity)?, rest: UserForm::from_form(call, form)? })
    }
}

/// Identities are case-sensitive text that cannot be taken for a sid or for the server itself.
pub fn parse_identity(call: &Call, identity: &str) -> Result<String, Problem> {
    judge_identity(call.limits, identity)?;
    Ok(identity.to_owned())
}

/// The same of who may name a user without a call: the maker of an access token.
pub fn judge_identity(limits: Limits, identity: &str) -> Result<(), Problem> {
    if Sid::<User>::parse(identity).is_some() {
        return Err(Problem::IDENTITY_LOOKS_LIKE_SID);
    }
    if identity == "system" {
        return Err(Problem::IDENTITY_RESERVED);
    }
    if identity.chars().count() > limits.name_length() {
        return Err(Problem::IDENTITY_TOO_LONG);
    }
    Ok(())
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl User {
    fn new(call: &Call, service: &Service, identity: String, now: Timestamp) -> Self {
        Self {
            sid: call.new_sid(now),
            account_sid: call.account_sid,
            chat_service_sid: service.sid,
            role_sid: service.default_chat_service_role_sid,
            identity,
            friendly_name: None,
            attributes: Attributes::default(),
            is_online: None,
            is_notifiable: None,
            date_created: now,
            date_updated: now,
        }
    }

    /// A parameter left out keeps its value. No `..` in the pattern, so that a parameter added to the
    /// form must be placed here.
    fn with(self, UserForm { friendly_name, attributes, role_sid }: &UserForm) -> Self {
        Self {
            friendly_name: match friendly_name.as_deref() {
                None => self.friendly_name,
                Some("") => None,
                Some(name) => Some(name.to_owned()),
            },
            attributes: attributes.clone().unwrap_or(self.attributes),
            role_sid: role_sid.unwrap_or(self.role_sid),
            ..self
        }
    }

    /// Where the service keeps no reachability, nothing is said of it; where it does, a user who never
    /// connected is off line.
    #[must_use]
    pub fn seen_from(mut self, service: &Service) -> Self {
        if service.reachability_enabled {
            self.is_online = Some(self.is_online.unwrap_or(false));
        } else {
            (self.is_online, self.is_notifiable) = (None, None);
        }
        self
    }
}

impl UserForm {
    fn is_empty(&self) -> bool {
        self.friendly_name.is_none() && self.attributes.is_none() && self.role_sid.is_none()
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl User {
    /// The root of its memberships and profile.
    pub fn root(sid: Sid<User>) -> Root {
        const KIND: RootKind = RootKind { rank: 1, lock: "SELECT sid FROM user_heads WHERE sid = $1" };
        Root::new(&KIND, *sid.as_bytes())
    }
}

impl Record for User {
    const TABLE: &'static str = "users";
    const KEY: &'static [&'static str] = &["chat_service_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, chat_service_sid, role_sid, identity, friendly_name, \
         attributes, is_online, is_notifiable, date_created, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.account_sid, &self.chat_service_sid, &self.role_sid, &self.identity,
             &self.friendly_name, &self.attributes, &self.is_online, &self.is_notifiable,
             &self.date_created, &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, chat_service_sid: row.next()?,
            role_sid: row.next()?, identity: row.next()?, friendly_name: row.next()?,
            attributes: row.next()?, is_online: row.next()?, is_notifiable: row.next()?,
            date_created: row.next()?, date_updated: row.next()?,
        })
    }
}

/// `Key::parse` has told a sid from an identity; each has its index.
const BY_SID: &str = "WHERE chat_service_sid = $1 AND sid = $2";
const BY_IDENTITY: &str = "WHERE chat_service_sid = $1 AND sid = \
     (SELECT owner FROM claims WHERE tenant = $1 AND kind = 2 AND key = $2)";
const OF_SERVICE: &str = "WHERE chat_service_sid = $1";
const INSERT_HEAD: &str = "INSERT INTO user_heads (sid, chat_service_sid, position, profile_position, \
     memberships) VALUES ($1, $2, 1, 1, 0)";
const CHANGE_PROFILE: &str = "UPDATE user_heads SET position = position + 1, \
     profile_position = position + 1 WHERE chat_service_sid = $1 AND sid = $2";
const POSITIONS: &str =
    "SELECT position, profile_position FROM user_heads WHERE chat_service_sid = $1 AND sid = $2";
const REMOVE_HEAD: &str = "DELETE FROM user_heads WHERE chat_service_sid = $1 AND sid = $2";

// Operations: one transaction each ───────────────────────────────────────────

/// The user that a sid or an identity says, of this service.
pub fn find(tx: &mut Tx<'_>, service: Sid<Service>, key: &Key<User>) -> Result<Option<User>, StoreError> {
    match key {
        Key::Sid(sid) => tx.find(BY_SID, &[&service, sid]),
        Key::Name(identity) => tx.find(BY_IDENTITY, &[&service, identity]),
    }
}

/// Where a user stands: the latest position, and that of the latest change of the profile.
pub fn positions(
    tx: &mut Tx<'_>,
    service: Sid<Service>,
    sid: Sid<User>,
) -> Result<Option<(i64, i64)>, StoreError> {
    tx.row(POSITIONS, &[&service, &sid], |row| Ok((row.next()?, row.next()?)))
}

/// The user of the path, or 404.
pub fn of_path(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<User, Failure> {
    let found = find(tx, call.service_sid, &path.key("UserSid"))?;
    Ok(found.ok_or_else(|| call.lacks(Problem::USER_NOT_FOUND))?)
}

/// The user of this identity, locked; made where the service does not know it yet.
pub fn find_or_create(
    tx: &mut Tx<'_>,
    call: &Call,
    service: &Service,
    identity: &str,
) -> Result<User, Failure> {
    let key = Key::Name(identity.to_owned());
    if let Some(user) = find(tx, service.sid, &key)? {
        tx.lock(&Roots::one(User::root(user.sid)))?;
        return Ok(user);
    }
    let user = User::new(call, service, identity.to_owned(), tx.now());
    if insert(tx, call, &user)? {
        return Ok(user);
    }
    // Somebody else made it while this transaction waited for the claim.
    let user = find(tx, service.sid, &key)?.ok_or(Problem::CONFLICTING_USER_MODIFICATION)?;
    tx.lock(&Roots::one(User::root(user.sid)))?;
    Ok(user)
}

/// The user who acts, with a head; made with this role, else with the service's own, where the service does not know
/// the identity yet. A new one gets the sid that the call has for it.
// Twilio: clients make their users by connecting, and `onUserAdded` tells of it with source SDK.
pub fn connect(tx: &mut Tx<'_>, call: &Call, role: Option<Sid<Role>>) -> Result<User, Failure> {
    let service = services::of_call(tx, call)?;
    let client = call.client().ok_or(Problem::FORBIDDEN)?;
    let key = Key::Name(client.identity.clone());
    if let Some(user) = find(tx, service.sid, &key)? {
        return Ok(user);
    }
    let form = UserForm { friendly_name: None, attributes: None, role_sid: role };
    hold_role(tx, call, &form)?;
    let made = User::new(call, &service, client.identity.clone(), tx.now()).with(&form);
    let user = User { sid: client.user_sid, ..made };
    if insert(tx, call, &user)? {
        return Ok(user);
    }
    // Somebody else made it while this transaction waited for the claim.
    Ok(find(tx, service.sid, &key)?.ok_or(Problem::CONFLICTING_USER_MODIFICATION)?)
}

/// Adds a user with its claim and its head; false where the identity is taken.
fn insert(tx: &mut Tx<'_>, call: &Call, user: &User) -> Result<bool, Failure> {
    if claims::take(tx, &Claim::identity(user.chat_service_sid, &user.identity), user.sid)?.is_some() {
        return Ok(false);
    }
    tx.append(user)?;
    tx.put(INSERT_HEAD, &[&user.sid, &user.chat_service_sid])?;
    events::of_user(tx, &call.cause(), EventType::UserAdded, user)?;
    Ok(true)
}

fn create(tx: &mut Tx<'_>, call: &Call, _: &Path, form: &CreateUser) -> Result<User, Failure> {
    let service = services::of_call(tx, call)?;
    hold_role(tx, call, &form.rest)?;
    let user = User::new(call, &service, form.identity.clone(), tx.now()).with(&form.rest);
    if !insert(tx, call, &user)? {
        return Err(Problem::USER_ALREADY_EXISTS.into());
    }
    Ok(user.seen_from(&service))
}

fn hold_role(tx: &mut Tx<'_>, call: &Call, form: &UserForm) -> Result<(), Failure> {
    if let Some(role) = form.role_sid {
        roles::hold(tx, call, role, (RoleType::Service, Problem::DEPLOYMENT_ROLE_NOT_FOUND))?;
    }
    Ok(())
}

/// What [`fetch`] reads.
fn look(call: &Call, path: &Path) -> Vec<Opening> {
    let user = match path.key::<User>("UserSid") {
        Key::Sid(sid) => Opening::of::<User>(BY_SID).with(&call.service_sid).with(&sid),
        Key::Name(identity) => Opening::of::<User>(BY_IDENTITY).with(&call.service_sid).with(&identity),
    };
    vec![services::look_of_call(call), user]
}

fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<User, Failure> {
    let service = services::of_call(tx, call)?;
    Ok(of_path(tx, call, path)?.seen_from(&service))
}

fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    _: &NoParameters,
    request: &PageRequest,
) -> Result<Page<User>, Failure> {
    services::require(tx, call)?;
    let cursor = |user: &User| Cursor { at: user.date_created.micros(), sid: *user.sid.as_bytes() };
    let mut page = list_records(tx, (OF_SERVICE, &[&call.service_sid]), &BY_CREATION, request, cursor)?;
    for user in &mut page.items {
        // Twilio: reachability is null in lists, always.
        (user.is_online, user.is_notifiable) = (None, None);
    }
    Ok(page)
}

fn update(tx: &mut Tx<'_>, call: &Call, path: &Path, form: &UserForm) -> Result<User, Failure> {
    let service = services::of_call(tx, call)?;
    let user = of_path(tx, call, path)?;
    tx.lock(&Roots::one(User::root(user.sid)))?;
    let is_own = call.client().is_some_and(|client| client.user_sid == user.sid);
    let (own, any) = (Permission::EditOwnUserInfo, Permission::EditAnyUserInfo);
    permissions::in_service(tx, call)?.require_own_or_any(is_own, own, any)?;
    if form.is_empty() {
        return Ok(user.seen_from(&service));
    }
    hold_role(tx, call, form)?;
    let user = User { date_updated: tx.now(), ..user.with(form) };
    tx.replace(&user)?;
    tell_again(tx, service.sid, user.sid)?;
    let user = user.seen_from(&service);
    events::of_user(tx, &call.cause(), EventType::UserUpdated, &user)?;
    Ok(user)
}

/// Notes that a user is connected, or is no longer. Nobody is told of it but who follows the user. Whether anything
/// has changed: where the service keeps no reachability nobody comes on line, and who was still goes off.
pub fn set_online(
    tx: &mut Tx<'_>,
    (account, service): (Sid<Account>, Sid<Service>),
    sid: Sid<User>,
    is_online: bool,
) -> Result<bool, StoreError> {
    tx.lock(&Roots::one(User::root(sid)))?;
    let Some(user) = find(tx, service, &Key::Sid(sid))? else { return Ok(false) };
    let is_kept =
        !is_online || services::find(tx, account, service)?.is_some_and(|one| one.reachability_enabled);
    if !is_kept || user.is_online.unwrap_or(false) == is_online {
        return Ok(false);
    }
    keep_reachability(tx, &User { is_online: Some(is_online), ..user })?;
    Ok(true)
}

/// Notes whether a locked user has a device that can be notified.
pub fn set_notifiable(tx: &mut Tx<'_>, user: User, is_notifiable: bool) -> Result<(), StoreError> {
    if user.is_notifiable == Some(is_notifiable) {
        return Ok(());
    }
    keep_reachability(tx, &User { is_notifiable: Some(is_notifiable), ..user })
}

fn keep_reachability(tx: &mut Tx<'_>, user: &User) -> Result<(), StoreError> {
    tx.replace(user)?;
    tell_again(tx, user.chat_service_sid, user.sid)
}

/// Tells who follows a locked user of its profile, as after a change.
pub fn tell_again(tx: &mut Tx<'_>, service: Sid<Service>, sid: Sid<User>) -> Result<(), StoreError> {
    tx.touch(User::root(sid));
    tx.put(CHANGE_PROFILE, &[&service, &sid])
}

/// Takes the user out of sight and out of its conversations; its messages stay.
fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    services::require(tx, call)?;
    let user = of_path(tx, call, path)?;
    tx.lock(&Roots::one(User::root(user.sid)))?;
    let memberships = memberships::some(tx, user.sid, MEMBERSHIPS_AT_ONCE + 1)?;
    if i64::try_from(memberships.len()).is_ok_and(|count| count <= MEMBERSHIPS_AT_ONCE) {
        participants::leave_all(tx, &call.cause(), &memberships)?;
    }
    remove(tx, &user)?;
    Ok(purges::user(tx, &call.cause(), &user)?)
}

/// Removes a user's own rows and its devices, and frees its identity.
pub fn remove(tx: &mut Tx<'_>, user: &User) -> Result<(), StoreError> {
    claims::free(tx, &Claim::identity(user.chat_service_sid, &user.identity), user.sid)?;
    tx.touch(User::root(user.sid));
    tx.put(REMOVE_HEAD, &[&user.chat_service_sid, &user.sid])?;
    bindings::remove_of(tx, user)?;
    tx.remove(user)
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Users";
    const ONE: &str = "/Users/{UserSid}";
    vec![
        Operation::list(LIST, Paged::new("users", 50), list),
        Operation::create(LIST, create),
        Operation::fetch_opening(ONE, look, fetch).for_clients(),
        Operation::update(ONE, update).for_clients(),
        Operation::delete(ONE, delete),
    ]
}
