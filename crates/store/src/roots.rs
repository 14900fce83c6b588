//! Roots: the rows whose lock stands for everything that hangs from them.
//!
//! They are always held sorted by (rank, key) and without doubles. Every transaction locks in that order, so no
//! two of them, on whatever node, wait for each other in a circle.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// A kind of root: how its row is locked, and before which other kinds.
#[derive(Debug)]
pub struct RootKind {
    /// Kinds of a lower rank are locked first. No two kinds share a rank.
    pub rank: u8,
    /// A SELECT of the one row that has the key `$1` (16 bytes).
    pub lock: &'static str,
}

/// One row to lock.
#[derive(Clone, Copy, Debug)]
pub struct Root {
    kind: &'static RootKind,
    key: [u8; 16],
}

impl Root {
    /// The root of this kind with this key.
    pub const fn new(kind: &'static RootKind, key: [u8; 16]) -> Self {
        Self { kind, key }
    }

    pub(crate) fn lock(&self) -> &'static str {
        self.kind.lock
    }

    /// Which kind it is of.
    pub fn kind(&self) -> &'static RootKind {
        self.kind
    }

    /// The key of its row.
    pub fn key(&self) -> &[u8; 16] {
        &self.key
    }

    fn order(&self) -> (u8, [u8; 16]) {
        (self.kind.rank, self.key)
    }
}

impl PartialEq for Root {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Root {}

impl Hash for Root {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.order().hash(state);
    }
}

impl PartialOrd for Root {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Root {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// The roots that a write locks: sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots(Vec<Root>);

impl Roots {
    /// Nothing to lock: the write only adds rows of its own, or relies on a unique index.
    pub fn none() -> Self {
        Self::default()
    }

    /// One root.
    pub fn one(root: Root) -> Self {
        Self(vec![root])
    }

    /// These and one more.
    #[must_use]
    pub fn and(mut self, root: Root) -> Self {
        self.push(root);
        self
    }

    /// Adds one more.
    pub fn push(&mut self, root: Root) {
        if let Err(place) = self.0.binary_search(&root) {
            self.0.insert(place, root);
        }
    }

    pub(crate) fn extend(&mut self, others: &Roots) {
        if self.0.is_empty() {
            self.0.clone_from(&others.0);
        } else {
            self.0.extend_from_slice(&others.0);
            self.0.sort_unstable();
            self.0.dedup();
        }
    }

    pub(crate) fn contains_all(&self, others: &Roots) -> bool {
        others.0.iter().all(|root| self.0.binary_search(root).is_ok())
    }

    pub(crate) fn sorted(&self) -> &[Root] {
        &self.0
    }

    /// Which of `lanes` writers takes a job with these roots: jobs of one first root meet in one lane.
    /// `None` when there is no root and any lane will do.
    pub(crate) fn lane(&self, lanes: usize) -> Option<usize> {
        let key = u128::from_be_bytes(self.0.first()?.key);
        // A multiplication mixes keys that differ in a few bits only; the upper half holds the mixture.
        let mixed = key.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) >> 64;
        let lanes = u128::try_from(lanes).expect("a usize is at most 128 bits wide");
        Some(usize::try_from(mixed % lanes).expect("a remainder of a usize is a usize"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static FIRST: RootKind = RootKind { rank: 1, lock: "" };
    static SECOND: RootKind = RootKind { rank: 2, lock: "" };

    #[test]
    fn sorted_by_rank_then_key_and_each_once() {
        let mut roots = Roots::one(Root::new(&SECOND, [1; 16])).and(Root::new(&FIRST, [9; 16]));
        roots.push(Root::new(&FIRST, [3; 16]));
        roots.push(Root::new(&FIRST, [9; 16]));
        let mut merged = Roots::one(Root::new(&FIRST, [9; 16]));
        merged.extend(&roots);
        assert_eq!(merged, roots);
        let order: Vec<_> = roots.sorted().iter().map(Root::order).collect();
        assert_eq!(order, [(1, [3; 16]), (1, [9; 16]), (2, [1; 16])]);
        assert!(roots.contains_all(&Roots::one(Root::new(&SECOND, [1; 16]))));
        assert!(!roots.contains_all(&Roots::one(Root::new(&SECOND, [2; 16]))));
    }

    #[test]
    fn keys_spread_over_the_lanes() {
        let upper = (0..200_u128)
            .filter(|n| Roots::one(Root::new(&FIRST, (n << 8).to_be_bytes())).lane(2) == Some(1));
        assert!((60..140).contains(&upper.count()));
        assert_eq!(Roots::none().lane(2), None);
    }
}
