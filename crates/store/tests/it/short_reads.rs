//! Reads that run on the thread of whoever asks.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::thread::{self, ThreadId};

use store::{Store, StoreError, Tx};

use crate::bed::{Bed, Engine, add, gated, on_both, on_both_with};

const READERS: usize = 3;

/// Asks `depth` reads, each within the one before, and notes the threads that they run on.
fn within_each_other(store: &Store, depth: usize, threads: &Arc<Mutex<Vec<ThreadId>>>) {
    let (inner, noted) = (store.clone(), Arc::clone(threads));
    let read = store.read_short::<_, StoreError>(move |_| {
        noted.lock().unwrap().push(thread::current().id());
        if depth > 1 {
            within_each_other(&inner, depth - 1, &noted);
        }
        Ok(())
    });
    let mut read = pin!(read);
    while read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        thread::yield_now();
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

#[test]
fn who_finds_no_connection_is_served_by_a_reader() {
    on_both_with(
        |options| options.readers = READERS,
        async |bed| {
            if bed.engine == Engine::Sqlite {
                let threads = Arc::default();
                within_each_other(&bed.store, READERS + 1, &threads);
                let here = thread::current().id();
                let own: Vec<_> = threads.lock().unwrap().iter().map(|thread| *thread == here).collect();
                assert_eq!(own, [true, true, true, false]);
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
            let mut is_near = false;
            for _ in 0..1000 {
                let thread = bed.store.read_short::<_, StoreError>(|_| Ok(thread::current().id()));
                is_near |= thread.await.unwrap() == thread::current().id();
            }
            assert_eq!(is_near, bed.engine == Engine::Sqlite);
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
