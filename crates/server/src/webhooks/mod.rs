//! Webhooks: who listens is asked before something happens ([`pre_action`]), and told after it has
//! ([`post_action`]). Both are signed the same way ([`request`]).

pub(crate) mod asked;
pub(crate) mod attempt;
mod loops;
pub(crate) mod post_action;
pub(crate) mod pre_action;
pub(crate) mod request;
mod retries;
mod settings;

pub(crate) use loops::Loops;
pub use settings::WebhookSettings;
