//! Who listens: the webhooks of the account, of the service and of the conversation, all of them, each on
//! its own. They are read in the transaction of the change, so that one which has just been set, changed or
//! removed acts on the next change.

use super::{Cause, EventType};
use crate::conversation_webhooks::Webhook;
use crate::deliveries::{Subject, TargetKey};
use crate::prelude::*;
use crate::webhooks::{Method, Texts};

/// A webhook that may want to be told.
pub struct Listener {
    pub target: TargetKey,
    /// None of a flow: there is nobody to be told.
    pub url: Option<String>,
    pub method: Method,
    /// Those that it listens to; none listens to messages alone.
    filters: Option<Names>,
    /// Words that a message must have one of.
    triggers: Option<Texts>,
}

/// Names of events, as JSON text of an array. Every change reads them for everybody who may listen, and no
/// name has a letter that JSON writes in another way, so that they are looked through as they are.
#[derive(Default)]
struct Names(String);

impl Names {
    fn contain(&self, event_type: EventType) -> bool {
        self.0.split('"').any(|name| name == event_type.name())
    }
}

impl Column for Names {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        String::from_cell(cell).map(Self)
    }
}

impl Listener {
    /// A webhook of a conversation.
    pub fn of_webhook(webhook: Webhook) -> Self {
        let configuration = webhook.configuration;
        Self {
            target: TargetKey::Webhook(webhook.sid),
            url: configuration.url,
            method: configuration.method.unwrap_or(Method::Post),
            filters: configuration.filters.map(|filters| Names(filters.as_json().to_owned())),
            triggers: configuration.triggers,
        }
    }

    /// Whether it wants to be told of this.
    pub fn hears(&self, event_type: EventType, body: Option<&str>) -> bool {
        if let Some(filters) = &self.filters {
            return filters.contain(event_type);
        }
        let is_triggered =
            |triggers: &Texts| triggers.iter().any(|word| body.is_some_and(|body| has_word(body, word)));
        event_type == EventType::MessageAdded && self.triggers.as_ref().is_none_or(is_triggered)
    }
}

/// Whether a text is a keyword, or has it as a whole word; case does not matter.
// Twilio: nothing says how keywords are matched.
fn has_word(body: &str, word: &str) -> bool {
    let (body, word) = (body.to_lowercase(), word.trim().to_lowercase());
    if word.is_empty() {
        return false;
    }
    let is_edge = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    body.match_indices(&word).any(|(at, found)| {
        is_edge(body[..at].chars().next_back()) && is_edge(body[at + found.len()..].chars().next())
    })
}

// In one statement: most changes find one listener or none.
const ALL: &str = "SELECT 1, account_sid, method, filters, post_webhook_url, NULL \
     FROM account_webhooks WHERE account_sid = $1 AND post_webhook_url IS NOT NULL \
     UNION ALL SELECT 2, chat_service_sid, method, filters, post_webhook_url, NULL \
     FROM service_webhooks WHERE account_sid = $1 AND chat_service_sid = $2 AND post_webhook_url IS NOT NULL \
     UNION ALL SELECT 3, sid, method, filters, url, triggers \
     FROM conversation_webhooks WHERE conversation_sid = $3";

/// All that there are for this subject.
pub fn of(tx: &mut Tx<'_>, cause: &Cause<'_>, subject: Subject) -> Result<Vec<Listener>, StoreError> {
    let params: &[&dyn Value] = &[&cause.account_sid, &cause.chat_service_sid, &subject.conversation()];
    tx.rows(ALL, params, |row| {
        let (level, sid): (i64, [u8; 16]) = (row.next()?, row.next()?);
        let (method, filters): (Option<Method>, Option<Names>) = (row.next()?, row.next()?);
        let (target, filters) = match level {
            // Twilio: events that are not listed do not fire, so where nothing is listed none does.
            1 => (TargetKey::Account(Sid::from_bytes(sid)), filters.or(Some(Names::default()))),
            2 => (TargetKey::Service(Sid::from_bytes(sid)), filters.or(Some(Names::default()))),
            _ => (TargetKey::Webhook(Sid::from_bytes(sid)), filters),
        };
        let (url, triggers) = (row.next()?, row.next()?);
        Ok(Listener { target, url, method: method.unwrap_or(Method::Post), filters, triggers })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_a_whole_word_in_any_case() {
        for (body, word, expected) in [
            ("help", "HELP", true),
            ("I need help!", "help", true),
            ("helpful", "help", false),
            ("no whelp here", "help", false),
            ("please stop all now", "stop all", true),
            ("\u{c4}RGER", "\u{e4}rger", true),
            ("", "help", false),
            ("anything", " ", false),
        ] {
            assert_eq!(has_word(body, word), expected, "{word} in {body}");
        }
    }

    #[test]
    fn without_filters_a_webhook_hears_messages_and_with_keywords_only_some() {
        let listener = |triggers: Option<&[&str]>| Listener {
            target: TargetKey::Webhook(Sid::from_bytes([1; 16])),
            url: None,
            method: Method::Post,
            filters: None,
            triggers: triggers.map(|words| Texts::new(words.iter().map(|word| (*word).to_owned()).collect())),
        };
        assert!(listener(None).hears(EventType::MessageAdded, None));
        assert!(!listener(None).hears(EventType::MessageUpdated, Some("stop")));
        assert!(listener(Some(&["stop", "end"])).hears(EventType::MessageAdded, Some("the end")));
        assert!(!listener(Some(&["stop", "end"])).hears(EventType::MessageAdded, Some("the start")));
        assert!(!listener(Some(&["stop"])).hears(EventType::MessageAdded, None));
    }
}
