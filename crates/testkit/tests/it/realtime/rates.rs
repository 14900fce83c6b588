//! Limits of rate hold for clients, too.

use std::sync::Arc;

use server::{Rates, Settings};
use testkit::on_both_with;

use super::commands::room;

#[tokio::test]
async fn commands_are_counted_as_actions() {
    let rates = Rates { global_actions_per_second: Some(3), ..Rates::default() };
    let settings = Settings { rates, manual_clock: Some(Arc::default()), ..Settings::default() };
    on_both_with(settings, async |house| {
        // The conversation, the participant, and the user, who is there already.
        let (alice, path) = room(house).await;
        let messages = format!("{path}/Messages");
        assert_eq!(alice.post(&messages, r#"{"body":"x"}"#).await.code(), "429 50074");
        assert_eq!(alice.get(&path).await.code(), "200");
        house.clock.advance_seconds(1);
        assert_eq!(alice.post(&messages, r#"{"body":"x"}"#).await.code(), "201");
    })
    .await;
}
