//! Opening what is kept in the data directory, or in the database that it stands for.

use std::sync::Arc;

use anyhow::Context;
use conversations::{Ids, MIGRATIONS, RandomIds, SeededIds, Vault, seeded_ids, takeover};
use server::{ManualClock, MediaStore, Metrics, SystemClock, Tools};
use store::{Clock, Options, Roots, Store, StoreError};
use wire::Timestamp;

use crate::configuration::{Repeatable, Storage};
use crate::data_directory::DataDirectory;

/// Where the manual clock of a seeded server begins: 2026-01-01T00:00:00Z.
const BEGINNING: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// What a server stands on.
pub struct Opened {
    pub store: Store,
    pub tools: Tools,
    /// The store's clock, where it is a manual one.
    pub manual_clock: Option<Arc<ManualClock>>,
}

/// Opens the store, and makes what a server is built with beside it. Must not be called within an async
/// runtime, because a database connection may bring its own.
pub fn open(directory: &DataDirectory, storage: &Storage, repeatable: &Repeatable) -> anyhow::Result<Opened> {
    let vault = Vault::new(&directory.master_key(storage)?);
    let metrics = Arc::new(Metrics::new());
    let manual_clock = repeatable.is_clock_manual.then(Arc::<ManualClock>::default);
    let clock: Arc<dyn Clock> = match &manual_clock {
        Some(clock) => Arc::clone(clock) as _,
        None => Arc::new(SystemClock),
    };
    let options = Options {
        batch_max: storage.batch_max,
        queue_max: storage.queue_max,
        patience: storage.patience,
        readers: storage.readers,
        clock,
        observer: Arc::clone(&metrics) as _,
    };
    let store = match &storage.database {
        None => Store::open_sqlite(&directory.private_database()?, MIGRATIONS, options),
        Some(url) => Store::open_postgres(url, MIGRATIONS, options),
    };
    let store = store.context("cannot open the database")?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("cannot start a runtime")?;
    if storage.database.is_none() {
        // The directory is this process's alone, and so is the database in it.
        let taken = runtime.block_on(store.write::<_, StoreError>(Roots::none(), takeover::take_over));
        taken.context("cannot free what the last process had under way")?;
    }
    let ids = runtime.block_on(begin(&store, manual_clock.as_deref(), repeatable.seed));
    let ids = ids.context("cannot go on from what the last start left")?;
    let media = media(directory, storage)?;
    Ok(Opened { store, tools: Tools { vault: Arc::new(vault), ids, metrics, media }, manual_clock })
}

/// Where files are kept that messages carry.
fn media(directory: &DataDirectory, storage: &Storage) -> anyhow::Result<MediaStore> {
    let store = match &storage.bucket {
        Some(bucket) => MediaStore::in_bucket(bucket),
        None => MediaStore::in_folder(directory.media()?),
    };
    store.context("cannot open the place where media are kept")
}

/// Clock and ids go on where an earlier start has left them.
async fn begin(
    store: &Store,
    clock: Option<&ManualClock>,
    seed: Option<u64>,
) -> Result<Arc<dyn Ids>, StoreError> {
    if let Some(clock) = clock {
        let first = if seed.is_some() { BEGINNING } else { SystemClock.now() };
        clock.begin(store, first).await?;
    }
    let Some(seed) = seed else { return Ok(Arc::new(RandomIds::default())) };
    let block = store.write(Roots::none(), seeded_ids::take_block).await?;
    Ok(Arc::new(SeededIds::new(seed, block)))
}
