//! What is measured, a file for each.

mod batching;
mod conversation;
mod create;
mod create_one;
mod fanout;
mod fetch;
mod hanging;
mod horizon;
mod idle;
mod latency;
mod list;
mod mix;
mod participant;
mod peers;
mod startup;
mod webhook;

use std::collections::{HashMap, HashSet};

use anyhow::ensure;

use crate::bench::Scenario;
use crate::load::Request;
use crate::receiver::Arrival;
use crate::rest;

/// All of them, in the order in which they are run.
pub const ALL: &[Scenario] = &[
    create::SCENARIO,
    create_one::SCENARIO,
    batching::SCENARIO,
    participant::SCENARIO,
    horizon::SCENARIO,
    fetch::SCENARIO,
    list::SCENARIO,
    list::SCENARIO_OF_DEEP,
    conversation::SCENARIO,
    conversation::SCENARIO_OF_PARTICIPANTS,
    webhook::SCENARIO,
    hanging::SCENARIO,
    latency::SCENARIO,
    fanout::SCENARIO,
    idle::SCENARIO,
    startup::SCENARIO,
    mix::SCENARIO,
    peers::SCENARIO,
];

/// A message for each conversation: about 150 bytes of form.
pub fn messages(conversations: &[String]) -> Vec<Request> {
    let form = [("Author", "alice"), ("Body", rest::BODY), ("Attributes", rest::ATTRIBUTES)];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let path = |sid| format!("/v1/Conversations/{sid}/Messages");
    let request = |sid| Request { method: "POST", path: path(sid), body: body.clone() };
    conversations.iter().map(request).collect()
}

/// All of them so many times, one round after another.
fn repeated(requests: &[Request], times: usize) -> Vec<Request> {
    std::iter::repeat_n(requests, times).flatten().cloned().collect()
}

/// Whether nothing is lost, and each conversation's messages came in their order.
fn check(arrivals: &[Arrival], count: usize) -> anyhow::Result<()> {
    let distinct: HashSet<_> = arrivals.iter().map(|arrival| &arrival.message).collect();
    ensure!(arrivals.len() == count, "{} deliveries arrived of {count} messages", arrivals.len());
    ensure!(distinct.len() == count, "{} of {count} messages were told of", distinct.len());
    let mut last = HashMap::new();
    for Arrival { conversation, index, .. } in arrivals {
        if let Some(before) = last.insert(conversation, *index) {
            ensure!(before < *index, "in {conversation}, {index} was told after {before}");
        }
    }
    Ok(())
}
