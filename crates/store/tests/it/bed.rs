//! Where a test lies: a store on one of the engines, a clock to set, and a gate to gather jobs behind.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use store::{
    Clock, Migration, Observer, Options, Record, Root, RootKind, Roots, Row, Store, StoreError, Tx, Value,
};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;
use wire::Timestamp;

pub static HEADS: RootKind = RootKind { rank: 1, lock: "SELECT sid FROM heads WHERE sid = $1" };
pub static OTHERS: RootKind = RootKind { rank: 2, lock: "SELECT sid FROM heads WHERE sid = $1" };

pub const FOUNDATION: Migration = Migration {
    name: "0001_foundation",
    sql: "CREATE TABLE heads (sid {BYTES} NOT NULL PRIMARY KEY, total {BIGINT} NOT NULL) {COUNTERS};
          CREATE TABLE items (number {NUMBER}, name {TEXT} NOT NULL UNIQUE, note {TEXT}) {STRICT};
          CREATE TABLE cells (id {BIGINT} NOT NULL PRIMARY KEY, whole {BIGINT}, words {TEXT}, raw {BYTES}) {STRICT};
          CREATE TABLE seats (hall {BIGINT} NOT NULL, place {BIGINT} NOT NULL, guest {TEXT},
                              PRIMARY KEY (hall, place)) {NARROW};
          CREATE TABLE leaves (head {BYTES} NOT NULL
                               REFERENCES heads (sid) DEFERRABLE INITIALLY DEFERRED) {STRICT};",
};

/// The key of a root in `heads`.
pub fn key(number: u8) -> [u8; 16] {
    [number; 16]
}

pub fn root(number: u8) -> Root {
    Root::new(&HEADS, key(number))
}

/// The roots that send a job behind the gate.
pub fn gated() -> Roots {
    Roots::one(root(1))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

pub struct Bed {
    pub engine: Engine,
    pub store: Store,
    pub clock: Arc<TestClock>,
    pub watch: Arc<Watch>,
    pub place: Place,
}

/// Runs a test on both engines.
pub fn on_both(test: impl AsyncFn(&Bed)) {
    on(Engine::Sqlite, |_| (), &test);
    on(Engine::Postgres, |_| (), &test);
}

/// Runs a test on both engines, with options of its own.
pub fn on_both_with(set: impl Fn(&mut Options), test: impl AsyncFn(&Bed)) {
    on(Engine::Sqlite, &set, &test);
    on(Engine::Postgres, &set, &test);
}

pub fn on_postgres(test: impl AsyncFn(&Bed)) {
    on(Engine::Postgres, |_| (), &test);
}

fn on(engine: Engine, set: impl Fn(&mut Options), test: &impl AsyncFn(&Bed)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let place = Place::make(engine).await;
        let clock = Arc::new(TestClock(AtomicI64::new(1_000_000)));
        let watch = Arc::new(Watch::default());
        let mut options = Options::new(clock.clone());
        options.observer = watch.clone();
        set(&mut options);
        let store = place.open(&[FOUNDATION], options).unwrap();
        eprintln!("on {engine:?}");
        let bed = Bed { engine, store, clock, watch, place };
        test(&bed).await;
        bed.store.close();
        bed.place.drop().await;
    });
}

impl Bed {
    /// The store, and on PostgreSQL another server's on the same database. It is to be closed.
    pub fn two_stores(&self) -> [Store; 2] {
        let other = match self.engine {
            Engine::Sqlite => self.store.clone(),
            Engine::Postgres => {
                let mut options = Options::new(self.clock.clone());
                options.observer = self.watch.clone();
                self.place.open(&[FOUNDATION], options).unwrap()
            }
        };
        [self.store.clone(), other]
    }

    /// Holds the writer of [`gated`] jobs until the gate is opened, which on PostgreSQL is that of opened ones too.
    pub async fn shut(&self) -> Shut {
        let gate = Arc::new(Gate::default());
        let mut tasks = JoinSet::new();
        let (store, shut) = (self.store.clone(), Arc::clone(&gate));
        let work = move |_: &mut Tx<'_>| {
            shut.pass();
            Ok::<_, StoreError>(())
        };
        tasks.spawn(async move { store.write(gated(), work).await });
        gate.reached().await;
        Shut { gate, tasks }
    }

    /// Waits until so many writes are in the queue.
    pub async fn queued(&self, jobs: usize) {
        while self.store.queue_depth() < jobs {
            tokio::task::yield_now().await;
        }
    }

    pub async fn add_head(&self, number: u8) {
        let add = move |tx: &mut Tx<'_>| {
            tx.execute("INSERT INTO heads (sid, total) VALUES ($1, 0)", &[&key(number)])
        };
        assert_eq!(self.store.write(Roots::none(), add).await.unwrap(), 1);
    }

    pub async fn total(&self, number: u8) -> i64 {
        let read = move |tx: &mut Tx<'_>| {
            tx.row("SELECT total FROM heads WHERE sid = $1", &[&key(number)], |row| row.next())
        };
        self.store.read::<_, StoreError>(read).await.unwrap().unwrap()
    }

    /// The names in `items`, as a reader sees them.
    pub async fn names(&self) -> Vec<String> {
        let read = |tx: &mut Tx<'_>| tx.rows("SELECT name FROM items ORDER BY name", &[], |row| row.next());
        self.store.read::<_, StoreError>(read).await.unwrap()
    }
}

/// Adds an item, and waits for the answer of the database.
pub fn add(tx: &mut Tx<'_>, name: &str) -> Result<(), StoreError> {
    tx.execute("INSERT INTO items (name) VALUES ($1)", &[&name]).map(|_| ())
}

/// A row of `items`.
pub struct Item {
    pub name: String,
}

impl Record for Item {
    const TABLE: &'static str = "items";
    const COLUMNS: &'static str = "name";
    const KEY: &'static [&'static str] = &["name"];

    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.name]
    }

    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { name: row.next()? })
    }
}

/// A writer that is held.
pub struct Shut {
    gate: Arc<Gate>,
    tasks: JoinSet<Result<(), StoreError>>,
}

impl Shut {
    pub async fn open(mut self) {
        self.gate.open();
        self.tasks.join_next().await.unwrap().unwrap().unwrap();
    }
}

/// Blocks a database thread until it is opened.
#[derive(Default)]
pub struct Gate {
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Gate {
    pub fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 = true;
        self.changed.notify_all();
        while !state.1 {
            state = self.changed.wait(state).unwrap();
        }
    }

    pub fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }

    /// Waits until somebody stands before the gate.
    pub async fn reached(&self) {
        while !self.state.lock().unwrap().0 {
            tokio::task::yield_now().await;
        }
    }
}

pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Remembers what it was told.
#[derive(Default)]
pub struct Watch {
    pub batches: Mutex<Vec<usize>>,
    pub reruns: AtomicUsize,
    pub refused: AtomicUsize,
    pub expired: AtomicUsize,
    pub waits: AtomicUsize,
    pub disconnected: AtomicUsize,
}

impl Observer for Watch {
    fn committed(&self, jobs: usize, _commit: Duration) {
        self.batches.lock().unwrap().push(jobs);
    }

    fn rerun(&self, _jobs: usize) {
        self.reruns.fetch_add(1, Ordering::SeqCst);
    }

    fn refused(&self) {
        self.refused.fetch_add(1, Ordering::SeqCst);
    }

    fn expired(&self, jobs: usize) {
        self.expired.fetch_add(jobs, Ordering::SeqCst);
    }

    fn waits(&self) {
        self.waits.fetch_add(1, Ordering::SeqCst);
    }

    fn disconnected(&self) {
        self.disconnected.fetch_add(1, Ordering::SeqCst);
    }
}

/// A database that is made for one test.
pub enum Place {
    Directory(PathBuf),
    Database { server: String, name: String },
}

static PLACES: AtomicUsize = AtomicUsize::new(0);

impl Place {
    pub async fn make(engine: Engine) -> Self {
        let number = PLACES.fetch_add(1, Ordering::SeqCst);
        let name = format!("tertulia_store_{}_{number}", std::process::id());
        match engine {
            Engine::Sqlite => {
                let directory = std::env::temp_dir().join(name);
                std::fs::create_dir_all(&directory).unwrap();
                Self::Directory(directory)
            }
            Engine::Postgres => {
                let server = std::env::var("TERTULIA_TEST_POSTGRES")
                    .expect("set TERTULIA_TEST_POSTGRES, or run make test");
                run(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
                run(&server, &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).await;
                Self::Database { server, name }
            }
        }
    }

    pub fn open(&self, migrations: &[Migration], options: Options) -> Result<Store, StoreError> {
        match self {
            Self::Directory(directory) => Store::open_sqlite(&file(directory), migrations, options),
            Self::Database { .. } => Store::open_postgres(&self.url(), migrations, options),
        }
    }

    /// The URL of the PostgreSQL database.
    pub fn url(&self) -> String {
        match self {
            Self::Directory(directory) => panic!("{} is no server", directory.display()),
            Self::Database { server, name } => {
                let (before, _) = server.rsplit_once('/').expect("the URL ends in the name of a database");
                format!("{before}/{name}")
            }
        }
    }

    pub async fn drop(self) {
        match self {
            Self::Directory(directory) => std::fs::remove_dir_all(directory).unwrap(),
            Self::Database { server, name } => {
                run(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
            }
        }
    }
}

fn file(directory: &Path) -> PathBuf {
    directory.join("store.db")
}

/// Runs SQL on a connection of its own.
pub async fn run(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    client.batch_execute(sql).await.unwrap();
}
