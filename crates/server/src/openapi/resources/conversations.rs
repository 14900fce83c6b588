//! Conversations, who takes part in them, and what is said there.

use ::conversations::conversation_webhooks;
use ::conversations::participants::LARGEST_INDEX;

use super::{
    ATTRIBUTES, DATE_CREATED, DATE_UPDATED, DATES, LONG_ATTRIBUTES, LOWER_METHOD, NAME_OF_FRIENDS,
    SHORT_ATTRIBUTES, SID_OF_ACCOUNT, SID_OF_CONVERSATION, SID_OF_SERVICE, STATE, TIMERS, WORDS_OR_NULL,
};
use crate::openapi::kind::Kind::{
    Absent, Address, AnySid, Bytes, Duration, Email, Integer, List, Nullable, Object, OneOf, Participant,
    Sid, Text, Time, Url, WholeSecond, Words,
};
use crate::openapi::kind::{Kind, Member, NUMBER};
use crate::openapi::resource::{Form, Resource};

pub const ALL: &[Resource] = &[
    CONVERSATION,
    CONVERSATION_WITH_PARTICIPANTS,
    PARTICIPANT,
    PARTICIPANT_CONVERSATION,
    MESSAGE,
    RECEIPT,
    WEBHOOK,
];

const CONVERSATION: Resource = Resource {
    name: "Conversation",
    about: "Where messages and participants are, from active over inactive to closed",
    paths: &["/Conversations", "/Conversations/{ConversationSid}"],
    members: &[
        ("sid", Sid("CH")),
        SID_OF_ACCOUNT,
        SID_OF_SERVICE,
        ("messaging_service_sid", Nullable(&Sid("MG"))),
        ("friendly_name", WORDS_OR_NULL),
        ("unique_name", WORDS_OR_NULL),
        ATTRIBUTES,
        DATE_CREATED,
        DATE_UPDATED,
        ("state", STATE),
        ("timers", TIMERS),
        ("bindings", Object(&[("email", Absent(&EMAIL))])),
    ],
    links: &["participants", "messages", "webhooks", "export"],
    filter: Form::of(&[&[
        ("State", OneOf(&[&["active", "inactive", "closed"]])),
        ("StartDate", Time),
        ("EndDate", Time),
    ]]),
    create: Form::of(&[CONVERSATION_FORM, DATES]),
    update: Form::of(&[CONVERSATION_FORM, DATES]),
    ..Resource::MOST
};

const EMAIL: Kind = Object(&[("projected_address", Absent(&Words)), ("name", Absent(&Words))]);

const CONVERSATION_FORM: &[Member] = &[
    NAME_OF_FRIENDS,
    ("UniqueName", Text(256)),
    ("MessagingServiceSid", Sid("MG")),
    LONG_ATTRIBUTES,
    ("State", OneOf(&[&["active", "inactive", "closed"]])),
    ("Timers.Inactive", Duration),
    ("Timers.Closed", Duration),
    ("Bindings.Email.Address", Email),
    ("Bindings.Email.Name", Text(256)),
];

const CONVERSATION_WITH_PARTICIPANTS: Resource = Resource {
    name: "ConversationWithParticipants",
    about: "A conversation together with its first participants, at most ten: all of them, or nothing",
    paths: &["/ConversationWithParticipants"],
    links: &["participants", "messages", "webhooks"],
    create: Form {
        examples: &["FriendlyName=Support&Participant=%7B%22identity%22%3A%22alice%22%7D"],
        ..Form::of(&[CONVERSATION_FORM, DATES, &[("Participant", List(&Participant))]])
    },
    statuses: &[201, 202],
    filter: Form::NONE,
    update: Form::NONE,
    ..CONVERSATION
};

const PARTICIPANT: Resource = Resource {
    name: "Participant",
    about: "Who takes part in a conversation: by identity, or by an address over a channel",
    paths: &[
        "/Conversations/{ConversationSid}/Participants",
        "/Conversations/{ConversationSid}/Participants/{ParticipantSid}",
    ],
    members: &[
        ("sid", Sid("MB")),
        SID_OF_ACCOUNT,
        SID_OF_CONVERSATION,
        ("identity", WORDS_OR_NULL),
        ATTRIBUTES,
        (
            "messaging_binding",
            Nullable(&Object(&[
                ("type", Words),
                ("address", Absent(&Words)),
                ("proxy_address", Absent(&Words)),
                ("projected_address", Absent(&Words)),
            ])),
        ),
        ("role_sid", Nullable(&Sid("RL"))),
        DATE_CREATED,
        DATE_UPDATED,
        ("last_read_message_index", Nullable(&NUMBER)),
        ("last_read_timestamp", Nullable(&WholeSecond)),
    ],
    names_service: true,
    create: Form {
        examples: &[
            "Identity=alice",
            "Identity=alice&MessagingBinding.ProjectedAddress=%2B15017122661",
            "MessagingBinding.Address=%2B15017122662&MessagingBinding.ProxyAddress=%2B15017122661",
        ],
        ..Form::of(&[
            PARTICIPANT_FORM,
            DATES,
            &[
                ("MessagingBinding.Address", Address),
                ("MessagingBinding.ProxyAddress", Address),
                ("MessagingBinding.ProjectedAddress", Address),
            ],
        ])
    },
    update: Form::of(&[
        PARTICIPANT_FORM,
        DATES,
        READ_HORIZON,
        &[("MessagingBinding.ProxyAddress", Words), ("MessagingBinding.ProjectedAddress", Words)],
    ]),
    ..Resource::MOST
};

const PARTICIPANT_FORM: &[Member] = &[("Identity", Text(256)), SHORT_ATTRIBUTES, ("RoleSid", Sid("RL"))];
/// `null` and an empty text clear each.
pub const READ_HORIZON: &[Member] = &[("LastReadMessageIndex", NUMBER), ("LastReadTimestamp", Time)];

const PARTICIPANT_CONVERSATION: Resource = Resource {
    name: "ParticipantConversation",
    about: "A conversation of somebody who is looked up by identity or by address",
    paths: &["/ParticipantConversations"],
    members: &[
        SID_OF_ACCOUNT,
        SID_OF_SERVICE,
        ("participant_sid", Sid("MB")),
        ("participant_user_sid", Nullable(&Sid("US"))),
        ("participant_identity", WORDS_OR_NULL),
        (
            "participant_messaging_binding",
            Nullable(&Object(&[
                ("type", Words),
                ("address", WORDS_OR_NULL),
                ("proxy_address", WORDS_OR_NULL),
                ("projected_address", WORDS_OR_NULL),
                ("name", WORDS_OR_NULL),
                ("level", WORDS_OR_NULL),
            ])),
        ),
        SID_OF_CONVERSATION,
        ("conversation_unique_name", WORDS_OR_NULL),
        ("conversation_friendly_name", WORDS_OR_NULL),
        ("conversation_attributes", Words),
        ("conversation_date_created", WholeSecond),
        ("conversation_date_updated", WholeSecond),
        ("conversation_created_by", Words),
        ("conversation_state", STATE),
        ("conversation_timers", TIMERS),
    ],
    prints_url: false,
    links: &["participant", "conversation"],
    filter: Form {
        examples: &["Identity=alice", "Address=%2B15017122662"],
        ..Form::of(&[&[("Identity", Words), ("Address", Words)]])
    },
    ..Resource::MOST
};

const MESSAGE: Resource = Resource {
    name: "Message",
    about: "What was said in a conversation",
    paths: &[
        "/Conversations/{ConversationSid}/Messages",
        "/Conversations/{ConversationSid}/Messages/{MessageSid}",
    ],
    members: &[
        ("sid", Sid("IM")),
        SID_OF_ACCOUNT,
        SID_OF_CONVERSATION,
        ("body", WORDS_OR_NULL),
        (
            "media",
            Nullable(&List(&Object(&[
                ("sid", Sid("ME")),
                ("content_type", Words),
                ("filename", WORDS_OR_NULL),
                ("size", NUMBER),
                ("category", Words),
            ]))),
        ),
        ("author", Words),
        ("participant_sid", Nullable(&Sid("MB"))),
        ATTRIBUTES,
        DATE_CREATED,
        DATE_UPDATED,
        ("index", NUMBER),
        (
            "delivery",
            Nullable(&Object(&[
                ("total", NUMBER),
                ("sent", HOW_MANY),
                ("delivered", HOW_MANY),
                ("read", HOW_MANY),
                ("failed", HOW_MANY),
                ("undelivered", HOW_MANY),
            ])),
        ),
        ("content_sid", Nullable(&Sid("HX"))),
    ],
    names_service: true,
    links: &["delivery_receipts", "channel_metadata"],
    filter: Form::of(&[&[("Order", OneOf(&[&["asc", "desc"]]))]]),
    create: Form {
        examples: &["Author=alice&Body=Hello"],
        ..Form::of(&[
            MESSAGE_FORM,
            DATES,
            &[("MediaSid", Sid("ME")), ("ContentSid", Sid("HX")), ("ContentVariables", Words)],
        ])
    },
    update: Form::of(&[MESSAGE_FORM, DATES]),
    ..Resource::MOST
};

const HOW_MANY: Kind = OneOf(&[&["none", "some", "all"]]);

const MESSAGE_FORM: &[Member] =
    &[("Author", Text(256)), ("Body", Bytes(32 * 1024)), ("Subject", Text(256)), SHORT_ATTRIBUTES];

const RECEIPT: Resource = Resource {
    name: "Receipt",
    about: "How far a message has come with one recipient over a channel",
    paths: &[
        "/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts",
        "/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts/{ReceiptSid}",
    ],
    members: &[
        ("sid", Sid("DY")),
        SID_OF_ACCOUNT,
        SID_OF_CONVERSATION,
        ("message_sid", Sid("IM")),
        ("participant_sid", Sid("MB")),
        ("channel_message_sid", Nullable(&AnySid)),
        ("status", Nullable(&OneOf(&[&["sent", "delivered", "read", "undelivered", "failed"]]))),
        ("error_code", Nullable(&NUMBER)),
        DATE_CREATED,
        DATE_UPDATED,
    ],
    names_service: true,
    ..Resource::MOST
};

const WEBHOOK: Resource = Resource {
    name: "ConversationWebhook",
    about: "Who is told of what happens in one conversation",
    paths: &[
        "/Conversations/{ConversationSid}/Webhooks",
        "/Conversations/{ConversationSid}/Webhooks/{WebhookSid}",
    ],
    members: &[
        ("sid", Sid("WH")),
        SID_OF_ACCOUNT,
        SID_OF_CONVERSATION,
        ("target", TARGET),
        (
            "configuration",
            Object(&[
                ("url", Absent(&Words)),
                ("method", Absent(&LOWER_METHOD)),
                ("filters", Absent(&List(&EVENT))),
                ("triggers", Absent(&List(&Words))),
                ("flow_sid", Absent(&Sid("FW"))),
                ("replay_after", Absent(&NUMBER)),
            ]),
        ),
        DATE_CREATED,
        DATE_UPDATED,
    ],
    names_service: true,
    create: Form {
        required: &["Target"],
        examples: &[
            "Target=webhook&Configuration.Url=https%3A%2F%2Fexample.com%2Fheard&Configuration.Filters=onMessageAdded",
            "Target=trigger&Configuration.Url=https%3A%2F%2Fexample.com%2Fheard&Configuration.Triggers=help",
            "Target=studio&Configuration.FlowSid=FW0123456789abcdef0123456789abcdef",
        ],
        ..Form::of(&[
            &[("Target", TARGET), ("Configuration.ReplayAfter", Integer(-1, LARGEST_INDEX))],
            WEBHOOK_FORM,
        ])
    },
    update: Form::of(&[WEBHOOK_FORM]),
    ..Resource::MOST
};

const TARGET: Kind = OneOf(&[&["webhook", "trigger", "studio"]]);
const EVENT: Kind = OneOf(&[&conversation_webhooks::EVENTS]);

const WEBHOOK_FORM: &[Member] = &[
    ("Configuration.Url", Url),
    ("Configuration.Method", LOWER_METHOD),
    ("Configuration.Filters", List(&EVENT)),
    ("Configuration.Triggers", List(&Text(248))),
    ("Configuration.FlowSid", Sid("FW")),
];
