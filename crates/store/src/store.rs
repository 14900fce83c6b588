//! The handle: takes jobs, gives them to the threads, and ends the threads.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::batch::{self, Jobs};
use crate::error::{Kind, StoreError};
use crate::job::{Job, Task};
use crate::migrations::{self, Migration};
use crate::opening::Opening;
use crate::patience;
use crate::postgres;
use crate::queue::{Queue, Refusal, Standing};
use crate::roots::Roots;
use crate::session::Connected;
use crate::sqlite::{self, Log};
use crate::tools::{Clock, Listener, NoObserver, Observer, Tools};
use crate::tx::Tx;

/// Short reads on SQLite, where they share a thread that is awake already.
const OF_SQLITE: Sharing = Sharing { together: 32, is_of_opened: false };

/// Short reads on PostgreSQL, where they share a round trip, if it is known what they read. The more the better: alone on
/// another thread, one costs several times as much.
const OF_POSTGRES: Sharing = Sharing { together: 256, is_of_opened: true };

/// How a store runs.
#[derive(Clone)]
pub struct Options {
    /// How many jobs share a transaction at most.
    pub batch_max: usize,
    /// How many jobs wait at most, for each writer (and as many behind them) and for all readers together. A job more
    /// is refused.
    pub queue_max: usize,
    /// How long a job may wait for its turn, unless it stands behind. One that waits longer is refused.
    pub patience: Duration,
    /// How many reader threads there are.
    pub readers: usize,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Who may watch.
    pub observer: Arc<dyn Observer>,
}

impl Options {
    /// What suits most machines.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let patience = Duration::from_secs(10);
        Self { batch_max: 256, queue_max: 4096, patience, readers: 4, clock, observer: Arc::new(NoObserver) }
    }
}

/// A database and the threads that serve it. Clones share both; the last one closes the store.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    tools: Arc<Tools>,
    writers: Vec<Arc<Jobs>>,
    readers: Arc<Jobs>,
    /// For short reads, which share their snapshots.
    short: Arc<Jobs>,
    sharing: Sharing,
    /// The writer for the next job that has no root.
    turn: AtomicUsize,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// SQLite's.
    log: Option<Arc<Log>>,
    /// The thread that brings the log home; it ends after the others.
    home: Mutex<Option<JoinHandle<()>>>,
    /// The thread that refuses what waits too long, and what is dropped to end it.
    patience: Mutex<Option<(mpsc::Sender<()>, JoinHandle<()>)>>,
}

/// How short reads share the thread that serves them.
#[derive(Clone, Copy)]
struct Sharing {
    /// So many share a snapshot, and wait for the thread, at most.
    together: usize,
    /// Whether it serves only those whose openings are known: the others would keep it waiting.
    is_of_opened: bool,
}

impl Store {
    /// Opens the SQLite file `path` (made when it is missing) and migrates it. The caller holds the lock of the
    /// data directory: two processes must not migrate one file.
    #[expect(clippy::needless_pass_by_value, reason = "options are made for one store")]
    pub fn open_sqlite(path: &Path, migrations: &[Migration], options: Options) -> Result<Self, StoreError> {
        let tools = Arc::new(Tools::new(Arc::clone(&options.clock), Arc::clone(&options.observer)));
        let log = Arc::new(Log::new(path));
        let writer = sqlite::Sqlite::writer(path, Arc::clone(&log), Arc::clone(&tools))?;
        migrations::run(&mut writer.session(), migrations, tools.clock.now())?;
        writer.gather()?;
        let reader = || sqlite::Sqlite::reader(path, Arc::clone(&tools));
        let readers = (0..options.readers.max(1)).map(|_| reader()).collect::<Result<Vec<_>, _>>()?;
        let short = reader()?;
        let checkpoints = sqlite::open_for_checkpoints(path)?;
        let mut inner = Inner::new(tools, Some(Arc::clone(&log)), OF_SQLITE);
        let tools = Arc::clone(&inner.tools);
        let home = spawn("store-checkpoint".to_owned(), move || log.bring_home(&checkpoints, &tools))?;
        inner.home = Mutex::new(Some(home));
        inner.start(&options, vec![writer], (readers, short))
    }

    /// Opens a PostgreSQL database and migrates it. Any number of processes may do so at once.
    #[expect(clippy::needless_pass_by_value, reason = "options are made for one store")]
    pub fn open_postgres(url: &str, migrations: &[Migration], options: Options) -> Result<Self, StoreError> {
        let tools = Arc::new(Tools::new(Arc::clone(&options.clock), Arc::clone(&options.observer)));
        let config = postgres::config(url)?;
        // The connection brings an async runtime of its own, which must not start inside the caller's.
        thread::scope(|scope| {
            let migrate = || -> Result<(), StoreError> {
                let mut session = postgres::Postgres::migrator(config.clone(), Arc::clone(&tools))?;
                migrations::run(&mut session, migrations, tools.clock.now())
            };
            let thread = thread::Builder::new().name("store-migrate".to_owned()).spawn_scoped(scope, migrate);
            let thread = thread.map_err(no_thread)?;
            thread
                .join()
                .unwrap_or_else(|_| Err(StoreError::failed("failed to migrate: the thread panicked")))
        })?;
        let session = || postgres::Postgres::new(config.clone(), Arc::clone(&tools));
        let writers = (0..postgres::WRITERS).map(|_| session()).collect::<Result<Vec<_>, _>>()?;
        let readers = (0..options.readers.max(1)).map(|_| session()).collect::<Result<Vec<_>, _>>()?;
        let short = session()?;
        Inner::new(tools, None, OF_POSTGRES).start(&options, writers, (readers, short))
    }

    /// Locks `roots`, runs `work` as one transaction on a database thread, and answers once it is on disk.
    ///
    /// `work` may run several times; only the last run counts. A caller that leaves before its turn comes is
    /// skipped; one that leaves later may still be stored.
    pub async fn write<T, E>(
        &self,
        roots: Roots,
        work: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_standing(Standing::Before, (roots, None), work).await
    }

    /// The same for work of which it may be known what it reads first: where that saves waiting, `opening` goes ahead
    /// together with those of other jobs, at one writer. It changes nothing else. See [`Opening`] for what it may read.
    pub async fn write_opening<T, E>(
        &self,
        roots: Roots,
        opening: Option<Opening>,
        work: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_standing(Standing::Before, (roots, opening), work).await
    }

    /// The same for what may wait: while others write, few of these share their transactions.
    pub async fn write_behind<T, E>(
        &self,
        roots: Roots,
        work: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_standing(Standing::Behind, (roots, None), work).await
    }

    async fn write_standing<T, E>(
        &self,
        standing: Standing,
        (roots, opening): (Roots, Option<Opening>),
        work: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        if self.is_broken() {
            return Err(batch::broken().into());
        }
        let writer = self.0.writer(&roots, opening.is_some());
        let (task, answer) = Task::new(roots, opening, work);
        self.submit(writer, Box::new(task), standing)?;
        answered(answer).await
    }

    /// Runs `work` on a reader thread, in a transaction that sees one snapshot and writes nothing.
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (task, answer) = once(Vec::new(), work);
        self.submit(&self.0.readers, task, Standing::Before)?;
        answered(answer).await
    }

    /// The same for a `work` that takes microseconds: a few rows, found by their keys. Those that wait run together on
    /// one thread, which costs less than a thread for each; when many wait the others help. On PostgreSQL this holds
    /// for those that tell what they read, by `openings`, and they wait once for all of that. It is not called where
    /// it would gain nothing.
    pub async fn read_short<T, E>(
        &self,
        openings: impl FnOnce() -> Vec<Opening>,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let Sharing { together, is_of_opened } = self.0.sharing;
        let openings = if is_of_opened { openings() } else { Vec::new() };
        let shares = !is_of_opened || !openings.is_empty();
        let (task, answer) = once(openings, work);
        let has_room = shares && self.0.short.depth() < together;
        self.submit(if has_room { &self.0.short } else { &self.0.readers }, task, Standing::Before)?;
        answered(answer).await
    }

    /// Tells `listener` from now on which roots each commit has touched. There is one; whoever comes later is not
    /// heard.
    pub fn listen(&self, listener: Arc<dyn Listener>) {
        let _ = self.0.tools.listener.set(listener);
    }

    /// Prepares a statement without running it, for the test that every statement is understood.
    pub async fn prepare(&self, sql: impl Into<String>) -> Result<(), StoreError> {
        let sql = sql.into();
        self.read(move |tx| tx.prepare(&sql)).await
    }

    /// How many writes wait for their turn.
    pub fn queue_depth(&self) -> usize {
        self.0.writers.iter().map(|queue| queue.depth()).sum()
    }

    /// How many reads wait for their turn.
    pub fn read_queue_depth(&self) -> usize {
        self.0.readers.depth() + self.0.short.depth()
    }

    /// How large SQLite's write-ahead log is on disk. Zero on PostgreSQL.
    pub fn wal_bytes(&self) -> u64 {
        self.0.log.as_ref().map_or(0, |log| log.bytes())
    }

    /// Whether a commit could not be brought to the disk. From then on every write is refused, and only a new
    /// start can tell what is stored: the server should stop.
    pub fn is_broken(&self) -> bool {
        self.0.tools.is_broken()
    }

    /// Where the time comes from.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.tools.clock)
    }

    /// Takes no more jobs, finishes those that wait, and ends the threads. Blocks until all that is done; does
    /// nothing the second time.
    pub fn close(&self) {
        self.0.close();
    }

    fn submit(&self, queue: &Jobs, job: Box<dyn Job>, standing: Standing) -> Result<(), StoreError> {
        queue.push(job, standing).map_err(|refusal| match refusal {
            Refusal::Full => {
                self.0.tools.observer.refused();
                StoreError::new(Kind::Busy, "the store is busy: the job's queue is full")
            }
            Refusal::Closed if self.is_broken() => batch::broken(),
            Refusal::Closed => StoreError::stopped(),
        })
    }
}

/// The job of a read, which runs once.
fn once<T, E>(
    openings: Vec<Opening>,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let mut work = Some(work);
    let once = move |tx: &mut Tx<'_>| {
        let work = work.take().expect("a reader runs a job once");
        work(tx)
    };
    let (task, answer) = Task::new(Roots::none(), openings, once);
    (Box::new(task), answer)
}

async fn answered<T, E: From<StoreError>>(answer: oneshot::Receiver<Result<T, E>>) -> Result<T, E> {
    answer.await.unwrap_or_else(|_| Err(StoreError::stopped().into()))
}

impl Inner {
    fn new(tools: Arc<Tools>, log: Option<Arc<Log>>, sharing: Sharing) -> Self {
        Self {
            tools,
            writers: Vec::new(),
            readers: Arc::new(Queue::new(0)),
            short: Arc::new(Queue::new(0)),
            sharing,
            turn: AtomicUsize::new(0),
            threads: Mutex::default(),
            log,
            home: Mutex::default(),
            patience: Mutex::default(),
        }
    }

    /// Whose a write is. Jobs of which it is known what they read go to the first writer, all of them: a batch waits
    /// twice for these, however many they are. The rest are shared out, by their first root or in turn.
    fn writer(&self, roots: &Roots, opens: bool) -> &Jobs {
        let lanes = self.writers.len();
        let turn = || self.turn.fetch_add(1, Ordering::Relaxed) % lanes;
        let lane = if opens { 0 } else { roots.lane(lanes).unwrap_or_else(turn) };
        &self.writers[lane]
    }

    /// Starts a thread for each connection. After an early return, dropping `self` ends those that were started.
    fn start<C: Connected>(
        mut self,
        options: &Options,
        writers: Vec<C>,
        (readers, short): (Vec<C>, C),
    ) -> Result<Store, StoreError> {
        let batch_max = options.batch_max.max(1);
        self.readers = Arc::new(Queue::new(options.queue_max));
        for (number, connection) in writers.into_iter().enumerate() {
            let queue = Arc::new(Queue::new(options.queue_max));
            self.writers.push(Arc::clone(&queue));
            let tools = Arc::clone(&self.tools);
            self.spawn(format!("store-write-{number}"), move || {
                connection.serve(|session| batch::write_jobs(session, &queue, batch_max, &tools));
            })?;
        }
        for (number, connection) in readers.into_iter().enumerate() {
            let queue = Arc::clone(&self.readers);
            self.read(format!("store-read-{number}"), connection, (queue, 1))?;
        }
        self.short = Arc::new(Queue::new(options.queue_max));
        let shared = (Arc::clone(&self.short), self.sharing.together);
        self.read("store-read-short".to_owned(), short, shared)?;
        let (ending, ended) = mpsc::channel();
        let queues: Vec<_> = self.writers.iter().chain([&self.readers, &self.short]).cloned().collect();
        let (patience, tools) = (options.patience, Arc::clone(&self.tools));
        let watch = move || patience::watch(&queues, patience, &tools, &ended);
        self.patience = Mutex::new(Some((ending, spawn("store-patience".to_owned(), watch)?)));
        Ok(Store(Arc::new(self)))
    }

    /// Starts a thread that serves reads, so many of which see one snapshot.
    fn read<C: Connected>(
        &mut self,
        name: String,
        connection: C,
        (queue, together): (Arc<Jobs>, usize),
    ) -> Result<(), StoreError> {
        let tools = Arc::clone(&self.tools);
        self.spawn(name, move || {
            connection.serve(|session| batch::read_jobs(session, &queue, together, &tools));
        })
    }

    fn spawn(&mut self, name: String, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = spawn(name, work)?;
        self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    fn close(&self) {
        self.tools.is_closing.store(true, Ordering::Release);
        self.writers.iter().for_each(|queue| queue.close());
        self.readers.close();
        self.short.close();
        // The lock is held while joining, so that a second caller waits for the end as well.
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.drain(..).for_each(join);
        if let Some(log) = &self.log {
            log.close();
        }
        self.home.lock().unwrap_or_else(PoisonError::into_inner).take().into_iter().for_each(join);
        let patience = self.patience.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((ending, thread)) = patience {
            drop(ending);
            join(thread);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    thread::Builder::new().name(name).spawn(work).map_err(no_thread)
}

fn no_thread(error: std::io::Error) -> StoreError {
    StoreError::caused(Kind::Failed, "failed to start a database thread", error)
}

/// A job may hold the last handle of its own store: that thread cannot wait for itself.
fn join(thread: JoinHandle<()>) {
    if thread.thread().id() != thread::current().id() && thread.join().is_err() {
        tracing::error!("a database thread panicked");
    }
}
