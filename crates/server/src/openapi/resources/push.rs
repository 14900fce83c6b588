//! What notifications are sent with, and to which devices.

use ::conversations::Mount;

use super::{DATE_CREATED, DATE_UPDATED, SID_OF_ACCOUNT, SID_OF_SERVICE, WORDS_OR_NULL};
use crate::openapi::kind::Kind::{Boolean, List, Nullable, OneOf, Sid, Text, Words};
use crate::openapi::kind::{Kind, Member};
use crate::openapi::resource::{Form, Resource};

pub const ALL: &[Resource] = &[CREDENTIAL, BINDING];

const CREDENTIAL: Resource = Resource {
    name: "Credential",
    about: "What push notifications are sent with; its keys are never shown",
    paths: &["/Credentials", "/Credentials/{CredentialSid}"],
    mount: Mount::Account,
    members: &[
        ("sid", Sid("CR")),
        SID_OF_ACCOUNT,
        ("friendly_name", WORDS_OR_NULL),
        ("type", PUSH_TYPE),
        ("sandbox", OneOf(&[&["True", "False"]])),
        DATE_CREATED,
        DATE_UPDATED,
    ],
    create: Form {
        required: &["Type"],
        examples: &["Type=fcm&Secret=a-secret"],
        ..Form::of(&[&[("Type", PUSH_TYPE)], CREDENTIAL_FORM])
    },
    update: Form::of(&[&[("Type", PUSH_TYPE)], CREDENTIAL_FORM]),
    ..Resource::MOST
};

const PUSH_TYPE: Kind = OneOf(&[&["apn", "gcm", "fcm"]]);

const CREDENTIAL_FORM: &[Member] = &[
    ("FriendlyName", Text(64)),
    ("Sandbox", Boolean),
    ("Certificate", Words),
    ("PrivateKey", Words),
    ("ApiKey", Words),
    ("Secret", Words),
];

const BINDING: Resource = Resource {
    name: "Binding",
    about: "A device on which a user wants to be notified",
    paths: &["/Bindings", "/Bindings/{BindingSid}"],
    mount: Mount::Service,
    members: &[
        ("sid", Sid("BS")),
        SID_OF_ACCOUNT,
        SID_OF_SERVICE,
        ("credential_sid", Nullable(&Sid("CR"))),
        ("identity", Words),
        ("endpoint", Words),
        ("binding_type", BINDING_TYPE),
        (
            "message_types",
            List(&OneOf(&[&["new_message", "added_to_conversation", "removed_from_conversation"]])),
        ),
        DATE_CREATED,
        DATE_UPDATED,
    ],
    filter: Form::of(&[&[("BindingType", List(&BINDING_TYPE)), ("Identity", List(&Words))]]),
    ..Resource::MOST
};

const BINDING_TYPE: Kind = OneOf(&[&["apn", "gcm", "fcm", "twilsock"]]);
