//! Limits of rate, on a clock that stands still until it is moved.

use std::sync::Arc;

use server::{Rates, Settings};
use testkit::{House, Reply, on_both_with};

fn settings(rates: Rates) -> Settings {
    Settings { rates, manual_clock: Some(Arc::default()), ..Settings::default() }
}

/// The answer, and what it says of limits.
fn shown(reply: &Reply) -> String {
    let headers =
        ["retry-after", "ratelimit-policy", "ratelimit"].map(|name| reply.header(name).unwrap_or("-"));
    format!("{}  {}", reply.code(), headers.join("  "))
}

fn tell(house: &House, asked: &str, reply: &Reply) -> String {
    house.note(format!("{asked}: {}", shown(reply)));
    reply.json()["sid"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn actions_are_counted_by_kind_and_by_where_they_are_done() {
    let rates = Rates { actions_per_second: Some(2), ..Rates::default() };
    let told = on_both_with(settings(rates), async |house| {
        let conversations = "/v1/Conversations";
        let first = tell(house, "first", &house.post(conversations, "UniqueName=first").await);
        let second = tell(house, "second", &house.post(conversations, "").await);
        tell(house, "third", &house.post(conversations, "").await);
        tell(house, "no form at all", &house.post(conversations, "State=junk").await);
        tell(house, "reading", &house.get(conversations).await);

        let service = house.post("/v1/Services", "FriendlyName=other").await.sid();
        let elsewhere = format!("/v1/Services/{service}/Conversations");
        tell(house, "in another service", &house.post(&elsewhere, "").await);

        let long = format!(
            "/v1/Services/{}/Conversations",
            house.get(&format!("{conversations}/{first}")).await.field("chat_service_sid")
        );
        tell(house, "the same service by its name", &house.post(&long, "").await);

        for conversation in [&first, &second] {
            let messages = format!("{conversations}/{conversation}/Messages");
            for _ in 0..3 {
                tell(house, "message", &house.post(&messages, "Body=x").await);
            }
            let one = format!("{conversations}/{conversation}");
            tell(house, "update", &house.post(&one, "FriendlyName=x").await);
        }
        for conversation in [&first, &second, &first] {
            let one = format!("{conversations}/{conversation}");
            tell(house, "deletion", &house.delete(&one).await);
        }

        house.clock.advance_seconds(1);
        for _ in 0..3 {
            tell(house, "a second later", &house.post(conversations, "").await);
        }
        house.clock.advance_seconds(3600);
        for _ in 0..3 {
            tell(house, "an hour later", &house.post(conversations, "").await);
        }
    })
    .await;
    insta::assert_snapshot!(told.replace("\n\n", "\n"), @r#"
    first: 201  -  "actions";q=2;w=1  "actions";r=1;t=1
    second: 201  -  "actions";q=2;w=1  "actions";r=0;t=1
    third: 429 50063  1  "actions";q=2;w=1  "actions";r=0;t=1
    no form at all: 429 50063  1  "actions";q=2;w=1  "actions";r=0;t=1
    reading: 200  -  -  -
    in another service: 201  -  "actions";q=2;w=1  "actions";r=1;t=1
    the same service by its name: 429 50063  1  "actions";q=2;w=1  "actions";r=0;t=1
    message: 201  -  "actions";q=2;w=1  "actions";r=1;t=1
    message: 201  -  "actions";q=2;w=1  "actions";r=0;t=1
    message: 429 50063  1  "actions";q=2;w=1  "actions";r=0;t=1
    update: 200  -  "actions";q=2;w=1  "actions";r=1;t=1
    message: 201  -  "actions";q=2;w=1  "actions";r=1;t=1
    message: 201  -  "actions";q=2;w=1  "actions";r=0;t=1
    message: 429 50063  1  "actions";q=2;w=1  "actions";r=0;t=1
    update: 200  -  "actions";q=2;w=1  "actions";r=1;t=1
    deletion: 204  -  "actions";q=2;w=1  "actions";r=1;t=1
    deletion: 204  -  "actions";q=2;w=1  "actions";r=0;t=1
    deletion: 429 50063  1  "actions";q=2;w=1  "actions";r=0;t=1
    a second later: 201  -  "actions";q=2;w=1  "actions";r=1;t=1
    a second later: 201  -  "actions";q=2;w=1  "actions";r=0;t=1
    a second later: 429 50063  1  "actions";q=2;w=1  "actions";r=0;t=1
    an hour later: 201  -  "actions";q=2;w=1  "actions";r=1;t=1
    an hour later: 201  -  "actions";q=2;w=1  "actions";r=0;t=1
    an hour later: 429 50063  1  "actions";q=2;w=1  "actions";r=0;t=1
    "#);
}

#[tokio::test]
async fn all_actions_of_an_account_are_counted_together_where_that_is_asked() {
    let rates = Rates { actions_per_second: Some(2), global_actions_per_second: Some(3), ..Rates::default() };
    let told = on_both_with(settings(rates), async |house| {
        tell(house, "conversation", &house.post("/v1/Conversations", "").await);
        tell(house, "conversation", &house.post("/v1/Conversations", "").await);
        tell(house, "own limit first", &house.post("/v1/Conversations", "").await);
        tell(house, "user", &house.post("/v1/Users", "Identity=alice").await);
        tell(house, "one too many", &house.post("/v1/Users", "Identity=bob").await);
        house.clock.advance_seconds(1);
        tell(house, "a second later", &house.post("/v1/Users", "Identity=bob").await);
    })
    .await;
    insta::assert_snapshot!(told.replace("\n\n", "\n"), @r#"
    conversation: 201  -  "actions";q=2;w=1, "global-actions";q=3;w=1  "actions";r=1;t=1, "global-actions";r=2;t=1
    conversation: 201  -  "actions";q=2;w=1, "global-actions";q=3;w=1  "actions";r=0;t=1, "global-actions";r=1;t=1
    own limit first: 429 50063  1  "actions";q=2;w=1, "global-actions";q=3;w=1  "actions";r=0;t=1, "global-actions";r=1;t=1
    user: 201  -  "actions";q=2;w=1, "global-actions";q=3;w=1  "actions";r=1;t=1, "global-actions";r=0;t=1
    one too many: 429 50074  1  "actions";q=2;w=1, "global-actions";q=3;w=1  "actions";r=1;t=1, "global-actions";r=0;t=1
    a second later: 201  -  "actions";q=2;w=1, "global-actions";q=3;w=1  "actions";r=1;t=1, "global-actions";r=2;t=1
    "#);
}

#[tokio::test]
async fn without_limits_nothing_is_said_of_them() {
    let told = on_both_with(Settings::default(), async |house| {
        for _ in 0..40 {
            assert_eq!(shown(&house.post("/v1/Conversations", "").await), "201  -  -  -");
        }
    })
    .await;
    assert_eq!(told, "");
}
