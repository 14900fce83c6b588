//! Opening what is kept in the data directory, or in the database that it stands for.

use std::sync::Arc;

use anyhow::Context;
use conversations::{MIGRATIONS, RandomIds, Vault};
use server::{Metrics, SystemClock, Tools};
use store::{Options, Store};

use crate::configuration::Storage;
use crate::data_directory::DataDirectory;

/// Opens the store, and makes what a server is built with beside it. Must not be called within an async
/// runtime, because a database connection may bring its own.
pub fn open(directory: &DataDirectory, storage: &Storage) -> anyhow::Result<(Store, Tools)> {
    let vault = Vault::new(&directory.master_key(storage)?);
    let metrics = Arc::new(Metrics::new());
    let options = Options {
        batch_max: storage.batch_max,
        queue_max: storage.queue_max,
        readers: storage.readers,
        clock: Arc::new(SystemClock),
        observer: Arc::clone(&metrics) as _,
    };
    let store = match &storage.database {
        None => Store::open_sqlite(&directory.private_database()?, MIGRATIONS, options),
        Some(url) => Store::open_postgres(url, MIGRATIONS, options),
    };
    let store = store.context("cannot open the database")?;
    Ok((store, Tools { vault: Arc::new(vault), ids: Arc::new(RandomIds::default()), metrics }))
}
