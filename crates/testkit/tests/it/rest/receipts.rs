//! `/v1/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts`: what became of a message. Channels
//! are not here yet, so the tests tell what a channel would.

use conversations::events::Cause;
use conversations::receipts::{Progress, Status, move_status};
use conversations::{Conversation, Failure, Receipt, Service};
use insta::assert_snapshot;
use serde_json::{Value, json};
use testkit::{House, on_both};
use wire::Sid;

use super::{conversation, page};

/// A message in a conversation with this many phones, and alice; its path, and the sids of its receipts.
pub async fn message(house: &House, phones: usize) -> (String, Vec<String>) {
    let conversation = conversation(house).await;
    house.post(&format!("{conversation}/Participants"), "Identity=alice").await;
    for number in 0..phones {
        let form = format!(
            "MessagingBinding.Address=%2B1555867531{number}&MessagingBinding.ProxyAddress=%2B15017122661"
        );
        assert_eq!(house.post(&format!("{conversation}/Participants"), &form).await.code(), "201");
    }
    let sid = house.post(&format!("{conversation}/Messages"), "Body=Hello&Author=alice").await.sid();
    let path = format!("{conversation}/Messages/{sid}");
    let receipts = house.get(&format!("{path}/Receipts")).await.get("delivery_receipts");
    let sids = receipts.as_array().expect("a list").iter().map(|one| one["sid"].as_str().expect("a sid"));
    let sids = sids.map(str::to_owned).collect();
    (path, sids)
}

/// Tells what a channel says of a receipt. Whether its status moved.
async fn tell(house: &House, path: &str, receipt: &str, told: Progress) -> bool {
    let service = house.get("/v1/Services").await.get("services")[0]["sid"].clone();
    let service = Sid::<Service>::parse(service.as_str().expect("a sid")).expect("a sid");
    let conversation = path.split('/').find(|part| part.starts_with("CH")).expect("a conversation");
    let conversation = Sid::<Conversation>::parse(conversation).expect("a sid");
    let sid = Sid::<Receipt>::parse(receipt).expect("a sid");
    let account = Sid::parse(testkit::ACCOUNT_SID).expect("a sid");
    let ids = house.ids.clone();
    let moved = house
        .app
        .store()
        .write::<_, Failure>(store::Roots::none(), move |tx| {
            move_status(tx, &Cause::of_server(account, service, &*ids), conversation, sid, &told)
        })
        .await;
    moved.map_err(|failure| format!("{failure:?}")).expect("the store writes").is_some()
}

fn status(status: Status) -> Progress {
    Progress { status: Some(status), ..Progress::default() }
}

fn one<T: store::Column>(row: &mut store::Row<'_>) -> Result<T, store::StoreError> {
    row.next()
}

/// The position of a conversation, and the one at which its first message changed.
async fn positions(house: &House, path: &str) -> (i64, Option<i64>) {
    let conversation = path.split('/').find(|part| part.starts_with("CH")).expect("a conversation");
    let sid = Sid::<Conversation>::parse(conversation).expect("a sid");
    let read = move |tx: &mut store::Tx<'_>| {
        let head = "SELECT position FROM conversation_heads WHERE sid = $1";
        let message = "SELECT position_changed FROM messages WHERE conversation_sid = $1";
        let head = tx.row(head, &[&sid], one::<i64>)?.expect("it is there");
        let message = tx.row(message, &[&sid], one::<Option<i64>>)?.expect("it is there");
        Ok::<_, store::StoreError>((head, message))
    };
    house.app.store().read(read).await.expect("the store reads")
}

#[tokio::test]
async fn a_receipt_shows_every_field_before_and_after_it_moved() {
    let told = on_both(async |house| {
        let (path, sids) = message(house, 1).await;
        let receipt = format!("{path}/Receipts/{}", sids[0]);
        house.note(house.get(&receipt).await.text());
        house.clock.advance_seconds(5);
        let told = Progress {
            status: Some(Status::Undelivered),
            error_code: Some(30003),
            channel_message_sid: Some("SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned()),
        };
        assert!(tell(house, &path, &sids[0], told).await);
        let service = house.get("/v1/Services").await.get("services")[0]["sid"].clone();
        let service = service.as_str().expect("a sid");
        let long = receipt.replacen("/v1/", &format!("/v1/Services/{service}/"), 1);
        house.note(house.get(&long).await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "channel_message_sid": null,
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "error_code": null,
      "message_sid": "IM00000000000000000000000000000010",
      "participant_sid": "MB0000000000000000000000000000000e",
      "sid": "DY00000000000000000000000000000011",
      "status": null,
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM00000000000000000000000000000010/Receipts/DY00000000000000000000000000000011"
    }

    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "channel_message_sid": "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "chat_service_sid": "IS00000000000000000000000000000001",
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:05Z",
      "error_code": 30003,
      "message_sid": "IM00000000000000000000000000000010",
      "participant_sid": "MB0000000000000000000000000000000e",
      "sid": "DY00000000000000000000000000000011",
      "status": "undelivered",
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Conversations/CH00000000000000000000000000000009/Messages/IM00000000000000000000000000000010/Receipts/DY00000000000000000000000000000011"
    }
    "#);
}

#[tokio::test]
async fn the_list_has_a_receipt_for_each_phone_but_the_authors() {
    let told = on_both(async |house| {
        let (path, sids) = message(house, 3).await;
        assert_eq!(sids.len(), 3);
        let (messages, _) = path.rsplit_once('/').expect("a path");
        let by_phone = house.post(messages, "Body=Back&Author=%2B15558675311").await.sid();
        let reply = house.get(&format!("{messages}/{by_phone}/Receipts?PageSize=1")).await;
        house.note(reply.text());
        let mut reply = house.get(&format!("{path}/Receipts?PageSize=2")).await;
        let mut seen = vec![reply.get("delivery_receipts")];
        while let Some(next) = page(&reply, "next_page_url") {
            reply = house.get(&next).await;
            seen.push(reply.get("delivery_receipts"));
        }
        let seen: Vec<_> = seen.iter().filter_map(Value::as_array).flatten().map(|one| &one["sid"]).collect();
        assert_eq!(json!(seen), json!(sids));
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "delivery_receipts": [
        {
          "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "channel_message_sid": null,
          "conversation_sid": "CH00000000000000000000000000000009",
          "date_created": "2026-01-01T00:00:00Z",
          "date_updated": "2026-01-01T00:00:00Z",
          "error_code": null,
          "message_sid": "IM0000000000000000000000000000001a",
          "participant_sid": "MB0000000000000000000000000000000e",
          "sid": "DY0000000000000000000000000000001b",
          "status": null,
          "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000001a/Receipts/DY0000000000000000000000000000001b"
        }
      ],
      "meta": {
        "first_page_url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000001a/Receipts?PageSize=1&Page=0",
        "key": "delivery_receipts",
        "next_page_url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000001a/Receipts?PageSize=1&Page=1&PageToken=PTeyJvIjoiYSIsImF0IjowLCJzaWQiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwZSIsImxpc3QiOjE0NzMyNDk1NzQ0NDc3NTU4MTg5fQ",
        "page": 0,
        "page_size": 1,
        "previous_page_url": null,
        "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000001a/Receipts?PageSize=1&Page=0"
      }
    }
    "#);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let told = on_both(async |house| {
        let (path, sids) = message(house, 1).await;
        let (messages, _) = path.rsplit_once('/').expect("a path");
        let other = house.post(messages, "Body=Other").await.sid();
        let nobody = "DYffffffffffffffffffffffffffffffff";
        for path in [
            format!("{path}/Receipts/{nobody}"),
            format!("{path}/Receipts/alice"),
            format!("{messages}/{other}/Receipts/{}", sids[0]),
            format!("{messages}/IMffffffffffffffffffffffffffffffff/Receipts"),
            format!("{messages}/IMffffffffffffffffffffffffffffffff/Receipts?PageSize=0"),
            format!("{path}/Receipts?PageSize=0"),
        ] {
            let reply = house.get(&path).await;
            house.note(format!("{} {}", reply.code(), reply.field("message")));
        }
        assert_eq!(house.post(&format!("{path}/Receipts"), "").await.code(), "405 20004");
        assert_eq!(house.delete(&format!("{path}/Receipts/{}", sids[0])).await.code(), "405 20004");
        assert_eq!(house.delete(&path).await.code(), "204");
        assert!(!tell(house, &path, &sids[0], status(Status::Sent)).await);
    })
    .await;
    assert_snapshot!(told, @"
    404 20404 The requested resource /Conversations/CH00000000000000000000000000000009/Messages/IM00000000000000000000000000000010/Receipts/DYffffffffffffffffffffffffffffffff was not found

    404 20404 The requested resource /Conversations/CH00000000000000000000000000000009/Messages/IM00000000000000000000000000000010/Receipts/alice was not found

    404 20404 The requested resource /Conversations/CH00000000000000000000000000000009/Messages/IM00000000000000000000000000000014/Receipts/DY00000000000000000000000000000011 was not found

    404 20404 The requested resource /Conversations/CH00000000000000000000000000000009/Messages/IMffffffffffffffffffffffffffffffff/Receipts was not found

    404 20404 The requested resource /Conversations/CH00000000000000000000000000000009/Messages/IMffffffffffffffffffffffffffffffff/Receipts was not found

    400 20001 Invalid value for parameter PageSize
    ");
}

#[tokio::test]
async fn the_summary_of_a_message_follows_its_receipts() {
    let told = on_both(async |house| {
        let (path, sids) = message(house, 3).await;
        let steps = [
            (0, Status::Sent),
            (1, Status::Delivered),
            (2, Status::Read),
            (0, Status::Delivered),
            (2, Status::Sent),
            (1, Status::Failed),
            (0, Status::Delivered),
            (1, Status::Read),
            (0, Status::Read),
        ];
        let mut seen = vec![house.get(&path).await.get("delivery").to_string()];
        for (place, to) in steps {
            let before = positions(house, &path).await;
            let moved = tell(house, &path, &sids[place], status(to)).await;
            let (head, message) = positions(house, &path).await;
            if moved {
                // Who reads moves on too, and takes a position of his own.
                let horizon = i64::from(to == Status::Read);
                assert_eq!((head, message), (before.0 + 1 + horizon, Some(before.0 + 1)));
            } else {
                assert_eq!((head, message), before);
            }
            let reply = house.get(&path).await;
            assert_eq!(reply.get("date_updated"), reply.get("date_created"));
            seen.push(format!("{place} {to:?} {moved} {}", reply.get("delivery")));
        }
        house.note(seen.join("\n"));
    })
    .await;
    assert_snapshot!(told, @r#"
    null
    0 Sent true {"delivered":"none","failed":"none","read":"none","sent":"some","total":3,"undelivered":"none"}
    1 Delivered true {"delivered":"some","failed":"none","read":"none","sent":"some","total":3,"undelivered":"none"}
    2 Read true {"delivered":"some","failed":"none","read":"some","sent":"all","total":3,"undelivered":"none"}
    0 Delivered true {"delivered":"all","failed":"none","read":"some","sent":"all","total":3,"undelivered":"none"}
    2 Sent false {"delivered":"all","failed":"none","read":"some","sent":"all","total":3,"undelivered":"none"}
    1 Failed false {"delivered":"all","failed":"none","read":"some","sent":"all","total":3,"undelivered":"none"}
    0 Delivered false {"delivered":"all","failed":"none","read":"some","sent":"all","total":3,"undelivered":"none"}
    1 Read true {"delivered":"all","failed":"none","read":"some","sent":"all","total":3,"undelivered":"none"}
    0 Read true {"delivered":"all","failed":"none","read":"all","sent":"all","total":3,"undelivered":"none"}
    "#);
}

#[tokio::test]
async fn whoever_reads_on_a_channel_has_read_so_far() {
    on_both(async |house| {
        let (path, sids) = message(house, 2).await;
        let (messages, _) = path.rsplit_once('/').expect("a path");
        let second = format!("{messages}/{}", house.post(messages, "Body=Again").await.sid());
        let receipts = house.get(&format!("{second}/Receipts")).await.get("delivery_receipts");
        let later = receipts[0]["sid"].as_str().expect("a sid");
        let reader = receipts[0]["participant_sid"].as_str().expect("a sid");
        let reader = format!("{}/Participants/{reader}", messages.trim_end_matches("/Messages"));
        let horizon = async || house.get(&reader).await.get("last_read_message_index");
        assert!(tell(house, &path, &sids[0], status(Status::Delivered)).await);
        assert_eq!(horizon().await, Value::Null);
        house.clock.advance_seconds(9);
        assert!(tell(house, &second, later, status(Status::Read)).await);
        assert_eq!(horizon().await, 1);
        assert_eq!(house.get(&reader).await.get("last_read_timestamp"), "2026-01-01T00:00:09Z");
        assert!(tell(house, &path, &sids[0], status(Status::Read)).await);
        assert_eq!(horizon().await, 1);
        assert_eq!(house.delete(&reader).await.code(), "204");
        assert!(tell(house, &path, &sids[1], status(Status::Read)).await);
    })
    .await;
}

#[tokio::test]
async fn a_message_may_still_arrive_when_its_conversation_is_closed() {
    on_both(async |house| {
        let (path, sids) = message(house, 1).await;
        let (conversation, _) = path.split_once("/Messages").expect("a path");
        assert_eq!(house.post(conversation, "State=closed").await.code(), "200");
        assert!(tell(house, &path, &sids[0], status(Status::Delivered)).await);
        assert_eq!(house.get(&path).await.get("delivery")["delivered"], "all");
        assert_eq!(house.delete(conversation).await.code(), "204");
        assert!(!tell(house, &path, &sids[0], status(Status::Read)).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn statuses_told_at_once_end_as_if_told_in_order() {
    on_both(async |house| {
        let (path, sids) = message(house, 4).await;
        let mut tasks = tokio::task::JoinSet::new();
        for sid in &sids {
            for to in [Status::Read, Status::Sent, Status::Delivered, Status::Sent] {
                let (house, path, sid) = (house.clone(), path.clone(), sid.clone());
                tasks.spawn(async move { tell(&house, &path, &sid, status(to)).await });
            }
        }
        tasks.join_all().await;
        let delivery = house.get(&path).await.get("delivery");
        let expected = json!({"total": 4, "sent": "all", "delivered": "all", "read": "all",
            "failed": "none", "undelivered": "none"});
        assert_eq!(delivery, expected, "{:?}", house.engine);
    })
    .await;
}
