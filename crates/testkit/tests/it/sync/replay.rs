//! What a client saw at any moment, and what it is told of changes since, make what is there now: after random
//! histories, for every object, applied as the SDK applies it.

use std::collections::BTreeMap;

use conversations::sync::{Action, Changes, SyncObject, changes_of_conversation, changes_of_user};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use serde_json::Value;
use server::Settings;
use testkit::{Database, Engine, House};
use tokio::runtime::Runtime;
use wire::Sid;

use super::Viewer;

const PEOPLE: [&str; 3] = ["ann", "bob", "cy"];

/// What a client keeps of one object.
#[derive(Clone, Debug)]
struct Copy {
    object: SyncObject,
    last_event_id: i64,
    /// Of a document.
    data: Value,
    items: BTreeMap<String, Value>,
    /// Of items that are there and of some that are not.
    known: BTreeMap<String, i64>,
}

impl Copy {
    /// Opens an object. Items are read after the root, as a client does: `between` is what happens meanwhile.
    async fn open(viewer: &Viewer, object: SyncObject, between: impl AsyncFnOnce()) -> Option<Self> {
        let path = object.url("");
        let root = viewer.get(&path).await;
        if root.status != 200 {
            return None;
        }
        let root = root.json();
        let last_event_id = root["last_event_id"].as_i64().expect("a number");
        let data = root["data"].clone();
        let mut copy = Self { object, last_event_id, data, items: BTreeMap::new(), known: BTreeMap::new() };
        between().await;
        if root.get("links").is_none() {
            return Some(copy);
        }
        let mut page = format!("{path}/Items?PageSize=3");
        loop {
            let body = viewer.get(&page).await.json();
            for item in body["items"].as_array()? {
                let key = item.get("key").or(item.get("index")).expect("it has one").to_string();
                copy.known.insert(key.clone(), item["last_event_id"].as_i64().expect("a number"));
                copy.items.insert(key, item["data"].clone());
            }
            match body["meta"]["next_token"].as_str() {
                Some(token) => page = format!("{path}/Items?PageToken={token}"),
                None => return Some(copy),
            }
        }
    }

    /// Takes what is told, as the SDK does.
    fn apply(&mut self, changes: &Changes) -> Result<(), String> {
        let mut last = 0;
        for event in changes.events.iter().filter(|event| event.object == self.object) {
            if event.id < last {
                return Err(format!("{} comes after {last}", event.id));
            }
            last = event.id;
            let payload: Value = serde_json::from_slice(&event.payload).expect("it is JSON");
            let key = payload.get("item_key").or(payload.get("item_index")).map(Value::to_string);
            match (event.action, key) {
                (Action::Updated, None) => {
                    if event.id > self.last_event_id {
                        self.data = payload["document_data"].clone();
                    }
                }
                (Action::Added | Action::Updated, Some(key)) => {
                    if self.known.get(&key).is_some_and(|known| *known >= event.id) {
                        continue;
                    }
                    if event.action == Action::Updated && !self.items.contains_key(&key) {
                        return Err(format!("{key} is updated and was never added"));
                    }
                    self.known.insert(key.clone(), event.id);
                    self.items.insert(key, payload["item_data"].clone());
                }
                (Action::Removed, Some(key)) => {
                    // Always passed on, however old.
                    self.items.remove(&key);
                    let known = self.known.entry(key).or_default();
                    *known = event.id.max(*known);
                }
                other => return Err(format!("{other:?}")),
            }
            if self.object.object_type() != conversations::sync::ObjectType::Document {
                self.last_event_id = self.last_event_id.max(event.id);
            }
        }
        Ok(())
    }

    fn same(&self, now: &Self) -> Result<(), String> {
        if (&self.items, &self.data) == (&now.items, &now.data) {
            return Ok(());
        }
        Err(format!(
            "{}: {:?} {:?}\nbut there is {:?} {:?}",
            self.object, self.items, self.data, now.items, now.data
        ))
    }
}

/// One thing that happens: which, where or to whom, and a detail.
type Step = (u8, u8, u8);

fn history(length: usize) -> impl Strategy<Value = Vec<Step>> {
    vec((0..18_u8, any::<u8>(), any::<u8>()), 1..length)
}

struct World {
    house: House,
    viewers: Vec<Viewer>,
    rooms: Vec<String>,
}

impl World {
    async fn new(house: &House) -> Self {
        let mut viewers = Vec::new();
        for name in PEOPLE {
            viewers.push(Viewer::new(house, name).await);
        }
        let mut rooms = Vec::new();
        for _ in 0..2 {
            let form = "MessagingServiceSid=MG00000000000000000000000000000001";
            let room = house.post("/v1/Conversations", form).await.sid();
            house.post(&format!("/v1/Conversations/{room}/Participants"), "Identity=ann").await;
            rooms.push(room);
        }
        Self { house: house.clone(), viewers, rooms }
    }

    async fn step(&self, (kind, a, b): Step) {
        let house = &self.house;
        house.clock.advance_seconds(1);
        let room = format!("/v1/Conversations/{}", self.rooms[usize::from(a % 2)]);
        let person = PEOPLE[usize::from(b % 3)];
        match kind {
            0..=3 => {
                drop(house.post(&format!("{room}/Messages"), &format!("Author={person}&Body={a}")).await);
            }
            4..=6 => {
                let all = house.get(&format!("{room}/Messages")).await.json();
                let Some(all) = all["messages"].as_array().filter(|all| !all.is_empty()) else { return };
                let sid = all[usize::from(b) % all.len()]["sid"].as_str().expect("a sid");
                let message = format!("{room}/Messages/{sid}");
                if kind == 4 {
                    drop(house.delete(&message).await);
                } else {
                    drop(house.post(&message, &format!("Body=edited+{a}")).await);
                }
            }
            7 | 8 => drop(house.post(&format!("{room}/Participants"), &format!("Identity={person}")).await),
            9 | 10 => drop(house.delete(&format!("{room}/Participants/{person}")).await),
            11 => {
                let phone = format!("MessagingBinding.Address=%2B1555000000{}", b % 3);
                let proxy = "MessagingBinding.ProxyAddress=%2B15559999999";
                drop(house.post(&format!("{room}/Participants"), &format!("{phone}&{proxy}")).await);
            }
            12 => {
                let form = format!("LastReadMessageIndex={}", b / 3 % 4);
                drop(house.post(&format!("{room}/Participants/{person}"), &form).await);
            }
            13 => {
                let form = if b < 128 { "NotificationLevel=muted" } else { "LastReadMessageIndex=0" };
                let room = &self.rooms[usize::from(a % 2)];
                drop(house.post(&format!("/v1/Users/{person}/Conversations/{room}"), form).await);
            }
            14 => drop(house.post(&room, &format!("FriendlyName={b}")).await),
            15 => {
                let state = if b < 128 { "inactive" } else { "active" };
                drop(house.post(&room, &format!("State={state}")).await);
            }
            16 => drop(house.post(&format!("/v1/Users/{person}"), &format!("FriendlyName={a}")).await),
            _ => {
                let form = "Target=webhook&Configuration.Url=https://example.org/";
                drop(house.post(&format!("{room}/Webhooks"), form).await);
            }
        }
    }

    fn objects(&self) -> Vec<(usize, SyncObject)> {
        let mut all = Vec::new();
        for room in &self.rooms {
            let sid = Sid::parse(room).expect("it is one");
            for object in [SyncObject::Conversation(sid), SyncObject::Messages(sid), SyncObject::Roster(sid)]
            {
                all.extend((0..PEOPLE.len()).map(|who| (who, object)));
            }
        }
        for (who, viewer) in self.viewers.iter().enumerate() {
            let sid = Sid::parse(&viewer.user()).expect("it is one");
            all.extend([(who, SyncObject::MyConversations(sid)), (who, SyncObject::UserInfo(sid))]);
        }
        all
    }

    async fn open_all(&self) -> Vec<(usize, Copy)> {
        let mut copies = Vec::new();
        for (who, object) in self.objects() {
            if let Some(copy) = Copy::open(&self.viewers[who], object, async || ()).await {
                copies.push((who, copy));
            }
        }
        copies
    }

    /// What is told to who listens to whole roots.
    async fn live(&self, object: SyncObject, after: i64) -> Changes {
        let service = self.viewers[0].service();
        let read = move |tx: &mut store::Tx<'_>| match object {
            SyncObject::Conversation(sid) | SyncObject::Messages(sid) | SyncObject::Roster(sid) => {
                changes_of_conversation(tx, service, sid, after)
            }
            SyncObject::MyConversations(sid) | SyncObject::UserInfo(sid) => {
                changes_of_user(tx, service, sid, after)
            }
        };
        self.house.app.store().read(read).await.expect("it is told")
    }
}

/// Lives a history with clients that opened everything at different moments, and brings them all to its end.
async fn live(engine: Engine, history: &[Step]) -> Result<(), String> {
    let database = Database::create(engine).await;
    let house = House::open(engine, &database, Settings::default()).await;
    let world = World::new(&house).await;
    let mut away = Vec::new();
    let mut listening: Vec<(Copy, i64)> = Vec::new();
    let mut outcome = Ok(());
    for (place, step) in history.iter().enumerate() {
        if place % 7 == 0 {
            away.extend(world.open_all().await);
        }
        if place == 3 {
            let opened = world.open_all().await;
            listening = opened.into_iter().map(|(_, copy)| (copy.clone(), copy.last_event_id)).collect();
        }
        if place % 5 == 2 {
            // Something happens between the root and the items of one object.
            let objects = world.objects();
            let (who, object) = objects[usize::from(step.2) % objects.len()];
            let raced = Copy::open(&world.viewers[who], object, async || {
                world.step(*step).await;
                world.step((step.0.wrapping_add(7) % 18, step.1, step.2)).await;
            });
            away.extend(raced.await.map(|copy| (who, copy)));
        } else {
            world.step(*step).await;
        }
        if place % 4 == 0 {
            for (copy, after) in &mut listening {
                let changes = world.live(copy.object, *after).await;
                outcome = outcome.and(copy.apply(&changes));
                *after = changes.position;
            }
        }
    }
    for (copy, after) in &mut listening {
        outcome = outcome.and(copy.apply(&world.live(copy.object, *after).await));
    }
    for (who, copy) in &mut away {
        // All at once, or in pieces of any size.
        let at_once = [1, 2, 5, 1000][copy.items.len() % 4];
        let mut after = copy.last_event_id;
        loop {
            let changes = world.viewers[*who].changes(copy.object, (after, at_once)).await;
            outcome = outcome.and(copy.apply(&changes));
            after = changes.position;
            if changes.is_complete {
                break;
            }
        }
    }
    let now: Vec<Copy> = world.open_all().await.into_iter().map(|(_, copy)| copy).collect();
    for copy in listening.iter().map(|(copy, _)| copy).chain(away.iter().map(|(_, copy)| copy)) {
        if let Some(now) = now.iter().find(|now| now.object == copy.object) {
            outcome = outcome.and_then(|()| copy.same(now));
        }
    }
    house.close();
    drop(world);
    drop(house);
    database.remove().await;
    outcome
}

fn compare(engine: Engine, cases: u32) {
    let seed = std::env::var("TERTULIA_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) * 2_654_435_761);
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    };
    let runtime = Runtime::new().expect("a runtime");
    let lived = TestRunner::new(config)
        .run(&history(40), |history| runtime.block_on(live(engine, &history)).map_err(TestCaseError::fail));
    if let Err(error) = lived {
        panic!("{engine:?}, seed {seed}: {error}");
    }
}

#[test]
fn what_was_seen_and_what_is_told_make_what_is_there_on_sqlite() {
    compare(Engine::Sqlite, 30);
}

#[test]
fn what_was_seen_and_what_is_told_make_what_is_there_on_postgres() {
    compare(Engine::Postgres, 3);
}

/// Of what was removed only a tombstone is left, and its index leads nowhere.
#[tokio::test]
async fn what_comes_behind_a_gap_is_told_in_pieces_of_any_size() {
    let (say, remove_second) = ((0, 0, 0), (4, 0, 1));
    let history = [vec![say; 16], vec![remove_second; 13], vec![say; 6]].concat();
    for start in 0..4 {
        live(Engine::Sqlite, &history[start..]).await.expect("nothing is left out");
    }
}
