//! What an operation may end with instead of its result.

use store::StoreError;
use wire::Problem;

/// A caller sees a [`Problem`] as it is. A failure of the store never reaches a caller's text:
/// the door that called logs it once, with its chain, and answers 20500 or 20503.
#[derive(Debug)]
pub enum Failure {
    /// The request cannot be granted, and this is why.
    Refused(Problem),
    /// The store could not do its work.
    Store(StoreError),
}

impl Failure {
    /// The problem behind a refusal.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            Self::Store(_) => None,
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
