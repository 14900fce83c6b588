//! PostgreSQL's side of the work: the processes that serve one database, where they run on this machine.

use crate::home::connect;
use crate::server::cpu;

const OTHERS: &str = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() \
     AND pid <> pg_backend_pid()";
const LOGGED: &str = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8";

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

/// How many bytes the write-ahead log of the PostgreSQL at this URL has had so far, from all of its databases.
pub async fn logged(url: &str) -> anyhow::Result<f64> {
    let (client, connection) = connect(url).await?;
    let asked = async move { client.query_one(LOGGED, &[]).await };
    let (row, _) = tokio::join!(asked, connection);
    Ok(row?.try_get(0)?)
}

async fn processes(url: &str) -> anyhow::Result<Vec<String>> {
    let (client, connection) = connect(url).await?;
    let asked = async move { client.query(OTHERS, &[]).await };
    let (rows, _) = tokio::join!(asked, connection);
    Ok(rows?.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}
