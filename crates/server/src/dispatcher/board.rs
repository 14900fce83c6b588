//! Whose turn it is. Pure: lanes are offered, taken and done with, and nobody waits for anybody's network.

use std::collections::{HashMap, HashSet, VecDeque};

use conversations::deliveries::{LaneKey, Outcome, TryResult};

/// Lanes that are under way in all.
const AT_ONCE: usize = 1024;
/// Lanes under way to one place: the first time, and at most.
const BEGIN: usize = 4;
const MOST: usize = 32;
/// Lanes that wait for one place. More stay in the store and are offered again.
const QUEUE: usize = 256;

/// How a place has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Good,
    Bad,
}

impl Health {
    pub fn of(outcome: &Outcome) -> Self {
        match outcome.result {
            TryResult::Delivered => Self::Good,
            TryResult::Again(_) | TryResult::Dead => Self::Bad,
        }
    }
}

/// All lanes that are waiting for their turn or under way, by the place they lead to.
#[derive(Default)]
pub struct Board {
    places: HashMap<String, Place>,
    /// The places with somebody waiting, in the order of their turns.
    turns: VecDeque<String>,
    known: HashSet<LaneKey>,
    under_way: HashMap<LaneKey, String>,
}

struct Place {
    queue: VecDeque<LaneKey>,
    under_way: usize,
    limit: usize,
}

impl Board {
    /// Takes note of a lane that waits. One that is known, or beyond what a place may keep waiting, is
    /// passed over.
    pub fn offer(&mut self, lane: LaneKey, origin: &str) {
        if self.known.contains(&lane) {
            return;
        }
        let place = self.places.entry(origin.to_owned()).or_insert_with(|| Place {
            queue: VecDeque::new(),
            under_way: 0,
            limit: BEGIN,
        });
        if place.queue.len() == QUEUE {
            return;
        }
        if place.queue.is_empty() {
            self.turns.push_back(origin.to_owned());
        }
        self.known.insert(lane.clone());
        place.queue.push_back(lane);
    }

    /// The next lanes to go, at most `limit`, each place in its turn.
    pub fn take(&mut self, limit: usize) -> Vec<LaneKey> {
        let mut taken = Vec::new();
        let mut passed = 0;
        while taken.len() < limit && passed < self.turns.len() && !self.is_full() {
            let Some(origin) = self.turns.pop_front() else { break };
            let Some(place) = self.places.get_mut(&origin) else { continue };
            if place.under_way < place.limit
                && let Some(lane) = place.queue.pop_front()
            {
                place.under_way += 1;
                self.under_way.insert(lane.clone(), origin.clone());
                taken.push(lane);
                passed = 0;
            } else {
                passed += 1;
            }
            if !place.queue.is_empty() {
                self.turns.push_back(origin);
            }
        }
        taken
    }

    /// A lane's turn is over. A place that answers well is given more, one that does not little.
    pub fn done(&mut self, lane: &LaneKey, health: Option<Health>) {
        self.known.remove(lane);
        let Some(origin) = self.under_way.remove(lane) else { return };
        let Some(place) = self.places.get_mut(&origin) else { return };
        place.under_way -= 1;
        match health {
            Some(Health::Good) => place.limit = (place.limit * 2).min(MOST),
            Some(Health::Bad) => place.limit = (place.limit / 2).max(1),
            None => {}
        }
        let is_idle = place.under_way == 0 && place.queue.is_empty();
        // What was learned of a place that fails is kept until it answers well.
        if is_idle && place.limit >= BEGIN {
            self.places.remove(&origin);
        }
    }

    /// Whether nothing more can be under way.
    pub fn is_full(&self) -> bool {
        self.under_way.len() >= AT_ONCE
    }
}

#[cfg(test)]
mod tests {
    use conversations::deliveries::{Subject, TargetKey};
    use wire::Sid;

    use super::*;

    fn lane(number: u16) -> LaneKey {
        let mut sid = [0; 16];
        sid[..2].copy_from_slice(&number.to_be_bytes());
        LaneKey::new(
            TargetKey::Account(Sid::from_bytes([1; 16])),
            Subject::Conversation(Sid::from_bytes(sid)),
        )
    }

    #[test]
    fn a_lane_is_under_way_once() {
        let mut board = Board::default();
        board.offer(lane(1), "a");
        board.offer(lane(1), "a");
        assert_eq!(board.take(10), [lane(1)]);
        board.offer(lane(1), "a");
        assert_eq!(board.take(10), []);
        board.done(&lane(1), Some(Health::Good));
        board.offer(lane(1), "a");
        assert_eq!(board.take(10), [lane(1)]);
    }

    #[test]
    fn a_place_with_many_lanes_does_not_keep_others_waiting() {
        let mut board = Board::default();
        (0..100).for_each(|number| board.offer(lane(number), "many"));
        board.offer(lane(500), "few");
        let taken = board.take(10);
        assert!(taken[..2].contains(&lane(500)));
        assert_eq!(taken.len(), 1 + BEGIN);
    }

    #[test]
    fn a_place_that_answers_well_is_given_more_and_one_that_fails_little() {
        let mut board = Board::default();
        (0..200).for_each(|number| board.offer(lane(number), "a"));
        for health in [Health::Good, Health::Good, Health::Good] {
            let taken = board.take(1);
            board.done(&taken[0], Some(health));
        }
        assert_eq!(board.take(100).len(), MOST);
        (3..3 + 32).for_each(|number| board.done(&lane(number), Some(Health::Bad)));
        assert_eq!(board.take(100).len(), 1);
    }

    #[test]
    fn what_is_beyond_a_queue_is_offered_again() {
        let mut board = Board::default();
        (0..300).for_each(|number| board.offer(lane(number), "a"));
        assert_eq!(board.known.len(), QUEUE);
        let taken = board.take(1);
        board.offer(lane(299), "a");
        assert_eq!((taken.len(), board.known.len()), (1, QUEUE + 1));
    }
}
