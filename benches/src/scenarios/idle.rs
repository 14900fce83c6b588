//! Clients that are there and do nothing: what each of them holds in memory.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;

use crate::bench::{Bench, Database, Scenario};
use crate::server::{Server, as_f64};
use crate::table::Table;
use crate::tunnel::{Door, Tunnel, text};

const CLIENTS: usize = 5000;
/// Sockets, and whatever else is open.
const DESCRIPTORS: u64 = CLIENTS as u64 + 500;
/// Each has been pinged then, and has answered.
const LATER: Duration = Duration::from_secs(30);

pub const SCENARIO: Scenario = Scenario {
    name: "idle",
    compares: "5,000 clients, each a user of its own that was made before, each listening to its conversations and to \
               its own name as the SDK does. The server's anonymous memory with them less that without, for each of \
               them. A fresh server for each round.",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let mut table = Table::default();
    if let Err(reason) = raise_limit() {
        eprintln!("idle is skipped: {reason:#}");
        return Ok(table);
    }
    for _ in 0..bench.rounds {
        let server = Server::start(bench, database)?;
        bench.wait(round(&server, &mut table))?;
    }
    Ok(table)
}

/// Each client is a descriptor of this program.
fn raise_limit() -> anyhow::Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < DESCRIPTORS) {
        let most = maximum.map_or(DESCRIPTORS, |maximum| maximum.min(DESCRIPTORS));
        anyhow::ensure!(most == DESCRIPTORS, "{DESCRIPTORS} descriptors are needed, and {most} may be had");
        setrlimit(Resource::Nofile, Rlimit { current: Some(DESCRIPTORS), maximum })?;
    }
    Ok(())
}

async fn round(server: &Server, table: &mut Table) -> anyhow::Result<()> {
    let identities: Vec<_> = (0..CLIENTS).map(|number| format!("idle-{number}")).collect();
    let form = |identity| ("Users".to_owned(), vec![("Identity", identity)]);
    let forms: Vec<_> = identities.iter().map(|identity| form(identity.as_str())).collect();
    server.api.post_all(&forms).await?;
    let door = Door::of(server).await?;
    let without = server.used()?;
    let mut idling = JoinSet::new();
    let mut entering = stream::iter(&identities).map(|identity| enter(&door, identity)).buffer_unordered(16);
    while let Some(mut tunnel) = entering.try_next().await? {
        // Pings are answered. Nothing else comes.
        idling.spawn(async move { tunnel.next().await.map(|_| ()) });
    }
    let with = server.used()?;
    tokio::time::sleep(LATER).await;
    let later = server.used()?;
    if let Some(ended) = idling.try_join_next() {
        ended??;
    }
    anyhow::ensure!(idling.len() == CLIENTS, "only {} clients are left", idling.len());
    let each = |bytes: f64| (bytes - without.anonymous) / as_f64(CLIENTS as u64) / 1024.0;
    table.note_against("anonymous memory a client, KiB", "12", each(with.anonymous));
    table.note("30 seconds later, KiB", each(later.anonymous));
    table.note("anonymous memory without, MB", without.anonymous / 1e6);
    table.note("CPU for each that comes, us", (with.cpu - without.cpu) / as_f64(CLIENTS as u64));
    table.note("CPU while nothing happens, % of a core", (later.cpu - with.cpu) / LATER.as_secs_f64() / 1e4);
    Ok(())
}

async fn enter(door: &Door, identity: &str) -> anyhow::Result<Tunnel> {
    let mut tunnel = door.enter(identity).await?;
    let configuration = tunnel.ask(("GET", "/Client/v2/Configuration"), "").await?;
    let objects = &configuration["sync_objects"];
    let conversations = tunnel.open("map", &text(&objects["my_conversations"])?).await?;
    let info = tunnel.open("map", &text(&objects["my_user_info"])?).await?;
    tunnel.subscribe(&[conversations, info]).await?;
    Ok(tunnel)
}
