//! Reads of a few rows, which share a thread and its snapshots: on SQLite all of them, on PostgreSQL those that tell
//! what they read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use store::{Opening, Roots, StoreError, Tx};
use tokio::task::JoinSet;

use crate::bed::{Bed, Engine, Gate, add, gated, key, on_both, root};

/// More than wait for the one thread.
const MANY: usize = 300;

const COUNT: &str = "SELECT COUNT(*) FROM items";
const LOOK: &str = "SELECT total FROM heads WHERE sid = $1";
const DIVIDE: &str = "SELECT total / $2 FROM heads WHERE sid = $1";

type Answers = JoinSet<(usize, Result<i64, StoreError>)>;
type Open = fn(u8) -> Opening;
type Body = fn(&mut Tx<'_>, u8) -> Result<i64, StoreError>;

fn count(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let found = tx.row(COUNT, &[], |row| row.next())?;
    Ok(found.unwrap_or_default())
}

fn counted() -> Vec<Opening> {
    vec![Opening::new(COUNT)]
}

fn looks(tx: &mut Tx<'_>, head: u8) -> Result<i64, StoreError> {
    Ok(tx.row(LOOK, &[&key(head)], |row| row.next())?.unwrap_or(-1))
}

/// What lies at two heads.
fn adds_up(tx: &mut Tx<'_>, head: u8) -> Result<i64, StoreError> {
    Ok(looks(tx, head)? + looks(tx, 1)?)
}

fn divides_by_nothing(tx: &mut Tx<'_>, head: u8) -> Result<i64, StoreError> {
    Ok(tx.row(DIVIDE, &[&key(head), &0], |row| row.next())?.unwrap_or(-1))
}

fn divides_by_text(tx: &mut Tx<'_>, head: u8) -> Result<i64, StoreError> {
    Ok(tx.row(DIVIDE, &[&key(head), &"no number"], |row| row.next())?.unwrap_or(-1))
}

fn asks_something_wrong_besides(tx: &mut Tx<'_>, head: u8) -> Result<i64, StoreError> {
    looks(tx, head)?;
    tx.execute("SELECT * FROM nowhere", &[]).map(|_| 0)
}

fn swallows_a_failure(tx: &mut Tx<'_>, head: u8) -> Result<i64, StoreError> {
    let _ = tx.execute("SELECT * FROM nowhere", &[]);
    looks(tx, head).or(Ok(0))
}

fn writes(tx: &mut Tx<'_>, head: u8) -> Result<i64, StoreError> {
    looks(tx, head)?;
    add(tx, "a").map(|()| 0)
}

fn panics(tx: &mut Tx<'_>, head: u8) -> Result<i64, StoreError> {
    looks(tx, head)?;
    panic!("{head} panics on purpose")
}

fn at(head: u8) -> Opening {
    Opening::new(LOOK).with(&key(head))
}

/// So many heads from the second on, the total of each ten times its number.
async fn heads(bed: &Bed, count: u8) -> Vec<u8> {
    for head in 1..=count + 1 {
        bed.add_head(head).await;
        set(bed, head, i64::from(head) * 10).await;
    }
    (2..=count + 1).collect()
}

async fn set(bed: &Bed, head: u8, total: i64) {
    let set = move |tx: &mut Tx<'_>| {
        tx.execute("UPDATE heads SET total = $2 WHERE sid = $1", &[&key(head), &total])
    };
    assert_eq!(bed.store.write::<_, StoreError>(Roots::one(root(head)), set).await.unwrap(), 1);
}

/// A short read that holds its thread until the gate is opened.
async fn hold(bed: &Bed, tasks: &mut Answers) -> Arc<Gate> {
    let gate = Arc::new(Gate::default());
    let (store, shut) = (bed.store.clone(), Arc::clone(&gate));
    let work = move |tx: &mut Tx<'_>| {
        shut.pass();
        count(tx)
    };
    tasks.spawn(async move { (usize::MAX, store.read_short(counted, work).await) });
    gate.reached().await;
    gate
}

/// Runs jobs with one snapshot, and gives their answers.
async fn together(bed: &Bed, jobs: Vec<(u8, Vec<Opening>, Body)>) -> Vec<Result<i64, StoreError>> {
    let (mut held, mut tasks) = (Answers::new(), Answers::new());
    let gate = hold(bed, &mut held).await;
    for (place, (head, openings, body)) in jobs.into_iter().enumerate() {
        let store = bed.store.clone();
        let work = move |tx: &mut Tx<'_>| body(tx, head);
        tasks.spawn(async move { (place, store.read_short(|| openings, work).await) });
        queued(bed, place + 1).await;
    }
    gate.open();
    held.join_all().await;
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

async fn queued(bed: &Bed, jobs: usize) {
    while bed.store.read_queue_depth() < jobs {
        tokio::task::yield_now().await;
    }
}

#[test]
fn they_see_what_was_stored_before() {
    on_both(async |bed| {
        for number in 0..20 {
            bed.store.write(gated(), move |tx| add(tx, &format!("{number:02}"))).await.unwrap();
            assert_eq!(bed.store.read_short(Vec::new, count).await.unwrap(), number + 1);
            assert_eq!(bed.store.read_short(counted, count).await.unwrap(), number + 1);
        }
    });
}

#[test]
fn all_wait_once_for_what_they_are_known_to_read() {
    on_both(async |bed| {
        let heads = heads(bed, 30).await;
        for round in 0..2 {
            let jobs = heads.iter().map(|head| match head % 3 {
                0 => (*head, vec![at(*head), at(1)], adds_up as Body),
                1 => (*head, vec![Opening::new(COUNT), at(*head)], looks as Body),
                _ => (*head, vec![at(*head)], looks as Body),
            });
            let jobs: Vec<_> = jobs.collect();
            let waits = bed.watch.waits.load(Ordering::SeqCst);
            let answers = together(bed, jobs).await;
            for (head, answer) in heads.iter().zip(answers) {
                let more = if head % 3 == 0 { 10 } else { 0 };
                assert_eq!(answer.unwrap(), i64::from(*head) * 10 + more, "round {round}");
            }
            let waits = bed.watch.waits.load(Ordering::SeqCst) - waits;
            // And once for the gate.
            assert_eq!(waits, if bed.engine == Engine::Postgres { 1 + 1 } else { 0 });
        }
    });
}

#[test]
fn one_that_fails_takes_nobody_with_it() {
    let by_nothing = |head| Opening::new(DIVIDE).with(&key(head)).with(&0);
    let by_text = |head| Opening::new(DIVIDE).with(&key(head)).with(&"no number");
    let others: [(Open, Body); 8] = [
        (at, divides_by_nothing),
        (by_nothing, divides_by_nothing),
        (at, divides_by_text),
        (by_text, divides_by_text),
        (at, asks_something_wrong_besides),
        (at, swallows_a_failure),
        (at, writes),
        (at, panics),
    ];
    on_both(async |bed| {
        let heads = heads(bed, 12).await;
        for (place, (opening, body)) in others.into_iter().enumerate() {
            let jobs = heads.iter().map(|head| match head % 4 {
                0 => (*head, vec![opening(*head)], body),
                _ => (*head, vec![at(*head)], looks as Body),
            });
            for (head, answer) in heads.iter().zip(together(bed, jobs.collect()).await) {
                match head % 4 {
                    0 => assert!(answer.is_err(), "{place}"),
                    _ => assert_eq!(answer.unwrap(), i64::from(*head) * 10, "{place}"),
                }
            }
        }
        assert_eq!(bed.store.read_short(counted, count).await.unwrap(), 0);
    });
}

#[test]
fn what_is_read_ahead_and_what_is_asked_besides_is_of_one_moment() {
    on_both(async |bed| {
        heads(bed, 1).await;
        let gate = Arc::new(Gate::default());
        let (store, shut) = (bed.store.clone(), Arc::clone(&gate));
        let work = move |tx: &mut Tx<'_>| {
            let ahead = looks(tx, 2)?;
            shut.pass();
            let again = tx.row("SELECT total + 0 FROM heads WHERE sid = $1", &[&key(2)], |row| row.next())?;
            Ok::<(i64, Option<i64>), StoreError>((ahead, again))
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { store.read_short(|| vec![at(2)], work).await });
        gate.reached().await;
        set(bed, 2, 77).await;
        gate.open();
        assert_eq!(tasks.join_next().await.unwrap().unwrap().unwrap(), (20, Some(20)));
        assert_eq!(together(bed, vec![(2, vec![at(2)], looks)]).await[0].as_ref().unwrap(), &77);
    });
}

#[test]
fn an_opening_with_other_values_is_not_the_bodys_own() {
    on_both(async |bed| {
        heads(bed, 3).await;
        let jobs: Vec<(_, _, Body)> =
            vec![(2, vec![at(3)], looks), (3, vec![at(2), at(9)], adds_up), (9, vec![at(9)], looks)];
        let answers = together(bed, jobs).await;
        assert_eq!(answers.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [20, 40, -1]);
    });
}

#[test]
fn who_has_left_before_the_turn_is_skipped() {
    on_both(async |bed| {
        let heads = heads(bed, 12).await;
        let runs = Arc::new(AtomicUsize::new(0));
        let (mut held, mut leaving, mut staying) = (Answers::new(), Answers::new(), Answers::new());
        let gate = hold(bed, &mut held).await;
        for (place, head) in heads.iter().copied().enumerate() {
            let (store, runs) = (bed.store.clone(), Arc::clone(&runs));
            let tasks = if place % 3 == 0 { &mut leaving } else { &mut staying };
            tasks.spawn(async move {
                let work = move |tx: &mut Tx<'_>| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    looks(tx, head)
                };
                (usize::from(head), store.read_short(|| vec![at(head)], work).await)
            });
            queued(bed, place + 1).await;
        }
        leaving.shutdown().await;
        gate.open();
        for (head, answer) in staying.join_all().await {
            assert_eq!(answer.unwrap(), i64::try_from(head).unwrap() * 10);
        }
        assert_eq!(runs.load(Ordering::SeqCst), 8);
    });
}

#[test]
fn who_finds_many_waiting_is_served_by_the_others() {
    on_both(async |bed| {
        for is_opened in [true, false] {
            let (mut held, mut tasks) = (Answers::new(), Answers::new());
            let gate = hold(bed, &mut held).await;
            for place in 0..MANY {
                let store = bed.store.clone();
                let openings = move || if is_opened { counted() } else { Vec::new() };
                tasks.spawn(async move { (place, store.read_short(openings, count).await) });
            }
            let waits = match (bed.engine, is_opened) {
                (Engine::Sqlite, _) => 32,
                (Engine::Postgres, true) => 256,
                (Engine::Postgres, false) => 0,
            };
            for _ in waits..MANY {
                assert_eq!(tasks.join_next().await.unwrap().unwrap().1.unwrap(), 0);
            }
            assert_eq!(bed.store.read_queue_depth(), waits);
            gate.open();
            let answers = tasks.join_all().await.into_iter().chain(held.join_all().await);
            assert!(answers.into_iter().all(|(_, answer)| answer.is_ok()));
        }
    });
}

#[test]
fn a_closed_store_refuses_them() {
    on_both(async |bed| {
        bed.store.read_short(counted, count).await.unwrap();
        bed.store.close();
        for openings in [counted, Vec::new] {
            assert!(!bed.store.read_short(openings, count).await.unwrap_err().is_busy());
        }
        assert_eq!(bed.store.wal_bytes(), 0);
    });
}
