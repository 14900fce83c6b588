//! Bindings: the devices on which a user wants to be notified. The client SDKs register them; the REST
//! API lists, shows and removes them.
//!
//! The user is their root: they are registered and removed under its lock, and go with it.

use std::fmt::Write;

use serde::Serializer;

use crate::ids::Ids;
use crate::prelude::*;
use crate::push_credentials::{self, PushCredential, PushType};
use crate::{services, users};

/// A user's devices. Every installation of an app registers anew and the old one is never heard of
/// again, so beyond these the one that was silent longest goes.
const DEVICES: i64 = 50;
/// Bytes of what a push service knows a device by.
const ENDPOINT_LENGTH: usize = 4096;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns.
#[derive(Clone, Debug, Serialize)]
pub struct Binding {
    pub sid: Sid<Binding>,
    pub account_sid: Sid<Account>,
    pub chat_service_sid: Sid<Service>,
    #[serde(skip)]
    pub user_sid: Sid<User>,
    /// None for those that need none.
    pub credential_sid: Option<Sid<PushCredential>>,
    pub identity: String,
    /// What the push service knows the device by.
    pub endpoint: String,
    pub binding_type: BindingType,
    pub message_types: MessageTypes,
    pub date_created: Timestamp,
    /// When it was last registered.
    pub date_updated: Timestamp,
}

/// The way to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BindingType {
    Apn,
    Gcm,
    Fcm,
    Twilsock,
}

/// What a device is to be notified of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    NewMessage,
    AddedToConversation,
    RemovedFromConversation,
}

/// Names of message types, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTypes(String);

impl Prefix for Binding {
    const PREFIX: &'static str = "BS";
}

impl Resource for Binding {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Services/{}/Bindings/{}", self.chat_service_sid, self.sid))
    }
}

impl Serialize for MessageTypes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.lines())
    }
}

/// What a device says of itself.
#[derive(Clone, Debug)]
pub struct Registration {
    pub credential_sid: Option<Sid<PushCredential>>,
    pub endpoint: String,
    pub binding_type: BindingType,
    pub message_types: MessageTypes,
}

// Form parameters ────────────────────────────────────────────────────────────

/// What a client says of the device that it runs on: `BindingType`, `Endpoint`, and `MessageType` as often as needed,
/// of which those that there is nothing to notify of are passed over.
pub struct RegisterDevice {
    device: Device,
    message_types: MessageTypes,
}

/// A device of the user: `BindingType` and `Endpoint`.
pub struct Device {
    binding_type: BindingType,
    endpoint: String,
}

impl FromForm for Device {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        let missing = Problem::invalid_parameter("Endpoint");
        let endpoint = form.required("Endpoint", missing.clone())?;
        if endpoint.len() > ENDPOINT_LENGTH {
            return Err(missing);
        }
        let binding_type = form.get("BindingType").and_then(BindingType::parse);
        Ok(Self {
            binding_type: binding_type.ok_or(Problem::INVALID_BINDING_TYPE)?,
            endpoint: endpoint.to_owned(),
        })
    }
}

impl FromForm for RegisterDevice {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let given: Vec<_> = form.all("MessageType").filter_map(MessageType::parse).collect();
        Ok(Self { device: Device::from_form(call, form)?, message_types: MessageTypes::new(&given) })
    }
}

/// What narrows the list: of these types, and of these identities. Each may be given many times.
pub struct BindingFilter {
    types: Vec<BindingType>,
    identities: Vec<String>,
}

impl FromForm for BindingFilter {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        let mut filter = Self { types: Vec::new(), identities: Vec::new() };
        for text in form.all("BindingType") {
            let given = BindingType::parse(text).ok_or(Problem::INVALID_BINDING_TYPE)?;
            if !filter.types.contains(&given) {
                filter.types.push(given);
            }
        }
        for identity in form.all("Identity") {
            if !filter.identities.iter().any(|known| known == identity) {
                filter.identities.push(identity.to_owned());
            }
        }
        Ok(filter)
    }
}

impl Filter for BindingFilter {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let types = self.types.iter().map(|given| ("BindingType", given.name().to_owned()));
        let identities = self.identities.iter().map(|identity| ("Identity", identity.clone()));
        types.chain(identities).collect()
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl BindingType {
    fn name(self) -> &'static str {
        match self {
            Self::Apn => "apn",
            Self::Gcm => "gcm",
            Self::Fcm => "fcm",
            Self::Twilsock => "twilsock",
        }
    }

    /// In any case.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Apn, Self::Gcm, Self::Fcm, Self::Twilsock];
        all.into_iter().find(|known| known.name().eq_ignore_ascii_case(text))
    }
}

impl BindingType {
    /// Of which type the credential is that it needs, if it needs one.
    pub fn push_type(self) -> Option<PushType> {
        match self {
            Self::Apn => Some(PushType::Apn),
            Self::Gcm => Some(PushType::Gcm),
            Self::Fcm => Some(PushType::Fcm),
            Self::Twilsock => None,
        }
    }
}

impl MessageType {
    const ALL: [Self; 3] = [Self::NewMessage, Self::AddedToConversation, Self::RemovedFromConversation];

    fn name(self) -> &'static str {
        match self {
            Self::NewMessage => "new_message",
            Self::AddedToConversation => "added_to_conversation",
            Self::RemovedFromConversation => "removed_from_conversation",
        }
    }

    /// By its name, or as SDKs write it: `twilio.conversations.new_message`, `twilio.channel.new_message`.
    fn parse(text: &str) -> Option<Self> {
        let name = text.rsplit('.').next().unwrap_or_default();
        let name = match name {
            "added_to_channel" => "added_to_conversation",
            "removed_from_channel" => "removed_from_conversation",
            name => name,
        };
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

impl MessageTypes {
    /// In the order given, each once.
    pub fn new(given: &[MessageType]) -> Self {
        let mut names = Vec::new();
        for name in given.iter().map(|message_type| message_type.name()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Self(names.join("\n"))
    }
}

/// `values`, the last one repeated up to the next power of two: so a statement with a list of them has
/// few forms, however long the lists are.
fn padded<T>(values: &[T]) -> impl Iterator<Item = &T> {
    let more = values.len().next_power_of_two() - values.len();
    values.iter().chain(values.last().into_iter().cycle().take(more))
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for BindingType {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.name())
    }
}

impl Column for BindingType {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Self::parse(text),
            _ => None,
        }
    }
}

impl Value for MessageTypes {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(&self.0)
    }
}

impl Column for MessageTypes {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        String::from_cell(cell).map(Self)
    }
}

impl Record for Binding {
    const TABLE: &'static str = "bindings";
    const KEY: &'static [&'static str] = &["chat_service_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, chat_service_sid, user_sid, credential_sid, identity, \
         endpoint, binding_type, message_types, date_created, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.account_sid, &self.chat_service_sid, &self.user_sid, &self.credential_sid,
             &self.identity, &self.endpoint, &self.binding_type, &self.message_types,
             &self.date_created, &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, chat_service_sid: row.next()?,
            user_sid: row.next()?, credential_sid: row.next()?, identity: row.next()?,
            endpoint: row.next()?, binding_type: row.next()?, message_types: row.next()?,
            date_created: row.next()?, date_updated: row.next()?,
        })
    }
}

const BY_SID: &str = "WHERE chat_service_sid = $1 AND sid = $2";
const OF_SERVICE: &str = "WHERE chat_service_sid = $1";
const OF_DEVICE: &str =
    "WHERE chat_service_sid = $1 AND user_sid = $2 AND binding_type = $3 AND endpoint = $4";
const COUNT: &str = "SELECT COUNT(*) FROM bindings WHERE chat_service_sid = $1 AND user_sid = $2";
const REMOVE_SILENT: &str = "DELETE FROM bindings WHERE chat_service_sid = $1 AND sid IN \
     (SELECT sid FROM bindings WHERE chat_service_sid = $1 AND user_sid = $2 \
     ORDER BY date_updated, sid LIMIT $3)";
const REMOVE_ALL: &str = "DELETE FROM bindings WHERE chat_service_sid = $1 AND user_sid = $2";

/// Appends `AND column IN (..)` with what it binds; nothing where there are no values.
fn narrow<'a, T: Value>((sql, bound): (&mut String, &mut Vec<&'a dyn Value>), column: &str, values: &'a [T]) {
    for (place, value) in padded(values).enumerate() {
        bound.push(value);
        let number = bound.len();
        let _ =
            if place == 0 { write!(sql, " AND {column} IN (${number}") } else { write!(sql, ", ${number}") };
    }
    if !values.is_empty() {
        sql.push(')');
    }
}

// Operations: one transaction each ───────────────────────────────────────────

/// Notes a device of `user`, which the caller has found in this transaction. A device that is known
/// stays the binding that it is.
pub fn register(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    user: &User,
    Registration { credential_sid, endpoint, binding_type, message_types }: Registration,
) -> Result<Binding, StoreError> {
    tx.lock(&Roots::one(User::root(user.sid)))?;
    let now = tx.now();
    let tenant: [&dyn Value; 2] = [&user.chat_service_sid, &user.sid];
    let device: [&dyn Value; 4] = [tenant[0], tenant[1], &binding_type, &endpoint];
    if let Some(known) = tx.find::<Binding>(OF_DEVICE, &device)? {
        let binding = Binding { credential_sid, message_types, date_updated: now, ..known };
        tx.replace(&binding)?;
        return Ok(binding);
    }
    let devices = tx.row(COUNT, &tenant, one::<i64>)?.unwrap_or(0);
    if devices >= DEVICES {
        tx.put(REMOVE_SILENT, &[tenant[0], tenant[1], &(devices - DEVICES + 1)])?;
    }
    let binding = Binding {
        sid: Sid::from_bytes(ids.sid(now)),
        account_sid: user.account_sid,
        chat_service_sid: user.chat_service_sid,
        user_sid: user.sid,
        credential_sid,
        identity: user.identity.clone(),
        endpoint,
        binding_type,
        message_types,
        date_created: now,
        date_updated: now,
    };
    tx.append(&binding)?;
    Ok(binding)
}

/// Notes the device that a client runs on: as one to notify through the credential of its token, or else through the
/// only one of its type that the account has. Where neither can be it is noted all the same, without a credential.
// Twilio: the SDK asks again for ever, whatever a registration is refused with, and its caller waits as long.
pub fn register_device(
    tx: &mut Tx<'_>,
    call: &Call,
    credential_sid: Option<Sid<PushCredential>>,
    RegisterDevice { device, message_types }: &RegisterDevice,
) -> Result<Binding, Failure> {
    let user = of_client(tx, call)?;
    let Device { binding_type, endpoint } = device;
    let through = match binding_type.push_type() {
        Some(push_type) => credential(tx, call.account_sid, (credential_sid, push_type))?,
        None => None,
    };
    let registration = Registration {
        credential_sid: through,
        endpoint: endpoint.clone(),
        binding_type: *binding_type,
        message_types: message_types.clone(),
    };
    let binding = register(tx, &*call.ids, &user, registration)?;
    users::set_notifiable(tx, user, true)?;
    Ok(binding)
}

/// The credential of this type that a token names, or the only one that there is.
fn credential(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    (named, push_type): (Option<Sid<PushCredential>>, PushType),
) -> Result<Option<Sid<PushCredential>>, StoreError> {
    let named = match named {
        Some(sid) => push_credentials::find(tx, account, sid)?,
        None => None,
    };
    let fitting = match named.filter(|credential| credential.push_type == push_type) {
        Some(credential) => Some(credential),
        None => push_credentials::only(tx, account, push_type)?,
    };
    Ok(fitting.map(|credential| credential.sid))
}

/// Forgets a binding of the client's user. One that is not there, or is another's, is not found.
pub fn unregister(tx: &mut Tx<'_>, call: &Call, sid: Sid<Binding>) -> Result<(), Failure> {
    let user = of_client(tx, call)?;
    let found: Option<Binding> = tx.find(BY_SID, &[&user.chat_service_sid, &sid])?;
    let own = found.filter(|binding| binding.user_sid == user.sid).ok_or_else(|| call.not_found())?;
    Ok(forget(tx, user, &own)?)
}

/// Forgets a device of the client's user, if it is known.
pub fn unregister_device(tx: &mut Tx<'_>, call: &Call, device: &Device) -> Result<(), Failure> {
    let user = of_client(tx, call)?;
    let Device { binding_type, endpoint } = device;
    let known: &[&dyn Value] = &[&user.chat_service_sid, &user.sid, binding_type, endpoint];
    match tx.find::<Binding>(OF_DEVICE, known)? {
        Some(binding) => Ok(forget(tx, user, &binding)?),
        None => Ok(()),
    }
}

/// The client's own user, locked.
fn of_client(tx: &mut Tx<'_>, call: &Call) -> Result<User, Failure> {
    let client = call.client().ok_or(Problem::USER_NOT_AUTHORIZED)?;
    tx.lock(&Roots::one(User::root(client.user_sid)))?;
    let user = users::find(tx, call.service_sid, &Key::Sid(client.user_sid))?;
    Ok(user.ok_or(Problem::USER_NOT_FOUND)?)
}

fn forget(tx: &mut Tx<'_>, user: User, binding: &Binding) -> Result<(), StoreError> {
    tx.remove(binding)?;
    let left = tx.row(COUNT, &[&user.chat_service_sid, &user.sid], one::<i64>)?.unwrap_or(0);
    users::set_notifiable(tx, user, left > 0)
}

/// Removes those of a user that goes: never more than a user's devices.
pub fn remove_of(tx: &mut Tx<'_>, user: &User) -> Result<(), StoreError> {
    tx.put(REMOVE_ALL, &[&user.chat_service_sid, &user.sid])
}

fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Binding, Failure> {
    services::require(tx, call)?;
    let sid = path.sid::<Binding>(call, "BindingSid")?;
    tx.find(BY_SID, &[&call.service_sid, &sid])?.ok_or_else(|| call.not_found().into())
}

fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    filter: &BindingFilter,
    request: &PageRequest,
) -> Result<Page<Binding>, Failure> {
    services::require(tx, call)?;
    let mut sql = OF_SERVICE.to_owned();
    let mut bound: Vec<&dyn Value> = vec![&call.service_sid];
    narrow((&mut sql, &mut bound), "binding_type", &filter.types);
    narrow((&mut sql, &mut bound), "identity", &filter.identities);
    let cursor =
        |binding: &Binding| Cursor { at: binding.date_created.micros(), sid: *binding.sid.as_bytes() };
    Ok(list_records(tx, (&sql, &bound), &BY_CREATION, request, cursor)?)
}

fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    let binding = fetch(tx, call, path)?;
    tx.lock(&Roots::one(User::root(binding.user_sid)))?;
    match users::find(tx, call.service_sid, &Key::Sid(binding.user_sid))? {
        Some(user) => forget(tx, user, &binding)?,
        None => tx.remove(&binding)?,
    }
    Ok(())
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Bindings";
    const ONE: &str = "/Bindings/{BindingSid}";
    vec![
        Operation::list(LIST, Paged::new("bindings", 100), list).at(Mount::Service),
        Operation::fetch(ONE, fetch).at(Mount::Service),
        Operation::delete(ONE, delete).at(Mount::Service),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_values_have_few_lengths() {
        assert_eq!(padded(&[1, 2, 3, 4, 5]).copied().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 5, 5, 5]);
        assert_eq!(padded(&[1, 2]).count(), 2);
        assert_eq!(padded(&[7]).count(), 1);
        assert_eq!(padded::<i32>(&[]).count(), 0);
    }

    #[test]
    fn conditions_are_numbered_on() {
        let mut sql = OF_SERVICE.to_owned();
        let service = Sid::<Service>::from_bytes([1; 16]);
        let mut bound: Vec<&dyn Value> = vec![&service];
        narrow::<String>((&mut sql, &mut bound), "endpoint", &[]);
        narrow((&mut sql, &mut bound), "binding_type", &[BindingType::Apn]);
        let identities = ["a", "b", "c"].map(str::to_owned);
        narrow((&mut sql, &mut bound), "identity", &identities);
        assert_eq!(
            sql,
            "WHERE chat_service_sid = $1 AND binding_type IN ($2) AND identity IN ($3, $4, $5, $6)"
        );
        assert_eq!(bound.len(), 6);
    }

    #[test]
    fn message_types_stand_once() {
        let given = [MessageType::NewMessage, MessageType::AddedToConversation, MessageType::NewMessage];
        assert_eq!(MessageTypes::new(&given).0, "new_message\nadded_to_conversation");
        assert_eq!(serde_json::to_string(&MessageTypes::new(&[])).expect("text"), "[]");
    }
}
