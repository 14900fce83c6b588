//! What an account, a service and an address are set to, and who is told of what happens in them.

use ::conversations::events::EVENT_TYPES;
use ::conversations::{Mount, conversation_webhooks};

use super::{
    DATE_CREATED, DATE_UPDATED, LOWER_METHOD, NAME_OF_FRIENDS, SID_OF_ACCOUNT, SID_OF_SERVICE, UPPER_METHOD,
    WORDS_OR_NULL,
};
use crate::openapi::kind::Kind::{
    Absent, Address, Boolean, Country, Duration, Integer, List, Nullable, Object, OneOf, Sid, Text, Url,
    Words,
};
use crate::openapi::kind::{Kind, Member};
use crate::openapi::resource::{Form, Resource};

pub const ALL: &[Resource] = &[
    ACCOUNT,
    ACCOUNT_WEBHOOKS,
    OLD_ACCOUNT_WEBHOOKS,
    SERVICE,
    SERVICE_WEBHOOKS,
    SERVICE_NOTIFICATIONS,
    ADDRESS,
];

const ACCOUNT: Resource = Resource {
    name: "Configuration",
    about: "What new conversations of an account get where nothing is said, and its default service",
    paths: &["/Configuration"],
    mount: Mount::Account,
    members: &[
        SID_OF_ACCOUNT,
        ("default_chat_service_sid", Sid("IS")),
        ("default_messaging_service_sid", Nullable(&Sid("MG"))),
        ("default_inactive_timer", WORDS_OR_NULL),
        ("default_closed_timer", WORDS_OR_NULL),
    ],
    links: &["service", "webhooks"],
    update: Form::of(&[&[
        ("DefaultChatServiceSid", Sid("IS")),
        ("DefaultMessagingServiceSid", Sid("MG")),
        ("DefaultInactiveTimer", Duration),
        ("DefaultClosedTimer", Duration),
    ]]),
    ..Resource::MOST
};

const ACCOUNT_WEBHOOKS: Resource = Resource {
    name: "Webhooks",
    about: "Who is told of what happens in every service of an account",
    paths: &["/Configuration/Webhooks"],
    mount: Mount::Account,
    members: &[
        SID_OF_ACCOUNT,
        ("method", Nullable(&UPPER_METHOD)),
        ("filters", Nullable(&List(&EVENT))),
        ("pre_webhook_url", WORDS_OR_NULL),
        ("post_webhook_url", WORDS_OR_NULL),
        ("target", TARGET),
    ],
    update: Form::of(&[HOOKS_FORM, &[("Target", TARGET)]]),
    ..Resource::MOST
};

const TARGET: Kind = OneOf(&[&["webhook", "flex"]]);
const EVENT: Kind = OneOf(&[&EVENT_TYPES]);

const HOOKS_FORM: &[Member] =
    &[("Method", UPPER_METHOD), ("Filters", List(&EVENT)), ("PreWebhookUrl", Url), ("PostWebhookUrl", Url)];

const OLD_ACCOUNT_WEBHOOKS: Resource = Resource {
    name: "OldWebhooks",
    about: "The same at the path of older client libraries",
    paths: &["/Conversations/Webhooks"],
    is_old: true,
    ..ACCOUNT_WEBHOOKS
};

const SERVICE: Resource = Resource {
    name: "ServiceConfiguration",
    about: "The default roles of a service, and whether it knows who is online",
    paths: &["/Configuration"],
    mount: Mount::Service,
    members: &[
        SID_OF_SERVICE,
        ("default_conversation_creator_role_sid", Sid("RL")),
        ("default_conversation_role_sid", Sid("RL")),
        ("default_chat_service_role_sid", Sid("RL")),
        ("reachability_enabled", Boolean),
    ],
    links: &["notifications", "webhooks"],
    update: Form::of(&[&[
        ("DefaultConversationCreatorRoleSid", Sid("RL")),
        ("DefaultConversationRoleSid", Sid("RL")),
        ("DefaultChatServiceRoleSid", Sid("RL")),
        ("ReachabilityEnabled", Boolean),
    ]]),
    ..Resource::MOST
};

const SERVICE_WEBHOOKS: Resource = Resource {
    name: "ServiceWebhooks",
    about: "Who is told of what happens in a service",
    paths: &["/Configuration/Webhooks"],
    mount: Mount::Service,
    members: &[
        SID_OF_SERVICE,
        SID_OF_ACCOUNT,
        ("method", Nullable(&UPPER_METHOD)),
        ("filters", Nullable(&List(&EVENT))),
        ("pre_webhook_url", WORDS_OR_NULL),
        ("post_webhook_url", WORDS_OR_NULL),
    ],
    update: Form::of(&[HOOKS_FORM]),
    ..Resource::MOST
};

const SERVICE_NOTIFICATIONS: Resource = Resource {
    name: "ServiceNotifications",
    about: "What the users of a service are notified of by push, and in which words",
    paths: &["/Configuration/Notifications"],
    mount: Mount::Service,
    members: &[
        SID_OF_SERVICE,
        SID_OF_ACCOUNT,
        (
            "new_message",
            Object(&[
                ("enabled", Boolean),
                ("template", WORDS_OR_NULL),
                ("sound", WORDS_OR_NULL),
                ("badge_count_enabled", Boolean),
                ("with_media", Object(&[("enabled", Boolean), ("template", WORDS_OR_NULL)])),
            ]),
        ),
        ("added_to_conversation", NOTIFICATION),
        ("removed_from_conversation", NOTIFICATION),
        ("log_enabled", Boolean),
    ],
    update: Form::of(&[&[
        ("NewMessage.Enabled", Boolean),
        ("NewMessage.Template", TEMPLATE),
        ("NewMessage.Sound", SOUND),
        ("NewMessage.BadgeCountEnabled", Boolean),
        ("NewMessage.WithMedia.Enabled", Boolean),
        ("NewMessage.WithMedia.Template", TEMPLATE),
        ("AddedToConversation.Enabled", Boolean),
        ("AddedToConversation.Template", TEMPLATE),
        ("AddedToConversation.Sound", SOUND),
        ("RemovedFromConversation.Enabled", Boolean),
        ("RemovedFromConversation.Template", TEMPLATE),
        ("RemovedFromConversation.Sound", SOUND),
        ("LogEnabled", Boolean),
    ]]),
    ..Resource::MOST
};

const NOTIFICATION: Kind =
    Object(&[("enabled", Boolean), ("template", WORDS_OR_NULL), ("sound", WORDS_OR_NULL)]);
const TEMPLATE: Kind = Text(4096);
const SOUND: Kind = Text(256);

const ADDRESS: Resource = Resource {
    name: "AddressConfiguration",
    about: "What a message does that reaches an address of the account from somebody new",
    paths: &["/Configuration/Addresses", "/Configuration/Addresses/{AddressSid}"],
    mount: Mount::Account,
    members: &[
        ("sid", Sid("IG")),
        SID_OF_ACCOUNT,
        ("type", ADDRESS_TYPE),
        ("address", Words),
        ("friendly_name", WORDS_OR_NULL),
        ("address_country", WORDS_OR_NULL),
        (
            "auto_creation",
            Object(&[
                ("enabled", Boolean),
                ("type", AUTO_CREATION_TYPE),
                ("conversation_service_sid", Absent(&Sid("IS"))),
                ("webhook_url", Absent(&Words)),
                ("webhook_method", Absent(&UPPER_METHOD)),
                ("webhook_filters", Absent(&List(&EVENT_OF_CONVERSATION))),
                ("studio_flow_sid", Absent(&Sid("FW"))),
                ("studio_retry_count", Absent(&Integer(0, 3))),
            ]),
        ),
        DATE_CREATED,
        DATE_UPDATED,
    ],
    filter: Form::of(&[&[("Type", ADDRESS_TYPE)]]),
    create: Form {
        required: &["Type", "Address"],
        examples: &[
            "Type=sms&Address=%2B15017122661",
            "Type=sms&Address=%2B15017122661&AutoCreation.Type=webhook\
             &AutoCreation.WebhookUrl=https%3A%2F%2Fexample.com%2Fheard&AutoCreation.WebhookFilters=onMessageAdded",
            "Type=sms&Address=%2B15017122661&AutoCreation.Type=studio\
             &AutoCreation.StudioFlowSid=FW0123456789abcdef0123456789abcdef",
        ],
        ..Form::of(&[
            &[("Type", ADDRESS_TYPE), ("Address", Address), ("AddressCountry", Country)],
            ADDRESS_FORM,
        ])
    },
    update: Form::of(&[ADDRESS_FORM]),
    ..Resource::MOST
};

const ADDRESS_TYPE: Kind =
    OneOf(&[&["sms", "whatsapp", "messenger", "gbm", "email", "rcs", "apple", "chat"]]);
const AUTO_CREATION_TYPE: Kind = OneOf(&[&["webhook", "studio", "default"]]);
const EVENT_OF_CONVERSATION: Kind = OneOf(&[&conversation_webhooks::EVENTS]);

const ADDRESS_FORM: &[Member] = &[
    NAME_OF_FRIENDS,
    ("AutoCreation.Enabled", Boolean),
    ("AutoCreation.Type", AUTO_CREATION_TYPE),
    ("AutoCreation.ConversationServiceSid", Sid("IS")),
    ("AutoCreation.WebhookUrl", Url),
    ("AutoCreation.WebhookMethod", LOWER_METHOD),
    ("AutoCreation.WebhookFilters", List(&EVENT_OF_CONVERSATION)),
    ("AutoCreation.StudioFlowSid", Sid("FW")),
    ("AutoCreation.StudioRetryCount", Integer(0, 3)),
];
