//! Locks: nothing is lost between a look and a write, and no deadlock reaches a caller.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use store::{Root, Roots, Store, StoreError, Tx};
use tokio::task::JoinSet;

use crate::bed::{Bed, Engine, OTHERS, add, gated, key, on_both, root};

/// Looks, and writes what it has seen plus one.
fn increment(tx: &mut Tx<'_>, number: u8) -> Result<(), StoreError> {
    let sql = "SELECT total FROM heads WHERE sid = $1";
    let total: i64 = tx.row(sql, &[&key(number)], |row| row.next())?.expect("the head is there");
    tx.put("UPDATE heads SET total = $2 WHERE sid = $1", &[&key(number), &(total + 1)])
}

/// Runs twenty tasks, ten on each of two servers.
async fn twenty_tasks(bed: &Bed, job: impl Fn(Store, u8) -> JoinSet<Result<(), StoreError>>) {
    let stores = bed.two_stores();
    let mut all: Vec<_> = (0..20).map(|task| job(stores[usize::from(task % 2)].clone(), task)).collect();
    for tasks in &mut all {
        while let Some(answer) = tasks.join_next().await {
            answer.unwrap().unwrap();
        }
    }
    close_the_other(bed, stores);
}

fn close_the_other(bed: &Bed, [_, other]: [Store; 2]) {
    if bed.engine == Engine::Postgres {
        other.close();
    }
}

#[test]
fn a_declared_root_is_locked() {
    on_both(async |bed| {
        bed.add_head(7).await;
        twenty_tasks(bed, |store, _| {
            let mut tasks = JoinSet::new();
            tasks.spawn(async move {
                for _ in 0..20 {
                    store.write(Roots::one(root(7)), |tx| increment(tx, 7)).await?;
                }
                Ok(())
            });
            tasks
        })
        .await;
        assert_eq!(bed.total(7).await, 400);
        assert_eq!(bed.watch.reruns.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn a_root_found_on_the_way_is_locked() {
    on_both(async |bed| {
        bed.add_head(7).await;
        twenty_tasks(bed, |store, task| {
            let mut tasks = JoinSet::new();
            tasks.spawn(async move {
                for turn in 0..20_u8 {
                    // Half of the jobs write before they lock.
                    let declared = Roots::one(root(100 + task));
                    let name = format!("{task} {turn}");
                    let work = move |tx: &mut Tx<'_>| {
                        if turn % 2 == 0 {
                            add(tx, &name)?;
                        }
                        tx.lock(&Roots::one(root(7)))?;
                        increment(tx, 7)
                    };
                    store.write(declared, work).await?;
                }
                Ok(())
            });
            tasks
        })
        .await;
        assert_eq!(bed.total(7).await, 400);
        assert_eq!(bed.names().await.len(), 200);
    });
}

#[test]
fn a_swallowed_lock_is_taken_all_the_same() {
    on_both(async |bed| {
        bed.add_head(7).await;
        twenty_tasks(bed, |store, task| {
            let mut tasks = JoinSet::new();
            tasks.spawn(async move {
                let work = |tx: &mut Tx<'_>| {
                    let _ = tx.lock(&Roots::one(root(7)));
                    let _ = increment(tx, 7);
                    Ok(())
                };
                store.write(Roots::one(root(100 + task)), work).await
            });
            tasks
        })
        .await;
        assert_eq!(bed.total(7).await, 20);
    });
}

#[test]
fn the_order_of_declaring_does_not_matter() {
    on_both(async |bed| {
        bed.add_head(7).await;
        bed.add_head(8).await;
        twenty_tasks(bed, |store, task| {
            let mut tasks = JoinSet::new();
            tasks.spawn(async move {
                let (first, second) = if task % 4 < 2 { (7, 8) } else { (8, 7) };
                for turn in 0..10 {
                    let (roots, found) = match turn % 3 {
                        0 => (Roots::one(root(first)).and(root(second)), Roots::none()),
                        1 => (Roots::one(root(first)), Roots::one(root(second))),
                        _ => (Roots::none(), Roots::one(Root::new(&OTHERS, key(second))).and(root(first))),
                    };
                    let work = move |tx: &mut Tx<'_>| {
                        tx.lock(&found)?;
                        increment(tx, first)?;
                        increment(tx, second)
                    };
                    store.write(roots, work).await?;
                }
                Ok(())
            });
            tasks
        })
        .await;
        assert_eq!((bed.total(7).await, bed.total(8).await), (200, 200));
    });
}

/// Two jobs, each of a server, write two rows in opposite order without having said so.
#[test]
fn a_deadlock_reaches_nobody() {
    on_both(async |bed| {
        bed.add_head(7).await;
        bed.add_head(8).await;
        let meeting = Arc::new(Barrier::new(2));
        let runs = Arc::new(AtomicUsize::new(0));
        let can_meet = bed.engine == Engine::Postgres;
        let mut tasks = JoinSet::new();
        let stores = bed.two_stores();
        for ((first, second), store) in [(7, 8), (8, 7)].into_iter().zip(stores.clone()) {
            let (meeting, runs) = (Arc::clone(&meeting), Arc::clone(&runs));
            tasks.spawn(async move {
                let work = move |tx: &mut Tx<'_>| {
                    let run = runs.fetch_add(1, Ordering::SeqCst);
                    let add = "UPDATE heads SET total = total + 1 WHERE sid = $1";
                    tx.execute(add, &[&key(first)])?;
                    if can_meet && run < 2 {
                        meeting.wait();
                    }
                    tx.execute(add, &[&key(second)])
                };
                store.write::<_, StoreError>(Roots::none(), work).await
            });
        }
        assert!(tasks.join_all().await.iter().all(Result::is_ok));
        assert_eq!((bed.total(7).await, bed.total(8).await), (2, 2));
        close_the_other(bed, stores);
        let runs = runs.load(Ordering::SeqCst);
        assert!(if can_meet { runs > 2 } else { runs == 2 }, "{runs} runs");
    });
}

#[test]
fn a_job_that_always_wants_another_root_is_given_up() {
    on_both(async |bed| {
        let next = AtomicUsize::new(0);
        let work = move |tx: &mut Tx<'_>| {
            let number = next.fetch_add(1, Ordering::SeqCst);
            tx.lock(&Roots::one(root(u8::try_from(number).unwrap())))
        };
        let answer = bed.store.write::<_, StoreError>(Roots::none(), work).await;
        assert_eq!(answer.is_err(), bed.engine == Engine::Postgres);
        // The others go on.
        bed.store.write(gated(), |tx| add(tx, "a")).await.unwrap();
    });
}
