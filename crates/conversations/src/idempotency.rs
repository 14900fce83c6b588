//! Idempotency keys: a create that is sent twice under one key is done once, and answered twice alike.
//!
//! A run claims the key in a transaction of its own, and stores its answer in the transaction of the change
//! itself: either both are there or neither. Whoever comes while it runs is refused with 409, whoever comes
//! later gets the stored answer, for 24 hours. A run that was refused stores nothing and gives the key back;
//! the claim of a run that crashed lapses after a minute. The rules are Stripe's; the API that we speak has
//! none.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};

use crate::operation::Answer;
use crate::prelude::*;

const SECOND: i64 = 1_000_000;
/// How long an answer is kept.
const KEPT: i64 = 24 * 60 * 60 * SECOND;
/// How long a run may take before its claim is anybody's. No request is served for longer.
const LAPSES: i64 = 60 * SECOND;
/// Characters.
const KEY_LENGTH: usize = 255;
/// Rows that one step of pruning removes.
const AT_ONCE: i64 = 500;

// Record ─────────────────────────────────────────────────────────────────────

/// Field order is the order of the columns.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    account_sid: Sid<Account>,
    key: String,
    /// Of everything that was asked: another request under the same key is a mistake.
    fingerprint: Vec<u8>,
    /// Which run has it. Stands for the base URL in the stored body, too: that is the request's own.
    run: [u8; 16],
    status: Option<i64>,
    body: Option<String>,
    date_claimed: Timestamp,
}

/// What became of a claim.
pub enum Claimed {
    /// The run may begin.
    Fresh(IdempotencyKey),
    /// It has been done before.
    Done(Answer),
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl IdempotencyKey {
    /// The key of a request for `call`'s path with this form. None where it is no key.
    pub fn new(call: &Call, key: &str, form: &Form, now: Timestamp) -> Option<Self> {
        if key.is_empty() || key.chars().count() > KEY_LENGTH {
            return None;
        }
        let mut asked = call.path.clone();
        for (name, value) in form.pairs() {
            // Lengths keep a name apart from its value, whatever they hold.
            let _ = write!(asked, "\n{}:{name}{}:{value}", name.len(), value.len());
        }
        Some(Self {
            account_sid: call.account_sid,
            key: key.to_owned(),
            fingerprint: digest(&SHA256, asked.as_bytes()).as_ref().to_vec(),
            run: call.ids.sid(now),
            status: None,
            body: None,
            date_claimed: now,
        })
    }

    /// What stands for the base URL in a stored body.
    fn placeholder(&self) -> String {
        format!("base-of-{}", crate::hex(&self.run))
    }

    /// What a request under a key that is there is answered with; none where the key is free again.
    fn judge(&self, asked: &Self, call: &Call, now: Timestamp) -> Result<Option<Answer>, Problem> {
        let age = now.micros() - self.date_claimed.micros();
        if age >= KEPT || (self.status.is_none() && age >= LAPSES) {
            return Ok(None);
        }
        if self.fingerprint != asked.fingerprint {
            return Err(Problem::parameter("The Idempotency-Key was used for another request"));
        }
        let (Some(status), Some(body)) = (self.status, &self.body) else {
            return Err(Problem::conflict("A request with this Idempotency-Key is being worked on"));
        };
        let body = body.replace(&self.placeholder(), &call.base_url);
        Ok(Some(Answer::replayed(u16::try_from(status).unwrap_or(200), body.into_bytes())))
    }
}

// Storage ────────────────────────────────────────────────────────────────────

impl Record for IdempotencyKey {
    const TABLE: &'static str = "idempotency_keys";
    const KEY: &'static [&'static str] = &["account_sid", "key"];
    const COLUMNS: &'static str = "account_sid, key, fingerprint, run, status, body, date_claimed";

    #[rustfmt::skip]
    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.account_sid, &self.key, &self.fingerprint, &self.run, &self.status, &self.body,
             &self.date_claimed]
    }

    #[rustfmt::skip]
    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            account_sid: row.next()?, key: row.next()?, fingerprint: row.next()?, run: row.next()?,
            status: row.next()?, body: row.next()?, date_claimed: row.next()?,
        })
    }
}

const BY_KEY: &str = "WHERE account_sid = $1 AND key = $2";
const TAKE_OVER: &str = "UPDATE idempotency_keys SET fingerprint = $4, run = $5, status = NULL, body = NULL, \
     date_claimed = $6 WHERE account_sid = $1 AND key = $2 AND run = $3";
const COMPLETE: &str = "UPDATE idempotency_keys SET status = $4, body = $5 \
     WHERE account_sid = $1 AND key = $2 AND run = $3";
const RELEASE: &str = "DELETE FROM idempotency_keys WHERE account_sid = $1 AND key = $2 AND run = $3";
/// Of all tenants: for who is alone with the store. What is older has lapsed anyway.
const RELEASE_ALL: &str = "DELETE FROM idempotency_keys WHERE date_claimed >= $1 AND status IS NULL";
// The scans for what is old: the other statements without a tenant.
const OLD: &str = "SELECT date_claimed FROM idempotency_keys WHERE date_claimed < $1 LIMIT 1";
const PRUNE: &str = "DELETE FROM idempotency_keys WHERE (account_sid, key) IN \
     (SELECT account_sid, key FROM idempotency_keys WHERE date_claimed < $1 ORDER BY date_claimed LIMIT $2)";

// Operations: one transaction each ───────────────────────────────────────────

/// Claims the key for a run.
pub fn claim(tx: &mut Tx<'_>, call: &Call, asked: &IdempotencyKey) -> Result<Claimed, Failure> {
    let now = tx.now();
    let asked = IdempotencyKey { date_claimed: now, ..asked.clone() };
    loop {
        if tx.insert(&asked)? {
            return Ok(Claimed::Fresh(asked));
        }
        // It may have been released in between: then it can be inserted.
        let Some(there) = tx.find::<IdempotencyKey>(BY_KEY, &[&asked.account_sid, &asked.key])? else {
            continue;
        };
        if let Some(answer) = there.judge(&asked, call, now)? {
            return Ok(Claimed::Done(answer));
        }
        let IdempotencyKey { account_sid, key, fingerprint, run, .. } = &asked;
        let params: &[&dyn Value] = &[account_sid, key, &there.run, fingerprint, run, &now];
        if tx.execute(TAKE_OVER, params)? == 1 {
            return Ok(Claimed::Fresh(asked));
        }
    }
}

/// Stores the answer, in the transaction of the change. A run whose claim has lapsed and was taken changes
/// nothing.
pub fn complete(tx: &mut Tx<'_>, call: &Call, key: &IdempotencyKey, answer: &Answer) -> Result<(), Failure> {
    let call = Call { base_url: key.placeholder().into(), ..call.clone() };
    let body = String::from_utf8(answer.render(&call)).expect("a body is JSON");
    let status = i64::from(answer.status);
    let params: &[&dyn Value] = &[&key.account_sid, &key.key, &key.run, &status, &body];
    if tx.execute(COMPLETE, params)? == 1 {
        return Ok(());
    }
    Err(Problem::conflict("Another request has taken over this Idempotency-Key").into())
}

/// Gives the key back: the run was refused.
pub fn release(tx: &mut Tx<'_>, key: &IdempotencyKey) -> Result<(), StoreError> {
    tx.put(RELEASE, &[&key.account_sid, &key.key, &key.run])
}

/// Gives every key back whose run is under way.
pub fn release_all(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let since = tx.now().saturating_plus_micros(-LAPSES);
    tx.put(RELEASE_ALL, &[&since])
}

/// Whether there are keys that are no longer kept.
pub fn has_old(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let before = tx.now().saturating_plus_micros(-KEPT);
    Ok(tx.row(OLD, &[&before], one::<i64>)?.is_some())
}

/// Removes some of them.
pub fn prune(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let before = tx.now().saturating_plus_micros(-KEPT);
    tx.put(PRUNE, &[&before, &AT_ONCE])
}
