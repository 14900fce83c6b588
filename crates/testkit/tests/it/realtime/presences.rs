//! Who is on line: with the first connection to any node, until the last one ends, or the node dies.

use conversations::presences::{self, Node};
use insta::assert_snapshot;
use server::realtime::look_at_reachability;
use store::Roots;
use testkit::{Client, House, on_both};
use wire::Sid;

const HERE: Node = [1; 16];
const THERE: Node = [2; 16];

/// Notes that alice is connected to a node, or is no longer.
async fn settle(house: &House, node: Node, is_here: bool) {
    let user = house.get("/v1/Users/alice").await;
    let sid = |name: &str| user.field(name);
    let account = Sid::parse(&sid("account_sid")).expect("it is one");
    let service = Sid::parse(&sid("chat_service_sid")).expect("it is one");
    let user = Sid::parse(&sid("sid")).expect("it is one");
    let write = move |tx: &mut store::Tx<'_>| {
        presences::renew(tx, node)?;
        presences::settle(tx, node, ((account, service), user), is_here)
    };
    house.app.store().write(Roots::none(), write).await.expect("it is noted");
}

async fn is_online(house: &House) -> String {
    house.get("/v1/Users/alice").await.get("is_online").to_string()
}

/// Sweeps up after the nodes that are gone; how many there were.
async fn sweep(house: &House) -> usize {
    let mut nodes = Vec::new();
    while let Some(node) = house.app.store().read(presences::next_gone).await.expect("it is read") {
        house
            .app
            .store()
            .write(Roots::none(), move |tx| presences::sweep(tx, node))
            .await
            .expect("it is swept");
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    nodes.len()
}

async fn reachability(house: &House, is_kept: bool) {
    let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
    let form = format!("ReachabilityEnabled={is_kept}");
    house.post(&format!("/v1/Services/{service}/Configuration"), &form).await;
}

#[tokio::test]
async fn the_last_connection_to_any_node_takes_a_user_off_line_and_so_does_its_death() {
    let told = on_both(async |house| {
        house.post("/v1/Users", "Identity=alice").await;
        settle(house, HERE, true).await;
        house.note(format!("not kept: {}", is_online(house).await));
        settle(house, HERE, false).await;
        reachability(house, true).await;
        house.note(format!("never: {}", is_online(house).await));
        settle(house, HERE, true).await;
        settle(house, THERE, true).await;
        house.note(format!("on two: {}", is_online(house).await));
        settle(house, HERE, false).await;
        house.note(format!("on one: {}", is_online(house).await));
        house.note(format!("{} nodes are gone: {}", sweep(house).await, is_online(house).await));
        house.clock.advance_seconds(presences::LEASE_SECONDS + 1);
        house.note(format!("{} nodes are gone: {}", sweep(house).await, is_online(house).await));
        settle(house, HERE, true).await;
        house.note(format!("back: {}", is_online(house).await));
        settle(house, HERE, false).await;
        house.note(format!("off: {}", is_online(house).await));
    })
    .await;
    assert_snapshot!(told, @"
    not kept: null

    never: false

    on two: true

    on one: true

    0 nodes are gone: true

    2 nodes are gone: false

    back: true

    off: false
    ");
}

/// What a client is told of the reachability of others, in a line each.
async fn told(client: &mut Client, named: &[(&str, String)]) -> String {
    let mut lines = Vec::new();
    for message in client.told().await {
        for event in message["events"].as_array().into_iter().flatten() {
            if event["item_key"] == "reachability" {
                let name = named.iter().find(|(_, info)| event["map_sid"] == **info).map(|(name, _)| *name);
                lines.push(format!("{}: {}", name.unwrap_or("?"), event["item_data"]));
            }
        }
    }
    lines.sort();
    lines.join("\n")
}

async fn look(house: &House) {
    look_at_reachability(&house.app).await.expect("it is looked at");
}

#[tokio::test]
async fn who_is_connected_learns_that_a_service_keeps_reachability_now_or_no_longer() {
    let told = on_both(async |house| {
        let (mut alice, bob, carol) =
            (house.client("alice").await, house.client("bob").await, house.client("carol").await);
        alice.come().await;
        bob.come().await;
        let named = [("alice", alice.info()), ("bob", bob.info()), ("carol", carol.info())];
        let all: Vec<(&str, i64)> = named.iter().map(|(_, info)| (info.as_str(), i64::MAX)).collect();
        alice.subscribe(1, &all).await;
        told(&mut alice, &named).await;
        look(house).await;
        house.note(format!("as it was: {:?}", told(&mut alice, &named).await));
        reachability(house, true).await;
        look(house).await;
        house.note(format!("on:\n{}", told(&mut alice, &named).await));
        house.note(format!("alice by REST: {}", is_online(house).await));
        look(house).await;
        house.note(format!("looked again: {:?}", told(&mut alice, &named).await));
        carol.come().await;
        house.note(format!("carol comes:\n{}", told(&mut alice, &named).await));
        reachability(house, false).await;
        // Who goes before anybody has looked is not on line for ever.
        bob.go().await;
        told(&mut alice, &named).await;
        look(house).await;
        house.note(format!("off:\n{}", told(&mut alice, &named).await));
        reachability(house, true).await;
        look(house).await;
        house.note(format!("on again:\n{}", told(&mut alice, &named).await));
        alice.go().await;
        carol.go().await;
        house.note(format!("nobody is there:\n{}", told(&mut alice, &named).await));
    })
    .await;
    assert_snapshot!(told, @r#"
    as it was: ""

    on:
    alice: {"notifiable":null,"online":true}
    bob: {"notifiable":null,"online":true}
    carol: {"notifiable":null,"online":false}

    alice by REST: true

    looked again: ""

    carol comes:
    carol: {"notifiable":null,"online":true}

    off:
    alice: {"notifiable":null,"online":null}
    bob: {"notifiable":null,"online":null}
    carol: {"notifiable":null,"online":null}

    on again:
    alice: {"notifiable":null,"online":true}
    bob: {"notifiable":null,"online":false}
    carol: {"notifiable":null,"online":true}

    nobody is there:
    alice: {"notifiable":null,"online":false}
    carol: {"notifiable":null,"online":false}
    "#);
}

#[tokio::test]
async fn many_who_are_connected_are_noted_a_step_at_a_time() {
    on_both(async |house| {
        let mut clients = Vec::new();
        for number in 0..101 {
            let client = house.client(&format!("user{number}")).await;
            client.come().await;
            clients.push(client);
        }
        for is_kept in [true, false, true] {
            reachability(house, is_kept).await;
            look(house).await;
            let count = |row: &mut store::Row<'_>| row.next::<i64>();
            let read = move |tx: &mut store::Tx<'_>| tx.row("SELECT COUNT(*) FROM presences", &[], count);
            let noted = house.app.store().read(read).await.expect("they are counted");
            assert_eq!(noted, Some(if is_kept { 101 } else { 0 }), "{:?}", house.engine);
        }
    })
    .await;
}

#[tokio::test]
async fn a_node_knows_whether_it_is_alone() {
    on_both(async |house| {
        house.post("/v1/Users", "Identity=alice").await;
        let has_others = async |node: Node| {
            let read = move |tx: &mut store::Tx<'_>| presences::has_others(tx, node);
            house.app.store().read(read).await.expect("it is read")
        };
        settle(house, HERE, true).await;
        assert!(!has_others(HERE).await && has_others(THERE).await);
        house.clock.advance_seconds(presences::LEASE_SECONDS / 2);
        settle(house, THERE, true).await;
        assert!(has_others(HERE).await && has_others(THERE).await);
        house.clock.advance_seconds(presences::LEASE_SECONDS / 2 + 1);
        assert!(has_others(HERE).await && !has_others(THERE).await);
    })
    .await;
}
