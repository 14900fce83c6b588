//! Timers: what fires when, what it changes, and that it fires once, after restarts and on several nodes.

use std::sync::Arc;

use conversations::{Conversation, timers};
use insta::assert_snapshot;
use server::Settings;
use store::StoreError;
use testkit::{Database, Engine, House, on_both};
use tokio::task::JoinSet;
use wire::Sid;

use crate::conformance::one;

/// State, timers and the time of the last update.
async fn state(house: &House, path: &str) -> String {
    let reply = house.get(path).await;
    format!("{} {} {}", reply.field("date_updated"), reply.field("state"), reply.get("timers"))
}

async fn create(house: &House, form: &str) -> String {
    let reply = house.post("/v1/Conversations", form).await;
    assert_eq!(reply.code(), "201", "{}", reply.text());
    format!("/v1/Conversations/{}", reply.sid())
}

/// Lets time pass, and what falls due fire.
async fn pass(house: &House, seconds: i64) {
    house.clock.advance_seconds(seconds);
    house.fire_timers().await;
}

/// How often a conversation has changed.
async fn position(house: &House, path: &str) -> i64 {
    let sid: Sid<Conversation> = path.rsplit('/').next().and_then(Sid::parse).expect("a sid");
    let read = move |tx: &mut store::Tx<'_>| {
        tx.row("SELECT position FROM conversation_heads WHERE sid = $1", &[&sid], one::<i64>)
    };
    house.app.store().read::<_, StoreError>(read).await.expect("the store reads").expect("it is there")
}

#[tokio::test]
async fn from_active_over_inactive_to_closed_and_back_as_long_as_somebody_speaks() {
    let told = on_both(async |house| {
        let path = create(house, "State=active&Timers.Inactive=PT1M&Timers.Closed=PT10M").await;
        house.note(state(house, &path).await);
        for (seconds, form) in [(59, None), (1, None), (60, Some("Body=still+here")), (60, None), (540, None)]
        {
            pass(house, seconds).await;
            if let Some(form) = form {
                assert_eq!(house.post(&format!("{path}/Messages"), form).await.code(), "201");
            }
            house.note(state(house, &path).await);
        }
        house.note(house.post(&path, "FriendlyName=late").await.code());
        house.note(house.post(&format!("{path}/Messages"), "Body=late").await.code());
        pass(house, 86_400).await;
        house.note(state(house, &path).await);
    })
    .await;
    assert_snapshot!(told, @r#"
    2026-01-01T00:00:00Z active {"date_closed":"2026-01-01T00:10:00Z","date_inactive":"2026-01-01T00:01:00Z"}

    2026-01-01T00:00:00Z active {"date_closed":"2026-01-01T00:10:00Z","date_inactive":"2026-01-01T00:01:00Z"}

    2026-01-01T00:01:00Z inactive {"date_closed":"2026-01-01T00:10:00Z"}

    2026-01-01T00:01:00Z active {"date_closed":"2026-01-01T00:12:00Z","date_inactive":"2026-01-01T00:03:00Z"}

    2026-01-01T00:03:00Z inactive {"date_closed":"2026-01-01T00:12:00Z"}

    2026-01-01T00:12:00Z closed {"date_closed":"2026-01-01T00:12:00Z"}

    400 50377

    400 50377

    2026-01-01T00:12:00Z closed {"date_closed":"2026-01-01T00:12:00Z"}
    "#);
}

#[tokio::test]
async fn an_inactive_conversation_shows_both_dates_and_waits_for_its_end_alone() {
    let told = on_both(async |house| {
        let path = create(house, "State=inactive&Timers.Inactive=PT1M&Timers.Closed=PT10M").await;
        house.note(state(house, &path).await);
        pass(house, 300).await;
        house.note(state(house, &path).await);
        house.note(house.post(&path, "State=active").await.get("timers").to_string());
        pass(house, 60).await;
        house.note(state(house, &path).await);
        house.post(&path, "Timers.Closed=PT0S").await;
        pass(house, 86_400).await;
        house.note(state(house, &path).await);
    })
    .await;
    assert_snapshot!(told, @r#"
    2026-01-01T00:00:00Z inactive {"date_closed":"2026-01-01T00:10:00Z","date_inactive":"2026-01-01T00:01:00Z"}

    2026-01-01T00:00:00Z inactive {"date_closed":"2026-01-01T00:10:00Z","date_inactive":"2026-01-01T00:01:00Z"}

    {"date_closed":"2026-01-01T00:15:00Z","date_inactive":"2026-01-01T00:06:00Z"}

    2026-01-01T00:06:00Z inactive {"date_closed":"2026-01-01T00:15:00Z"}

    2026-01-01T00:06:00Z inactive {"date_inactive":"2026-01-01T00:07:00Z"}
    "#);
}

#[tokio::test]
async fn an_imported_history_shows_its_dates_and_is_left_alone_for_its_time() {
    let told = on_both(async |house| {
        let form = "State=active&Timers.Inactive=PT1M&Timers.Closed=PT10M&DateUpdated=2015-12-16T22:18:38Z";
        let path = create(house, form).await;
        for seconds in [0, 59, 1, 539, 1] {
            pass(house, seconds).await;
            house.note(state(house, &path).await);
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    2015-12-16T22:18:38Z active {"date_closed":"2015-12-16T22:28:38Z","date_inactive":"2015-12-16T22:19:38Z"}

    2015-12-16T22:18:38Z active {"date_closed":"2015-12-16T22:28:38Z","date_inactive":"2015-12-16T22:19:38Z"}

    2026-01-01T00:01:00Z inactive {"date_closed":"2015-12-16T22:28:38Z"}

    2026-01-01T00:01:00Z inactive {"date_closed":"2015-12-16T22:28:38Z"}

    2026-01-01T00:10:00Z closed {"date_closed":"2015-12-16T22:28:38Z"}
    "#);
}

#[tokio::test]
async fn what_a_timer_closes_frees_its_addresses_as_an_update_does() {
    on_both(async |house| {
        let pair = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15017122661";
        let first = create(house, "Timers.Inactive=PT1M&Timers.Closed=PT10M").await;
        let second = create(house, "").await;
        let add = async |path: &str| house.post(&format!("{path}/Participants"), pair).await.code();
        assert_eq!(add(&first).await, "201");
        pass(house, 60).await;
        assert_eq!(add(&second).await, "409 50416", "inactive, it holds them");
        pass(house, 540).await;
        assert_eq!(add(&second).await, "201");
    })
    .await;
}

#[tokio::test]
async fn both_timers_that_passed_while_nobody_looked_fire_in_their_order() {
    on_both(async |house| {
        let path = create(house, "Timers.Inactive=PT1M&Timers.Closed=PT10M").await;
        let alone = create(house, "").await;
        pass(house, 86_400).await;
        assert_eq!(
            state(house, &path).await,
            "2026-01-02T00:00:00Z closed {\"date_closed\":\"2026-01-01T00:10:00Z\"}"
        );
        assert_eq!((position(house, &path).await, position(house, &alone).await), (3, 1));
    })
    .await;
}

#[tokio::test]
async fn a_timer_longer_than_time_itself_does_no_harm() {
    on_both(async |house| {
        let path = create(house, "Timers.Inactive=P292000Y&Timers.Closed=P9000Y").await;
        assert_eq!(house.post(&format!("{path}/Messages"), "Body=x").await.code(), "201");
        let timers = house.get(&path).await.get("timers");
        assert_eq!(timers["date_inactive"], "9999-12-31T23:59:59Z");
        pass(house, 86_400).await;
        assert_eq!(house.get(&path).await.field("state"), "active");
    })
    .await;
}

#[tokio::test]
async fn timers_survive_a_restart_and_the_time_without_a_server() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::create(engine).await;
        let house = House::open(engine, &database, Settings::default()).await;
        let path = create(&house, "Timers.Inactive=PT1M").await;
        let ids = Arc::clone(&house.ids);
        house.close();
        drop(house);
        let house = House::join(engine, &database, Settings::default(), ids);
        house.fire_timers().await;
        assert_eq!(house.get(&path).await.field("state"), "active");
        pass(&house, 3600).await;
        assert_eq!(state(&house, &path).await, "2026-01-01T01:00:00Z inactive {}");
        house.close();
        drop(house);
        database.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_at_once_fire_each_timer_once() {
    let database = Database::create(Engine::Postgres).await;
    let nodes = House::open(Engine::Postgres, &database, Settings::default()).await;
    let other = House::join(Engine::Postgres, &database, Settings::default(), Arc::clone(&nodes.ids));
    let nodes = [nodes, other];
    let mut paths = Vec::new();
    for _ in 0..120 {
        paths.push(create(&nodes[0], "Timers.Inactive=PT1M").await);
    }
    let mut firing = JoinSet::new();
    for node in nodes.clone() {
        node.clock.advance_seconds(60);
        firing.spawn(async move { node.fire_timers().await });
    }
    firing.join_all().await;
    for path in &paths {
        assert_eq!(position(&nodes[1], path).await, 2);
        assert_eq!(nodes[1].get(path).await.field("state"), "inactive");
    }
    nodes.iter().for_each(House::close);
    drop(nodes);
    database.remove().await;
}

#[tokio::test]
async fn what_changed_after_it_was_looked_for_does_not_fire() {
    on_both(async |house| {
        let path = create(house, "Timers.Inactive=PT1M").await;
        house.clock.advance_seconds(60);
        let store = house.app.store();
        let now = store::Clock::now(&*house.clock);
        let due = store.read(move |tx| timers::due(tx, now, &timers::Due::FIRST, 10)).await.expect("a read");
        assert_eq!(due.len(), 1);
        house.post(&format!("{path}/Messages"), "Body=just+in+time").await;
        let ids = house.ids.clone();
        let fire = move |tx: &mut store::Tx<'_>| timers::fire(tx, &*ids, &due);
        let fired = store.write(store::Roots::none(), fire).await;
        assert_eq!(fired.ok(), Some(0));
        assert_eq!(house.get(&path).await.field("state"), "active");
        house.delete(&path).await;
        pass(house, 3600).await;
    })
    .await;
}
