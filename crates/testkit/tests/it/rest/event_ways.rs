//! Every way by which state changes, and the events that it tells.

use insta::assert_snapshot;
use server::{Settings, WebhookSettings};
use testkit::{House, Receiver, Reply, on_both_with, webhooks_inside};

use super::conversation;

fn settings() -> Settings {
    let webhooks = WebhookSettings { rest_pre_hooks: true, ..webhooks_inside() };
    Settings { webhooks, ..Settings::default() }
}

/// Lets the account's webhook be asked about everything, and hear of it.
async fn listen(house: &House, receiver: &Receiver) {
    let filters = conversations::events::EVENT_TYPES.join("&Filters=");
    let url = receiver.url();
    let form = format!("PostWebhookUrl={url}&PreWebhookUrl={url}&Filters={filters}");
    assert_eq!(house.post("/v1/Configuration/Webhooks", &form).await.code(), "200");
}

/// POST that webhooks hear of.
async fn post(house: &House, path: &str, form: &str) -> Reply {
    let reply = house.post_heard(path, form).await;
    assert!(reply.status.is_success(), "{path} {form}: {}", reply.text());
    reply
}

/// DELETE that webhooks hear of.
async fn delete(house: &House, path: &str) {
    assert_eq!(house.delete_heard(path).await.code(), "204");
}

/// Notes what was told since the last time: a line each, with what tells one from the other.
async fn note(house: &House, receiver: &Receiver, way: &str) {
    const SHOWN: [&str; 11] = [
        "EventType",
        "Identity",
        "MessagingBinding.Address",
        "MessagingBinding.ProjectedAddress",
        "MessagingBinding.Type",
        "Reason",
        "StateFrom",
        "StateTo",
        "Status",
        "Body",
        "LastReadMessageIndex",
    ];
    house.deliver().await;
    let mut told = receiver.take();
    // Lanes do not wait for each other: those of users behind those of conversations.
    told.sort_by_key(|one| one.get("UserSid").is_some());
    let line = |one: &testkit::Received| {
        let values = SHOWN.iter().filter_map(|name| one.get(name));
        format!("  {}", values.collect::<Vec<_>>().join(" "))
    };
    let lines: Vec<_> = told.iter().map(line).collect();
    house.note(format!("{way}\n{}", lines.join("\n")));
}

#[tokio::test]
async fn timers_and_messages_change_states() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        listen(house, &receiver).await;
        let path = conversation(house).await;
        let timers = "Timers.Inactive=PT1M&Timers.Closed=PT10M";
        assert_eq!(house.post(&path, timers).await.code(), "200");
        house.clock.advance_seconds(61);
        house.fire_timers().await;
        note(house, &receiver, "a timer").await;
        post(house, &format!("{path}/Messages"), "Body=hello").await;
        note(house, &receiver, "a message to an inactive conversation").await;
        post(house, &path, "State=inactive").await;
        note(house, &receiver, "a state alone").await;
        post(house, &path, "State=active&FriendlyName=Desk").await;
        note(house, &receiver, "a state and a name").await;
        post(house, &path, "State=active").await;
        note(house, &receiver, "a state that it has").await;
        house.clock.advance_seconds(3600);
        house.fire_timers().await;
        house.fire_timers().await;
        note(house, &receiver, "two timers").await;
    })
    .await;
    assert_snapshot!(told, @"
    a timer
      onConversationStateUpdated TIMER active inactive

    a message to an inactive conversation
      onMessageAdd hello
      onMessageAdded hello
      onConversationStateUpdated EVENT inactive active

    a state alone
      onConversationStateUpdated API active inactive

    a state and a name
      onConversationUpdate
      onConversationUpdated
      onConversationStateUpdated API inactive active

    a state that it has


    two timers
      onConversationStateUpdated TIMER active inactive
      onConversationStateUpdated TIMER inactive closed
    ");
}

#[tokio::test]
async fn people_come_read_and_go() {
    let receiver = Receiver::start().await;
    let told = on_both_with(settings(), async |house| {
        listen(house, &receiver).await;
        let path = conversation(house).await;
        let sid = path.rsplit('/').next().unwrap_or_default();
        for _ in 0..3 {
            house.post(&format!("{path}/Messages"), "Body=hello").await;
        }
        post(house, &format!("{path}/Participants"), "Identity=alice").await;
        note(house, &receiver, "somebody joins, and is new").await;
        let own = format!("/v1/Users/alice/Conversations/{sid}");
        post(house, &own, "LastReadMessageIndex=1").await;
        note(house, &receiver, "a user has read").await;
        post(house, &own, "NotificationLevel=muted").await;
        note(house, &receiver, "a user hears less").await;
        delete(house, &own).await;
        note(house, &receiver, "a user leaves").await;
        let other = conversation(house).await;
        for place in [&path, &other] {
            house.post(&format!("{place}/Participants"), "Identity=alice").await;
        }
        delete(house, "/v1/Users/alice").await;
        note(house, &receiver, "a user is deleted, and was in two conversations").await;
        let form = "Participant={\"identity\":\"bob\"}&Participant={\"messaging_binding\":{\"address\":\"%2B15550001\",\
                    \"proxy_address\":\"%2B15559999\"}}";
        post(house, "/v1/ConversationWithParticipants", form).await;
        note(house, &receiver, "a conversation with participants").await;
        let group = "Participant={\"identity\":\"bob\",\"messaging_binding\":{\"projected_address\":\"%2B15559998\"}}\
                     &Participant={\"messaging_binding\":{\"address\":\"%2B15550002\"}}\
                     &Participant={\"messaging_binding\":{\"address\":\"%2B15550003\"}}";
        post(house, "/v1/ConversationWithParticipants", group).await;
        note(house, &receiver, "a group").await;
    })
    .await;
    assert_snapshot!(told, @"
    somebody joins, and is new
      onParticipantAdd alice chat
      onParticipantAdded alice chat
      onUserAdded alice

    a user has read
      onParticipantUpdate alice chat
      onParticipantUpdated alice chat 1

    a user hears less


    a user leaves
      onParticipantRemove alice chat
      onParticipantRemoved alice chat

    a user is deleted, and was in two conversations
      onParticipantRemove alice chat
      onParticipantRemove alice chat
      onParticipantRemoved alice chat
      onParticipantRemoved alice chat

    a conversation with participants
      onConversationAdd
      onParticipantAdd bob chat
      onParticipantAdd +15550001 sms
      onConversationAdded
      onParticipantAdded bob chat
      onParticipantAdded +15550001 sms
      onUserAdded bob

    a group
      onConversationAdd
      onParticipantAdd bob +15559998 sms
      onParticipantAdd +15550002 sms
      onParticipantAdd +15550003 sms
      onConversationAdded
      onParticipantAdded bob +15559998 sms
      onParticipantAdded +15550002 sms
      onParticipantAdded +15550003 sms
    ");
}

/// More conversations than a deletion leaves at once: what housekeeping does later is told all the same, and
/// only where the deletion itself was to be heard.
#[tokio::test]
async fn a_user_who_was_in_many_conversations_is_told_to_leave_each() {
    const NAMES: [&str; 6] =
        ["Source", "Identity", "RoleSid", "Attributes", "MessagingBinding.Type", "DateRemoved"];
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        for identity in ["alice", "bob"] {
            assert_eq!(house.post("/v1/Users", &format!("Identity={identity}")).await.code(), "201");
        }
        let mut left = Vec::new();
        for _ in 0..52 {
            let path = conversation(house).await;
            for identity in ["alice", "bob"] {
                let form = format!("Identity={identity}");
                assert_eq!(house.post(&format!("{path}/Participants"), &form).await.code(), "201");
            }
            left.push(path.rsplit('/').next().unwrap_or_default().to_owned());
        }
        let url = receiver.url();
        let form = format!("PostWebhookUrl={url}&Filters=onParticipantRemoved");
        assert_eq!(house.post("/v1/Configuration/Webhooks", &form).await.code(), "200");

        delete(house, "/v1/Users/alice").await;
        house.keep_house().await;
        house.deliver().await;
        let told = receiver.take();
        for one in &told {
            assert_eq!(one.get("Source").as_deref(), Some("API"));
            assert_eq!(one.get("Identity").as_deref(), Some("alice"));
            let missing = NAMES.iter().find(|name| one.get(name).is_none());
            assert_eq!(missing, None, "{}", one.text());
        }
        let mut heard: Vec<String> = told.iter().filter_map(|one| one.get("ConversationSid")).collect();
        heard.sort();
        left.sort();
        assert_eq!(heard, left, "each once on {:?}", house.engine);

        assert_eq!(house.delete("/v1/Users/bob").await.code(), "204");
        house.keep_house().await;
        house.deliver().await;
        assert!(receiver.take().is_empty(), "without the header nobody hears of it");
    })
    .await;
}

#[tokio::test]
async fn what_nobody_asked_to_be_told_is_not() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        listen(house, &receiver).await;
        let path = conversation(house).await;
        // Not even with the header: there are no such events.
        post(house, "/v1/Roles", "FriendlyName=r&Type=conversation&Permission=sendMessage").await;
        post(
            house,
            &format!("{path}/Webhooks"),
            "Target=trigger&Configuration.Url=http://127.0.0.1:1/&Configuration.Triggers=x",
        )
        .await;
        post(house, "/v1/Services", "FriendlyName=s").await;
        post(house, "/v1/Configuration", "DefaultInactiveTimer=PT5M").await;
        post(house, &path, "").await;
        let request = http::Request::post(path.as_str())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-webhook-enabled", "false");
        assert_eq!(house.send(request, "FriendlyName=quiet").await.code(), "200");
        house.deliver().await;
        let told = receiver.take();
        assert!(told.is_empty(), "{}", told[0].text());
    })
    .await;
}

#[tokio::test]
async fn a_file_is_told_with_keys_in_upper_case() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        listen(house, &receiver).await;
        let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
        let upload = http::Request::post(format!("/v1/Services/{service}/Media?Filename=cat.png"))
            .header("content-type", "image/png");
        let media = house.send(upload, "a picture").await.sid();
        let path = conversation(house).await;
        post(house, &format!("{path}/Messages"), &format!("MediaSid={media}")).await;
        house.deliver().await;
        let told = receiver.take().pop().expect("it was told").get("Media").expect("there is a file");
        let expected =
            format!(r#"[{{"Sid":"{media}","ContentType":"image/png","Filename":"cat.png","Size":9}}]"#);
        assert_eq!(told, expected);
    })
    .await;
}
