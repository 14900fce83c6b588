//! Migrations: applied once, refused when they are not those of this version.

use store::{Migration, Options, Roots, Store, StoreError, Tx};

use crate::bed::{Bed, FOUNDATION, Gate, Place, on_both, on_postgres};

const SECOND: Migration = Migration {
    name: "0002_second",
    sql: "ALTER TABLE items ADD COLUMN colour {TEXT}; UPDATE items SET colour = 'red'",
};

fn open(bed: &Bed, migrations: &[Migration]) -> Result<Store, StoreError> {
    bed.place.open(migrations, Options::new(bed.clock.clone()))
}

async fn applied(store: &Store) -> Vec<String> {
    let read =
        |tx: &mut Tx<'_>| tx.rows("SELECT name FROM schema_migrations ORDER BY name", &[], |row| row.next());
    store.read::<_, StoreError>(read).await.unwrap()
}

#[test]
fn each_is_applied_once() {
    on_both(async |bed| {
        let item = |tx: &mut Tx<'_>| tx.execute("INSERT INTO items (name) VALUES ('a')", &[]);
        bed.store.write::<_, StoreError>(Roots::none(), item).await.unwrap();
        for _ in 0..2 {
            let store = open(bed, &[FOUNDATION, SECOND]).unwrap();
            assert_eq!(applied(&store).await, ["0001_foundation", "0002_second"]);
            let read = |tx: &mut Tx<'_>| tx.rows("SELECT colour FROM items", &[], |row| row.next::<String>());
            assert_eq!(store.read::<_, StoreError>(read).await.unwrap(), ["red"]);
            store.close();
        }
    });
}

#[test]
fn a_newer_schema_is_refused() {
    on_both(async |bed| {
        open(bed, &[FOUNDATION, SECOND]).unwrap().close();
        let error = open(bed, &[FOUNDATION]).err().unwrap().to_string();
        assert!(error.contains("this database was written by a newer version of Tertulia"), "{error}");
        assert!(error.contains("0002_second"), "{error}");
    });
}

#[test]
fn an_edited_one_is_refused() {
    on_both(async |bed| {
        let edited = Migration { sql: "CREATE TABLE heads (sid {BYTES})", ..FOUNDATION };
        let error = open(bed, &[edited]).err().unwrap().to_string();
        assert!(error.contains("0001_foundation differs"), "{error}");
    });
}

#[test]
fn one_that_fails_leaves_nothing() {
    on_both(async |bed| {
        let bad = Migration { name: "0002_bad", sql: "CREATE TABLE half (a {BIGINT}); CREATE NONSENSE" };
        let error = format!("{:?}", open(bed, &[FOUNDATION, bad]).err().unwrap());
        assert!(error.contains("0002_bad") && error.contains("NONSENSE"), "{error}");
        let good = Migration { name: "0002_good", sql: "CREATE TABLE half (a {BIGINT})" };
        let store = open(bed, &[FOUNDATION, good]).unwrap();
        assert_eq!(applied(&store).await, ["0001_foundation", "0002_good"]);
        store.close();
    });
}

/// On SQLite, the lock of the data directory keeps a second process away.
#[test]
fn several_nodes_start_at_once() {
    on_postgres(async |bed| {
        let empty = Place::make(bed.engine).await;
        let open = || empty.open(&[FOUNDATION, SECOND], Options::new(bed.clock.clone()));
        let start = Gate::default();
        std::thread::scope(|scope| {
            let node = || {
                start.pass();
                open().map(|store| store.close())
            };
            let nodes: Vec<_> = (0..4).map(|_| scope.spawn(node)).collect();
            start.open();
            for node in nodes {
                node.join().unwrap().unwrap();
            }
        });
        let store = open().unwrap();
        assert_eq!(applied(&store).await, ["0001_foundation", "0002_second"]);
        store.close();
        empty.drop().await;
    });
}

#[test]
fn what_a_url_cannot_have_is_said() {
    on_postgres(async |bed| {
        let options = || Options::new(bed.clock.clone());
        let url = format!("{}?sslmode=require", bed.place.url());
        let error = Store::open_postgres(&url, &[], options()).err().unwrap().to_string();
        assert!(error.contains("TLS to the database is not supported"), "{error}");
        let error = Store::open_postgres("postgres://u:secret@h:port/x", &[], options()).err().unwrap();
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        // Not tried again: it would stay wrong.
        let url = format!("{}_missing", bed.place.url());
        let error = Store::open_postgres(&url, &[], options()).err().unwrap();
        assert!(format!("{error:?}").contains("does not exist"), "{error:?}");
    });
}
