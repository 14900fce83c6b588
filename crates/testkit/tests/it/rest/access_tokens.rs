//! Access tokens: how they are made, when they hold, and `/tertulia/v1/Tokens` and `DemoToken`.

use http::Request;
use serde_json::{Value, json};
use server::{Settings, verify_access_token};
use testkit::{ACCOUNT_SID, House, on_both, on_both_with};
use tokio_util::task::TaskTracker;
use wire::{AccessToken, ChatGrant, Timestamp};

const TOKENS: &str = "/tertulia/v1/Tokens";
const DEMO: &str = "/tertulia/v1/DemoToken";
/// When a house begins.
const BEGIN: i64 = 1_767_225_600;
const ADMIN: &str = "an admin token";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// A key's sid and secret.
pub async fn key(house: &House) -> (String, String) {
    let key = house.post("/tertulia/v1/Keys", "FriendlyName=App").await;
    (key.sid(), key.field("secret"))
}

/// A user's token, good for an hour from the house's beginning.
pub async fn token(house: &House, (key, secret): &(String, String), identity: &str) -> String {
    plain(house, key, identity).await.sign(secret)
}

async fn plain(house: &House, key: &str, identity: &str) -> AccessToken {
    AccessToken {
        key_sid: key.to_owned(),
        account_sid: ACCOUNT_SID.to_owned(),
        issued_at: None,
        not_before: None,
        expires_at: at(BEGIN + 3600),
        identity: identity.to_owned(),
        chat: ChatGrant {
            service_sid: house.get("/v1/Configuration").await.field("default_chat_service_sid"),
            ..ChatGrant::default()
        },
    }
}

/// The code that a token is refused with, or 0.
async fn code(house: &House, token: &str) -> u32 {
    let failure = verify_access_token(&house.app, token).await.err();
    failure.map_or(0, |failure| failure.problem().expect("the store is there").code)
}

/// An account of its own with a key: sid, token, and the key.
async fn neighbour(house: &House) -> (String, String, (String, String)) {
    let bearer = |request: http::request::Builder| request.header("authorization", format!("Bearer {ADMIN}"));
    let account = house.send_as_is(bearer(Request::post("/tertulia/v1/Accounts")), "").await;
    let keys = format!("/tertulia/v1/Keys?AccountSid={}", account.sid());
    let key = house.send_as_is(bearer(Request::post(keys)), "").await;
    (account.sid(), account.field("default_chat_service_sid"), (key.sid(), key.field("secret")))
}

fn administered() -> Settings {
    Settings { admin_tokens: vec![ADMIN.to_owned()], ..Settings::default() }
}

#[tokio::test]
async fn a_token_says_who_somebody_is() {
    on_both(async |house| {
        let (sid, secret) = key(house).await;
        let mut token = plain(house, &sid, "\u{e9}va").await;
        token.chat.push_credential_sid = Some(format!("CR{}", "1".repeat(32)));
        token.chat.deployment_role_sid = Some(format!("RL{}", "2".repeat(32)));
        let granted = verify_access_token(&house.app, &token.sign(&secret)).await.expect("it holds");
        assert_eq!(granted.account_sid.to_string(), ACCOUNT_SID);
        assert_eq!(granted.service_sid.to_string(), token.chat.service_sid);
        assert_eq!(granted.default_chat_service_sid, granted.service_sid);
        assert_eq!((&*granted.identity, granted.expires_at), ("\u{e9}va", token.expires_at));
        assert_eq!(granted.key_sid.to_string(), sid);
        assert_eq!(granted.push_credential_sid.map(|sid| sid.to_string()), token.chat.push_credential_sid);
        assert_eq!(granted.deployment_role_sid.map(|sid| sid.to_string()), token.chat.deployment_role_sid);
        assert!(!granted.is_streamed);
    })
    .await;
}

#[tokio::test]
async fn what_a_token_is_refused_for() {
    on_both_with(administered(), async |house| {
        let (sid, secret) = key(house).await;
        let (other_account, other_service, (other_key, other_secret)) = neighbour(house).await;
        let good = plain(house, &sid, "alice").await;
        assert_eq!(code(house, &good.sign(&secret)).await, 0);
        assert_eq!(code(house, "not a token").await, 20101);
        assert_eq!(code(house, &good.sign("another secret")).await, 20107);
        let unknown = format!("SK{}", "9".repeat(32));
        for (key_sid, account_sid, secret, expected) in [
            (&*unknown, ACCOUNT_SID, &secret, 20103),
            ("SK1", ACCOUNT_SID, &secret, 20103),
            (ACCOUNT_SID, ACCOUNT_SID, &secret, 20103),
            (&sid, "AC1", &secret, 20103),
            (&sid, &other_account, &secret, 20103),
            (&other_key, ACCOUNT_SID, &other_secret, 20103),
            // Its own, but the service is not.
            (&other_key, &other_account, &other_secret, 20106),
        ] {
            let token = AccessToken {
                key_sid: key_sid.to_owned(),
                account_sid: account_sid.to_owned(),
                ..good.clone()
            };
            assert_eq!(code(house, &token.sign(secret)).await, expected, "{key_sid} {account_sid}");
        }
        let long = "x".repeat(257);
        let user = format!("US{}", "1".repeat(32));
        for identity in ["system", &long, &user] {
            let token = AccessToken { identity: identity.to_owned(), ..good.clone() };
            assert_eq!(code(house, &token.sign(&secret)).await, 20106, "{identity}");
        }
        let gone = house.post("/v1/Services", "FriendlyName=Gone").await.sid();
        house.delete(&format!("/v1/Services/{gone}")).await;
        for service_sid in ["default", &gone, &other_service] {
            let chat = ChatGrant { service_sid: service_sid.to_owned(), ..ChatGrant::default() };
            let token = AccessToken { chat, ..good.clone() };
            assert_eq!(code(house, &token.sign(&secret)).await, 20106, "{service_sid}");
        }
        let mut wrong = good.clone();
        wrong.chat.push_credential_sid = Some("CR1".to_owned());
        assert_eq!(code(house, &wrong.sign(&secret)).await, 20106);
    })
    .await;
}

#[tokio::test]
async fn time_keys_and_accounts_end_a_token() {
    on_both_with(administered(), async |house| {
        let good = key(house).await;
        let token = token(house, &good, "alice").await;
        let early = AccessToken { not_before: Some(at(BEGIN + 61)), ..plain(house, &good.0, "alice").await };
        let early = early.sign(&good.1);
        assert_eq!((code(house, &token).await, code(house, &early).await), (0, 20105));
        house.clock.advance_seconds(1);
        assert_eq!(code(house, &early).await, 0, "a minute of difference is forgiven");
        house.clock.advance_seconds(3598);
        assert_eq!(code(house, &token).await, 0);
        house.clock.advance_seconds(1);
        assert_eq!(code(house, &token).await, 20104);

        let (account, service_sid, (key_sid, secret)) = neighbour(house).await;
        let theirs = AccessToken {
            key_sid,
            account_sid: account.clone(),
            issued_at: None,
            not_before: None,
            expires_at: at(BEGIN + 7200),
            identity: "alice".to_owned(),
            chat: ChatGrant { service_sid, ..ChatGrant::default() },
        };
        let theirs = theirs.sign(&secret);
        assert_eq!(code(house, &theirs).await, 0);
        let of_account = |status: &str| {
            let request = Request::post(format!("/tertulia/v1/Accounts/{account}"))
                .header("authorization", format!("Bearer {ADMIN}"))
                .header("content-type", "application/x-www-form-urlencoded");
            (request, format!("Status={status}"))
        };
        let (request, form) = of_account("suspended");
        assert_eq!(house.send_as_is(request, &form).await.status, 200);
        assert_eq!(code(house, &theirs).await, 20403);
        let (request, form) = of_account("active");
        assert_eq!(house.send_as_is(request, &form).await.status, 200);
        assert_eq!(code(house, &theirs).await, 0);

        let again = AccessToken { expires_at: at(BEGIN + 7200), ..plain(house, &good.0, "alice").await };
        let again = again.sign(&good.1);
        assert_eq!(code(house, &again).await, 0);
        assert_eq!(house.delete(&format!("/tertulia/v1/Keys/{}", good.0)).await.status, 204);
        assert_eq!(code(house, &again).await, 20103);
    })
    .await;
}

#[tokio::test]
async fn an_account_has_tokens_made() {
    on_both_with(administered(), async |house| {
        let made = house.post(TOKENS, "Identity=alice").await;
        assert_eq!((made.status.as_u16(), made.header("cache-control")), (201, Some("no-store")));
        assert_eq!(made.field("expires_at"), "2026-01-01T01:00:00Z");
        let granted = verify_access_token(&house.app, &made.field("token")).await.expect("it holds");
        assert_eq!(granted.identity, "alice");
        assert_eq!(made.get("identity"), "alice");
        assert_eq!(granted.service_sid.to_string(), made.field("chat_service_sid"));
        assert_eq!(granted.key_sid.to_string(), made.field("key_sid"));
        assert_eq!(granted.expires_at, at(BEGIN + 3600));

        // One key for all of them, until it is deleted.
        let more = house.post(TOKENS, "Identity=bob&Ttl=86400").await;
        assert_eq!(more.get("key_sid"), made.get("key_sid"));
        assert_eq!(more.field("expires_at"), "2026-01-02T00:00:00Z");
        assert_eq!(code(house, &more.field("token")).await, 0);
        let keys = house.get("/tertulia/v1/Keys").await;
        assert_eq!(keys.get("keys")[0]["friendly_name"], "Access tokens");
        assert_eq!(keys.get("keys").as_array().map(Vec::len), Some(1));
        house.delete(&format!("/tertulia/v1/Keys/{}", made.field("key_sid"))).await;
        assert_eq!(code(house, &made.field("token")).await, 20103);
        let anew = house.post(TOKENS, "Identity=alice").await;
        assert_ne!(anew.get("key_sid"), made.get("key_sid"));

        // Another key, another service.
        let (sid, _) = key(house).await;
        let shop = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let push = format!("CR{}", "1".repeat(32));
        let form =
            format!("Identity=alice&ChatServiceSid={shop}&KeySid={sid}&PushCredentialSid={push}&Ttl=1");
        let made = house.post(TOKENS, &form).await;
        let granted = verify_access_token(&house.app, &made.field("token")).await.expect("it holds");
        assert_eq!((granted.service_sid.to_string(), granted.key_sid.to_string()), (shop, sid));
        assert_eq!(granted.push_credential_sid.map(|sid| sid.to_string()), Some(push));

        let (account, service, (other_key, other_secret)) = neighbour(house).await;
        for (form, expected) in [
            (String::new(), "400 20001"),
            ("Identity=".to_owned(), "400 20001"),
            ("Identity=system".to_owned(), "400 50203"),
            (format!("Identity={}", "x".repeat(257)), "400 50207"),
            ("Identity=a&Ttl=0".to_owned(), "400 20001"),
            ("Identity=a&Ttl=86401".to_owned(), "400 20001"),
            ("Identity=a&Ttl=-1".to_owned(), "400 20001"),
            ("Identity=a&Ttl=an+hour".to_owned(), "400 20001"),
            ("Identity=a&KeySid=SK1".to_owned(), "400 20001"),
            (format!("Identity=a&KeySid={other_key}"), "400 20001"),
            ("Identity=a&ChatServiceSid=default".to_owned(), "400 20001"),
            (format!("Identity=a&ChatServiceSid={service}"), "400 20001"),
            ("Identity=a&PushCredentialSid=CR1".to_owned(), "400 20001"),
        ] {
            assert_eq!(house.post(TOKENS, &form).await.code(), expected, "{form}");
        }
        assert_eq!(house.get(TOKENS).await.code(), "405 20004");
        // Nobody, a key, and the server's own token.
        let form = |request: http::request::Builder| {
            request.header("content-type", "application/x-www-form-urlencoded")
        };
        assert_eq!(house.send_as_is(form(Request::post(TOKENS)), "Identity=a").await.code(), "401 20003");
        let credentials = base64(&format!("{other_key}:{other_secret}"));
        let with_key = form(Request::post(TOKENS)).header("authorization", format!("Basic {credentials}"));
        assert_eq!(house.send_as_is(with_key, "Identity=a").await.code(), "403 20006");
        let of_other = format!("{TOKENS}?AccountSid={account}");
        let by_server = form(Request::post(of_other)).header("authorization", format!("Bearer {ADMIN}"));
        let made = house.send_as_is(by_server, "Identity=a").await;
        assert_eq!(made.field("chat_service_sid"), service);
        assert_eq!(code(house, &made.field("token")).await, 0);
    })
    .await;
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(text)
}

#[tokio::test]
async fn those_who_ask_at_once_get_one_key() {
    on_both(async |house| {
        let tasks = TaskTracker::new();
        let asked: Vec<_> = (0..8)
            .map(|number| {
                let house = house.clone();
                tasks.spawn(async move { house.post(TOKENS, &format!("Identity=user{number}")).await })
            })
            .collect();
        let mut keys: Vec<Value> = Vec::new();
        for made in asked {
            keys.push(made.await.expect("nothing panics").get("key_sid"));
        }
        keys.dedup();
        assert_eq!(keys.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_demonstration_gives_tokens_to_everybody() {
    let settings = Settings { demo_tokens: true, ..Settings::default() };
    on_both_with(settings, async |house| {
        let asked = Request::get(format!("{DEMO}?identity=alice%20b&password=x"));
        let given = house.send_as_is(asked.header("origin", "https://demo.example"), "").await;
        assert_eq!(given.status, 200);
        for (name, value) in [
            ("content-type", "text/plain;charset=utf-8"),
            ("cache-control", "no-store"),
            ("access-control-allow-origin", "*"),
        ] {
            assert_eq!(given.header(name), Some(value));
        }
        let token = String::from_utf8(given.body).expect("text");
        let granted = verify_access_token(&house.app, &token).await.expect("it holds");
        assert_eq!((&*granted.identity, granted.expires_at), ("alice b", at(BEGIN + 3600)));
        for (query, expected) in
            [("", "400 20001"), ("?identity=", "400 20001"), ("?identity=system", "400 50203")]
        {
            let refused = house.send_as_is(Request::get(format!("{DEMO}{query}")), "").await;
            assert_eq!(refused.code(), expected, "{query}");
        }
        assert_eq!(house.send_as_is(Request::post(DEMO), "identity=alice").await.code(), "405 20004");
    })
    .await;
}

#[tokio::test]
async fn without_a_demonstration_nobody_gets_one() {
    on_both_with(administered(), async |house| {
        for request in [Request::get(format!("{DEMO}?identity=alice")), Request::post(DEMO)] {
            assert_eq!(house.send_as_is(request, "").await.code(), "404 20404");
        }
        assert_eq!(house.get("/tertulia/v1/Keys").await.get("keys"), json!([]));
    })
    .await;
}
