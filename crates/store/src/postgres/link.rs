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
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::TryStreamExt;
use tokio::runtime::Runtime;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Connection, NoTls, Row, Socket};

use super::failure;
use super::flights;
use super::gathered::{self, Array, Table};
use super::updates::Update;
use super::value::Bound;
use crate::dialect::Dialect;
use crate::error::{Kind, StoreError};
use crate::opening::{Answer, Opening};
use crate::roots::Root;
use crate::session::CommitError;
use crate::value::{OwnedCell, Source, Value};

/// How many prepared statements a connection keeps before it forgets them all.
const STATEMENTS: usize = 1024;

/// How many answers may be outstanding before what was asked is brought on its way.
const FLUSH: usize = 64;

type Failure = tokio_postgres::Error;
type Sent = Pin<Box<dyn Future<Output = Result<u64, Failure>> + Send>>;
type Asking = Pin<Box<dyn Future<Output = Result<(Vec<Row>, u64), Failure>>>>;

pub(super) struct Link {
    client: Arc<Client>,
    wire: Wire,
    statements: HashMap<String, Statement>,
}

#[derive(Clone)]
pub(super) struct Statement {
    prepared: tokio_postgres::Statement,
    pub(super) sql: Arc<str>,
    /// Whether it only reads. The server counts the rows that a SELECT answers as it counts those changed.
    pub(super) is_read: bool,
    /// The one table that it looks at, if it is sure to write to it and to read no other.
    pub(super) table: Option<Arc<str>>,
    /// What it does, if it is a plain update.
    pub(super) update: Option<Arc<Update>>,
}

impl Statement {
    /// The types of its parameters.
    pub(super) fn params(&self) -> &[Type] {
        self.prepared.params()
    }
}

/// What must be polled for an answer to arrive.
struct Wire {
    connection: Option<Pin<Box<Connection<Socket, NoTlsStream>>>>,
    sent: VecDeque<(Arc<str>, Sent)>,
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

    /// The statement that locks several roots of a kind in their order, if it can be made of that of one.
    fn lock_many(&mut self, runtime: &Runtime, sql: &str) -> Result<Option<Statement>, StoreError> {
        let key = format!("lock many: {sql}");
        if let Some(statement) = self.statements.get(&key) {
            return Ok(Some(statement.clone()));
        }
        let column = sql.strip_suffix(" = $1").and_then(|before| before.rsplit(' ').next());
        let Some(column) = column else { return Ok(None) };
        let text = format!("{}ANY($1) ORDER BY {column} {{FOR_UPDATE}}", sql.trim_end_matches("$1"));
        self.prepare(runtime, &key, &text).map(Some)
    }

    /// Begins a transaction, locks the roots and runs the openings, in one flight. What is asked for is waited for,
    /// and so are the locks.
    pub(super) fn begin(
        &mut self,
        runtime: &Runtime,
        word: &'static str,
        (roots, openings): (&[Root], &[&Opening]),
    ) -> Result<Vec<Answer>, StoreError> {
        // Statements are made before BEGIN, so that what follows it goes in one flight.
        let mut locks = Vec::new();
        for of_kind in roots.chunk_by(|one, next| one.kind().rank == next.kind().rank) {
            let sql = of_kind[0].lock();
            let many = if of_kind.len() > 1 { self.lock_many(runtime, sql)? } else { None };
            locks.push(match many {
                Some(many) => (many, of_kind, true),
                None => (self.lock_statement(runtime, sql)?, of_kind, false),
            });
        }
        let mut flights = Vec::new();
        for places in flights::of(openings) {
            let first = openings[places[0]];
            let one = self.statement(runtime, &first.sql)?;
            if let [place] = places[..] {
                flights.push((vec![place], self.ask(&one, openings[place].params.clone()), one));
                continue;
            }
            let columns = flights::columns(one.params(), places.iter().map(|place| openings[*place]));
            let columns = columns.map_err(|error| not_encoded(&first.sql, error))?;
            let many = self.query_of_many(runtime, &one)?;
            flights.push((places, self.ask(&many, columns), many));
        }
        self.send_word(word)?;
        for (lock, roots, at_once) in locks {
            if at_once {
                let mut keys = Array::new(Type::BYTEA);
                for root in roots {
                    keys.push(&Bound(root.key().cell())).map_err(|error| not_encoded(&lock.sql, error))?;
                }
                self.send_params(&lock, vec![keys])?;
            } else {
                for root in roots {
                    self.send(&lock, &[root.key()])?;
                }
            }
        }
        // The first poll of each puts it into the connection's queue, so that all go together.
        for (_, answer, statement) in &mut flights {
            if let Poll::Ready(Err(error)) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Err(failure::of_statement(&statement.sql, error));
            }
        }
        if flights.is_empty() && !roots.is_empty() {
            self.settle(runtime)?;
        }
        let mut answers: Vec<Answer> = openings.iter().map(|_| Vec::new()).collect();
        for (places, answer, statement) in flights {
            let (rows, _) = self.wire.wait(runtime, &statement.sql, answer)?;
            if let [place] = places[..] {
                answers[place].extend(rows.into_iter().map(|row| Box::new(row) as Box<dyn Source + Send>));
            } else {
                flights::hand_out(rows, &places, &mut answers)
                    .map_err(|error| failure::of_statement(&statement.sql, error))?;
            }
        }
        Ok(answers)
    }

    /// The statement that asks for many what this one asks.
    fn query_of_many(&mut self, runtime: &Runtime, one: &Statement) -> Result<Statement, StoreError> {
        let key = format!("query many: {}", one.sql);
        match self.statements.get(&key) {
            Some(many) => Ok(many.clone()),
            None => self.prepare(runtime, &key, &flights::of_many(&one.sql, one.params())),
        }
    }

    /// A query that is sent when it is first polled.
    fn ask<P: ToSql + 'static>(&self, statement: &Statement, params: Vec<P>) -> Asking {
        let (client, prepared) = (Arc::clone(&self.client), statement.prepared.clone());
        Box::pin(async move {
            let mut answer = pin!(client.query_raw(&prepared, params).await?);
            let mut rows = Vec::new();
            while let Some(row) = answer.as_mut().try_next().await? {
                rows.push(row);
            }
            Ok((rows, answer.rows_affected().unwrap_or(0)))
        })
    }

    fn prepare(&mut self, runtime: &Runtime, key: &str, sql: &str) -> Result<Statement, StoreError> {
        let client = Arc::clone(&self.client);
        let text = Dialect::Postgres.statement(sql);
        let prepared = self.wire.wait(runtime, sql, client.prepare(&text))?;
        let first = sql.split_ascii_whitespace().next().unwrap_or_default();
        let is_read = ["SELECT", "WITH", "VALUES"].iter().any(|word| first.eq_ignore_ascii_case(word));
        let statement = Statement {
            prepared,
            sql: sql.into(),
            is_read,
            table: gathered::only_table(sql).map(Into::into),
            update: Update::read(sql).map(Arc::new),
        };
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

    /// Sends the rows of a statement without waiting.
    pub(super) fn send_rows(&mut self, runtime: &Runtime, table: Table) -> Result<(), StoreError> {
        let one = table.one.clone();
        if table.rows == 1 {
            return self.send_params(&one, table.into_values());
        }
        let many = self.write_of_many(runtime, &one)?.ok_or_else(|| {
            StoreError::failed(format!("failed to gather the rows of the statement {}", one.sql))
        })?;
        self.send_params(&many, table.into_arrays())
    }

    /// The statement that writes many rows as this one writes a row. `None` where it has another form.
    pub(super) fn write_of_many(
        &mut self,
        runtime: &Runtime,
        one: &Statement,
    ) -> Result<Option<Statement>, StoreError> {
        let key = format!("many: {}", one.sql);
        if let Some(many) = self.statements.get(&key) {
            return Ok(Some(many.clone()));
        }
        let text = match &one.update {
            Some(update) => Some(update.of_many(one.params())),
            None => gathered::of_many(&one.sql, one.params()),
        };
        text.map(|text| self.prepare(runtime, &key, &text)).transpose()
    }

    /// Sends a statement without waiting.
    pub(super) fn send(&mut self, statement: &Statement, params: &[&dyn Value]) -> Result<(), StoreError> {
        self.send_params(statement, params.iter().map(|param| OwnedCell::new(param.cell())).collect())
    }

    fn send_params<P: ToSql + Send + Sync + 'static>(
        &mut self,
        statement: &Statement,
        params: Vec<P>,
    ) -> Result<(), StoreError> {
        let client = Arc::clone(&self.client);
        let prepared = statement.prepared.clone();
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

/// A parameter that cannot be given to a statement.
pub(super) fn not_encoded(sql: &str, error: Box<dyn Error + Sync + Send>) -> StoreError {
    StoreError::caused(Kind::Failed, format!("failed to run the statement {sql}"), error)
}

/// The connection was lost while a COMMIT was on its way.
fn unknown(error: StoreError) -> StoreError {
    let message = "failed to learn whether a transaction was committed: the connection was lost";
    StoreError::caused(Kind::Failed, message, error)
}

impl Wire {
    fn send(&mut self, sql: Arc<str>, mut answer: Sent) -> Result<(), StoreError> {
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
        answer: impl Future<Output = Result<T, Failure>>,
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
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
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
