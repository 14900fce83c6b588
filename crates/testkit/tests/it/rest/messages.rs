//! `/v1/Conversations/{ConversationSid}/Messages`: said, changed, removed, listed.

use insta::assert_snapshot;
use testkit::on_both;

use super::{codes, conversation};

#[tokio::test]
async fn a_message_without_author_is_the_systems() {
    let told = on_both(async |house| {
        let path = format!("{}/Messages", conversation(house).await);
        let reply = house.post(&path, "Body=Hello").await;
        house.note(reply.text());
        assert_eq!(house.get(&format!("{path}/{}", reply.sid())).await.json(), reply.json());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{}",
      "author": "system",
      "body": "Hello",
      "content_sid": null,
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "delivery": null,
      "index": 0,
      "links": {
        "channel_metadata": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000b/ChannelMetadata",
        "delivery_receipts": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000b/Receipts"
      },
      "media": null,
      "participant_sid": null,
      "sid": "IM0000000000000000000000000000000b",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000b"
    }
    "#);
}

#[tokio::test]
async fn an_author_who_takes_part_is_linked() {
    on_both(async |house| {
        let conversation = conversation(house).await;
        let alice = house.post(&format!("{conversation}/Participants"), "Identity=alice").await.sid();
        let pair = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15017122661";
        let phone = house.post(&format!("{conversation}/Participants"), pair).await.sid();
        let path = format!("{conversation}/Messages");
        for (form, expected) in [
            ("Body=1&Author=alice", serde_json::json!(alice)),
            ("Body=2&Author=%2B15558675310", serde_json::json!(phone)),
            ("Body=3&Author=nobody", serde_json::Value::Null),
            ("Body=4&Author=", serde_json::Value::Null),
        ] {
            assert_eq!(house.post(&path, form).await.get("participant_sid"), expected, "{form}");
        }
        assert_eq!(house.get("/v1/Users/nobody").await.code(), "404 20404");
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_has_its_code() {
    let told = on_both(async |house| {
        let path = format!("{}/Messages", conversation(house).await);
        let forms = [
            "",
            "Body=",
            "Attributes=%7B%7D",
            "Subject=Only",
            "Body=1&Attributes=x",
            "Body=1&DateCreated=x",
            "Body=1&MediaSid=ME1",
            "Body=1&MediaSid=MEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "Body=1&ContentSid=HX1",
            "Body=1&ContentSid=HXaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "Body=1&ContentVariables=%7B%7D",
        ];
        let requests: Vec<_> = forms.iter().map(|form| (path.clone(), *form)).collect();
        house.note(codes(house, &requests).await);
        let long = format!("Body={}", "b".repeat(32 * 1024 + 1));
        assert_eq!(house.post(&path, &long).await.code(), "400 50504");
        let author = format!("Body=1&Author={}", "a".repeat(257));
        assert_eq!(house.post(&path, &author).await.code(), "400 50310");
        assert_eq!(house.get(&format!("{path}/0")).await.code(), "404 20404");
    })
    .await;
    assert_snapshot!(told, @"
     -> 400 50503
    Body= -> 400 50503
    Attributes=%7B%7D -> 201
    Subject=Only -> 201
    Body=1&Attributes=x -> 400 50304
    Body=1&DateCreated=x -> 400 50308
    Body=1&MediaSid=ME1 -> 400 50510
    Body=1&MediaSid=MEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -> 404 50507
    Body=1&ContentSid=HX1 -> 400 50526
    Body=1&ContentSid=HXaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -> 400 50526
    Body=1&ContentVariables=%7B%7D -> 400 50528
    ");
}

#[tokio::test]
async fn an_update_keeps_the_index_and_moves_the_date() {
    let told = on_both(async |house| {
        let path = format!("{}/Messages", conversation(house).await);
        let sid = house.post(&path, "Body=Hello&Attributes=%7B%22a%22%3A1%7D").await.sid();
        house.clock.advance_seconds(61);
        house.note(house.post(&format!("{path}/{sid}"), "Body=Bye&Author=regretful").await.text());
        let unchanged = house.get(&format!("{path}/{sid}")).await;
        assert_eq!(house.post(&format!("{path}/{sid}"), "").await.text(), unchanged.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{\"a\":1}",
      "author": "regretful",
      "body": "Bye",
      "content_sid": null,
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:01:01Z",
      "delivery": null,
      "index": 0,
      "links": {
        "channel_metadata": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000b/ChannelMetadata",
        "delivery_receipts": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000b/Receipts"
      },
      "media": null,
      "participant_sid": null,
      "sid": "IM0000000000000000000000000000000b",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000b"
    }
    "#);
}

#[tokio::test]
async fn an_index_is_never_given_again_and_both_orders_page() {
    on_both(async |house| {
        let path = format!("{}/Messages", conversation(house).await);
        let mut sids = Vec::new();
        for number in 0..5 {
            sids.push(house.post(&path, &format!("Body={number}")).await.sid());
        }
        for sid in [&sids[1], &sids[4]] {
            assert_eq!(house.delete(&format!("{path}/{sid}")).await.code(), "204");
        }
        assert_eq!(house.post(&path, "Body=5").await.get("index"), 5);
        let indexes = async |query: &str| {
            let mut page = format!("{path}?{query}");
            let mut seen = Vec::new();
            loop {
                let reply = house.get(&page).await;
                let list = reply.get("messages");
                let list = list.as_array().expect("a list");
                seen.push(list.iter().map(|one| one["index"].to_string()).collect::<Vec<_>>().join(" "));
                let meta = reply.get("meta");
                let Some(next) = meta["next_page_url"].as_str() else { break };
                page = next.strip_prefix("http://tertulia.test").expect("on the host").to_owned();
            }
            seen.join(" | ")
        };
        assert_eq!(indexes("PageSize=3").await, "0 2 3 | 5");
        assert_eq!(indexes("PageSize=2&Order=DeSc").await, "5 3 | 2 0");
        let meta = house.get(&format!("{path}?Order=DESC&PageSize=2")).await.get("meta");
        assert!(meta["url"].as_str().expect("a URL").ends_with("?Order=desc&PageSize=2&Page=0"));
        assert_eq!(house.get(&format!("{path}?Order=sideways")).await.code(), "400 20001");
    })
    .await;
}

#[tokio::test]
async fn a_group_hears_only_its_members() {
    let told = on_both(async |house| {
        let conversation = conversation(house).await;
        for form in [
            "MessagingBinding.Address=%2B15558675310",
            "Identity=alice&MessagingBinding.ProjectedAddress=%2B15017122661",
        ] {
            house.post(&format!("{conversation}/Participants"), form).await;
        }
        let path = format!("{conversation}/Messages");
        let requests = [
            (path.clone(), "Body=0"),
            (path.clone(), "Body=1&Author=bob"),
            (path.clone(), "Body=2&Author=alice"),
            (path.clone(), "Body=3&Author=%2B15017122661"),
            (path.clone(), "Body=4&Author=%2B15558675310"),
        ];
        house.note(codes(house, &requests).await);
        let sid = house.get(&path).await.get("messages")[0]["sid"].as_str().expect("a sid").to_owned();
        let update = [(format!("{path}/{sid}"), "Author=bob"), (format!("{path}/{sid}"), "Author=alice")];
        house.note(codes(house, &update).await);
        // The refused one took no index.
        let list = house.get(&path).await.get("messages");
        assert_eq!(list[0]["index"], 0);
    })
    .await;
    assert_snapshot!(told, @"
    Body=0 -> 400 50513
    Body=1&Author=bob -> 400 50513
    Body=2&Author=alice -> 201
    Body=3&Author=%2B15017122661 -> 201
    Body=4&Author=%2B15558675310 -> 201

    Author=bob -> 400 50513
    Author=alice -> 200
    ");
}

#[tokio::test]
async fn a_message_opens_a_receipt_for_each_phone_but_the_authors() {
    on_both(async |house| {
        let conversation = conversation(house).await;
        let participants = format!("{conversation}/Participants");
        for form in [
            "Identity=alice&MessagingBinding.ProjectedAddress=%2B15017122661",
            "MessagingBinding.ProjectedAddress=%2B15017122662",
            "MessagingBinding.Address=%2B15558675310",
            "MessagingBinding.Address=%2B15558675311",
        ] {
            assert_eq!(house.post(&participants, form).await.code(), "201", "{form}");
        }
        for (author, expected) in [("alice", 2), ("%2B15558675310", 3)] {
            let form = format!("Body=hello&Author={author}");
            assert_eq!(house.post(&format!("{conversation}/Messages"), &form).await.code(), "201");
            let count = |tx: &mut store::Tx<'_>| {
                let sql = "SELECT COUNT(*) FROM receipts WHERE status IS NULL";
                tx.row(sql, &[], crate::conformance::one::<i64>)
            };
            let count = house.app.store().read(count).await.expect("the store reads");
            assert_eq!(count, Some(expected), "{author} on {:?}", house.engine);
        }
    })
    .await;
}
