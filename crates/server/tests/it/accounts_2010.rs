//! The neighbour of 2010: who sees which account, and who manages whose keys.

use serde_json::Value;

use crate::admin::{as_admin, sign_in};
use crate::harness::{Answer, FORM, Harness, basic};

/// A path of an account.
fn path(account_sid: &str, rest: &str) -> String {
    format!("/2010-04-01/Accounts/{account_sid}{rest}")
}

fn member(answer: &Answer, name: &str) -> String {
    answer.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", answer.body)).to_owned()
}

async fn account(harness: &Harness, form: &str) -> (String, String) {
    let created = as_admin(harness, "POST", "/tertulia/v1/Accounts", form).await;
    (member(&created, "sid"), member(&created, "auth_token"))
}

async fn ask_as(
    harness: &Harness,
    (username, password): (&str, &str),
    (method, path): (&str, &str),
    form: &str,
) -> Answer {
    let (name, value) = basic(username, password);
    harness.send(method, path, &[FORM, (name, &value)], form).await
}

#[tokio::test]
async fn an_account_sees_itself_and_its_subaccounts() {
    let harness = Harness::new().await;
    let owner = (&*harness.account_sid, &*harness.auth_token);
    let (sub, sub_token) = account(&harness, &format!("FriendlyName=Sub&OwnerAccountSid={}", owner.0)).await;
    let (other, other_token) = account(&harness, "FriendlyName=Other").await;
    let own = ask_as(&harness, owner, ("GET", &path(owner.0, ".json")), "").await;
    assert_eq!((own.status, member(&own, "owner_account_sid")), (200, owner.0.to_owned()));
    assert_eq!(member(&own, "auth_token"), owner.1);
    let seen = ask_as(&harness, owner, ("GET", &path(&sub, ".json")), "").await;
    assert_eq!((seen.status, member(&seen, "owner_account_sid")), (200, owner.0.to_owned()));
    assert_eq!(member(&seen, "auth_token"), sub_token);

    for (viewer, hidden) in [
        (owner, &*other),
        ((&other, &other_token), &sub),
        ((&sub, &sub_token), owner.0),
        (owner, "AC00112233445566778899aabbccddeeff"),
        (owner, "junk"),
    ] {
        for rest in [".json", "/Keys.json", "/Keys/SK00112233445566778899aabbccddeeff.json"] {
            let path = path(hidden, rest);
            let message = format!("The requested resource {path} was not found");
            let answer = ask_as(&harness, viewer, ("GET", &path), "").await;
            assert_eq!(answer.refusal(), (404, 20404, &*message));
        }
    }
    let made = ask_as(&harness, owner, ("POST", &path(&sub, "/Keys.json")), "FriendlyName=theirs").await;
    assert_eq!(made.status, 201);
    assert_eq!(sign_in(&harness, &member(&made, "sid"), &member(&made, "secret")).await, 200);
    let listed = ask_as(&harness, (&sub, &sub_token), ("GET", &path(&sub, "/Keys.json")), "").await;
    assert_eq!(listed.body["keys"][0]["friendly_name"], "theirs");
}

#[tokio::test]
async fn a_key_works_and_ends_at_once() {
    let harness = Harness::new().await;
    let keys = path(&harness.account_sid, "/Keys.json");
    let made = harness.ask("POST", &keys, &[FORM], "FriendlyName=CI").await;
    assert_eq!(made.status, 201);
    let (sid, secret) = (member(&made, "sid"), member(&made, "secret"));
    assert_eq!(sign_in(&harness, &sid, &secret).await, 200);
    let one = path(&harness.account_sid, &format!("/Keys/{sid}.json"));
    let fetched = harness.ask("GET", &one, &[], "").await;
    assert_eq!((fetched.status, fetched.body.get("secret")), (200, None));
    let renamed = harness.ask("POST", &one, &[FORM], "FriendlyName=Nightly").await;
    assert_eq!((renamed.status, member(&renamed, "friendly_name")), (200, "Nightly".to_owned()));
    assert_eq!(sign_in(&harness, &sid, &secret).await, 200, "the secret is the same");
    let long = format!("FriendlyName={}", "x".repeat(65));
    assert_eq!(harness.ask("POST", &one, &[FORM], &long).await.refusal().1, 50003);

    assert_eq!(harness.ask("DELETE", &one, &[], "").await.status, 204);
    assert_eq!(sign_in(&harness, &sid, &secret).await, 401);
    for method in ["GET", "POST", "DELETE"] {
        assert_eq!(harness.ask(method, &one, &[FORM], &long).await.refusal().0, 404, "{method}");
    }
}

#[tokio::test]
async fn a_key_sees_its_account_but_neither_tokens_nor_keys() {
    let harness = Harness::new().await;
    let keys = path(&harness.account_sid, "/Keys.json");
    let made = harness.ask("POST", &keys, &[FORM], "").await;
    let (sid, secret) = (member(&made, "sid"), member(&made, "secret"));
    let account = path(&harness.account_sid, ".json");
    let seen = ask_as(&harness, (&sid, &secret), ("GET", &account), "").await;
    assert_eq!((seen.status, &seen.body["auth_token"]), (200, &Value::Null));
    let one = path(&harness.account_sid, &format!("/Keys/{sid}.json"));
    for asked in [("GET", &*keys), ("POST", &*keys), ("GET", &*one), ("POST", &*one), ("DELETE", &*one)] {
        let refused = ask_as(&harness, (&sid, &secret), asked, "").await;
        assert_eq!(refused.refusal(), (403, 20006, "Access Denied"), "{asked:?}");
    }
}

#[tokio::test]
async fn the_rest_of_that_api_is_not_there() {
    let harness = Harness::new().await;
    let account = path(&harness.account_sid, ".json");
    assert_eq!(harness.send("GET", &account, &[], "").await.refusal(), (401, 20003, "Authenticate"));
    let post = harness.ask("POST", &account, &[FORM], "Status=closed").await;
    assert_eq!((post.refusal().1, post.header("allow")), (20004, "GET"));
    let put = harness.ask("PUT", &path(&harness.account_sid, "/Keys.json"), &[], "").await;
    assert_eq!((put.refusal().1, put.header("allow")), (20004, "GET, POST"));
    for rest in ["", ".xml", "/Keys", "/Keys/", "/Messages.json", "/Keys/SK00112233445566778899aabbccddeeff"]
    {
        let path = path(&harness.account_sid, rest);
        let answer = harness.ask("GET", &path, &[], "").await;
        let (status, code, message) = answer.refusal();
        assert_eq!((status, code), (404, 20404), "{path}");
        assert!(message.starts_with(&format!("The requested resource {path} was not found")), "{message}");
    }
    let sent = harness.ask("POST", &path(&harness.account_sid, "/Messages.json"), &[FORM], "Body=x").await;
    assert!(sent.refusal().2.ends_with("only accounts and their keys are served here"));
    assert_eq!(harness.ask("GET", "/2010-04-01/Accounts.json", &[], "").await.refusal().0, 404);
}

#[tokio::test]
async fn a_host_of_one_product_takes_nothing_for_another() {
    let harness = Harness::new().await;
    let (name, value) = harness.basic();
    let ask = async |method: &'static str, host: &'static str, path: &str| {
        harness.send_to(host, method, path, &[FORM, (name, &value)], "").await.status
    };
    let account = path(&harness.account_sid, ".json");
    assert_eq!(ask("GET", "api.twilio.com", &account).await, 200);
    assert_eq!(ask("GET", "conversations.twilio.com", &account).await, 404);
    assert_eq!(ask("POST", "api.twilio.com", "/v1/Conversations").await, 404);
    assert_eq!(ask("POST", "api.twilio.com", &path(&harness.account_sid, "/Messages.json")).await, 404);
    let made = harness.ask("GET", "/v1/Conversations", &[], "").await;
    assert_eq!(made.body["conversations"], Value::Array(Vec::new()));
}
