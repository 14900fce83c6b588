//! What is measured, a file for each.

mod fanout;
mod hanging;
mod idle;
mod latency;
mod peers;
mod startup;
mod webhook;

use std::collections::{HashMap, HashSet};

use anyhow::ensure;

use crate::bench::Scenario;
use crate::load::Request;
use crate::receiver::Arrival;

/// All of them, in the order in which they are run.
pub const ALL: &[Scenario] = &[
    webhook::SCENARIO,
    hanging::SCENARIO,
    latency::SCENARIO,
    fanout::SCENARIO,
    idle::SCENARIO,
    startup::SCENARIO,
    peers::SCENARIO,
];

/// A message for each conversation: about 150 bytes of form.
pub fn messages(conversations: &[String]) -> Vec<Request> {
    const BODY: &str = "Author=alice&Body=The+parcel+has+left+our+house+this+morning+and+should+be+with+you+\
         by+Thursday&Attributes=%7B%22order%22%3A%204711%2C%20%22urgent%22%3A%20false%7D";
    let path = |sid| format!("/v1/Conversations/{sid}/Messages");
    let request = |sid| Request { method: "POST", path: path(sid), body: BODY.to_owned() };
    conversations.iter().map(request).collect()
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
