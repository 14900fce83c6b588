//! Services, and their users and roles.

use ::conversations::Mount;
use ::conversations::roles;

use super::conversations::READ_HORIZON;
use super::{
    ATTRIBUTES, DATE_CREATED, DATE_UPDATED, LONG_ATTRIBUTES, NAME_OF_FRIENDS, SID_OF_ACCOUNT,
    SID_OF_CONVERSATION, SID_OF_SERVICE, STATE, TIMERS, WORDS_OR_NULL,
};
use crate::openapi::kind::Kind::{Boolean, Exactly, List, Nullable, OneOf, Sid, Text, Words};
use crate::openapi::kind::{Kind, Member, NUMBER};
use crate::openapi::resource::{Form, Resource};

pub const ALL: &[Resource] = &[SERVICE, USER, USER_CONVERSATION, ROLE];

const SERVICE: Resource = Resource {
    name: "Service",
    about: "The walls within an account: what is in one service is unknown in another",
    paths: &["/Services", "/Services/{ServiceSid}"],
    mount: Mount::Account,
    members: &[("sid", Sid("IS")), SID_OF_ACCOUNT, ("friendly_name", Words), DATE_CREATED, DATE_UPDATED],
    links: &[
        "conversations",
        "users",
        "roles",
        "bindings",
        "configuration",
        "participant_conversations",
        "conversation_with_participants",
    ],
    create: Form {
        required: &["FriendlyName"],
        examples: &["FriendlyName=Support"],
        ..Form::of(&[&[NAME_OF_FRIENDS]])
    },
    ..Resource::MOST
};

const USER: Resource = Resource {
    name: "User",
    about: "Somebody whom a service knows, named by an identity",
    paths: &["/Users", "/Users/{UserSid}"],
    members: &[
        ("sid", Sid("US")),
        SID_OF_ACCOUNT,
        SID_OF_SERVICE,
        ("role_sid", Sid("RL")),
        ("identity", Words),
        ("friendly_name", WORDS_OR_NULL),
        ATTRIBUTES,
        ("is_online", Nullable(&Boolean)),
        ("is_notifiable", Nullable(&Boolean)),
        DATE_CREATED,
        DATE_UPDATED,
    ],
    links: &["user_conversations"],
    create: Form {
        required: &["Identity"],
        examples: &["Identity=alice"],
        ..Form::of(&[&[("Identity", Text(256))], USER_FORM])
    },
    update: Form::of(&[USER_FORM]),
    ..Resource::MOST
};

const USER_FORM: &[Member] = &[NAME_OF_FRIENDS, LONG_ATTRIBUTES, ("RoleSid", Sid("RL"))];

const USER_CONVERSATION: Resource = Resource {
    name: "UserConversation",
    about: "A conversation of one user, with what is that user's own in it",
    paths: &["/Users/{UserSid}/Conversations", "/Users/{UserSid}/Conversations/{ConversationSid}"],
    members: &[
        SID_OF_ACCOUNT,
        SID_OF_SERVICE,
        SID_OF_CONVERSATION,
        ("unread_messages_count", Nullable(&NUMBER)),
        ("last_read_message_index", Nullable(&NUMBER)),
        ("participant_sid", Sid("MB")),
        ("user_sid", Sid("US")),
        ("friendly_name", WORDS_OR_NULL),
        ("conversation_state", STATE),
        ("timers", TIMERS),
        ATTRIBUTES,
        DATE_CREATED,
        DATE_UPDATED,
        ("created_by", Words),
        ("notification_level", NOTIFICATION_LEVEL),
        ("unique_name", WORDS_OR_NULL),
    ],
    links: &["participant", "conversation"],
    update: Form::of(&[&[("NotificationLevel", NOTIFICATION_LEVEL)], READ_HORIZON]),
    ..Resource::MOST
};

const NOTIFICATION_LEVEL: Kind = OneOf(&[&["default", "muted"]]);

const ROLE: Resource = Resource {
    name: "Role",
    about: "A named set of permissions",
    paths: &["/Roles", "/Roles/{RoleSid}"],
    members: &[
        ("sid", Sid("RL")),
        SID_OF_ACCOUNT,
        SID_OF_SERVICE,
        ("friendly_name", Words),
        ("type", ROLE_TYPE),
        ("permissions", List(&PERMISSION)),
        DATE_CREATED,
        DATE_UPDATED,
    ],
    create: Form {
        required: &["FriendlyName", "Type", "Permission"],
        examples: &[
            "FriendlyName=reader&Type=conversation&Permission=leaveConversation",
            "FriendlyName=founder&Type=service&Permission=createConversation",
        ],
        ..Form::of(&[&[("FriendlyName", Text(64)), ("Type", ROLE_TYPE), ("Permission", List(&PERMISSION))]])
    },
    update: Form {
        required: &["Permission"],
        examples: &["Permission=editOwnMessage"],
        ..Form::of(&[&[("Permission", List(&PERMISSION))]])
    },
    ..Resource::MOST
};

const ROLE_TYPE: Kind = OneOf(&[&["conversation", "service"]]);
const PERMISSION: Kind = Exactly(&[roles::OF_BOTH, roles::OF_SERVICE, roles::OF_CONVERSATION]);
