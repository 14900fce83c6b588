//! Migrations: one list of texts, applied in order, forward only, when the store is opened.
//!
//! Each runs in a transaction of its own together with the row that records it, so a crash leaves either all or
//! nothing of it. Several processes may start on one database at once: a lock lets them through one by one, and
//! who comes later finds the work done. What a newer version has applied, or what was edited afterwards, is refused.

use wire::Timestamp;

use crate::dialect::checksum;
use crate::error::StoreError;
use crate::roots::Roots;
use crate::session::{CommitError, Session};

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its name, in the order of the list: `"0001_foundation"`.
    pub name: &'static str,
    /// Several statements separated by `;`, with the placeholders of the dialect (`{BIGINT}`, `{TEXT}`, ..).
    pub sql: &'static str,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations \
    (name {TEXT} NOT NULL PRIMARY KEY, checksum {TEXT} NOT NULL, applied_at {BIGINT} NOT NULL) {STRICT}";
const APPLIED: &str = "SELECT name, checksum FROM schema_migrations ORDER BY name";
const RECORD: &str = "INSERT INTO schema_migrations (name, checksum, applied_at) VALUES ($1, $2, $3)";

/// Brings the database to the state that `migrations` describe.
pub(crate) fn run(
    session: &mut dyn Session,
    migrations: &[Migration],
    now: Timestamp,
) -> Result<(), StoreError> {
    loop {
        let stepped = step(session, migrations, now);
        session.rollback();
        match stepped? {
            Some(name) => tracing::info!(migration = name, "the database was migrated"),
            None => return Ok(()),
        }
    }
}

/// Applies the first migration that is missing, and names it.
fn step(
    session: &mut dyn Session,
    migrations: &[Migration],
    now: Timestamp,
) -> Result<Option<&'static str>, StoreError> {
    session.begin(&Roots::none(), &[])?;
    session.migrate_alone()?;
    let table = session.dialect().migration(TABLE);
    session.script(&table)?;
    let applied = applied(session)?;
    check(&applied, migrations)?;
    let mut missing =
        migrations.iter().filter(|migration| applied.iter().all(|(name, _)| name != migration.name));
    let Some(migration) = missing.next() else { return Ok(None) };
    let name = migration.name;
    apply(session, migration, now).map_err(|error| {
        StoreError::caused(error.kind(), format!("failed to apply the migration {name}"), error)
    })?;
    Ok(Some(name))
}

fn applied(session: &mut dyn Session) -> Result<Vec<(String, String)>, StoreError> {
    let mut found = Vec::new();
    session.query(APPLIED, &[], &mut |row| {
        found.push((row.next()?, row.next()?));
        Ok(true)
    })?;
    Ok(found)
}

fn check(applied: &[(String, String)], migrations: &[Migration]) -> Result<(), StoreError> {
    for (name, sum) in applied {
        let Some(migration) = migrations.iter().find(|migration| migration.name == name) else {
            return Err(StoreError::failed(format!(
                "this database was written by a newer version of Tertulia: it holds the migration {name}, which \
                 this version does not know. Start that version, or give this one another database"
            )));
        };
        if checksum(migration.sql) != *sum {
            return Err(StoreError::failed(format!(
                "this database was written by another build of Tertulia: its migration {name} differs from the \
                 one of this version. Start the version that wrote it, or give this one another database"
            )));
        }
    }
    Ok(())
}

fn apply(session: &mut dyn Session, migration: &Migration, now: Timestamp) -> Result<(), StoreError> {
    let sql = session.dialect().migration(migration.sql);
    session.script(&sql)?;
    session.query(RECORD, &[&migration.name, &checksum(migration.sql), &now], &mut |_| Ok(true))?;
    session.commit().map_err(|error| match error {
        CommitError::Undone(error) | CommitError::Final(error) => error,
    })
}
