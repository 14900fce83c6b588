//! What webhooks are told: names and values, as Twilio's tables of each event have them. What is not set
//! is left out, dates have milliseconds, and everything is text.

use serde::Deserialize;

use super::{Cause, EventType};
use crate::conversations::Shown;
use crate::heads::State;
use crate::prelude::*;
use crate::{Message, Receipt, receipts};

/// Names and values of one event. No name stands twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    pairs: Vec<(&'static str, String)>,
}

impl Payload {
    /// With what every event tells.
    pub fn new(cause: &Cause<'_>, event_type: EventType) -> Self {
        let mut payload = Self { pairs: Vec::with_capacity(20) };
        payload.put("EventType", event_type.name());
        payload.put("AccountSid", cause.account_sid);
        payload.put("ChatServiceSid", cause.chat_service_sid);
        payload.put("Source", cause.source.name());
        payload.put_some("ClientIdentity", cause.client_identity);
        payload
    }

    /// The names and values.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs().find(|(given, _)| *given == name).map(|(_, value)| value)
    }

    /// What is told, or asked about.
    pub fn event_type(&self) -> &str {
        self.pairs().next().map_or("", |(_, name)| name)
    }

    /// As a form.
    pub fn encoded(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(512));
        form.extend_pairs(self.pairs());
        form.finish()
    }

    /// The question before the event: by its own name, without what only comes to be with the change. None
    /// where nobody is asked.
    pub fn asked(&self, event_type: EventType) -> Option<Self> {
        let name = event_type.pre_name()?;
        let comes_to_be: &[&str] = match event_type {
            EventType::ConversationAdded => &["ConversationSid", "DateCreated", "DateUpdated"],
            EventType::MessageAdded => &["MessageSid", "MessagingServiceSid", "Index", "DateCreated"],
            EventType::ParticipantAdded => &["ParticipantSid", "DateCreated"],
            EventType::ParticipantUpdated => &["LastReadMessageIndex"],
            EventType::UserUpdated => &["DateCreated", "isOnline", "isNotifiable"],
            _ => &["DateRemoved"],
        };
        let kept = self.pairs.iter().filter(|(name, _)| !comes_to_be.contains(name));
        let renamed = kept.map(|(key, value)| match *key {
            "EventType" => (*key, name.to_owned()),
            _ => (*key, value.clone()),
        });
        Some(Self { pairs: renamed.collect() })
    }

    #[expect(clippy::needless_pass_by_value, reason = "sids and numbers are given as they are")]
    pub(crate) fn put(&mut self, name: &'static str, value: impl ToString) {
        self.pairs.push((name, value.to_string()));
    }

    pub(super) fn put_some(&mut self, name: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn put_date(&mut self, name: &'static str, at: Timestamp) {
        self.put(name, at.milliseconds());
    }

    pub(super) fn conversation(&mut self, event_type: EventType, shown: &Shown, now: Timestamp) {
        let Shown { conversation, head } = shown;
        self.put("ConversationSid", conversation.sid);
        self.put_some("FriendlyName", conversation.friendly_name.as_ref());
        self.put_some("UniqueName", conversation.unique_name.as_ref());
        self.put("Attributes", conversation.attributes.as_str());
        self.put_some("MessagingServiceSid", conversation.messaging_service_sid);
        self.put("State", head.state.name());
        self.put_date("DateCreated", conversation.date_created);
        self.put_date("DateUpdated", conversation.date_updated);
        if event_type == EventType::ConversationRemoved {
            self.put_date("DateRemoved", now);
        }
    }

    pub(super) fn state(&mut self, conversation: &Conversation, (from, to): (State, State), now: Timestamp) {
        self.put("ConversationSid", conversation.sid);
        self.put_date("StateUpdated", now);
        self.put("StateFrom", from.name());
        self.put("StateTo", to.name());
        self.put_some("MessagingServiceSid", conversation.messaging_service_sid);
    }

    pub(super) fn message(&mut self, event_type: EventType, message: &Message, now: Timestamp) {
        self.put("ConversationSid", message.conversation_sid);
        self.put("MessageSid", message.sid);
        self.put("Index", message.key.index());
        self.put_date("DateCreated", message.date_created);
        if event_type != EventType::MessageAdded {
            self.put_date("DateUpdated", message.date_updated);
        }
        if event_type == EventType::MessageRemoved {
            self.put_date("DateRemoved", now);
        }
        self.put_some("Body", message.body.as_ref());
        self.put("Author", &message.author);
        self.put_some("ParticipantSid", message.participant_sid);
        self.put("Attributes", message.attributes.as_str());
        self.put_some("Media", message.media.as_deref().and_then(media));
    }

    pub(super) fn participant(&mut self, event_type: EventType, participant: &Participant, now: Timestamp) {
        self.put("ConversationSid", participant.conversation_sid);
        self.put("ParticipantSid", participant.sid);
        self.put_some("Identity", participant.identity.as_ref());
        self.put_some("RoleSid", participant.role_sid);
        self.put("Attributes", participant.attributes.as_str());
        match &participant.binding {
            Some(binding) => {
                self.put_some("MessagingBinding.ProxyAddress", binding.proxy_address.as_ref());
                self.put_some("MessagingBinding.Address", binding.address.as_ref());
                self.put_some("MessagingBinding.ProjectedAddress", binding.projected_address.as_ref());
                self.put("MessagingBinding.Type", &binding.kind);
            }
            None => self.put("MessagingBinding.Type", "chat"),
        }
        self.put_date("DateCreated", participant.date_created);
        if event_type != EventType::ParticipantAdded {
            self.put_date("DateUpdated", participant.date_updated);
        }
        match event_type {
            EventType::ParticipantUpdated => {
                self.put_some("LastReadMessageIndex", participant.last_read_message_index);
            }
            EventType::ParticipantRemoved => self.put_date("DateRemoved", now),
            _ => {}
        }
    }

    pub(super) fn user(&mut self, event_type: EventType, user: &User) {
        self.put("UserSid", user.sid);
        self.put("Identity", &user.identity);
        self.put("RoleSid", user.role_sid);
        self.put("Attributes", user.attributes.as_str());
        self.put_some("FriendlyName", user.friendly_name.as_ref());
        self.put_date("DateCreated", user.date_created);
        if event_type == EventType::UserUpdated {
            self.put_date("DateUpdated", user.date_updated);
            // Twilio: the names of these two begin in lower case.
            self.put_some("isOnline", user.is_online);
            self.put_some("isNotifiable", user.is_notifiable);
        }
    }

    pub(super) fn receipt(&mut self, receipt: &Receipt) {
        self.put("ConversationSid", receipt.conversation_sid);
        self.put("MessageSid", receipt.message_sid);
        self.put("DeliveryReceiptSid", receipt.sid);
        self.put_some("ChannelMessageSid", receipt.channel_message_sid.as_ref());
        self.put("ParticipantSid", receipt.participant_sid);
        self.put_some("Status", receipt.status.map(receipts::Status::name));
        self.put_some("ErrorCode", receipt.error_code);
        self.put_date("DateCreated", receipt.date_created);
        self.put_date("DateUpdated", receipt.date_updated);
    }
}

/// What a message carries, with the names that webhooks have for it.
// Twilio: here the keys begin in upper case.
fn media(stored: &str) -> Option<String> {
    #[derive(Deserialize, Serialize)]
    #[serde(rename_all(serialize = "PascalCase"))]
    struct Item {
        sid: String,
        #[serde(default)]
        content_type: Option<String>,
        #[serde(default)]
        filename: Option<String>,
        #[serde(default)]
        size: Option<i64>,
    }
    let items: Vec<Item> = serde_json::from_str(stored).ok()?;
    serde_json::to_string(&items).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RandomIds;

    /// What only a client of the SDK brings about: no door for it is open yet.
    #[test]
    fn who_acts_is_named_where_a_client_does() {
        let ids = RandomIds::default();
        let cause = Cause {
            client_identity: Some("alice"),
            ..Cause::of_server(Sid::from_bytes([1; 16]), Sid::from_bytes([2; 16]), &ids)
        };
        let payload = Payload::new(&cause, EventType::MessageAdded);
        let names: Vec<_> = payload.pairs().map(|(name, _)| name).collect();
        assert_eq!(names, ["EventType", "AccountSid", "ChatServiceSid", "Source", "ClientIdentity"]);
        assert_eq!(payload.pairs().last(), Some(("ClientIdentity", "alice")));
    }

    #[test]
    fn a_form_tells_blanks_and_other_letters_apart() {
        let mut payload = Payload::default();
        payload.put("Body", " a+b & c=\u{e9} ");
        payload.put("Empty", "");
        assert_eq!(payload.encoded(), "Body=+a%2Bb+%26+c%3D%C3%A9+&Empty=");
    }
}
