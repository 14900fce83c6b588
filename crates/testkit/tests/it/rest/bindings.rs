//! `/v1/Services/{ChatServiceSid}/Bindings`: the devices of users.
//!
//! Nothing of what is served puts one in: devices register themselves over the client SDKs, which are not
//! served yet. Until then these tests register them by the function that will be called then.

use conversations::bindings::{self, BindingType, MessageType, MessageTypes, Registration};
use conversations::{Failure, Service, users};
use insta::assert_snapshot;
use store::Roots;
use testkit::{House, Reply, on_both};
use wire::{Key, Problem, Sid};

/// Registers a device of the user of this identity, whom the service knows, and tells its sid.
pub async fn register(
    house: &House,
    service: &str,
    identity: &str,
    (binding_type, endpoint): (BindingType, &str),
) -> String {
    let service: Sid<Service> = Sid::parse(service).expect("it is one");
    let (ids, key) = (house.ids.clone(), Key::Name(identity.to_owned()));
    let credential = (binding_type != BindingType::Twilsock).then(|| Sid::from_bytes([0xcc; 16]));
    let registration = Registration {
        credential_sid: credential,
        endpoint: endpoint.to_owned(),
        binding_type,
        message_types: MessageTypes::new(&[
            MessageType::RemovedFromConversation,
            MessageType::NewMessage,
            MessageType::AddedToConversation,
        ]),
    };
    let work = move |tx: &mut store::Tx<'_>| {
        let user = users::find(tx, service, &key)?.ok_or(Problem::USER_NOT_FOUND)?;
        Ok(bindings::register(tx, &*ids, &user, registration.clone())?)
    };
    let binding = house.app.store().write::<_, Failure>(Roots::none(), work).await;
    binding.expect("the user is there").sid.to_string()
}

/// A service with users of these identities; its sid.
pub async fn service_of(house: &House, identities: &[&str]) -> String {
    let service = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
    for identity in identities {
        let form = format!("Identity={identity}");
        assert_eq!(house.post(&format!("/v1/Services/{service}/Users"), &form).await.code(), "201");
    }
    service
}

/// Type and identity of each binding of a list.
async fn listed(house: &House, path: &str) -> String {
    let page = house.get(path).await;
    let items = page.get("bindings");
    let one = |item: &serde_json::Value| {
        format!(
            "{}:{}",
            item["binding_type"].as_str().expect("text"),
            item["identity"].as_str().expect("text")
        )
    };
    items.as_array().expect("a list").iter().map(one).collect::<Vec<_>>().join(" ")
}

/// One of the addresses of a page.
fn meta(page: &Reply, name: &str) -> String {
    page.get("meta")[name].as_str().expect("an address").to_owned()
}

#[tokio::test]
async fn a_device_is_shown_as_it_registered() {
    let told = on_both(async |house| {
        let service = service_of(house, &["alice"]).await;
        let sid = register(house, &service, "alice", (BindingType::Fcm, "a-device")).await;
        let list = format!("/v1/Services/{service}/Bindings");
        let path = format!("{list}/{sid}");
        house.note(house.get(&path).await.text());
        let page = house.get(&list).await;
        assert_eq!(page.get("bindings")[0], house.get(&path).await.json());
        house.note(page.get("meta").to_string());
        assert_eq!(house.delete(&path).await.code(), "204");
        assert_eq!(house.get(&path).await.code(), "404 20404");
        assert_eq!(house.delete(&path).await.code(), "404 20404");
        assert_eq!(house.get(&format!("{list}/alice")).await.code(), "404 20404");
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "binding_type": "fcm",
      "chat_service_sid": "IS00000000000000000000000000000009",
      "credential_sid": "CRcccccccccccccccccccccccccccccccc",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "endpoint": "a-device",
      "identity": "alice",
      "message_types": [
        "removed_from_conversation",
        "new_message",
        "added_to_conversation"
      ],
      "sid": "BS00000000000000000000000000000010",
      "url": "http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Bindings/BS00000000000000000000000000000010"
    }

    {"first_page_url":"http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Bindings?PageSize=50&Page=0","key":"bindings","next_page_url":null,"page":0,"page_size":50,"previous_page_url":null,"url":"http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Bindings?PageSize=50&Page=0"}
    "#);
}

#[tokio::test]
async fn a_list_is_narrowed_by_any_of_several_types_and_identities() {
    let told = on_both(async |house| {
        let service = service_of(house, &["alice", "bob", "carol"]).await;
        for (identity, of) in [
            ("alice", BindingType::Apn),
            ("alice", BindingType::Fcm),
            ("bob", BindingType::Gcm),
            ("bob", BindingType::Twilsock),
            ("carol", BindingType::Fcm),
        ] {
            register(house, &service, identity, (of, "a-device")).await;
            house.clock.advance_seconds(1);
        }
        let list = format!("/v1/Services/{service}/Bindings");
        for query in [
            "",
            "?BindingType=fcm",
            "?BindingType=FcM&BindingType=apn&BindingType=fcm",
            "?BindingType=apn&BindingType=gcm&BindingType=twilsock",
            "?Identity=alice",
            "?Identity=carol&Identity=alice&Identity=nobody",
            "?BindingType=fcm&Identity=alice&Identity=bob",
            "?BindingType=gcm&Identity=alice",
            "?Identity=ALICE",
            "?Identity=",
        ] {
            house.note(format!("{query} -> {}", listed(house, &format!("{list}{query}")).await));
        }
        // The page's addresses carry the filters on, in their normal form.
        let page =
            house.get(&format!("{list}?Identity=bob&BindingType=TWILSOCK&BindingType=gcm&PageSize=1")).await;
        house.note(meta(&page, "url"));
        let next = meta(&page, "next_page_url").replace("http://tertulia.test", "");
        assert_eq!(listed(house, &next).await, "twilsock:bob");
        assert_eq!(house.get(&format!("{list}?BindingType=mail")).await.code(), "400 50209");
        assert_eq!(house.get(&format!("{list}?BindingType=fcm&BindingType=")).await.code(), "400 50209");
        let elsewhere = "/v1/Services/IS000000000000000000000000000000ff/Bindings?BindingType=mail";
        assert_eq!(house.get(elsewhere).await.code(), "404 20404");
        assert_eq!(house.get("/v1/Bindings").await.code(), "404 20404");
        assert_eq!(house.post(&list, "Identity=alice").await.code(), "405 20004");
    })
    .await;
    assert_snapshot!(told, @"
     -> apn:alice fcm:alice gcm:bob twilsock:bob fcm:carol

    ?BindingType=fcm -> fcm:alice fcm:carol

    ?BindingType=FcM&BindingType=apn&BindingType=fcm -> apn:alice fcm:alice fcm:carol

    ?BindingType=apn&BindingType=gcm&BindingType=twilsock -> apn:alice gcm:bob twilsock:bob

    ?Identity=alice -> apn:alice fcm:alice

    ?Identity=carol&Identity=alice&Identity=nobody -> apn:alice fcm:alice fcm:carol

    ?BindingType=fcm&Identity=alice&Identity=bob -> fcm:alice

    ?BindingType=gcm&Identity=alice -> 

    ?Identity=ALICE -> 

    ?Identity= -> 

    http://tertulia.test/v1/Services/IS00000000000000000000000000000009/Bindings?BindingType=twilsock&BindingType=gcm&Identity=bob&PageSize=1&Page=0
    ");
}

#[tokio::test]
async fn a_device_that_registers_again_stays_the_same_binding() {
    on_both(async |house| {
        let service = service_of(house, &["alice", "bob"]).await;
        let sid = register(house, &service, "alice", (BindingType::Apn, "a-device")).await;
        let path = format!("/v1/Services/{service}/Bindings/{sid}");
        let before = house.get(&path).await;
        house.clock.advance_seconds(60);
        assert_eq!(register(house, &service, "alice", (BindingType::Apn, "a-device")).await, sid);
        let after = house.get(&path).await;
        assert_eq!(after.get("date_created"), before.get("date_created"));
        assert_ne!(after.get("date_updated"), before.get("date_updated"));
        for (identity, device) in [
            ("alice", (BindingType::Apn, "another")),
            ("alice", (BindingType::Fcm, "a-device")),
            ("bob", (BindingType::Apn, "a-device")),
        ] {
            assert_ne!(register(house, &service, identity, device).await, sid);
        }
    })
    .await;
}

#[tokio::test]
async fn of_too_many_devices_the_one_that_was_silent_longest_goes() {
    on_both(async |house| {
        let service = service_of(house, &["alice", "bob"]).await;
        let first = register(house, &service, "alice", (BindingType::Apn, "device-0")).await;
        let of_bob = register(house, &service, "bob", (BindingType::Apn, "device-0")).await;
        let second = register(house, &service, "alice", (BindingType::Apn, "device-1")).await;
        for number in 2..50 {
            house.clock.advance_seconds(1);
            register(house, &service, "alice", (BindingType::Apn, &format!("device-{number}"))).await;
        }
        register(house, &service, "alice", (BindingType::Apn, "device-0")).await;
        register(house, &service, "alice", (BindingType::Apn, "one-more")).await;
        let list = format!("/v1/Services/{service}/Bindings");
        assert_eq!(house.get(&format!("{list}/{first}")).await.code(), "200");
        assert_eq!(house.get(&format!("{list}/{second}")).await.code(), "404 20404");
        assert_eq!(house.get(&format!("{list}/{of_bob}")).await.code(), "200");
        let page = house.get(&format!("{list}?Identity=alice&PageSize=100")).await;
        assert_eq!(page.get("bindings").as_array().map(Vec::len), Some(50));
    })
    .await;
}

#[tokio::test]
async fn devices_go_with_their_user() {
    on_both(async |house| {
        let service = service_of(house, &["alice", "bob"]).await;
        for device in ["one", "two"] {
            register(house, &service, "alice", (BindingType::Fcm, device)).await;
        }
        register(house, &service, "bob", (BindingType::Fcm, "one")).await;
        assert_eq!(house.delete(&format!("/v1/Services/{service}/Users/alice")).await.code(), "204");
        assert_eq!(listed(house, &format!("/v1/Services/{service}/Bindings")).await, "fcm:bob");
        // Who comes back is somebody new.
        house.post(&format!("/v1/Services/{service}/Users"), "Identity=alice").await;
        assert_eq!(listed(house, &format!("/v1/Services/{service}/Bindings?Identity=alice")).await, "");
    })
    .await;
}
