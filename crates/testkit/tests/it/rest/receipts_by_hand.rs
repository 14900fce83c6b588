//! `/tertulia/v1/Services/{ChatServiceSid}/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts`: what a
//! channel would tell, told by hand.

use http::Request;
use insta::assert_snapshot;
use server::Settings;
use testkit::{House, Receiver, on_both, on_both_with, webhooks_inside};

use super::receipts::message;

/// Where receipts of a message are told, and its recipient.
async fn place(house: &House, path: &str) -> (String, String) {
    let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
    let below = path.strip_prefix("/v1").expect("a path of the API");
    let receipts = house.get(&format!("{path}/Receipts")).await.get("delivery_receipts");
    let participant = receipts[0]["participant_sid"].as_str().expect("a sid").to_owned();
    (format!("/tertulia/v1/Services/{service}{below}/Receipts"), participant)
}

#[tokio::test]
async fn what_is_told_by_hand_is_told_to_everybody() {
    let receiver = Receiver::start().await;
    let settings = Settings { webhooks: webhooks_inside(), ..Settings::default() };
    let told = on_both_with(settings, async |house| {
        let (path, _) = message(house, 2).await;
        let (place, phone) = place(house, &path).await;
        let form = format!("PostWebhookUrl={}&Filters=onDeliveryUpdated", receiver.url());
        house.post("/v1/Configuration/Webhooks", &form).await;
        let mut alice = house.client("alice").await;
        let sid = path.split('/').nth(3).expect("a conversation");
        alice.subscribe(1, &[(&format!("{sid}.messages"), i64::MAX)]).await;
        alice.told().await;
        house.clock.advance_seconds(5);
        let form = format!("ParticipantSid={phone}&Status=Undelivered&ErrorCode=30003");
        let told = house.post(&place, &form).await;
        house.note(told.text());
        let shown = house.get(told.field("url").strip_prefix("http://tertulia.test").expect("a URL")).await;
        assert_eq!(shown.json(), told.json());
        house.note(house.get(&path).await.get("delivery").to_string());
        house.deliver().await;
        for told in receiver.take() {
            house.note(told.text());
        }
        let told = alice.told().await;
        house.note(told[0]["events"][0]["item_data"]["delivery"].to_string());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "channel_message_sid": null,
      "chat_service_sid": "IS00000000000000000000000000000001",
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:05Z",
      "error_code": 30003,
      "message_sid": "IM00000000000000000000000000000012",
      "participant_sid": "MB0000000000000000000000000000000e",
      "sid": "DY00000000000000000000000000000013",
      "status": "undelivered",
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009/Messages/IM00000000000000000000000000000012/Receipts/DY00000000000000000000000000000013"
    }

    {"delivered":"none","failed":"none","read":"none","sent":"none","total":2,"undelivered":"some"}

    AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    ChatServiceSid=IS00000000000000000000000000000001
    ConversationSid=CH00000000000000000000000000000009
    DateCreated=2026-01-01T00:00:00.000Z
    DateUpdated=2026-01-01T00:00:05.000Z
    DeliveryReceiptSid=DY00000000000000000000000000000013
    ErrorCode=30003
    EventType=onDeliveryUpdated
    MessageSid=IM00000000000000000000000000000012
    ParticipantSid=MB0000000000000000000000000000000e
    RetryCount=0
    Source=API
    Status=undelivered

    {"delivered":"none","failed":"none","read":"none","sent":"none","total":2,"undelivered":"some"}
    "#);
}

#[tokio::test]
async fn a_receipt_goes_through_its_states_and_reading_moves_the_horizon() {
    on_both(async |house| {
        let (path, _) = message(house, 1).await;
        let (place, phone) = place(house, &path).await;
        for status in ["sent", "delivered", "READ"] {
            let told = house.post(&place, &format!("ParticipantSid={phone}&Status={status}")).await;
            assert_eq!((told.code(), told.field("status")), ("200".to_owned(), status.to_lowercase()));
        }
        assert_eq!(house.get(&path).await.get("delivery")["read"], "all");
        let (conversation, _) = path.split_once("/Messages").expect("a path");
        let participant = house.get(&format!("{conversation}/Participants/{phone}")).await;
        assert_eq!(participant.get("last_read_message_index"), 0);
        // What was said before the conversation was closed may still arrive, and who left is still told of.
        let other = house.post(&format!("{conversation}/Messages"), "Body=Again").await.sid();
        house.delete(&format!("{conversation}/Participants/{phone}")).await;
        house.post(conversation, "State=closed").await;
        let (messages, _) = place.rsplit_once("/IM").expect("a path");
        let form = format!("ParticipantSid={phone}&Status=sent");
        let told = house.post(&format!("{messages}/{other}/Receipts"), &form).await;
        assert_eq!(told.code(), "200", "{}", told.text());
    })
    .await;
}

#[tokio::test]
async fn what_no_channel_would_tell_is_refused() {
    let told = on_both(async |house| {
        let (path, _) = message(house, 1).await;
        let (place, phone) = place(house, &path).await;
        let (conversation, _) = path.split_once("/Messages").expect("a path");
        let alice = house.get(&format!("{conversation}/Participants/alice")).await.sid();
        let of = |form: &str| format!("ParticipantSid={phone}&{form}");
        let nobody = "MB00000000000000000000000000000fff";
        house.post(&place, &of("Status=delivered")).await;
        for form in [
            String::new(),
            of(""),
            of("Status=queued"),
            of("Status=read&ErrorCode=30003"),
            of("Status=failed&ErrorCode=x"),
            "ParticipantSid=alice&Status=sent".to_owned(),
            "Status=sent".to_owned(),
            format!("ParticipantSid={nobody}&Status=sent"),
            format!("ParticipantSid={alice}&Status=sent"),
            of("Status=sent"),
            of("Status=delivered"),
            of("Status=failed&ErrorCode=30003"),
        ] {
            let reply = house.post(&place, &form).await;
            house.note(format!("{form}: {} {}", reply.code(), reply.field("message")));
        }
        let service = house.post("/v1/Services", "FriendlyName=Other").await.sid();
        let ours = place.split('/').nth(4).expect("a service");
        let message = place.split('/').nth(8).expect("a message");
        for elsewhere in [
            place.replace(ours, &service),
            place.replace(ours, "IS00000000000000000000000000000fff"),
            place.replace(ours, "IS"),
            place.replace(message, "IM00000000000000000000000000000fff"),
            place.replace(message, "0"),
            place.replace("Conversations/CH", "Conversations/XX"),
        ] {
            assert_eq!(house.post(&elsewhere, &of("Status=read")).await.code(), "404 20404", "{elsewhere}");
            // What is not there is told before what is wrong with the form.
            assert_eq!(house.post(&elsewhere, "").await.code(), "404 20404", "{elsewhere}");
        }
        assert_eq!(house.get(&place).await.code(), "405 20004");
        assert_eq!(house.delete(&place).await.code(), "405 20004");
        let stranger = house.send_as_is(Request::post(&place), &of("Status=read")).await;
        assert_eq!(stranger.code(), "401 20003");
        assert_eq!(house.get(&path).await.get("delivery")["delivered"], "all");
        assert_eq!(house.get(&path).await.get("delivery")["read"], "none");
    })
    .await;
    assert_snapshot!(told, @"
    : 400 20001 Missing parameter Status

    ParticipantSid=MB0000000000000000000000000000000e&: 400 20001 Missing parameter Status

    ParticipantSid=MB0000000000000000000000000000000e&Status=queued: 400 20001 Invalid value for parameter Status

    ParticipantSid=MB0000000000000000000000000000000e&Status=read&ErrorCode=30003: 400 20001 Only what is failed or undelivered has an ErrorCode

    ParticipantSid=MB0000000000000000000000000000000e&Status=failed&ErrorCode=x: 400 20001 Invalid value for parameter ErrorCode

    ParticipantSid=alice&Status=sent: 400 20001 Invalid value for parameter ParticipantSid

    Status=sent: 400 20001 Missing parameter ParticipantSid

    ParticipantSid=MB00000000000000000000000000000fff&Status=sent: 404 50432 Participant not found

    ParticipantSid=MB0000000000000000000000000000000b&Status=sent: 409 20409 The message goes to this participant by no channel

    ParticipantSid=MB0000000000000000000000000000000e&Status=sent: 409 20409 A receipt that is delivered does not become sent

    ParticipantSid=MB0000000000000000000000000000000e&Status=delivered: 409 20409 A receipt that is delivered does not become delivered

    ParticipantSid=MB0000000000000000000000000000000e&Status=failed&ErrorCode=30003: 409 20409 A receipt that is delivered does not become failed
    ");
}
