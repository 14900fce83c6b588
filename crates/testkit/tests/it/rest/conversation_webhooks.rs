//! `/v1/Conversations/{ConversationSid}/Webhooks`, at both places.

use conversations::Limits;
use insta::assert_snapshot;
use serde_json::{Value, json};
use server::Settings;
use testkit::{House, on_both, on_both_with};

use super::{codes, conversation};

const WEBHOOK: &str =
    "Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageAdded";

async fn webhooks(house: &House) -> String {
    format!("{}/Webhooks", conversation(house).await)
}

#[tokio::test]
async fn each_target_shows_what_it_needs() {
    let told = on_both(async |house| {
        let path = webhooks(house).await;
        let forms = [
            "Target=WebHook&Configuration.Url=https://example.com/a?b=c&Configuration.Method=GET\
             &Configuration.Filters=onMessageAdded&Configuration.Filters=ONCONVERSATIONUPDATED\
             &Configuration.ReplayAfter=7&Configuration.Triggers=unused",
            "Target=trigger&Configuration.Url=http://example.com&Configuration.Triggers=help\
             &Configuration.Triggers=a%0Ab%22&Configuration.Triggers=help&Configuration.ReplayAfter=-1",
            "Target=studio&Configuration.FlowSid=FWAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&Configuration.Method=get",
        ];
        for form in forms {
            let made = house.post(&path, form).await;
            house.note(made.text());
            assert_eq!(house.get(&format!("{path}/{}", made.sid())).await.json(), made.json());
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "configuration": {
        "filters": [
          "onMessageAdded",
          "onConversationUpdated"
        ],
        "method": "get",
        "replay_after": 7,
        "url": "https://example.com/a?b=c"
      },
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "sid": "WH0000000000000000000000000000000b",
      "target": "webhook",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Webhooks/WH0000000000000000000000000000000b"
    }

    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "configuration": {
        "method": "post",
        "triggers": [
          "help",
          "a\nb\""
        ],
        "url": "http://example.com"
      },
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "sid": "WH0000000000000000000000000000000e",
      "target": "trigger",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Webhooks/WH0000000000000000000000000000000e"
    }

    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "configuration": {
        "flow_sid": "FWaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      },
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "sid": "WH00000000000000000000000000000011",
      "target": "studio",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Webhooks/WH00000000000000000000000000000011"
    }
    "#);
}

#[tokio::test]
async fn the_path_of_the_service_names_it() {
    let told = on_both(async |house| {
        let service = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let inside = format!("/v1/Services/{service}/Conversations");
        house.post(&inside, "UniqueName=desk").await;
        let path = format!("{inside}/desk/Webhooks");
        let made = house.post(&path, WEBHOOK).await;
        house.note(made.text());
        house.note(house.get(&path).await.text());
        let one = format!("{path}/{}", made.sid());
        assert_eq!(house.get(&one).await.json(), made.json());
        assert_eq!(house.post(&one, "").await.json(), made.json());
        assert_eq!(
            house.get(&format!("/v1/Conversations/desk/Webhooks/{}", made.sid())).await.code(),
            "404 20404"
        );
        assert_eq!(house.delete(&one).await.code(), "204");
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "chat_service_sid": "IS00000000000000000000000000000009",
      "configuration": {
        "filters": [
          "onMessageAdded"
        ],
        "method": "post",
        "url": "https://example.com"
      },
      "conversation_sid": "CH0000000000000000000000000000000f",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "sid": "WH00000000000000000000000000000011",
      "target": "webhook",
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Conversations/CH0000000000000000000000000000000f/Webhooks/WH00000000000000000000000000000011"
    }

    200 OK
    {
      "meta": {
        "first_page_url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Conversations/desk/Webhooks?PageSize=5&Page=0",
        "key": "webhooks",
        "next_page_url": null,
        "page": 0,
        "page_size": 5,
        "previous_page_url": null,
        "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Conversations/desk/Webhooks?PageSize=5&Page=0"
      },
      "webhooks": [
        {
          "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "chat_service_sid": "IS00000000000000000000000000000009",
          "configuration": {
            "filters": [
              "onMessageAdded"
            ],
            "method": "post",
            "url": "https://example.com"
          },
          "conversation_sid": "CH0000000000000000000000000000000f",
          "date_created": "2026-01-01T00:00:00Z",
          "date_updated": "2026-01-01T00:00:00Z",
          "sid": "WH00000000000000000000000000000011",
          "target": "webhook",
          "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Conversations/CH0000000000000000000000000000000f/Webhooks/WH00000000000000000000000000000011"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn what_is_refused() {
    let told = on_both(async |house| {
        let path = webhooks(house).await;
        let url = format!("Target=webhook&Configuration.Url=https://example.com/{}", "x".repeat(493));
        assert_eq!(house.post(&path, &url).await.code(), "400 50372");
        for (length, code) in [(248, "201"), (249, "400 50366")] {
            let trigger = "t".repeat(length);
            let form = format!("Target=trigger&Configuration.Url=https://example.com&Configuration.Triggers={trigger}");
            assert_eq!(house.post(&path, &form).await.code(), code);
        }
        let forms = [
            "",
            "Target=",
            "Target=email",
            "Target=webhook",
            "Target=webhook&Configuration.Url=",
            "Target=webhook&Configuration.Url=example.com",
            "Target=webhook&Configuration.Url=https://example.com",
            "Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=",
            "Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageSent",
            "Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageAdd",
            "Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onConversationAdded",
            "Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageAdded&Configuration.Method=PUT",
            "Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageAdded&Configuration.ReplayAfter=-2",
            "Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageAdded&Configuration.ReplayAfter=all",
            "Target=trigger&Configuration.Triggers=help",
            "Target=trigger&Configuration.Url=https://example.com",
            "Target=trigger&Configuration.Url=https://example.com&Configuration.Triggers=",
            "Target=trigger&Configuration.Url=https://example.com&Configuration.Triggers=1&Configuration.Triggers=2\
             &Configuration.Triggers=3&Configuration.Triggers=4&Configuration.Triggers=5&Configuration.Triggers=6",
            "Target=studio",
            "Target=studio&Configuration.FlowSid=",
            "Target=studio&Configuration.FlowSid=FW1",
        ];
        house.note(codes(house, &forms.map(|form| (path.clone(), form))).await);
        assert_eq!(house.post("/v1/Conversations/CH71/Webhooks", "").await.code(), "404 20404");
        assert_eq!(house.get("/v1/Conversations/CH71/Webhooks").await.code(), "404 20404");
    })
    .await;
    assert_snapshot!(told, @"
     -> 400 50368
    Target= -> 400 50368
    Target=email -> 400 50364
    Target=webhook -> 400 50369
    Target=webhook&Configuration.Url= -> 400 50369
    Target=webhook&Configuration.Url=example.com -> 400 20001
    Target=webhook&Configuration.Url=https://example.com -> 400 50370
    Target=webhook&Configuration.Url=https://example.com&Configuration.Filters= -> 400 50370
    Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageSent -> 400 50365
    Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageAdd -> 400 50365
    Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onConversationAdded -> 400 50365
    Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageAdded&Configuration.Method=PUT -> 400 50055
    Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageAdded&Configuration.ReplayAfter=-2 -> 400 20001
    Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageAdded&Configuration.ReplayAfter=all -> 400 20001
    Target=trigger&Configuration.Triggers=help -> 400 50369
    Target=trigger&Configuration.Url=https://example.com -> 400 50371
    Target=trigger&Configuration.Url=https://example.com&Configuration.Triggers= -> 400 50366
    Target=trigger&Configuration.Url=https://example.com&Configuration.Triggers=1&Configuration.Triggers=2&Configuration.Triggers=3&Configuration.Triggers=4&Configuration.Triggers=5&Configuration.Triggers=6 -> 400 50362
    Target=studio -> 400 50367
    Target=studio&Configuration.FlowSid= -> 400 50367
    Target=studio&Configuration.FlowSid=FW1 -> 400 50367
    ");
}

#[tokio::test]
async fn an_update_changes_what_is_given_but_never_the_target() {
    let told = on_both(async |house| {
        let path = webhooks(house).await;
        let made = house.post(&path, WEBHOOK).await;
        let one = format!("{path}/{}", made.sid());
        house.clock.advance_seconds(60);
        assert_eq!(house.post(&one, "Target=studio&Unknown=1").await.json(), made.json());
        let updated =
            house.post(&one, "Configuration.Method=get&Target=trigger&Configuration.Triggers=x").await;
        house.note(updated.text());
        let form = "Configuration.Url=http://example.org&Configuration.Filters=onDeliveryUpdated";
        let updated = house.post(&one, form).await;
        let expected =
            json!({"url": "http://example.org", "method": "get", "filters": ["onDeliveryUpdated"]});
        assert_eq!(updated.get("configuration"), expected);
        assert_eq!(house.get(&one).await.json(), updated.json());
        let forms = [
            "Configuration.Url=",
            "Configuration.Url=nowhere",
            "Configuration.Filters=",
            "Configuration.Filters=onUserAdded",
            "Configuration.Method=",
            "Configuration.Triggers=",
            "Configuration.FlowSid=FW1",
        ];
        house.note(codes(house, &forms.map(|form| (one.clone(), form))).await);
        assert_eq!(house.get(&one).await.json(), updated.json());
        let studio =
            house.post(&path, "Target=studio&Configuration.FlowSid=FWaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").await;
        let flow = "FWbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
        let moved =
            house.post(&format!("{path}/{}", studio.sid()), &format!("Configuration.FlowSid={flow}")).await;
        assert_eq!(moved.get("configuration"), json!({"flow_sid": flow}));
        for there in ["WH1", "WHaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "webhook"] {
            let nowhere = format!("{path}/{there}");
            assert_eq!(house.get(&nowhere).await.code(), "404 20404");
            assert_eq!(house.post(&nowhere, "Configuration.Url=").await.code(), "404 20404");
            assert_eq!(house.delete(&nowhere).await.code(), "404 20404");
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "configuration": {
        "filters": [
          "onMessageAdded"
        ],
        "method": "get",
        "url": "https://example.com"
      },
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:01:00Z",
      "sid": "WH0000000000000000000000000000000b",
      "target": "webhook",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Webhooks/WH0000000000000000000000000000000b"
    }

    Configuration.Url= -> 400 50369
    Configuration.Url=nowhere -> 400 20001
    Configuration.Filters= -> 400 50370
    Configuration.Filters=onUserAdded -> 400 50365
    Configuration.Method= -> 400 50055
    Configuration.Triggers= -> 400 50366
    Configuration.FlowSid=FW1 -> 400 50367
    "#);
}

#[tokio::test]
async fn a_conversation_has_at_most_five_and_lists_them_as_they_came() {
    on_both(async |house| {
        let path = webhooks(house).await;
        let mut sids = Vec::new();
        for _ in 0..5 {
            sids.push(Value::from(house.post(&path, WEBHOOK).await.sid()));
        }
        let refused = house.post(&path, WEBHOOK).await;
        assert_eq!(
            (refused.code().as_str(), refused.field("message").as_str()),
            ("400 50361", "Too many conversation webhooks")
        );
        let listed = |page: Value| {
            page.as_array().expect("a list").iter().map(|one| one["sid"].clone()).collect::<Vec<_>>()
        };
        let page = house.get(&format!("{path}?PageSize=50")).await;
        assert_eq!(listed(page.get("webhooks")), sids);
        assert_eq!(
            (&page.get("meta")["page_size"], &page.get("meta")["key"]),
            (&json!(5), &json!("webhooks"))
        );
        assert_eq!(page.get("meta")["next_page_url"], Value::Null);
        let first = house.get(&format!("{path}?PageSize=3")).await;
        assert_eq!(listed(first.get("webhooks")), sids[..3]);
        let next = first.get("meta")["next_page_url"].as_str().expect("there are more").to_owned();
        let second = house.get(next.trim_start_matches("http://tertulia.test")).await;
        assert_eq!(listed(second.get("webhooks")), sids[3..]);
        assert_eq!(house.delete(&format!("{path}/{}", sids[1].as_str().expect("a sid"))).await.code(), "204");
        assert_eq!(house.post(&path, WEBHOOK).await.code(), "201");
        assert_eq!(house.get(&webhooks(house).await).await.get("webhooks"), json!([]));
    })
    .await;
}

#[tokio::test]
async fn without_limits_there_may_be_more() {
    let settings = Settings { limits: Limits::Lenient, ..Settings::default() };
    on_both_with(settings, async |house| {
        let path = webhooks(house).await;
        for _ in 0..6 {
            assert_eq!(house.post(&path, WEBHOOK).await.code(), "201");
        }
        let page = house.get(&path).await;
        assert_eq!(page.get("webhooks").as_array().map(Vec::len), Some(5));
        assert!(page.get("meta")["next_page_url"].is_string());
    })
    .await;
}

#[tokio::test]
async fn those_of_a_closed_conversation_can_only_be_looked_at_and_removed() {
    on_both(async |house| {
        let conversation = conversation(house).await;
        let path = format!("{conversation}/Webhooks");
        let one = format!("{path}/{}", house.post(&path, WEBHOOK).await.sid());
        house.post(&conversation, "State=closed").await;
        assert_eq!(house.post(&path, WEBHOOK).await.code(), "400 50377");
        assert_eq!(house.post(&one, "").await.code(), "400 50377");
        assert_eq!(house.post(&one, "Configuration.Method=get").await.code(), "400 50377");
        assert_eq!(house.post(&one, "Configuration.Method=put").await.code(), "400 50055");
        assert_eq!(house.get(&one).await.code(), "200");
        assert_eq!(house.delete(&one).await.code(), "204");
        assert_eq!(house.get(&one).await.code(), "404 20404");
        assert_eq!(house.delete(&one).await.code(), "404 20404");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_five_are_made() {
    on_both(async |house| {
        let path = webhooks(house).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let (house, path) = (house.clone(), path.clone());
            tasks.spawn(async move { house.post(&path, WEBHOOK).await.code() });
        }
        let mut codes = tasks.join_all().await;
        codes.sort_unstable();
        assert_eq!(codes[..5], ["201"; 5]);
        assert_eq!(codes[5..], ["400 50361"; 7]);
    })
    .await;
}
