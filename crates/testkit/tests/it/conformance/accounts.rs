//! A change of an account, seen from elsewhere.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use conversations::Failure;
use conversations::accounts::{self, Status, UpdateAccount};
use server::Settings;
use testkit::{ACCOUNT_SID, AUTH_TOKEN, Database, Engine, House, holds_within, on_both};
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
    let sid = wire::Sid::parse(ACCOUNT_SID).expect("a sid");
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

/// What a node answers to somebody who signs in so.
async fn signs_in(node: &House, username: &str, password: &str) -> String {
    let credentials = BASE64_STANDARD.encode(format!("{username}:{password}"));
    let request = http::Request::get("/v1/Services").header("authorization", format!("Basic {credentials}"));
    node.send_as_is(request, "").await.code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deleted_key_and_a_rotated_token_act_within_two_seconds_on_another_node() {
    const REFUSED: &str = "401 20003";
    let settings = Settings { admin_tokens: vec!["the-admin-token".to_owned()], ..Settings::default() };
    let database = Database::create(Engine::Postgres).await;
    let one = House::open(Engine::Postgres, &database, settings.clone()).await;
    let other = House::join(Engine::Postgres, &database, settings, Arc::clone(&one.ids));
    let within = |username: String, password: String, expected: &'static str| {
        let other = other.clone();
        holds_within(Duration::from_secs(2), async move || {
            signs_in(&other, &username, &password).await == expected
        })
    };

    let key = one.post("/tertulia/v1/Keys", "FriendlyName=CI").await;
    let (sid, secret) = (key.sid(), key.field("secret"));
    assert_eq!(signs_in(&other, &sid, &secret).await, "200");
    assert_eq!(one.delete(&format!("/tertulia/v1/Keys/{sid}")).await.code(), "204");
    assert!(within(sid, secret, REFUSED).await, "the key");

    let tokens = format!("/tertulia/v1/Accounts/{ACCOUNT_SID}/AuthTokens");
    let as_admin = async |path: &str, form: &str| {
        let request = http::Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", "Bearer the-admin-token");
        one.send_as_is(request, form).await
    };
    let second = as_admin(&tokens, "Which=secondary").await.field("auth_token");
    assert!(within(ACCOUNT_SID.to_owned(), second.clone(), "200").await, "the secondary token");
    assert_eq!(signs_in(&other, ACCOUNT_SID, AUTH_TOKEN).await, "200");
    assert_eq!(as_admin(&format!("{tokens}/Promote"), "").await.code(), "200");
    assert!(within(ACCOUNT_SID.to_owned(), AUTH_TOKEN.to_owned(), REFUSED).await, "the primary token");
    assert_eq!(signs_in(&other, ACCOUNT_SID, &second).await, "200");
    one.close();
    other.close();
    drop((one, other));
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_that_is_closed_meanwhile_stays_closed_and_keeps_its_name() {
    on_both(async |house| {
        let sid = wire::Sid::parse(ACCOUNT_SID).expect("a sid");
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
