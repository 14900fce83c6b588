//! `Configuration.ReplayAfter`: a new webhook is told of what was said before it was there.

use server::Settings;
use testkit::{House, Receiver, Reply, on_both_with, webhooks_inside};
use tokio_util::task::TaskTracker;

use super::conversation;

fn settings() -> Settings {
    Settings { webhooks: webhooks_inside(), ..Settings::default() }
}

/// A webhook of a conversation; the rest of the form says what it listens to.
async fn listen(house: &House, path: &str, receiver: &Receiver, form: &str) -> Reply {
    let form = format!("Configuration.Url={}&{form}", receiver.url());
    let made = house.post(&format!("{path}/Webhooks"), &form).await;
    assert_eq!(made.code(), "201");
    made
}

/// What was received: the event and the message's index, in the order of arrival.
fn told(receiver: &Receiver) -> Vec<String> {
    let line = |told: testkit::Received| {
        let [event, index] = ["EventType", "Index"].map(|name| told.get(name).unwrap_or_default());
        format!("{} {index}", event.trim_start_matches("on"))
    };
    receiver.take().into_iter().map(line).collect()
}

async fn rows(house: &House) -> i64 {
    let count =
        |tx: &mut store::Tx<'_>| tx.row("SELECT COUNT(*) FROM replays", &[], crate::conformance::one::<i64>);
    house.app.store().read(count).await.expect("the store reads").expect("a count")
}

const ADDED: &str = "Target=webhook&Configuration.Filters=onMessageAdded";

#[tokio::test]
async fn messages_of_a_higher_index_are_told_before_what_happens_later() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = conversation(house).await;
        let messages = format!("{path}/Messages");
        let mut sids = Vec::new();
        for number in 0..130 {
            sids.push(house.post(&messages, &format!("Body=number+{number}")).await.sid());
        }
        house.delete(&format!("{messages}/{}", sids[7])).await;
        let form = format!("{ADDED}&Configuration.Filters=onMessageUpdated&Configuration.ReplayAfter=4");
        listen(house, &path, &receiver, &form).await;
        // What comes while it goes on, some of it told by another task.
        house.post_heard(&messages, "Body=live").await;
        house.post_heard(&format!("{messages}/{}", sids[129]), "Body=edited").await;
        let busy = {
            let (house, messages) = (house.clone(), messages.clone());
            TaskTracker::new().spawn(async move {
                for _ in 0..20 {
                    assert_eq!(house.post_heard(&messages, "Body=meanwhile").await.code(), "201");
                }
            })
        };
        house.deliver().await;
        busy.await.expect("it goes well");
        house.deliver().await;
        let replayed = (5..130).filter(|index| *index != 7).map(|index| format!("MessageAdded {index}"));
        let live = ["MessageAdded 130".to_owned(), "MessageUpdated 129".to_owned()];
        let meanwhile = (131..151).map(|index| format!("MessageAdded {index}"));
        assert_eq!(told(&receiver), replayed.chain(live).chain(meanwhile).collect::<Vec<_>>());
        assert_eq!(rows(house).await, 0);
        house.deliver().await;
        assert!(told(&receiver).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_replayed_message_is_told_like_one_that_was_just_sent() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = conversation(house).await;
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        listen(house, &path, &receiver, ADDED).await;
        house.post_heard(&format!("{path}/Messages"), "Body=zero&Author=alice").await;
        house.post_heard(&format!("{path}/Messages"), "Body=one&Author=alice&Attributes={\"a\":1}").await;
        house.deliver().await;
        let live = receiver.take().pop().expect("two were told");
        listen(house, &path, &receiver, &format!("{ADDED}&Configuration.ReplayAfter=0")).await;
        house.deliver().await;
        let [replayed] = receiver.take().try_into().expect("index 0 is not replayed");
        assert_eq!(live.get("Body").as_deref(), Some("one"));
        assert_eq!(replayed.text(), live.text());
    })
    .await;
}

#[tokio::test]
async fn a_replay_tells_what_the_webhook_listens_to() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = conversation(house).await;
        for number in 0..250 {
            let body = if number % 60 == 59 { "I+need+help" } else { "fine" };
            house.post(&format!("{path}/Messages"), &format!("Body={body}")).await;
        }
        let replay = "Configuration.ReplayAfter=0";
        listen(house, &path, &receiver, &format!("Target=trigger&Configuration.Triggers=HELP&{replay}"))
            .await;
        house.deliver().await;
        assert_eq!(told(&receiver), [59, 119, 179, 239].map(|index| format!("MessageAdded {index}")));
        let others = "Target=webhook&Configuration.Filters=onParticipantAdded";
        listen(house, &path, &receiver, &format!("{others}&{replay}")).await;
        listen(house, &path, &receiver, &format!("{ADDED}&Configuration.ReplayAfter=249")).await;
        listen(house, &path, &receiver, &format!("{ADDED}&Configuration.ReplayAfter=-1")).await;
        let flow = "Target=studio&Configuration.FlowSid=FW00000000000000000000000000000001";
        assert_eq!(house.post(&format!("{path}/Webhooks"), &format!("{flow}&{replay}")).await.code(), "201");
        house.deliver().await;
        assert_eq!((told(&receiver), rows(house).await), (Vec::new(), 0));
    })
    .await;
}

#[tokio::test]
async fn a_replay_ends_with_its_webhook_and_with_its_conversation() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let form = format!("{ADDED}&Configuration.ReplayAfter=0");
        for is_whole in [true, false] {
            let path = conversation(house).await;
            for _ in 0..3 {
                house.post(&format!("{path}/Messages"), "Body=hello").await;
            }
            let webhook = listen(house, &path, &receiver, &form).await.sid();
            let gone = if is_whole { path } else { format!("{path}/Webhooks/{webhook}") };
            assert_eq!(house.delete(&gone).await.code(), "204");
            house.deliver().await;
            assert_eq!((told(&receiver), rows(house).await), (Vec::new(), 0));
        }
    })
    .await;
}

#[tokio::test]
async fn a_replayed_message_that_fails_is_tried_again_before_the_next() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = conversation(house).await;
        for _ in 0..3 {
            house.post(&format!("{path}/Messages"), "Body=hello").await;
        }
        receiver.answer(503, "");
        let url = format!("{}%23rc=1%26rp=all", receiver.url());
        let form = format!("Configuration.Url={url}&{ADDED}&Configuration.ReplayAfter=0");
        assert_eq!(house.post(&format!("{path}/Webhooks"), &form).await.code(), "201");
        house.deliver().await;
        assert_eq!(told(&receiver), ["MessageAdded 1"]);
        house.clock.advance_seconds(60);
        house.deliver().await;
        assert_eq!(told(&receiver), ["MessageAdded 1", "MessageAdded 2"]);
        // One that is given up does not hold up the others.
        receiver.answer(500, "");
        let form = format!("{ADDED}&Configuration.ReplayAfter=0");
        listen(house, &path, &receiver, &form).await;
        house.deliver().await;
        assert_eq!(told(&receiver), ["MessageAdded 1", "MessageAdded 2"]);
    })
    .await;
}
