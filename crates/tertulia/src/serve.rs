//! `tertulia serve`: from the configuration to a server that runs, and to its clean end.
//!
//! The data directory is locked and the port bound before the database is opened, so that what stands in
//! the way is known before anything is changed. The banner is printed when requests are answered.

use std::time::Duration;

use anyhow::{Context, bail};
use conversations::{Ids, RandomIds, hex};
use server::{App, Listeners, Server, Settings, Tools};
use store::Store;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::banner;
use crate::bind::{bind, local_url};
use crate::configuration::{Configuration, Pinned};
use crate::data_directory::DataDirectory;
use crate::descriptors;
use crate::first_account;
use crate::given::Given;
use crate::open::{Opened, open};
use crate::run_file::RunFile;

/// How often the store is asked whether it can still be trusted.
const WATCH: Duration = Duration::from_secs(1);

/// Serves until it is told to stop.
pub fn serve(flags: &Given) -> anyhow::Result<()> {
    let configuration = Configuration::read(flags)?;
    let Configuration {
        listen,
        metrics,
        settings,
        workers,
        storage,
        repeatable,
        pinned,
        logging,
        warnings,
        ..
    } = configuration;
    // Dropped last, behind the threads that may have something to say.
    let _log = logging.start()?;
    let runtime = runtime(workers)?;
    DataDirectory::make(&storage.data)?;
    let directory = DataDirectory::lock_for_server(&storage.data)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    descriptors::raise(settings.max_connections);
    let listeners = runtime.block_on(async { bind(listen, metrics) })?;
    let Opened { store, tools, manual_clock } = open(&directory, &storage, &repeatable)?;
    let settings = Settings { manual_clock, ..settings };
    if repeatable.seed.is_some() {
        tracing::warn!("tokens and secrets are made from a seed: whoever knows it knows them");
    }
    runtime.block_on(run(&directory, listeners, (store, tools), (settings, pinned)))
}

/// The threads that serve.
pub fn runtime(workers: usize) -> anyhow::Result<Runtime> {
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    runtime.context("cannot start the threads that serve")
}

async fn run(
    directory: &DataDirectory,
    listeners: Listeners,
    (store, tools): (Store, Tools),
    (mut settings, pinned): (Settings, Pinned),
) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    tools.media.check().await.context("cannot keep files where media are to be kept")?;
    let account = first_account::prepare(&store, &tools, &pinned).await?;
    // Never from a seed: it opens everything.
    let admin_token = hex(&RandomIds::default().secret());
    settings.admin_tokens.push(admin_token.clone());
    let public_url = settings.public_url.as_ref().map(|url| url.text().to_string());
    let server = Server::start(App::new(store.clone(), tools, settings), listeners)?;
    let url = local_url(server.address());
    let run_file = RunFile { url: url.clone(), pid: std::process::id(), admin_token };
    let run_file = run_file.write(directory.path())?;
    banner::print(public_url.as_deref().unwrap_or(&url), &account);
    tracing::info!(%url, metrics = server.metrics_address().map(tracing::field::display), "ready");

    let reason = tokio::select! {
        name = signals.next() => Some(name),
        () = broken(&store) => None,
    };
    tracing::info!("stopping: {}", reason.unwrap_or("the store is broken"));
    let stopped = tokio::select! {
        () = server.stop() => true,
        _ = signals.next() => false,
    };
    drop(run_file);
    match (reason, stopped) {
        (Some(_), true) => Ok(()),
        (Some(_), false) => bail!("stopped before everything was finished, by a second signal"),
        (None, _) => bail!("the database could not write to the disk; start again to see what is stored"),
    }
}

/// Ends when a commit could not be brought to the disk: only a new start can tell what is stored.
async fn broken(store: &Store) {
    while !store.is_broken() {
        tokio::time::sleep(WATCH).await;
    }
}

/// The signals that end a server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
