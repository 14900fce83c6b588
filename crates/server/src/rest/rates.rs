//! Optional limits of rate, off unless an operator sets them: how many requests of an account run at a time,
//! and how many actions, requests that change something, are begun in a second.
//!
//! Actions are counted where Twilio says that it counts: each kind of action for itself, below a conversation
//! and for changes of it by the conversation, else by the service; and, if that is asked for, all of an
//! account's together. Who is refused has cost no look at the store beyond the credentials: a limit comes
//! before the body is read, before 404 and before any other refusal, and all that comes after it counts.
//!
//! A count is a bucket that holds what a second allows and fills steadily (GCRA), so it is one number, the
//! instant at which it will be full. One that is full again is as good as none and is forgotten: there are
//! never more than twice as many as were asked of within a second, whatever names a caller thinks up.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use axum::response::Response;
use conversations::{Call, Conversation, Operation, Path, Verb};
use wire::{Key, Problem};

use crate::clock::Steady;
use crate::settings::Rates as Settings;
use crate::web::answer;

/// Microseconds.
const SECOND: u64 = 1_000_000;
/// Buckets that are kept without a look at which of them are full.
const FEW: usize = 1024;

/// The counts, and what they are held against.
pub struct Rates {
    settings: Settings,
    clock: Steady,
    buckets: Mutex<Buckets>,
}

/// What a request is told of its limits.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Standing {
    policies: Vec<String>,
    limits: Vec<String>,
}

impl Rates {
    pub fn new(settings: Settings, clock: Steady) -> Self {
        Self { settings, clock, buckets: Mutex::default() }
    }

    /// Judges a request by how many of its account run, with this one.
    pub fn admit(&self, running: u64, standing: &mut Standing) -> Result<(), Problem> {
        let Some(most) = self.settings.concurrency else { return Ok(()) };
        let left = u64::from(most).checked_sub(running);
        standing.policies.push(format!("\"concurrency\";q={most};qu=\"concurrent-requests\""));
        standing.limits.push(format!("\"concurrency\";r={}", left.unwrap_or(0)));
        left.map(|_| ()).ok_or(Problem::TOO_MANY_REQUESTS)
    }

    /// Counts an action, where it is one.
    pub fn act(
        &self,
        operation: &Operation,
        (call, path): (&Call, &Path),
        standing: &mut Standing,
    ) -> Result<(), (Problem, Duration)> {
        let Settings { actions_per_second: own, global_actions_per_second: all, .. } = self.settings;
        if matches!(operation.verb, Verb::List | Verb::Fetch) {
            return Ok(());
        }
        let own = own.map(|rate| (key(operation, call, path), Quota::new("actions", rate)));
        let all = all.map(|rate| (global_key(call), Quota::new("global-actions", rate)));
        let asked: Vec<_> = [own, all].into_iter().flatten().collect();
        if asked.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing is taken from either before both have it.
        let mut refused = None;
        for (key, quota) in &asked {
            if let Err(after) = quota.take(buckets.full_at(key), now) {
                refused = refused.or(Some((quota.problem(), Duration::from_micros(after))));
            }
        }
        for (key, quota) in &asked {
            let mut full_at = buckets.full_at(key).max(now);
            if refused.is_none() {
                full_at += quota.interval;
                buckets.keep(*key, full_at, now);
            }
            quota.tell(full_at - now, standing);
        }
        refused.map_or(Ok(()), Err)
    }
}

impl Standing {
    /// As the current draft of the `RateLimit` header fields has them.
    pub fn show(&self, response: &mut Response) {
        if !self.policies.is_empty() {
            answer::header(response, "ratelimit-policy", &self.policies.join(", "));
            answer::header(response, "ratelimit", &self.limits.join(", "));
        }
    }
}

/// The answer to who is to come back after this time, in whole seconds.
pub fn refusal(problem: &Problem, after: Duration) -> Response {
    let mut response = answer::problem(problem);
    let seconds = after.as_micros().div_ceil(u128::from(SECOND)).max(1);
    answer::header(&mut response, "retry-after", &seconds.to_string());
    response
}

/// What one kind of action may be done in a second.
struct Quota {
    name: &'static str,
    rate: u32,
    /// Between two of a steady stream, in microseconds.
    interval: u64,
}

impl Quota {
    fn new(name: &'static str, rate: u32) -> Self {
        Self { name, rate, interval: (SECOND / u64::from(rate)).max(1) }
    }

    /// How long an empty bucket takes to fill.
    fn window(&self) -> u64 {
        self.interval * u64::from(self.rate)
    }

    /// Whether a bucket that will be full at this instant has one more; else when it will.
    fn take(&self, full_at: u64, now: u64) -> Result<(), u64> {
        let after = full_at.max(now) - now + self.interval;
        if after <= self.window() { Ok(()) } else { Err(after - self.window()) }
    }

    fn problem(&self) -> Problem {
        match self.name {
            "actions" => Problem::ACTIONS_LIMIT_EXCEEDED,
            _ => Problem::GLOBAL_ACTIONS_LIMIT_EXCEEDED,
        }
    }

    fn tell(&self, missing: u64, standing: &mut Standing) {
        let Self { name, rate, interval } = self;
        let left = self.window().saturating_sub(missing) / interval;
        standing.policies.push(format!("\"{name}\";q={rate};w=1"));
        standing.limits.push(format!("\"{name}\";r={left};t={}", missing.div_ceil(SECOND)));
    }
}

/// A digest, so that every key is small whatever a path says.
type BucketKey = [u8; 16];

/// When each bucket will be full.
struct Buckets {
    full_at: HashMap<BucketKey, u64>,
    /// How many there may be before those that are full are looked for.
    most: usize,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { full_at: HashMap::new(), most: FEW }
    }
}

impl Buckets {
    fn full_at(&self, key: &BucketKey) -> u64 {
        self.full_at.get(key).copied().unwrap_or(0)
    }

    fn keep(&mut self, key: BucketKey, full_at: u64, now: u64) {
        if self.full_at.len() >= self.most {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.most = FEW.max(self.full_at.len() * 2);
            self.full_at.shrink_to(self.most);
        }
        self.full_at.insert(key, full_at);
    }
}

/// Twilio: which actions are counted together (its page on limits). What that page does not name is counted
/// by the same rule.
fn key(operation: &Operation, call: &Call, path: &Path) -> BucketKey {
    let is_removal =
        operation.verb == Verb::Delete && operation.template == "/Conversations/{ConversationSid}";
    let conversation = path.find_key::<Conversation>("ConversationSid").filter(|_| !is_removal);
    let mut digest = Context::new(&SHA256);
    digest.update(call.account_sid.as_bytes());
    digest.update(call.service_sid.as_bytes());
    digest.update(&[operation.verb as u8]);
    digest.update(operation.template.as_bytes());
    match &conversation {
        None => {}
        Some(Key::Sid(sid)) => digest.update(sid.as_bytes()),
        Some(Key::Name(name)) => {
            digest.update(b"/");
            digest.update(name.as_bytes());
        }
    }
    short(digest)
}

fn global_key(call: &Call) -> BucketKey {
    let mut digest = Context::new(&SHA256);
    digest.update(call.account_sid.as_bytes());
    short(digest)
}

fn short(digest: Context) -> BucketKey {
    digest.finish().as_ref()[..16].try_into().expect("a digest is longer")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: u64 = SECOND / 1000;

    /// How many of `asked` at one moment are taken.
    fn taken(quota: &Quota, full_at: &mut u64, now: u64, asked: u32) -> u32 {
        (0..asked)
            .map(|_| {
                u32::from(quota.take(*full_at, now).is_ok_and(|()| {
                    *full_at = (*full_at).max(now) + quota.interval;
                    true
                }))
            })
            .sum()
    }

    #[test]
    fn a_second_brings_as_many_as_the_rate_and_saves_no_more() {
        for rate in [1, 3, 7, 30, 9_999, 10_000] {
            let quota = Quota::new("actions", rate);
            let (mut full_at, begin) = (0, 5 * SECOND);
            assert_eq!(taken(&quota, &mut full_at, begin, rate + 10), rate, "{rate}");
            assert_eq!(taken(&quota, &mut full_at, begin + SECOND, rate + 10), rate, "{rate}");
            assert_eq!(taken(&quota, &mut full_at, begin + 3600 * SECOND, rate + 10), rate, "{rate}");
        }
        let quota = Quota::new("actions", 10);
        let mut full_at = 0;
        assert_eq!(taken(&quota, &mut full_at, SECOND, 20), 10);
        assert_eq!(taken(&quota, &mut full_at, SECOND + 99 * MILLISECOND, 20), 0);
        assert_eq!(taken(&quota, &mut full_at, SECOND + 100 * MILLISECOND, 20), 1);
        assert_eq!(taken(&quota, &mut full_at, SECOND + 450 * MILLISECOND, 20), 3);
    }

    #[test]
    fn who_waits_as_long_as_told_comes_through_and_not_before() {
        let quota = Quota::new("actions", 7);
        let (mut full_at, mut now) = (0, 1);
        for _ in 0..100 {
            match quota.take(full_at, now) {
                Ok(()) => full_at = full_at.max(now) + quota.interval,
                Err(after) => {
                    assert!(quota.take(full_at, now + after - 1).is_err());
                    now += after;
                    assert!(quota.take(full_at, now).is_ok());
                }
            }
        }
    }

    #[test]
    fn a_million_names_are_not_remembered() {
        let mut buckets = Buckets::default();
        let mut most = 0;
        for name in 0..1_000_000_u64 {
            // 20,000 a second, each with a bucket that takes half a second to fill.
            let now = name * SECOND / 20_000;
            let mut key = [0; 16];
            key[..8].copy_from_slice(&name.to_be_bytes());
            buckets.keep(key, now + SECOND / 2, now);
            most = most.max(buckets.full_at.capacity());
        }
        assert!(most < 60_000, "{most}");
        buckets.keep([1; 16], 61 * SECOND, 60 * SECOND);
        assert!(buckets.full_at.len() <= 20_002);
    }

    #[test]
    fn as_many_requests_run_as_are_allowed() {
        let settings = Settings { concurrency: Some(2), ..Settings::default() };
        let rates = Rates::new(settings, Steady::new(None));
        let asked = |running| {
            let mut standing = Standing::default();
            (rates.admit(running, &mut standing).map_err(|problem| problem.code), standing.limits)
        };
        assert_eq!(asked(1), (Ok(()), vec!["\"concurrency\";r=1".to_owned()]));
        assert_eq!(asked(2), (Ok(()), vec!["\"concurrency\";r=0".to_owned()]));
        assert_eq!(asked(3), (Err(20429), vec!["\"concurrency\";r=0".to_owned()]));
        let off = Rates::new(Settings::default(), Steady::new(None));
        let mut standing = Standing::default();
        assert_eq!((off.admit(1_000_000, &mut standing), standing), (Ok(()), Standing::default()));
    }
}
