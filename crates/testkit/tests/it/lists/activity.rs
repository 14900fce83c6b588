//! Conversations by their latest activity. The index knows the second of it and not the time.

use std::collections::HashMap;
use std::sync::Arc;

use conversations::heads::{self, Head};
use conversations::{Conversation, Failure, MIGRATIONS};
use server::Settings;
use store::{Clock, Options, Roots, Store, StoreError, Tx};
use testkit::{Database, Engine, House, ManualClock, on_both};
use wire::{Key, Problem, Sid};

use super::{next, previous};
use crate::conformance::one;

const MANY: usize = 40;

/// How far the clock goes between one message and the next: within a second, over its end, or not at all.
const STEPS: [i64; 7] = [0, 250_000, 1, 0, 333_333, 999_999, 7];

/// The sids that a page shows.
async fn page(house: &House, path: &str) -> (Vec<String>, Option<String>, Option<String>) {
    let reply = house.get(path).await;
    assert_eq!(reply.code(), "200", "{path}");
    let list = reply.get("conversations");
    let list = list.as_array().expect("a list");
    let sids = list.iter().map(|item| item["sid"].as_str().expect("a sid").to_owned()).collect();
    (sids, next(&reply), previous(&reply))
}

/// A list from its begin to its end, and from its end to its begin.
async fn both_ways(house: &House, path: &str) -> (Vec<String>, Vec<String>) {
    let (mut there, mut next, mut before) = page(house, path).await;
    assert_eq!(before, None, "nothing is before the first page");
    while let Some(path) = next {
        let (mut sids, after, previous) = page(house, &path).await;
        there.append(&mut sids);
        (next, before) = (after, previous);
    }
    let mut back = Vec::new();
    while let Some(path) = before {
        let (sids, _, previous) = page(house, &path).await;
        back.splice(0..0, sids);
        before = previous;
    }
    (there, back)
}

async fn count(house: &House, condition: &'static str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM conversation_heads WHERE {condition}");
    let read = move |tx: &mut Tx<'_>| tx.row(&sql, &[], one::<i64>);
    house.app.store().read::<_, StoreError>(read).await.expect("the store reads").expect("a count")
}

#[tokio::test]
async fn conversations_of_one_second_stand_in_the_order_of_their_activity() {
    on_both(async |house| {
        let mut activity = HashMap::new();
        let mut sids = Vec::new();
        for number in 0..MANY {
            let form = if number % 4 == 1 { "State=inactive" } else { "" };
            let sid = house.post("/v1/Conversations", form).await.sid();
            activity.insert(sid.clone(), house.clock.now().micros());
            sids.push(sid);
        }
        for turn in 0..MANY * 3 {
            house.clock.advance_micros(STEPS[turn % STEPS.len()]);
            // In an order that is not the sids', and some of them never.
            let sid = &sids[turn * 17 % (MANY - 5)];
            assert_eq!(
                house.post(&format!("/v1/Conversations/{sid}/Messages"), "Body=x").await.code(),
                "201"
            );
            activity.insert(sid.clone(), house.clock.now().micros());
        }
        for sid in sids.iter().step_by(6) {
            house.post(&format!("/v1/Conversations/{sid}"), "State=closed").await;
        }
        let order = |sid: &String| (activity[sid], sid.clone());
        sids.sort_by_key(|sid| std::cmp::Reverse(order(sid)));
        let seconds = activity.values().map(|at| at / 1_000_000).collect::<std::collections::HashSet<_>>();
        assert!(seconds.len() > 3 && seconds.len() < MANY / 2, "{} seconds", seconds.len());
        for size in [3, 7, 50] {
            let (there, back) = both_ways(house, &format!("/v1/Conversations?PageSize={size}")).await;
            assert_eq!(there, sids, "pages of {size} on {:?}", house.engine);
            // The last page is not among those before it.
            assert_eq!(back, sids[..back.len()], "pages of {size} backwards on {:?}", house.engine);
            assert!(back.len() + size >= MANY);
            let path = format!("/v1/Conversations?State=active&PageSize={size}");
            let (active, _) = both_ways(house, &path).await;
            let is_left = |sid: &&String| active.contains(sid);
            assert_eq!(active, sids.iter().filter(is_left).cloned().collect::<Vec<_>>());
            assert!(active.len() > MANY / 2);
        }
        assert_eq!(count(house, "active_second <> last_activity / 1000000").await, 0);
        assert_eq!(
            count(house, "active_second = last_activity / 1000000").await,
            i64::try_from(MANY).expect("few")
        );
    })
    .await;
}

/// How many updates of heads PostgreSQL has made in this transaction, and how many of them in place.
const UPDATES: &str = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables \
     WHERE relname = 'conversation_heads'";

/// Adds a message to the head alone; whether that left the indexes as they were.
fn leaves_indexes(tx: &mut Tx<'_>, head: &mut Head, after: i64) -> Result<bool, StoreError> {
    let read = |row: &mut store::Row<'_>| Ok((row.next::<i64>()?, row.next::<i64>()?));
    let before = tx.row(UPDATES, &[], read)?.expect("a row");
    let place = head.place();
    head.add_message(head.last_activity.saturating_plus_micros(after));
    heads::replace_after_message(tx, head, place)?;
    let now = tx.row(UPDATES, &[], read)?.expect("a row");
    assert_eq!(now.0 - before.0, 1, "one update");
    Ok(now.1 > before.1)
}

#[tokio::test]
async fn postgres_updates_a_head_in_place_while_the_second_lasts() {
    let database = Database::create(Engine::Postgres).await;
    let house = House::open(Engine::Postgres, &database, Settings::default()).await;
    let sid = house.post("/v1/Conversations", "").await.sid();
    let sid = Sid::<Conversation>::parse(&sid).expect("a sid");
    let say = move |tx: &mut Tx<'_>| {
        let service =
            tx.row("SELECT chat_service_sid FROM conversation_heads WHERE sid = $1", &[&sid], one)?;
        let head = heads::find(tx, service.expect("it has one"), &Key::Sid(sid))?;
        let mut head = head.ok_or(Problem::CONVERSATION_NOT_FOUND)?;
        let mut told = Vec::new();
        for after in [1, 999_998, 1, 0, 1_000_000] {
            told.push(leaves_indexes(tx, &mut head, after)?);
        }
        Ok::<_, Failure>(told)
    };
    let told = house.app.store().write(Roots::one(Conversation::root(sid)), say).await;
    assert_eq!(told.ok(), Some(vec![true, true, false, true, false]));
    house.close();
    drop(house);
    database.remove().await;
}

fn open(engine: Engine, database: &Database, migrations: &[store::Migration]) -> Store {
    let options = Options::new(Arc::new(ManualClock::default()));
    let store = match (engine, database) {
        (Engine::Sqlite, Database::Sqlite(folder)) => {
            Store::open_sqlite(&folder.path().join("tertulia.db"), migrations, options)
        }
        _ => Store::open_postgres(&database.url().expect("PostgreSQL has a URL"), migrations, options),
    };
    store.expect("the database opens")
}

const OLD: &str = "INSERT INTO conversation_heads (chat_service_sid, sid, state, position, document_position, \
     next_index, last_activity, messages, participants, non_chat_participants, bound_participants) \
     VALUES ($1, $2, 0, 1, 1, 0, $3, 0, 0, 0, 0)";

#[tokio::test]
async fn what_an_older_version_wrote_has_its_second() {
    let before =
        MIGRATIONS.iter().position(|migration| migration.name == "0019_activity").expect("it is one");
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::create(engine).await;
        let old = open(engine, &database, &MIGRATIONS[..before]);
        let insert = |tx: &mut Tx<'_>| {
            (0..10_u8).try_for_each(|number| {
                let at = 1_767_225_600_000_000 + i64::from(number) * 400_000;
                tx.put(OLD, &[&[1_u8; 16], &[number; 16], &at])
            })
        };
        old.write::<_, StoreError>(Roots::none(), insert).await.expect("the rows are stored");
        old.close();
        drop(old);
        let new = open(engine, &database, MIGRATIONS);
        let read = |tx: &mut Tx<'_>| {
            let sql = "SELECT active_second - 1767225600 FROM conversation_heads ORDER BY sid";
            tx.rows(sql, &[], one::<i64>)
        };
        let seconds = new.read::<_, StoreError>(read).await.expect("the store reads");
        assert_eq!(seconds, [0, 0, 0, 1, 1, 2, 2, 2, 3, 3], "{engine:?}");
        new.close();
        drop(new);
        database.remove().await;
    }
}
