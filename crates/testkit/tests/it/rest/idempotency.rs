//! `Idempotency-Key`: a create that is sent twice is done once.

use http::Request;
use insta::assert_snapshot;
use testkit::{House, Reply, on_both};
use tokio::task::JoinSet;

use super::conversation;

async fn send(house: &House, path: &str, key: &str, form: &str) -> Reply {
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("idempotency-key", key);
    house.send(request, form).await
}

async fn count(house: &House, path: &str) -> usize {
    house.get(path).await.get("messages").as_array().expect("a list").len()
}

#[tokio::test]
async fn the_second_time_the_first_answer_comes_again() {
    on_both(async |house| {
        let path = format!("{}/Messages", conversation(house).await);
        let first = send(house, &path, "a", "Body=hello").await;
        assert_eq!((first.code().as_str(), first.header("tertulia-idempotent-replayed")), ("201", None));
        house.clock.advance_seconds(3600);
        let second = send(house, &path, "a", "Body=hello").await;
        assert_eq!(second.text(), first.text());
        assert_eq!(second.header("tertulia-idempotent-replayed"), Some("true"));
        let elsewhere = Request::post(path.as_str())
            .uri(format!("http://elsewhere.test{path}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("idempotency-key", "a");
        let url = house.send(elsewhere, "Body=hello").await.field("url");
        assert!(url.starts_with("http://elsewhere.test/v1/Conversations/"), "{url}");
        assert_eq!(count(house, &path).await, 1);
        house.clock.advance_seconds(24 * 3600);
        assert_ne!(send(house, &path, "a", "Body=hello").await.sid(), first.sid());
        assert_eq!(count(house, &path).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let told = on_both(async |house| {
        let (one, other) = (conversation(house).await, conversation(house).await);
        send(house, &format!("{one}/Messages"), "a", "Body=hello").await;
        house.note(send(house, &format!("{one}/Messages"), "a", "Body=bye").await.text());
        assert_eq!(send(house, &format!("{other}/Messages"), "a", "Body=hello").await.code(), "400 20001");
        assert_eq!(send(house, &format!("{other}/Messages"), "", "Body=hello").await.code(), "400 20001");
        let long = "k".repeat(256);
        assert_eq!(send(house, &format!("{other}/Messages"), &long, "Body=hello").await.code(), "400 20001");
        assert_eq!(send(house, &format!("{other}/Messages"), "b", "Body=hello").await.code(), "201");
    })
    .await;
    assert_snapshot!(told, @r#"
    400 Bad Request
    {
      "code": 20001,
      "message": "The Idempotency-Key was used for another request",
      "more_info": "https://www.twilio.com/docs/errors/20001",
      "status": 400
    }
    "#);
}

#[tokio::test]
async fn what_was_refused_is_not_kept() {
    on_both(async |house| {
        let path = format!("{}/Participants", conversation(house).await);
        assert_eq!(send(house, &path, "a", "Identity=system").await.code(), "400 50203");
        house.post(&path, "Identity=alice").await;
        assert_eq!(send(house, &path, "b", "Identity=alice").await.code(), "409 50433");
        house.delete(&format!("{path}/alice")).await;
        assert_eq!(send(house, &path, "b", "Identity=alice").await.code(), "201");
        // Done is done, whatever became of it.
        house.delete(&format!("{path}/alice")).await;
        assert_eq!(send(house, &path, "b", "Identity=alice").await.code(), "201");
        assert_eq!(house.get(&format!("{path}/alice")).await.code(), "404 20404");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_at_once_one_is_done() {
    on_both(async |house| {
        let path = format!("{}/Messages", conversation(house).await);
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let (house, path) = (house.clone(), path.clone());
            tasks.spawn(async move { send(&house, &path, "a", "Body=hello").await.code() });
        }
        let codes = tasks.join_all().await;
        assert!(codes.iter().all(|code| code == "201" || code == "409 20409"), "{codes:?}");
        assert!(codes.contains(&"201".to_owned()));
        assert_eq!(count(house, &path).await, 1, "{:?}", house.engine);
    })
    .await;
}
