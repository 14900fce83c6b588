//! Deletion in two steps: out of sight at once, the rows in chunks.

use conversations::bindings::BindingType;
use conversations::{Failure, purges, tombstones};
use server::Settings;
use store::{Roots, StoreError};
use testkit::{Database, Engine, House, on_both};

use super::one;
use crate::rest::{bindings, conversation};

/// Does what housekeeping does until nothing is left; tells how many steps it took.
async fn purge(house: &House) -> usize {
    let mut steps = 0;
    while step(house).await {
        steps += 1;
    }
    steps
}

/// One step of it; false where nothing is left.
async fn step(house: &House) -> bool {
    let store = house.app.store();
    let Some(purge) = store.read(purges::next).await.expect("the store reads") else { return false };
    let ids = house.ids.clone();
    let advance = move |tx: &mut store::Tx<'_>| purges::advance(tx, &*ids, &purge);
    store.write::<_, Failure>(Roots::none(), advance).await.expect("the purge advances");
    true
}

async fn rows(house: &House, table: &'static str) -> i64 {
    let count = move |tx: &mut store::Tx<'_>| {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        Ok::<_, StoreError>(tx.row(&sql, &[], one)?.expect("a count"))
    };
    house.app.store().read(count).await.expect("the store reads")
}

#[tokio::test]
async fn a_large_conversation_is_gone_at_once_and_its_rows_in_chunks() {
    on_both(async |house| {
        let path = conversation(house).await;
        for number in 0..60 {
            house.post(&format!("{path}/Participants"), &format!("Identity=user-{number}")).await;
        }
        let pair = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15017122661";
        house.post(&format!("{path}/Participants"), pair).await;
        for number in 0..210 {
            house.post(&format!("{path}/Messages"), &format!("Body={number}")).await;
        }
        assert_eq!(house.delete(&path).await.code(), "204");
        assert_eq!(house.get(&path).await.code(), "404 20404");
        let joined = house.get("/v1/Users/user-7/Conversations").await.get("conversations");
        assert_eq!(joined, serde_json::json!([]));
        assert!(rows(house, "messages").await == 210 && rows(house, "memberships").await == 60);
        assert!(purge(house).await > 4, "it takes several chunks");
        for table in ["messages", "receipts", "participants", "memberships", "conversations", "purges"] {
            assert_eq!(rows(house, table).await, 0, "{table} on {:?}", house.engine);
        }
        // Each user is told that the conversation is gone.
        assert_eq!(rows(house, "tombstones").await, 60);
        assert_eq!(rows(house, "users").await, 60);
    })
    .await;
}

/// What is left of a conversation, in all tables.
const LEFT: &str = "messages) + (SELECT COUNT(*) FROM receipts) + (SELECT COUNT(*) FROM participants) \
     + (SELECT COUNT(*) FROM memberships) + (SELECT COUNT(*) FROM conversation_webhooks";

async fn left(house: &House) -> i64 {
    let count = |tx: &mut store::Tx<'_>| {
        let sql = format!("SELECT (SELECT COUNT(*) FROM {LEFT})");
        Ok::<_, StoreError>(tx.row(&sql, &[], one)?.expect("a count"))
    };
    house.app.store().read(count).await.expect("the store reads")
}

async fn no_step_is_large_and_a_restart_goes_on(engine: Engine) {
    let database = Database::create(engine).await;
    let house = House::open(engine, &database, Settings::default()).await;
    let path = conversation(&house).await;
    let pair = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15017122661";
    house.post(&format!("{path}/Participants"), pair).await;
    for number in 0..51 {
        house.post(&format!("{path}/Participants"), &format!("Identity=user-{number}")).await;
    }
    for _ in 0..120 {
        house.post(&format!("{path}/Messages"), "Body=x").await;
    }
    // A receipt of each message, for the phone.
    let whole = 120 * 2 + 51 * 2 + 1;
    assert!(left(&house).await == whole && house.delete(&path).await.code() == "204");
    for gone in [path.clone(), format!("{path}/Messages"), format!("{path}/Participants")] {
        assert_eq!(house.get(&gone).await.code(), "404 20404", "{gone}");
    }
    assert!(step(&house).await);
    house.close();
    let house = House::join(engine, &database, Settings::default(), house.ids.clone());
    let mut before = left(&house).await;
    assert!((1..whole).contains(&before), "some are gone: {before} are left on {engine:?}");
    while step(&house).await {
        let after = left(&house).await;
        assert!(before - after <= 100, "{} rows in one step on {engine:?}", before - after);
        before = after;
    }
    assert_eq!(before, 0, "{engine:?}");
    house.close();
    drop(house);
    database.remove().await;
}

#[tokio::test]
async fn no_step_is_large_and_a_restart_goes_on_with_it() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        no_step_is_large_and_a_restart_goes_on(engine).await;
    }
}

#[tokio::test]
async fn a_user_of_many_conversations_is_gone_at_once_and_leaves_them_in_chunks() {
    on_both(async |house| {
        let mut paths = Vec::new();
        for _ in 0..55 {
            let path = conversation(house).await;
            house.post(&format!("{path}/Participants"), "Identity=alice").await;
            paths.push(path);
        }
        assert_eq!(house.delete("/v1/Users/alice").await.code(), "204");
        assert_eq!(house.get("/v1/Users/alice").await.code(), "404 20404");
        // Who comes back before housekeeping is done is a new user.
        assert_eq!(house.post(&format!("{}/Participants", paths[0]), "Identity=alice").await.code(), "201");
        assert!(purge(house).await > 2);
        assert_eq!(rows(house, "memberships").await, 1);
        assert_eq!(rows(house, "participants").await, 1);
        assert_eq!(house.get(&format!("{}/Participants/alice", paths[1])).await.code(), "404 20404");
        assert_eq!(house.get(&format!("{}/Participants/alice", paths[0])).await.code(), "200");
    })
    .await;
}

#[tokio::test]
async fn a_service_takes_everything_in_it_along() {
    on_both(async |house| {
        let sid = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let inside = format!("/v1/Services/{sid}");
        for number in 0..3 {
            let room =
                house.post(&format!("{inside}/Conversations"), &format!("UniqueName=room-{number}")).await;
            let path = format!("{inside}/Conversations/{}", room.sid());
            house.post(&format!("{path}/Participants"), "Identity=alice").await;
            house.post(&format!("{path}/Messages"), "Body=hello").await;
        }
        assert_eq!(house.delete(&inside).await.code(), "204");
        purge(house).await;
        for table in
            ["messages", "participants", "memberships", "conversations", "users", "user_heads", "claims"]
        {
            assert_eq!(rows(house, table).await, 0, "{table} on {:?}", house.engine);
        }
        assert_eq!(rows(house, "roles").await, 4, "those of the default service");
    })
    .await;
}

#[tokio::test]
async fn a_user_leaves_nothing_behind_and_old_tombstones_go() {
    on_both(async |house| {
        let path = conversation(house).await;
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        house.delete("/v1/Users/alice").await;
        purge(house).await;
        // What is left is the conversation's: alice has left it.
        assert_eq!(rows(house, "tombstones").await, 1, "{:?}", house.engine);
        house.clock.advance_seconds(30 * 24 * 3600 + 1);
        let store = house.app.store();
        assert!(store.read(tombstones::has_old).await.expect("the store reads"));
        store.write(Roots::none(), tombstones::prune).await.expect("the store writes");
        assert!(!store.read(tombstones::has_old).await.expect("the store reads"));
        assert_eq!(rows(house, "tombstones").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_group_that_goes_frees_its_set_of_addresses() {
    on_both(async |house| {
        let path = conversation(house).await;
        for form in [
            "MessagingBinding.Address=%2B15558675310",
            "Identity=alice&MessagingBinding.ProjectedAddress=%2B15017122661",
        ] {
            assert_eq!(house.post(&format!("{path}/Participants"), form).await.code(), "201");
        }
        assert_eq!(rows(house, "claims WHERE kind = 4").await, 1);
        assert_eq!(house.delete(&path).await.code(), "204");
        assert_eq!(rows(house, "claims WHERE kind = 4").await, 0, "{:?}", house.engine);
    })
    .await;
}

#[tokio::test]
async fn webhooks_and_notifications_go_with_what_they_belong_to() {
    on_both(async |house| {
        let webhook =
            "Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageAdded";
        let path = conversation(house).await;
        house.post(&format!("{path}/Webhooks"), webhook).await;
        let sid = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let inside = format!("/v1/Services/{sid}");
        let room = house.post(&format!("{inside}/Conversations"), "").await.sid();
        house.post(&format!("{inside}/Conversations/{room}/Webhooks"), webhook).await;
        house.post(&format!("{inside}/Configuration/Webhooks"), "Method=GET").await;
        house.post(&format!("{inside}/Configuration/Notifications"), "LogEnabled=true").await;
        house.post("/v1/Configuration/Webhooks", "Method=GET").await;
        assert_eq!(rows(house, "conversation_webhooks").await, 2);
        assert_eq!(house.delete(&path).await.code(), "204");
        purge(house).await;
        assert_eq!(rows(house, "conversation_webhooks").await, 1);
        assert!(
            rows(house, "service_webhooks").await == 1 && rows(house, "service_notifications").await == 1
        );
        assert_eq!(house.delete(&inside).await.code(), "204");
        purge(house).await;
        for table in ["conversation_webhooks", "service_webhooks", "service_notifications", "purges"] {
            assert_eq!(rows(house, table).await, 0, "{table} on {:?}", house.engine);
        }
        assert_eq!(rows(house, "account_webhooks").await, 1);
    })
    .await;
}

#[tokio::test]
async fn devices_go_with_their_service() {
    on_both(async |house| {
        let identities: Vec<String> = (0..25).map(|number| format!("user-{number}")).collect();
        let identities: Vec<&str> = identities.iter().map(String::as_str).collect();
        let service = bindings::service_of(house, &identities).await;
        let other = bindings::service_of(house, &["alice"]).await;
        for identity in identities {
            bindings::register(house, &service, identity, (BindingType::Fcm, "a-device")).await;
        }
        bindings::register(house, &other, "alice", (BindingType::Fcm, "a-device")).await;
        assert_eq!(house.delete(&format!("/v1/Services/{service}")).await.code(), "204");
        assert_eq!(house.get(&format!("/v1/Services/{service}/Bindings")).await.code(), "404 20404");
        assert!(purge(house).await > 2);
        assert_eq!(rows(house, "bindings").await, 1, "that of the other service");
    })
    .await;
}
