//! Webhooks that seem to call each other: a receiver which answers what it is told with a change that it is
//! told of again.
//!
//! Nobody but the receiver knows that, because nothing in a request says what it is an answer to. What shows
//! is a lane in which there is no end of new deliveries. That is said to the operator, and no more is done: it
//! might be a busy conversation, whose deliveries nobody may hold back. A loop goes one after the other in
//! its own lane, and is as fast as the receiver is; limits of rate stop it where they are set.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use conversations::deliveries::LaneKey;
use wire::Timestamp;

/// New deliveries of one lane within a minute that are a reason to look.
const MANY: u32 = 600;
/// Lanes that are counted at a time. Where more are busy within a minute, later ones are not.
const LANES: usize = 4096;
const MINUTE: i64 = 60_000_000;

/// What was told in the present minute.
#[derive(Default)]
pub struct Loops {
    told: Mutex<(i64, HashMap<LaneKey, u32>)>,
}

impl Loops {
    /// Counts a delivery that is tried for the first time. Whether it is the one that makes its lane
    /// suspicious, which happens once a minute.
    pub fn is_suspicious(&self, lane: &LaneKey, now: Timestamp) -> bool {
        let minute = now.micros().div_euclid(MINUTE);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.0 != minute {
            *told = (minute, HashMap::new());
        }
        let lanes = &mut told.1;
        if let Some(count) = lanes.get_mut(lane) {
            *count = count.saturating_add(1);
            return *count == MANY;
        }
        if lanes.len() < LANES {
            lanes.insert(lane.clone(), 1);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use conversations::deliveries::{Subject, TargetKey};
    use wire::Sid;

    use super::*;

    fn lane(number: u16) -> LaneKey {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        LaneKey::new(
            TargetKey::Account(Sid::from_bytes([1; 16])),
            Subject::Conversation(Sid::from_bytes(bytes)),
        )
    }

    #[test]
    fn a_lane_without_end_is_said_once_a_minute_and_a_busy_one_is_not() {
        let loops = Loops::default();
        let said = |number, count: u32, at: i64| {
            let now = Timestamp::from_micros(at);
            (0..count).filter(|_| loops.is_suspicious(&lane(number), now)).count()
        };
        assert_eq!(said(1, MANY - 1, 0), 0);
        assert_eq!(said(2, MANY - 1, MINUTE - 1), 0, "each lane is counted alone");
        assert_eq!(said(1, 5000, MINUTE - 1), 1);
        assert_eq!(said(1, MANY - 1, MINUTE), 0, "another minute");
        assert_eq!(said(1, 5000, MINUTE), 1);
    }

    #[test]
    fn what_is_counted_is_bounded() {
        let loops = Loops::default();
        for number in 0..5000 {
            assert!(!loops.is_suspicious(&lane(number), Timestamp::from_micros(0)));
        }
        assert_eq!(loops.told.lock().expect("nobody else has it").1.len(), LANES);
    }
}
