//! Reads that run on the thread of whoever asks.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use store::{Store, StoreError, Tx};

use crate::bed::{Bed, Engine, add, gated, on_both, on_both_with};

const READERS: usize = 3;

/// What a read answers on its first poll, if it does.
fn at_once<T>(read: impl Future<Output = T>) -> Option<T> {
    match pin!(read).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// Counts the reads that answer at once, each of them asked within the one before.
fn answered_within_each_other(store: &Store, found: &Arc<AtomicUsize>) {
    let (inner, count) = (store.clone(), Arc::clone(found));
    let read = store.read_short::<_, StoreError>(move |_| {
        answered_within_each_other(&inner, &count);
        Ok(())
    });
    if at_once(read).is_some() {
        found.fetch_add(1, Ordering::SeqCst);
    }
}

async fn count(bed: &Bed) -> i64 {
    let count = |tx: &mut Tx<'_>| tx.row("SELECT COUNT(*) FROM items", &[], |row| row.next());
    bed.store.read_short::<_, StoreError>(count).await.unwrap().unwrap()
}

#[test]
fn they_see_what_was_stored_before() {
    on_both(async |bed| {
        for number in 0..20 {
            bed.store.write(gated(), move |tx| add(tx, &format!("{number:02}"))).await.unwrap();
            assert_eq!(count(bed).await, number + 1);
        }
    });
}

/// On PostgreSQL an answer takes its way, so none is there at once.
#[test]
fn who_finds_no_connection_is_served_by_the_readers() {
    on_both_with(
        |options| options.readers = READERS,
        async |bed| {
            if bed.engine == Engine::Sqlite {
                let found = Arc::default();
                answered_within_each_other(&bed.store, &found);
                assert_eq!(found.load(Ordering::SeqCst), READERS);
            }
            // All have come back.
            assert_eq!(count(bed).await, 0);
        },
    );
}

#[test]
fn a_panic_is_an_error_and_takes_no_connection_away() {
    on_both_with(
        |options| options.readers = 1,
        async |bed| {
            for _ in 0..5 {
                let read = bed.store.read_short::<(), StoreError>(|_| panic!("on purpose"));
                assert!(read.await.unwrap_err().to_string().contains("on purpose"));
            }
            // A panic may be slow enough to send those after it away for a while.
            let read = || bed.store.read_short::<_, StoreError>(|_| Ok(()));
            assert_eq!((0..1000).any(|_| at_once(read()).is_some()), bed.engine == Engine::Sqlite);
        },
    );
}

#[test]
fn they_write_nothing() {
    on_both(async |bed| {
        bed.store.read_short::<_, StoreError>(|tx| add(tx, "a")).await.unwrap_err();
        assert_eq!(count(bed).await, 0);
    });
}

#[test]
fn a_closed_store_refuses_them() {
    on_both(async |bed| {
        count(bed).await;
        bed.store.close();
        let refused = bed.store.read_short::<_, StoreError>(|_| Ok(())).await.unwrap_err();
        assert!(!refused.is_busy());
        assert_eq!(bed.store.wal_bytes(), 0);
    });
}
