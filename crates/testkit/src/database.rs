//! A database of its own for each test.

use conversations::{Ids, RandomIds, hex};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// The two engines that everything must hold on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// An empty database that goes when the test is over.
pub enum Database {
    /// A file in a folder of its own.
    Sqlite(TempDir),
    /// A database of the cluster that `TERTULIA_TEST_POSTGRES` names.
    Postgres { cluster: String, name: String },
}

impl Database {
    /// A new one.
    pub async fn create(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite(TempDir::new().expect("a folder can be made")),
            Engine::Postgres => {
                let cluster = std::env::var("TERTULIA_TEST_POSTGRES")
                    .expect("set TERTULIA_TEST_POSTGRES to a superuser's URL, or run make test");
                // A test that failed leaves its database behind, and process ids come again.
                let name = format!("testkit_{}", hex(&RandomIds::default().secret()[..12]));
                let administrator = connect(&cluster).await;
                let create = format!("CREATE DATABASE {name}");
                administrator.batch_execute(&create).await.expect("the database can be made");
                Self::Postgres { cluster, name }
            }
        }
    }

    /// Where a PostgreSQL database is.
    pub fn url(&self) -> Option<String> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres { cluster, name } => {
                let (server, _) = cluster.rsplit_once('/').expect("the URL names a database");
                Some(format!("{server}/{name}"))
            }
        }
    }

    /// Lets PostgreSQL count what the tables hold, as it does by itself after a while, and believe that they
    /// hold `times` as much. SQLite plans without.
    pub async fn analyze(&self, times: u32) {
        let Some(url) = self.url() else { return };
        let client = connect(&url).await;
        let believe = format!("UPDATE pg_class SET reltuples = reltuples * {times} WHERE relkind = 'r'");
        for sql in ["VACUUM ANALYZE", &believe] {
            client.batch_execute(sql).await.expect("a superuser may");
        }
    }

    /// Removes it; nobody may be connected any longer.
    pub async fn remove(self) {
        if let Self::Postgres { cluster, name } = self {
            let administrator = connect(&cluster).await;
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            administrator.batch_execute(&drop).await.expect("the database can be dropped");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the connection ends with its client")]
async fn connect(url: &str) -> Client {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.expect("TERTULIA_TEST_POSTGRES answers");
    tokio::task::spawn(connection);
    client
}
