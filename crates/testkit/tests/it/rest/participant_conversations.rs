//! `/v1/ParticipantConversations`: looked up by identity or by address.

use insta::assert_snapshot;
use serde_json::{Value, json};
use testkit::{House, on_both};

use super::{conversation, page};

const PAIR: &str = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B1501712266";

/// The conversations that each page tells, from the first page on; then the same from the last page back.
async fn pages(house: &House, query: &str) -> (Vec<String>, Vec<String>) {
    let first = format!("/v1/ParticipantConversations?{query}");
    let mut reply = house.get(&first).await;
    let mut there = vec![sids(&reply.get("conversations"))];
    while let Some(next) = page(&reply, "next_page_url") {
        reply = house.get(&next).await;
        there.push(sids(&reply.get("conversations")));
    }
    let mut back = vec![sids(&reply.get("conversations"))];
    while let Some(previous) = page(&reply, "previous_page_url") {
        reply = house.get(&previous).await;
        back.insert(0, sids(&reply.get("conversations")));
    }
    (there, back)
}

fn sids(rows: &Value) -> String {
    let rows = rows.as_array().expect("a list");
    rows.iter().map(|row| row["conversation_sid"].as_str().expect("a sid")).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_row_by_identity_and_a_row_by_address() {
    let told = on_both(async |house| {
        let path = conversation(house).await;
        house.post(&path, "FriendlyName=The+room&UniqueName=room&Timers.Closed=PT10M").await;
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        house.post(&format!("{path}/Participants"), &format!("{PAIR}1")).await;
        house.note(house.get("/v1/ParticipantConversations?Identity=alice").await.text());
        let service = house.get("/v1/Services").await.get("services")[0]["sid"].clone();
        let service = service.as_str().expect("a sid");
        let long = format!("/v1/Services/{service}/ParticipantConversations?Address=%2B15558675310");
        house.note(house.get(&long).await.get("conversations").to_string());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "conversations": [
        {
          "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "chat_service_sid": "IS00000000000000000000000000000001",
          "conversation_attributes": "{}",
          "conversation_created_by": "system",
          "conversation_date_created": "2026-01-01T00:00:00Z",
          "conversation_date_updated": "2026-01-01T00:00:00Z",
          "conversation_friendly_name": "The room",
          "conversation_sid": "CH00000000000000000000000000000009",
          "conversation_state": "active",
          "conversation_timers": {
            "date_closed": "2026-01-01T00:10:00Z"
          },
          "conversation_unique_name": "room",
          "links": {
            "conversation": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009",
            "participant": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants/MB0000000000000000000000000000000c"
          },
          "participant_identity": "alice",
          "participant_messaging_binding": null,
          "participant_sid": "MB0000000000000000000000000000000c",
          "participant_user_sid": "US0000000000000000000000000000000d"
        }
      ],
      "meta": {
        "first_page_url": "http://tertulia.test/v1/ParticipantConversations?Identity=alice&PageSize=50&Page=0",
        "key": "conversations",
        "next_page_url": null,
        "page": 0,
        "page_size": 50,
        "previous_page_url": null,
        "url": "http://tertulia.test/v1/ParticipantConversations?Identity=alice&PageSize=50&Page=0"
      }
    }

    [{"account_sid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","chat_service_sid":"IS00000000000000000000000000000001","conversation_attributes":"{}","conversation_created_by":"system","conversation_date_created":"2026-01-01T00:00:00Z","conversation_date_updated":"2026-01-01T00:00:00Z","conversation_friendly_name":"The room","conversation_sid":"CH00000000000000000000000000000009","conversation_state":"active","conversation_timers":{"date_closed":"2026-01-01T00:10:00Z"},"conversation_unique_name":"room","links":{"conversation":"http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009","participant":"http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009/Participants/MB0000000000000000000000000000000f"},"participant_identity":null,"participant_messaging_binding":{"address":"+15558675310","level":null,"name":null,"projected_address":null,"proxy_address":"+15017122661","type":"sms"},"participant_sid":"MB0000000000000000000000000000000f","participant_user_sid":null}]
    "#);
}

#[tokio::test]
async fn exactly_one_of_the_two_is_given() {
    let told = on_both(async |house| {
        for query in [
            "",
            "?Identity=",
            "?Identity=alice&Address=%2B15558675310",
            "?Identity=alice",
            "?Address=%2B1",
            "?Identity=alice&Address=",
        ] {
            let reply = house.get(&format!("/v1/ParticipantConversations{query}")).await;
            let said = match reply.status.as_u16() {
                200 => reply.get("conversations").to_string(),
                _ => reply.field("message"),
            };
            house.note(format!("{query} -> {} {said}", reply.code()));
        }
        assert_eq!(house.post("/v1/ParticipantConversations", "").await.code(), "405 20004");
        let nowhere = "/v1/Services/ISffffffffffffffffffffffffffffffff/ParticipantConversations";
        assert_eq!(house.get(&format!("{nowhere}?Identity=alice")).await.code(), "404 20404");
        assert_eq!(house.get(nowhere).await.code(), "404 20404");
    })
    .await;
    assert_snapshot!(told, @"
     -> 400 20001 One of the parameters Identity and Address is required

    ?Identity= -> 400 20001 One of the parameters Identity and Address is required

    ?Identity=alice&Address=%2B15558675310 -> 400 50451 One user identifier parameter for lookup at a time is allowed. Please, use either Identity or Address.

    ?Identity=alice -> 200 []

    ?Address=%2B1 -> 200 []

    ?Identity=alice&Address= -> 200 []
    ");
}

#[tokio::test]
async fn the_list_is_in_the_order_of_sids_and_pages_both_ways() {
    on_both(async |house| {
        let mut expected = Vec::new();
        for number in 0..5 {
            let path = conversation(house).await;
            house.post(&format!("{path}/Participants"), "Identity=alice").await;
            house.post(&format!("{path}/Participants"), &format!("{PAIR}{number}")).await;
            expected.push(path.rsplit('/').next().expect("a sid").to_owned());
        }
        expected.sort();
        // Activity changes nothing of it.
        house.post(&format!("/v1/Conversations/{}/Messages", expected[1]), "Body=x").await;
        let expected: Vec<String> = expected.chunks(2).map(|page| page.join(" ")).collect();
        for query in ["Identity=alice&PageSize=2", "Address=%2B15558675310&PageSize=2"] {
            let (there, back) = pages(house, query).await;
            assert_eq!((&there, &back), (&expected, &expected), "{query}");
        }
        let meta =
            house.get("/v1/ParticipantConversations?Address=%2B15558675310&PageSize=900").await.get("meta");
        assert_eq!(meta["page_size"], 50);
        let url = meta["url"].as_str().expect("a URL");
        assert!(url.ends_with("?Address=%2B15558675310&PageSize=50&Page=0"), "{url}");
    })
    .await;
}

#[tokio::test]
async fn an_address_with_two_proxies_in_one_conversation_is_two_rows() {
    on_both(async |house| {
        let path = conversation(house).await;
        let mut participants = Vec::new();
        for number in 0..3 {
            let reply = house.post(&format!("{path}/Participants"), &format!("{PAIR}{number}")).await;
            participants.push(reply.sid());
        }
        let first = "/v1/ParticipantConversations?Address=%2B15558675310&PageSize=1";
        let mut reply = house.get(first).await;
        let mut seen = vec![reply.get("conversations")[0]["participant_sid"].clone()];
        while let Some(next) = page(&reply, "next_page_url") {
            reply = house.get(&next).await;
            seen.push(reply.get("conversations")[0]["participant_sid"].clone());
        }
        assert_eq!(Value::Array(seen), json!(participants));
    })
    .await;
}

#[tokio::test]
async fn every_state_is_told_and_what_is_gone_is_not() {
    on_both(async |house| {
        let mut paths = Vec::new();
        for number in 0..4 {
            let path = conversation(house).await;
            house.post(&format!("{path}/Participants"), "Identity=alice").await;
            house.post(&format!("{path}/Participants"), &format!("{PAIR}{number}")).await;
            paths.push(path);
        }
        house.post(&paths[1], "State=inactive").await;
        house.post(&paths[2], "State=closed").await;
        house.delete(&paths[3]).await;
        for query in ["Identity=alice", "Address=%2B15558675310"] {
            let rows = house.get(&format!("/v1/ParticipantConversations?{query}")).await.get("conversations");
            let rows = rows.as_array().expect("a list");
            let states: Vec<_> = rows.iter().map(|row| row["conversation_state"].clone()).collect();
            assert_eq!(states, ["active", "inactive", "closed"], "{query}");
        }
        let (_, sid) = paths[0].rsplit_once('/').expect("a path");
        assert_eq!(house.delete(&format!("/v1/Users/alice/Conversations/{sid}")).await.code(), "204");
        let rows = house.get("/v1/ParticipantConversations?Identity=alice").await.get("conversations");
        assert_eq!(rows.as_array().map(Vec::len), Some(2));
        assert_eq!(house.delete("/v1/Users/alice").await.code(), "204");
        let rows = house.get("/v1/ParticipantConversations?Identity=alice").await.get("conversations");
        assert_eq!(rows, json!([]));
    })
    .await;
}

#[tokio::test]
async fn one_that_waits_to_be_purged_is_out_of_sight() {
    on_both(async |house| {
        let path = conversation(house).await;
        house.post(&format!("{path}/Participants"), &format!("{PAIR}1")).await;
        // So many that their memberships are left to housekeeping, which these tests do without.
        for number in 0..51 {
            house.post(&format!("{path}/Participants"), &format!("Identity=user-{number}")).await;
        }
        let queries = ["Identity=user-0", "Identity=user-50", "Address=%2B15558675310"];
        let counts = async || {
            let mut counts = Vec::new();
            for query in queries {
                let reply = house.get(&format!("/v1/ParticipantConversations?{query}")).await;
                counts.push(reply.get("conversations").as_array().map(Vec::len));
            }
            counts
        };
        assert_eq!(counts().await, [Some(1); 3]);
        assert_eq!(house.delete(&path).await.code(), "204");
        assert_eq!(counts().await, [Some(0); 3]);
    })
    .await;
}

#[tokio::test]
async fn a_projected_address_is_shown_and_not_looked_up() {
    on_both(async |house| {
        let path = conversation(house).await;
        let form = "Identity=alice&MessagingBinding.ProjectedAddress=%2B15017122661";
        assert_eq!(house.post(&format!("{path}/Participants"), form).await.code(), "201");
        let rows = house.get("/v1/ParticipantConversations?Identity=alice").await.get("conversations");
        let expected = json!({"type": "sms", "address": null, "proxy_address": null,
            "projected_address": "+15017122661", "name": null, "level": null});
        assert_eq!(rows[0]["participant_messaging_binding"], expected);
        let rows =
            house.get("/v1/ParticipantConversations?Address=%2B15017122661").await.get("conversations");
        assert_eq!(rows, json!([]));
    })
    .await;
}

#[tokio::test]
async fn services_keep_to_themselves() {
    on_both(async |house| {
        let path = conversation(house).await;
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        house.post(&format!("{path}/Participants"), &format!("{PAIR}1")).await;
        let other = house.post("/v1/Services", "FriendlyName=Other").await.sid();
        for query in ["Identity=alice", "Address=%2B15558675310"] {
            let path = format!("/v1/Services/{other}/ParticipantConversations?{query}");
            assert_eq!(house.get(&path).await.get("conversations"), json!([]), "{query}");
        }
    })
    .await;
}
