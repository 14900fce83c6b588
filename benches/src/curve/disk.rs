//! How much disk it takes, and that it is there.

use std::path::Path;

use anyhow::ensure;

use crate::bench::{Bench, Database};
use crate::home;
use crate::server::as_f64;

/// What a message was measured to take in a database of a million, rounded up. In one of ten million it is the same.
const ON_SQLITE: u64 = 300;
/// Without what its log takes.
const ON_POSTGRES: u64 = 350;
/// Write-ahead logs, the small databases beside the large one, and what is made under load.
const BESIDES: u64 = 1_000_000_000;
/// PostgreSQL's log alone grows to one of these by default, and somewhat above it.
const ON_POSTGRES_BESIDES: u64 = 2_000_000_000;

/// Says how much disk a database of so many messages needs, and refuses where there is less.
pub fn require(bench: &Bench, database: &Database, messages: u64) -> anyhow::Result<()> {
    let (needed, folder) = match database {
        Database::Sqlite => (messages * ON_SQLITE + BESIDES, Some(bench.folder().to_owned())),
        Database::Postgres(url) => {
            (messages * ON_POSTGRES + ON_POSTGRES_BESIDES, bench.wait(home::folder_of_postgres(url))?)
        }
    };
    let free = folder.as_deref().and_then(free);
    let needs =
        format!("{messages} messages on {} need about {} of disk", database.name(), gigabytes(needed));
    let Some((free, folder)) = free.zip(folder) else {
        println!("{needs}, which cannot be seen from here.");
        return Ok(());
    };
    let has = format!("{} has {} free", folder.display(), gigabytes(free));
    ensure!(free >= needed, "{needs}, and {has}: make room, or measure less of it (--largest)");
    println!("{needs}; {has}.");
    Ok(())
}

/// How much an unprivileged user may still write there; none where the folder is not on this machine.
fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", as_f64(bytes) / 1e9)
}
