//! Pages of items: both orders, by `From` and by token, with gaps.

use insta::assert_snapshot;
use serde_json::Value;
use testkit::{House, on_both};

use super::Viewer;

/// The indexes or keys of a page, and which tokens there are.
async fn page(viewer: &Viewer, path: &str) -> (Vec<String>, [Option<String>; 2]) {
    let reply = viewer.get(path).await;
    let body = reply.json();
    let items = body["items"].as_array().unwrap_or_else(|| panic!("no items in {}", reply.text()));
    let name = |item: &Value| match item.get("index") {
        Some(index) => index.to_string(),
        None => item["key"].as_str().expect("a key").to_owned(),
    };
    let token = |name: &str| body["meta"][name].as_str().map(str::to_owned);
    (items.iter().map(name).collect(), [token("previous_token"), token("next_token")])
}

/// Indexes 0 to 9 without 0, 4 and 9.
async fn list(house: &House) -> (Viewer, String) {
    let alice = Viewer::new(house, "alice").await;
    let sid = house.post("/v1/Conversations", "").await.sid();
    let path = format!("/v1/Conversations/{sid}");
    house.post(&format!("{path}/Participants"), "Identity=alice").await;
    for index in 0..10 {
        let message = house.post(&format!("{path}/Messages"), &format!("Body={index}")).await.sid();
        if [0, 4, 9].contains(&index) {
            house.delete(&format!("{path}/Messages/{message}")).await;
        }
    }
    (alice, format!("/v3/Lists/{sid}.messages/Items"))
}

#[tokio::test]
async fn a_list_by_from() {
    let told = on_both(async |house| {
        let (alice, list) = list(house).await;
        for query in [
            "",
            "Order=desc",
            "PageSize=3",
            "PageSize=3&Order=desc",
            "From=3&PageSize=3",
            "From=4&PageSize=2",
            "From=4&PageSize=2&Order=desc",
            "From=3&PageSize=2&Order=desc",
            "From=8&PageSize=9",
            "From=1&PageSize=9&Order=desc",
            "From=9&Order=asc",
            "From=0&Order=desc",
            "From=-5&PageSize=1",
            "From=-5&Order=desc",
            "From=99999999999999&Order=desc&PageSize=1",
            "From=99999999999999",
            "PageSize=7",
            "PageSize=1000",
            "Index=5",
            "Index=4",
            "Index=-1",
            "From=x",
            "PageSize=x",
            "Order=up",
            "PageSize=0",
            "PageToken=x",
        ] {
            let reply = alice.get(&format!("{list}?{query}")).await;
            if reply.status != 200 {
                house.note(format!("{query}: {}", reply.code()));
                continue;
            }
            let (items, tokens) = page(&alice, &format!("{list}?{query}")).await;
            let [previous, next] = tokens.map(|token| token.is_some());
            house.note(format!("{query}: {} (previous {previous}, next {next})", items.join(" ")));
        }
    })
    .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn tokens_lead_through_everything_and_back_in_either_order() {
    on_both(async |house| {
        let (alice, list) = list(house).await;
        let sid = list.trim_start_matches("/v3/Lists/").split_once('.').expect("a name").0.to_owned();
        for name in ["bob", "cy", "dan", "eve"] {
            house.post(&format!("/v1/Conversations/{sid}/Participants"), &format!("Identity={name}")).await;
        }
        let info = format!("/v3/Maps/{}.info/Items", alice.user());
        for path in [list, format!("/v3/Maps/{sid}.roster/Items"), info] {
            let (all, _) = page(&alice, &path).await;
            assert!(all.len() > 1);
            for (order, size) in [("asc", 1), ("asc", 2), ("asc", 3), ("desc", 1), ("desc", 2), ("desc", 4)] {
                let mut expected = all.clone();
                if order == "desc" {
                    expected.reverse();
                }
                let mut pages = vec![page(&alice, &format!("{path}?Order={order}&PageSize={size}")).await];
                while let Some(token) = pages[pages.len() - 1].1[1].clone() {
                    pages.push(page(&alice, &format!("{path}?PageToken={token}&Order=asc&PageSize=9")).await);
                }
                let seen: Vec<String> = pages.iter().flat_map(|(items, _)| items.clone()).collect();
                assert_eq!(seen, expected, "{path} {order} {size}");
                assert_eq!(pages[0].1[0], None);
                for place in (1..pages.len()).rev() {
                    let token = pages[place].1[0].clone().expect("there was something before");
                    let before = page(&alice, &format!("{path}?PageToken={token}")).await;
                    assert_eq!(before.0, pages[place - 1].0, "{path} {order} {size}");
                    assert_eq!(before.1[0].is_some(), place > 1, "{path} {order} {size}");
                    assert!(before.1[1].is_some());
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_map_begins_at_the_next_key_where_one_is_gone() {
    on_both(async |house| {
        let (alice, list) = list(house).await;
        let sid = list.trim_start_matches("/v3/Lists/").split_once('.').expect("a name").0.to_owned();
        let path = format!("/v1/Conversations/{sid}/Participants");
        for name in ["bob", "cy", "dan"] {
            house.post(&path, &format!("Identity={name}")).await;
        }
        let map = format!("/v3/Maps/{sid}.roster/Items");
        let (all, _) = page(&alice, &map).await;
        let gone = house.get(&format!("{path}/cy")).await.sid();
        house.delete(&format!("{path}/cy")).await;
        let left: Vec<String> = all.iter().filter(|key| **key != gone).cloned().collect();
        let ascending = page(&alice, &format!("{map}?From={gone}")).await.0;
        let descending = page(&alice, &format!("{map}?From={gone}&Order=desc")).await.0;
        assert_eq!(ascending, left.iter().filter(|key| **key > gone).cloned().collect::<Vec<_>>());
        assert_eq!(descending, left.iter().rev().filter(|key| **key < gone).cloned().collect::<Vec<_>>());
        assert_eq!(page(&alice, &format!("{map}?From=A")).await.0, left);
        assert_eq!(page(&alice, &format!("{map}?From=a")).await.0, Vec::<String>::new());
        assert_eq!(page(&alice, &format!("{map}?From=a&Order=desc")).await.0.len(), left.len());
        assert_eq!(page(&alice, &format!("{map}?From=MBg&PageSize=1")).await.0, Vec::<String>::new());
        assert_eq!(page(&alice, &format!("{map}?Key={gone}")).await.0, Vec::<String>::new());
        assert_eq!(page(&alice, &format!("{map}?Key={}", left[0])).await.0, left[..1]);
        assert_eq!(page(&alice, &format!("{map}?Key=junk")).await.0, Vec::<String>::new());
    })
    .await;
}
