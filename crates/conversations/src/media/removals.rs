//! Files that are to go.
//!
//! A file that nobody needs any longer has a line here, and so has one that is still being uploaded: until
//! its row stands, nothing but the line knows of it. A crash in between leaves a line that falls due. The
//! files themselves are removed outside of transactions, and a line only goes when its file is gone; that
//! it is done twice does no harm.

use crate::media::Media;
use crate::prelude::*;

const SECOND: i64 = 1_000_000;
/// After which an upload counts as given up. Doors end one well before.
const GIVEN_UP: i64 = 2 * 60 * 60 * SECOND;
/// Files that one step removes.
const AT_ONCE: i64 = 20;

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    pub chat_service_sid: Sid<Service>,
    pub sid: Sid<Media>,
}

const ADD: &str = "INSERT INTO media_removals (sid, chat_service_sid, due) VALUES ($1, $2, $3)";
const CANCEL: &str = "DELETE FROM media_removals WHERE chat_service_sid = $1 AND sid = $2";
/// The scan for what is due: without a tenant.
const DUE: &str =
    "SELECT chat_service_sid, sid FROM media_removals WHERE due <= $1 ORDER BY due, sid LIMIT $2";

/// Of all tenants: for who is alone with the store.
const GIVE_UP_ALL: &str = "UPDATE media_removals SET due = $1 WHERE due > $1";

/// Says that a file is about to be uploaded.
pub fn expect_upload(tx: &mut Tx<'_>, file: File) -> Result<(), StoreError> {
    let due = tx.now().saturating_plus_micros(GIVEN_UP);
    tx.put(ADD, &[&file.sid, &file.chat_service_sid, &due])
}

/// Says that a file may go now.
pub fn add(tx: &mut Tx<'_>, file: File) -> Result<(), StoreError> {
    let due = tx.now();
    tx.put(ADD, &[&file.sid, &file.chat_service_sid, &due])
}

/// Takes the line back: the file stays. Whether there was one.
pub fn cancel(tx: &mut Tx<'_>, file: File) -> Result<bool, StoreError> {
    Ok(tx.execute(CANCEL, &[&file.chat_service_sid, &file.sid])? == 1)
}

/// Some of the files that are due.
pub fn due(tx: &mut Tx<'_>) -> Result<Vec<File>, StoreError> {
    let now = tx.now();
    let read = |row: &mut Row<'_>| Ok(File { chat_service_sid: row.next()?, sid: row.next()? });
    tx.rows(DUE, &[&now, &AT_ONCE], read)
}

/// Gives every upload up that is under way.
pub fn give_up_all(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(GIVE_UP_ALL, &[&now])
}

/// These files are gone.
pub fn done(tx: &mut Tx<'_>, files: &[File]) -> Result<(), StoreError> {
    for file in files {
        tx.put(CANCEL, &[&file.chat_service_sid, &file.sid])?;
    }
    Ok(())
}
