//! Where one server after another keeps its data: a folder, and on PostgreSQL a database of its own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::bench::{Bench, Database};
use crate::keeper::{Folder, Kept, Thing};
use anyhow::Context;

/// Removed when the last server on it has ended and nobody holds it any more.
pub struct Home {
    data: Folder,
    scratch: Option<Scratch>,
}

/// A database of PostgreSQL that is made for one home.
struct Scratch {
    url: String,
    name: String,
    _kept: Kept,
}

impl Home {
    pub fn make(bench: &Bench, database: &Database) -> anyhow::Result<Self> {
        let data = bench.new_folder("bench-")?;
        let scratch = match database {
            Database::Sqlite => None,
            Database::Postgres(url) => Some(Scratch::make(bench, url)?),
        };
        Ok(Self { data, scratch })
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Where the embedded database is, or would be.
    pub fn file(&self) -> PathBuf {
        self.data().join("tertulia.db")
    }

    /// The URL of its database where that is PostgreSQL's.
    pub fn postgres(&self) -> Option<String> {
        self.scratch.as_ref().map(Scratch::url_of_name)
    }

    /// How many bytes the database takes on its disk.
    pub fn bytes(&self, bench: &Bench) -> anyhow::Result<u64> {
        let Some(scratch) = &self.scratch else {
            let size = |file: PathBuf| file.metadata().map_or(0, |metadata| metadata.len());
            return Ok(size(self.file()) + size(self.data().join("tertulia.db-wal")));
        };
        let bytes = bench.wait(async {
            let (client, connection) = connect(&scratch.url_of_name()).await?;
            let asked = async move {
                let row = client.query_one("SELECT pg_database_size(current_database())", &[]).await?;
                anyhow::Ok(row.get::<_, i64>(0))
            };
            let (asked, _) = tokio::join!(asked, connection);
            asked
        })?;
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// Brings PostgreSQL to where it would be by itself after a while; SQLite needs nothing.
    pub fn settle(&self, bench: &Bench) -> anyhow::Result<()> {
        let Some(scratch) = &self.scratch else { return Ok(()) };
        let url = scratch.url_of_name();
        bench.wait(run(&url, "VACUUM (ANALYZE)"))?;
        bench.wait(run(&url, "CHECKPOINT"))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(scratch) = &self.scratch
            && let Err(error) = drop_database(&scratch.url, &scratch.name)
        {
            eprintln!("{error:#}");
        }
    }
}

impl Scratch {
    fn make(bench: &Bench, url: &str) -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tertulia_bench_{}_{number}", std::process::id());
        let kept = bench.keeper.keep(Thing::Database { url: url.to_owned(), name: name.clone() })?;
        let scratch = Self { url: url.to_owned(), name, _kept: kept };
        bench.wait(run(url, &format!("CREATE DATABASE {}", scratch.name)))?;
        Ok(scratch)
    }

    /// The same server's URL with this database for another.
    fn url_of_name(&self) -> String {
        let (server, _) = self.url.rsplit_once('/').unwrap_or((&self.url, ""));
        format!("{server}/{}", self.name)
    }
}

/// Drops a database by the URL of a superuser, whoever is connected to it.
pub fn drop_database(url: &str, name: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    runtime.block_on(run(url, &statement)).with_context(|| format!("the database {name} is left behind"))
}

/// Where a PostgreSQL keeps its data, on its own machine.
pub async fn folder_of_postgres(url: &str) -> anyhow::Result<Option<PathBuf>> {
    let (client, connection) = connect(url).await?;
    let asked = async move {
        let row = client.query_one("SHOW data_directory", &[]).await?;
        anyhow::Ok(Some(PathBuf::from(row.get::<_, String>(0))))
    };
    let (asked, _) = tokio::join!(asked, connection);
    asked
}

pub type Connection = tokio_postgres::Connection<tokio_postgres::Socket, tokio_postgres::tls::NoTlsStream>;

/// To whoever answers at this URL; what is returned second has to be waited for meanwhile.
pub async fn connect(url: &str) -> anyhow::Result<(tokio_postgres::Client, Connection)> {
    tokio_postgres::connect(url, tokio_postgres::NoTls).await.context("cannot reach PostgreSQL")
}

async fn run(url: &str, statement: &str) -> anyhow::Result<()> {
    let (client, connection) = connect(url).await?;
    let ran = async move {
        let ran = client.batch_execute(statement).await;
        drop(client);
        ran
    };
    let (ran, _) = tokio::join!(ran, connection);
    Ok(ran?)
}
