//! PostgreSQL: what a [`Session`] is there.
//!
//! Round trips are the cost, so they are left out where nobody looks at the answer: BEGIN and the locks of a batch
//! go in one flight, `put` is sent and not waited for, and so is the end of a read. What was sent is answered in
//! order; the first failure spoils the transaction and shows at the next statement that waits, at COMMIT at the
//! latest. See [`link`] for the connection itself.

mod failure;
mod flights;
mod gathered;
mod link;
mod updates;
mod value;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use crate::company::Company;
use crate::dialect::Dialect;
use crate::error::{Kind, StoreError};
use crate::opening::{Answer, Opening};
use crate::roots::{Root, Roots};
use crate::session::{CommitError, Connected, ReadRow, Savepoint, Session};
use crate::tools::{Examined, Tools};
use crate::value::{Row, Value};

use gathered::{Gathered, Same, Table};
use link::Link;

/// How many threads write. Where jobs wait for one answer after another, one thread waits while the other works; with
/// more, PostgreSQL is slower.
pub(crate) const WRITERS: usize = 2;

/// Migrations of this database wait for each other on this number.
const MIGRATION_LOCK: i64 = 0x0074_6572_7475_6c69;

/// The pauses before a connection is tried again.
const BACK_OFF: [Duration; 8] = [
    Duration::from_millis(0),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
    Duration::from_millis(3200),
];

/// A transaction costs several round trips, so that a few are company.
const COMPANY: Company = Company { from: 3, patience: Duration::from_micros(500) };

/// Every connection: nothing waits for ever, and a commit waits for the disk even where the server's default is
/// not to. What is looked for is found by an index, and mostly in memory: by the server's default of 4, made for disks
/// that turn, it reads a table of a thousand rows as a whole to find ten of them. What an operator has set stays.
const SETTINGS: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '60s'; \
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'; \
     SELECT set_config('random_page_cost', '1.1', false) WHERE current_setting('random_page_cost') = '4'";

/// A migration takes as long as it takes.
const MIGRATOR_SETTINGS: &str = "SET statement_timeout = 0; SET lock_timeout = 0";

/// Reads the URL.
pub(crate) fn config(url: &str) -> Result<Config, StoreError> {
    // The URL holds a password and stays out of the message.
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        StoreError::caused(Kind::Failed, "failed to read the URL of the PostgreSQL database", error)
    })?;
    if config.get_ssl_mode() == SslMode::Require {
        return Err(StoreError::failed(
            "the PostgreSQL URL demands sslmode=require, and TLS to the database is not supported yet: use \
             sslmode=prefer or sslmode=disable over a network that you trust",
        ));
    }
    if config.get_application_name().is_none() {
        config.application_name("tertulia");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(20));
    }
    Ok(config)
}

pub(crate) struct Postgres {
    config: Config,
    tools: Arc<Tools>,
    runtime: Runtime,
    settings: &'static str,
    link: Option<Link>,
    is_in_transaction: bool,
    /// Rows of the open transaction that were not sent yet.
    gathered: Gathered,
    /// Whether the open transaction reads and has not answered anything yet.
    is_fresh_read: bool,
}

impl Postgres {
    /// A session that connects when it is first used, and again whenever the connection was lost.
    pub(crate) fn new(config: Config, tools: Arc<Tools>) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime
            .map_err(|error| StoreError::caused(Kind::Failed, "failed to start a database runtime", error))?;
        Ok(Self {
            config,
            tools,
            runtime,
            settings: SETTINGS,
            link: None,
            is_in_transaction: false,
            gathered: Gathered::default(),
            is_fresh_read: false,
        })
    }

    pub(crate) fn migrator(config: Config, tools: Arc<Tools>) -> Result<Self, StoreError> {
        Self::new(config, tools).map(|session| Self { settings: MIGRATOR_SETTINGS, ..session })
    }

    /// The connection, made anew if there is none.
    fn link(&mut self) -> Result<&mut Link, StoreError> {
        if let Some(link) = &mut self.link {
            link.look(&self.runtime);
        }
        self.forget_if_over();
        let link = match self.link.take() {
            Some(link) => link,
            None => self.connect()?,
        };
        Ok(self.link.insert(link))
    }

    fn forget_if_over(&mut self) {
        if self.link.as_ref().is_some_and(Link::is_over) {
            tracing::warn!("the connection to the database was lost");
            self.tools.observer.disconnected();
            self.link = None;
        }
    }

    fn connect(&self) -> Result<Link, StoreError> {
        let mut failure = None;
        for pause in BACK_OFF {
            // Whoever waits behind a job that has waited in vain is told at once.
            if failure.is_some() && (self.tools.is_closing() || self.tools.is_unreachable()) {
                break;
            }
            std::thread::sleep(pause);
            match Link::open(&self.runtime, &self.config, self.settings) {
                Ok(link) => {
                    self.tools.set_unreachable(false);
                    return Ok(link);
                }
                Err(error) => {
                    tracing::warn!(?error, "failed to connect to the database");
                    let is_hopeless = error.kind() != Kind::Lost;
                    failure = Some(error);
                    if is_hopeless {
                        break;
                    }
                }
            }
        }
        self.tools.set_unreachable(true);
        let failure = failure.expect("the list of pauses is not empty");
        Err(StoreError::caused(Kind::Unreachable, "failed to reach the database", failure))
    }

    /// The connection of the open transaction: a new one would know nothing of it.
    fn begun(&mut self) -> Result<(&Runtime, &mut Link), StoreError> {
        match &mut self.link {
            Some(link) if self.is_in_transaction => Ok((&self.runtime, link)),
            _ => Err(StoreError::new(Kind::Lost, "the connection was lost")),
        }
    }

    /// The same, once the gathered rows are on their way: nothing may run before them.
    fn caught_up(&mut self) -> Result<(&Runtime, &mut Link), StoreError> {
        let tables = self.gathered.take();
        self.send_rows(tables)?;
        self.begun()
    }

    fn send_rows(&mut self, tables: Vec<Table>) -> Result<(), StoreError> {
        for table in tables {
            let (runtime, link) = self.begun()?;
            link.send_rows(runtime, table)?;
            link.flush_many(runtime)?;
        }
        Ok(())
    }

    fn put_row(&mut self, sql: &str, params: &[&dyn Value], same: Same) -> Result<(), StoreError> {
        let (runtime, link) = self.begun()?;
        let statement = link.statement(runtime, sql)?;
        if !self.gathered.takes(&statement, params, same) {
            let tables = self.gathered.take_before(&statement);
            self.send_rows(tables)?;
            if statement.update.is_some() {
                self.gathered.begin(statement.clone());
            }
        }
        if statement.update.is_some() {
            return self.gather(sql, params);
        }
        let (runtime, link) = self.begun()?;
        link.send(&statement, params)?;
        link.flush_many(runtime)
    }

    /// Adds a row to those of a statement that has its place.
    fn gather(&mut self, sql: &str, params: &[&dyn Value]) -> Result<(), StoreError> {
        let is_much = self.gathered.add(sql, params).map_err(|error| link::not_encoded(sql, error))?;
        if is_much { self.caught_up().map(|_| ()) } else { Ok(()) }
    }

    fn ask(
        &mut self,
        sql: &str,
        params: &[&dyn Value],
    ) -> Result<(Vec<tokio_postgres::Row>, u64), StoreError> {
        self.tools.observer.waits();
        let (runtime, link) = self.caught_up()?;
        let statement = link.statement(runtime, sql)?;
        let (rows, changed) = link.query(runtime, &statement, params)?;
        Ok((rows, if statement.is_read { 0 } else { changed }))
    }

    fn start(
        &mut self,
        word: &'static str,
        asked: (&[Root], &[&Opening]),
    ) -> Result<Vec<Answer>, StoreError> {
        self.link()?;
        self.is_in_transaction = true;
        let (runtime, link) = self.begun()?;
        link.begin(runtime, word, asked)
    }
}

impl Connected for Postgres {
    fn serve(mut self, work: impl FnOnce(&mut dyn Session)) {
        work(&mut self);
    }
}

impl Session for Postgres {
    fn locks(&self) -> bool {
        true
    }

    /// Each job of a failed batch runs alone: a savepoint would have to be waited for, which is all it could save.
    fn has_savepoints(&self) -> bool {
        false
    }

    fn company(&self) -> Company {
        COMPANY
    }

    fn opens(&self) -> bool {
        true
    }

    fn gathers(&self) -> bool {
        true
    }

    /// The locks are waited for, so that a job's time is stamped after it has its turn.
    fn begin(&mut self, roots: &Roots, openings: &[&Opening]) -> Result<Vec<Answer>, StoreError> {
        if *roots != Roots::none() {
            self.tools.observer.waits();
        }
        self.start("BEGIN ISOLATION LEVEL READ COMMITTED", (roots.sorted(), openings))
    }

    fn begin_read(&mut self, openings: &[&Opening]) -> Result<Vec<Answer>, StoreError> {
        if !openings.is_empty() {
            self.tools.observer.waits();
        }
        let answers = self.start("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", (&[], openings))?;
        self.is_fresh_read = openings.is_empty();
        Ok(answers)
    }

    fn commit(&mut self) -> Result<(), CommitError> {
        self.tools.observer.waits();
        let (runtime, link) = self.caught_up().map_err(CommitError::Undone)?;
        let committed = link.commit(runtime);
        if !matches!(committed, Err(CommitError::Undone(_))) {
            self.is_in_transaction = false;
        }
        committed
    }

    fn rollback(&mut self) {
        if let Some(link) = &mut self.link
            && self.is_in_transaction
            && !link.is_over()
        {
            link.rollback(&self.runtime);
        }
        self.forget_if_over();
        self.is_in_transaction = false;
        self.gathered = Gathered::default();
        self.is_fresh_read = false;
    }

    fn savepoint(&mut self, _step: Savepoint) -> Result<(), StoreError> {
        Err(StoreError::failed("failed to set a savepoint: jobs run alone here"))
    }

    fn query(&mut self, sql: &str, params: &[&dyn Value], read: &mut ReadRow<'_>) -> Result<u64, StoreError> {
        let mut answer = self.ask(sql, params);
        // A read cannot run twice, but its first statement can, as long as nobody has seen anything: a connection
        // that had died while idle fails nobody.
        if self.is_fresh_read && answer.as_ref().is_err_and(|error| error.kind() == Kind::Lost) {
            self.rollback();
            self.begin_read(&[])?;
            answer = self.ask(sql, params);
        }
        self.is_fresh_read = false;
        let (rows, changed) = answer?;
        for row in &rows {
            if !read(&mut Row::new(row))? {
                break;
            }
        }
        Ok(changed)
    }

    fn put(&mut self, sql: &str, params: &[&dyn Value]) -> Result<(), StoreError> {
        self.put_row(sql, params, Same::Apart)
    }

    fn put_over(&mut self, sql: &str, params: &[&dyn Value]) -> Result<(), StoreError> {
        self.put_row(sql, params, Same::Over)
    }

    fn append(&mut self, sql: &'static str, params: &[&dyn Value]) -> Result<(), StoreError> {
        if !self.gathered.has(sql) {
            let (runtime, link) = self.begun()?;
            let insert = link.statement(runtime, sql)?;
            let tables = self.gathered.take_updates_before(&insert);
            self.send_rows(tables)?;
            self.gathered.begin(insert);
        }
        self.gather(sql, params)
    }

    fn examine(&mut self, sql: &str, params: &[&dyn Value]) -> Result<Examined, StoreError> {
        let (rows, _) = self.ask(&format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"), params)?;
        let plan = rows.first().map(|row| Row::new(row).next()).transpose()?.unwrap_or_default();
        Ok(Examined { sql: sql.to_owned(), plan, counters: None })
    }

    fn prepare(&mut self, sql: &str) -> Result<(), StoreError> {
        let (runtime, link) = self.begun()?;
        let statement = link.statement(runtime, sql)?;
        if statement.update.is_some() {
            link.write_of_many(runtime, &statement)?;
        }
        Ok(())
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let (runtime, link) = self.caught_up()?;
        link.script(runtime, sql)
    }

    fn migrate_alone(&mut self) -> Result<(), StoreError> {
        self.script(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
    }
}
