//! One connection to PostgreSQL, driven by the thread that owns it.
//!
//! The driver splits a connection into a client, which queues requests and hands out futures of their answers,
//! and a connection, which moves bytes when it is polled. Here both are polled by one thread, on a runtime of its
//! own, and only while it waits for an answer. Invariants:
//!
//! - The server answers in the order in which it was asked. `sent` holds the answers that nobody waits for, oldest
//!   first; whoever waits for a later answer drains them, because an answer that is not taken stops the connection.
//! - The first failure among them is kept in `spoilt` until the transaction ends: what follows it fails only for
//!   having followed it.
//! - When the connection has ended it is dropped at once. Its answers end only then.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::TryStreamExt;
use tokio::runtime::Runtime;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Client, Config, Connection, Error, NoTls, Row, Socket};

use super::failure;
use super::value::{Bound, Owned};
use crate::dialect::Dialect;
use crate::error::{Kind, StoreError};
use crate::session::CommitError;
use crate::value::Value;

/// How many prepared statements a connection keeps before it forgets them all.
const STATEMENTS: usize = 1024;

/// How many answers may be outstanding before what was asked is brought on its way.
const FLUSH: usize = 64;

type Answer = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send>>;

pub(super) struct Link {
    client: Arc<Client>,
    wire: Wire,
    statements: HashMap<String, Statement>,
}

#[derive(Clone)]
pub(super) struct Statement {
    prepared: tokio_postgres::Statement,
    sql: Arc<str>,
    /// Whether it only reads. The server counts the rows that a SELECT answers as it counts those changed.
    pub(super) is_read: bool,
}

/// What must be polled for an answer to arrive.
struct Wire {
    connection: Option<Pin<Box<Connection<Socket, NoTlsStream>>>>,
    sent: VecDeque<(Arc<str>, Answer)>,
    spoilt: Option<StoreError>,
    /// Whether `spoilt` is what the server has answered, so that it rolls back.
    is_refused: bool,
    is_stale: bool,
}

impl Link {
    pub(super) fn open(runtime: &Runtime, config: &Config, settings: &str) -> Result<Self, StoreError> {
        let connected = runtime.block_on(config.connect(NoTls));
        let (client, connection) = connected.map_err(failure::of_connecting)?;
        if connection.parameter("server_encoding") != Some("UTF8") {
            return Err(StoreError::failed("the database must be created with ENCODING 'UTF8'"));
        }
        let wire = Wire {
            connection: Some(Box::pin(connection)),
            sent: VecDeque::new(),
            spoilt: None,
            is_refused: false,
            is_stale: false,
        };
        let mut link = Self { client: Arc::new(client), wire, statements: HashMap::new() };
        link.script(runtime, settings)?;
        Ok(link)
    }

    /// Looks whether the connection has ended while nobody used it.
    pub(super) fn look(&mut self, runtime: &Runtime) {
        runtime.block_on(async {
            // Lets the runtime ask the system what has come, without waiting for any.
            tokio::task::yield_now().await;
        });
        let _ = self.wire.flush(runtime);
    }

    /// Whether the connection has ended.
    pub(super) fn is_over(&self) -> bool {
        self.wire.connection.is_none()
    }

    /// A prepared statement, from the cache or waited for.
    pub(super) fn statement(&mut self, runtime: &Runtime, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        self.prepare(runtime, sql, sql)
    }

    /// The statement that locks a root.
    pub(super) fn lock_statement(&mut self, runtime: &Runtime, sql: &str) -> Result<Statement, StoreError> {
        // The cache of statements is keyed by what the caller wrote; this key is not SQL and meets none of them.
        let key = format!("lock: {sql}");
        if let Some(statement) = self.statements.get(&key) {
            return Ok(statement.clone());
        }
        self.prepare(runtime, &key, &format!("{sql} {{FOR_UPDATE}}"))
    }

    fn prepare(&mut self, runtime: &Runtime, key: &str, sql: &str) -> Result<Statement, StoreError> {
        let client = Arc::clone(&self.client);
        let text = Dialect::Postgres.statement(sql);
        let prepared = self.wire.wait(runtime, sql, client.prepare(&text))?;
        let first = sql.split_ascii_whitespace().next().unwrap_or_default();
        let is_read = ["SELECT", "WITH", "VALUES"].iter().any(|word| first.eq_ignore_ascii_case(word));
        let statement = Statement { prepared, sql: sql.into(), is_read };
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        self.statements.insert(key.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Runs a statement and waits for its rows, and for how many it changed.
    pub(super) fn query(
        &mut self,
        runtime: &Runtime,
        statement: &Statement,
        params: &[&dyn Value],
    ) -> Result<(Vec<Row>, u64), StoreError> {
        let client = Arc::clone(&self.client);
        let answer = async {
            let params = params.iter().map(|param| Bound(param.cell()));
            let mut answer = pin!(client.query_raw(&statement.prepared, params).await?);
            let mut rows = Vec::new();
            while let Some(row) = answer.as_mut().try_next().await? {
                rows.push(row);
            }
            Ok((rows, answer.rows_affected().unwrap_or(0)))
        };
        self.wire.wait(runtime, &statement.sql, answer)
    }

    /// Sends a statement without waiting.
    pub(super) fn send(&mut self, statement: &Statement, params: &[&dyn Value]) -> Result<(), StoreError> {
        let client = Arc::clone(&self.client);
        let prepared = statement.prepared.clone();
        let params: Vec<_> = params.iter().map(|param| Owned::new(param.cell())).collect();
        let answer = async move { client.execute_raw(&prepared, params).await };
        self.wire.send(Arc::clone(&statement.sql), Box::pin(answer))
    }

    /// Sends a transaction word without waiting.
    pub(super) fn send_word(&mut self, word: &'static str) -> Result<(), StoreError> {
        let client = Arc::clone(&self.client);
        let answer = async move { client.batch_execute(word).await.map(|()| 0) };
        self.wire.send(word.into(), Box::pin(answer))
    }

    /// Brings what was sent on its way when much of it has gathered.
    pub(super) fn flush_many(&mut self, runtime: &Runtime) -> Result<(), StoreError> {
        if self.wire.sent.len().is_multiple_of(FLUSH) { self.wire.flush(runtime) } else { Ok(()) }
    }

    /// Waits for everything that was sent.
    pub(super) fn settle(&mut self, runtime: &Runtime) -> Result<(), StoreError> {
        self.wire.settle(runtime);
        self.wire.spoilt.clone().map_or(Ok(()), Err)
    }

    /// Runs several statements at once and waits for them.
    pub(super) fn script(&mut self, runtime: &Runtime, sql: &str) -> Result<(), StoreError> {
        let client = Arc::clone(&self.client);
        self.wire.wait(runtime, "of a script", client.batch_execute(sql))
    }

    pub(super) fn commit(&mut self, runtime: &Runtime) -> Result<(), CommitError> {
        // What failed before it left this process does not spoil the transaction at the server, which would
        // commit the rest.
        if let Some(earlier) = self.wire.spoilt.clone() {
            return Err(CommitError::Undone(earlier));
        }
        if self.is_over() {
            return Err(CommitError::Undone(StoreError::new(Kind::Lost, "the connection was lost")));
        }
        let client = Arc::clone(&self.client);
        let outcome = self.wire.answer(runtime, client.batch_execute("COMMIT"));
        match (self.wire.spoilt.clone(), outcome) {
            (None, Ok(())) => Ok(()),
            // A statement before it failed: the server has answered COMMIT with a ROLLBACK.
            (Some(earlier), _) if self.wire.is_refused => Err(CommitError::Undone(earlier)),
            (Some(earlier), _) => Err(CommitError::Final(unknown(earlier))),
            (None, Err(error)) => {
                let is_refused = error.as_db_error().is_some_and(|answer| !failure::is_fatal(answer));
                let error = failure::of("failed to commit", error);
                Err(if is_refused { CommitError::Undone(error) } else { CommitError::Final(unknown(error)) })
            }
        }
    }

    /// Ends the transaction, whatever state it is in.
    pub(super) fn rollback(&mut self, runtime: &Runtime) {
        self.wire.settle(runtime);
        let is_stale = std::mem::take(&mut self.wire.is_stale);
        self.wire.spoilt = None;
        self.wire.is_refused = false;
        // Not waited for: the next transaction comes after it, and finds out if it fails.
        let sent = self.send_word("ROLLBACK").and_then(|()| self.wire.flush(runtime));
        if sent.is_err() || is_stale {
            self.statements.clear();
        }
    }
}

/// The connection was lost while a COMMIT was on its way.
fn unknown(error: StoreError) -> StoreError {
    let message = "failed to learn whether a transaction was committed: the connection was lost";
    StoreError::caused(Kind::Failed, message, error)
}

impl Wire {
    fn send(&mut self, sql: Arc<str>, mut answer: Answer) -> Result<(), StoreError> {
        // The first poll puts the request into the connection's queue.
        if let Poll::Ready(Err(error)) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Err(failure::of_statement(&sql, error));
        }
        self.sent.push_back((sql, answer));
        Ok(())
    }

    /// Waits for an answer, and for all before it. The first failure among them counts.
    fn wait<T>(
        &mut self,
        runtime: &Runtime,
        sql: &str,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        let outcome = self.answer(runtime, answer);
        match (&self.spoilt, outcome) {
            (Some(earlier), _) => Err(earlier.clone()),
            (None, Ok(answer)) => Ok(answer),
            (None, Err(error)) => {
                self.is_stale |= error.as_db_error().is_some_and(failure::is_stale);
                Err(failure::of_statement(sql, error))
            }
        }
    }

    fn answer<T>(
        &mut self,
        runtime: &Runtime,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut answer = pin!(answer);
        runtime.block_on(poll_fn(|cx| {
            // The first poll asks, the second may find the answer that the connection has just brought.
            let mut outcome = answer.as_mut().poll(cx);
            if outcome.is_pending() {
                self.advance(cx);
                outcome = answer.as_mut().poll(cx);
            }
            if outcome.is_ready() {
                self.drain(cx);
            }
            outcome
        }))
    }

    fn settle(&mut self, runtime: &Runtime) {
        runtime.block_on(poll_fn(|cx| {
            self.advance(cx);
            if self.sent.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        }));
    }

    fn flush(&mut self, runtime: &Runtime) -> Result<(), StoreError> {
        runtime.block_on(poll_fn(|cx| {
            self.advance(cx);
            Poll::Ready(())
        }));
        self.spoilt.clone().map_or(Ok(()), Err)
    }

    /// Moves bytes both ways and takes the answers that have come.
    fn advance(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && let Poll::Ready(end) = connection.as_mut().poll(cx)
        {
            if let Err(error) = end {
                tracing::debug!(?error, "a connection to the database has ended");
            }
            self.connection = None;
        }
        self.drain(cx);
    }

    /// Takes answers, oldest first, up to one that has not come.
    fn drain(&mut self, cx: &mut Context<'_>) {
        while let Some((sql, answer)) = self.sent.front_mut() {
            let Poll::Ready(outcome) = answer.as_mut().poll(cx) else { return };
            if let Err(error) = outcome
                && self.spoilt.is_none()
            {
                self.is_refused = error.as_db_error().is_some();
                self.is_stale |= error.as_db_error().is_some_and(failure::is_stale);
                self.spoilt = Some(failure::of_statement(sql, error));
            }
            self.sent.pop_front();
        }
    }
}
