//! What clients are told of the objects that they listen to: what they have missed, then what happens, each once.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use testkit::{House, on_both};

async fn conversation_with(house: &House, identities: &[&str]) -> String {
    let sid = house.post("/v1/Conversations", "").await.sid();
    for identity in identities {
        house.post(&format!("/v1/Conversations/{sid}/Participants"), &format!("Identity={identity}")).await;
    }
    sid
}

async fn say(house: &House, conversation: &str, body: &str) -> String {
    house.post(&format!("/v1/Conversations/{conversation}/Messages"), &format!("Body={body}")).await.sid()
}

/// Each event in a line: its type, its object and item, its id, and what it says.
fn lines(told: &[Json]) -> Vec<String> {
    let mut lines = Vec::new();
    for message in told {
        let kind = message["event_type"].as_str().expect("it says what it is");
        for event in message["events"].as_array().expect("it has events") {
            let of =
                |names: &[&str]| names.iter().map(|name| event[*name].clone()).find(|value| !value.is_null());
            let object = of(&["object_sid", "document_sid", "list_sid", "map_sid"]).unwrap_or_default();
            let object =
                object.as_str().unwrap_or_default().rsplit('.').next().unwrap_or_default().to_owned();
            let item = of(&["item_index", "item_key"]).unwrap_or_default();
            let item = if item.is_string() { Json::from("..") } else { item };
            let id = of(&["id", "last_event_id"]).unwrap_or_default();
            let text = event["item_data"]["text"].as_str().unwrap_or_default();
            let error = &event["error"]["code"];
            let number = &message["correlation_id"];
            lines.push(format!("{kind} {object} {item} {id} {text} {error} {number}").replace("null", "-"));
        }
    }
    lines
}

#[tokio::test]
async fn what_was_missed_comes_first_and_then_what_happens_each_once() {
    let told = on_both(async |house| {
        let sid = conversation_with(house, &["alice"]).await;
        let mut alice = house.client("alice").await;
        let (messages, roster, channel) =
            (format!("{sid}.messages"), format!("{sid}.roster"), format!("{sid}.channel"));
        say(house, &sid, "before").await;
        let seen = alice.ask(http::Method::GET, &format!("/v3/Lists/{messages}"), ("", "")).await;
        let seen = seen.get("last_event_id").as_i64().expect("a number");
        let missed = say(house, &sid, "missed").await;
        say(house, &sid, "missed+too").await;
        house.post(&format!("/v1/Conversations/{sid}/Messages/{missed}"), "Body=edited").await;
        house.note(alice.subscribe(7, &[(&messages, seen), (&roster, seen), (&channel, seen)]).await.text());
        house.note(lines(&alice.told().await).join("\n"));
        say(house, &sid, "live").await;
        house.delete(&format!("/v1/Conversations/{sid}/Messages/{missed}")).await;
        house.note(lines(&alice.told().await).join("\n"));
        // Nothing that anybody sees.
        house.post(&format!("/v1/Conversations/{sid}"), "").await;
        house.note(lines(&alice.told().await).join("\n"));
        let (body, kind) = (
            format!(
                r#"{{"action":"cancel","correlation_id":8,"requests":[
                {{"object_sid":"{messages}","object_type":"list"}}]}}"#
            ),
            "application/json",
        );
        alice.ask(http::Method::POST, "/v4/Subscriptions", (kind, &body)).await;
        say(house, &sid, "unheard").await;
        house.note(lines(&alice.told().await).join("\n"));
        house.delete(&format!("/v1/Conversations/{sid}")).await;
        house.note(lines(&alice.told().await).join("\n"));
    })
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn nobody_listens_to_what_is_not_theirs() {
    let told = on_both(async |house| {
        let sid = conversation_with(house, &["alice"]).await;
        let (mut alice, mut bob) = (house.client("alice").await, house.client("bob").await);
        let theirs = [
            format!("{sid}.messages"),
            format!("{sid}.roster"),
            format!("{sid}.channel"),
            alice.conversations(),
            "CH00000000000000000000000000000fff.messages".to_owned(),
        ];
        let theirs: Vec<(&str, i64)> = theirs.iter().map(|name| (name.as_str(), 0)).collect();
        bob.subscribe(1, &theirs).await;
        house.note(lines(&bob.told().await).join("\n"));
        say(house, &sid, "for+alice").await;
        house.note(lines(&bob.told().await).join("\n"));
        let junk = r#"{"action":"establish","correlation_id":2,"requests":[
            {"object_sid":"junk","object_type":"list","last_event_id":0},
            {"object_sid":"CH.messages","object_type":"map","last_event_id":null}]}"#;
        bob.ask(http::Method::POST, "/v4/Subscriptions", ("application/json", junk)).await;
        house.note(lines(&bob.told().await).join("\n"));
        for wrong in ["", "{}", "[]", r#"{"action":"stay","correlation_id":1,"requests":[]}"#] {
            let reply = bob.ask(http::Method::POST, "/v4/Subscriptions", ("application/json", wrong)).await;
            house.note(reply.code());
        }
        // What somebody may not see is still there for who may.
        alice.subscribe(3, &[(&format!("{sid}.messages"), 0)]).await;
        house.note(lines(&alice.told().await).join("\n"));
    })
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn who_leaves_hears_no_more_and_the_others_do() {
    let told = on_both(async |house| {
        let sid = conversation_with(house, &["alice", "bob"]).await;
        let (mut alice, mut bob) = (house.client("alice").await, house.client("bob").await);
        let messages = format!("{sid}.messages");
        for client in [&alice, &bob] {
            let mine = client.conversations();
            client.subscribe(1, &[(&messages, i64::MAX), (&mine, i64::MAX)]).await;
        }
        alice.told().await;
        bob.told().await;
        // Both in one reading: nothing of what was said after it reaches who is out.
        house.delete(&format!("/v1/Conversations/{sid}/Participants/bob")).await;
        say(house, &sid, "behind+his+back").await;
        house.note(lines(&alice.told().await).join("\n"));
        house.note(lines(&bob.told().await).join("\n"));
        house.post(&format!("/v1/Conversations/{sid}/Participants"), "Identity=bob").await;
        say(house, &sid, "again").await;
        house.note(lines(&bob.told().await).join("\n"));
        alice.leave();
        say(house, &sid, "to+nobody").await;
        house.note(lines(&bob.told().await).join("\n"));
    })
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn who_made_a_conversation_goes_on_seeing_it_whoever_leaves() {
    on_both(async |house| {
        let mut alice = house.client("alice").await;
        let sid = alice.post("/Conversations", "{}").await.sid();
        let (path, channel) = (format!("/v1/Conversations/{sid}"), format!("{sid}.channel"));
        house.post(&format!("{path}/Participants"), "Identity=bob").await;
        alice.subscribe(1, &[(&channel, i64::MAX)]).await;
        alice.told().await;
        house.delete(&format!("{path}/Participants/bob")).await;
        alice.told().await;
        house.post(&path, "FriendlyName=on").await;
        let kinds =
            |told: Vec<Json>| told.into_iter().map(|one| one["event_type"].clone()).collect::<Vec<_>>();
        assert_eq!(kinds(alice.told().await), ["document_updated"]);
        // What only members see goes with the membership.
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        alice.subscribe(2, &[(&format!("{sid}.messages"), i64::MAX)]).await;
        alice.told().await;
        house.delete(&format!("{path}/Participants/alice")).await;
        say(house, &sid, "behind+her+back").await;
        let told = kinds(alice.told().await);
        assert!(told.iter().all(|kind| kind == "document_updated") && !told.is_empty(), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn whose_user_is_deleted_is_judged_again() {
    let told = on_both(async |house| {
        let alice = house.client("alice").await;
        alice.arrive();
        house.note(format!("{}", alice.is_doubted().await));
        house.post("/v1/Users/alice", "FriendlyName=Al").await;
        house.note(format!("{}", alice.is_doubted().await));
        house.delete("/v1/Users/alice").await;
        house.note(format!("{}", alice.is_doubted().await));
    })
    .await;
    insta::assert_snapshot!(told, @"
    false

    false

    true
    ");
}

/// What a client makes of what it is told, as the official one does.
#[derive(Default)]
struct View {
    seen: i64,
    texts: BTreeMap<i64, String>,
    ids: BTreeMap<i64, i64>,
}

impl View {
    fn take(&mut self, told: &[Json]) {
        for message in told {
            let kind = message["event_type"].as_str().expect("it says what it is");
            for event in message["events"].as_array().expect("it has events") {
                let Some(id) = event["id"].as_i64().or_else(|| event["last_event_id"].as_i64()) else {
                    continue;
                };
                self.seen = self.seen.max(id);
                if let Some(index) = event["item_index"].as_i64() {
                    let known = self.ids.insert(index, id);
                    assert!(known.is_none_or(|known| known < id), "{kind} of {index} is told twice: {id}");
                    if kind == "list_item_removed" {
                        self.texts.remove(&index);
                        continue;
                    }
                    let text = event["item_data"]["text"].as_str().expect("a message with a body");
                    let known = self.texts.insert(index, text.to_owned());
                    assert_eq!(known.is_some(), kind == "list_item_updated", "{kind} of {index}");
                }
            }
        }
    }
}

#[tokio::test]
async fn whoever_goes_and_comes_back_sees_what_is_there() {
    on_both(async |house| {
        let sid = conversation_with(house, &["alice"]).await;
        let messages = format!("{sid}.messages");
        let path = format!("/v1/Conversations/{sid}/Messages");
        let mut alice = house.client("alice").await;
        let mut view = View::default();
        let mut sids: Vec<String> = Vec::new();
        alice.subscribe(0, &[(&messages, 0)]).await;
        for round in 0..120_usize {
            match round % 7 {
                3 if !sids.is_empty() => {
                    let sid = sids.swap_remove(round % sids.len());
                    house.delete(&format!("{path}/{sid}")).await;
                }
                5 if !sids.is_empty() => {
                    let sid = &sids[round % sids.len()];
                    house.post(&format!("{path}/{sid}"), &format!("Body=edited+{round}")).await;
                }
                _ => sids.push(say(house, &sid, &format!("{round}")).await),
            }
            if round % 11 == 0 {
                // Away for a while, with what was told until then taken in.
                view.take(&alice.told().await);
                let other = house.client("alice").await;
                std::mem::replace(&mut alice, other).leave();
            }
            if round % 11 == 6 {
                alice.subscribe(1, &[(&messages, view.seen)]).await;
            }
            if round % 3 == 0 {
                view.take(&alice.told().await);
            }
        }
        alice.subscribe(2, &[(&messages, view.seen)]).await;
        view.take(&alice.told().await);
        let there = house.get(&format!("{path}?PageSize=100")).await.get("messages");
        let there: BTreeMap<i64, String> = there
            .as_array()
            .expect("a page")
            .iter()
            .map(|one| (one["index"].as_i64().unwrap_or(-1), one["body"].as_str().unwrap_or("").to_owned()))
            .collect();
        assert_eq!(view.texts, there);
    })
    .await;
}
