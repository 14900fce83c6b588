//! `/v1/Services/{ChatServiceSid}/Configuration/Notifications`.

use insta::assert_snapshot;
use serde_json::{Value, json};
use testkit::{House, on_both};

use super::codes;

async fn notifications(house: &House) -> String {
    let sid = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
    format!("/v1/Services/{sid}/Configuration/Notifications")
}

#[tokio::test]
async fn nobody_is_notified_at_first() {
    let told = on_both(async |house| {
        let path = notifications(house).await;
        house.note(house.get(&path).await.text());
        let of_service = house.get(path.trim_end_matches("/Notifications")).await;
        assert_eq!(of_service.json()["links"]["notifications"], house.get(&path).await.get("url"));
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "added_to_conversation": {
        "enabled": false,
        "sound": null,
        "template": null
      },
      "chat_service_sid": "IS00000000000000000000000000000009",
      "log_enabled": false,
      "new_message": {
        "badge_count_enabled": false,
        "enabled": false,
        "sound": null,
        "template": null,
        "with_media": {
          "enabled": false,
          "template": null
        }
      },
      "removed_from_conversation": {
        "enabled": false,
        "sound": null,
        "template": null
      },
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Configuration/Notifications"
    }
    "#);
}

#[tokio::test]
async fn every_parameter_is_kept_and_none_that_is_not_given_changes() {
    let told = on_both(async |house| {
        let path = notifications(house).await;
        let form = "LogEnabled=true&NewMessage.Enabled=True&NewMessage.Template=%24%7BPARTICIPANT%7D%3A+%24%7BMESSAGE%7D\
            &NewMessage.Sound=ring&NewMessage.BadgeCountEnabled=true&NewMessage.WithMedia.Enabled=true\
            &NewMessage.WithMedia.Template=%24%7BMEDIA_COUNT%7D+files&AddedToConversation.Enabled=true\
            &AddedToConversation.Template=added&AddedToConversation.Sound=bell&RemovedFromConversation.Enabled=true\
            &RemovedFromConversation.Template=removed&RemovedFromConversation.Sound=gong";
        let updated = house.post(&path, form).await;
        house.note(updated.text());
        assert_eq!(house.get(&path).await.json(), updated.json());
        assert_eq!(house.post(&path, "Unknown=1").await.json(), updated.json());
        let form = "NewMessage.Enabled=false&NewMessage.WithMedia.Template=&AddedToConversation.Sound=";
        let mut expected = updated.json();
        expected["new_message"]["enabled"] = json!(false);
        expected["new_message"]["with_media"]["template"] = Value::Null;
        expected["added_to_conversation"]["sound"] = Value::Null;
        assert_eq!(house.post(&path, form).await.json(), expected);
        let other = notifications(house).await;
        assert_eq!(house.get(&other).await.json()["log_enabled"], false, "services do not share it");
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "added_to_conversation": {
        "enabled": true,
        "sound": "bell",
        "template": "added"
      },
      "chat_service_sid": "IS00000000000000000000000000000009",
      "log_enabled": true,
      "new_message": {
        "badge_count_enabled": true,
        "enabled": true,
        "sound": "ring",
        "template": "${PARTICIPANT}: ${MESSAGE}",
        "with_media": {
          "enabled": true,
          "template": "${MEDIA_COUNT} files"
        }
      },
      "removed_from_conversation": {
        "enabled": true,
        "sound": "gong",
        "template": "removed"
      },
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Configuration/Notifications"
    }
    "#);
}

#[tokio::test]
async fn what_is_refused() {
    on_both(async |house| {
        let path = notifications(house).await;
        let before = house.get(&path).await.json();
        for of in ["NewMessage", "NewMessage.WithMedia", "AddedToConversation", "RemovedFromConversation"] {
            let template = |length| format!("{of}.Template={}", "t".repeat(length));
            assert_eq!(house.post(&path, &template(4097)).await.code(), "400 50058", "{of}");
            if of != "NewMessage.WithMedia" {
                let sound = format!("{of}.Sound={}", "s".repeat(257));
                assert_eq!(house.post(&path, &sound).await.code(), "400 50059", "{of}");
            }
            let enabled = format!("{of}.Enabled=1");
            let told = codes(house, &[(path.clone(), enabled.as_str())]).await;
            assert!(told.ends_with("400 20001"), "{told}");
        }
        assert_eq!(house.get(&path).await.json(), before);
        assert_eq!(
            house.post(&path, &format!("NewMessage.Template={}", "t".repeat(4096))).await.code(),
            "200"
        );
        let nowhere = "/v1/Services/ISaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Configuration/Notifications";
        for form in ["LogEnabled=perhaps", "LogEnabled=true"] {
            assert_eq!(house.post(nowhere, form).await.code(), "404 20404");
        }
        assert_eq!(house.get(nowhere).await.code(), "404 20404");
        assert_eq!(house.get("/v1/Configuration/Notifications").await.code(), "404 20404");
    })
    .await;
}
