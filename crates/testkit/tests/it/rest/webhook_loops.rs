//! A receiver that answers each message it is told of with a message.

use std::sync::Arc;

use server::{Rates, Settings};
use testkit::{House, Receiver, on_both_with, webhooks_inside};

use super::conversation;

fn settings(rates: Rates) -> Settings {
    Settings { webhooks: webhooks_inside(), rates, manual_clock: Some(Arc::default()), ..Settings::default() }
}

async fn listen(house: &House, receiver: &Receiver) {
    let form = format!("PostWebhookUrl={}&Filters=onMessageAdded", receiver.url());
    assert_eq!(house.post("/v1/Configuration/Webhooks", &form).await.code(), "200");
}

/// What has been told since the last time: in which conversations.
async fn told(house: &House, receiver: &Receiver) -> Vec<String> {
    house.deliver().await;
    receiver.take().iter().filter_map(|one| one.get("ConversationSid")).collect()
}

#[tokio::test]
async fn an_answer_is_told_only_where_the_answer_asks_for_it() {
    let receiver = Receiver::start().await;
    on_both_with(settings(Rates::default()), async |house| {
        listen(house, &receiver).await;
        let path = conversation(house).await;
        house.post_heard(&format!("{path}/Messages"), "Body=hello").await;
        for sid in told(house, &receiver).await {
            let answer = house.post(&format!("/v1/Conversations/{sid}/Messages"), "Body=answer").await;
            assert_eq!(answer.code(), "201");
        }
        assert!(told(house, &receiver).await.is_empty(), "Twilio's own guard: REST is not told of by itself");
    })
    .await;
}

#[tokio::test]
async fn a_loop_goes_one_by_one_keeps_nobody_waiting_and_ends_at_the_limit_of_rate() {
    let receiver = Receiver::start().await;
    let rates = Rates { actions_per_second: Some(30), ..Rates::default() };
    on_both_with(settings(rates), async |house| {
        listen(house, &receiver).await;
        let looping = conversation(house).await;
        let other = conversation(house).await;
        house.post_heard(&format!("{looping}/Messages"), "Body=hello").await;
        let (mut rounds, mut last) = (0, "201".to_owned());
        while last == "201" {
            assert_eq!(house.post_heard(&format!("{other}/Messages"), "Body=x").await.code(), "201");
            let told = told(house, &receiver).await;
            assert_eq!(told.len(), 2, "one of each conversation in round {rounds}");
            let sid = told.iter().find(|sid| looping.ends_with(*sid)).expect("the loop is told of");
            let form = "Body=answer";
            last = house.post_heard(&format!("/v1/Conversations/{sid}/Messages"), form).await.code();
            rounds += 1;
        }
        assert_eq!((last.as_str(), rounds), ("429 50063", 30), "{:?}", house.engine);
    })
    .await;
}
