//! What the store must hold under the product's own operations.

mod accounts;
mod concurrency;
mod costs;
mod purging;
mod records;
mod secrets;
mod statements;
mod takeover;
mod timers;

use std::path::{Path, PathBuf};

/// The folder of the product's crate.
fn product() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../conversations")
}

/// Reads a row of one column.
pub fn one<T: store::Column>(row: &mut store::Row<'_>) -> Result<T, store::StoreError> {
    row.next()
}
