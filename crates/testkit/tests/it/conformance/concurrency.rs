//! Many at once: exactly one wins what only one may have, and nothing that is counted has a gap.

use std::collections::BTreeMap;
use std::sync::Arc;

use conversations::Failure;
use conversations::accounts::{self, AuthToken, CreateAccount};
use server::Settings;
use testkit::{Database, Engine, House, Reply, on_both};
use tokio::task::JoinSet;

use super::one;
use crate::rest::conversation;

/// Sends all of it at once and counts the answers by their codes.
async fn at_once(requests: impl IntoIterator<Item = (House, String, String)>) -> BTreeMap<String, usize> {
    let mut tasks = JoinSet::new();
    for (house, path, form) in requests {
        tasks.spawn(async move { house.post(&path, &form).await });
    }
    let mut codes = BTreeMap::new();
    for reply in tasks.join_all().await {
        *codes.entry(reply.code()).or_default() += 1;
    }
    codes
}

fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.into_iter().map(|(code, count)| (code.to_owned(), count)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_who_add_one_identity_one_wins() {
    on_both(async |house| {
        for identity in ["alice", "bob", "carol"] {
            let path = format!("{}/Participants", conversation(house).await);
            let form = format!("Identity={identity}");
            let codes = at_once((0..20).map(|_| (house.clone(), path.clone(), form.clone()))).await;
            assert_eq!(codes, counts([("201", 1), ("409 50433", 19)]), "{:?}", house.engine);
        }
    })
    .await;
}

/// What many ask for at once is read together; whoever asks for what is not there is told so, and nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_fetch_each_gets_what_is_its_own() {
    on_both(async |house| {
        let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
        let mut asked: Vec<(String, String)> = Vec::new();
        for number in 0..10 {
            let path = conversation(house).await;
            let sid = path.rsplit('/').next().expect("a sid").to_owned();
            let identity = format!("user-{number}");
            let participant =
                house.post(&format!("{path}/Participants"), &format!("Identity={identity}")).await.sid();
            let message = house.post(&format!("{path}/Messages"), "Body=hello").await.sid();
            let user = house.get(&format!("/v1/Users/{identity}")).await.sid();
            asked.extend([
                (format!("{path}/Participants/{participant}"), participant.clone()),
                (format!("{path}/Participants/{identity}"), participant.clone()),
                (format!("/v1/Services/{service}{}/Participants/{identity}", &path[3..]), participant),
                (format!("{path}/Participants/nobody"), "404 20404".to_owned()),
                (format!("{path}/Participants/{message}"), "404 20404".to_owned()),
                (format!("{path}/Messages/{message}"), message.clone()),
                (format!("{path}/Messages/{user}"), "404 20404".to_owned()),
                (path.clone(), sid.clone()),
                (format!("/v1/Users/{user}"), user.clone()),
                (format!("/v1/Users/{identity}"), user.clone()),
                (format!("/v1/Users/{identity}/Conversations/{sid}"), sid.clone()),
                (format!("/v1/Users/{user}/Conversations/{sid}"), sid),
            ]);
        }
        let mut tasks = JoinSet::new();
        for (path, expected) in asked.iter().chain(&asked).cloned() {
            let house = house.clone();
            tasks.spawn(async move {
                let reply = house.get(&path).await;
                let told = match reply.json().get("sid").or(reply.json().get("conversation_sid")) {
                    Some(sid) => sid.as_str().expect("a sid is text").to_owned(),
                    None => reply.code(),
                };
                (path, told, expected)
            });
        }
        for (path, told, expected) in tasks.join_all().await {
            assert_eq!(told, expected, "{:?} {path}", house.engine);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_conversations_that_want_one_pair_one_gets_it() {
    on_both(async |house| {
        let pair = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15017122661";
        for _ in 0..3 {
            let mut conversations = Vec::new();
            for _ in 0..20 {
                conversations.push(conversation(house).await);
            }
            let request = |path: &String| (house.clone(), format!("{path}/Participants"), pair.to_owned());
            let codes = at_once(conversations.iter().map(request)).await;
            assert_eq!(codes, counts([("201", 1), ("409 50416", 19)]), "{:?}", house.engine);
            for path in &conversations {
                house.post(path, "State=closed").await;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_user_who_reads_everywhere_at_once_takes_a_position_for_each() {
    on_both(async |house| {
        let mut conversations = Vec::new();
        for _ in 0..8 {
            let path = conversation(house).await;
            house.post(&format!("{path}/Participants"), "Identity=alice").await;
            house.post(&format!("{path}/Messages"), "Body=hello").await;
            conversations.push(path.trim_start_matches("/v1").to_owned());
        }
        let sid = house.get("/v1/Users/alice").await.sid();
        let sid = sid.as_str();
        let requests = (0..5).flat_map(|round| {
            let of_user = if round % 2 == 0 { "alice" } else { sid };
            let path = move |path: &String| format!("/v1/Users/{of_user}{path}");
            conversations
                .iter()
                .map(path)
                .map(|path| (house.clone(), path, "LastReadMessageIndex=0".to_owned()))
        });
        assert_eq!(at_once(requests).await, counts([("200", 40)]), "{:?}", house.engine);
        let positions = "SELECT position FROM user_heads";
        let found = house.app.store().read(|tx| tx.rows(positions, &[], one::<i64>)).await;
        assert_eq!(found.expect("the store reads"), [1 + 8 + 40], "{:?}", house.engine);
        let changed = "SELECT position_changed FROM memberships ORDER BY position_changed DESC";
        let mut found =
            house.app.store().read(|tx| tx.rows(changed, &[], one::<i64>)).await.expect("as above");
        assert_eq!(found[0], 1 + 8 + 40);
        found.dedup();
        assert_eq!(found.len(), 8, "{:?}", house.engine);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_new_identity_in_many_conversations_makes_one_user() {
    on_both(async |house| {
        let mut requests = Vec::new();
        for _ in 0..20 {
            let path = format!("{}/Participants", conversation(house).await);
            requests.push((house.clone(), path, "Identity=alice".to_owned()));
        }
        assert_eq!(at_once(requests).await, counts([("201", 20)]), "{:?}", house.engine);
        let users = house.get("/v1/Users").await.get("users");
        assert_eq!(users.as_array().map(Vec::len), Some(1));
        let joined = house.get("/v1/Users/alice/Conversations").await.get("conversations");
        assert_eq!(joined.as_array().map(Vec::len), Some(20));
    })
    .await;
}

/// All messages of a conversation.
async fn indexes(house: &House, conversation: &str) -> Vec<i64> {
    let mut page = format!("{conversation}/Messages?PageSize=100");
    let mut indexes = Vec::new();
    loop {
        let reply: Reply = house.get(&page).await;
        let messages = reply.get("messages");
        indexes.extend(messages.as_array().expect("a list").iter().filter_map(|one| one["index"].as_i64()));
        let meta = reply.get("meta");
        let Some(next) = meta["next_page_url"].as_str() else { return indexes };
        page = String::from(next.strip_prefix("http://tertulia.test").expect("on the host"));
    }
}

/// The head's position, and those of its messages in the order of their indexes.
async fn positions(house: &House, conversation: &str) -> (i64, Vec<i64>) {
    let sid =
        wire::Sid::<conversations::Conversation>::parse(conversation.rsplit('/').next().expect("a sid"));
    let sid = sid.expect("a sid");
    let read = move |tx: &mut store::Tx<'_>| {
        let head = "SELECT position FROM conversation_heads WHERE sid = $1";
        let messages = "SELECT position_added FROM messages WHERE conversation_sid = $1 ORDER BY key";
        let head = tx.row(head, &[&sid], one)?.expect("it is there");
        Ok::<_, store::StoreError>((head, tx.rows(messages, &[&sid], one)?))
    };
    house.app.store().read(read).await.expect("the store reads")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn indexes_and_positions_have_no_gap_and_the_same_order() {
    on_both(async |house| {
        let path = conversation(house).await;
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        let messages =
            (0..200).map(|number| (house.clone(), format!("{path}/Messages"), format!("Body={number}")));
        let horizons = (0..50).map(|number| {
            (house.clone(), format!("{path}/Participants/alice"), format!("LastReadMessageIndex={number}"))
        });
        let codes = at_once(messages.chain(horizons)).await;
        assert_eq!(codes, counts([("200", 50), ("201", 200)]), "{:?}", house.engine);
        assert_eq!(indexes(house, &path).await, (0..200).collect::<Vec<_>>());
        let (head, added) = positions(house, &path).await;
        // Created, joined, 200 messages, 50 horizons.
        assert_eq!(head, 252);
        assert!(added.is_sorted() && added.windows(2).all(|pair| pair[0] < pair[1]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_on_one_database_refuse_nothing_and_lose_nothing() {
    let database = Database::create(Engine::Postgres).await;
    let one = House::open(Engine::Postgres, &database, Settings::default()).await;
    let ids = Arc::clone(&one.ids);
    let other = House::join(Engine::Postgres, &database, Settings::default(), ids);
    let mut conversations = Vec::new();
    for _ in 0..6 {
        conversations.push(conversation(&one).await);
    }
    let mut requests = Vec::new();
    for round in 0..40 {
        for (place, path) in conversations.iter().enumerate() {
            let node = if (round + place) % 2 == 0 { &one } else { &other };
            requests.push((
                node.clone(),
                format!("{path}/Messages"),
                format!("Body={round}&Author=user-{place}"),
            ));
            if round % 4 == 0 {
                // Every identity joins every conversation, in another order on each.
                let user = (round / 4 + place * 3) % 10;
                requests.push((
                    node.clone(),
                    format!("{path}/Participants"),
                    format!("Identity=user-{user}"),
                ));
                requests.push((node.clone(), path.clone(), format!("FriendlyName=round-{round}")));
                requests.push((
                    node.clone(),
                    format!(
                        "/v1/Users/user-{user}/Conversations/{}",
                        path.rsplit('/').next().expect("a sid")
                    ),
                    "LastReadMessageIndex=0".to_owned(),
                ));
            }
        }
    }
    let codes = at_once(requests).await;
    // A horizon may come before its member has joined; everything else is granted.
    let granted: usize =
        codes.iter().filter(|(code, _)| *code == "200" || *code == "201").map(|(_, n)| n).sum();
    let early = codes.get("404 20404").copied().unwrap_or_default();
    assert_eq!(granted + early, codes.values().sum::<usize>(), "{codes:?}");
    assert!(codes["201"] == 6 * 50, "{codes:?}");
    for path in &conversations {
        assert_eq!(indexes(&other, path).await, (0..40).collect::<Vec<_>>());
        let participants = other.get(&format!("{path}/Participants")).await.get("participants");
        assert_eq!(participants.as_array().map(Vec::len), Some(10));
    }
    assert_eq!(one.get("/v1/Users").await.get("users").as_array().map(Vec::len), Some(10));
    one.close();
    other.close();
    drop((one, other));
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_nodes_that_start_at_once_one_makes_the_first_account() {
    let database = Database::create(Engine::Postgres).await;
    let ids = Arc::new(testkit::CountingIds::default());
    let nodes =
        [(); 2].map(|()| House::join(Engine::Postgres, &database, Settings::default(), Arc::clone(&ids)));
    let mut starts = JoinSet::new();
    for node in &nodes {
        let (store, ids) = (node.app.store().clone(), Arc::clone(&ids));
        let found = move |tx: &mut store::Tx<'_>| {
            let vault = conversations::Vault::new(&[7; 32]);
            accounts::create_first(tx, &*ids, &vault, &CreateAccount::default())
        };
        starts.spawn(async move { store.write(store::Roots::none(), found).await.is_ok() });
    }
    let mut made = starts.join_all().await;
    made.sort_unstable();
    assert_eq!(made, [false, true]);
    let listed = nodes[0].app.store().read(accounts::list).await.expect("the store reads");
    assert_eq!(listed.len(), 1);
    nodes.iter().for_each(House::close);
    drop(nodes);
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_tokens_changed_at_once_are_both_kept() {
    on_both(async |house| {
        let sid = wire::Sid::parse(testkit::ACCOUNT_SID).expect("a sid");
        let mut changes = JoinSet::new();
        for which in [AuthToken::Primary, AuthToken::Secondary] {
            let (store, ids) = (house.app.store().clone(), Arc::clone(&house.ids));
            let change = move |tx: &mut store::Tx<'_>| {
                let vault = conversations::Vault::new(&[7; 32]);
                accounts::set_auth_token(tx, &*ids, &vault, (sid, which), Some("new"))
            };
            changes
                .spawn(async move { store.write::<_, Failure>(store::Roots::none(), change).await.is_ok() });
        }
        assert_eq!(changes.join_all().await, [true, true]);
        let find = move |tx: &mut store::Tx<'_>| accounts::find(tx, sid);
        let account = house.app.store().read(find).await.expect("the store reads").expect("it is there");
        assert_eq!(account.auth_tokens(&conversations::Vault::new(&[7; 32])), ["new", "new"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_who_bring_the_same_pairs_in_any_order_one_gets_all_of_them() {
    on_both(async |house| {
        for round in 0..3 {
            let phones: Vec<String> = (0..5)
                .map(|number| {
                    format!(
                        "Participant=%7B%22messaging_binding%22:%7B%22address%22:%22%2B1555867531{number}%22,\
                         %22proxy_address%22:%22%2B1501712266{round}%22%7D%7D"
                    )
                })
                .collect();
            let mut backwards = phones.clone();
            backwards.reverse();
            let path = "/v1/ConversationWithParticipants".to_owned();
            let requests = (0..20).map(|number| {
                let order = if number % 2 == 0 { &phones } else { &backwards };
                // New identities are claimed too, in an order that differs as well.
                let names = if number % 2 == 0 { ["a", "b"] } else { ["b", "a"] };
                let chat = names
                    .map(|name| format!("Participant=%7B%22identity%22:%22{name}-{round}%22%7D"))
                    .join("&");
                (house.clone(), path.clone(), format!("{chat}&{}", order.join("&")))
            });
            let codes = at_once(requests).await;
            assert_eq!(codes, counts([("202", 1), ("409 50425", 19)]), "{:?}", house.engine);
        }
        let conversations = house.get("/v1/Conversations").await.get("conversations");
        assert_eq!(conversations.as_array().map(Vec::len), Some(3));
        let users = house.get("/v1/Users").await.get("users");
        assert_eq!(users.as_array().map(Vec::len), Some(6));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn new_identities_that_come_together_in_opposite_orders_all_get_in() {
    on_both(async |house| {
        let names: Vec<String> =
            (0..8).map(|number| format!("Participant=%7B%22identity%22:%22user-{number}%22%7D")).collect();
        let mut backwards = names.clone();
        backwards.reverse();
        let path = "/v1/ConversationWithParticipants".to_owned();
        let requests = (0..20).map(|number| {
            let order = if number % 2 == 0 { &names } else { &backwards };
            (house.clone(), path.clone(), order.join("&"))
        });
        assert_eq!(at_once(requests).await, counts([("202", 20)]), "{:?}", house.engine);
        let users = house.get("/v1/Users").await.get("users");
        assert_eq!(users.as_array().map(Vec::len), Some(8));
        for number in 0..8 {
            let joined =
                house.get(&format!("/v1/Users/user-{number}/Conversations")).await.get("conversations");
            assert_eq!(joined.as_array().map(Vec::len), Some(20));
        }
    })
    .await;
}
