//! What waits for a sink, and what was given up, for people. What has arrived is gone, and cannot be shown.

use super::sinks::Sink;
use crate::deliveries::Status;
use crate::prelude::*;

/// An event on its way to a sink, or given up.
#[derive(Clone, Debug)]
pub struct Kept {
    pub number: i64,
    /// JSON text, as it is sent.
    pub event: String,
    pub status: Status,
    pub tries: i64,
    pub due: Timestamp,
    /// Why the last try failed.
    pub log: Option<String>,
    pub date_created: Timestamp,
}

/// Ours: its digits are the number.
impl Prefix for Kept {
    const PREFIX: &'static str = "WE";
}

/// What is counted of what waits.
pub const COUNTED: i64 = 100_000;

impl Kept {
    pub fn sid(&self) -> Sid<Self> {
        Sid::from_bytes(u128::from(self.number.unsigned_abs()).to_be_bytes())
    }

    /// The number of a sid; none where nothing can have it.
    pub fn number_of(sid: Sid<Self>) -> Option<i64> {
        i64::try_from(u128::from_be_bytes(*sid.as_bytes())).ok()
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.next()?, event: row.next()?, status: row.next()?, tries: row.next()?,
            due: row.next()?, log: row.next()?, date_created: row.next()?,
        })
    }
}

const IS_THERE: &str = "SELECT sid FROM sinks WHERE account_sid = $1 AND sid = $2 AND is_removed = 0";
// Each has a partial index of its own, which a condition on both would not find.
const WAITING: &str = "SELECT number, event, status, tries, due, log, date_created FROM stream_deliveries \
     WHERE account_sid = $1 AND sink_sid = $2 AND status = 0 AND number < $3 ORDER BY number DESC LIMIT $4";
const DEAD: &str = "SELECT number, event, status, tries, due, log, date_created FROM stream_deliveries \
     WHERE account_sid = $1 AND sink_sid = $2 AND status = 2 AND number < $3 ORDER BY number DESC LIMIT $4";
const ONE: &str = "SELECT number, event, status, tries, due, log, date_created FROM stream_deliveries \
     WHERE account_sid = $1 AND sink_sid = $2 AND number = $3";
// What an operator watches: of all tenants.
const BACKLOG: &str =
    "SELECT COUNT(*) FROM (SELECT 1 AS one FROM stream_deliveries WHERE status = 0 LIMIT $1) counted";

/// Whether the account has such a sink.
pub fn has_sink(tx: &mut Tx<'_>, account: Sid<Account>, sink: Sid<Sink>) -> Result<bool, StoreError> {
    Ok(tx.row(IS_THERE, &[&account, &sink], one::<Sid<Sink>>)?.is_some())
}

/// At most `size` events of a sink with one of the statuses, newest first, before the number `from`, and the
/// number before which the rest is; none at the end.
pub fn list(
    tx: &mut Tx<'_>,
    (account, sink): (Sid<Account>, Sid<Sink>),
    status: Option<Status>,
    from: Option<i64>,
    size: usize,
) -> Result<(Vec<Kept>, Option<i64>), StoreError> {
    let from = from.unwrap_or(i64::MAX);
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for (of, sql) in [(Status::Waiting, WAITING), (Status::Dead, DEAD)] {
        if status.is_none_or(|status| status == of) {
            found.append(&mut tx.rows(sql, &[&account, &sink, &from, &limit], Kept::read)?);
        }
    }
    found.sort_by_key(|kept| std::cmp::Reverse(kept.number));
    let is_more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| is_more).map(|last| last.number);
    Ok((found, last))
}

/// One of a sink's.
pub fn find(
    tx: &mut Tx<'_>,
    (account, sink): (Sid<Account>, Sid<Sink>),
    number: i64,
) -> Result<Option<Kept>, StoreError> {
    tx.row(ONE, &[&account, &sink, &number], Kept::read)
}

/// How many wait, of all accounts; at most [`COUNTED`].
pub fn backlog(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    Ok(tx.row(BACKLOG, &[&COUNTED], one)?.unwrap_or_default())
}
