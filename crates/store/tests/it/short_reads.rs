//! Reads of a few rows, which share a thread and its snapshots on SQLite.

use std::sync::Arc;

use store::{StoreError, Tx};
use tokio::task::JoinSet;

use crate::bed::{Bed, Engine, Gate, add, gated, on_both};

/// More than wait for the one thread.
const MANY: usize = 100;

fn count(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let found = tx.row("SELECT COUNT(*) FROM items", &[], |row| row.next())?;
    Ok(found.unwrap_or_default())
}

/// A short read that holds its thread until the gate is opened.
async fn hold(bed: &Bed, tasks: &mut JoinSet<Result<i64, StoreError>>) -> Arc<Gate> {
    let gate = Arc::new(Gate::default());
    let (store, shut) = (bed.store.clone(), Arc::clone(&gate));
    let work = move |tx: &mut Tx<'_>| {
        shut.pass();
        count(tx)
    };
    tasks.spawn(async move { store.read_short(work).await });
    gate.reached().await;
    gate
}

#[test]
fn they_see_what_was_stored_before() {
    on_both(async |bed| {
        for number in 0..20 {
            bed.store.write(gated(), move |tx| add(tx, &format!("{number:02}"))).await.unwrap();
            assert_eq!(bed.store.read_short(count).await.unwrap(), number + 1);
        }
    });
}

#[test]
fn one_that_fails_takes_nobody_with_it() {
    on_both(async |bed| {
        let mut tasks = JoinSet::new();
        let gate = hold(bed, &mut tasks).await;
        for number in 0..20 {
            let store = bed.store.clone();
            tasks.spawn(async move {
                let work = move |tx: &mut Tx<'_>| match number % 4 {
                    0 => tx.execute("SELECT * FROM nowhere", &[]).map(|_| 0),
                    1 => add(tx, "a").map(|()| 0),
                    2 => panic!("on purpose"),
                    _ => count(tx),
                };
                store.read_short(work).await
            });
        }
        gate.open();
        let answers = tasks.join_all().await;
        assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(0))).count(), 6);
        assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 15);
        assert_eq!(bed.store.read_short(count).await.unwrap(), 0);
    });
}

#[test]
fn who_finds_many_waiting_is_served_by_the_others() {
    on_both(async |bed| {
        let mut held = JoinSet::new();
        let gate = hold(bed, &mut held).await;
        let mut tasks = JoinSet::new();
        for _ in 0..MANY {
            let store = bed.store.clone();
            tasks.spawn(async move { store.read_short(count).await });
        }
        let waits = if bed.engine == Engine::Sqlite { 32 } else { 0 };
        for _ in waits..MANY {
            assert_eq!(tasks.join_next().await.unwrap().unwrap().unwrap(), 0);
        }
        assert_eq!(bed.store.read_queue_depth(), waits);
        gate.open();
        assert!(tasks.join_all().await.iter().chain(&held.join_all().await).all(Result::is_ok));
    });
}

#[test]
fn a_closed_store_refuses_them() {
    on_both(async |bed| {
        bed.store.read_short(count).await.unwrap();
        bed.store.close();
        assert!(!bed.store.read_short(count).await.unwrap_err().is_busy());
        assert_eq!(bed.store.wal_bytes(), 0);
    });
}
