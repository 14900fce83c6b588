//! The configuration of a service: default roles and reachability. It always exists, in the service's row.

use crate::prelude::*;
use crate::roles::{self, RoleType};
use crate::services;

// Record ─────────────────────────────────────────────────────────────────────

/// A view of [`Service`].
#[derive(Clone, Debug, Serialize)]
pub struct ServiceConfiguration {
    pub chat_service_sid: Sid<Service>,
    pub default_conversation_creator_role_sid: Sid<Role>,
    pub default_conversation_role_sid: Sid<Role>,
    pub default_chat_service_role_sid: Sid<Role>,
    pub reachability_enabled: bool,
}

impl Resource for ServiceConfiguration {
    fn url(&self, call: &Call) -> String {
        call.root_url(format_args!("/Services/{}/Configuration", self.chat_service_sid))
    }

    fn links(&self, _: &Call, url: &str) -> Links {
        below(url, &[("notifications", "Notifications"), ("webhooks", "Webhooks")])
    }
}

// Form parameters ────────────────────────────────────────────────────────────

pub struct UpdateServiceConfiguration {
    default_conversation_creator_role_sid: Option<Sid<Role>>,
    default_conversation_role_sid: Option<Sid<Role>>,
    default_chat_service_role_sid: Option<Sid<Role>>,
    reachability_enabled: Option<bool>,
}

impl FromForm for UpdateServiceConfiguration {
    fn from_form(_: &Call, form: &Form) -> Result<Self, Problem> {
        let role = |name| form.sid(name, Problem { status: 400, ..Problem::ROLE_NOT_FOUND });
        Ok(Self {
            default_conversation_creator_role_sid: role("DefaultConversationCreatorRoleSid")?,
            default_conversation_role_sid: role("DefaultConversationRoleSid")?,
            default_chat_service_role_sid: role("DefaultChatServiceRoleSid")?,
            reachability_enabled: form.boolean("ReachabilityEnabled")?,
        })
    }
}

impl UpdateServiceConfiguration {
    fn is_empty(&self) -> bool {
        let roles = [
            self.default_conversation_creator_role_sid,
            self.default_conversation_role_sid,
            self.default_chat_service_role_sid,
        ];
        self.reachability_enabled.is_none() && roles.iter().all(Option::is_none)
    }
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl From<Service> for ServiceConfiguration {
    fn from(service: Service) -> Self {
        Self {
            chat_service_sid: service.sid,
            default_conversation_creator_role_sid: service.default_conversation_creator_role_sid,
            default_conversation_role_sid: service.default_conversation_role_sid,
            default_chat_service_role_sid: service.default_chat_service_role_sid,
            reachability_enabled: service.reachability_enabled,
        }
    }
}

// Operations: one transaction each ───────────────────────────────────────────

fn fetch(tx: &mut Tx<'_>, call: &Call, _: &Path) -> Result<ServiceConfiguration, Failure> {
    Ok(services::of_call(tx, call)?.into())
}

fn update(
    tx: &mut Tx<'_>,
    call: &Call,
    _: &Path,
    form: &UpdateServiceConfiguration,
) -> Result<ServiceConfiguration, Failure> {
    let UpdateServiceConfiguration {
        default_conversation_creator_role_sid,
        default_conversation_role_sid,
        default_chat_service_role_sid,
        reachability_enabled,
    } = form;
    if form.is_empty() {
        return Ok(services::of_call(tx, call)?.into());
    }
    services::require(tx, call)?;
    tx.lock(&Roots::one(Service::root(call.service_sid)))?;
    let mut service = services::of_call(tx, call)?;
    let of_conversation = (RoleType::Conversation, Problem::CONVERSATION_ROLE_NOT_FOUND);
    let of_service = (RoleType::Service, Problem::DEPLOYMENT_ROLE_NOT_FOUND);
    if let Some(role) = *default_conversation_creator_role_sid {
        service.default_conversation_creator_role_sid = roles::hold(tx, call, role, of_conversation.clone())?;
    }
    if let Some(role) = *default_conversation_role_sid {
        service.default_conversation_role_sid = roles::hold(tx, call, role, of_conversation)?;
    }
    if let Some(role) = *default_chat_service_role_sid {
        service.default_chat_service_role_sid = roles::hold(tx, call, role, of_service)?;
    }
    service.reachability_enabled = reachability_enabled.unwrap_or(service.reachability_enabled);
    service.date_updated = tx.now();
    tx.replace(&service)?;
    Ok(service.into())
}

/// Where the operations stand. (The account's `/v1/Configuration` is another resource.)
pub fn operations() -> Vec<Operation> {
    const ONE: &str = "/Configuration";
    vec![Operation::fetch(ONE, fetch).at(Mount::Service), Operation::update(ONE, update).at(Mount::Service)]
}
