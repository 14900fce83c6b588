//! `/v1/Conversations`: create, fetch, update, delete, list with its filters and order.

use insta::assert_snapshot;
use testkit::{House, on_both};

use super::{codes, conversation};

#[tokio::test]
async fn an_empty_form_makes_a_conversation() {
    let told = on_both(async |house| {
        let reply = house.post("/v1/Conversations", "").await;
        house.note(reply.text());
        assert_eq!(house.get(&format!("/v1/Conversations/{}", reply.sid())).await.json(), reply.json());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{}",
      "bindings": {},
      "chat_service_sid": "IS00000000000000000000000000000001",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": null,
      "links": {
        "export": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Export",
        "messages": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages",
        "participants": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants",
        "webhooks": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Webhooks"
      },
      "messaging_service_sid": "MG00000000000000000000000000000007",
      "sid": "CH00000000000000000000000000000009",
      "state": "active",
      "timers": {},
      "unique_name": null,
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009"
    }
    "#);
}

#[tokio::test]
async fn every_parameter_is_kept() {
    let told = on_both(async |house| {
        let form = "FriendlyName=Support&UniqueName=Case+%2317&Attributes=%7B+%22b%22%3A1%2C%22a%22%3A+2.50%7D\
            &MessagingServiceSid=MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&State=INACTIVE&Timers.Inactive=PT1M\
            &Timers.Closed=PT10M&DateCreated=2015-12-16T22:18:37Z&DateUpdated=2015-12-16T22:18:38Z\
            &Bindings.Email.Address=case%40example.org&Bindings.Email.Name=Case";
        let reply = house.post("/v1/Conversations", form).await;
        house.note(reply.text());
        assert_eq!(house.get("/v1/Conversations/Case%20%2317").await.json(), reply.json());
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{ \"b\":1,\"a\": 2.50}",
      "bindings": {
        "email": {
          "name": "Case",
          "projected_address": "case@example.org"
        }
      },
      "chat_service_sid": "IS00000000000000000000000000000001",
      "date_created": "2015-12-16T22:18:37Z",
      "date_updated": "2015-12-16T22:18:38Z",
      "friendly_name": "Support",
      "links": {
        "export": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Export",
        "messages": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages",
        "participants": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants",
        "webhooks": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Webhooks"
      },
      "messaging_service_sid": "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "sid": "CH00000000000000000000000000000009",
      "state": "inactive",
      "timers": {
        "date_closed": "2015-12-16T22:28:38Z",
        "date_inactive": "2015-12-16T22:19:38Z"
      },
      "unique_name": "Case #17",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009"
    }
    "#);
}

#[tokio::test]
async fn an_update_changes_what_is_given() {
    let told = on_both(async |house| {
        let form = "FriendlyName=Support&UniqueName=case-17&Timers.Closed=P1D";
        let sid = house.post("/v1/Conversations", form).await.sid();
        let path = format!("/v1/Conversations/{sid}");
        house.clock.advance_seconds(3600);
        house.note(house.post(&path, "FriendlyName=&Attributes=%7B%22n%22%3A1%7D").await.text());
        let before = house.get(&path).await;
        house.clock.advance_seconds(3600);
        assert_eq!(house.post(&path, "").await.text(), before.text());
        assert_eq!(house.post(&path, "State=active").await.text(), before.text());
        let timers = |reply: &testkit::Reply| reply.get("timers").to_string();
        house.note(timers(&house.post(&path, "State=inactive").await));
        house.note(timers(&house.post(&path, "Timers.Closed=PT0S&Timers.Inactive=PT1M").await));
        assert_eq!(house.post(&path, "UniqueName=").await.get("unique_name"), serde_json::Value::Null);
        assert_eq!(house.get("/v1/Conversations/case-17").await.code(), "404 20404");
        assert_eq!(house.post("/v1/Conversations", "UniqueName=case-17").await.code(), "201");
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{\"n\":1}",
      "bindings": {},
      "chat_service_sid": "IS00000000000000000000000000000001",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T01:00:00Z",
      "friendly_name": "Support",
      "links": {
        "export": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Export",
        "messages": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages",
        "participants": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Participants",
        "webhooks": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Webhooks"
      },
      "messaging_service_sid": "MG00000000000000000000000000000007",
      "sid": "CH00000000000000000000000000000009",
      "state": "active",
      "timers": {
        "date_closed": "2026-01-02T00:00:00Z"
      },
      "unique_name": "case-17",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009"
    }

    {"date_closed":"2026-01-02T02:00:00Z"}

    {"date_inactive":"2026-01-01T02:01:00Z"}
    "#);
}

#[tokio::test]
async fn what_is_wrong_has_its_code() {
    let told = on_both(async |house| {
        house.post("/v1/Conversations", "UniqueName=taken").await;
        let long = format!("UniqueName={}", "u".repeat(257));
        let name = format!("FriendlyName={}", "f".repeat(257));
        let attributes = format!("Attributes=%22{}%22", "a".repeat(16 * 1024 - 1));
        let forms = [
            "UniqueName=taken",
            "UniqueName=CHaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            &long,
            &name,
            &attributes,
            "Attributes=%7B%22a%22%3A",
            "Attributes=",
            "State=",
            "State=asleep",
            "State=initializing",
            "State=closed",
            "Timers.Inactive=PT59S",
            "Timers.Closed=PT9M",
            "Timers.Inactive=soon",
            "Timers.Closed=",
            "MessagingServiceSid=MG1",
            "DateCreated=never",
            "DateUpdated=never",
        ];
        let requests: Vec<_> = forms.iter().map(|form| ("/v1/Conversations".to_owned(), *form)).collect();
        let codes: Vec<String> =
            codes(house, &requests).await.lines().map(|line| line[line.len().min(10)..].to_owned()).collect();
        let codes: Vec<&str> = codes.iter().map(|line| line.rsplit(" -> ").next().expect("a code")).collect();
        house.note(codes.join("\n"));
    })
    .await;
    assert_snapshot!(told, @"
    409 50353
    400 50390
    400 50004
    400 50003
    400 50303
    400 50304
    400 50304
    400 50374
    400 50378
    400 50378
    400 50384
    400 50375
    400 50376
    400 50379
    400 50380
    400 50341
    400 50308
    400 50309
    ");
}

#[tokio::test]
async fn closed_is_final_but_can_be_read_and_deleted() {
    let told = on_both(async |house| {
        let path = conversation(house).await;
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        house.post(&path, "UniqueName=kept&State=closed").await;
        let requests = [
            (path.clone(), "State=active"),
            (path.clone(), ""),
            (format!("{path}/Participants"), "Identity=bob"),
            (format!("{path}/Participants/alice"), "Attributes=%7B%7D"),
            (format!("{path}/Messages"), "Body=late"),
            ("/v1/Conversations".to_owned(), "UniqueName=kept"),
        ];
        house.note(codes(house, &requests).await);
        assert_eq!(house.get(&format!("{path}/Participants/alice")).await.code(), "200");
        assert_eq!(house.delete(&format!("{path}/Participants/alice")).await.code(), "204");
        assert_eq!(house.delete(&path).await.code(), "204");
        assert_eq!(house.delete(&path).await.code(), "404 20404");
        assert_eq!(house.post("/v1/Conversations", "UniqueName=kept").await.code(), "201");
    })
    .await;
    assert_snapshot!(told, @"
    State=active -> 400 50377
     -> 400 50377
    Identity=bob -> 400 50377
    Attributes=%7B%7D -> 400 50377
    Body=late -> 400 50377
    UniqueName=kept -> 409 50353
    ");
}

#[tokio::test]
async fn a_message_wakes_an_inactive_conversation_and_sets_its_timers_anew() {
    let told = on_both(async |house| {
        let sid = house.post("/v1/Conversations", "State=inactive&Timers.Inactive=PT1H").await.sid();
        house.clock.advance_seconds(600);
        house.post(&format!("/v1/Conversations/{sid}/Messages"), "Body=hello").await;
        let reply = house.get(&format!("/v1/Conversations/{sid}")).await;
        house.note(format!("{} {}", reply.get("state"), reply.get("timers")));
    })
    .await;
    assert_snapshot!(told, @r#""active" {"date_inactive":"2026-01-01T01:10:00Z"}"#);
}

async fn names(house: &House, path: &str) -> String {
    let reply = house.get(path).await;
    let list = reply.get("conversations");
    let list = list.as_array().unwrap_or_else(|| panic!("no list in {}", reply.text()));
    list.iter().map(|item| item["friendly_name"].as_str().unwrap_or("-")).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_list_is_by_activity_and_by_creation_where_dates_are_asked_for() {
    let told = on_both(async |house| {
        let mut sids = Vec::new();
        for name in ["a", "b", "c", "d"] {
            house.clock.advance_seconds(86_400);
            sids.push(house.post("/v1/Conversations", &format!("FriendlyName={name}")).await.sid());
        }
        house.clock.advance_seconds(60);
        house.post(&format!("/v1/Conversations/{}/Messages", sids[1]), "Body=hello").await;
        house.post(&format!("/v1/Conversations/{}", sids[2]), "State=inactive").await;
        house.post(&format!("/v1/Conversations/{}", sids[0]), "State=closed").await;
        let mut seen = Vec::new();
        for query in [
            "",
            "?State=active",
            "?State=Inactive",
            "?State=closed",
            "?StartDate=2026-01-03",
            "?StartDate=2026-01-03&EndDate=2026-01-04T00:00:00Z",
            "?EndDate=2026-01-03&State=closed",
            "?UniqueName=ignored",
        ] {
            seen.push(format!("{query} -> {}", names(house, &format!("/v1/Conversations{query}")).await));
        }
        house.note(seen.join("\n"));
        let reply = house.get("/v1/Conversations?StartDate=2026-01-03&EndDate=2026-01-02").await;
        house.note(reply.text());
        assert_eq!(house.get("/v1/Conversations?State=asleep").await.code(), "400 50378");
        assert_eq!(house.get("/v1/Conversations?StartDate=x").await.code(), "400 20001");
    })
    .await;
    assert_snapshot!(told, @r#"
     -> b d c a
    ?State=active -> b d
    ?State=Inactive -> c
    ?State=closed -> a
    ?StartDate=2026-01-03 -> d c b
    ?StartDate=2026-01-03&EndDate=2026-01-04T00:00:00Z -> c b
    ?EndDate=2026-01-03&State=closed -> a
    ?UniqueName=ignored -> b d c a

    400 Bad Request
    {
      "code": 50396,
      "message": "EndDate parameter should be greater than StartDate parameter",
      "more_info": "https://www.twilio.com/docs/errors/50396",
      "status": 400
    }
    "#);
}

#[tokio::test]
async fn pages_meet_without_gap_or_repetition_and_carry_their_filters() {
    let told = on_both(async |house| {
        for number in 0..7 {
            let sid = house.post("/v1/Conversations", &format!("FriendlyName={number}")).await.sid();
            if number % 2 == 1 {
                house.post(&format!("/v1/Conversations/{sid}"), "State=inactive").await;
            }
        }
        let mut path = "/v1/Conversations?PageSize=3&StartDate=2025-12-31".to_owned();
        let mut seen = Vec::new();
        loop {
            seen.push(names(house, &path).await);
            let meta = house.get(&path).await.get("meta");
            let Some(next) = meta["next_page_url"].as_str() else { break };
            path = next.strip_prefix("http://tertulia.test").expect("the URL is on the host").to_owned();
        }
        house.note(seen.join(" | "));
        let meta = house.get("/v1/Conversations?PageSize=2&State=ACTIVE").await.get("meta");
        house.note(serde_json::to_string_pretty(&meta).expect("a value"));
        let next = meta["next_page_url"].as_str().expect("there is more");
        let next = next.strip_prefix("http://tertulia.test").expect("on the host");
        assert_eq!(names(house, next).await, "2 0");
    })
    .await;
    assert_snapshot!(told, @r#"
    6 5 4 | 3 2 1 | 0

    {
      "first_page_url": "http://tertulia.test/v1/Conversations?State=active&PageSize=2&Page=0",
      "key": "conversations",
      "next_page_url": "http://tertulia.test/v1/Conversations?State=active&PageSize=2&Page=1&PageToken=PTeyJvIjoiYSIsImF0IjoxNzY3MjI1NjAwMDAwMDAwLCJzaWQiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAxMyIsImxpc3QiOjExNDE4Nzc2ODk2Mjg0NTA4MzI0fQ",
      "page": 0,
      "page_size": 2,
      "previous_page_url": null,
      "url": "http://tertulia.test/v1/Conversations?State=active&PageSize=2&Page=0"
    }
    "#);
}
