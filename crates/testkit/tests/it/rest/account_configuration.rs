//! `/v1/Configuration`: what new conversations get, and which service the short paths lead to.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use insta::assert_snapshot;
use server::Settings;
use testkit::{ACCOUNT_SID, CountingIds, Database, Engine, House, holds_within, on_both, on_both_with};

use super::codes;

const PATH: &str = "/v1/Configuration";

async fn service(house: &House) -> String {
    house.post("/v1/Services", "FriendlyName=Shop").await.sid()
}

#[tokio::test]
async fn it_is_there_from_the_beginning() {
    let told = on_both(async |house| {
        house.note(house.get(PATH).await.text());
        // The service's configuration is another resource, and has other parameters.
        let of_service = "/v1/Services/IS00000000000000000000000000000001/Configuration";
        assert_eq!(house.get(PATH).await.json()["links"]["service"], house.get(of_service).await.get("url"));
        assert_eq!(house.delete(PATH).await.code(), "405 20004");
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "default_chat_service_sid": "IS00000000000000000000000000000001",
      "default_closed_timer": null,
      "default_inactive_timer": null,
      "default_messaging_service_sid": "MG00000000000000000000000000000007",
      "links": {
        "service": "http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Configuration",
        "webhooks": "http://tertulia.test/v1/Configuration/Webhooks"
      },
      "url": "http://tertulia.test/v1/Configuration"
    }
    "#);
}

#[tokio::test]
async fn every_parameter_is_kept_and_none_that_is_not_given_changes() {
    let told = on_both(async |house| {
        let sid = service(house).await;
        let form = format!(
            "DefaultChatServiceSid={sid}&DefaultMessagingServiceSid=MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
             &DefaultInactiveTimer=PT90S&DefaultClosedTimer=P1D"
        );
        let updated = house.post(PATH, &form).await;
        house.note(updated.text());
        assert_eq!(house.get(PATH).await.json(), updated.json());
        assert_eq!(house.post(PATH, "Unknown=1&DefaultMessagingServiceSid=").await.json(), updated.json());
        assert_eq!(house.post(PATH, "DefaultClosedTimer=PT10M").await.get("default_inactive_timer"), "PT90S");
        let off = house.post(PATH, "DefaultInactiveTimer=PT0S").await;
        assert_eq!(off.get("default_inactive_timer"), serde_json::Value::Null);
        assert_eq!(off.get("default_closed_timer"), "PT10M");
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "default_chat_service_sid": "IS00000000000000000000000000000009",
      "default_closed_timer": "P1D",
      "default_inactive_timer": "PT90S",
      "default_messaging_service_sid": "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "links": {
        "service": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Configuration",
        "webhooks": "http://tertulia.test/v1/Configuration/Webhooks"
      },
      "url": "http://tertulia.test/v1/Configuration"
    }
    "#);
}

#[tokio::test]
async fn what_is_refused() {
    let told = on_both(async |house| {
        let before = house.get(PATH).await.json();
        let forms = [
            "DefaultChatServiceSid=ISaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "DefaultChatServiceSid=IS1",
            "DefaultChatServiceSid=",
            "DefaultMessagingServiceSid=IS00000000000000000000000000000001",
            "DefaultInactiveTimer=PT59S",
            "DefaultInactiveTimer=a+minute",
            "DefaultInactiveTimer=",
            "DefaultClosedTimer=PT9M59S",
            "DefaultClosedTimer=-PT10M",
        ];
        let requests = forms.map(|form| (PATH.to_owned(), form));
        house.note(codes(house, &requests).await);
        house.note(house.post(PATH, forms[0]).await.text());
        assert_eq!(house.get(PATH).await.json(), before);
        // Of another account, even where its sid is known.
        let other = another_account(house).await;
        assert_eq!(house.post(PATH, &format!("DefaultChatServiceSid={other}")).await.code(), "400 50050");
    })
    .await;
    assert_snapshot!(told, @r#"
    DefaultChatServiceSid=ISaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -> 400 50050
    DefaultChatServiceSid=IS1 -> 400 50050
    DefaultChatServiceSid= -> 400 50050
    DefaultMessagingServiceSid=IS00000000000000000000000000000001 -> 400 50341
    DefaultInactiveTimer=PT59S -> 400 50375
    DefaultInactiveTimer=a+minute -> 400 50379
    DefaultInactiveTimer= -> 400 50379
    DefaultClosedTimer=PT9M59S -> 400 50376
    DefaultClosedTimer=-PT10M -> 400 50380

    400 Bad Request
    {
      "code": 50050,
      "message": "Service Instance not found",
      "more_info": "https://www.twilio.com/docs/errors/50050",
      "status": 400
    }
    "#);
}

/// Makes another account, and tells its default service.
async fn another_account(house: &House) -> String {
    use conversations::accounts::{self, CreateAccount};
    let ids = Arc::clone(&house.ids);
    let create = move |tx: &mut store::Tx<'_>| {
        let vault = conversations::Vault::new(&[7; 32]);
        accounts::create(tx, &*ids, &vault, &CreateAccount::default())
    };
    let made = house.app.store().write::<_, conversations::Failure>(store::Roots::none(), create).await;
    made.expect("the account is made").account.default_chat_service_sid.to_string()
}

#[tokio::test]
async fn new_conversations_get_the_defaults_and_old_ones_keep_what_they_have() {
    let told = on_both(async |house| {
        let old = house.post("/v1/Conversations", "").await;
        let form = "DefaultMessagingServiceSid=MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
            &DefaultInactiveTimer=PT1M&DefaultClosedTimer=PT10M";
        house.post(PATH, form).await;
        for given in ["", "Timers.Inactive=PT1H", "Timers.Inactive=PT0S&Timers.Closed=PT0S"] {
            let made = house.post("/v1/Conversations", given).await;
            house.note(format!("{given} -> {} {}", made.get("timers"), made.get("messaging_service_sid")));
        }
        let seen = house.get(&format!("/v1/Conversations/{}", old.sid())).await;
        assert_eq!(seen.json(), old.json());
    })
    .await;
    assert_snapshot!(told, @r#"
     -> {"date_closed":"2026-01-01T00:10:00Z","date_inactive":"2026-01-01T00:01:00Z"} "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

    Timers.Inactive=PT1H -> {"date_closed":"2026-01-01T00:10:00Z","date_inactive":"2026-01-01T01:00:00Z"} "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

    Timers.Inactive=PT0S&Timers.Closed=PT0S -> {} "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "#);
}

#[tokio::test]
async fn without_limits_a_timer_may_be_short() {
    let settings = Settings { limits: conversations::Limits::Lenient, ..Settings::default() };
    on_both_with(settings, async |house| {
        assert_eq!(house.post(PATH, "DefaultInactiveTimer=PT1S").await.get("default_inactive_timer"), "PT1S");
    })
    .await;
}

#[tokio::test]
async fn another_default_service_acts_at_once() {
    on_both(async |house| {
        let first = house.get(PATH).await.field("default_chat_service_sid");
        let key = house.post("/tertulia/v1/Keys", "FriendlyName=bot").await;
        let made = house.post("/v1/Conversations", "UniqueName=desk").await;
        assert_eq!(made.field("chat_service_sid"), first);
        let second = service(house).await;
        // Who signs in with a key is remembered apart from who signs in with the token.
        let credentials = {
            use base64::Engine as _;
            let both = format!("{}:{}", key.sid(), key.field("secret"));
            format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(both))
        };
        let by_key = |method: http::Method, path: &str| {
            let request = Request::builder().method(method).uri(path).header("authorization", &credentials);
            house.send_as_is(request, "")
        };
        assert_eq!(by_key(http::Method::GET, "/v1/Conversations/desk").await.code(), "200");
        assert_eq!(house.post(PATH, &format!("DefaultChatServiceSid={second}")).await.code(), "200");
        assert_eq!(by_key(http::Method::GET, "/v1/Conversations/desk").await.code(), "404 20404");
        assert_eq!(house.get("/v1/Conversations/desk").await.code(), "404 20404");
        let made = by_key(http::Method::POST, "/v1/Conversations").await;
        assert_eq!(made.field("chat_service_sid"), second);
        // The one of before has become a service like any other.
        assert_eq!(house.get(&format!("/v1/Services/{first}/Conversations/desk")).await.code(), "200");
        assert_eq!(house.delete(&format!("/v1/Services/{second}")).await.code(), "409 20409");
        assert_eq!(house.delete(&format!("/v1/Services/{first}")).await.code(), "204");
        assert_eq!(house.post(PATH, &format!("DefaultChatServiceSid={first}")).await.code(), "400 50050");
        assert_eq!(house.get(PATH).await.field("account_sid"), ACCOUNT_SID);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_service_that_goes_while_it_becomes_the_default_one_does_either() {
    on_both(async |house| {
        for _ in 0..10 {
            let sid = service(house).await;
            let (one, other) = (house.clone(), house.clone());
            let (form, path) = (format!("DefaultChatServiceSid={sid}"), format!("/v1/Services/{sid}"));
            let mut both = tokio::task::JoinSet::new();
            both.spawn(async move { one.post(PATH, &form).await.code() });
            both.spawn(async move { other.delete(&path).await.code() });
            let mut told = both.join_all().await;
            told.sort_unstable();
            assert!(told == ["200", "409 20409"] || told == ["204", "400 50050"], "{told:?}");
            let default = house.get(PATH).await.field("default_chat_service_sid");
            assert_eq!(house.get(&format!("/v1/Services/{default}")).await.code(), "200");
            assert_eq!(house.post("/v1/Conversations", "").await.field("chat_service_sid"), default);
        }
    })
    .await;
}

#[tokio::test]
async fn another_node_follows_and_makes_nothing_in_a_service_that_is_gone() {
    let database = Database::create(Engine::Postgres).await;
    let one = House::open(Engine::Postgres, &database, Settings::default()).await;
    let ids: Arc<CountingIds> = Arc::clone(&one.ids);
    let other = House::join(Engine::Postgres, &database, Settings::default(), ids);
    let first = other.post("/v1/Conversations", "").await.field("chat_service_sid");
    let second = service(&one).await;
    assert_eq!(one.post(PATH, &format!("DefaultChatServiceSid={second}")).await.code(), "200");
    assert_eq!(one.delete(&format!("/v1/Services/{first}")).await.code(), "204");
    // Until it looks again, the other node may ask for what is gone; it is answered so.
    let follows = holds_within(Duration::from_secs(2), async || {
        let made = other.post("/v1/Conversations", "").await;
        if made.code() == "201" {
            assert_eq!(made.field("chat_service_sid"), second);
            return true;
        }
        assert_eq!(made.code(), "404 20404");
        false
    });
    assert!(follows.await, "it has not followed");
    one.close();
    other.close();
    drop((one, other));
    database.remove().await;
}
