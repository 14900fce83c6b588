//! What holds for every answer: credentials, errors, headers, hosts.

use http::Request;
use insta::assert_snapshot;
use testkit::on_both;

use super::conversation;

#[tokio::test]
async fn without_credentials_nothing_is_said() {
    let told = on_both(async |house| {
        let reply = house.send_as_is(Request::get("/v1/Conversations"), "").await;
        house.note(reply.text());
        assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"Twilio API\""));
        for authorization in ["Basic", "Basic !", "Bearer x", "Basic QUNhOmI="] {
            let request = Request::get("/v1/Conversations").header("authorization", authorization);
            assert_eq!(house.send_as_is(request, "").await.code(), "401 20003", "{authorization}");
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    401 Unauthorized
    {
      "code": 20003,
      "message": "Authenticate",
      "more_info": "https://www.twilio.com/docs/errors/20003",
      "status": 401
    }
    "#);
}

#[tokio::test]
async fn what_is_not_there_is_named_by_its_path() {
    let told = on_both(async |house| {
        let mut messages = Vec::new();
        for path in [
            "/v1/Conversations/CH71",
            "/v1/Conversations/CH71/Messages?PageSize=2",
            "/v1/Services/ISaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Conversations/CH71",
            "/v1/Nothing",
            "/v1/Users/a%20b",
            "/v1/Users/%00",
            "/v1/Users/%FF",
        ] {
            messages.push(format!(
                "{} {}",
                house.get(path).await.code(),
                house.get(path).await.field("message")
            ));
        }
        house.note(messages.join("\n"));
    })
    .await;
    assert_snapshot!(told, @"
    404 20404 The requested resource /Conversations/CH71 was not found
    404 20404 The requested resource /Conversations/CH71/Messages was not found
    404 20404 The requested resource /Services/ISaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Conversations/CH71 was not found
    404 20404 The requested resource /Nothing was not found
    404 20404 The requested resource /Users/a%20b was not found
    404 20404 The requested resource /Users/%00 was not found
    404 20404 The requested resource /Users/%FF was not found
    ");
}

#[tokio::test]
async fn a_verb_that_is_not_there_is_not_allowed() {
    let told = on_both(async |house| {
        let reply = house.send(Request::put("/v1/Conversations"), "").await;
        house.note(reply.text());
        assert_eq!(house.delete("/v1/Conversations").await.code(), "405 20004");
    })
    .await;
    assert_snapshot!(told, @r#"
    405 Method Not Allowed
    {
      "code": 20004,
      "message": "Method not allowed",
      "more_info": "https://www.twilio.com/docs/errors/20004",
      "status": 405
    }
    "#);
}

#[tokio::test]
async fn a_body_is_a_form_or_refused_with_its_type() {
    let told = on_both(async |house| {
        let json = Request::post("/v1/Conversations").header("content-type", "application/json");
        house.note(house.send(json, "{}").await.text());
        let bare = house.send(Request::post("/v1/Conversations"), "").await;
        assert_eq!(bare.code(), "201");
        assert_eq!(house.post("/v1/Conversations", "FriendlyName=%00").await.code(), "400 20001");
        assert_eq!(house.post("/v1/Conversations", "FriendlyName=%FF").await.code(), "400 20001");
        assert_eq!(house.post("/v1/Conversations", &"a=1&".repeat(1001)).await.code(), "400 20001");
    })
    .await;
    assert_snapshot!(told, @r#"
    400 Bad Request
    {
      "code": 20001,
      "message": "The Content-Type application/json is not supported; send application/x-www-form-urlencoded",
      "more_info": "https://www.twilio.com/docs/errors/20001",
      "status": 400
    }
    "#);
}

#[tokio::test]
async fn pages_have_bounds() {
    on_both(async |house| {
        for (query, code) in [
            ("PageSize=0", "400 20001"),
            ("PageSize=-1", "400 20001"),
            ("PageSize=many", "400 20001"),
            ("PageToken=PTx", "400 21481"),
            ("PageSize=1000000000", "200"),
        ] {
            assert_eq!(house.get(&format!("/v1/Conversations?{query}")).await.code(), code, "{query}");
        }
        let meta = house.get("/v1/Users?PageSize=1000").await.get("meta");
        assert_eq!(meta["page_size"], 50);
    })
    .await;
}

#[tokio::test]
async fn every_answer_has_its_headers() {
    on_both(async |house| {
        let reply = house.get("/v1/Conversations").await;
        assert_eq!(reply.header("content-type"), Some("application/json;charset=utf-8"));
        let id = reply.header("twilio-request-id").expect("a request id");
        assert!(id.starts_with("RQ") && id.len() == 34, "{id}");
        assert!(reply.header("twilio-request-duration").is_some());
        assert_eq!(reply.header("twilio-concurrent-requests"), Some("1"));
        assert_eq!(reply.header("access-control-allow-origin"), None);
        let request = Request::get("/v1/Conversations").header("origin", "https://app.example.org");
        assert_eq!(house.send(request, "").await.header("access-control-allow-origin"), Some("*"));
        let request = Request::options("/v1/Conversations").header("origin", "https://app.example.org");
        assert_eq!(house.send_as_is(request, "").await.code(), "200");
    })
    .await;
}

#[tokio::test]
async fn the_webhook_header_is_true_or_false() {
    on_both(async |house| {
        let path = format!("{}/Participants", conversation(house).await);
        for (value, code) in [("TrUe", "201"), ("false", "409 50433"), ("yes", "400 20001")] {
            let request = Request::post(path.as_str())
                .header("content-type", "application/x-www-form-urlencoded")
                .header("x-twilio-webhook-enabled", value);
            assert_eq!(house.send(request, "Identity=alice").await.code(), code, "{value}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_token_belongs_to_its_list() {
    on_both(async |house| {
        let path = format!("{}/Participants", conversation(house).await);
        for identity in ["alice", "bob", "carol"] {
            house.post(&path, &format!("Identity={identity}")).await;
        }
        let meta = house.get(&format!("{path}?PageSize=2")).await.get("meta");
        let next = meta["next_page_url"].as_str().expect("there is more").to_owned();
        let (_, token) = next.split_once("PageToken=").expect("it has a token");
        for list in ["/v1/Conversations", "/v1/Users", "/v1/Roles"] {
            assert_eq!(house.get(&format!("{list}?PageToken={token}")).await.code(), "400 21481", "{list}");
        }
        assert_eq!(house.get(&format!("{path}?PageToken={token}")).await.code(), "200");
    })
    .await;
}

#[tokio::test]
async fn a_page_that_was_emptied_leads_back() {
    on_both(async |house| {
        let path = format!("{}/Messages", conversation(house).await);
        let mut sids = Vec::new();
        for number in 0..6 {
            sids.push(house.post(&path, &format!("Body={number}")).await.sid());
        }
        for order in ["asc", "desc"] {
            let follow = async |from: &testkit::Reply, link: &str| {
                let url = from.get("meta")[link].as_str().unwrap_or_else(|| panic!("no {link}")).to_owned();
                house.get(url.strip_prefix("http://tertulia.test").expect("on the host")).await
            };
            let first = house.get(&format!("{path}?PageSize=2&Order={order}")).await;
            let second = follow(&first, "next_page_url").await;
            let gone: Vec<String> = [0, 1]
                .map(|place| first.get("messages")[place]["sid"].as_str().expect("a sid").to_owned())
                .to_vec();
            for sid in &gone {
                house.delete(&format!("{path}/{sid}")).await;
            }
            let emptied = follow(&second, "previous_page_url").await;
            assert_eq!(emptied.get("messages"), serde_json::json!([]));
            let again = follow(&emptied, "next_page_url").await;
            assert_eq!(again.get("messages"), second.get("messages"), "{order}");
            for _ in &gone {
                house.post(&path, "Body=more").await;
            }
        }
    })
    .await;
}
