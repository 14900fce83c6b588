//! The end of a store.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use store::{Options, StoreError, Tx};
use tokio::task::JoinSet;

use crate::bed::{Engine, FOUNDATION, add, gated, on_both};

#[test]
fn what_waits_is_finished() {
    on_both(async |bed| {
        let shut = bed.shut().await;
        let mut tasks = JoinSet::new();
        for number in 0..20 {
            let store = bed.store.clone();
            tasks
                .spawn(async move { store.write(gated(), move |tx| add(tx, &format!("{number:02}"))).await });
        }
        bed.queued(20).await;
        std::thread::scope(|scope| {
            let closing = scope.spawn(|| bed.store.close());
            // From the moment that closing has begun, nothing more is taken.
            let mut context = Context::from_waker(Waker::noop());
            loop {
                let mut read = pin!(bed.store.read::<_, StoreError>(|_| Ok(())));
                match read.as_mut().poll(&mut context) {
                    Poll::Ready(Err(error)) if !error.is_busy() => break,
                    _ => std::thread::yield_now(),
                }
            }
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(shut.open()));
            closing.join().unwrap();
        });
        assert!(tasks.join_all().await.iter().all(Result::is_ok));
        bed.store.close();
        assert!(!bed.store.write(gated(), |tx| add(tx, "late")).await.unwrap_err().is_busy());
        assert!(!bed.store.is_broken());
        if bed.engine == Engine::Sqlite {
            assert_eq!(bed.store.wal_bytes(), 0);
        }

        let again = bed.place.open(&[FOUNDATION], Options::new(bed.clock.clone())).unwrap();
        let count = |tx: &mut Tx<'_>| tx.row("SELECT COUNT(*) FROM items", &[], |row| row.next::<i64>());
        assert_eq!(again.read::<_, StoreError>(count).await.unwrap(), Some(20));
    });
}

/// The last handle may go on a thread of the store itself.
#[test]
fn a_job_may_hold_the_last_handle() {
    on_both(async |bed| {
        let store = bed.place.open(&[FOUNDATION], Options::new(bed.clock.clone())).unwrap();
        let runs = Arc::new(AtomicUsize::new(0));
        let (held, counted) = (store.clone(), Arc::clone(&runs));
        let work = move |tx: &mut Tx<'_>| {
            counted.fetch_add(held.queue_depth() + 1, Ordering::SeqCst);
            add(tx, "a")
        };
        let shut = bed.shut().await;
        shut.open().await;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { store.write::<_, StoreError>(gated(), work).await });
        tasks.join_next().await.unwrap().unwrap().unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert_eq!(bed.names().await, ["a"]);
    });
}
