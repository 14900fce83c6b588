//! Ids from a seed: the same seed and the same requests give the same ids, on every machine.
//!
//! A start takes a block of ids and counts within it, so that nothing has to be written down with each id
//! and a server that was killed never makes an id twice. Sids, secrets and the ids of requests are counted
//! apart: a question that makes no sid does not change the next one. Everything can be computed from
//! the seed: this is for tests, and no secret made so is one.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};

use crate::ids::{Asker, Ids};
use crate::prelude::*;

/// What is counted apart.
#[derive(Clone, Copy)]
enum Stream {
    Sids = 0,
    Secrets = 1,
    Requests = 2,
    Probes = 3,
}

/// The ids of one block of a seed.
pub struct SeededIds {
    seed: u64,
    block: u32,
    counters: [AtomicU64; 4],
}

// Rules ──────────────────────────────────────────────────────────────────────

impl SeededIds {
    /// Nobody else may have the block, see [`take_block`].
    pub fn new(seed: u64, block: u32) -> Self {
        Self { seed, block, counters: Default::default() }
    }

    /// The next number of a stream, and 32 bytes that follow from it.
    fn next(&self, stream: Stream) -> (u64, [u8; 32]) {
        let number = self.counters[stream as usize].fetch_add(1, Ordering::Relaxed);
        let mut text = [0; 21];
        text[..8].copy_from_slice(&self.seed.to_be_bytes());
        text[8..12].copy_from_slice(&self.block.to_be_bytes());
        text[12] = stream as u8;
        text[13..].copy_from_slice(&number.to_be_bytes());
        let digest = digest(&SHA256, &text);
        (number, digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// Block and number stand first, so that what is made later sorts later.
    fn ordered(&self, stream: Stream) -> [u8; 16] {
        let (number, chance) = self.next(stream);
        let mut id = [0; 16];
        id[..3].copy_from_slice(&self.block.to_be_bytes()[1..]);
        id[3..8].copy_from_slice(&number.to_be_bytes()[3..]);
        id[8..].copy_from_slice(&chance[..8]);
        id
    }
}

impl Ids for SeededIds {
    fn sid(&self, _: Timestamp) -> [u8; 16] {
        self.ordered(Stream::Sids)
    }

    fn secret(&self) -> [u8; 32] {
        self.next(Stream::Secrets).1
    }

    fn request_id(&self, _: Timestamp, asker: Asker) -> [u8; 16] {
        self.ordered(match asker {
            Asker::Client => Stream::Requests,
            Asker::Probe => Stream::Probes,
        })
    }
}

// Storage ────────────────────────────────────────────────────────────────────

const TAKE: &str = "INSERT INTO id_blocks (number, taken) VALUES (1, 1) \
     ON CONFLICT (number) DO UPDATE SET taken = id_blocks.taken + 1 RETURNING taken";

// Operations ─────────────────────────────────────────────────────────────────

/// Takes the next block of this database. The first is 1.
pub fn take_block(tx: &mut Tx<'_>) -> Result<u32, StoreError> {
    let taken = tx.row(TAKE, &[], one::<i64>)?.expect("an upsert returns its row");
    Ok(u32::try_from(taken).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::ids::hex;

    const NOW: Timestamp = Timestamp::MIN;

    #[test]
    fn one_seed_gives_the_same_ids_and_another_others() {
        let sids = |seed, block| {
            let ids = SeededIds::new(seed, block);
            (0..100).map(|_| ids.sid(NOW)).collect::<Vec<_>>()
        };
        assert_eq!(sids(7, 1), sids(7, 1));
        assert_ne!(sids(7, 1), sids(8, 1));
        let (first, second) = (sids(7, 1), sids(7, 2));
        assert!(first.is_sorted() && first[99] < second[0], "what is made later sorts later");
        let all: HashSet<_> = first.iter().chain(&second).collect();
        assert_eq!(all.len(), 200);
        // If this changes, so do the ids in the tests of everybody who uses a seed.
        assert_eq!(hex(&first[0]), "0000010000000000289a35fa6bddbf04");
    }

    #[test]
    fn what_is_counted_apart_does_not_disturb_the_rest() {
        let (quiet, busy) = (SeededIds::new(7, 1), SeededIds::new(7, 1));
        for _ in 0..10 {
            busy.request_id(NOW, Asker::Client);
            busy.secret();
        }
        assert_eq!(quiet.sid(NOW), busy.sid(NOW));
        for _ in 0..3 {
            busy.request_id(NOW, Asker::Probe);
        }
        quiet.request_id(NOW, Asker::Probe);
        assert_ne!(quiet.request_id(NOW, Asker::Client), quiet.request_id(NOW, Asker::Probe));
        assert_ne!(quiet.secret(), quiet.secret());
    }
}
