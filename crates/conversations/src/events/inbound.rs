//! What is told of a conversation that an incoming message brings about, besides what is told of every one.
//!
//! Channels do not bring any in yet; what they will have to say has its names here, beside all the others.

use super::{EventType, Payload};
use crate::Message;

/// An incoming message that no conversation takes, so that one is made for it.
#[derive(Clone, Debug)]
pub struct Inbound<'a> {
    /// The number of ours that it came to; none in a group.
    pub proxy_address: Option<&'a str>,
    /// Who sent it; in a group everybody but the sender whom it came to.
    pub addresses: &'a [&'a str],
    /// The number of ours in a group.
    pub projected_address: Option<&'a str>,
    /// Who sent it, in a group.
    pub author_address: Option<&'a str>,
    /// The message as it will be, once there is a conversation for it.
    pub message: &'a Message,
}

impl Payload {
    /// Adds where the message came from, for `onConversationAdded` and the question before it.
    pub fn bound(&mut self, inbound: &Inbound<'_>) {
        let Inbound { proxy_address, addresses, projected_address, author_address, message: _ } = inbound;
        self.put_some("MessagingBinding.ProxyAddress", *proxy_address);
        // Twilio: of a group it is a list in brackets; nobody says how its members are divided.
        let address = match (author_address, addresses) {
            (None, [address]) => (*address).to_owned(),
            _ => format!("[{}]", addresses.join(", ")),
        };
        self.put("MessagingBinding.Address", address);
        self.put_some("MessagingBinding.ProjectedAddress", *projected_address);
        self.put_some("MessagingBinding.AuthorAddress", *author_address);
    }

    /// The question whether the conversation may be made, which shows what was said. None for any other event.
    pub fn asked_with(&self, event_type: EventType, inbound: &Inbound<'_>) -> Option<Self> {
        if event_type != EventType::ConversationAdded {
            return None;
        }
        let mut asked = self.asked(event_type)?;
        asked.put_some("MessageBody", inbound.message.body.as_ref());
        asked.put_some("Media", inbound.message.media.as_deref().and_then(super::payload::media));
        Some(asked)
    }
}

#[cfg(test)]
mod tests {
    use wire::{Attributes, Sid, Timestamp};

    use super::*;
    use crate::conversations::Shown;
    use crate::events::Cause;
    use crate::heads::Head;
    use crate::ids::RandomIds;
    use crate::messages::MessageKey;
    use crate::{Conversation, Source};

    const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    fn conversation() -> Shown {
        let (sid, service) = (Sid::from_bytes([3; 16]), Sid::from_bytes([2; 16]));
        let conversation = Conversation {
            sid,
            account_sid: Sid::from_bytes([1; 16]),
            chat_service_sid: service,
            messaging_service_sid: Some(Sid::from_bytes([4; 16])),
            friendly_name: None,
            unique_name: None,
            attributes: Attributes::default(),
            bindings: "{}".to_owned(),
            created_by: "system".to_owned(),
            date_created: NOW,
            date_updated: NOW,
            state_updated: None,
        };
        Shown { conversation, head: Head::new(service, sid, NOW) }
    }

    fn message() -> Message {
        Message {
            key: MessageKey::new(1, 0),
            sid: Sid::from_bytes([5; 16]),
            conversation_sid: Sid::from_bytes([3; 16]),
            author: "+15551".to_owned(),
            participant_sid: None,
            body: Some("Hello".to_owned()),
            subject: None,
            attributes: Attributes::default(),
            media: Some(
                r#"[{"sid":"ME1","size":4,"content_type":"image/png","filename":"a.png"}]"#.to_owned(),
            ),
            content_sid: None,
            delivery: None,
            last_updated_by: None,
            date_created: NOW,
            date_updated: NOW,
            position_added: 1,
            position_changed: None,
        }
    }

    /// The event, and the question before it.
    fn told(inbound: &Inbound<'_>) -> (Payload, Payload) {
        let ids = RandomIds::default();
        let cause = Cause::of_server(Sid::from_bytes([1; 16]), Sid::from_bytes([2; 16]), &ids);
        let mut payload = Payload::new(&Cause { source: Source::Api, ..cause }, EventType::ConversationAdded);
        payload.conversation(EventType::ConversationAdded, &conversation(), NOW);
        payload.bound(inbound);
        let asked = payload.asked_with(EventType::ConversationAdded, inbound).expect("it is asked about");
        (payload, asked)
    }

    fn names(payload: &Payload) -> Vec<&str> {
        payload.pairs().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_conversation_that_a_message_brings_about_tells_where_it_came_from() {
        let message = message();
        let (added, add) = told(&Inbound {
            proxy_address: Some("+15559"),
            addresses: &["+15551"],
            projected_address: None,
            author_address: None,
            message: &message,
        });
        assert_eq!(add.event_type(), "onConversationAdd");
        for payload in [&added, &add] {
            assert_eq!(payload.get("MessagingBinding.ProxyAddress"), Some("+15559"));
            assert_eq!(payload.get("MessagingBinding.Address"), Some("+15551"));
        }
        for name in ["MessageBody", "Media"] {
            assert!(names(&add).contains(&name) && !names(&added).contains(&name), "{name}");
        }
        for name in ["ConversationSid", "DateCreated", "DateUpdated"] {
            assert!(names(&added).contains(&name) && !names(&add).contains(&name), "{name}");
        }
        assert_eq!(add.get("MessageBody"), Some("Hello"));
        let media = r#"[{"Sid":"ME1","ContentType":"image/png","Filename":"a.png","Size":4}]"#;
        assert_eq!(add.get("Media"), Some(media));
        assert!(
            added
                .asked_with(
                    EventType::MessageAdded,
                    &Inbound {
                        proxy_address: None,
                        addresses: &[],
                        projected_address: None,
                        author_address: None,
                        message: &message,
                    }
                )
                .is_none()
        );
    }

    #[test]
    fn a_group_tells_its_members_and_who_of_them_wrote() {
        let (added, _) = told(&Inbound {
            proxy_address: None,
            addresses: &["+15552", "+15553"],
            projected_address: Some("+15559"),
            author_address: Some("+15551"),
            message: &message(),
        });
        assert_eq!(added.get("MessagingBinding.Address"), Some("[+15552, +15553]"));
        assert_eq!(added.get("MessagingBinding.ProjectedAddress"), Some("+15559"));
        assert_eq!(added.get("MessagingBinding.AuthorAddress"), Some("+15551"));
        assert_eq!(added.get("MessagingBinding.ProxyAddress"), None);
    }
}
