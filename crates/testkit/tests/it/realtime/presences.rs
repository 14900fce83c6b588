//! Who is on line: with the first connection to any node, until the last one ends, or the node dies.

use conversations::presences::{self, Node};
use insta::assert_snapshot;
use store::Roots;
use testkit::{House, on_both};
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
