//! The run file: how commands on this machine find the server that runs on a data directory.
//!
//! It holds a token of this run alone that opens the administration, and only its owner may read it. It
//! means something only while the directory is locked: a server that was killed leaves it behind.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::data_directory::write_private;

/// What is in it.
#[derive(Serialize, Deserialize)]
pub struct RunFile {
    /// Where this machine reaches the server.
    pub url: String,
    pub pid: u32,
    pub admin_token: String,
}

/// A run file that is there until this is dropped.
pub struct Written(PathBuf);

impl RunFile {
    /// That of a data directory, if it is there.
    pub fn read(data: &Path) -> anyhow::Result<Option<Self>> {
        let file = path(data);
        match fs::read(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .with_context(|| format!("cannot understand {}", file.display())),
        }
    }

    /// Writes it into a data directory.
    pub fn write(&self, data: &Path) -> anyhow::Result<Written> {
        let file = path(data);
        write_private(&file, &serde_json::to_vec_pretty(self).context("cannot write JSON")?)?;
        Ok(Written(file))
    }
}

fn path(data: &Path) -> PathBuf {
    data.join("server.json")
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
