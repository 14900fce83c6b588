//! Event Streams: what happens, told as `CloudEvents` to the sinks that an account has subscribed.
//!
//! A change writes, in its own transaction, one row for every sink that has subscribed to it
//! ([`deliveries`]), with the event as it is sent. It adds rows and locks nothing: a sink is shared by all of
//! an account's conversations, and whoever changes two of them at once shall not wait. So nothing marks a
//! sink as waiting; its row is there before anything can wait for it, and stays until nothing does, and
//! whoever sends looks at the rows of sinks, which are few, for those that something waits for.
//!
//! Who sends leases the sink, and takes many events at a time. What was in flight when its holder died is
//! sent again once the lease has lapsed, with the same `id`: at least once, and in no order.
//!
//! An account that has not subscribed to anything pays nothing: whether it has is known with its
//! credentials.
// Twilio: it tells everything, so `X-Twilio-Webhook-Enabled` has no say here.

pub mod cloud_event;
pub mod deliveries;
pub mod inspection;
pub mod sinks;
pub mod subscribed_events;
pub mod subscriptions;
pub mod types;

use crate::operation::Operation;

pub use sinks::Sink;
pub use subscriptions::Subscription;

/// What is served of the API of Event Streams, which is a neighbour of that of conversations.
pub fn operations() -> Vec<Operation> {
    [sinks::operations(), subscriptions::operations(), subscribed_events::operations(), types::operations()]
        .into_iter()
        .flatten()
        .collect()
}
