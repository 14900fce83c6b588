//! Whether everything that a path names is there, from left to right.

use store::Tx;
use wire::Problem;

use crate::address_configurations::{self, AddressConfiguration};
use crate::call::Call;
use crate::event_streams::{Sink, Subscription, sinks, subscriptions};
use crate::failure::Failure;
use crate::operation::Path;
use crate::push_credentials::{self, PushCredential};
use crate::{
    Conversation, Message, Participant, Role, Service, User, conversation_webhooks, heads, memberships,
    messages, participants, permissions, roles, services, users,
};

/// The 404 that comes before any 400: asked when a form was refused before the store was looked at.
pub fn locate(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<(), Failure> {
    services::require(tx, call)?;
    if call.client().is_none() && path.find_key::<Service>("ServiceSid").is_some() {
        services::fetch(tx, call, path)?;
    }
    let mut user = None;
    if path.find_key::<User>("UserSid").is_some() {
        user = Some(users::of_path(tx, call, path)?);
    }
    if path.find_key::<Conversation>("ConversationSid").is_some() {
        let head = heads::fetch(tx, call, path)?;
        if let Some(user) = user {
            permissions::require_self(call, user.sid)?;
            memberships::find(tx, user.sid, head.sid)?
                .ok_or_else(|| call.lacks(Problem::USER_NOT_PARTICIPANT))?;
        }
        let is_within = path.find_key::<Participant>("ParticipantSid").is_some()
            || path.find_key::<Message>("MessageSid").is_some();
        if is_within {
            permissions::of_member(tx, call, head.sid)?;
        }
        if path.find_key::<Participant>("ParticipantSid").is_some() {
            participants::of_path(tx, call, path, head.sid)?;
        }
        if path.find_key::<Message>("MessageSid").is_some() {
            messages::of_path(tx, call, path, &head)?;
        }
        let is_webhook = path.find_key::<conversation_webhooks::Webhook>("WebhookSid").is_some();
        if is_webhook && call.client().is_none() {
            conversation_webhooks::of_path(tx, call, path, head.sid)?;
        }
    }
    // Nothing else is a client's, and so it does not learn whether it is there.
    if call.client().is_some() {
        return Ok(());
    }
    if path.find_key::<Role>("RoleSid").is_some() {
        roles::fetch(tx, call, path)?;
    }
    if path.find_key::<PushCredential>("CredentialSid").is_some() {
        push_credentials::fetch(tx, call, path)?;
    }
    if path.find_key::<AddressConfiguration>("AddressSid").is_some() {
        address_configurations::fetch(tx, call, path)?;
    }
    if path.find_key::<Sink>("SinkSid").is_some() {
        sinks::fetch(tx, call, path)?;
    }
    if path.find_key::<Subscription>("SubscriptionSid").is_some() {
        subscriptions::fetch(tx, call, path)?;
    }
    Ok(())
}
