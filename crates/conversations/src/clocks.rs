//! The time of a manual clock, which is kept so that it goes on after a restart. It never goes back.

use crate::prelude::*;

const BEGIN: &str = "INSERT INTO clocks (number, now) VALUES (1, $1) ON CONFLICT DO NOTHING";
const NOW: &str = "SELECT now FROM clocks WHERE number = 1";
const MOVE: &str = "UPDATE clocks SET now = $1 WHERE number = 1 AND now < $1";

/// The time that was kept; at the first start of a manual clock that is `first`.
pub fn begin(tx: &mut Tx<'_>, first: Timestamp) -> Result<Timestamp, StoreError> {
    tx.execute(BEGIN, &[&first])?;
    Ok(find(tx)?.unwrap_or(first))
}

/// The time that was kept.
pub fn find(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    tx.row(NOW, &[], one)
}

/// Keeps a later time.
pub fn move_to(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.put(MOVE, &[&now])
}
