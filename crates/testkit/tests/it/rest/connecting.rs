//! Users who are made by connecting with the client SDK.

use std::sync::Arc;

use conversations::{Actor, Call, Client, Failure, Guess, Limits, Owned, Role, Scope, Source, User, users};
use store::{Clock, Roots};
use testkit::{House, Receiver, on_both_with, webhooks_inside};
use wire::{Prefix, Sid};

/// A call of somebody whose token names this service; the vault is not looked into.
async fn call(house: &House, identity: &str) -> Call {
    let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
    let user_sid = Sid::from_bytes(conversations::Ids::sid(&*house.ids, house.clock.now()));
    Call {
        account_sid: sid(testkit::ACCOUNT_SID),
        service_sid: sid(&service),
        scope: Scope::Client,
        actor: Actor::Client(Arc::new(Client { identity: identity.to_owned(), user_sid })),
        source: Source::Sdk,
        hooks: true,
        is_streamed: false,
        limits: Limits::Strict,
        owned: Arc::new(Owned::default()),
        base_url: "http://tertulia.test".into(),
        path: "/Users".to_owned(),
        ids: Arc::clone(&house.ids) as _,
        vault: Arc::new(conversations::Vault::new(&[7; 32])),
        guess: Guess::default(),
        rehearsal: None,
    }
}

fn sid<R: Prefix>(text: &str) -> Sid<R> {
    Sid::parse(text).expect("a sid")
}

async fn connect(house: &House, call: Call, role: Option<Sid<Role>>) -> Result<User, Failure> {
    house.app.store().write(Roots::none(), move |tx| users::connect(tx, &call, role)).await
}

#[tokio::test]
async fn a_user_is_made_at_the_first_connect_and_told_as_the_sdks_doing() {
    let settings = server::Settings { webhooks: webhooks_inside(), ..server::Settings::default() };
    on_both_with(settings, async |house| {
        let receiver = Receiver::start().await;
        let form = format!("PostWebhookUrl={}&Method=POST&Filters=onUserAdded", receiver.url());
        house.post("/v1/Configuration/Webhooks", &form).await;
        let mut made = Vec::new();
        for _ in 0..2 {
            made.push(connect(house, call(house, "alice").await, None).await.expect("she connects").sid);
        }
        assert_eq!(made[0], made[1]);
        let user = house.get("/v1/Users/alice").await;
        assert_eq!((user.status.as_u16(), user.sid()), (200, made[0].to_string()));
        house.deliver().await;
        let told = receiver.take();
        assert_eq!(told.len(), 1, "it is told once");
        for (name, value) in [
            ("EventType", "onUserAdded"),
            ("Source", "SDK"),
            ("ClientIdentity", "alice"),
            ("Identity", "alice"),
            ("UserSid", &made[0].to_string()),
        ] {
            assert_eq!(told[0].get(name).as_deref(), Some(value), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn many_who_connect_at_once_are_one_user() {
    on_both_with(server::Settings::default(), async |house| {
        let mut calls = Vec::new();
        for _ in 0..8 {
            calls.push(call(house, "alice").await);
        }
        let mut calls = calls.into_iter();
        let mut next = || connect(house, calls.next().expect("eight"), None);
        let made = tokio::join!(next(), next(), next(), next(), next(), next(), next(), next());
        let made: [Result<User, Failure>; 8] = made.into();
        let sids = made.map(|made| made.expect("she connects").sid);
        assert!(sids.windows(2).all(|pair| pair[0] == pair[1]), "{sids:?}");
        let users = house.get("/v1/Users").await.get("users");
        assert_eq!(users.as_array().map(Vec::len), Some(1));
    })
    .await;
}

#[tokio::test]
async fn the_role_of_the_token_is_one_of_the_service_and_only_for_who_is_new() {
    on_both_with(server::Settings::default(), async |house| {
        let roles = house.get("/v1/Roles").await.get("roles");
        let role = |name: &str| {
            let mut roles = roles.as_array().expect("a list").iter();
            let role = roles.find(|role| role["friendly_name"] == name).expect("it is there");
            sid::<Role>(role["sid"].as_str().expect("a sid"))
        };
        let refused = async |role| {
            let failure = connect(house, call(house, "alice").await, Some(role)).await.expect_err("refused");
            failure.problem().map(|problem| problem.code)
        };
        let another = sid("RL00000000000000000000000000000009");
        house.note(format!("{:?} {:?}", refused(role("channel user")).await, refused(another).await));
        assert_eq!(house.get("/v1/Users/alice").await.status, 404);
        let admin = role("service admin");
        let alice = connect(house, call(house, "alice").await, Some(admin)).await.expect("she connects");
        assert_eq!(alice.role_sid, admin);
        let again = connect(house, call(house, "alice").await, Some(role("service user"))).await;
        assert_eq!(again.expect("she connects").role_sid, admin);
    })
    .await;
}
