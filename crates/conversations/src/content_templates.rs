//! Content templates: texts with places for variables, which a message names by `ContentSid`.
//!
//! They are made through our own administration, in the shape of Twilio's Content API, and belong to the
//! account. A message keeps the text that it was rendered to, so a template may go at any time.

mod named;
mod text;

pub use named::NamedContent;
use serde::Deserialize;
use serde_json::value::RawValue;
use text::{Types, Variables};

use crate::ids::Ids;
use crate::prelude::*;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the columns.
#[derive(Clone, Debug)]
pub struct ContentTemplate {
    pub sid: Sid<ContentTemplate>,
    pub account_sid: Sid<Account>,
    pub friendly_name: Option<String>,
    pub language: String,
    /// JSON text of an object of texts: what stands for a variable that a message does not give.
    pub variables: String,
    /// JSON text of an object: the content in one or more types, `{"twilio/text": {"body": ".."}}`.
    pub types: String,
    pub date_created: Timestamp,
    pub date_updated: Timestamp,
}

impl Prefix for ContentTemplate {
    const PREFIX: &'static str = "HX";
}

impl Serialize for ContentTemplate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            sid: &'a Sid<ContentTemplate>,
            account_sid: &'a Sid<Account>,
            friendly_name: &'a Option<String>,
            language: &'a str,
            variables: Option<&'a RawValue>,
            types: Option<&'a RawValue>,
            date_created: &'a Timestamp,
            date_updated: &'a Timestamp,
        }
        Fields {
            sid: &self.sid,
            account_sid: &self.account_sid,
            friendly_name: &self.friendly_name,
            language: &self.language,
            variables: serde_json::from_str(&self.variables).ok(),
            types: serde_json::from_str(&self.types).ok(),
            date_created: &self.date_created,
            date_updated: &self.date_updated,
        }
        .serialize(serializer)
    }
}

// Form parameters ────────────────────────────────────────────────────────────

/// Bytes of a JSON text, in either mode.
const JSON_LENGTH: usize = 64 * 1024;
const FRIENDLY_NAME_LENGTH: usize = 256;
const LANGUAGE_LENGTH: usize = 16;

/// A new template. There is no update: what was sent is what the template said.
#[derive(Clone, Debug)]
pub struct CreateContentTemplate {
    /// Made where it is not given; one that is comes from where the template was first.
    sid: Option<Sid<ContentTemplate>>,
    friendly_name: Option<String>,
    language: String,
    variables: String,
    types: String,
}

/// The same as it is given, in a form or as JSON.
#[derive(Default, Deserialize)]
struct Given<'a> {
    sid: Option<String>,
    friendly_name: Option<String>,
    language: Option<String>,
    #[serde(borrow)]
    variables: Option<&'a RawValue>,
    #[serde(borrow)]
    types: Option<&'a RawValue>,
}

impl CreateContentTemplate {
    /// From a form, whose `Variables` and `Types` are JSON texts.
    pub fn from_form(form: &Form) -> Result<Self, Problem> {
        let text = |name| form.get(name).filter(|text| !text.is_empty());
        let json = |name| {
            let read = |text| serde_json::from_str(text).map_err(|_| Problem::invalid_parameter(name));
            text(name).map(read).transpose()
        };
        let given = Given {
            sid: text("Sid").map(str::to_owned),
            friendly_name: text("FriendlyName").map(str::to_owned),
            language: text("Language").map(str::to_owned),
            variables: json("Variables")?,
            types: json("Types")?,
        };
        Self::new(&given)
    }

    /// From the JSON object that Twilio's Content API takes, or from one that it gives: members that a new
    /// template is not made of are left out.
    pub fn from_json(body: &[u8]) -> Result<Self, Problem> {
        let not_one = |_| Problem::parameter("The body is not the JSON object of a content template");
        let given: Given<'_> = serde_json::from_slice(body).map_err(not_one)?;
        Self::new(&given)
    }

    fn new(given: &Given<'_>) -> Result<Self, Problem> {
        let Given { sid, friendly_name, language, variables, types } = given;
        let sid = sid.as_deref().map(|sid| Sid::parse(sid).ok_or_else(|| Problem::invalid_parameter("Sid")));
        let plain = |text: &str, length| text.chars().count() <= length && !text.contains('\0');
        if friendly_name.as_ref().is_some_and(|name| !plain(name, FRIENDLY_NAME_LENGTH)) {
            return Err(Problem::invalid_parameter("FriendlyName"));
        }
        let language = language.as_deref().unwrap_or("en");
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !(2..=LANGUAGE_LENGTH).contains(&language.len()) || !language.bytes().all(is_letter) {
            return Err(Problem::invalid_parameter("Language"));
        }
        let variables = variables.map_or("{}", RawValue::get);
        if variables.len() > JSON_LENGTH || Variables::parse(variables).is_none() {
            return Err(Problem::invalid_parameter("Variables"));
        }
        let types = types.map(RawValue::get).ok_or_else(|| Problem::parameter("Missing parameter Types"))?;
        if types.len() > JSON_LENGTH || !Types::parse(types).is_some_and(|types| types.are_sound()) {
            return Err(Problem::invalid_parameter("Types"));
        }
        Ok(Self {
            sid: sid.transpose()?,
            friendly_name: friendly_name.clone(),
            language: language.to_owned(),
            variables: variables.to_owned(),
            types: types.to_owned(),
        })
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Record for ContentTemplate {
    const TABLE: &'static str = "content_templates";
    const KEY: &'static [&'static str] = &["account_sid", "sid"];
    const COLUMNS: &'static str = "sid, account_sid, friendly_name, language, variables, types, date_created, \
         date_updated";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.sid, &self.account_sid, &self.friendly_name, &self.language, &self.variables, &self.types,
             &self.date_created, &self.date_updated]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.next()?, account_sid: row.next()?, friendly_name: row.next()?, language: row.next()?,
            variables: row.next()?, types: row.next()?, date_created: row.next()?, date_updated: row.next()?,
        })
    }
}

const BY_SID: &str = "WHERE account_sid = $1 AND sid = $2";
const OF_ACCOUNT: &str = "WHERE account_sid = $1";

// Operations: one transaction each ───────────────────────────────────────────

/// The account's template of this sid.
pub fn find(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    sid: Sid<ContentTemplate>,
) -> Result<Option<ContentTemplate>, StoreError> {
    tx.find(BY_SID, &[&account, &sid])
}

/// A page of the account's templates, oldest first.
pub fn list(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    request: &PageRequest,
) -> Result<Page<ContentTemplate>, StoreError> {
    let cursor = |template: &ContentTemplate| Cursor {
        at: template.date_created.micros(),
        sid: *template.sid.as_bytes(),
    };
    list_records(tx, (OF_ACCOUNT, &[&account]), &BY_CREATION, request, cursor)
}

/// Makes a template.
pub fn create(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    account: Sid<Account>,
    form: &CreateContentTemplate,
) -> Result<ContentTemplate, Failure> {
    let now = tx.now();
    let CreateContentTemplate { sid, friendly_name, language, variables, types } = form;
    let template = ContentTemplate {
        sid: sid.unwrap_or_else(|| Sid::from_bytes(ids.sid(now))),
        account_sid: account,
        friendly_name: friendly_name.clone(),
        language: language.clone(),
        variables: variables.clone(),
        types: types.clone(),
        date_created: now,
        date_updated: now,
    };
    if !tx.insert(&template)? {
        return Err(Problem::conflict("Content template already exists").into());
    }
    Ok(template)
}

/// Removes a template; false where there is none.
pub fn delete(tx: &mut Tx<'_>, account: Sid<Account>, sid: Sid<ContentTemplate>) -> Result<bool, StoreError> {
    let Some(template) = find(tx, account, sid)? else { return Ok(false) };
    tx.remove(&template)?;
    Ok(true)
}

/// The text that a message gets from the template that it names; none where the template has no text, as one
/// of media alone.
pub fn render(tx: &mut Tx<'_>, call: &Call, named: &NamedContent) -> Result<Option<String>, Failure> {
    let template = find(tx, call.account_sid, named.sid)?.ok_or(Problem::INVALID_CONTENT_SID)?;
    let types = Types::parse(&template.types).ok_or(Problem::UNSUPPORTED_CONTENT_TYPE)?;
    let defaults = Variables::parse(&template.variables).unwrap_or_default();
    let Some(text) = types.text()? else { return Ok(None) };
    let limit = call.limits.limit(text::STRICT_LENGTH).min(text::LENGTH);
    let rendered = text::rendered(&text, &[&named.variables, &defaults], limit);
    Ok(Some(rendered.ok_or(Problem::BODY_TOO_LONG)?))
}
