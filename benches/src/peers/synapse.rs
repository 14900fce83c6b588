//! Matrix Synapse: rooms over HTTP, on SQLite.

use std::cell::Cell;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::server::{as_f64, free_address};
use crate::table::percentile;

use super::process::{Process, folder};
use super::{Peer, Running, Sent, installed};

const PYTHON: &str = "synapse/bin/python";
/// More at once make it no faster.
const AT_ONCE: usize = 16;
const ROOMS: usize = 16;
const BODY: &str = "The parcel has left our house this morning and should be with you by Thursday";

pub const PEER: Peer = Peer {
    name: "Synapse",
    does: "Synapse (Matrix) signs each message as an event, decides by the room's rules whether it is allowed, and \
           commits it to SQLite before it answers (a WAL, synced at each commit). 16 rooms, 16 requests at once, each \
           with a transaction id of its own, limits of rates open.",
    target: "350",
    messages: 320,
    is_installed: || installed(PYTHON).is_file(),
    start,
};

struct Synapse {
    process: Process,
    client: reqwest::Client,
    url: String,
    token: String,
    rooms: Vec<String>,
    /// Messages so far: no two have the same transaction id.
    sent: Cell<usize>,
}

fn start(bench: &Bench) -> anyhow::Result<Box<dyn Running>> {
    let (address, folder) = (free_address()?, folder(bench, "synapse")?);
    let configuration = folder.path().join("homeserver.yaml");
    let data = folder.path().display().to_string();
    let open = json!({"per_second": 1e6, "burst_count": 1_000_000});
    // YAML contains JSON.
    let settings = json!({
        "server_name": "localhost",
        "pid_file": format!("{data}/homeserver.pid"),
        "listeners": [{
            "port": address.port(), "bind_addresses": ["127.0.0.1"], "type": "http",
            "resources": [{"names": ["client"]}],
        }],
        "database": {"name": "sqlite3", "args": {"database": format!("{data}/homeserver.db")}},
        "media_store_path": format!("{data}/media"),
        "signing_key_path": format!("{data}/signing.key"),
        "macaroon_secret_key": "secret", "form_secret": "secret",
        "enable_registration": true, "enable_registration_without_verification": true,
        "report_stats": false, "trusted_key_servers": [],
        "rc_message": open, "rc_registration": open, "rc_room_creation": open,
        "rc_login": {"address": open, "account": open, "failed_attempts": open},
    });
    std::fs::write(&configuration, settings.to_string())?;
    let module = ["-m", "synapse.app.homeserver", "--config-path"];
    let keys = Command::new(installed(PYTHON))
        .args(module)
        .arg(&configuration)
        .arg("--generate-keys")
        .stdin(Stdio::null())
        .output()?;
    ensure!(keys.status.success(), "Synapse makes no keys: {}", String::from_utf8_lossy(&keys.stderr));
    let mut program = Command::new(installed(PYTHON));
    program.args(module).arg(&configuration);
    let process = Process::start(bench, folder, program, address)?;
    let client = reqwest::Client::builder().no_proxy().build().context("cannot make a client")?;
    let url = format!("http://{address}/_matrix/client/v3");
    let mut synapse =
        Synapse { process, client, url, token: String::new(), rooms: vec![], sent: Cell::new(0) };
    bench.wait(synapse.enter()).with_context(|| synapse.process.log())?;
    Ok(Box::new(synapse))
}

impl Synapse {
    /// Makes a user and the rooms.
    async fn enter(&mut self) -> anyhow::Result<()> {
        let user = json!({"username": "alice", "password": "secret", "auth": {"type": "m.login.dummy"}});
        let made = self.ask(http::Method::POST, "register", &user).await?;
        made["access_token"].as_str().context("a user has a token")?.clone_into(&mut self.token);
        for number in 0..ROOMS {
            let room = json!({"preset": "private_chat", "name": format!("Support {number}")});
            let made = self.ask(http::Method::POST, "createRoom", &room).await?;
            self.rooms.push(made["room_id"].as_str().context("a room has an id")?.to_owned());
        }
        Ok(())
    }

    async fn ask(&self, method: http::Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let mut asked = self.client.request(method, format!("{}/{path}", self.url)).body(body.to_string());
        // Whoever is being made has none, and may not send an empty one.
        if !self.token.is_empty() {
            asked = asked.bearer_auth(&self.token);
        }
        let answer = asked.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path} was answered with {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// Milliseconds until it is answered.
    async fn say(&self, number: usize) -> anyhow::Result<f64> {
        let began = Instant::now();
        let path = format!("rooms/{}/send/m.room.message/t{number}", self.rooms[number % ROOMS]);
        let message = json!({"msgtype": "m.text", "body": BODY});
        let answer = self.ask(http::Method::PUT, &path, &message).await?;
        ensure!(answer["event_id"].is_string(), "a message becomes an event: {answer}");
        Ok(began.elapsed().as_secs_f64() * 1000.0)
    }
}

impl Running for Synapse {
    fn send(&self, bench: &Bench, messages: usize) -> anyhow::Result<Sent> {
        let before = self.sent.replace(self.sent.get() + messages);
        let began = Instant::now();
        let all = stream::iter(before..before + messages).map(|number| self.say(number));
        let mut times: Vec<f64> = bench.wait(all.buffer_unordered(AT_ONCE).try_collect())?;
        let took = began.elapsed().as_secs_f64();
        Ok(Sent { per_second: as_f64(messages as u64) / took, p99: percentile(&mut times, 0.99) })
    }

    fn process(&self) -> &Process {
        &self.process
    }
}
