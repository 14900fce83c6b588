//! `/v1/Configuration/Webhooks` and `/v1/Services/{ChatServiceSid}/Configuration/Webhooks`.

use insta::assert_snapshot;
use serde_json::{Value, json};
use testkit::{House, on_both};

use super::codes;

const OF_ACCOUNT: &str = "/v1/Configuration/Webhooks";

async fn of_service(house: &House) -> String {
    let sid = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
    format!("/v1/Services/{sid}/Configuration/Webhooks")
}

#[tokio::test]
async fn they_are_there_and_empty_from_the_beginning() {
    let told = on_both(async |house| {
        house.note(house.get(OF_ACCOUNT).await.text());
        house.note(house.get(&of_service(house).await).await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "filters": null,
      "method": null,
      "post_webhook_url": null,
      "pre_webhook_url": null,
      "target": "webhook",
      "url": "http://tertulia.test/v1/Configuration/Webhooks"
    }

    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "chat_service_sid": "IS0000000000000000000000000000000a",
      "filters": null,
      "method": null,
      "post_webhook_url": null,
      "pre_webhook_url": null,
      "url": "http://tertulia.test/v1/Services/IS0000000000000000000000000000000a/Configuration/Webhooks"
    }
    "#);
}

#[tokio::test]
async fn every_parameter_is_kept_and_none_that_is_not_given_changes() {
    let told = on_both(async |house| {
        let of_service = of_service(house).await;
        let form = "PreWebhookUrl=https%3A%2F%2Fexample.com%2Fpre&PostWebhookUrl=HTTP%3A%2F%2Fexample.com%3A80\
            %2Fpost%3Fa%3Db%23rc%3D2&Method=get&Filters=onMessageAdd&Filters=onuseradded&Filters=onMessageAdd\
            &Target=FLEX";
        for path in [OF_ACCOUNT, &of_service] {
            let updated = house.post(path, form).await;
            house.note(updated.text());
            assert_eq!(house.get(path).await.json(), updated.json());
            assert_eq!(house.post(path, "Unknown=1").await.json(), updated.json());
            let replaced = house.post(path, "Filters=onDeliveryUpdated&Method=pOsT").await;
            assert_eq!(replaced.get("filters"), json!(["onDeliveryUpdated"]));
            assert_eq!(replaced.get("method"), "POST");
            assert_eq!(replaced.get("pre_webhook_url"), "https://example.com/pre");
            let cleared = house.post(path, "PreWebhookUrl=&Filters=").await;
            assert_eq!((cleared.get("pre_webhook_url"), cleared.get("filters")), (Value::Null, json!([])));
            assert_eq!(cleared.get("post_webhook_url"), updated.get("post_webhook_url"));
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "filters": [
        "onMessageAdd",
        "onUserAdded"
      ],
      "method": "GET",
      "post_webhook_url": "HTTP://example.com:80/post?a=b#rc=2",
      "pre_webhook_url": "https://example.com/pre",
      "target": "flex",
      "url": "http://tertulia.test/v1/Configuration/Webhooks"
    }

    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "chat_service_sid": "IS00000000000000000000000000000009",
      "filters": [
        "onMessageAdd",
        "onUserAdded"
      ],
      "method": "GET",
      "post_webhook_url": "HTTP://example.com:80/post?a=b#rc=2",
      "pre_webhook_url": "https://example.com/pre",
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Configuration/Webhooks"
    }
    "#);
}

#[tokio::test]
async fn one_that_is_configured_without_a_method_posts() {
    on_both(async |house| {
        for path in [OF_ACCOUNT, &of_service(house).await] {
            let untouched = house.post(path, "").await;
            assert_eq!(untouched.get("method"), Value::Null);
            let configured = house.post(path, "PostWebhookUrl=https://example.com").await;
            assert_eq!((configured.get("method"), configured.get("filters")), (json!("POST"), Value::Null));
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_refused() {
    let told = on_both(async |house| {
        let long = format!("PostWebhookUrl=https://example.com/{}", "x".repeat(493));
        let forms = [
            "PreWebhookUrl=example.com",
            "PreWebhookUrl=ftp://example.com",
            "PostWebhookUrl=https://",
            "PostWebhookUrl=https://exa mple.com",
            "Method=PUT",
            "Method=",
            "Filters=onMessageAdded&Filters=onMessageSent",
            "Filters=onConversationDestroyed",
            "Filters=onUserAdd",
        ];
        for path in [OF_ACCOUNT.to_owned(), of_service(house).await] {
            let before = house.get(&path).await.json();
            let requests = forms.map(|form| (path.clone(), form));
            house.note(codes(house, &requests).await);
            assert_eq!(house.post(&path, &long).await.code(), "400 50078");
            assert_eq!(house.get(&path).await.json(), before);
            assert_eq!(house.post(&path, &long[..long.len() - 1]).await.code(), "200");
        }
        assert_eq!(house.post(OF_ACCOUNT, "Target=studio").await.code(), "400 20001");
        let nowhere = "/v1/Services/ISaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Configuration/Webhooks";
        assert_eq!(house.get(nowhere).await.code(), "404 20404");
        assert_eq!(house.post(nowhere, "Method=PUT").await.code(), "404 20404");
        assert_eq!(house.post(nowhere, "Method=GET").await.code(), "404 20404");
    })
    .await;
    assert_snapshot!(told, @"
    PreWebhookUrl=example.com -> 400 50077
    PreWebhookUrl=ftp://example.com -> 400 50077
    PostWebhookUrl=https:// -> 400 50078
    PostWebhookUrl=https://exa mple.com -> 400 50078
    Method=PUT -> 400 50055
    Method= -> 400 50055
    Filters=onMessageAdded&Filters=onMessageSent -> 400 50054
    Filters=onConversationDestroyed -> 400 50054
    Filters=onUserAdd -> 400 50054

    PreWebhookUrl=example.com -> 400 50077
    PreWebhookUrl=ftp://example.com -> 400 50077
    PostWebhookUrl=https:// -> 400 50078
    PostWebhookUrl=https://exa mple.com -> 400 50078
    Method=PUT -> 400 50055
    Method= -> 400 50055
    Filters=onMessageAdded&Filters=onMessageSent -> 400 50054
    Filters=onConversationDestroyed -> 400 50054
    Filters=onUserAdd -> 400 50054
    ");
}

#[tokio::test]
async fn all_twenty_three_events_can_be_listened_to() {
    let verbs = |thing: &str| {
        ["Add", "Added", "Remove", "Removed", "Update", "Updated"].map(|verb| format!("on{thing}{verb}"))
    };
    let mut events: Vec<String> =
        ["Conversation", "Message", "Participant"].iter().flat_map(|thing| verbs(thing)).collect();
    let others =
        ["onConversationStateUpdated", "onDeliveryUpdated", "onUserAdded", "onUserUpdate", "onUserUpdated"];
    events.extend(others.map(str::to_owned));
    assert_eq!(events.len(), 23);
    let form: Vec<String> = events.iter().map(|event| format!("Filters={event}")).collect();
    on_both(async |house| {
        for path in [OF_ACCOUNT, &of_service(house).await] {
            assert_eq!(house.post(path, &form.join("&")).await.get("filters"), json!(events));
        }
    })
    .await;
}

#[tokio::test]
async fn older_libraries_reach_those_of_the_account_by_another_path() {
    on_both(async |house| {
        let old = "/v1/Conversations/Webhooks";
        assert_eq!(house.get(old).await.json(), house.get(OF_ACCOUNT).await.json());
        let updated = house.post(old, "PostWebhookUrl=https://example.com&Filters=onMessageAdded").await;
        assert_eq!(updated.json(), house.get(OF_ACCOUNT).await.json());
        assert_eq!(updated.field("url"), "http://tertulia.test/v1/Configuration/Webhooks");
        assert_eq!(house.delete(old).await.code(), "405 20004");
        // A conversation may have the name all the same; what is below it is its own.
        let sid = house.post("/v1/Conversations", "UniqueName=Webhooks").await.sid();
        let message = house.post("/v1/Conversations/Webhooks/Messages", "Body=hello").await;
        assert_eq!(message.field("conversation_sid"), sid);
        assert_eq!(house.get("/v1/Conversations/Webhooks/Webhooks").await.get("webhooks"), json!([]));
        let service = house.get(&format!("/v1/Conversations/{sid}")).await.field("chat_service_sid");
        let long = format!("/v1/Services/{service}/Conversations/Webhooks");
        assert_eq!(house.get(&long).await.sid(), sid);
    })
    .await;
}
