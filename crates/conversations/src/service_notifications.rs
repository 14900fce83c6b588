//! What the users of a service are notified of by push, and in which words. The configuration always exists,
//! with everything off at first. Kept and shown; nothing is pushed yet.

use crate::prelude::*;
use crate::services;

/// Characters. Twilio says that there is a limit to templates, not which; what is longer than this fits into
/// no push notification.
const TEMPLATE_LENGTH: usize = 4096;
const SOUND_LENGTH: usize = 256;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the JSON; each member of the inner objects is a column.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceNotifications {
    pub chat_service_sid: Sid<Service>,
    pub account_sid: Sid<Account>,
    pub new_message: NewMessage,
    pub added_to_conversation: Notification,
    pub removed_from_conversation: Notification,
    pub log_enabled: bool,
}

/// Of a new message.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewMessage {
    #[serde(flatten)]
    pub notification: Notification,
    pub badge_count_enabled: bool,
    pub with_media: WithMedia,
}

/// Of something that happened.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Notification {
    pub enabled: bool,
    pub template: Option<String>,
    pub sound: Option<String>,
}

/// Of a new message with media: the words in the place of the message's own.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WithMedia {
    pub enabled: bool,
    pub template: Option<String>,
}

impl Resource for ServiceNotifications {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Services/{}/Configuration/Notifications", self.chat_service_sid))
    }
}

// Form parameters ────────────────────────────────────────────────────────────

pub struct UpdateServiceNotifications {
    new_message: NotificationForm,
    badge_count_enabled: Option<bool>,
    with_media: WithMediaForm,
    added_to_conversation: NotificationForm,
    removed_from_conversation: NotificationForm,
    log_enabled: Option<bool>,
}

/// Empty texts clear.
struct NotificationForm {
    enabled: Option<bool>,
    template: Option<String>,
    sound: Option<String>,
}

/// The same without a sound of its own.
struct WithMediaForm {
    enabled: Option<bool>,
    template: Option<String>,
}

impl NotificationForm {
    fn read(call: &Call, form: &Form, of: &str) -> Result<Self, Problem> {
        let WithMediaForm { enabled, template } = WithMediaForm::read(call, form, of)?;
        let too_long = Problem::NOTIFICATION_SOUND_TOO_LONG;
        let sound = form.text(&format!("{of}.Sound"), call.limits.limit(SOUND_LENGTH), too_long)?;
        Ok(Self { enabled, template, sound })
    }
}

impl WithMediaForm {
    fn read(call: &Call, form: &Form, of: &str) -> Result<Self, Problem> {
        let too_long = Problem::NOTIFICATION_TEMPLATE_TOO_LONG;
        Ok(Self {
            enabled: form.boolean(&format!("{of}.Enabled"))?,
            template: form.text(&format!("{of}.Template"), call.limits.limit(TEMPLATE_LENGTH), too_long)?,
        })
    }
}

impl FromForm for UpdateServiceNotifications {
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem> {
        Ok(Self {
            new_message: NotificationForm::read(call, form, "NewMessage")?,
            badge_count_enabled: form.boolean("NewMessage.BadgeCountEnabled")?,
            with_media: WithMediaForm::read(call, form, "NewMessage.WithMedia")?,
            added_to_conversation: NotificationForm::read(call, form, "AddedToConversation")?,
            removed_from_conversation: NotificationForm::read(call, form, "RemovedFromConversation")?,
            log_enabled: form.boolean("LogEnabled")?,
        })
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl ServiceNotifications {
    fn new(call: &Call) -> Self {
        Self {
            chat_service_sid: call.service_sid,
            account_sid: call.account_sid,
            new_message: NewMessage::default(),
            added_to_conversation: Notification::default(),
            removed_from_conversation: Notification::default(),
            log_enabled: false,
        }
    }

    /// A parameter left out keeps its value.
    fn with(self, form: &UpdateServiceNotifications) -> Self {
        let UpdateServiceNotifications {
            new_message,
            badge_count_enabled,
            with_media,
            added_to_conversation,
            removed_from_conversation,
            log_enabled,
        } = form;
        let media = self.new_message.with_media;
        Self {
            new_message: NewMessage {
                notification: self.new_message.notification.with(new_message),
                badge_count_enabled: badge_count_enabled.unwrap_or(self.new_message.badge_count_enabled),
                with_media: WithMedia {
                    enabled: with_media.enabled.unwrap_or(media.enabled),
                    template: changed(with_media.template.as_ref(), media.template),
                },
            },
            added_to_conversation: self.added_to_conversation.with(added_to_conversation),
            removed_from_conversation: self.removed_from_conversation.with(removed_from_conversation),
            log_enabled: log_enabled.unwrap_or(self.log_enabled),
            ..self
        }
    }
}

impl Notification {
    fn with(self, NotificationForm { enabled, template, sound }: &NotificationForm) -> Self {
        Self {
            enabled: enabled.unwrap_or(self.enabled),
            template: changed(template.as_ref(), self.template),
            sound: changed(sound.as_ref(), self.sound),
        }
    }
}

/// What is given, none where it is empty, what there was where nothing is given.
fn changed(given: Option<&String>, kept: Option<String>) -> Option<String> {
    match given {
        Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        None => kept,
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Record for ServiceNotifications {
    const TABLE: &'static str = "service_notifications";
    const KEY: &'static [&'static str] = &["chat_service_sid"];
    const COLUMNS: &'static str = "chat_service_sid, account_sid, new_message_enabled, new_message_template, \
         new_message_sound, new_message_badge_count_enabled, with_media_enabled, with_media_template, \
         added_to_conversation_enabled, added_to_conversation_template, added_to_conversation_sound, \
         removed_from_conversation_enabled, removed_from_conversation_template, \
         removed_from_conversation_sound, log_enabled";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        let Self { new_message, added_to_conversation: added, removed_from_conversation: removed, .. } = self;
        let NewMessage { notification: new, badge_count_enabled, with_media } = new_message;
        vec![&self.chat_service_sid, &self.account_sid, &new.enabled, &new.template, &new.sound,
             badge_count_enabled, &with_media.enabled, &with_media.template, &added.enabled, &added.template,
             &added.sound, &removed.enabled, &removed.template, &removed.sound, &self.log_enabled]
    }

    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            chat_service_sid: row.next()?,
            account_sid: row.next()?,
            new_message: NewMessage {
                notification: Notification::read(row)?,
                badge_count_enabled: row.next()?,
                with_media: WithMedia { enabled: row.next()?, template: row.next()? },
            },
            added_to_conversation: Notification::read(row)?,
            removed_from_conversation: Notification::read(row)?,
            log_enabled: row.next()?,
        })
    }
}

impl Notification {
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { enabled: row.next()?, template: row.next()?, sound: row.next()? })
    }
}

const OF_SERVICE: &str = "WHERE chat_service_sid = $1";
const REMOVE: &str = "DELETE FROM service_notifications WHERE chat_service_sid = $1";

// Operations: one transaction each ───────────────────────────────────────────

fn fetch(tx: &mut Tx<'_>, call: &Call, _: &Path) -> Result<ServiceNotifications, Failure> {
    services::require(tx, call)?;
    Ok(tx.find(OF_SERVICE, &[&call.service_sid])?.unwrap_or_else(|| ServiceNotifications::new(call)))
}

fn update(
    tx: &mut Tx<'_>,
    call: &Call,
    path: &Path,
    form: &UpdateServiceNotifications,
) -> Result<ServiceNotifications, Failure> {
    services::require(tx, call)?;
    tx.lock(&Roots::one(Service::root(call.service_sid)))?;
    let notifications = fetch(tx, call, path)?.with(form);
    if !tx.insert(&notifications)? {
        tx.replace(&notifications)?;
    }
    Ok(notifications)
}

/// Removes what a service that is out of sight was configured with.
pub fn remove(tx: &mut Tx<'_>, service: Sid<Service>) -> Result<(), StoreError> {
    tx.put(REMOVE, &[&service])
}

/// Where the operations stand.
pub fn operations() -> Vec<Operation> {
    const ONE: &str = "/Configuration/Notifications";
    vec![Operation::fetch(ONE, fetch).at(Mount::Service), Operation::update(ONE, update).at(Mount::Service)]
}
