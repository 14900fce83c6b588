//! `GET /Client/v2/ContentTemplates`.

use http::Method;
use insta::assert_snapshot;
use testkit::on_both;

const PATH: &str = "/Client/v2/ContentTemplates";

#[tokio::test]
async fn templates_are_listed_page_by_page() {
    let told = on_both(async |house| {
        let alice = house.client("alice").await;
        for number in 1..=2 {
            let form = format!(
                "FriendlyName=t{number}&Variables={{\"1\":\"you\"}}&Types={{\"twilio/text\":{{\"body\":\"Hi {{{{1}}}}\"}}}}"
            );
            house.post("/tertulia/v1/ContentTemplates", &form).await;
        }
        let first = alice.ask(Method::GET, &format!("{PATH}?PageSize=1"), ("", "")).await;
        let token = first.json()["meta"]["next_token"].as_str().expect("there is more").to_owned();
        house.note(first.text());
        let next = format!("{PATH}?PageSize=1&PageToken={token}");
        let second = alice.ask(Method::GET, &next, ("", "")).await.json();
        assert_eq!(second["templates"][0]["friendly_name"], "t2");
        assert!(second["meta"]["next_token"].is_null() && second["meta"]["previous_token"].is_string());
        for wrong in ["PageToken=PTx", "PageSize=0"] {
            house.note(alice.ask(Method::GET, &format!("{PATH}?{wrong}"), ("", "")).await.code());
        }
        house.note(alice.ask(Method::DELETE, PATH, ("", "")).await.code());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "meta": {
        "next_token": "PTeyJvIjoiYSIsImF0IjoxNzY3MjI1NjAwMDAwMDAwLCJzaWQiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwYyIsImxpc3QiOjExMzEyNDE4MTk5NjU1MjM1Njg1fQ",
        "previous_token": null
      },
      "templates": [
        {
          "date_created": "2026-01-01T00:00:00Z",
          "date_updated": "2026-01-01T00:00:00Z",
          "friendly_name": "t1",
          "sid": "HX0000000000000000000000000000000c",
          "variables": "{\"1\":\"you\"}",
          "variants": {
            "twilio/text": {
              "body": "Hi {{1}}"
            }
          }
        }
      ]
    }

    400 21481

    400 20001

    405 20004
    "#);
}
