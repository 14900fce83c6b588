//! The resources, with the names of their members and parameters, in the order of the code's own files.

mod configurations;
mod conversations;
mod push;
mod services;

use ::conversations::Operation;

use super::kind::Kind::{Absent, Json, Nullable, OneOf, Sid, Text, Time, WholeSecond, Words};
use super::kind::{Kind, Member};
use super::resource::Resource;

/// The resource that an operation is of. None where nobody has described it yet, which a test does not let
/// pass.
pub fn of(operation: &Operation) -> Option<&'static Resource> {
    let is_there = |resource: &&Resource| {
        resource.mount == operation.mount && resource.paths.contains(&operation.template)
    };
    all().find(is_there)
}

/// Every resource.
pub fn all() -> impl Iterator<Item = &'static Resource> {
    [conversations::ALL, services::ALL, configurations::ALL, push::ALL].into_iter().flatten()
}

/// The names of the parameters in paths, and what stands there: a sid, or a name too.
pub const PATH_PARAMETERS: &[(&str, Kind, &str)] = &[
    ("ChatServiceSid", Sid("IS"), "The service's sid."),
    ("ServiceSid", Sid("IS"), "The service's sid."),
    ("ConversationSid", Words, "The conversation's sid or unique name."),
    ("ParticipantSid", Words, "The participant's sid or identity."),
    ("MessageSid", Sid("IM"), "The message's sid."),
    ("ReceiptSid", Sid("DY"), "The receipt's sid."),
    ("WebhookSid", Sid("WH"), "The webhook's sid."),
    ("UserSid", Words, "The user's sid or identity."),
    ("RoleSid", Sid("RL"), "The role's sid."),
    ("BindingSid", Sid("BS"), "The binding's sid."),
    ("CredentialSid", Sid("CR"), "The credential's sid."),
    ("AddressSid", Words, "The address configuration's sid, or its address."),
];

// What several have, once ────────────────────────────────────────────────────

const SID_OF_ACCOUNT: Member = ("account_sid", Sid("AC"));
const SID_OF_SERVICE: Member = ("chat_service_sid", Sid("IS"));
const SID_OF_CONVERSATION: Member = ("conversation_sid", Sid("CH"));
const ATTRIBUTES: Member = ("attributes", Words);
const DATE_CREATED: Member = ("date_created", WholeSecond);
const DATE_UPDATED: Member = ("date_updated", WholeSecond);
const WORDS_OR_NULL: Kind = Nullable(&Words);

const DATES: &[Member] = &[("DateCreated", Time), ("DateUpdated", Time)];
const NAME_OF_FRIENDS: Member = ("FriendlyName", Text(256));
/// Of conversations and users; elsewhere they are shorter.
const LONG_ATTRIBUTES: Member = ("Attributes", Json(16 * 1024));
const SHORT_ATTRIBUTES: Member = ("Attributes", Json(4 * 1024));

const STATE: Kind = OneOf(&[&["active", "inactive", "closed", "initializing"]]);
const TIMERS: Kind =
    Kind::Object(&[("date_inactive", Absent(&WholeSecond)), ("date_closed", Absent(&WholeSecond))]);
const LOWER_METHOD: Kind = OneOf(&[&["get", "post"]]);
const UPPER_METHOD: Kind = OneOf(&[&["GET", "POST"]]);
