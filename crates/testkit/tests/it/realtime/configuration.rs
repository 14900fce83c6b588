//! `GET /Client/v2/Configuration`: the first thing that a client asks for.

use http::Method;
use insta::assert_snapshot;
use testkit::on_both;

const PATH: &str = "/Client/v2/Configuration";

#[tokio::test]
async fn it_says_who_one_is_and_where_everything_stands() {
    let told = on_both(async |house| {
        let alice = house.client("alice").await;
        house.note(alice.ask(Method::GET, PATH, ("", "")).await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "identity": "alice",
      "links": {
        "conversations": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations",
        "current_user": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Users/US00000000000000000000000000000009",
        "media_service": "http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Media",
        "media_set_service": "http://tertulia.test/v1/Services/IS00000000000000000000000000000001/MediaSet",
        "messages_receipts": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Conversations/%s/Messages/%s/Receipts",
        "my_conversations": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Users/US00000000000000000000000000000009/Conversations",
        "typing": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Typing",
        "users": "http://tertulia.test/Client/v2/Services/IS00000000000000000000000000000001/Users"
      },
      "options": {
        "consumption_report_interval": "PT1S",
        "email_bodies_allowed_mime_types": [
          "text/plain",
          "text/html"
        ],
        "email_histories_allowed_mime_types": [
          "text/plain",
          "text/html"
        ],
        "http_cache_interval": "PT1S",
        "media_attachment_size_limit_in_mb": 150,
        "media_attachments_count_limit": 10,
        "media_attachments_total_size_limit_in_mb": 150,
        "my_conversations_page_size": 100,
        "reachability_enabled": false,
        "user_infos_to_subscribe": 100
      },
      "sync_objects": {
        "my_conversations": "US00000000000000000000000000000009.conversations",
        "my_user_info": "US00000000000000000000000000000009.info"
      },
      "url": "http://tertulia.test/Client/v2/Configuration"
    }
    "#);
}

#[tokio::test]
async fn it_follows_the_service_and_is_the_predecessors_too() {
    let told = on_both(async |house| {
        let alice = house.client("alice").await;
        let service = house.get("/v1/Users/alice").await.field("chat_service_sid");
        let path = format!("/v1/Services/{service}/Configuration");
        house.post(&path, "ReachabilityEnabled=true").await;
        let old = alice.ask(Method::GET, "/Client/v1/Configuration", ("", "")).await;
        let mut new = alice.ask(Method::GET, PATH, ("", "")).await.json();
        assert_eq!(new["options"]["reachability_enabled"], true);
        new["url"] = old.get("url");
        assert_eq!(old.json(), new);
        house.note(alice.ask(Method::POST, PATH, ("", "")).await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    405 Method Not Allowed
    {
      "code": 20004,
      "message": "Method not allowed",
      "status": 405
    }
    "#);
}
