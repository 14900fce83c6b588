//! SQLite: one writer, a few readers, and the log between them.
//!
//! The writer commits into the write-ahead log and waits for the disk (`synchronous = FULL`); a reader sees one
//! snapshot for as long as its transaction lasts. See [`Log`] for how the log is kept short.

mod log;
mod statements;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, StatementStatus};

use crate::dialect::Dialect;
use crate::error::{Kind, StoreError};
use crate::opening::{Answer, Opening};
use crate::roots::Roots;
use crate::session::{CommitError, Connected, ReadRow, Savepoint, Session};
use crate::tools::{Counters, Examined, Tools};
use crate::value::{Cell, Row, Source, Value};

use statements::{Kept, Statements};

pub(crate) use log::{Log, open_for_checkpoints};

/// How far the writer stands back from the threads that serve, where all want a processor, in the system's measure. What
/// is asked meanwhile comes into the next batch, and larger batches cost less for each (docs/BENCHMARKS.md). At 10 it
/// still has a tenth of a processor that another thread never leaves.
#[cfg(target_os = "linux")]
const STANDS_BACK: i32 = 10;

/// How long to wait for another process that holds the file, such as a backup.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Sqlite {
    connection: Connection,
    tools: Arc<Tools>,
    /// The writer's.
    log: Option<Arc<Log>>,
}

/// A connection with its statements.
pub(crate) struct Served<'c> {
    connection: &'c Connection,
    statements: Statements<'c>,
    tools: &'c Tools,
    log: Option<&'c Log>,
}

impl Sqlite {
    pub(crate) fn writer(path: &Path, log: Arc<Log>, tools: Arc<Tools>) -> Result<Self, StoreError> {
        let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        // The log's file is cut where it starts anew longer than the limit, by the writer, who waits for it (7 to 36 ms
        // were measured) and then makes the file grow again. So the limit is well above what a busy log comes to.
        // The pages that thousands of conversations are written to. With twice as much nothing was faster: what is not
        // there is with the system, and what is there is gone through after many a commit.
        let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; \
             PRAGMA journal_size_limit = 536870912; PRAGMA cache_size = -16384; PRAGMA foreign_keys = ON; \
             PRAGMA temp_store = MEMORY";
        connection.execute_batch(pragmas).map_err(|error| cannot_open(path, error))?;
        Ok(Self { connection, tools, log: Some(log) })
    }

    pub(crate) fn reader(path: &Path, tools: Arc<Tools>) -> Result<Self, StoreError> {
        let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let pragmas = "PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA mmap_size = 268435456; \
             PRAGMA temp_store = MEMORY";
        connection.execute_batch(pragmas).map_err(|error| cannot_open(path, error))?;
        Ok(Self { connection, tools, log: None })
    }

    /// Gathers what a commit writes, from now on: every commit is synced, and no page is written before it. What a
    /// migration changes may be more than memory holds, so it comes before.
    pub(crate) fn gather(&self) -> Result<(), StoreError> {
        let spilled = self.connection.execute_batch("PRAGMA cache_spill = OFF");
        spilled.map_err(|error| failed("PRAGMA cache_spill", error))?;
        if !gather::gather(&self.connection) {
            tracing::warn!("SQLite's log is written page by page: it was not found");
        }
        Ok(())
    }

    pub(crate) fn session(&self) -> Served<'_> {
        let statements = Statements::new(&self.connection);
        Served { connection: &self.connection, statements, tools: &self.tools, log: self.log.as_deref() }
    }
}

impl Connected for Sqlite {
    fn serve(self, work: impl FnOnce(&mut dyn Session)) {
        if self.log.is_some() {
            stand_back();
        }
        work(&mut self.session());
    }
}

/// Lets the other threads go before this one. On Linux, where niceness is a thread's own.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(STANDS_BACK) {
        tracing::debug!(%error, "the writer stands in one line with the other threads");
    }
}

impl<'c> Served<'c> {
    fn statement(&mut self, sql: &str) -> Result<&mut Kept<'c>, StoreError> {
        self.statements.get(sql).map_err(|error| failed(sql, error))
    }

    /// Runs a transaction word.
    fn word(&mut self, sql: &str) -> rusqlite::Result<()> {
        self.statements.get(sql)?.statement.raw_query().next().map(|_| ())
    }
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|connection| connection.busy_timeout(PATIENCE).map(|()| connection))
        .map_err(|error| cannot_open(path, error))?;
    // Plans do not hang on what is bound: otherwise many a statement is prepared anew for each value.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(|error| cannot_open(path, error))?;
    Ok(connection)
}

fn cannot_open(path: &Path, error: rusqlite::Error) -> StoreError {
    StoreError::caused(Kind::Failed, format!("failed to open the database {}", path.display()), error)
}

fn failed(sql: &str, error: rusqlite::Error) -> StoreError {
    StoreError::caused(Kind::Failed, format!("failed to run the statement {sql}"), error)
}

impl Session for Served<'_> {
    fn locks(&self) -> bool {
        false
    }

    fn has_savepoints(&self) -> bool {
        true
    }

    fn begin(&mut self, _roots: &Roots, _openings: &[&Opening]) -> Result<Vec<Answer>, StoreError> {
        self.word("BEGIN IMMEDIATE")
            .map_err(|error| StoreError::caused(Kind::Unreachable, "failed to begin a transaction", error))?;
        Ok(Vec::new())
    }

    fn begin_read(&mut self, _openings: &[&Opening]) -> Result<Vec<Answer>, StoreError> {
        self.word("BEGIN")
            .map_err(|error| StoreError::caused(Kind::Unreachable, "failed to begin a transaction", error))?;
        Ok(Vec::new())
    }

    fn commit(&mut self) -> Result<(), CommitError> {
        let Err(error) = self.word("COMMIT") else {
            if let Some(log) = self.log {
                log.written();
            }
            return Ok(());
        };
        let code = error.sqlite_error_code();
        let failure = StoreError::caused(Kind::Failed, "failed to commit", error);
        match code {
            // A deferred constraint: the fault of one of the jobs.
            Some(ErrorCode::ConstraintViolation) => Err(CommitError::Undone(failure)),
            // What the disk holds is unknown, and a second fsync would answer well without having written.
            Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                tracing::error!(error = ?failure, "the store stops: a commit could not be brought to the disk");
                self.tools.is_broken.store(true, Ordering::Release);
                Err(CommitError::Final(failure))
            }
            _ => Err(CommitError::Final(failure)),
        }
    }

    fn rollback(&mut self) {
        // Some failures (disk full, out of memory) end the transaction by themselves.
        if !self.connection.is_autocommit()
            && let Err(error) = self.word("ROLLBACK")
        {
            tracing::error!(%error, "failed to roll back");
        }
    }

    fn savepoint(&mut self, step: Savepoint) -> Result<(), StoreError> {
        let done = match step {
            Savepoint::Open => self.word("SAVEPOINT job"),
            Savepoint::Keep => self.word("RELEASE job"),
            Savepoint::Undo => self.word("ROLLBACK TO job").and_then(|()| self.word("RELEASE job")),
        };
        done.map_err(|error| StoreError::caused(Kind::Failed, "failed to set a savepoint", error))
    }

    fn query(&mut self, sql: &str, params: &[&dyn Value], read: &mut ReadRow<'_>) -> Result<u64, StoreError> {
        let kept = self.statement(sql)?;
        let is_large = kept.bind(params)?;
        let is_read = kept.is_read;
        let mut rows = kept.statement.raw_query();
        let mut wants_more = true;
        // A write is stepped to its end, where constraints are checked, even if nobody wants its rows.
        while wants_more || !is_read {
            let Some(row) = rows.next().map_err(|error| failed(sql, error))? else { break };
            if wants_more {
                wants_more = read(&mut Row::new(row))?;
            }
        }
        drop(rows);
        if is_large {
            kept.statement.clear_bindings();
        }
        // After a read, SQLite still reports the changes of the write before it.
        Ok(if is_read { 0 } else { self.connection.changes() })
    }

    fn put(&mut self, sql: &str, params: &[&dyn Value]) -> Result<(), StoreError> {
        self.query(sql, params, &mut |_| Ok(false)).map(|_| ())
    }

    fn examine(&mut self, sql: &str, params: &[&dyn Value]) -> Result<Examined, StoreError> {
        let mut plan = Vec::new();
        self.query(&format!("EXPLAIN QUERY PLAN {sql}"), params, &mut |row| {
            let (_, _, _, step): (i64, i64, i64, String) =
                (row.next()?, row.next()?, row.next()?, row.next()?);
            plan.push(step);
            Ok(true)
        })?;
        let reset = |session: &mut Self| {
            let statement = &session.statement(sql)?.statement;
            let count = |status| statement.reset_status(status);
            Ok::<_, StoreError>(Counters {
                scanned: count(StatementStatus::FullscanStep),
                sorts: count(StatementStatus::Sort),
                indexed: count(StatementStatus::AutoIndex),
                steps: count(StatementStatus::VmStep),
            })
        };
        reset(self)?;
        self.query(sql, params, &mut |_| Ok(true))?;
        Ok(Examined { sql: sql.to_owned(), plan: plan.join("\n"), counters: Some(reset(self)?) })
    }

    fn prepare(&mut self, sql: &str) -> Result<(), StoreError> {
        self.statement(sql).map(|_| ())
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(|error| failed("of a script", error))
    }

    fn migrate_alone(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn between_batches(&mut self) {
        if let Some(log) = self.log {
            log.restart_if_long(self.connection, PATIENCE);
        }
    }
}

impl Source for rusqlite::Row<'_> {
    fn cell(&self, column: usize) -> Result<Cell<'_>, StoreError> {
        let value = self.get_ref(column);
        let value =
            value.map_err(|error| StoreError::caused(Kind::Failed, "failed to read a column", error))?;
        match value {
            ValueRef::Null => Ok(Cell::Null),
            ValueRef::Integer(value) => Ok(Cell::Int(value)),
            ValueRef::Blob(bytes) => Ok(Cell::Bytes(bytes)),
            ValueRef::Text(text) => std::str::from_utf8(text)
                .map(Cell::Text)
                .map_err(|error| StoreError::caused(Kind::Failed, "failed to read a column of text", error)),
            ValueRef::Real(_) => Err(StoreError::failed(format!(
                "failed to read column {column}: found a floating-point number"
            ))),
        }
    }

    fn columns(&self) -> usize {
        self.as_ref().column_count()
    }

    fn name(&self, column: usize) -> String {
        self.as_ref().column_name(column).unwrap_or_default().to_owned()
    }
}
