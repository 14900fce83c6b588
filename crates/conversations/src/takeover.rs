//! Taking over a store that nobody else uses.
//!
//! What a process has under way it marks in the store, with the instant at which the mark lapses, because on
//! a shared database nobody can tell whether another process lives. Where there is no other, whatever is
//! marked belongs to one that is dead, and nobody needs to wait for it.

use crate::event_streams::deliveries as streams;
use crate::media::removals;
use crate::prelude::*;
use crate::{deliveries, idempotency, presences};

/// Frees what an earlier process has left marked as under way: deliveries and what is streamed are sent again
/// at once, half an upload goes, nobody is on line, and a request with an idempotency key may be said again. Only for whoever is
/// alone with the store and has not begun to serve.
pub fn take_over(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    deliveries::free_all(tx)?;
    streams::free_all(tx)?;
    removals::give_up_all(tx)?;
    presences::expire_all(tx)?;
    idempotency::release_all(tx)
}
