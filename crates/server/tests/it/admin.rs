//! The administration: who may, and that a change of credentials acts at once.

use crate::harness::{ADMIN_TOKEN, Answer, FORM, Harness, basic};

pub async fn as_admin(harness: &Harness, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    harness.send(method, path, &[FORM, ("authorization", &bearer)], body).await
}

pub async fn sign_in(harness: &Harness, username: &str, password: &str) -> u16 {
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

#[tokio::test]
async fn a_status_is_kept_at_the_door() {
    let harness = Harness::new().await;
    let (sid, token) = (&harness.account_sid, &harness.auth_token);
    let key = harness.ask("POST", "/tertulia/v1/Keys", &[FORM], "").await;
    let member = |name: &str| key.body[name].as_str().expect("a text").to_owned();
    let (key_sid, secret) = (member("sid"), member("secret"));
    let path = format!("/tertulia/v1/Accounts/{sid}");
    let both = async || (sign_in(&harness, sid, token).await, sign_in(&harness, &key_sid, &secret).await);
    assert_eq!(both().await, (200, 200));
    assert_eq!(as_admin(&harness, "POST", &path, "Status=away").await.refusal().1, 20001);

    let suspended = as_admin(&harness, "POST", &path, "Status=Suspended").await;
    assert_eq!((suspended.status, &suspended.body["status"]), (200, &"suspended".into()));
    assert_eq!(both().await, (403, 403));
    let refused = harness.ask("GET", "/v1/Services", &[], "").await;
    assert_eq!(refused.refusal(), (403, 20403, "Forbidden"));
    assert_eq!(sign_in(&harness, sid, "wrong").await, 401, "who does not know the token learns nothing");
    assert_eq!(as_admin(&harness, "POST", &path, "Status=active&FriendlyName=Back").await.status, 200);
    assert_eq!(both().await, (200, 200));

    let closed = as_admin(&harness, "POST", &path, "Status=closed").await;
    assert_eq!((&closed.body["status"], &closed.body["friendly_name"]), (&"closed".into(), &"Back".into()));
    assert_eq!(both().await, (403, 403));
    let reopened = as_admin(&harness, "POST", &path, "Status=active").await;
    assert_eq!(reopened.refusal(), (409, 20409, "A closed account stays closed"));
    assert_eq!(as_admin(&harness, "POST", &path, "FriendlyName=Over").await.status, 200);
}

#[tokio::test]
async fn only_an_open_account_of_its_own_has_subaccounts() {
    let harness = Harness::new().await;
    let accounts = "/tertulia/v1/Accounts";
    let owned_by = |owner: &str| format!("FriendlyName=Sub&OwnerAccountSid={owner}");
    let created = as_admin(&harness, "POST", accounts, &owned_by(&harness.account_sid)).await;
    assert_eq!((created.status, &created.body["owner_account_sid"]), (201, &(*harness.account_sid).into()));
    let sub = created.body["sid"].as_str().expect("a sid");
    let token = created.body["auth_token"].as_str().expect("a token");
    assert_eq!(sign_in(&harness, sub, token).await, 200);

    for (owner, reason) in [
        ("junk", "Invalid value for parameter OwnerAccountSid"),
        ("", "Invalid value for parameter OwnerAccountSid"),
        (
            "AC00112233445566778899aabbccddeeff",
            "Invalid value for parameter OwnerAccountSid: there is no such account",
        ),
        (sub, "Invalid value for parameter OwnerAccountSid: it is itself a subaccount"),
    ] {
        let refused = as_admin(&harness, "POST", accounts, &owned_by(owner)).await;
        assert_eq!(refused.refusal(), (400, 20001, reason), "{owner}");
    }
    let owner = format!("{accounts}/{}", harness.account_sid);
    assert_eq!(as_admin(&harness, "POST", &owner, "Status=closed").await.status, 200);
    let refused = as_admin(&harness, "POST", accounts, &owned_by(&harness.account_sid)).await;
    assert_eq!(refused.refusal().2, "Invalid value for parameter OwnerAccountSid: it is closed");
    assert_eq!(sign_in(&harness, sub, token).await, 200, "each account has a status of its own");
    let missing = format!("{accounts}/AC00112233445566778899aabbccddeeff");
    assert_eq!(as_admin(&harness, "POST", &missing, "Status=junk").await.status, 404);
}
