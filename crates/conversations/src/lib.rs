//! The product: one file per resource, each the whole story of that resource.
//!
//! A resource file has a fixed order of sections: Record, Form parameters, Rules (pure), Storage,
//! Operations (one transaction each), and the operations' places in the table. Nothing here knows
//! HTTP, an executor or another node: a door brings a [`Call`], finds an [`Operation`], and runs its
//! [`Work`] on the store.
//!
//! What hangs together is locked together. The head of a conversation is the root of its messages,
//! participants and receipts; the head of a user is the root of its memberships and profile; a role
//! is the root of its uses. Every change takes the next position of its root, so that the order of
//! positions is the order of commits.

mod call;
mod claims;
mod failure;
mod ids;
mod known_users;
mod locate;
mod operation;
mod owned;
mod paging;
mod prelude;
mod records;
mod resource;
mod vault;

pub mod account_configuration;
pub mod account_webhooks;
pub mod accounts;
pub mod address_configurations;
pub mod api_keys;
pub mod bindings;
pub mod clocks;
pub mod content_templates;
pub mod conversation_webhooks;
pub mod conversation_with_participants;
pub mod conversations;
pub mod credentials;
pub mod deliveries;
pub mod event_streams;
pub mod events;
pub mod heads;
pub mod idempotency;
pub mod media;
pub mod memberships;
pub mod message_recipients;
pub mod messages;
pub mod participant_conversations;
pub mod participants;
pub mod permissions;
pub mod presences;
pub mod probe;
pub mod purges;
pub mod push_credentials;
pub mod receipts;
pub mod roles;
pub mod seeded_ids;
pub mod service_configuration;
pub mod service_notifications;
pub mod service_webhooks;
pub mod services;
pub mod sync;
pub mod takeover;
pub mod timers;
pub mod tombstones;
pub mod typings;
pub mod user_conversations;
pub mod users;
pub mod webhooks;

use store::Migration;

pub use accounts::Account;
pub use api_keys::ApiKey;
pub use call::{Actor, Call, Client, Limits, Scope, Source};
pub use content_templates::ContentTemplate;
pub use conversations::Conversation;
pub use failure::Failure;
pub use ids::{Asker, Ids, RandomIds, hex};
pub use known_users::{Guess, KnownUsers};
pub use locate::locate;
pub use media::Media;
pub use messages::Message;
pub use operation::{Answer, FromForm, Mount, Operation, Paged, Path, Verb, Work, WriteWork};
pub use owned::{Owned, parse_messaging_services, parse_senders};
pub use paging::Page;
pub use participants::Participant;
pub use permissions::Permission;
pub use receipts::Receipt;
pub use records::{Visitor, each_record};
pub use resource::{Links, Members, Resource};
pub use roles::Role;
pub use seeded_ids::SeededIds;
pub use services::Service;
pub use users::User;
pub use vault::Vault;

/// Every change of the database's shape, in order. One that has been released is never edited.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_foundation", sql: include_str!("../migrations/0001_foundation.sql") },
    Migration { name: "0002_webhooks", sql: include_str!("../migrations/0002_webhooks.sql") },
    Migration { name: "0003_lookup", sql: include_str!("../migrations/0003_lookup.sql") },
    Migration {
        name: "0004_credentials_bindings_addresses",
        sql: include_str!("../migrations/0004_credentials_bindings_addresses.sql"),
    },
    Migration { name: "0005_timers", sql: include_str!("../migrations/0005_timers.sql") },
    Migration { name: "0006_accounts", sql: include_str!("../migrations/0006_accounts.sql") },
    Migration { name: "0007_idempotency", sql: include_str!("../migrations/0007_idempotency.sql") },
    Migration { name: "0008_media", sql: include_str!("../migrations/0008_media.sql") },
    Migration {
        name: "0009_content_templates",
        sql: include_str!("../migrations/0009_content_templates.sql"),
    },
    Migration { name: "0011_deliveries", sql: include_str!("../migrations/0011_deliveries.sql") },
    Migration { name: "0012_replays", sql: include_str!("../migrations/0012_replays.sql") },
    Migration { name: "0013_event_streams", sql: include_str!("../migrations/0013_event_streams.sql") },
    Migration { name: "0014_told_and_asked", sql: include_str!("../migrations/0014_told_and_asked.sql") },
    Migration { name: "0016_presences", sql: include_str!("../migrations/0016_presences.sql") },
    Migration { name: "0017_edits", sql: include_str!("../migrations/0017_edits.sql") },
    Migration { name: "0018_typings", sql: include_str!("../migrations/0018_typings.sql") },
    Migration { name: "0019_activity", sql: include_str!("../migrations/0019_activity.sql") },
];

/// The table of operations: all that is served of the API.
pub fn operations() -> Vec<Operation> {
    [
        conversations::operations(),
        participants::operations(),
        messages::operations(),
        receipts::operations(),
        conversation_with_participants::operations(),
        participant_conversations::operations(),
        users::operations(),
        user_conversations::operations(),
        roles::operations(),
        services::operations(),
        service_configuration::operations(),
        service_notifications::operations(),
        service_webhooks::operations(),
        account_configuration::operations(),
        account_webhooks::operations(),
        conversation_webhooks::operations(),
        push_credentials::operations(),
        bindings::operations(),
        address_configurations::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What users of the client SDK may ask for: those of [`operations`] that are open to them, and what REST does not
/// have.
pub fn client_operations() -> Vec<Operation> {
    let besides = message_recipients::operations().into_iter().chain(messages::client_operations());
    operations().into_iter().filter(|operation| operation.is_for_clients).chain(besides).collect()
}
