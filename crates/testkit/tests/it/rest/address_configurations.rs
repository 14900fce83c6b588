//! `/v1/Configuration/Addresses`: what a message does that reaches an address from somebody new.

use insta::assert_snapshot;
use testkit::{Reply, on_both, on_both_with};

use super::codes;

const LIST: &str = "/v1/Configuration/Addresses";
/// The account's default service.
const SERVICE: &str = "IS00000000000000000000000000000001";

/// One of the addresses of a page.
fn meta(page: &Reply, name: &str) -> String {
    page.get("meta")[name].as_str().expect("an address").to_owned()
}

#[tokio::test]
async fn only_what_a_type_has_is_shown() {
    let told = on_both(async |house| {
        let webhook = format!(
            "Type=sms&Address=%2B37256123457&FriendlyName=Shop&AddressCountry=ca&AutoCreation.Enabled=true\
             &AutoCreation.Type=Webhook&AutoCreation.ConversationServiceSid={SERVICE}\
             &AutoCreation.WebhookUrl=https://example.com&AutoCreation.WebhookMethod=post\
             &AutoCreation.WebhookFilters=onParticipantAdded&AutoCreation.WebhookFilters=onMessageAdded\
             &AutoCreation.StudioRetryCount=2"
        );
        house.note(house.post(LIST, &webhook).await.text());
        let studio = "Type=whAtsAPP&Address=whatsapp:%2B37256123457&AutoCreation.Type=studio\
             &AutoCreation.StudioFlowSid=FW0123456789ABCDEF0123456789abcdef&AutoCreation.StudioRetryCount=3\
             &AutoCreation.WebhookUrl=https://example.com";
        house.note(house.post(LIST, studio).await.text());
        house.note(house.post(LIST, "Type=email&Address=desk@example.com").await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "address": "+37256123457",
      "address_country": "CA",
      "auto_creation": {
        "conversation_service_sid": "IS00000000000000000000000000000001",
        "enabled": true,
        "type": "webhook",
        "webhook_filters": [
          "onParticipantAdded",
          "onMessageAdded"
        ],
        "webhook_method": "POST",
        "webhook_url": "https://example.com"
      },
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": "Shop",
      "sid": "IG00000000000000000000000000000009",
      "type": "sms",
      "url": "http://tertulia.test/v1/Configuration/Addresses/IG00000000000000000000000000000009"
    }

    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "address": "whatsapp:+37256123457",
      "address_country": null,
      "auto_creation": {
        "enabled": false,
        "studio_flow_sid": "FW0123456789abcdef0123456789abcdef",
        "studio_retry_count": 3,
        "type": "studio"
      },
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": null,
      "sid": "IG0000000000000000000000000000000b",
      "type": "whatsapp",
      "url": "http://tertulia.test/v1/Configuration/Addresses/IG0000000000000000000000000000000b"
    }

    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "address": "desk@example.com",
      "address_country": null,
      "auto_creation": {
        "enabled": false,
        "type": "default"
      },
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": null,
      "sid": "IG0000000000000000000000000000000d",
      "type": "email",
      "url": "http://tertulia.test/v1/Configuration/Addresses/IG0000000000000000000000000000000d"
    }
    "#);
}

#[tokio::test]
async fn a_path_names_the_sid_or_the_address_itself() {
    on_both(async |house| {
        for (form, encoded) in [
            ("Type=sms&Address=%2B37256123457", "%2B37256123457"),
            ("Type=whatsapp&Address=whatsapp:%2B37256123457", "whatsapp%3A%2B37256123457"),
            ("Type=email&Address=desk@example.com", "desk%40example.com"),
            ("Type=apple&Address=urn:mbid:AQAAYyUbut6E4B3T9FLv5EbG", "urn%3Ambid%3AAQAAYyUbut6E4B3T9FLv5EbG"),
            ("Type=chat&Address=a+room/upstairs", "a%20room%2Fupstairs"),
            ("Type=sms&Address=12345", "12345"),
        ] {
            let made = house.post(LIST, form).await;
            let (by_sid, by_address) = (format!("{LIST}/{}", made.sid()), format!("{LIST}/{encoded}"));
            assert_eq!(house.get(&by_sid).await.json(), made.json(), "{form}");
            assert_eq!(house.get(&by_address).await.json(), made.json(), "{form}");
            let updated = house.post(&by_address, "FriendlyName=desk").await;
            assert_eq!((updated.sid(), updated.field("friendly_name")), (made.sid(), "desk".to_owned()));
            assert_eq!(house.delete(&by_address).await.code(), "204", "{form}");
            for path in [&by_sid, &by_address] {
                assert_eq!(house.get(path).await.code(), "404 20404");
                assert_eq!(house.post(path, "FriendlyName=x").await.code(), "404 20404");
                assert_eq!(house.post(path, "AutoCreation.Enabled=perhaps").await.code(), "404 20404");
                assert_eq!(house.delete(path).await.code(), "404 20404");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_has_one_configuration() {
    let told = on_both(async |house| {
        let made = house.post(LIST, "Type=sms&Address=%2B37256123457").await;
        let again = house.post(LIST, "Type=rcs&Address=%2B37256123457").await;
        house.note(again.text());
        assert_eq!(house.post(LIST, "Type=rcs&Address=rcs:%2B37256123457").await.code(), "201");
        assert_eq!(house.delete(&format!("{LIST}/{}", made.sid())).await.code(), "204");
        assert_eq!(house.post(LIST, "Type=rcs&Address=%2B37256123457").await.code(), "201");
    })
    .await;
    assert_snapshot!(told, @r#"
    409 Conflict
    {
      "code": 20409,
      "message": "Address configuration already exists",
      "more_info": "https://www.twilio.com/docs/errors/20409",
      "status": 409
    }
    "#);
}

#[tokio::test]
async fn of_many_at_once_for_one_address_one_is_made_and_no_update_is_lost() {
    on_both(async |house| {
        let create = || house.post(LIST, "Type=sms&Address=12345&FriendlyName=Shop");
        let made = tokio::join!(create(), create(), create(), create());
        let mut codes = [made.0, made.1, made.2, made.3].map(|reply| reply.code());
        codes.sort_unstable();
        assert_eq!(codes, ["201", "409 20409", "409 20409", "409 20409"], "{:?}", house.engine);
        let path = format!("{LIST}/12345");
        let flow = "AutoCreation.Type=studio&AutoCreation.StudioFlowSid=FW0123456789abcdef0123456789abcdef";
        assert_eq!(house.post(&path, flow).await.code(), "200");
        let updates = tokio::join!(
            house.post(&path, "FriendlyName=Other"),
            house.post(&path, "AutoCreation.Enabled=true"),
            house.post(&path, "AutoCreation.StudioRetryCount=2"),
        );
        assert!([&updates.0, &updates.1, &updates.2].iter().all(|reply| reply.code() == "200"));
        let all = house.get(&path).await;
        assert_eq!(all.field("friendly_name"), "Other");
        let auto_creation = all.get("auto_creation");
        assert_eq!(auto_creation["enabled"], true);
        assert_eq!(auto_creation["studio_retry_count"], 2, "{:?}", house.engine);
    })
    .await;
}

#[tokio::test]
async fn an_update_changes_what_is_given_and_type_and_address_stay() {
    let told = on_both(async |house| {
        let form = format!(
            "Type=sms&Address=%2B37256123457&FriendlyName=Shop&AddressCountry=CA&AutoCreation.Enabled=true\
             &AutoCreation.Type=webhook&AutoCreation.ConversationServiceSid={SERVICE}\
             &AutoCreation.WebhookUrl=https://example.com&AutoCreation.WebhookFilters=onMessageAdded"
        );
        let made = house.post(LIST, &form).await;
        let path = format!("{LIST}/{}", made.sid());
        house.clock.advance_seconds(1);
        for nothing in ["", "FriendlyName=", "Type=email&Address=a@b&AddressCountry=DE"] {
            assert_eq!(house.post(&path, nothing).await.json(), made.json(), "{nothing}");
        }
        let updated = house.post(&path, "AutoCreation.WebhookMethod=GET").await;
        house.note(updated.get("auto_creation").to_string());
        let filters =
            "AutoCreation.WebhookFilters=onDeliveryUpdated&AutoCreation.WebhookFilters=onMessageRemoved";
        house.note(house.post(&path, filters).await.get("auto_creation").to_string());
        house.clock.advance_seconds(1);
        let studio = "FriendlyName=Other&AutoCreation.Enabled=false&AutoCreation.Type=studio\
             &AutoCreation.StudioFlowSid=FW0123456789abcdef0123456789abcdef&AutoCreation.StudioRetryCount=3";
        house.note(house.post(&path, studio).await.text());
        // The webhook of before is forgotten.
        let back = house.post(&path, "AutoCreation.Type=webhook").await;
        assert_eq!(back.code(), "400 50369");
        let plain = house.post(&path, "AutoCreation.Type=default").await;
        house.note(plain.get("auto_creation").to_string());
    })
    .await;
    assert_snapshot!(told, @r#"
    {"conversation_service_sid":"IS00000000000000000000000000000001","enabled":true,"type":"webhook","webhook_filters":["onMessageAdded"],"webhook_method":"GET","webhook_url":"https://example.com"}

    {"conversation_service_sid":"IS00000000000000000000000000000001","enabled":true,"type":"webhook","webhook_filters":["onDeliveryUpdated","onMessageRemoved"],"webhook_method":"GET","webhook_url":"https://example.com"}

    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "address": "+37256123457",
      "address_country": "CA",
      "auto_creation": {
        "conversation_service_sid": "IS00000000000000000000000000000001",
        "enabled": false,
        "studio_flow_sid": "FW0123456789abcdef0123456789abcdef",
        "studio_retry_count": 3,
        "type": "studio"
      },
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:02Z",
      "friendly_name": "Other",
      "sid": "IG00000000000000000000000000000009",
      "type": "sms",
      "url": "http://tertulia.test/v1/Configuration/Addresses/IG00000000000000000000000000000009"
    }

    {"conversation_service_sid":"IS00000000000000000000000000000001","enabled":false,"type":"default"}
    "#);
}

#[tokio::test]
async fn what_is_wrong_has_its_code() {
    let told = on_both(async |house| {
        let long_name = format!("Type=sms&Address=12345&FriendlyName={}", "f".repeat(257));
        let long_address = format!("Type=email&Address=a@{}com", "b.".repeat(130));
        let long_url = format!("https://example.com/{}", "x".repeat(493));
        let auto = |parameters: &str| format!("Type=sms&Address=12345&{parameters}");
        let webhook = |parameters: &str| auto(&format!("AutoCreation.Type=webhook&{parameters}"));
        let forms = [
            "Address=12345".to_owned(),
            "Type=sms".to_owned(),
            "Type=fax&Address=12345".to_owned(),
            "Type=sms&Address=".to_owned(),
            "Type=sms&Address=nobody".to_owned(),
            "Type=sms&Address=15551234567".to_owned(),
            "Type=chat&Address=IG00000000000000000000000000000001".to_owned(),
            auto("AddressCountry=CAN"),
            auto("AutoCreation.Enabled=perhaps"),
            auto("AutoCreation.Type=flow"),
            auto("AutoCreation.ConversationServiceSid=default"),
            auto("AutoCreation.ConversationServiceSid=IS000000000000000000000000000000ff"),
            auto("AutoCreation.WebhookMethod=put"),
            auto("AutoCreation.WebhookFilters=onMessageAdd"),
            auto("AutoCreation.WebhookFilters="),
            auto("AutoCreation.StudioFlowSid=flow"),
            auto("AutoCreation.StudioRetryCount=4"),
            webhook("AutoCreation.WebhookFilters=onMessageAdded"),
            webhook("AutoCreation.WebhookFilters=onMessageAdded&AutoCreation.WebhookUrl=example.com"),
            webhook("AutoCreation.WebhookUrl=https://example.com"),
            auto("AutoCreation.Type=studio"),
        ];
        let requests: Vec<_> = forms.iter().map(|form| (LIST.to_owned(), form.as_str())).collect();
        house.note(codes(house, &requests).await);
        assert_eq!(house.post(LIST, &long_name).await.code(), "400 50003");
        assert_eq!(house.post(LIST, &long_address).await.code(), "400 20001");
        let url = webhook(&format!("AutoCreation.WebhookUrl={long_url}"));
        assert_eq!(house.post(LIST, &url).await.code(), "400 50372");
        // Nothing of all this took the address.
        assert_eq!(house.post(LIST, "Type=sms&Address=12345").await.code(), "201");
        assert_eq!(house.get(&format!("{LIST}?Type=fax")).await.code(), "400 20001");
    })
    .await;
    assert_snapshot!(told, @"
    Address=12345 -> 400 20001
    Type=sms -> 400 20001
    Type=fax&Address=12345 -> 400 20001
    Type=sms&Address= -> 400 20001
    Type=sms&Address=nobody -> 400 20001
    Type=sms&Address=15551234567 -> 400 20001
    Type=chat&Address=IG00000000000000000000000000000001 -> 400 20001
    Type=sms&Address=12345&AddressCountry=CAN -> 400 20001
    Type=sms&Address=12345&AutoCreation.Enabled=perhaps -> 400 20001
    Type=sms&Address=12345&AutoCreation.Type=flow -> 400 20001
    Type=sms&Address=12345&AutoCreation.ConversationServiceSid=default -> 400 50050
    Type=sms&Address=12345&AutoCreation.ConversationServiceSid=IS000000000000000000000000000000ff -> 400 50050
    Type=sms&Address=12345&AutoCreation.WebhookMethod=put -> 400 50055
    Type=sms&Address=12345&AutoCreation.WebhookFilters=onMessageAdd -> 400 50365
    Type=sms&Address=12345&AutoCreation.WebhookFilters= -> 400 50370
    Type=sms&Address=12345&AutoCreation.StudioFlowSid=flow -> 400 50367
    Type=sms&Address=12345&AutoCreation.StudioRetryCount=4 -> 400 50065
    Type=sms&Address=12345&AutoCreation.Type=webhook&AutoCreation.WebhookFilters=onMessageAdded -> 400 50369
    Type=sms&Address=12345&AutoCreation.Type=webhook&AutoCreation.WebhookFilters=onMessageAdded&AutoCreation.WebhookUrl=example.com -> 400 20001
    Type=sms&Address=12345&AutoCreation.Type=webhook&AutoCreation.WebhookUrl=https://example.com -> 400 50370
    Type=sms&Address=12345&AutoCreation.Type=studio -> 400 50367
    ");
}

#[tokio::test]
async fn a_list_is_narrowed_by_the_type() {
    let told = on_both(async |house| {
        for form in
            ["Type=sms&Address=12345", "Type=whatsapp&Address=whatsapp:%2B3725", "Type=sms&Address=%2B3725"]
        {
            assert_eq!(house.post(LIST, form).await.code(), "201");
            house.clock.advance_seconds(1);
        }
        for query in ["", "?Type=SMS", "?Type=rcs"] {
            let page = house.get(&format!("{LIST}{query}")).await;
            let items = page.get("address_configurations");
            let addresses: Vec<_> =
                items.as_array().expect("a list").iter().map(|one| one["address"].to_string()).collect();
            house.note(format!("{} {}", meta(&page, "url"), addresses.join(" ")));
        }
        let page = house.get(&format!("{LIST}?Type=sms&PageSize=1")).await;
        house.note(meta(&page, "first_page_url"));
        let next = meta(&page, "next_page_url").replace("http://tertulia.test", "");
        assert!(next.contains("Type=sms"));
        let page = house.get(&next).await;
        assert_eq!(page.get("address_configurations")[0]["address"], "+3725");
        assert_eq!(house.get(&format!("{LIST}?PageSize=1000")).await.get("meta")["page_size"], 50);
    })
    .await;
    assert_snapshot!(told, @r#"
    http://tertulia.test/v1/Configuration/Addresses?PageSize=50&Page=0 "12345" "whatsapp:+3725" "+3725"

    http://tertulia.test/v1/Configuration/Addresses?Type=sms&PageSize=50&Page=0 "12345" "+3725"

    http://tertulia.test/v1/Configuration/Addresses?Type=rcs&PageSize=50&Page=0 

    http://tertulia.test/v1/Configuration/Addresses?Type=sms&PageSize=1&Page=0
    "#);
}

#[tokio::test]
async fn a_service_that_is_gone_is_still_named() {
    on_both(async |house| {
        let service = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let form = format!("Type=sms&Address=12345&AutoCreation.ConversationServiceSid={service}");
        assert_eq!(house.post(LIST, &form).await.code(), "201");
        assert_eq!(house.delete(&format!("/v1/Services/{service}")).await.code(), "204");
        let kept = house.get(&format!("{LIST}/12345")).await;
        assert_eq!(kept.get("auto_creation")["conversation_service_sid"], service);
        let again = format!("AutoCreation.ConversationServiceSid={service}");
        assert_eq!(house.post(&format!("{LIST}/12345"), &again).await.code(), "400 50050");
        assert_eq!(house.post(&format!("{LIST}/12345"), "AutoCreation.Enabled=true").await.code(), "200");
    })
    .await;
}

#[tokio::test]
async fn without_limits_an_address_is_as_long_as_an_index_can_hold() {
    let lenient = server::Settings { limits: conversations::Limits::Lenient, ..server::Settings::default() };
    on_both_with(lenient, async |house| {
        let widest = "\u{1F600}".repeat(512);
        assert_eq!(house.post(LIST, &format!("Type=chat&Address={widest}")).await.code(), "201");
        assert_eq!(house.post(LIST, &format!("Type=chat&Address={widest}x")).await.code(), "400 20001");
        let name = format!("Type=sms&Address=12345&FriendlyName={}", "f".repeat(257));
        assert_eq!(house.post(LIST, &name).await.code(), "201");
    })
    .await;
}
