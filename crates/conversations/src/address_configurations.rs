//! Address configurations: what a message does that reaches one of the account's addresses from somebody
//! without a conversation there. They belong to the account; an address has at most one.

use wire::proxy_channel_of;

mod auto_creation;

use crate::accounts;
use crate::claims::{self, Claim};
use crate::prelude::*;
use crate::services;

pub use auto_creation::{AutoCreation, AutoCreationForm, AutoCreationType};

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns.
#[derive(Clone, Debug, Serialize)]
pub struct AddressConfiguration {
    pub sid: Sid<AddressConfiguration>,
    pub account_sid: Sid<Account>,
    #[serde(rename = "type")]
    pub address_type: AddressType,
    pub address: String,
    pub friendly_name: Option<String>,
    pub address_country: Option<String>,
    pub auto_creation: AutoCreation,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

/// What an address is said to be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressType {
    Sms,
    Whatsapp,
    Messenger,
    Gbm,
    Email,
    Rcs,
    Apple,
    Chat,
}

impl Prefix for AddressConfiguration {
    const PREFIX: &'static str = "IG";
}

impl Resource for AddressConfiguration {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Configuration/Addresses/{}", self.sid))
    }
}

// Form parameters ────────────────────────────────────────────────────────────

pub struct CreateAddressConfiguration {
    address_type: AddressType,
    address: String,
    friendly_name: Option<String>,
    address_country: Option<String>,
    auto_creation: AutoCreation,
}

impl FromForm for CreateAddressConfiguration {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let address_type = form.required("Type", Problem::invalid_parameter("Type"))?;
        let address_type = AddressType::parse(address_type)?;
        let address = form.required("Address", Problem::invalid_parameter("Address"))?;
        Ok(Self {
            address_type,
            address: parse_address(call, address, address_type)?,
            friendly_name: friendly_name(call, form)?,
            address_country: form.get("AddressCountry").map(parse_country).transpose()?,
            auto_creation: AutoCreation::default().with(&AutoCreationForm::from_form(call, form)?)?,
        })
    }
}

/// Type, address and country are fixed.
pub struct UpdateAddressConfiguration {
    friendly_name: Option<String>,
    auto_creation: AutoCreationForm,
}

impl FromForm for UpdateAddressConfiguration {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let auto_creation = AutoCreationForm::from_form(call, form)?;
        Ok(Self { friendly_name: friendly_name(call, form)?, auto_creation })
    }
}

/// What narrows the list.
pub struct AddressFilter {
    address_type: Option<AddressType>,
}

impl FromForm for AddressFilter {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        Ok(Self { address_type: form.get("Type").map(AddressType::parse).transpose()? })
    }
}

impl Filter for AddressFilter {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        self.address_type.iter().map(|given| ("Type", given.name().to_owned())).collect()
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

/// An empty name is none, as in all the account's other resources.
fn friendly_name(call: &Call, form: &Form) -> Result<Option<String>, Problem> {
    let name = form.text("FriendlyName", call.limits.limit(256), Problem::FRIENDLY_NAME_TOO_LONG)?;
    Ok(name.filter(|name| !name.is_empty()))
}

/// The address of some channel, or, for a chat, any text. It is not held against the type: messages are
/// found by the address alone.
// Twilio: the public description configures one business address under every type there is.
fn parse_address(call: &Call, address: &str, address_type: AddressType) -> Result<String, Problem> {
    let is_address = address_type == AddressType::Chat || proxy_channel_of(address).is_some();
    let is_sid = Sid::<AddressConfiguration>::parse(address).is_some();
    if !is_address || is_sid || address.chars().count() > call.limits.name_length() {
        return Err(Problem::invalid_parameter("Address"));
    }
    Ok(address.to_owned())
}

/// ISO 3166-1 alpha-2. Which of the pairs of letters are countries changes, so it is not asked.
fn parse_country(text: &str) -> Result<String, Problem> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(text.to_ascii_uppercase());
    }
    Err(Problem::invalid_parameter("AddressCountry"))
}

impl AddressType {
    fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Whatsapp => "whatsapp",
            Self::Messenger => "messenger",
            Self::Gbm => "gbm",
            Self::Email => "email",
            Self::Rcs => "rcs",
            Self::Apple => "apple",
            Self::Chat => "chat",
        }
    }

    fn find(text: &str) -> Option<Self> {
        let written = [Self::Sms, Self::Whatsapp, Self::Messenger, Self::Gbm];
        let others = [Self::Email, Self::Rcs, Self::Apple, Self::Chat];
        written.into_iter().chain(others).find(|known| known.name().eq_ignore_ascii_case(text))
    }

    /// In any case.
    fn parse(text: &str) -> Result<Self, Problem> {
        Self::find(text).ok_or_else(|| Problem::invalid_parameter("Type"))
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for AddressType {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.name())
    }
}

impl Column for AddressType {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Self::find(text),
            _ => None,
        }
    }
}

impl Record for AddressConfiguration {
    const TABLE: &'static str = "address_configurations";
    const KEY: &'static [&'static str] = &["account_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, address_type, address, friendly_name, address_country, \
         auto_creation_enabled, auto_creation_type, conversation_service_sid, webhook_url, webhook_method, \
         webhook_filters, studio_flow_sid, studio_retry_count, date_created, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        let AutoCreation {
            enabled, kind, conversation_service_sid, webhook_url, webhook_method, webhook_filters,
            studio_flow_sid, studio_retry_count,
        } = &self.auto_creation;
        vec![&self.sid, &self.account_sid, &self.address_type, &self.address, &self.friendly_name,
             &self.address_country, enabled, kind, conversation_service_sid, webhook_url, webhook_method,
             webhook_filters, studio_flow_sid, studio_retry_count, &self.date_created, &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, address_type: row.next()?, address: row.next()?,
            friendly_name: row.next()?, address_country: row.next()?,
            auto_creation: AutoCreation {
                enabled: row.next()?, kind: row.next()?, conversation_service_sid: row.next()?,
                webhook_url: row.next()?, webhook_method: row.next()?, webhook_filters: row.next()?,
                studio_flow_sid: row.next()?, studio_retry_count: row.next()?,
            },
            date_created: row.next()?, date_updated: row.next()?,
        })
    }
}

/// An address is looked up by its claim.
const BY_SID: &str = "WHERE account_sid = $1 AND sid = $2";
const OF_ACCOUNT: &str = "WHERE account_sid = $1";
const OF_TYPE: &str = "WHERE account_sid = $1 AND address_type = $2";

// Operations: one transaction each ───────────────────────────────────────────

/// The account's configuration that a sid or an address says.
pub fn find(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    key: &Key<AddressConfiguration>,
) -> Result<Option<AddressConfiguration>, StoreError> {
    let sid = match key {
        Key::Sid(sid) => Some(*sid),
        Key::Name(address) => claims::owner(tx, &Claim::configured_address(account, address))?,
    };
    match sid {
        Some(sid) => tx.find(BY_SID, &[&account, &sid]),
        None => Ok(None),
    }
}

/// The configuration of the path, or 404.
pub fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<AddressConfiguration, Failure> {
    find(tx, call.account_sid, &path.key("AddressSid"))?.ok_or_else(|| call.not_found().into())
}

fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    filter: &AddressFilter,
    request: &PageRequest,
) -> Result<Page<AddressConfiguration>, Failure> {
    let cursor = |configuration: &AddressConfiguration| Cursor {
        at: configuration.date_created.micros(),
        sid: *configuration.sid.as_bytes(),
    };
    let page = match &filter.address_type {
        None => list_records(tx, (OF_ACCOUNT, &[&call.account_sid]), &BY_CREATION, request, cursor),
        Some(of) => list_records(tx, (OF_TYPE, &[&call.account_sid, of]), &BY_CREATION, request, cursor),
    };
    Ok(page?)
}

fn create(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    form: &CreateAddressConfiguration,
) -> Result<AddressConfiguration, Failure> {
    let CreateAddressConfiguration { address_type, address, friendly_name, address_country, auto_creation } =
        form;
    require_service(tx, call, auto_creation.conversation_service_sid)?;
    // Of a chat it is any text, and nothing that is sent from.
    if *address_type != AddressType::Chat {
        call.owned.require_sender(address)?;
    }
    let now = tx.now();
    let configuration = AddressConfiguration {
        sid: call.new_sid(now),
        account_sid: call.account_sid,
        address_type: *address_type,
        address: address.clone(),
        friendly_name: friendly_name.clone(),
        address_country: address_country.clone(),
        auto_creation: auto_creation.clone(),
        date_created: now,
        date_updated: now,
    };
    let claim = Claim::configured_address(call.account_sid, address);
    if claims::take(tx, &claim, configuration.sid)?.is_some() {
        return Err(Problem::conflict("Address configuration already exists").into());
    }
    tx.append(&configuration)?;
    Ok(configuration)
}

/// A service that a parameter names must be the account's.
fn require_service(tx: &mut Tx<'_>, call: &Call, sid: Option<Sid<Service>>) -> Result<(), Failure> {
    let Some(sid) = sid else { return Ok(()) };
    match services::find(tx, call.account_sid, sid)? {
        Some(_) => Ok(()),
        None => Err(Problem { status: 400, ..Problem::SERVICE_NOT_FOUND }.into()),
    }
}

fn update(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    form: &UpdateAddressConfiguration,
) -> Result<AddressConfiguration, Failure> {
    let UpdateAddressConfiguration { friendly_name, auto_creation } = form;
    accounts::hold(tx, call.account_sid)?;
    let mut configuration = fetch(tx, call, path)?;
    if friendly_name.is_none() && auto_creation.is_empty() {
        return Ok(configuration);
    }
    require_service(tx, call, auto_creation.conversation_service_sid)?;
    configuration.auto_creation = configuration.auto_creation.with(auto_creation)?;
    configuration.friendly_name = friendly_name.clone().or(configuration.friendly_name);
    configuration.date_updated = tx.now();
    tx.replace(&configuration)?;
    Ok(configuration)
}

fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    accounts::hold(tx, call.account_sid)?;
    let configuration = fetch(tx, call, path)?;
    let claim = Claim::configured_address(call.account_sid, &configuration.address);
    claims::free(tx, &claim, configuration.sid)?;
    tx.remove(&configuration)?;
    Ok(())
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Configuration/Addresses";
    const ONE: &str = "/Configuration/Addresses/{AddressSid}";
    vec![
        Operation::list(LIST, Paged::new("address_configurations", 50), list).at(Mount::Account),
        Operation::create(LIST, create).at(Mount::Account),
        Operation::fetch(ONE, fetch).at(Mount::Account),
        Operation::update(ONE, update).at(Mount::Account),
        Operation::delete(ONE, delete).at(Mount::Account),
    ]
}
