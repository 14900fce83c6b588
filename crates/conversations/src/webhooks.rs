//! What all webhooks have in common, whether an account's, a service's or a conversation's: the events that
//! they listen to, and where and how they are told.

use crate::deliveries::TargetKey;
use crate::events::EVENT_TYPES;
use crate::prelude::*;

// Record ─────────────────────────────────────────────────────────────────────

/// How a webhook is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Post,
}

/// A list of texts: names of events, or keywords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    items: Vec<String>,
    /// The same as JSON.
    stored: String,
}

/// What an account and a service are configured with alike: nothing where that never happened. An event
/// that is not among the filters does not fire, so without filters none does.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Hooks {
    pub method: Option<Method>,
    pub filters: Option<Texts>,
    pub pre_webhook_url: Option<String>,
    pub post_webhook_url: Option<String>,
}

// Form parameters ────────────────────────────────────────────────────────────

/// Characters.
pub const URL_LENGTH: usize = 512;

/// The update of [`Hooks`].
pub struct HooksForm {
    method: Option<Method>,
    filters: Option<Texts>,
    /// Empty to clear.
    pre_webhook_url: Option<String>,
    /// Empty to clear.
    post_webhook_url: Option<String>,
}

impl FromForm for HooksForm {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        let url =
            |name, problem: Problem| match form.text(name, call.limits.limit(URL_LENGTH), problem.clone())? {
                Some(url) if !url.is_empty() && !is_url(&url) => Err(problem),
                url => Ok(url),
            };
        Ok(Self {
            method: parse_method(form, "Method")?,
            filters: parse_filters(form, "Filters", &EVENT_TYPES, &Problem::INVALID_WEBHOOK_FORMAT)?,
            pre_webhook_url: url("PreWebhookUrl", Problem::INVALID_PRE_WEBHOOK_URL)?,
            post_webhook_url: url("PostWebhookUrl", Problem::INVALID_POST_WEBHOOK_URL)?,
        })
    }
}

/// GET or POST, in any case.
pub fn parse_method(form: &Form, name: &str) -> Result<Option<Method>, Problem> {
    match form.get(name) {
        None => Ok(None),
        Some(method) if method.eq_ignore_ascii_case("get") => Ok(Some(Method::Get)),
        Some(method) if method.eq_ignore_ascii_case("post") => Ok(Some(Method::Post)),
        Some(_) => Err(Problem::INVALID_WEBHOOK_METHOD),
    }
}

/// The events that are given: names of `known` in any case, each once. One empty value is the empty list.
pub fn parse_filters(
    form: &Form,
    name: &str,
    known: &[&'static str],
    unknown: &Problem,
) -> Result<Option<Texts>, Problem> {
    let given: Vec<&str> = form.all(name).collect();
    if given.is_empty() {
        return Ok(None);
    }
    let mut filters = Vec::with_capacity(given.len());
    for event in given.iter().filter(|event| !event.is_empty()) {
        let event = known.iter().find(|known| known.eq_ignore_ascii_case(event)).ok_or(unknown.clone())?;
        if !filters.iter().any(|there| there == event) {
            filters.push((*event).to_owned());
        }
    }
    Ok(Some(Texts::new(filters)))
}

// Rules: pure ────────────────────────────────────────────────────────────────

/// Whether a text is the absolute address of something that is reached by HTTP. It is kept and shown as it
/// was given, so nothing in it is put right.
pub fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_sendable = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\".contains(&byte));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    is_http && is_sendable && is_place(place)
}

/// A host, a port behind it or none.
fn is_place(place: &str) -> bool {
    let bracketed = place.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (is_host, port) = if let Some((address, port)) = bracketed {
        (address.parse::<std::net::Ipv6Addr>().is_ok(), port)
    } else {
        let (host, port) = place.split_at(place.find(':').unwrap_or(place.len()));
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        (!host.is_empty() && host.bytes().all(is_part), port)
    };
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| {
            port.is_empty() || port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        });
    is_host && is_port
}

impl Method {
    /// As the API prints it, but for the webhooks of conversations.
    /// As requests have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    /// As the API prints it for the webhooks of conversations.
    // Twilio: in lower case there, in upper case elsewhere (the public description).
    pub fn lower_name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }
}

impl Texts {
    pub fn new(items: Vec<String>) -> Self {
        let stored = serde_json::to_string(&items).expect("texts are always written");
        Self { items, stored }
    }

    /// No text at all.
    pub fn none() -> Self {
        Self::new(Vec::new())
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// As JSON.
    pub fn as_json(&self) -> &str {
        &self.stored
    }

    pub fn contains(&self, text: &str) -> bool {
        self.items.iter().any(|item| item == text)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.items.iter().map(String::as_str)
    }
}

impl HooksForm {
    /// Whether an update with it changes nothing.
    pub fn is_empty(&self) -> bool {
        let Self { method, filters, pre_webhook_url, post_webhook_url } = self;
        method.is_none() && filters.is_none() && pre_webhook_url.is_none() && post_webhook_url.is_none()
    }
}

impl Hooks {
    /// A parameter left out keeps its value; the first configuration without a method says POST.
    #[must_use]
    pub fn with(self, form: &HooksForm) -> Self {
        let HooksForm { method, filters, pre_webhook_url, post_webhook_url } = form;
        let url = |given: &Option<String>, kept: Option<String>| match given {
            Some(url) => Some(url.clone()).filter(|url| !url.is_empty()),
            None => kept,
        };
        Self {
            method: method.or(self.method).or(Some(Method::Post)),
            filters: filters.clone().or(self.filters),
            pre_webhook_url: url(pre_webhook_url, self.pre_webhook_url),
            post_webhook_url: url(post_webhook_url, self.post_webhook_url),
        }
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Serialize for Texts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

impl Value for Texts {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(&self.stored)
    }
}

impl Column for Texts {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => serde_json::from_str(text).ok().map(Self::new),
            _ => None,
        }
    }
}

impl Value for Method {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.name())
    }
}

impl Column for Method {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text("GET") => Some(Self::Get),
            Cell::Text("POST") => Some(Self::Post),
            _ => None,
        }
    }
}

const ASKING: &str = "SELECT 1, method, filters, pre_webhook_url, post_webhook_url FROM account_webhooks \
     WHERE account_sid = $1 AND pre_webhook_url IS NOT NULL \
     UNION ALL SELECT 2, method, filters, pre_webhook_url, post_webhook_url FROM service_webhooks \
     WHERE account_sid = $1 AND chat_service_sid = $2 AND pre_webhook_url IS NOT NULL ORDER BY 1";

/// Those that want to be asked before something happens, and whose they are: the account's before the service's.
pub fn asking(
    tx: &mut Tx<'_>,
    account: Sid<Account>,
    service: Sid<Service>,
) -> Result<Vec<(TargetKey, Hooks)>, StoreError> {
    tx.rows(ASKING, &[&account, &service], |row| {
        let target = match row.next::<i64>()? {
            1 => TargetKey::Account(account),
            _ => TargetKey::Service(service),
        };
        Ok((target, Hooks::read(row)?))
    })
}

impl Hooks {
    /// Whether it listens to this question.
    pub fn asks(&self, event: &str) -> bool {
        self.filters.as_ref().is_some_and(|filters| filters.contains(event))
    }

    /// In the order of the fields, which is that of the columns.
    pub fn values(&self) -> [&dyn Value; 4] {
        [&self.method, &self.filters, &self.pre_webhook_url, &self.post_webhook_url]
    }

    pub fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            method: row.next()?,
            filters: row.next()?,
            pre_webhook_url: row.next()?,
            post_webhook_url: row.next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_absolute_and_of_http() {
        for url in [
            "https://example.com",
            "HTTP://example.com/a?b=c#d",
            "http://user:secret@example.com:8080/",
            "http://[::1]:80/x",
            "http://webhook_receiver:3000/",
            "https://example.com:/",
            "http://127.0.0.1?x",
            "https://example.com/#rc=2",
        ] {
            assert!(is_url(url), "{url}");
        }
        for url in [
            "",
            "example.com",
            "/relative",
            "ftp://example.com",
            "https://",
            "https:///path",
            "https://:80",
            "https://example.com:port",
            "https://example.com:65536",
            "https://exa mple.com",
            "https://example.com/a b",
            "https://example.com/\u{e9}",
            "https://[::1",
            "https://[x]/",
            "mailto:a@example.com",
            "https:example.com",
        ] {
            assert!(!is_url(url), "{url}");
        }
    }

    #[test]
    fn filters_are_known_events_each_once_in_their_own_spelling() {
        let read = |text: &str| {
            let form = Form::parse(text.as_bytes()).expect("a form");
            parse_filters(&form, "Filters", &EVENT_TYPES, &Problem::INVALID_WEBHOOK_FORMAT)
                .map(|filters| filters.map(|filters| filters.items))
        };
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("Filters="), Ok(Some(vec![])));
        let both = vec!["onMessageAdd".to_owned(), "onUserUpdated".to_owned()];
        assert_eq!(read("Filters=ONMESSAGEADD&Filters=onUserUpdated&Filters=onMessageAdd"), Ok(Some(both)));
        for event in ["onMessageSent", "onUserAdd", "message", "onMessageAdd "] {
            assert_eq!(read(&format!("Filters={event}")), Err(Problem::INVALID_WEBHOOK_FORMAT), "{event}");
        }
    }
}
