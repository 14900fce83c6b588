//! A change of an account, seen from elsewhere.

use std::sync::Arc;
use std::time::Duration;

use conversations::Failure;
use conversations::accounts::{self, Status, UpdateAccount};
use server::Settings;
use testkit::{Database, Engine, House, holds_within, on_both};
use tokio::task::JoinSet;

/// Whether the credentials of the house open this node.
async fn opens(node: &House) -> String {
    node.get("/v1/Services").await.code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_status_acts_within_two_seconds_on_another_node() {
    let database = Database::create(Engine::Postgres).await;
    let one = House::open(Engine::Postgres, &database, Settings::default()).await;
    let other = House::join(Engine::Postgres, &database, Settings::default(), Arc::clone(&one.ids));
    let sid = wire::Sid::parse(testkit::ACCOUNT_SID).expect("a sid");
    for (status, expected) in
        [(Status::Suspended, "403 20403"), (Status::Active, "200"), (Status::Closed, "403 20403")]
    {
        let before = opens(&other).await;
        assert_ne!(before, expected);
        let form = UpdateAccount { status: Some(status), ..UpdateAccount::default() };
        let update = move |tx: &mut store::Tx<'_>| accounts::update(tx, sid, &form);
        one.app.store().write::<_, Failure>(store::Roots::none(), update).await.expect("it is changed");
        let acted = holds_within(Duration::from_secs(2), async || opens(&other).await == expected);
        assert!(acted.await, "{status:?}");
    }
    one.close();
    other.close();
    drop((one, other));
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_that_is_closed_meanwhile_stays_closed_and_keeps_its_name() {
    on_both(async |house| {
        let sid = wire::Sid::parse(testkit::ACCOUNT_SID).expect("a sid");
        let mut changes = JoinSet::new();
        for form in [
            UpdateAccount { status: Some(Status::Closed), ..UpdateAccount::default() },
            UpdateAccount { friendly_name: Some("New".to_owned()), ..UpdateAccount::default() },
        ] {
            let store = house.app.store().clone();
            let update = move |tx: &mut store::Tx<'_>| accounts::update(tx, sid, &form);
            changes
                .spawn(async move { store.write::<_, Failure>(store::Roots::none(), update).await.is_ok() });
        }
        assert_eq!(changes.join_all().await, [true, true]);
        let find = move |tx: &mut store::Tx<'_>| accounts::find(tx, sid);
        let account = house.app.store().read(find).await.expect("the store reads").expect("it is there");
        assert_eq!((account.status, &*account.friendly_name), (Status::Closed, "New"));
    })
    .await;
}
