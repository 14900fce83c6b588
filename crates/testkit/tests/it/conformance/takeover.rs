//! What a dead process had under way is nobody's: taken over at once by who is alone with the store.

use conversations::deliveries::{self, Place};
use conversations::media::removals::{self, File};
use conversations::{Failure, takeover};
use http::Request;
use server::Settings;
use store::{Roots, StoreError, Tx};
use testkit::{House, on_both_with, webhooks_inside};
use wire::Sid;

use crate::rest::conversation;

/// Real time, as far as this test is concerned.
const REAL: i64 = 1_000_000;
const LONG: i64 = 1_000_000_000_000;

fn settings() -> Settings {
    Settings { webhooks: webhooks_inside(), ..Settings::default() }
}

/// How much there is to do: lanes, sinks, files.
async fn free(house: &House) -> (usize, usize, usize) {
    let count = |tx: &mut Tx<'_>| {
        let lanes = deliveries::due(tx, REAL, &Place::FIRST, 10)?.len();
        let sinks = conversations::event_streams::deliveries::waiting(tx, REAL, 10)?.len();
        Ok::<_, StoreError>((lanes, sinks, removals::due(tx)?.len()))
    };
    house.app.store().read(count).await.expect("the store reads")
}

async fn once(house: &House, path: &str) -> String {
    let form = ("content-type", "application/x-www-form-urlencoded");
    let request = Request::post(path).header(form.0, form.1).header("idempotency-key", "a key");
    house.send(request, "Body=hello").await.code()
}

#[tokio::test]
async fn what_was_under_way_is_taken_over_and_nothing_else() {
    on_both_with(settings(), async |house| {
        let path = conversation(house).await;
        let hook = "PostWebhookUrl=http://127.0.0.1:1/&Filters=onMessageAdded";
        house.post("/v1/Configuration/Webhooks", hook).await;
        let sink =
            r#"Description=a&SinkType=webhook&SinkConfiguration={"destination":"http://127.0.0.1:1/"}"#;
        let sink = house.post("/v1/Sinks", sink).await.sid();
        let types = r#"Types={"type":"com.twilio.conversations.message.added"}"#;
        let subscription = format!("Description=a&SinkSid={sink}&{types}");
        assert_eq!(house.post("/v1/Subscriptions", &subscription).await.code(), "201");
        let messages = format!("{path}/Messages");
        house.post_heard(&messages, "Body=hello").await;
        assert_eq!(once(house, &messages).await, "201");
        assert_eq!(free(house).await, (1, 1, 0));

        let ids = house.ids.clone();
        let begin = move |tx: &mut Tx<'_>| {
            let lanes = deliveries::due(tx, REAL, &Place::FIRST, 10)?;
            let lanes: Vec<_> = lanes.into_iter().map(|waiting| waiting.key).collect();
            assert_eq!(deliveries::lease(tx, &*ids, &lanes, (REAL, LONG))?.len(), 1);
            tx.execute("UPDATE sinks SET leased_until = $1", &[&LONG])?;
            tx.execute("UPDATE idempotency_keys SET status = NULL, body = NULL", &[])?;
            let file = File { chat_service_sid: Sid::from_bytes([1; 16]), sid: Sid::from_bytes([2; 16]) };
            removals::expect_upload(tx, file)
        };
        house.app.store().write::<_, StoreError>(Roots::none(), begin).await.expect("it is written");
        assert_eq!(free(house).await, (0, 0, 0), "all of it is under way on {:?}", house.engine);
        assert_eq!(once(house, &messages).await, "409 20409");

        let take_over = |tx: &mut Tx<'_>| Ok::<_, Failure>(takeover::take_over(tx)?);
        house.app.store().write(Roots::none(), take_over).await.expect("it is taken over");
        assert_eq!(free(house).await, (1, 1, 1));
        assert_eq!(once(house, &messages).await, "201");
        let sent = house.get(&messages).await.get("messages");
        house.app.store().write(Roots::none(), take_over).await.expect("it is taken over");
        assert_eq!(once(house, &messages).await, "201", "what is done stays done");
        assert_eq!(house.get(&messages).await.get("messages"), sent);
    })
    .await;
}
