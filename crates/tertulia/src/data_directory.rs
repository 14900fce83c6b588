//! The data directory: who may use it, and the master key in it.
//!
//! One process at a time. The lock is the operating system's, so a server that was killed leaves none.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use conversations::{Ids, RandomIds, hex};

use crate::configuration::{Storage, parse_key};
use crate::run_file::RunFile;

/// A data directory that this process alone uses.
pub struct DataDirectory {
    path: PathBuf,
    /// Held, not read: closing it gives the lock back.
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory where there is none, for its owner alone.
    pub fn make(path: &Path) -> anyhow::Result<()> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("cannot make the data directory {}", path.display()))
    }

    /// Takes the directory; none where another process has it.
    pub fn lock(path: &Path) -> anyhow::Result<Option<Self>> {
        let file = path.join("lock");
        let open = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&file);
        let lock = open.with_context(|| format!("cannot open {}", file.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { path: path.to_owned(), _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", file.display()))
            }
        }
    }

    /// Takes the directory for a server, and tells people who has it where somebody does.
    pub fn lock_for_server(path: &Path) -> anyhow::Result<Self> {
        if let Some(directory) = Self::lock(path)? {
            return Ok(directory);
        }
        let shown = path.display();
        match RunFile::read(path) {
            Ok(Some(RunFile { url, pid, .. })) => bail!(
                "another server already uses the data directory {shown}: process {pid}, {url}. Stop it, or \
                 choose another directory with --data"
            ),
            _ => bail!("another process already uses the data directory {shown}; choose another with --data"),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the embedded database is.
    pub fn database(&self) -> PathBuf {
        self.path.join("tertulia.db")
    }

    /// The same, made where there is none, for its owner alone; what the engine puts beside it is as open as it is.
    pub fn private_database(&self) -> anyhow::Result<PathBuf> {
        let file = self.database();
        let made = OpenOptions::new().create(true).append(true).mode(0o600).open(&file);
        made.with_context(|| format!("cannot open {}", file.display()))?;
        Ok(file)
    }

    /// Where files are kept that messages carry, made where there is none.
    pub fn media(&self) -> anyhow::Result<PathBuf> {
        let folder = self.path.join("media");
        Self::make(&folder)?;
        Ok(folder)
    }

    /// The key that was given, else the directory's own, which is made with the database.
    pub fn master_key(&self, storage: &Storage) -> anyhow::Result<[u8; 32]> {
        if let Some(key) = storage.master_key {
            return Ok(key);
        }
        let file = self.path.join("master.key");
        let shown = file.display();
        match fs::read_to_string(&file) {
            Ok(text) => {
                parse_key(text.trim()).with_context(|| format!("{shown} does not hold 64 hexadecimal digits"))
            }
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot read {shown}"))
            }
            // A new key would make the secrets of the old database unreadable for ever.
            Err(_) if storage.database.is_none() && self.database().exists() => {
                bail!(
                    "{shown} is missing, but there is a database; put the key back or set TERTULIA_MASTER_KEY"
                )
            }
            Err(_) => {
                let key = RandomIds::default().secret();
                write_private(&file, format!("{}\n", hex(&key)).as_bytes())?;
                Ok(key)
            }
        }
    }
}

/// Writes a file that only its owner may read: whole, or not at all.
pub fn write_private(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let unfinished = file.with_extension("new");
    let write = || -> std::io::Result<()> {
        // What a killed process left might be open to others.
        let _ = fs::remove_file(&unfinished);
        let mut new = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&unfinished)?;
        new.write_all(content)?;
        new.sync_all()?;
        fs::rename(&unfinished, file)?;
        file.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn storage() -> Storage {
        Storage {
            data: PathBuf::new(),
            database: None,
            master_key: None,
            batch_max: 1,
            queue_max: 1,
            patience: std::time::Duration::from_secs(1),
            readers: 1,
            bucket: None,
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn one_process_at_a_time_and_a_key_that_stays() {
        let path = std::env::temp_dir().join(format!("tertulia-data-{}", std::process::id()));
        DataDirectory::make(&path).expect("a new directory");
        let directory = DataDirectory::lock(&path).expect("no error").expect("nobody has it");
        assert!(DataDirectory::lock(&path).expect("no error").is_none());
        assert!(DataDirectory::lock_for_server(&path).is_err());

        let key = directory.master_key(&storage()).expect("a new key");
        assert_eq!(directory.master_key(&storage()).expect("the same key"), key);
        assert_eq!((mode(&path), mode(&path.join("master.key"))), (0o700, 0o600));
        let given = Storage { master_key: Some([7; 32]), ..storage() };
        assert_eq!(directory.master_key(&given).expect("the given key"), [7; 32]);

        fs::remove_file(path.join("master.key")).expect("it is there");
        assert_eq!(mode(&directory.private_database().expect("a database")), 0o600);
        assert!(directory.master_key(&storage()).is_err(), "the database is of another key");

        drop(directory);
        assert!(DataDirectory::lock(&path).expect("no error").is_some());
        fs::remove_dir_all(&path).expect("it is there");
    }
}
