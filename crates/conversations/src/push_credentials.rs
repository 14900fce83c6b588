//! Push credentials: what push notifications are sent with. They belong to the account. (What callers
//! sign in with are [`credentials`](crate::credentials).)
//!
//! Their keys go in and never come out: the row holds them sealed, no answer shows them, and only who
//! sends a notification opens them.

use serde::Serializer;

use crate::accounts;
use crate::prelude::*;
use crate::vault::Vault;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON and of the columns; what is sealed is not shown.
#[derive(Clone, Debug, Serialize)]
pub struct PushCredential {
    pub sid: Sid<PushCredential>,
    pub account_sid: Sid<Account>,
    pub friendly_name: Option<String>,
    #[serde(rename = "type")]
    pub push_type: PushType,
    #[serde(serialize_with = "as_text")]
    pub sandbox: bool,
    #[serde(skip)]
    keys: Keys<Vec<u8>>,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

/// Whose push service a credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PushType {
    Apn,
    Gcm,
    Fcm,
}

/// What a push service wants to see. Each type of credential has its own of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys<T> {
    pub certificate: Option<T>,
    pub private_key: Option<T>,
    pub api_key: Option<T>,
    pub secret: Option<T>,
}

impl Prefix for PushCredential {
    const PREFIX: &'static str = "CR";
}

impl Resource for PushCredential {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Credentials/{}", self.sid))
    }
}

/// Twilio: a text, `"True"` or `"False"`, which clients with types have stumbled over; and `"False"`, not
/// null, also where there is no sandbox (the public description's examples).
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn as_text<S: Serializer>(sandbox: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *sandbox { "True" } else { "False" })
}

// Form parameters ────────────────────────────────────────────────────────────

/// What create and update share.
struct Settings {
    friendly_name: Option<String>,
    sandbox: Option<bool>,
    keys: Keys<String>,
}

impl FromForm for Settings {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let name = form.text("FriendlyName", call.limits.limit(64), Problem::INVALID_FRIENDLY_NAME)?;
        if name.as_deref() == Some("") {
            return Err(Problem::INVALID_FRIENDLY_NAME);
        }
        let key = |name| form.get(name).filter(|key| !key.is_empty()).map(str::to_owned);
        Ok(Self {
            friendly_name: name,
            sandbox: form.boolean("Sandbox")?,
            keys: Keys {
                certificate: key("Certificate"),
                private_key: key("PrivateKey"),
                api_key: key("ApiKey"),
                secret: key("Secret"),
            },
        })
    }
}

pub struct CreatePushCredential {
    push_type: PushType,
    settings: Settings,
}

impl FromForm for CreatePushCredential {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let push_type = form.get("Type").and_then(PushType::parse);
        let push_type = push_type.ok_or_else(|| Problem::invalid_parameter("Type"))?;
        Ok(Self { push_type, settings: Settings::from_form(call, form)? })
    }
}

pub struct UpdatePushCredential {
    push_type: Option<PushType>,
    settings: Settings,
}

impl FromForm for UpdatePushCredential {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let push_type = |text| PushType::parse(text).ok_or_else(|| Problem::invalid_parameter("Type"));
        Ok(Self {
            push_type: form.get("Type").map(push_type).transpose()?,
            settings: Settings::from_form(call, form)?,
        })
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl PushType {
    /// In any case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "apn" => Some(Self::Apn),
            "gcm" => Some(Self::Gcm),
            "fcm" => Some(Self::Fcm),
            _ => None,
        }
    }
}

impl<T> Keys<T> {
    fn map<U>(&self, change: impl Fn(&T) -> U) -> Keys<U> {
        let Self { certificate, private_key, api_key, secret } = self;
        Keys {
            certificate: certificate.as_ref().map(&change),
            private_key: private_key.as_ref().map(&change),
            api_key: api_key.as_ref().map(&change),
            secret: secret.as_ref().map(&change),
        }
    }

    /// These, and `older` ones where there are none.
    fn or(self, older: Self) -> Self {
        Self {
            certificate: self.certificate.or(older.certificate),
            private_key: self.private_key.or(older.private_key),
            api_key: self.api_key.or(older.api_key),
            secret: self.secret.or(older.secret),
        }
    }

    /// Those that this type has. Others are not kept: nobody would ever ask for them.
    fn of(self, push_type: PushType) -> Self {
        let Self { certificate, private_key, api_key, secret } = self;
        let none = Self { certificate: None, private_key: None, api_key: None, secret: None };
        match push_type {
            PushType::Apn => Self { certificate, private_key, ..none },
            PushType::Gcm => Self { api_key, ..none },
            PushType::Fcm => Self { secret, ..none },
        }
    }

    fn is_empty(&self) -> bool {
        let Self { certificate, private_key, api_key, secret } = self;
        certificate.is_none() && private_key.is_none() && api_key.is_none() && secret.is_none()
    }
}

impl Settings {
    fn is_empty(&self) -> bool {
        let Self { friendly_name, sandbox, keys } = self;
        friendly_name.is_none() && sandbox.is_none() && keys.is_empty()
    }
}

impl PushCredential {
    fn new(call: &Call, push_type: PushType, now: Timestamp) -> Self {
        Self {
            sid: call.new_sid(now),
            account_sid: call.account_sid,
            friendly_name: None,
            push_type,
            sandbox: false,
            keys: Keys::default(),
            date_created: now,
            date_updated: now,
        }
    }

    /// A parameter left out keeps its value; one that the type does not have is ignored.
    fn with(
        self,
        Settings { friendly_name, sandbox, keys }: &Settings,
        seal: impl Fn(&str) -> Vec<u8>,
    ) -> Self {
        let is_apn = self.push_type == PushType::Apn;
        Self {
            friendly_name: friendly_name.clone().or(self.friendly_name),
            sandbox: is_apn && sandbox.unwrap_or(self.sandbox),
            keys: keys.map(|key| seal(key)).or(self.keys).of(self.push_type),
            ..self
        }
    }

    /// The keys, where they were stored under this master key.
    pub fn keys(&self, vault: &Vault) -> Keys<String> {
        let Keys { certificate, private_key, api_key, secret } =
            self.keys.map(|stored| vault.open(self.sid.as_bytes(), stored));
        Keys {
            certificate: certificate.flatten(),
            private_key: private_key.flatten(),
            api_key: api_key.flatten(),
            secret: secret.flatten(),
        }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Value for PushType {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(match self {
            Self::Apn => "apn",
            Self::Gcm => "gcm",
            Self::Fcm => "fcm",
        })
    }
}

impl Column for PushType {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Self::parse(text),
            _ => None,
        }
    }
}

impl Record for PushCredential {
    const TABLE: &'static str = "push_credentials";
    const KEY: &'static [&'static str] = &["account_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, friendly_name, push_type, sandbox, certificate, \
         private_key, api_key, secret, date_created, date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.account_sid, &self.friendly_name, &self.push_type, &self.sandbox,
             &self.keys.certificate, &self.keys.private_key, &self.keys.api_key, &self.keys.secret,
             &self.date_created, &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, friendly_name: row.next()?,
            push_type: row.next()?, sandbox: row.next()?,
            keys: Keys {
                certificate: row.next()?, private_key: row.next()?, api_key: row.next()?,
                secret: row.next()?,
            },
            date_created: row.next()?, date_updated: row.next()?,
        })
    }
}

const BY_SID: &str = "WHERE account_sid = $1 AND sid = $2";
const OF_ACCOUNT: &str = "WHERE account_sid = $1";
const TWO_OF_TYPE: &str = "WHERE account_sid = $1 AND push_type = $2 ORDER BY sid LIMIT 2";

// Operations: one transaction each ───────────────────────────────────────────

/// The account's credential of this sid.
pub fn find(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    sid: Sid<PushCredential>,
) -> Result<Option<PushCredential>, StoreError> {
    tx.find(BY_SID, &[&account, &sid])
}

/// The account's credential of this type, where it has one and no other.
pub fn only(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    push_type: PushType,
) -> Result<Option<PushCredential>, StoreError> {
    let mut two: Vec<PushCredential> = tx.list(TWO_OF_TYPE, &[&account, &push_type])?;
    let first = two.pop();
    Ok(first.filter(|_| two.is_empty()))
}

/// The credential of the path, or 404.
pub fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<PushCredential, Failure> {
    let sid = path.sid(call, "CredentialSid")?;
    find(tx, call.account_sid, sid)?.ok_or_else(|| call.not_found().into())
}

fn list(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    _: &NoParameters,
    request: &PageRequest,
) -> Result<Page<PushCredential>, Failure> {
    let cursor = |credential: &PushCredential| Cursor {
        at: credential.date_created.micros(),
        sid: *credential.sid.as_bytes(),
    };
    Ok(list_records(tx, (OF_ACCOUNT, &[&call.account_sid]), &BY_CREATION, request, cursor)?)
}

fn create(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    form: &CreatePushCredential,
) -> Result<PushCredential, Failure> {
    let new = PushCredential::new(call, form.push_type, tx.now());
    let sid = new.sid;
    let credential = new.with(&form.settings, |key| call.seal(sid, key));
    tx.append(&credential)?;
    Ok(credential)
}

/// The type may change; the keys of the old one go.
fn update(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    form: &UpdatePushCredential,
) -> Result<PushCredential, Failure> {
    accounts::hold(tx, call.account_sid)?;
    let mut credential = fetch(tx, call, path)?;
    if form.push_type.is_none() && form.settings.is_empty() {
        return Ok(credential);
    }
    credential.push_type = form.push_type.unwrap_or(credential.push_type);
    credential.date_updated = tx.now();
    let sid = credential.sid;
    let credential = credential.with(&form.settings, |key| call.seal(sid, key));
    tx.replace(&credential)?;
    Ok(credential)
}

/// Bindings that name the credential stay: the devices may register them again under another.
fn delete(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    accounts::hold(tx, call.account_sid)?;
    let credential = fetch(tx, call, path)?;
    tx.remove(&credential)?;
    Ok(())
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const LIST: &str = "/Credentials";
    const ONE: &str = "/Credentials/{CredentialSid}";
    vec![
        Operation::list(LIST, Paged::new("credentials", 100), list).at(Mount::Account),
        Operation::create(LIST, create).at(Mount::Account),
        Operation::fetch(ONE, fetch).at(Mount::Account),
        Operation::update(ONE, update).at(Mount::Account),
        Operation::delete(ONE, delete).at(Mount::Account),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Keys<&'static str> {
        Keys { certificate: Some("c"), private_key: Some("p"), api_key: Some("a"), secret: Some("s") }
    }

    #[test]
    fn a_type_has_its_own_keys_alone() {
        let Keys { certificate, private_key, api_key, secret } = all().of(PushType::Apn);
        assert_eq!((certificate, private_key, api_key, secret), (Some("c"), Some("p"), None, None));
        assert_eq!(all().of(PushType::Gcm), Keys { api_key: Some("a"), ..Keys::default() });
        assert_eq!(all().of(PushType::Fcm), Keys { secret: Some("s"), ..Keys::default() });
    }

    #[test]
    fn a_key_left_out_stays() {
        let given = Keys { certificate: Some("new"), ..Keys::default() };
        let keys = given.or(all().of(PushType::Apn));
        assert_eq!(keys, Keys { certificate: Some("new"), private_key: Some("p"), ..Keys::default() });
        assert!(Keys::<&str>::default().is_empty() && !keys.is_empty());
    }

    #[test]
    fn types_are_read_in_any_case() {
        assert_eq!(PushType::parse("GcM"), Some(PushType::Gcm));
        assert_eq!(PushType::parse("twilsock"), None);
    }
}
