//! Who edited a message last, and when a conversation came to its state.

use serde_json::{Value, json};
use testkit::{House, SdkUser, on_both};

use super::Viewer;

/// Who takes part in a new conversation, and its path.
async fn room(house: &House, form: &str) -> (String, Viewer, SdkUser) {
    let viewer = Viewer::new(house, "alice").await;
    let alice = house.sdk_user("alice").await;
    let sid = house.post("/v1/Conversations", form).await.sid();
    house.post(&format!("/v1/Conversations/{sid}/Participants"), "Identity=alice").await;
    (sid, viewer, alice)
}

/// Who edited the first message last.
async fn editor(viewer: &Viewer, sid: &str) -> Value {
    let item = viewer.get(&format!("/v3/Lists/{sid}.messages/Items?Index=0")).await.json();
    item["items"][0]["data"]["lastUpdatedBy"].clone()
}

#[tokio::test]
async fn a_message_tells_who_edited_it_last() {
    on_both(async |house| {
        let (sid, viewer, alice) = room(house, "").await;
        let messages = format!("/Conversations/{sid}/Messages");
        let of_alice = alice.create(&messages, "Body=one").await;
        let message = format!("{messages}/{}", of_alice.sid());
        assert_eq!(editor(&viewer, &sid).await, Value::Null, "nobody has");
        assert_eq!(alice.update(&message, "Body=two").await.code(), "200");
        assert_eq!(editor(&viewer, &sid).await, json!("alice"));
        let by_rest = house.post(&format!("/v1{message}"), "Body=three").await;
        assert_eq!(editor(&viewer, &sid).await, json!("system"));
        assert!(by_rest.json().get("last_updated_by").is_none(), "the REST API does not print it");
        assert_eq!(alice.update(&message, "Attributes={}").await.code(), "200");
        assert_eq!(editor(&viewer, &sid).await, json!("alice"));
        house.post(&format!("/v1{message}"), "").await;
        assert_eq!(editor(&viewer, &sid).await, json!("alice"), "that is no edit");
        // What is told to who follows is the same.
        let list = conversations::sync::SyncObject::parse(&format!("{sid}.messages")).expect("an object");
        let changes = viewer.changes(list, (0, 1000)).await;
        let told: Value = serde_json::from_slice(&changes.events[0].payload).expect("it is JSON");
        assert_eq!(told["item_data"]["lastUpdatedBy"], json!("alice"), "{told}");
    })
    .await;
}

/// The state in the document, and when it came.
async fn state(viewer: &Viewer, sid: &str) -> String {
    let document = viewer.get(&format!("/v3/Documents/{sid}.channel")).await.json();
    let state = &document["data"]["state"];
    let text = |name: &str| state[name].as_str().expect("a text").to_owned();
    format!("{} {}", text("current"), &text("dateUpdated")[11..19])
}

#[tokio::test]
async fn the_document_tells_when_the_state_came_whoever_brought_it_about() {
    on_both(async |house| {
        let (sid, viewer, alice) = room(house, "").await;
        let path = format!("/v1/Conversations/{sid}");
        assert_eq!(state(&viewer, &sid).await, "active 00:00:00");
        house.clock.advance_seconds(10);
        house.post(&path, "FriendlyName=desk&State=active").await;
        house.post(&format!("{path}/Messages"), "Body=one").await;
        assert_eq!(state(&viewer, &sid).await, "active 00:00:00", "it has not changed");
        house.post(&path, "State=inactive&DateUpdated=2020-01-01T00:00:00Z").await;
        assert_eq!(state(&viewer, &sid).await, "inactive 00:00:10");
        // A message that nobody but a client hears of.
        house.clock.advance_seconds(10);
        let before = house.get(&path).await.field("date_updated");
        house.post(&format!("{path}/Messages"), "Body=two").await;
        assert_eq!(state(&viewer, &sid).await, "active 00:00:20");
        assert_eq!(house.get(&path).await.field("date_updated"), before);
        house.clock.advance_seconds(10);
        house.post(&format!("{path}/Messages"), "Body=three").await;
        assert_eq!(state(&viewer, &sid).await, "active 00:00:20");
        // One that webhooks hear of, one of a client, and one with a recipient outside.
        house.post(&path, "State=inactive").await;
        house.clock.advance_seconds(10);
        house.post_heard(&format!("{path}/Messages"), "Body=four").await;
        assert_eq!(state(&viewer, &sid).await, "active 00:00:40");
        house.post(&path, "State=inactive").await;
        house.clock.advance_seconds(10);
        alice.create(&format!("/Conversations/{sid}/Messages"), "Body=five").await;
        assert_eq!(state(&viewer, &sid).await, "active 00:00:50");
        let phone = "MessagingBinding.Address=%2B15550000001&MessagingBinding.ProxyAddress=%2B15559999999";
        house.post(&format!("{path}/Participants"), phone).await;
        house.post(&path, "State=inactive").await;
        house.clock.advance_seconds(10);
        house.post(&format!("{path}/Messages"), "Body=six").await;
        assert_eq!(state(&viewer, &sid).await, "active 00:01:00");
        house.clock.advance_seconds(10);
        house.post(&path, "State=closed").await;
        assert_eq!(state(&viewer, &sid).await, "closed 00:01:10");
    })
    .await;
}

#[tokio::test]
async fn timers_tell_when_the_state_came_too() {
    on_both(async |house| {
        let (sid, viewer, _) = room(house, "Timers.Inactive=PT1M&Timers.Closed=PT10M").await;
        for (seconds, expected) in [
            (59, "active 00:00:00"),
            (1, "inactive 00:01:00"),
            (60, "inactive 00:01:00"),
            (480, "closed 00:10:00"),
        ] {
            house.clock.advance_seconds(seconds);
            house.fire_timers().await;
            assert_eq!(state(&viewer, &sid).await, expected, "{:?}", house.engine);
        }
    })
    .await;
}
