//! What an operator decides about webhooks.

use std::time::Duration;

use wire::RetryOn;

use crate::outbound::Guard;

/// How webhooks are called.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Which addresses may be asked.
    pub guard: Guard,
    /// Whether pre-action webhooks are asked about what REST changes, where the caller wants webhooks at all.
    // Twilio: its documents speak of clients and of inbound messages only.
    pub rest_pre_hooks: bool,
    /// Tries beyond the first, where a URL says nothing of it.
    // Twilio: a webhook is told once.
    pub retry_count: u32,
    /// Which failures are tried again, where a URL says nothing of it.
    pub retry_on: Vec<RetryOn>,
    /// How long a try may take, where a URL says nothing of it.
    pub timeout: Duration,
    /// How long a lane is leased to the node that sends it. A try takes at most half of it.
    pub lease: Duration,
    /// Whether requests carry the signature of Standard Webhooks beside Twilio's.
    pub standard_signature: bool,
    /// How long what arrived, or was given up, can be looked at.
    pub retention: Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            guard: Guard::default(),
            rest_pre_hooks: false,
            retry_count: 0,
            retry_on: vec![RetryOn::All],
            timeout: Duration::from_secs(5),
            lease: Duration::from_secs(30),
            standard_signature: false,
            retention: Duration::from_hours(24),
        }
    }
}
