//! The account and its keys as the neighbour of 2010 shows them.

use http::Request;
use insta::assert_snapshot;
use server::Settings;
use testkit::{ACCOUNT_SID, House, Reply, on_both, on_both_with};

/// The house's secrets are counted like its sids, so that snapshots can hold them.
fn noted(house: &House, what: &str, reply: &Reply) {
    house.note(format!("{what}: {}", reply.text()));
}

#[tokio::test]
async fn whole_answers() {
    let told = on_both(async |house| {
        let keys = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Keys.json");
        let account = house.get(&format!("/2010-04-01/Accounts/{ACCOUNT_SID}.json")).await;
        noted(house, "account", &account);
        noted(house, "no keys", &house.get(&keys).await);
        let made = house.post(&keys, "FriendlyName=CI").await;
        let one = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Keys/{}.json", made.sid());
        noted(house, "new key", &made);
        house.clock.advance_seconds(90_000);
        noted(house, "renamed", &house.post(&one, "FriendlyName=Nightly").await);
        house.clock.advance_seconds(1);
        noted(house, "left as it is", &house.post(&one, "").await);
        noted(house, "fetched", &house.get(&one).await);
    })
    .await;
    assert_snapshot!(told, @r#"
    account: 200 OK
    {
      "auth_token": "the-auth-token",
      "date_created": "Thu, 01 Jan 2026 00:00:00 +0000",
      "date_updated": "Thu, 01 Jan 2026 00:00:00 +0000",
      "friendly_name": "My account",
      "owner_account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "status": "active",
      "subresource_uris": {
        "keys": "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Keys.json"
      },
      "type": "Full",
      "uri": "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.json"
    }

    no keys: 200 OK
    {
      "end": 0,
      "first_page_uri": "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Keys.json?PageSize=50&Page=0",
      "keys": [],
      "next_page_uri": null,
      "page": 0,
      "page_size": 50,
      "previous_page_uri": null,
      "start": 0,
      "uri": "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Keys.json?PageSize=50&Page=0"
    }

    new key: 201 Created
    {
      "date_created": "Thu, 01 Jan 2026 00:00:00 +0000",
      "date_updated": "Thu, 01 Jan 2026 00:00:00 +0000",
      "friendly_name": "CI",
      "secret": "0000000000000000000000000000000c",
      "sid": "SK0000000000000000000000000000000b"
    }

    renamed: 200 OK
    {
      "date_created": "Thu, 01 Jan 2026 00:00:00 +0000",
      "date_updated": "Fri, 02 Jan 2026 01:00:00 +0000",
      "friendly_name": "Nightly",
      "sid": "SK0000000000000000000000000000000b"
    }

    left as it is: 200 OK
    {
      "date_created": "Thu, 01 Jan 2026 00:00:00 +0000",
      "date_updated": "Fri, 02 Jan 2026 01:00:00 +0000",
      "friendly_name": "Nightly",
      "sid": "SK0000000000000000000000000000000b"
    }

    fetched: 200 OK
    {
      "date_created": "Thu, 01 Jan 2026 00:00:00 +0000",
      "date_updated": "Fri, 02 Jan 2026 01:00:00 +0000",
      "friendly_name": "Nightly",
      "sid": "SK0000000000000000000000000000000b"
    }
    "#);
}

#[tokio::test]
async fn pages_of_the_old_style() {
    let told = on_both(async |house| {
        let mut page = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Keys.json?PageSize=2");
        for number in 0..5 {
            house.post("/tertulia/v1/Keys", &format!("FriendlyName=key-{number}")).await;
        }
        loop {
            let reply = house.get(&page).await;
            let keys = reply.get("keys");
            let keys = keys.as_array().expect("a list").iter();
            let names: Vec<_> = keys.map(|key| key["friendly_name"].to_string()).collect();
            let [start, end, number, size] =
                ["start", "end", "page", "page_size"].map(|name| reply.get(name));
            let has_previous = !reply.get("previous_page_uri").is_null();
            house.note(format!("{} {start}-{end} page {number} of {size} {has_previous}", names.join(" ")));
            assert!(reply.field("uri").starts_with("/2010-04-01/Accounts/AC"));
            assert!(reply.field("first_page_uri").ends_with("/Keys.json?PageSize=2&Page=0"));
            match reply.get("next_page_uri").as_str() {
                Some(next) => page = next.to_owned(),
                None => break,
            }
        }
        let all = house.get(&format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Keys.json?PageSize=5000")).await;
        house.note(all.get("page_size").to_string());
        for wrong in ["PageSize=0", "PageToken=junk", "Page=x"] {
            let reply = house.get(&format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Keys.json?{wrong}")).await;
            house.note(format!("{wrong}: {}", reply.code()));
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    "key-0" "key-1" 0-1 page 0 of 2 false

    "key-2" "key-3" 2-3 page 1 of 2 true

    "key-4" 4-4 page 2 of 2 true

    1000

    PageSize=0: 400 20001

    PageToken=junk: 400 21481

    Page=x: 400 20001
    "#);
}

#[tokio::test]
async fn a_subaccount_in_the_administration() {
    let settings = Settings { admin_tokens: vec!["the-admin-token".to_owned()], ..Settings::default() };
    let told = on_both_with(settings, async |house| {
        let ask = async |request: http::request::Builder, form: &str| {
            let request = request
                .header("content-type", "application/x-www-form-urlencoded")
                .header("authorization", "Bearer the-admin-token");
            house.send_as_is(request, form).await
        };
        let form = format!("FriendlyName=Sub&OwnerAccountSid={ACCOUNT_SID}");
        let made = ask(Request::post("/tertulia/v1/Accounts"), &form).await;
        let path = format!("/tertulia/v1/Accounts/{}", made.sid());
        noted(house, "made", &made);
        house.clock.advance_seconds(5);
        noted(house, "suspended", &ask(Request::post(&path), "Status=suspended").await);
        house.clock.advance_seconds(5);
        noted(house, "as it is", &ask(Request::post(&path), "Status=suspended&Other=x").await);
        let seen = house.get(&format!("/2010-04-01/Accounts/{}.json", made.sid())).await;
        noted(house, "seen by its owner", &seen);
    })
    .await;
    assert_snapshot!(told, @r#"
    made: 201 Created
    {
      "auth_token": "0000000000000000000000000000000a",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "default_chat_service_sid": "IS0000000000000000000000000000000b",
      "default_closed_timer": null,
      "default_inactive_timer": null,
      "default_messaging_service_sid": "MG00000000000000000000000000000011",
      "friendly_name": "Sub",
      "messaging_service_sids": null,
      "owner_account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "senders": null,
      "sid": "AC00000000000000000000000000000009",
      "status": "active"
    }

    suspended: 200 OK
    {
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:05Z",
      "default_chat_service_sid": "IS0000000000000000000000000000000b",
      "default_closed_timer": null,
      "default_inactive_timer": null,
      "default_messaging_service_sid": "MG00000000000000000000000000000011",
      "friendly_name": "Sub",
      "messaging_service_sids": null,
      "owner_account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "senders": null,
      "sid": "AC00000000000000000000000000000009",
      "status": "suspended"
    }

    as it is: 200 OK
    {
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:05Z",
      "default_chat_service_sid": "IS0000000000000000000000000000000b",
      "default_closed_timer": null,
      "default_inactive_timer": null,
      "default_messaging_service_sid": "MG00000000000000000000000000000011",
      "friendly_name": "Sub",
      "messaging_service_sids": null,
      "owner_account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "senders": null,
      "sid": "AC00000000000000000000000000000009",
      "status": "suspended"
    }

    seen by its owner: 200 OK
    {
      "auth_token": "0000000000000000000000000000000a",
      "date_created": "Thu, 01 Jan 2026 00:00:00 +0000",
      "date_updated": "Thu, 01 Jan 2026 00:00:05 +0000",
      "friendly_name": "Sub",
      "owner_account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "sid": "AC00000000000000000000000000000009",
      "status": "suspended",
      "subresource_uris": {
        "keys": "/2010-04-01/Accounts/AC00000000000000000000000000000009/Keys.json"
      },
      "type": "Full",
      "uri": "/2010-04-01/Accounts/AC00000000000000000000000000000009.json"
    }
    "#);
}
