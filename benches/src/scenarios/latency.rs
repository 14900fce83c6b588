//! How long a message takes from the request that makes it to a client that listens.

use std::cell::RefCell;

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use tokio::time::{Duration, Instant, MissedTickBehavior, interval};

use crate::bench::{Bench, Database, Scenario};
use crate::server::Server;
use crate::table::{Table, percentile};
use crate::tunnel::{Door, Tunnel, read};

const MESSAGES: usize = 1000;
/// Between two messages.
const PAUSE: Duration = Duration::from_millis(10);

pub const SCENARIO: Scenario = Scenario {
    name: "latency",
    compares: "1,000 messages by REST into one conversation, 100 a second. From the moment a request is sent to the \
               client's frame, beside the time until the request is answered.",
    run,
};

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let server = Server::start(bench, database)?;
    bench.wait(async {
        let conversation = server.api.conversations(1).await?.pop().context("one was made")?;
        let path = format!("Conversations/{conversation}/Participants");
        server.api.post(&path, &[("Identity", "alice")]).await?;
        let mut tunnel = Door::of(&server).await?.enter("alice").await?;
        let list = tunnel.open("list", &format!("{conversation}.messages")).await?;
        tunnel.subscribe(&[list]).await?;
        // Caches are filled.
        round(&server, &conversation, &mut tunnel).await?;
        let mut table = Table::default();
        for _ in 0..bench.rounds {
            let [mut frames, mut answers] = round(&server, &conversation, &mut tunnel).await?;
            table.note_against("frame p50, ms", "10", percentile(&mut frames, 0.5));
            table.note("frame p99, ms", percentile(&mut frames, 0.99));
            table.note("answer p50, ms", percentile(&mut answers, 0.5));
            table.note("answer p99, ms", percentile(&mut answers, 0.99));
        }
        Ok(table)
    })
}

/// Milliseconds until the frames, and until the answers.
async fn round(server: &Server, conversation: &str, tunnel: &mut Tunnel) -> anyhow::Result<[Vec<f64>; 2]> {
    let path = format!("Conversations/{conversation}/Messages");
    let sent = RefCell::new(vec![Instant::now(); MESSAGES]);
    let (mut frames, answers) = (Vec::with_capacity(MESSAGES), RefCell::new(Vec::with_capacity(MESSAGES)));
    let mut pause = interval(PAUSE);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let numbers = stream::unfold((0, pause), async |(number, mut pause)| {
        pause.tick().await;
        (number < MESSAGES).then_some((number, (number + 1, pause)))
    });
    let write = numbers
        .map(async |number| {
            let began = Instant::now();
            sent.borrow_mut()[number] = began;
            let form = [("Author", "alice"), ("Body", &*number.to_string())];
            server.api.post(&path, &form).await?;
            answers.borrow_mut().push(milliseconds(began));
            anyhow::Ok(())
        })
        .buffer_unordered(64)
        .try_for_each(async |()| Ok(()));
    let listen = async {
        for _ in 0..MESSAGES {
            let frame = tunnel.next().await?;
            let (_, payload) = read(&frame)?;
            let event: Value = serde_json::from_slice(&payload)?;
            let body = event["events"][0]["item_data"]["text"].as_str().context("a message has a text")?;
            let number: usize = body.parse()?;
            frames.push(milliseconds(sent.borrow()[number]));
        }
        Ok(())
    };
    tokio::try_join!(write, listen)?;
    Ok([frames, answers.into_inner()])
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
