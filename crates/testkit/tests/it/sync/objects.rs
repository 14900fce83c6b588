//! Every object and every kind of item, whole.

use conversations::sync::{Changes, changes_of_conversation, changes_of_user};
use insta::assert_snapshot;
use serde_json::Value;
use testkit::{House, on_both};
use wire::Sid;

use super::{Viewer, counted};

/// Alice, a phone, and two messages, one of them with a receipt; a service with reachability.
async fn room(house: &House) -> (String, Viewer) {
    house
        .post("/v1/Services/IS00000000000000000000000000000001/Configuration", "ReachabilityEnabled=true")
        .await;
    let alice = Viewer::new(house, "alice").await;
    let form = "UniqueName=room&FriendlyName=The+room&Attributes={\"a\":1}&Bindings.Email.Name=Desk\
                &MessagingServiceSid=MG00000000000000000000000000000001";
    let sid = house.post("/v1/Conversations", form).await.sid();
    let path = format!("/v1/Conversations/{sid}");
    house.post(&format!("{path}/Participants"), "Identity=alice&Attributes={\"p\":1}").await;
    let phone = "MessagingBinding.Address=%2B15550000001&MessagingBinding.ProxyAddress=%2B15559999999";
    house.post(&format!("{path}/Participants"), phone).await;
    house.clock.advance_seconds(1);
    house.post(&format!("{path}/Messages"), "Author=alice&Body=one&Subject=first&Attributes={\"m\":1}").await;
    house.post(&format!("{path}/Messages"), "Body=two").await;
    house.post("/v1/Users/alice", "FriendlyName=Alice&Attributes={\"u\":1}").await;
    house.post("/v1/Users/alice/Conversations/room", "LastReadMessageIndex=1&NotificationLevel=muted").await;
    (sid, alice)
}

#[tokio::test]
async fn roots_and_items() {
    let told = on_both(async |house| {
        let (sid, alice) = room(house).await;
        let user = alice.user();
        let mut told = Vec::new();
        for path in [
            format!("/v3/Documents/{sid}.channel"),
            format!("/v3/Lists/{sid}.messages"),
            format!("/v3/Lists/{sid}.messages/Items?HideExpired=true&PageSize=50&Order=asc"),
            format!("/v3/Maps/{sid}.roster"),
            format!("/v3/Maps/{sid}.roster/Items"),
            format!("/v3/Maps/{user}.conversations"),
            format!("/v3/Maps/{user}.conversations/Items"),
            format!("/v3/Maps/{user}.info?Include=items"),
        ] {
            told.push(format!("{path}\n{}", alice.get(&path).await.text()));
        }
        house.note(counted(&told.join("\n")));
    })
    .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn a_message_shows_its_files_and_what_became_of_it() {
    let told = on_both(async |house| {
        let (sid, alice) = room(house).await;
        let change = |tx: &mut store::Tx<'_>| {
            let media = "[{\"category\":\"media\",\"content_type\":\"image/png\",\"filename\":\"a.png\",\
                         \"sid\":\"ME1\",\"size\":4}]";
            let delivery = "{\"total\":1,\"sent\":\"all\",\"delivered\":\"none\",\"read\":\"none\",\
                            \"failed\":\"none\",\"undelivered\":\"none\"}";
            tx.put("UPDATE messages SET media = $1, delivery = $2", &[&media, &delivery])
        };
        house.app.store().write(store::Roots::none(), change).await.expect("it is written");
        let item = alice.get(&format!("/v3/Lists/{sid}.messages/Items?Index=0")).await.json();
        let data = serde_json::to_string_pretty(&item["items"][0]["data"]).expect("a value is written");
        house.note(counted(&data));
    })
    .await;
    assert_snapshot!(told);
}

/// As a snapshot shows them.
fn text(changes: &Changes) -> String {
    let events = changes.events.iter().map(|event| {
        let payload: Value = serde_json::from_slice(&event.payload).expect("it is JSON");
        let payload = serde_json::to_string_pretty(&payload).expect("a value is written");
        format!("{} {} {} {:?} {payload}", event.object, event.id, event.event_type, event.action)
    });
    let head = format!("{} complete {} gone {}", changes.position, changes.is_complete, changes.is_gone);
    [head].into_iter().chain(events).collect::<Vec<_>>().join("\n")
}

async fn changed(house: &House, alice: &Viewer, sid: &str, after: (i64, i64)) -> (Changes, Changes) {
    let (service, conversation) = (alice.service(), Sid::parse(sid).expect("it is one"));
    let user = Sid::parse(&alice.user()).expect("it is one");
    let read = move |tx: &mut store::Tx<'_>| {
        let of_user = changes_of_user(tx, service, user, after.1)?;
        Ok::<_, store::StoreError>((changes_of_conversation(tx, service, conversation, after.0)?, of_user))
    };
    house.app.store().read(read).await.expect("they are told")
}

#[tokio::test]
async fn changes_are_told_from_what_is_there_now() {
    let told = on_both(async |house| {
        let (sid, alice) = room(house).await;
        let at = changed(house, &alice, &sid, (i64::MAX, i64::MAX)).await;
        let path = format!("/v1/Conversations/{sid}");
        let first = house.get(&format!("{path}/Messages")).await.get("messages")[0]["sid"].clone();
        let first = first.as_str().expect("a sid").to_owned();
        house.clock.advance_seconds(1);
        house.post(&format!("{path}/Messages"), "Body=three").await;
        house.post(&format!("{path}/Messages/{first}"), "Body=first").await;
        house.post(&format!("{path}/Participants"), "Identity=bob").await;
        house.delete(&format!("{path}/Participants/alice")).await;
        house.post("/v1/Users/alice", "FriendlyName=Al").await;
        let (of_conversation, of_user) = changed(house, &alice, &sid, (at.0.position, at.1.position)).await;
        let before = [text(&of_conversation), text(&of_user)];
        house.delete(&path).await;
        house.delete("/v1/Users/alice").await;
        let (of_conversation, of_user) =
            changed(house, &alice, &sid, (of_conversation.position, of_user.position)).await;
        let after = [text(&of_conversation), text(&of_user)];
        house.note(counted(&[before, after].concat().join("\n")));
    })
    .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn positions_of_many_roots_are_read_at_once() {
    on_both(async |house| {
        let (sid, alice) = room(house).await;
        let conversation = Sid::parse(&sid).expect("it is one");
        let user = Sid::parse(&alice.user()).expect("it is one");
        let read = move |tx: &mut store::Tx<'_>| {
            let conversations: Vec<_> =
                (0..150).map(|n| Sid::from_bytes([n; 16])).chain([conversation]).collect();
            conversations::sync::positions(tx, &conversations, &[user])
        };
        let found = house.app.store().read(read).await.expect("they are read");
        let (of_conversation, of_user) = changed(house, &alice, &sid, (0, 0)).await;
        assert_eq!(found.conversations, [(conversation, of_conversation.position)]);
        assert_eq!(found.users, [(user, of_user.position)]);
    })
    .await;
}
