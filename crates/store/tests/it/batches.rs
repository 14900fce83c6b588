//! Jobs that share a transaction: when they are answered, and what one of them can do to the others.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use store::{Roots, StoreError, Tx};
use tokio::task::JoinSet;

use crate::bed::{Bed, Gate, Item, add, gated, on_both, on_both_with};

/// What a job of an operation may answer.
#[derive(Debug, PartialEq, Eq)]
enum Problem {
    Refused,
    Internal(String),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Internal(format!("{error:?}"))
    }
}

type Expected = fn(&Result<(), Problem>) -> bool;

type Body = fn(&mut Tx<'_>, &str) -> Result<(), Problem>;

/// Runs the bodies in one batch, each with a name of its own, and gives their answers.
async fn in_one_batch(bed: &Bed, bodies: &[(&str, Body)]) -> BTreeMap<String, Result<(), Problem>> {
    let shut = bed.shut().await;
    let mut tasks = JoinSet::new();
    for (place, (name, body)) in bodies.iter().enumerate() {
        let (store, name, body) = (bed.store.clone(), (*name).to_owned(), *body);
        tasks.spawn(async move {
            let of_job = name.clone();
            (name, store.write(gated(), move |tx| body(tx, &of_job)).await)
        });
        bed.queued(place + 1).await;
    }
    shut.open().await;
    tasks.join_all().await.into_iter().collect()
}

fn keeps(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    Ok(add(tx, name)?)
}

fn puts(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    Ok(tx.put("INSERT INTO items (name) VALUES ($1)", &[&name])?)
}

fn refuses_first(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    let found = tx.row("SELECT name FROM items WHERE name = $1", &[&name], |row| row.next::<String>())?;
    assert_eq!(found, None);
    assert_eq!(tx.execute("UPDATE items SET note = $2 WHERE name = $1", &[&name, &"x"])?, 0);
    Err(Problem::Refused)
}

fn refuses_late(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    add(tx, name)?;
    Err(Problem::Refused)
}

fn panics_first(_: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    panic!("{name} panics on purpose")
}

fn panics_late(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    add(tx, name)?;
    panic!("{name} panics on purpose")
}

fn fails(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    add(tx, name)?;
    Ok(add(tx, name)?)
}

fn swallows(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    add(tx, name)?;
    let _ = add(tx, name);
    // Not even what comes after it runs.
    assert!(add(tx, "after a failure").is_err());
    Ok(())
}

fn swallows_a_put(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    puts(tx, name)?;
    let _ = puts(tx, name);
    Ok(())
}

fn puts_twice(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    puts(tx, name)?;
    puts(tx, name)
}

/// Its row collides with one that may still wait beside it.
fn appends_twice(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    appends(tx, name)?;
    appends(tx, name)
}

fn appends(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    Ok(tx.append(&Item { name: name.to_owned() })?)
}

/// Breaks a constraint that is checked at COMMIT.
fn breaks_at_commit(tx: &mut Tx<'_>, name: &str) -> Result<(), Problem> {
    add(tx, name)?;
    Ok(tx.put("INSERT INTO leaves (head) VALUES ($1)", &[&[0_u8; 16]])?)
}

fn is_internal(answer: &Result<(), Problem>) -> bool {
    matches!(answer, Err(Problem::Internal(_)))
}

#[test]
fn many_jobs_are_one_commit() {
    on_both_with(
        |options| options.batch_max = 3,
        async |bed| {
            let answers = in_one_batch(bed, &[("a", keeps), ("b", puts), ("c", keeps), ("d", puts)]).await;
            assert!(answers.values().all(Result::is_ok));
            assert_eq!(bed.names().await, ["a", "b", "c", "d"]);
            assert_eq!(*bed.watch.batches.lock().unwrap(), [1, 3, 1]);
            assert_eq!(bed.watch.reruns.load(Ordering::SeqCst), 0);
        },
    );
}

#[test]
fn answers_come_after_the_commit() {
    on_both(async |bed| {
        let shut = bed.shut().await;
        let mut first = pin!(bed.store.write(gated(), |tx| add(tx, "first")));
        let mut context = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        bed.queued(1).await;
        // The second job of the batch stands still after the first has done its work.
        let gate = Arc::new(Gate::default());
        let mut second = JoinSet::new();
        let (store, held) = (bed.store.clone(), Arc::clone(&gate));
        second.spawn(async move {
            let work = move |tx: &mut Tx<'_>| {
                add(tx, "second")?;
                held.pass();
                Ok::<_, StoreError>(())
            };
            store.write(gated(), work).await
        });
        bed.queued(2).await;
        shut.open().await;
        gate.reached().await;
        assert!(matches!(first.as_mut().poll(&mut context), Poll::Pending));
        assert_eq!(bed.names().await, Vec::<String>::new());
        gate.open();
        first.await.unwrap();
        assert_eq!(bed.names().await, ["first", "second"]);
        second.join_next().await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn a_refusal_before_the_first_write_costs_nothing() {
    on_both(async |bed| {
        let bodies: &[(&str, Body)] =
            &[("a", keeps), ("b", refuses_first), ("c", puts), ("d", panics_first), ("e", keeps)];
        let answers = in_one_batch(bed, bodies).await;
        assert_eq!(answers["b"], Err(Problem::Refused));
        assert!(
            matches!(&answers["d"], Err(Problem::Internal(text)) if text.contains("d panics on purpose"))
        );
        assert_eq!(bed.names().await, ["a", "c", "e"]);
        assert_eq!(bed.watch.reruns.load(Ordering::SeqCst), 0);
        assert_eq!(*bed.watch.batches.lock().unwrap(), [1, 5]);
    });
}

#[test]
fn a_job_that_fails_takes_nobody_with_it() {
    let failing: &[(Body, Expected)] = &[
        (refuses_late, |answer| *answer == Err(Problem::Refused)),
        (panics_late, is_internal),
        (fails, is_internal),
        (swallows, is_internal),
        (swallows_a_put, is_internal),
        (puts_twice, is_internal),
        (appends_twice, is_internal),
        (breaks_at_commit, is_internal),
    ];
    for (body, expected) in failing {
        on_both(async |bed| {
            let bodies: &[(&str, Body)] = &[
                ("a", appends),
                ("b", puts),
                ("bad", *body),
                ("c", keeps),
                ("d", appends),
                ("e", refuses_first),
            ];
            let answers = in_one_batch(bed, bodies).await;
            assert!(expected(&answers["bad"]), "{answers:?}");
            for name in ["a", "b", "c", "d"] {
                assert_eq!(answers[name], Ok(()), "{name}");
            }
            assert_eq!(answers["e"], Err(Problem::Refused));
            assert_eq!(bed.names().await, ["a", "b", "c", "d"]);
            assert!(bed.watch.reruns.load(Ordering::SeqCst) > 0);
            // Alone, it fails the same way.
            assert!(expected(&in_one_batch(bed, &[("bad", *body)]).await["bad"]));
            assert_eq!(bed.names().await, ["a", "b", "c", "d"]);
        });
    }
}

#[test]
fn many_failures_in_one_batch() {
    on_both(async |bed| {
        let kinds: [Body; 6] = [appends, panics_late, appends, appends_twice, refuses_late, swallows];
        let names: Vec<String> = (0..60).map(|number| format!("{number:02}")).collect();
        let bodies: Vec<(&str, Body)> =
            names.iter().enumerate().map(|(number, name)| (name.as_str(), kinds[number % 6])).collect();
        let answers = in_one_batch(bed, &bodies).await;
        let kept: Vec<_> =
            answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(name, _)| name.clone()).collect();
        let wanted: Vec<_> = (0..60).filter(|number| number % 6 == 0 || number % 6 == 2).collect();
        assert_eq!(kept, wanted.iter().map(|number| format!("{number:02}")).collect::<Vec<_>>());
        assert_eq!(bed.names().await, kept);
    });
}

#[test]
fn who_has_left_before_the_turn_is_skipped() {
    on_both(async |bed| {
        let shut = bed.shut().await;
        let runs = Arc::new(AtomicUsize::new(0));
        let mut leaving = JoinSet::new();
        let mut staying = JoinSet::new();
        for number in 0..10 {
            let (store, runs) = (bed.store.clone(), Arc::clone(&runs));
            let tasks = if number % 2 == 0 { &mut leaving } else { &mut staying };
            tasks.spawn(async move {
                let work = move |tx: &mut Tx<'_>| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    add(tx, &format!("{number}"))
                };
                store.write::<_, StoreError>(gated(), work).await
            });
            bed.queued(number + 1).await;
        }
        leaving.shutdown().await;
        shut.open().await;
        while let Some(answer) = staying.join_next().await {
            answer.unwrap().unwrap();
        }
        assert_eq!(runs.load(Ordering::SeqCst), 5);
        assert_eq!(bed.names().await, ["1", "3", "5", "7", "9"]);
    });
}

#[test]
fn a_full_queue_refuses_at_once() {
    on_both_with(
        |options| options.queue_max = 2,
        async |bed| {
            let shut = bed.shut().await;
            let mut waiting = JoinSet::new();
            for name in ["a", "b"] {
                let store = bed.store.clone();
                waiting.spawn(async move { store.write(gated(), move |tx| add(tx, name)).await });
            }
            bed.queued(2).await;
            let error = bed.store.write(gated(), |tx| add(tx, "c")).await.unwrap_err();
            assert!(error.is_busy());
            assert_eq!(bed.watch.refused.load(Ordering::SeqCst), 1);
            shut.open().await;
            assert!(waiting.join_all().await.iter().all(Result::is_ok));
            bed.store.write(gated(), |tx| add(tx, "d")).await.unwrap();
            assert_eq!(bed.names().await, ["a", "b", "d"]);
        },
    );
}

#[test]
fn what_waits_too_long_is_refused_while_it_waits_and_never_stored() {
    on_both_with(
        |options| options.patience = Duration::from_millis(500),
        async |bed| {
            let shut = bed.shut().await;
            let behind = {
                let store = bed.store.clone();
                let mut tasks = JoinSet::new();
                let work = |tx: &mut Tx<'_>| add(tx, "behind");
                tasks.spawn(async move { store.write_behind::<_, StoreError>(gated(), work).await });
                tasks
            };
            // Answered while the writer is held still.
            for name in ["a", "b"] {
                let error = bed.store.write(gated(), move |tx| add(tx, name)).await.unwrap_err();
                assert!(error.is_busy());
            }
            assert_eq!(bed.watch.expired.load(Ordering::SeqCst), 2);
            bed.queued(1).await;
            shut.open().await;
            assert!(behind.join_all().await.iter().all(Result::is_ok));
            bed.store.write(gated(), |tx| add(tx, "c")).await.unwrap();
            assert_eq!(bed.names().await, ["behind", "c"]);
        },
    );
}

#[test]
fn time_never_runs_back() {
    on_both(async |bed| {
        let mut latest = i64::MIN;
        for micros in [5_000_000, 4_000_000, 4_500_000, 6_000_000, 1] {
            bed.clock.set(micros);
            // Without a root, the jobs go to the writers in turn.
            let now =
                bed.store.write::<_, StoreError>(Roots::none(), |tx| Ok(tx.now().micros())).await.unwrap();
            assert!(now >= latest);
            latest = now;
        }
        assert_eq!(latest, 6_000_000);
    });
}

#[test]
fn a_read_sees_one_snapshot() {
    on_both(async |bed| {
        let gate = Arc::new(Gate::default());
        let mut tasks = JoinSet::new();
        let (store, held) = (bed.store.clone(), Arc::clone(&gate));
        tasks.spawn(async move {
            let read = move |tx: &mut Tx<'_>| {
                let count = "SELECT COUNT(*) FROM items";
                let before: Option<i64> = tx.row(count, &[], |row| row.next())?;
                held.pass();
                Ok::<_, StoreError>((before, tx.row(count, &[], |row| row.next::<i64>())?))
            };
            store.read(read).await
        });
        gate.reached().await;
        bed.store.write(gated(), |tx| add(tx, "a")).await.unwrap();
        gate.open();
        assert_eq!(tasks.join_next().await.unwrap().unwrap().unwrap(), (Some(0), Some(0)));
        assert_eq!(bed.names().await, ["a"]);
    });
}
