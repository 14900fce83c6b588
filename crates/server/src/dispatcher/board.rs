//! Whose turn it is. Pure: lanes are offered, taken and done with, and nobody waits for anybody's network.
//!
//! However many lanes wait in the store, this stays small. A part of it is only for places that have answered
//! well, so that many that do not (or are asked for the first time) cannot take all of it.

use std::collections::{HashMap, HashSet, VecDeque};

use conversations::deliveries::LaneKey;

/// Lanes that are under way in all.
const AT_ONCE: usize = 1024;
/// Lanes under way to one place: the first time, and at most.
const BEGIN: usize = 4;
const MOST: usize = 32;
/// Lanes that wait for one place, and in all. More stay in the store and are offered again.
const QUEUE: usize = 256;
const WAITING: usize = 16 * 1024;
/// Places that are remembered while nothing goes there.
const REMEMBERED: usize = 4096;

/// How a place has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Soon, and not with a failure of its own.
    Good,
    Bad,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    Taken,
    /// It waits or is under way already.
    Known,
    /// There is no room for it now.
    Over,
}

/// All lanes that are waiting for their turn or under way, by the place they lead to.
#[derive(Default)]
pub struct Board {
    places: HashMap<String, Place>,
    /// The places with somebody waiting, in the order of their turns.
    turns: VecDeque<String>,
    known: HashSet<LaneKey>,
    under_way: HashMap<LaneKey, UnderWay>,
    /// How many of each lead to places that have not answered well.
    unproven_waiting: usize,
    unproven_under_way: usize,
}

struct UnderWay {
    origin: String,
    /// Whether it was offered once more: it may have been emptied and filled again meanwhile.
    is_offered: bool,
}

struct Place {
    queue: VecDeque<LaneKey>,
    under_way: usize,
    limit: usize,
    is_proven: bool,
}

impl Board {
    /// Takes note of a lane that waits, where there is room.
    pub fn offer(&mut self, lane: LaneKey, origin: &str) -> Offered {
        if self.known.contains(&lane) {
            if let Some(under_way) = self.under_way.get_mut(&lane) {
                under_way.is_offered = true;
            }
            return Offered::Known;
        }
        let waiting = self.known.len() - self.under_way.len();
        let (in_queue, is_proven) =
            self.places.get(origin).map_or((0, false), |place| (place.queue.len(), place.is_proven));
        let is_over =
            in_queue >= QUEUE || waiting >= WAITING || (!is_proven && self.unproven_waiting >= WAITING / 2);
        if is_over {
            return Offered::Over;
        }
        if in_queue == 0 {
            self.turns.push_back(origin.to_owned());
        }
        if !is_proven {
            self.unproven_waiting += 1;
        }
        let place = self.places.entry(origin.to_owned()).or_insert_with(|| Place {
            queue: VecDeque::new(),
            under_way: 0,
            limit: BEGIN,
            is_proven: false,
        });
        self.known.insert(lane.clone());
        place.queue.push_back(lane);
        Offered::Taken
    }

    /// The next lanes to go, at most `limit`, each place in its turn.
    pub fn take(&mut self, limit: usize) -> Vec<LaneKey> {
        let mut taken = Vec::new();
        let mut passed = 0;
        while taken.len() < limit && passed < self.turns.len() && !self.is_full() {
            let Some(origin) = self.turns.pop_front() else { break };
            let Some(place) = self.places.get_mut(&origin) else { continue };
            let may_go = place.is_proven || self.unproven_under_way < AT_ONCE / 2;
            if may_go
                && place.under_way < place.limit
                && let Some(lane) = place.queue.pop_front()
            {
                place.under_way += 1;
                if !place.is_proven {
                    self.unproven_waiting -= 1;
                    self.unproven_under_way += 1;
                }
                let under_way = UnderWay { origin: origin.clone(), is_offered: false };
                self.under_way.insert(lane.clone(), under_way);
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

    /// A lane's turn is over. A place that answers well is given more, one that does not little. Whether the
    /// lane should be looked for again.
    pub fn done(&mut self, lane: &LaneKey, health: Option<Health>) -> bool {
        let Some(UnderWay { origin, is_offered }) = self.under_way.remove(lane) else { return false };
        self.known.remove(lane);
        let Some(place) = self.places.get_mut(&origin) else { return is_offered };
        let was_proven = place.is_proven;
        match health {
            Some(Health::Good) => {
                place.limit = (place.limit * 2).min(MOST);
                place.is_proven = true;
            }
            Some(Health::Bad) => {
                place.limit = (place.limit / 2).max(1);
                place.is_proven = false;
            }
            None => {}
        }
        if !was_proven {
            self.unproven_under_way -= 1;
        }
        place.under_way -= 1;
        if was_proven && !place.is_proven {
            self.unproven_waiting += place.queue.len();
            self.unproven_under_way += place.under_way;
        } else if !was_proven && place.is_proven {
            self.unproven_waiting -= place.queue.len();
            self.unproven_under_way -= place.under_way;
        }
        // What was learned of a place is kept for the next time, but not of any number of places.
        let is_idle = place.under_way == 0 && place.queue.is_empty();
        if is_idle && self.places.len() > REMEMBERED {
            self.places.remove(&origin);
        }
        is_offered
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

    fn lane(number: u32) -> LaneKey {
        let mut sid = [0; 16];
        sid[..4].copy_from_slice(&number.to_be_bytes());
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
        assert!(board.done(&lane(1), Some(Health::Good)), "something may have come meanwhile");
        board.offer(lane(1), "a");
        assert_eq!(board.take(10), [lane(1)]);
    }

    #[test]
    fn a_place_with_many_lanes_does_not_keep_others_waiting() {
        let mut board = Board::default();
        for number in 0..100 {
            board.offer(lane(number), "many");
        }
        board.offer(lane(500), "few");
        let taken = board.take(10);
        assert!(taken[..2].contains(&lane(500)));
        assert_eq!(taken.len(), 1 + BEGIN);
    }

    #[test]
    fn a_place_that_answers_well_is_given_more_and_one_that_fails_little() {
        let mut board = Board::default();
        for number in 0..200 {
            board.offer(lane(number), "a");
        }
        for health in [Health::Good, Health::Good, Health::Good] {
            let taken = board.take(1);
            board.done(&taken[0], Some(health));
        }
        assert_eq!(board.take(100).len(), MOST);
        (3..3 + 32).for_each(|number| {
            board.done(&lane(number), Some(Health::Bad));
        });
        assert_eq!(board.take(100).len(), 1);
    }

    #[test]
    fn what_is_beyond_a_queue_is_offered_again() {
        let mut board = Board::default();
        for number in 0..300 {
            board.offer(lane(number), "a");
        }
        assert_eq!(board.known.len(), QUEUE);
        let taken = board.take(1);
        board.offer(lane(299), "a");
        assert_eq!((taken.len(), board.known.len()), (1, QUEUE + 1));
    }

    #[test]
    fn any_number_of_places_that_hang_leaves_room_for_those_that_answer() {
        let mut board = Board::default();
        board.offer(lane(0), "good");
        assert_eq!(board.take(10), [lane(0)]);
        board.done(&lane(0), Some(Health::Good));
        let offered = (1..20_000).map(|number| board.offer(lane(number), &format!("hangs {number}")));
        assert_eq!(offered.filter(|offered| *offered == Offered::Taken).count(), WAITING / 2);
        assert_eq!(board.take(10_000).len(), AT_ONCE / 2);
        assert_eq!(board.offer(lane(30_000), "good"), Offered::Taken);
        assert_eq!(board.take(10), [lane(30_000)]);
        assert!(!board.is_full());
    }

    #[test]
    fn the_books_are_right_whatever_places_do() {
        let mut board = Board::default();
        let mut next = 0;
        for round in 0..200_u32 {
            for _ in 0..7 {
                next += 1;
                board.offer(lane(next), &format!("place {}", next % 5));
            }
            for taken in board.take(6) {
                let health = [Some(Health::Good), Some(Health::Bad), None][(round % 3) as usize];
                board.done(&taken, health);
            }
        }
        loop {
            let taken = board.take(64);
            if taken.is_empty() {
                break;
            }
            for lane in &taken {
                board.done(lane, Some(Health::Bad));
            }
        }
        assert_eq!((board.unproven_waiting, board.unproven_under_way), (0, 0));
        assert!(board.known.is_empty() && board.under_way.is_empty() && board.turns.is_empty());
    }

    #[test]
    fn places_are_forgotten_when_they_are_too_many() {
        let mut board = Board::default();
        for number in 0..8192 {
            board.offer(lane(number), &format!("place {number}"));
            for lane in board.take(1) {
                board.done(&lane, Some(Health::Bad));
            }
        }
        assert_eq!(board.places.len(), REMEMBERED);
    }
}
