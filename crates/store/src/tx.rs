//! A transaction as a closure sees it.
//!
//! It remembers the first failure. From then on every statement is refused with that same failure, and the engine
//! does not keep what the closure wrote, whatever the closure answers: PostgreSQL answers a COMMIT of a spoilt
//! transaction as if all were well.

use wire::Timestamp;

use crate::error::{Kind, StoreError};
use crate::opening::{Left, Opened};
use crate::record::{self, Record};
use crate::roots::{Root, Roots};
use crate::session::Session;
use crate::tools::{Observer, Tools};
use crate::value::{Row, Value};

/// One job's share of a transaction.
pub struct Tx<'a> {
    session: &'a mut dyn Session,
    access: Access<'a>,
    now: Timestamp,
    observer: &'a dyn Observer,
    /// What was read for the job before it began.
    opened: &'a [Opened<'a>],
    report: Report,
}

/// What the transaction is for.
#[derive(Clone, Copy)]
pub(crate) enum Access<'a> {
    Read,
    /// A write that holds these roots.
    Write(&'a Roots),
}

/// What the engine wants to know about a run.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) wrote: bool,
    /// What it left of the row that its opening reads, if that is all it has changed of what the opening reads.
    pub(crate) left: Option<Left>,
    pub(crate) failure: Option<StoreError>,
    /// Roots that were asked for and are not held.
    pub(crate) missing: Roots,
    /// Roots that were asked for and are held, by whichever job of the batch declared them. On SQLite nobody tells.
    pub(crate) locked: Roots,
    pub(crate) statements: u64,
    /// What a listener is to be told of, once this is committed.
    pub(crate) touched: Vec<Root>,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(
        session: &'a mut dyn Session,
        access: Access<'a>,
        opened: &'a [Opened<'a>],
        tools: &'a Tools,
    ) -> Self {
        let (now, report) = (tools.stamp(), Report::default());
        Self { session, access, now, observer: &*tools.observer, opened, report }
    }

    pub(crate) fn report(self) -> Report {
        self.report
    }

    /// The time of this transaction, stamped when the job started. Never before that of an earlier job.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Makes sure that these roots are locked. Where they were declared there is nothing to do; otherwise the job
    /// is given up here and runs again with them declared, so that they are locked in order with the others.
    pub fn lock(&mut self, roots: &Roots) -> Result<(), StoreError> {
        self.go_on()?;
        match self.access {
            Access::Read => self.keep(Err(StoreError::failed("failed to lock: this transaction only reads"))),
            Access::Write(_) if !self.session.locks() => Ok(()),
            Access::Write(held) if held.contains_all(roots) => {
                self.report.locked.extend(roots);
                Ok(())
            }
            Access::Write(_) => {
                self.report.missing = roots.clone();
                self.keep(Err(StoreError::new(
                    Kind::Undeclared,
                    "a root was not declared; the job runs again",
                )))
            }
        }
    }

    /// Says that something below this root is not what it was. Whoever listens to the store is told when this is
    /// committed, and only then.
    pub fn touch(&mut self, root: Root) {
        self.report.touched.push(root);
    }

    /// Whether writes of one text to a table go as one, so that another text in between parts them.
    pub fn gathers(&self) -> bool {
        self.session.gathers()
    }

    // Statements.

    /// Every row of a statement's answer, read by `read`.
    pub fn rows<T>(
        &mut self,
        sql: &str,
        params: &[&dyn Value],
        mut read: impl FnMut(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.query(sql, params, &mut |row| {
            found.push(read(row)?);
            Ok(true)
        })?;
        Ok(found)
    }

    /// The first row of a statement's answer, read by `read`.
    pub fn row<T>(
        &mut self,
        sql: &str,
        params: &[&dyn Value],
        mut read: impl FnMut(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.query(sql, params, &mut |row| {
            found = Some(read(row)?);
            Ok(false)
        })?;
        Ok(found)
    }

    /// Runs a statement and answers how many rows it changed.
    pub fn execute(&mut self, sql: &str, params: &[&dyn Value]) -> Result<u64, StoreError> {
        self.query(sql, params, &mut |_| Ok(true))
    }

    /// Runs a write whose answer nobody needs. On PostgreSQL it is sent and not waited for; if it fails, the job
    /// is not stored and its caller gets the error.
    pub fn put(&mut self, sql: &str, params: &[&dyn Value]) -> Result<(), StoreError> {
        self.begin_put(sql)?;
        let done = self.session.put(sql, params);
        self.keep(done)
    }

    /// The same for the first write of a job that found its row by an opening ([`Opening::of_row`]): one that changes
    /// that row and no other, and that nothing in the schema can refuse. Says that `opening`, asked with `key`, is now
    /// answered by a row that begins with `row`; the next job at this root is then answered without asking the
    /// database. Whatever the job writes afterwards to a table that the opening reads takes it back.
    ///
    /// [`Opening::of_row`]: crate::Opening::of_row
    pub fn put_leaving(
        &mut self,
        (sql, params): (&str, &[&dyn Value]),
        (opening, key, row): (&'static str, &[&dyn Value], &[&dyn Value]),
    ) -> Result<(), StoreError> {
        let is_first = !self.report.wrote;
        self.begin_put(sql)?;
        let done = self.session.put_over(sql, params);
        self.keep(done)?;
        // Where nothing is opened, nobody asks for it.
        if is_first && !self.opened.is_empty() {
            self.report.left = Some(Left::new(opening, key, row));
        }
        Ok(())
    }

    // Records.

    /// `SELECT {columns} FROM {table} {tail}`: all of them.
    pub fn list<R: Record>(&mut self, tail: &str, params: &[&dyn Value]) -> Result<Vec<R>, StoreError> {
        self.rows(&record::select::<R>(tail), params, R::read)
    }

    /// `SELECT {columns} FROM {table} {tail}`: the first.
    pub fn find<R: Record>(&mut self, tail: &str, params: &[&dyn Value]) -> Result<Option<R>, StoreError> {
        self.row(&record::select::<R>(tail), params, R::read)
    }

    /// Inserts a row unless it collides with one that is there. Whether it was inserted.
    pub fn insert<R: Record>(&mut self, record: &R) -> Result<bool, StoreError> {
        let values = self.values(record)?;
        Ok(self.execute(record::insert_if_new::<R>(), &values)? > 0)
    }

    /// Inserts a row that cannot collide: a collision is an internal error.
    pub fn append<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        let values = self.values(record)?;
        self.begin_put(record::insert::<R>())?;
        let done = self.session.append(record::insert::<R>(), &values);
        self.keep(done)
    }

    /// Writes every column but the key, of the row that has the key.
    pub fn replace<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        let values = self.values(record)?;
        match record::update::<R>() {
            Some(sql) => self.put(sql, &values),
            None => Ok(()),
        }
    }

    /// Deletes the row that has the record's key.
    pub fn remove<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        let values = self.values(record)?;
        let (sql, places) = record::delete::<R>();
        let key: Vec<_> = places.iter().map(|place| values[*place]).collect();
        self.put(sql, &key)
    }

    // For the engine.

    pub(crate) fn prepare(&mut self, sql: &str) -> Result<(), StoreError> {
        self.go_on()?;
        let done = self.session.prepare(sql);
        self.keep(done)
    }

    fn values<'r, R: Record>(&mut self, record: &'r R) -> Result<Vec<&'r dyn Value>, StoreError> {
        let values = record.values();
        let checked = record::check::<R>(&values);
        self.keep(checked)?;
        Ok(values)
    }

    fn query(
        &mut self,
        sql: &str,
        params: &[&dyn Value],
        read: &mut dyn FnMut(&mut Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<u64, StoreError> {
        self.go_on()?;
        self.report.statements += 1;
        let mut opened = self.opened.iter().filter(|_| !self.report.wrote);
        let done = match opened.find(|opened| opened.is(sql, params)) {
            Some(opened) => opened.show(read).map(|()| 0),
            None => self.session.query(sql, params, read),
        };
        let changed = self.keep(done)?;
        if matches!(self.access, Access::Read) && self.observer.examines() {
            let examined = self.session.examine(sql, params);
            self.observer.examined(self.keep(examined)?);
        }
        if changed > 0 {
            self.wrote(sql);
        }
        Ok(changed)
    }

    fn begin_put(&mut self, sql: &str) -> Result<(), StoreError> {
        self.go_on()?;
        self.wrote(sql);
        self.report.statements += 1;
        Ok(())
    }

    fn wrote(&mut self, sql: &str) {
        self.report.wrote = true;
        self.report.left.take_if(|left| left.is_spoilt_by(sql));
    }

    fn go_on(&self) -> Result<(), StoreError> {
        self.report.failure.clone().map_or(Ok(()), Err)
    }

    /// Remembers a failure.
    fn keep<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &outcome {
            self.report.failure.get_or_insert_with(|| error.clone());
        }
        outcome
    }
}
