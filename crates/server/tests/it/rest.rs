//! The REST door: the order of checks, forms, headers.

use conversations::Limits;
use tertulia_server::Settings;

use crate::harness::{FORM, Harness, basic};

#[tokio::test]
async fn a_conversation_comes_and_goes() {
    let harness = Harness::new().await;
    let created = harness.ask("POST", "/v1/Conversations", &[FORM], "FriendlyName=Hello").await;
    assert_eq!((created.status, created.header("content-type")), (201, "application/json;charset=utf-8"));
    assert_eq!(created.body["friendly_name"], "Hello");
    let url = created.body["url"].as_str().expect("a url");
    let path = url.strip_prefix("http://127.0.0.1:8080").expect("our host");
    let deleted = harness.ask("DELETE", path, &[], "").await;
    assert_eq!((deleted.status, deleted.header("content-type")), (204, ""));
    assert!(deleted.body.is_null());
    let gone = harness.ask("GET", path, &[], "").await;
    let resource = path.strip_prefix("/v1").expect("the version");
    let message = format!("The requested resource {resource} was not found");
    assert_eq!(gone.refusal(), (404, 20404, &*message));
}

#[tokio::test]
async fn the_route_is_judged_before_the_credentials_and_those_before_the_rest() {
    let harness = Harness::new().await;
    let nobody = harness.send("GET", "/v1/Nothing?a=b", &[], "").await;
    assert_eq!(nobody.refusal(), (404, 20404, "The requested resource /Nothing was not found"));
    let wrong_method = harness.send("DELETE", "/v1/Conversations", &[], "").await;
    assert_eq!(wrong_method.refusal(), (405, 20004, "Method not allowed"));
    assert_eq!(wrong_method.header("allow").split(", ").count(), 2);
    for path in ["/v1/Conversations", "/v1/Conversations/%ff", "/v1/Services/IS1/Users"] {
        let unsigned = harness.send("POST", path, &[("x-twilio-webhook-enabled", "junk")], "a=b").await;
        assert_eq!(unsigned.refusal(), (401, 20003, "Authenticate"), "{path}");
        assert_eq!(unsigned.header("www-authenticate"), "Basic realm=\"Twilio API\"");
    }
    for path in ["/v1/Conversations/%ff", "/v1/Conversations/a%00", "/v1/Services/IS1/Users"] {
        let absent = harness.ask("POST", path, &[("content-type", "text/plain")], "x").await;
        let resource = path.strip_prefix("/v1").expect("the version");
        let message = format!("The requested resource {resource} was not found");
        assert_eq!(absent.refusal(), (404, 20404, &*message));
    }
}

#[tokio::test]
async fn what_a_path_lacks_is_told_before_what_is_wrong_with_the_form() {
    let harness = Harness::new().await;
    let created = harness.ask("POST", "/v1/Conversations", &[FORM], "UniqueName=here").await;
    assert_eq!(created.status, 201);
    for (headers, body) in [
        (vec![("content-type", "application/json")], "{}"),
        (vec![FORM, ("x-twilio-webhook-enabled", "junk")], ""),
        (vec![FORM], "Attributes=%ff"),
        (vec![FORM], "Attributes=notjson"),
    ] {
        let absent = harness.ask("POST", "/v1/Conversations/nowhere", &headers, body).await;
        assert_eq!(absent.refusal().0, 404, "{body}");
        let present = harness.ask("POST", "/v1/Conversations/here", &headers, body).await;
        assert_eq!(present.refusal().0, 400, "{body}");
    }
}

#[tokio::test]
async fn wrong_secrets_and_unknown_sids_look_alike() {
    let harness = Harness::new().await;
    let wrong = basic(&harness.account_sid, "wrong");
    let unknown = basic("AC00000000000000000000000000000000", &harness.auth_token);
    let odd = basic("admin", "");
    for (name, value) in [wrong, unknown, odd] {
        let refused = harness.send("GET", "/v1/Services", &[(name, &value)], "").await;
        assert_eq!(refused.refusal(), (401, 20003, "Authenticate"));
    }
    let upper = harness.account_sid.to_uppercase();
    let (name, value) = basic(&upper, &harness.auth_token);
    assert_eq!(harness.send("GET", "/v1/Services", &[(name, &value)], "").await.status, 200);
}

#[tokio::test]
async fn forms_are_forms_and_json_only_where_it_is_allowed() {
    let strict = Harness::new().await;
    let json = ("content-type", "application/json");
    let body = r#"{"FriendlyName":"from JSON"}"#;
    let (status, code, message) = {
        let refused = strict.ask("POST", "/v1/Conversations", &[json], body).await;
        let (status, code, message) = refused.refusal();
        (status, code, message.to_owned())
    };
    assert_eq!((status, code), (400, 20001));
    assert!(message.contains("application/json"), "{message}");
    assert_eq!(strict.ask("POST", "/v1/Conversations", &[], "").await.status, 201);
    assert_eq!(strict.ask("POST", "/v1/Conversations", &[], "FriendlyName=x").await.status, 400);
    // twilio-python sends the type of forms on lists too.
    assert_eq!(strict.ask("GET", "/v1/Conversations?PageSize=1000", &[FORM], "").await.status, 200);

    let lenient = Harness::with(Settings { limits: Limits::Lenient, ..Settings::default() }).await;
    let created = lenient.ask("POST", "/v1/Conversations", &[json], body).await;
    assert_eq!(created.body["friendly_name"], "from JSON");
    let large = "x".repeat(1024 * 1024 + 1);
    let refused = strict.ask("POST", "/v1/Conversations", &[FORM], &large).await;
    assert_eq!(refused.refusal(), (413, 20413, "Request Entity Too Large"));
}

#[tokio::test]
async fn answers_have_twilios_headers() {
    let harness = Harness::new().await;
    let answer = harness.ask("GET", "/v1/Services", &[], "").await;
    let request_id = answer.header("twilio-request-id");
    assert_eq!((request_id.len(), &request_id[..2]), (34, "RQ"));
    let duration = answer.header("twilio-request-duration");
    assert!(duration.split_once('.').is_some_and(|(_, decimals)| decimals.len() == 3), "{duration}");
    assert_eq!(answer.header("twilio-concurrent-requests"), "1");
    assert_eq!(answer.header("vary"), "Accept-Encoding, Origin");
    assert_eq!(answer.header("access-control-allow-origin"), "");

    let page = harness.ask("GET", "/v1/Services", &[("origin", "https://a.example")], "").await;
    assert_eq!(page.header("access-control-allow-origin"), "*");
    let preflight = harness.send("OPTIONS", "/v1/Services", &[("origin", "https://a.example")], "").await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(preflight.header("access-control-allow-methods"), "GET, POST, DELETE, OPTIONS");
    let admin = harness.send("OPTIONS", "/tertulia/v1/Keys", &[("origin", "https://a.example")], "").await;
    assert_eq!((admin.status, admin.header("access-control-allow-origin")), (405, ""));
}

#[tokio::test]
async fn probes_need_no_credentials() {
    let harness = Harness::new().await;
    for path in ["/healthz/live", "/healthz/ready"] {
        let answer = harness.send("GET", path, &[], "").await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &"pass".into()));
    }
    harness.app.store().close();
    assert_eq!(harness.send("GET", "/healthz/live", &[], "").await.status, 200);
    assert_eq!(harness.send("GET", "/healthz/ready", &[], "").await.status, 503);
    let failed = harness.ask("GET", "/v1/Services", &[], "").await;
    assert_eq!(failed.refusal(), (500, 20500, "Internal Server Error"));
}
