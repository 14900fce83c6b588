//! PostgreSQL's side of the work: the processes that serve one database, where they run on this machine.

use anyhow::Context;
use tokio_postgres::NoTls;

use crate::server::cpu;

const OTHERS: &str = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() \
     AND pid <> pg_backend_pid()";

/// Time of all cores that the connections to the database of this URL have used, in microseconds. None where they
/// are served on another machine. Who connects and who leaves between two looks is not counted.
pub async fn cpu_of(url: &str) -> anyhow::Result<Option<f64>> {
    let processes = processes(url).await?;
    let is_here = |process: &String| {
        let name = std::fs::read_to_string(format!("/proc/{process}/comm"));
        name.is_ok_and(|name| name.starts_with("postgres"))
    };
    if processes.is_empty() || !processes.iter().all(is_here) {
        return Ok(None);
    }
    processes.iter().map(|process| cpu(process)).sum::<anyhow::Result<f64>>().map(Some)
}

async fn processes(url: &str) -> anyhow::Result<Vec<String>> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.context("cannot reach PostgreSQL")?;
    let asked = async move { client.query(OTHERS, &[]).await };
    let (rows, _) = tokio::join!(asked, connection);
    Ok(rows?.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}
