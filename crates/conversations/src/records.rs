//! Every record of the store, for the tests that hold for all of them.

use store::Record;

use crate::{
    account_webhooks, accounts, address_configurations, api_keys, bindings, content_templates,
    conversation_webhooks, conversations, event_streams, events, idempotency, media, memberships, messages,
    participants, push_credentials, receipts, roles, service_notifications, service_webhooks, services,
    users,
};

/// Somebody who wants to see every record's type.
pub trait Visitor {
    /// Sees one.
    fn visit<R: Record>(&mut self);
}

/// Shows every record. The head of a conversation is none: its number is the database's to give.
pub fn each_record(visitor: &mut impl Visitor) {
    visitor.visit::<accounts::Account>();
    visitor.visit::<api_keys::ApiKey>();
    visitor.visit::<services::Service>();
    visitor.visit::<roles::Stored>();
    visitor.visit::<users::User>();
    visitor.visit::<conversations::Conversation>();
    visitor.visit::<participants::Participant>();
    visitor.visit::<memberships::Membership>();
    visitor.visit::<messages::Message>();
    visitor.visit::<receipts::Receipt>();
    visitor.visit::<idempotency::IdempotencyKey>();
    visitor.visit::<account_webhooks::AccountWebhooks>();
    visitor.visit::<service_webhooks::ServiceWebhooks>();
    visitor.visit::<service_notifications::ServiceNotifications>();
    visitor.visit::<conversation_webhooks::Webhook>();
    visitor.visit::<push_credentials::PushCredential>();
    visitor.visit::<bindings::Binding>();
    visitor.visit::<events::Event>();
    visitor.visit::<address_configurations::AddressConfiguration>();
    visitor.visit::<content_templates::ContentTemplate>();
    visitor.visit::<media::Media>();
    visitor.visit::<event_streams::Sink>();
    visitor.visit::<event_streams::Subscription>();
    visitor.visit::<event_streams::subscribed_events::SubscribedEvent>();
}
