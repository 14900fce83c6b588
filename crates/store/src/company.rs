//! Company: why a thread that has just run many jobs at once does not start the next ones with the first that comes.
//!
//! A transaction costs something by itself, however many share it, and so does waking a thread. Callers who were
//! answered together ask again one after another, within a few hundred microseconds. A thread that starts with the
//! first of them runs many small transactions, and takes from the callers the processor that they would ask with. So
//! it waits for as many as it had the last time, and not for long. One who is alone, or among few, never waits.
//!
//! So on PostgreSQL, where a transaction costs several round trips. On SQLite it took a few percent of the CPU away, and
//! rates rose in some series and fell in others (docs/BENCHMARKS.md).

use std::time::Duration;

/// When a thread waits for company.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Company {
    /// So many at once are company, and worth waiting for.
    pub(crate) from: usize,
    /// How long it waits at most.
    pub(crate) patience: Duration,
}

impl Company {
    /// Nobody is waited for.
    pub(crate) const NONE: Self = Self { from: usize::MAX, patience: Duration::ZERO };

    /// How many jobs a thread waits for that had so many the last time; zero where it does not wait.
    pub(crate) fn wanted(self, before: usize) -> usize {
        if before >= self.from { before } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_no_company() {
        let company = Company { from: 3, patience: Duration::ZERO };
        assert_eq!([0, 1, 2, 3, 40].map(|before| company.wanted(before)), [0, 0, 0, 3, 40]);
    }
}
