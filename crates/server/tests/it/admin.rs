//! The administration: who may, and that a change of credentials acts at once.

use crate::harness::{ADMIN_TOKEN, Answer, FORM, Harness, basic};

async fn as_admin(harness: &Harness, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    harness.send(method, path, &[FORM, ("authorization", &bearer)], body).await
}

async fn sign_in(harness: &Harness, username: &str, password: &str) -> u16 {
    let (name, value) = basic(username, password);
    harness.send("GET", "/v1/Services", &[(name, &value)], "").await.status
}

#[tokio::test]
async fn what_is_server_wide_is_not_there_without_the_token() {
    let harness = Harness::new().await;
    let accounts = "/tertulia/v1/Accounts";
    let tokens = format!("{accounts}/{}/AuthTokens", harness.account_sid);
    for path in [accounts, &tokens, "/tertulia/v1/Nothing"] {
        for method in ["GET", "POST", "DELETE"] {
            let message = format!("The requested resource {path} was not found");
            let unsigned = harness.send(method, path, &[], "").await;
            assert_eq!(unsigned.refusal(), (404, 20404, &*message));
            let owner = harness.ask(method, path, &[], "").await;
            assert_eq!(owner.refusal(), (404, 20404, &*message));
            let wrong = harness.send(method, path, &[("authorization", "Bearer wrong")], "").await;
            assert_eq!(wrong.refusal(), (404, 20404, &*message));
        }
    }
    assert_eq!(as_admin(&harness, "GET", accounts, "").await.body["accounts"][0]["sid"], harness.account_sid);
    assert_eq!(as_admin(&harness, "DELETE", accounts, "").await.status, 405);
}

#[tokio::test]
async fn a_new_account_has_a_service_and_shows_its_token_once() {
    let harness = Harness::new().await;
    let created = as_admin(&harness, "POST", "/tertulia/v1/Accounts", "FriendlyName=Second").await;
    assert_eq!((created.status, &created.body["friendly_name"]), (201, &"Second".into()));
    let sid = created.body["sid"].as_str().expect("a sid");
    let token = created.body["auth_token"].as_str().expect("a token");
    assert_eq!(sign_in(&harness, sid, token).await, 200);
    let fetched = as_admin(&harness, "GET", &format!("/tertulia/v1/Accounts/{sid}"), "").await;
    assert_eq!((fetched.status, fetched.body.get("auth_token")), (200, None));
    let list = as_admin(&harness, "GET", "/tertulia/v1/Accounts", "").await;
    assert_eq!(list.body["accounts"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_token_is_rotated_without_a_gap() {
    let harness = Harness::new().await;
    let (sid, first) = (&harness.account_sid, &harness.auth_token);
    let tokens = format!("/tertulia/v1/Accounts/{sid}/AuthTokens");
    assert_eq!(sign_in(&harness, sid, first).await, 200);
    assert_eq!(as_admin(&harness, "POST", &tokens, "").await.refusal().1, 20001);
    let promote = format!("{tokens}/Promote");
    assert_eq!(as_admin(&harness, "POST", &promote, "").await.refusal().0, 409);

    let rotated = as_admin(&harness, "POST", &tokens, "Which=secondary").await;
    let second = rotated.body["auth_token"].as_str().expect("a token");
    assert_eq!((sign_in(&harness, sid, first).await, sign_in(&harness, sid, second).await), (200, 200));
    assert_eq!(as_admin(&harness, "POST", &promote, "").await.status, 200);
    assert_eq!((sign_in(&harness, sid, first).await, sign_in(&harness, sid, second).await), (401, 200));
}

#[tokio::test]
async fn keys_are_managed_by_the_account_and_not_by_keys() {
    let harness = Harness::new().await;
    let keys = "/tertulia/v1/Keys";
    let created = harness.ask("POST", keys, &[FORM], "FriendlyName=CI").await;
    assert_eq!(created.status, 201);
    let sid = created.body["sid"].as_str().expect("a sid");
    let secret = created.body["secret"].as_str().expect("a secret");
    assert_eq!(sign_in(&harness, sid, secret).await, 200);
    let (name, value) = basic(sid, secret);
    assert_eq!(
        harness.send("GET", keys, &[(name, &value)], "").await.refusal(),
        (403, 20006, "Access Denied")
    );
    assert_eq!(harness.send("GET", keys, &[], "").await.refusal().0, 401);

    let one = format!("{keys}/{sid}");
    let fetched = harness.ask("GET", &one, &[], "").await;
    assert_eq!((fetched.status, fetched.body.get("secret")), (200, None));
    let of_account = format!("{keys}?AccountSid={}", harness.account_sid);
    assert_eq!(as_admin(&harness, "GET", &of_account, "").await.body["keys"][0]["sid"], sid);
    assert_eq!(as_admin(&harness, "GET", keys, "").await.refusal().1, 20001);

    assert_eq!(harness.ask("DELETE", &one, &[], "").await.status, 204);
    assert_eq!(sign_in(&harness, sid, secret).await, 401);
    assert_eq!(harness.ask("DELETE", &one, &[], "").await.status, 404);
}

#[tokio::test]
async fn one_accounts_keys_are_nothing_to_another() {
    let harness = Harness::new().await;
    let key = harness.ask("POST", "/tertulia/v1/Keys", &[FORM], "").await;
    let one = format!("/tertulia/v1/Keys/{}", key.body["sid"].as_str().expect("a sid"));
    let other = as_admin(&harness, "POST", "/tertulia/v1/Accounts", "").await;
    let member = |name: &str| other.body[name].as_str().expect("a text").to_owned();
    let (name, value) = basic(&member("sid"), &member("auth_token"));
    for method in ["GET", "DELETE"] {
        assert_eq!(harness.send(method, &one, &[(name, &value)], "").await.refusal().0, 404);
    }
    assert_eq!(harness.ask("GET", &one, &[], "").await.status, 200);
}
