//! Conversations, alone and with their participants.

use crate::bench::{Bench, Database, Scenario};
use crate::load::Request;
use crate::rest::{ATTRIBUTES, Requests, Sides, Targets};
use crate::table::Table;

/// Who takes part in conversations that are made with participants.
const USERS: usize = 1000;

pub const SCENARIO: Scenario = Scenario {
    name: "conversation",
    compares: "Create a conversation, over 64 connections, beside the ceiling.",
    run,
};

pub const SCENARIO_OF_PARTICIPANTS: Scenario = Scenario {
    name: "with-participants",
    compares: "ConversationWithParticipants: create a conversation together with two participants out of 1,000 \
               users, over 64 connections, beside the ceiling.",
    run: run_with_participants,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let sides = Sides::start(bench, database)?;
    let requests = [request("Conversations", &described())];
    sides.table(Requests::Any(&requests), Targets::default())
}

fn run_with_participants(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let sides = Sides::start(bench, database)?;
    let pair = |number: usize| {
        let other = (number * 7 + 1) % USERS;
        let participant = |number: usize| ("Participant", format!("{{\"identity\": \"customer-{number}\"}}"));
        let mut form = described();
        form.extend([participant(number), participant(other)]);
        request("ConversationWithParticipants", &form)
    };
    let requests: Vec<_> = (0..USERS).map(pair).collect();
    sides.prepare(&requests)?;
    sides.table(Requests::Any(&requests), Targets::default())
}

fn described() -> Vec<(&'static str, String)> {
    vec![("FriendlyName", "Support".to_owned()), ("Attributes", ATTRIBUTES.to_owned())]
}

fn request(path: &str, form: &[(&str, String)]) -> Request {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    Request { method: "POST", path: format!("/v1/{path}"), body }
}
