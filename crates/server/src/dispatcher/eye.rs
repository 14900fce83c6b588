//! What waits in the store, seen a page at a time.
//!
//! Mostly one page is all there is. Where more waits than a page, because some place takes nothing, what
//! has just fallen due is looked for at the newer end, so that it does not wait for the rest to be looked
//! through; and the rest is looked through all the same, a page each time, from one end to the other.

use std::time::Duration;

use conversations::deliveries::{self, Place, Waiting};
use store::{StoreError, Tx};
use wire::Timestamp;

/// Lanes that are looked for at a time.
pub const PAGE: i64 = 512;
/// How long a commit may be behind the instant that its lanes say.
const BEHIND: i64 = 1_000_000;
/// Between two looks at the least.
pub const PAUSE: Duration = Duration::from_millis(10);
/// Where there is more than there is room for. What was taken is under way meanwhile.
const FILLED: Duration = Duration::from_millis(25);
/// Where there is more than there is room for, and the last look brought nothing new.
const CROWDED: Duration = Duration::from_millis(100);
/// Without any reason to look.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// Where looking has come to, beyond the first page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eye {
    /// Everything before has been seen since the last sweep began.
    swept: Place,
    /// What falls due behind this has not been seen yet, or may have been committed late.
    fresh: Place,
}

/// What was found, and where to go on.
pub struct Found {
    pub waiting: Vec<Waiting>,
    pub eye: Eye,
    /// Whether there is more than was looked at.
    is_more: bool,
    now: Timestamp,
    /// When something falls due that is not due yet.
    next: Option<Timestamp>,
}

impl Default for Eye {
    fn default() -> Self {
        Self { swept: Place::FIRST, fresh: Place::FIRST }
    }
}

impl Eye {
    /// Looks once. `real` is the real time in microseconds.
    pub fn look(&self, tx: &mut Tx<'_>, real: i64, page: i64) -> Result<Found, StoreError> {
        let now = tx.now();
        let mut waiting = deliveries::due(tx, real, &Place::FIRST, page)?;
        let Some(last) = full(&waiting, page) else {
            let next = deliveries::next_due(tx)?;
            return Ok(Found { waiting, eye: Self::default(), is_more: false, now, next });
        };
        let late = Place::at(now.saturating_plus_micros(-BEHIND));
        // Nothing was missed by somebody who has only now more than a page before him.
        let from = if self.fresh == Place::FIRST { late.clone() } else { self.fresh.clone() };
        let fresh = deliveries::due(tx, real, &from.max(last.clone()), page)?;
        let swept = deliveries::due(tx, real, &self.swept.clone().max(last), page)?;
        let eye = Self {
            fresh: full(&fresh, page).unwrap_or(late),
            swept: full(&swept, page).unwrap_or(Place::FIRST),
        };
        waiting.extend(fresh);
        waiting.extend(swept);
        Ok(Found { waiting, eye, is_more: true, now, next: None })
    }
}

impl Found {
    /// How long there is nothing to look for, where `taken` of it was new and `is_over` says whether there was
    /// no room for some. A manual clock falls due when it is moved, and says so itself.
    pub fn wait(&self, taken: usize, is_over: bool, is_manual: bool) -> Duration {
        match (is_over, self.is_more) {
            (true, _) if taken > 0 => return FILLED,
            (false, true) if taken > 0 => return PAUSE,
            (true, _) | (_, true) => return CROWDED,
            (false, false) => {}
        }
        match self.next {
            Some(next) if !is_manual => {
                let micros = next.micros().saturating_sub(self.now.micros());
                Duration::from_micros(u64::try_from(micros).unwrap_or(0)).clamp(PAUSE, INTERVAL)
            }
            _ => INTERVAL,
        }
    }
}

/// The end of a page that is full: there may be more behind it.
fn full(found: &[Waiting], page: i64) -> Option<Place> {
    let is_full = i64::try_from(found.len()).is_ok_and(|count| count >= page);
    found.last().filter(|_| is_full).map(Waiting::place)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use conversations::MIGRATIONS;
    use conversations::deliveries::{LaneKey, Subject, TargetKey};
    use store::{Clock, Options, Roots, Store};
    use wire::Sid;

    use super::*;

    const NOW: i64 = 100_000_000;

    struct Standing;

    impl Clock for Standing {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(NOW)
        }
    }

    fn lane(number: u8) -> LaneKey {
        let (account, conversation) = (Sid::from_bytes([1; 16]), Sid::from_bytes([number; 16]));
        LaneKey::new(TargetKey::Account(account), Subject::Conversation(conversation))
    }

    async fn put(store: &Store, numbers: std::ops::Range<u8>, due: impl Fn(u8) -> i64 + Send + 'static) {
        const LANE: &str =
            "INSERT INTO lanes (key, account_sid, origin, due, leased_until) VALUES ($1, $2, $3, $4, 0)";
        let put = move |tx: &mut Tx<'_>| {
            numbers.clone().try_for_each(|number| {
                let account: Sid<conversations::Account> = Sid::from_bytes([1; 16]);
                tx.put(LANE, &[&lane(number), &account, &"http://a", &Timestamp::from_micros(due(number))])
            })
        };
        store.write::<_, StoreError>(Roots::none(), put).await.expect("they are written");
    }

    async fn look(store: &Store, eye: &Eye) -> Found {
        let eye = eye.clone();
        store.read(move |tx| eye.look(tx, 1, 10)).await.expect("they are read")
    }

    fn shows(found: &Found, number: u8) -> bool {
        found.waiting.iter().any(|waiting| waiting.key == lane(number))
    }

    #[tokio::test]
    async fn what_is_new_is_seen_at_once_and_everything_in_the_end() {
        let file = std::env::temp_dir().join(format!("tertulia-eye-{}.db", std::process::id()));
        let store = Store::open_sqlite(&file, MIGRATIONS, Options::new(Arc::new(Standing)));
        let store = store.expect("a database");
        put(&store, 0..5, i64::from).await;
        put(&store, 5..6, |_| NOW + 300_000).await;
        let found = look(&store, &Eye::default()).await;
        assert_eq!((found.waiting.len(), found.is_more, found.eye.clone()), (5, false, Eye::default()));
        assert_eq!(found.wait(5, false, false), Duration::from_millis(300));
        assert_eq!(found.wait(5, false, true), INTERVAL, "a manual clock says itself when it is moved");
        assert_eq!(found.wait(0, true, false), CROWDED);

        put(&store, 6..80, i64::from).await;
        let (mut eye, mut seen) = (Eye::default(), HashSet::new());
        for _ in 0..9 {
            let found = look(&store, &eye).await;
            assert!(found.is_more && found.waiting.len() <= 30, "a look costs three pages");
            seen.extend(found.waiting.iter().map(|waiting| waiting.key.clone()));
            eye = found.eye;
        }
        assert_eq!(seen.len(), 79, "all but the one that is not due");
        put(&store, 100..101, |_| NOW).await;
        let found = look(&store, &eye).await;
        assert!(shows(&found, 100));
        // One that was stamped before it and committed after it.
        put(&store, 101..102, |_| NOW - 500_000).await;
        put(&store, 102..120, |_| NOW).await;
        let found = look(&store, &found.eye).await;
        assert!(shows(&found, 101) && found.waiting.len() > 10);
        assert!(shows(&look(&store, &found.eye).await, 119), "page by page");
        store.close();
        let _ = std::fs::remove_file(&file);
    }
}
