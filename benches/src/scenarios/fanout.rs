//! One conversation to which many listen: frames a second.

use anyhow::{Context, ensure};
use futures_util::{SinkExt, StreamExt, TryStreamExt, stream};
use memchr::memmem;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::bench::{Bench, Database, Scenario};
use crate::server::{Server, as_f64, cpu};
use crate::table::Table;
use crate::tunnel::{Door, Tunnel, framed};

const LISTENERS: usize = 1000;
/// In one round.
const MESSAGES: usize = 500;
const WRITERS: usize = 8;
const BODY: &str = "The parcel has left our house this morning and should be with you by Thursday";

pub const SCENARIO: Scenario = Scenario {
    name: "fanout",
    compares: "500 messages by REST into one conversation, whose list of messages 1,000 clients listen to, each a \
               user of its own; each of them gets every message once and in order. From the first request to the \
               last frame. Then the same while each frame is acknowledged, as the SDK does.",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let server = Server::start(bench, database)?;
    bench.wait(measure(bench, &server))
}

async fn measure(bench: &Bench, server: &Server) -> anyhow::Result<Table> {
    let conversation = server.api.conversations(1).await?.pop().context("one was made")?;
    let identities: Vec<_> = (0..LISTENERS).map(|number| format!("listener-{number}")).collect();
    let form =
        |identity| (format!("Conversations/{conversation}/Participants"), vec![("Identity", identity)]);
    let forms: Vec<_> = identities.iter().map(|identity| form(identity.as_str())).collect();
    server.api.post_all(&forms).await?;
    let door = Door::of(server).await?;
    let enter = async |identity: &String| {
        let mut tunnel = door.enter(identity).await?;
        let list = tunnel.open("list", &format!("{conversation}.messages")).await?;
        tunnel.subscribe(&[list]).await?;
        anyhow::Ok(tunnel)
    };
    let mut tunnels: Vec<Tunnel> =
        stream::iter(&identities).map(enter).buffer_unordered(16).try_collect().await?;
    let mut table = Table::default();
    let mut first = 0;
    // Caches are filled.
    tunnels = round(server, (&conversation, first), tunnels, false).await?.0;
    for _ in 0..bench.rounds {
        for is_acknowledged in [false, true] {
            first += MESSAGES;
            let figures;
            (tunnels, figures) = round(server, (&conversation, first), tunnels, is_acknowledged).await?;
            let [per_second, server_cpu, load_cpu] = figures;
            if is_acknowledged {
                table.note("frames/s, each acknowledged", per_second);
                table.note("server CPU a frame that is acknowledged, us", server_cpu);
                table.note("the load's CPU a frame that is acknowledged, us", load_cpu);
            } else {
                table.note_against("frames/s", "100,000", per_second);
                table.note("server CPU a frame, us", server_cpu);
                table.note("the load's CPU a frame, us", load_cpu);
            }
        }
    }
    Ok(table)
}

/// Frames a second, and the time of all cores that the server and this program have used for each.
async fn round(
    server: &Server,
    (conversation, first): (&str, usize),
    tunnels: Vec<Tunnel>,
    is_acknowledged: bool,
) -> anyhow::Result<(Vec<Tunnel>, [f64; 3])> {
    let path = format!("Conversations/{conversation}/Messages");
    let (server_before, load_before) = (server.used()?.cpu, cpu("self")?);
    let mut listening = JoinSet::new();
    for tunnel in tunnels {
        listening.spawn(listen(tunnel, first, is_acknowledged));
    }
    let began = Instant::now();
    let write = stream::iter(0..MESSAGES)
        .map(async |_| server.api.post(&path, &[("Author", "alice"), ("Body", BODY)]).await)
        .buffer_unordered(WRITERS)
        .try_for_each(async |_| Ok(()));
    let heard = async {
        let mut tunnels = Vec::with_capacity(LISTENERS);
        while let Some(tunnel) = listening.join_next().await {
            tunnels.push(tunnel??);
        }
        Ok(tunnels)
    };
    let ((), tunnels) = tokio::try_join!(write, heard)?;
    let frames = as_f64((LISTENERS * MESSAGES) as u64);
    let per_second = frames / began.elapsed().as_secs_f64();
    let (server_cpu, load_cpu) = (server.used()?.cpu - server_before, cpu("self")? - load_before);
    Ok((tunnels, [per_second, server_cpu / frames, load_cpu / frames]))
}

/// Takes what comes. Another message than the next one is an error.
async fn listen(mut tunnel: Tunnel, first: usize, is_acknowledged: bool) -> anyhow::Result<Tunnel> {
    let find_index = memmem::Finder::new(b"\"item_index\":");
    let find_id = memmem::Finder::new(b"\"id\":\"");
    for index in first..first + MESSAGES {
        let frame = tunnel.next().await?;
        let behind = |finder: &memmem::Finder<'_>| {
            finder.find(&frame).map(|place| &frame[place + finder.needle().len()..])
        };
        let rest = behind(&find_index).context("a frame has a message")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let told: usize = std::str::from_utf8(&rest[..digits])?.parse()?;
        ensure!(told == index, "message {told} came where {index} was next");
        if is_acknowledged {
            let id = behind(&find_id).and_then(|rest| rest.split(|byte| *byte == b'"').next());
            let id = std::str::from_utf8(id.context("a frame has an id")?)?;
            let header = json!({
                "id": id, "method": "reply", "payload_type": "application/json", "payload_size": 0,
                "status": {"code": 200, "status": "OK"},
            });
            tunnel.socket.send(Message::Binary(framed(&header, b""))).await?;
        }
    }
    Ok(tunnel)
}
