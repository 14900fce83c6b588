//! What can happen, by the names that webhooks are configured with.

use crate::prelude::*;

/// What has happened. Most of it is also asked about before it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    ConversationAdded,
    ConversationRemoved,
    ConversationUpdated,
    ConversationStateUpdated,
    MessageAdded,
    MessageUpdated,
    MessageRemoved,
    ParticipantAdded,
    ParticipantUpdated,
    ParticipantRemoved,
    DeliveryUpdated,
    UserAdded,
    UserUpdated,
}

/// Every name that a webhook of an account or a service can be configured with.
pub const EVENT_TYPES: [&str; 23] = [
    "onConversationAdd",
    "onConversationAdded",
    "onConversationRemove",
    "onConversationRemoved",
    "onConversationStateUpdated",
    "onConversationUpdate",
    "onConversationUpdated",
    "onDeliveryUpdated",
    "onMessageAdd",
    "onMessageAdded",
    "onMessageRemove",
    "onMessageRemoved",
    "onMessageUpdate",
    "onMessageUpdated",
    "onParticipantAdd",
    "onParticipantAdded",
    "onParticipantRemove",
    "onParticipantRemoved",
    "onParticipantUpdate",
    "onParticipantUpdated",
    "onUserAdded",
    "onUserUpdate",
    "onUserUpdated",
];

impl EventType {
    pub const ALL: [Self; 13] = [
        Self::ConversationAdded,
        Self::ConversationRemoved,
        Self::ConversationUpdated,
        Self::ConversationStateUpdated,
        Self::MessageAdded,
        Self::MessageUpdated,
        Self::MessageRemoved,
        Self::ParticipantAdded,
        Self::ParticipantUpdated,
        Self::ParticipantRemoved,
        Self::DeliveryUpdated,
        Self::UserAdded,
        Self::UserUpdated,
    ];

    /// As it is told: `onMessageAdded`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConversationAdded => "onConversationAdded",
            Self::ConversationRemoved => "onConversationRemoved",
            Self::ConversationUpdated => "onConversationUpdated",
            Self::ConversationStateUpdated => "onConversationStateUpdated",
            Self::MessageAdded => "onMessageAdded",
            Self::MessageUpdated => "onMessageUpdated",
            Self::MessageRemoved => "onMessageRemoved",
            Self::ParticipantAdded => "onParticipantAdded",
            Self::ParticipantUpdated => "onParticipantUpdated",
            Self::ParticipantRemoved => "onParticipantRemoved",
            Self::DeliveryUpdated => "onDeliveryUpdated",
            Self::UserAdded => "onUserAdded",
            Self::UserUpdated => "onUserUpdated",
        }
    }

    /// As it is asked about, `onMessageAdd`; none for what cannot be prevented.
    pub fn pre_name(self) -> Option<&'static str> {
        match self {
            Self::ConversationAdded => Some("onConversationAdd"),
            Self::ConversationRemoved => Some("onConversationRemove"),
            Self::ConversationUpdated => Some("onConversationUpdate"),
            Self::MessageAdded => Some("onMessageAdd"),
            Self::MessageUpdated => Some("onMessageUpdate"),
            Self::MessageRemoved => Some("onMessageRemove"),
            Self::ParticipantAdded => Some("onParticipantAdd"),
            Self::ParticipantUpdated => Some("onParticipantUpdate"),
            Self::ParticipantRemoved => Some("onParticipantRemove"),
            Self::UserUpdated => Some("onUserUpdate"),
            Self::ConversationStateUpdated | Self::DeliveryUpdated | Self::UserAdded => None,
        }
    }

    /// The type of a name as it is told.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event_type| event_type.name() == name)
    }
}

impl Value for EventType {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.name())
    }
}

impl Column for EventType {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(name) => Self::parse(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_can_be_configured() {
        let told = EventType::ALL.into_iter().map(EventType::name);
        let mut names: Vec<_> =
            told.chain(EventType::ALL.into_iter().filter_map(EventType::pre_name)).collect();
        names.sort_unstable();
        assert_eq!(names, EVENT_TYPES);
    }
}
