//! What goes wrong in a store, as far as anybody above may know.
//!
//! The kind is for the engine (run it again? alone? give up?), the text and the chain of sources are for a log.
//! Nothing here is meant for the eyes of an API's caller.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A failure of the store. Callers may ask whether the store was only too busy; everything else is internal.
#[derive(Clone)]
pub struct StoreError(Arc<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What the engine does about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The queue is full, or the job's turn did not come in time: nothing has run.
    Busy,
    /// A statement failed, or was used wrongly.
    Failed,
    /// Lost to another transaction (deadlock, serialization): may succeed when run again.
    Again,
    /// The connection is gone, with everything that was not committed.
    Lost,
    /// No transaction could be begun: the database cannot be reached, or somebody else holds it.
    Unreachable,
    /// A root was asked for that had not been declared.
    Undeclared,
    /// The store is closed, or was stopped by a failure to reach the disk.
    Stopped,
}

impl StoreError {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), source: None }))
    }

    pub(crate) fn caused(
        kind: Kind,
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), source: Some(source.into()) }))
    }

    /// A statement that failed or was used wrongly.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    pub(crate) fn stopped() -> Self {
        Self::new(Kind::Stopped, "the store is closed")
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whether the queue was full, or the job waited in it for too long. Nothing of the job has run, and nothing will.
    pub fn is_busy(&self) -> bool {
        self.0.kind == Kind::Busy
    }

    /// Whether the database could not be reached. Nothing of the job was stored, and a later try may succeed.
    pub fn is_unreachable(&self) -> bool {
        self.0.kind == Kind::Unreachable
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// The whole chain, for a log line and for tests.
impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)?;
        let mut next = self.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
