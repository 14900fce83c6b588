//! Connections to PostgreSQL that are lost: before, in the middle of, and at the end of a transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use store::{Opening, Roots, StoreError, Tx};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

use crate::bed::{Bed, Gate, add, gated, on_postgres, run};

/// Ends the store's connections, and waits until they are gone.
async fn cut(bed: &Bed) {
    let others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    // With a time-out, the function waits for the end.
    run(&bed.place.url(), &format!("SELECT pg_terminate_backend(pid, 5000) {others}")).await;
}

#[test]
fn idle_connections_heal() {
    on_postgres(async |bed| {
        for turn in 0..3 {
            bed.store.write(gated(), move |tx| add(tx, &format!("{turn} a"))).await.unwrap();
            bed.store
                .write::<_, StoreError>(Roots::none(), move |tx| {
                    tx.put("INSERT INTO items (name) VALUES ($1)", &[&format!("{turn} b")])
                })
                .await
                .unwrap();
            assert_eq!(bed.names().await.len(), 2 * (turn + 1));
            cut(bed).await;
        }
        assert_eq!(bed.names().await.len(), 6);
        assert!(bed.watch.disconnected.load(Ordering::SeqCst) > 0);
    });
}

#[test]
fn a_transaction_that_loses_its_connection_runs_again() {
    on_postgres(async |bed| {
        let gate = Arc::new(Gate::default());
        let runs = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        let (store, held, counted) = (bed.store.clone(), Arc::clone(&gate), Arc::clone(&runs));
        tasks.spawn(async move {
            let work = move |tx: &mut Tx<'_>| {
                add(tx, "a")?;
                if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                    held.pass();
                }
                add(tx, "b")
            };
            store.write::<_, StoreError>(gated(), work).await
        });
        gate.reached().await;
        cut(bed).await;
        gate.open();
        tasks.join_next().await.unwrap().unwrap().unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        assert_eq!(bed.names().await, ["a", "b"]);
    });
}

#[test]
fn a_read_that_has_seen_something_fails_with_its_connection() {
    on_postgres(async |bed| {
        let gate = Arc::new(Gate::default());
        let mut tasks = JoinSet::new();
        let (store, held) = (bed.store.clone(), Arc::clone(&gate));
        tasks.spawn(async move {
            let work = move |tx: &mut Tx<'_>| {
                tx.rows("SELECT name FROM items", &[], |row| row.next::<String>())?;
                held.pass();
                tx.rows("SELECT name FROM items", &[], |row| row.next::<String>())
            };
            store.read::<_, StoreError>(work).await
        });
        gate.reached().await;
        cut(bed).await;
        gate.open();
        tasks.join_next().await.unwrap().unwrap().unwrap_err();
        assert_eq!(bed.names().await, Vec::<String>::new());
    });
}

#[test]
fn short_reads_heal_and_one_that_has_seen_something_takes_nobody_with_it() {
    const COUNT: &str = "SELECT COUNT(*) FROM items";
    fn count(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
        Ok(tx.row(COUNT, &[], |row| row.next())?.unwrap_or_default())
    }
    let opening = || vec![Opening::new(COUNT)];
    on_postgres(async |bed| {
        for _ in 0..3 {
            assert_eq!(bed.store.read_short(opening, count).await.unwrap(), 0);
            cut(bed).await;
        }
        let gate = Arc::new(Gate::default());
        let (store, held) = (bed.store.clone(), Arc::clone(&gate));
        let work = move |tx: &mut Tx<'_>| {
            count(tx)?;
            held.pass();
            tx.rows("SELECT name FROM items", &[], |row| row.next::<String>())
        };
        let (mut first, mut others) = (JoinSet::new(), JoinSet::new());
        first.spawn(async move { store.read_short::<_, StoreError>(opening, work).await });
        gate.reached().await;
        for _ in 0..10 {
            let store = bed.store.clone();
            others.spawn(async move { store.read_short(opening, count).await });
        }
        while bed.store.read_queue_depth() < 10 {
            tokio::task::yield_now().await;
        }
        cut(bed).await;
        gate.open();
        first.join_next().await.unwrap().unwrap().unwrap_err();
        assert!(others.join_all().await.iter().all(|answer| matches!(answer, Ok(0))));
        assert!(bed.watch.disconnected.load(Ordering::SeqCst) > 0);
    });
}

/// COMMIT waits for a lock in a deferred trigger, and dies there.
#[test]
fn an_unknown_outcome_is_an_error_and_runs_once() {
    on_postgres(async |bed| {
        let url = bed.place.url();
        run(
            &url,
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
               'BEGIN PERFORM pg_advisory_xact_lock(5); RETURN NULL; END';
             CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED
               FOR EACH ROW EXECUTE FUNCTION wait()",
        )
        .await;
        let (holder, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        let mut connections = JoinSet::new();
        connections.spawn(connection);
        holder.batch_execute("SELECT pg_advisory_lock(5)").await.unwrap();

        let runs = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        let (store, counted) = (bed.store.clone(), Arc::clone(&runs));
        tasks.spawn(async move {
            let work = move |tx: &mut Tx<'_>| {
                counted.fetch_add(1, Ordering::SeqCst);
                add(tx, "a")
            };
            store.write::<_, StoreError>(gated(), work).await
        });
        let waiting = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks \
             WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database \
             WHERE datname = current_database())";
        while holder.query(waiting, &[]).await.unwrap().is_empty() {}
        let error = tasks.join_next().await.unwrap().unwrap().unwrap_err();
        assert!(error.to_string().contains("failed to learn whether"), "{error:?}");
        assert_eq!(runs.load(Ordering::SeqCst), 1);

        holder.batch_execute("SELECT pg_advisory_unlock(5)").await.unwrap();
        bed.store.write(gated(), |tx| add(tx, "b")).await.unwrap();
        assert_eq!(bed.names().await, ["b"]);
    });
}
