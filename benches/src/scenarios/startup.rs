//! A client starts that has many conversations: everything that the SDK asks for, and from where it knows it.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::Ipv4Addr;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::bench::{Bench, Database, Scenario};
use crate::server::Server;
use crate::table::Table;
use crate::tunnel::{
    Door, Opened, Tunnel, accept, answered, binary, established, read, request, subscription, text,
};

/// Objects in one request to listen.
const TOGETHER: usize = 100;
const ALL: usize = usize::MAX;

pub const SCENARIO: Scenario = Scenario {
    name: "startup",
    compares: "The requests with which the SDK starts, for a user of 300 and one of 1,000 conversations with two \
               members and a message each, as many at once as may be; the same with one at a time; and the first \
               against a stub that sends the very same frames from memory.",
    run,
};

/// The names of the figures of one user.
struct Names {
    conversations: usize,
    identity: &'static str,
    together: &'static str,
    target: &'static str,
    stub: &'static str,
    cpu: &'static str,
    share: &'static str,
    requests: &'static str,
}

const USERS: [Names; 2] = [
    Names {
        conversations: 300,
        identity: "alice",
        together: "300: until everything is listened to, s",
        stub: "300: the same with the stub, s",
        cpu: "300: the server's CPU, s",
        share: "300: from frame in to frame out, one at a time, summed, s",
        target: "0.5",
        requests: "300: requests",
    },
    Names {
        conversations: 1000,
        identity: "bob",
        together: "1,000: until everything is listened to, s",
        stub: "1,000: the same with the stub, s",
        cpu: "1,000: the server's CPU, s",
        share: "1,000: from frame in to frame out, one at a time, summed, s",
        target: "",
        requests: "1,000: requests",
    },
];

fn run(bench: &Bench, database: &Database) -> anyhow::Result<Table> {
    let server = Server::start(bench, database)?;
    let mut table = Table::default();
    for user in &USERS {
        bench.wait(fill(&server, user))?;
    }
    // Caches are filled.
    let mut unused = Table::default();
    for user in &USERS {
        bench.wait(round(&server, user, &mut unused))?;
    }
    for _ in 0..bench.rounds {
        for user in &USERS {
            bench.wait(round(&server, user, &mut table))?;
        }
    }
    Ok(table)
}

/// Makes a user's conversations.
async fn fill(server: &Server, user: &Names) -> anyhow::Result<()> {
    let conversations = server.api.conversations(user.conversations).await?;
    let others: Vec<_> = (0..10).map(|number| format!("other-{number}")).collect();
    let mut forms = Vec::with_capacity(3 * conversations.len());
    for (sid, other) in conversations.iter().zip(others.iter().cycle()) {
        for identity in [user.identity, other] {
            forms.push((format!("Conversations/{sid}/Participants"), vec![("Identity", identity)]));
        }
    }
    server.api.post_all(&forms).await?;
    let form = vec![("Author", user.identity), ("Body", "The parcel has left our house")];
    let message = |sid| (format!("Conversations/{sid}/Messages"), form.clone());
    server.api.post_all(&conversations.iter().map(message).collect::<Vec<_>>()).await
}

async fn round(server: &Server, user: &Names, table: &mut Table) -> anyhow::Result<()> {
    let door = Door::of(server).await?;
    let before = server.used()?.cpu;
    let (seconds, real) = start(&door, user, ALL).await?;
    table.note(user.together, seconds);
    table.note(user.cpu, (server.used()?.cpu - before) / 1e6);
    table.note(user.requests, crate::server::as_f64(real.requests as u64));

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let door_of_stub = door.at(listener.local_addr()?);
    let recorded = real.recorded;
    let stub = std::thread::Builder::new().name("stub".to_owned());
    let listener = listener.into_std()?;
    let stub = stub.spawn(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(play(listener, &recorded))
    })?;
    let started = start(&door_of_stub, user, ALL).await;
    stub.join().ok().context("the stub has ended")??;
    let (seconds, _) = started?;
    table.note(user.stub, seconds);

    let spent = async || server.metric("tertulia_realtime_request_duration_seconds_sum").await;
    let before = spent().await?;
    start(&door, user, 1).await?;
    table.note_against(user.share, user.target, spent().await? - before);
    Ok(())
}

/// A server that has the answers.
async fn play(listener: std::net::TcpListener, recorded: &HashMap<String, Vec<Bytes>>) -> anyhow::Result<()> {
    let (stream, _) = TcpListener::from_std(listener)?.accept().await?;
    let mut socket = accept(stream).await?;
    // It ends when the client goes.
    while let Ok(frame) = binary(&mut socket).await {
        let (header, _) = read(&frame)?;
        let id = header["id"].as_str().context("a request has an id")?;
        for frame in recorded.get(id).with_context(|| format!("{id} was not asked for before"))? {
            socket.send(Message::Binary(frame.clone())).await?;
        }
    }
    Ok(())
}

/// What a reply is to.
enum Step {
    Configuration,
    Conversations,
    Document,
    List,
    Roster,
    MyConversations,
    Info,
    /// Of a map, with the path of its items.
    Items(String),
    /// Nothing follows from it.
    Last,
}

/// A client that starts.
#[derive(Default)]
struct Starting {
    /// What is to be sent.
    queue: VecDeque<Bytes>,
    /// By id, what waits for its reply or to be sent.
    asked: HashMap<String, Step>,
    requests: usize,
    opened: Vec<Opened>,
    /// Requests to listen, and objects in them.
    batches: usize,
    subscribed: usize,
    established: usize,
    /// Every frame that came, by the id of the request that it came for.
    recorded: HashMap<String, Vec<Bytes>>,
    /// The list of the user's conversations, and where it goes on.
    conversations: String,
}

/// Starts as the SDK does, with so many requests at once: the seconds until all that was opened is listened to.
async fn start(door: &Door, user: &Names, at_once: usize) -> anyhow::Result<(f64, Starting)> {
    let began = Instant::now();
    let Tunnel { socket, welcome, .. } = door.enter(user.identity).await?;
    let (mut sink, mut stream) = socket.split();
    let (sender, mut receiver) = mpsc::unbounded_channel::<Bytes>();
    // Beside the reading: the server reads on only while its replies are read.
    let write = async {
        while let Some(frame) = receiver.recv().await {
            sink.send(Message::Binary(frame)).await?;
        }
        std::future::pending::<anyhow::Result<Starting>>().await
    };
    let converse = async {
        let mut starting = Starting::default();
        starting.recorded.insert("init".to_owned(), vec![welcome]);
        starting.get("/Client/v2/Configuration", &json!({}), Step::Configuration);
        let mut running = 0;
        while !starting.is_done() {
            while running < at_once
                && let Some(frame) = starting.queue.pop_front()
            {
                sender.send(frame)?;
                running += 1;
            }
            let frame = match stream.next().await.context("the connection is gone")?? {
                Message::Binary(frame) => frame,
                Message::Close(close) => bail!("the server closes: {close:?}"),
                _ => continue,
            };
            running -= usize::from(starting.take(&frame)?);
        }
        anyhow::Ok(starting)
    };
    let starting = tokio::select! {
        starting = converse => starting?,
        failed = write => failed?,
    };
    let seconds = began.elapsed().as_secs_f64();
    let expected = 3 * user.conversations + 2;
    ensure!(starting.established == expected, "{} of {expected} are listened to", starting.established);
    Ok((seconds, starting))
}

impl Starting {
    /// Asks for something. The id hangs on all of it and on nothing else, so that it is the same in every run.
    fn get(&mut self, path: &str, params: &Value, step: Step) {
        let mut hasher = DefaultHasher::new();
        (path, params.to_string()).hash(&mut hasher);
        let id = format!("{:016x}", hasher.finish());
        self.queue.push_back(request(&id, ("GET", path), params, ""));
        self.asked.insert(id, step);
        self.requests += 1;
    }

    fn is_done(&self) -> bool {
        self.asked.is_empty() && self.batches > 0 && self.established == self.subscribed
    }

    /// Takes a frame: whether it is a reply.
    fn take(&mut self, frame: &Bytes) -> anyhow::Result<bool> {
        let (header, payload) = read(frame)?;
        if header["method"] != "reply" {
            self.established += established(&header, &payload)?;
            let event: Value = serde_json::from_slice(&payload)?;
            self.recorded.entry(format!("s{}", event["correlation_id"])).or_default().push(frame.clone());
            return Ok(false);
        }
        let id = text(&header["id"])?;
        let step = self.asked.remove(&id).context("it was asked for")?;
        self.recorded.entry(id).or_default().push(frame.clone());
        let body = answered(&header, &payload)?;
        self.go_on(&step, &body)?;
        if self.opened.len() >= TOGETHER || (self.asked.is_empty() && !self.opened.is_empty()) {
            self.subscribe();
        }
        Ok(true)
    }

    /// Asks for what follows from a reply.
    fn go_on(&mut self, step: &Step, body: &Value) -> anyhow::Result<()> {
        match step {
            Step::Configuration => {
                let objects = &body["sync_objects"];
                let map = |object: &Value| anyhow::Ok(format!("/v3/Maps/{}", text(object)?));
                self.get(&map(&objects["my_conversations"])?, &json!({}), Step::MyConversations);
                self.get(&map(&objects["my_user_info"])?, &json!({"Include": "items"}), Step::Info);
                self.conversations = path_of(&body["links"]["my_conversations"])?;
            }
            Step::Info => {
                self.opened.push(Opened::new("map", body)?);
                self.get(&self.conversations.clone(), &json!({}), Step::Conversations);
            }
            Step::Conversations => {
                for conversation in body["conversations"].as_array().context("it is a list")? {
                    let document = text(&conversation["sync_objects"]["conversation"])?;
                    self.get(&format!("/v3/Documents/{document}"), &json!({}), Step::Document);
                }
                if let Some(token) = body["meta"]["next_token"].as_str() {
                    self.get(&self.conversations.clone(), &json!({"PageToken": token}), Step::Conversations);
                }
            }
            Step::Document => {
                self.opened.push(Opened::new("document", body)?);
                let (list, map) = (text(&body["data"]["messages"])?, text(&body["data"]["roster"])?);
                self.get(&format!("/v3/Lists/{list}"), &json!({}), Step::List);
                self.get(&format!("/v3/Maps/{map}"), &json!({}), Step::Roster);
            }
            Step::List => self.opened.push(Opened::new("list", body)?),
            Step::Roster | Step::MyConversations => {
                self.opened.push(Opened::new("map", body)?);
                let params = json!({"HideExpired": true, "PageSize": 50, "Order": "asc"});
                let path = path_of(&body["links"]["items"])?;
                self.get(&path, &params, Step::Items(path.clone()));
            }
            Step::Items(path) if body["meta"]["next_token"].is_string() => {
                let last =
                    body["items"].as_array().and_then(|items| items.last()).context("a page has items")?;
                let params =
                    json!({"HideExpired": true, "From": last["key"], "PageSize": 51, "Order": "asc"});
                self.get(path, &params, Step::Items(path.clone()));
            }
            Step::Items(_) | Step::Last => {}
        }
        Ok(())
    }

    /// Listens to what was opened, as much as goes into one request.
    fn subscribe(&mut self) {
        let rest = self.opened.split_off(self.opened.len().min(TOGETHER));
        let opened = std::mem::replace(&mut self.opened, rest);
        self.batches += 1;
        self.subscribed += opened.len();
        let (id, body) = (format!("s{}", self.batches), subscription(self.batches, &opened));
        self.queue.push_back(request(&id, ("POST", "/v4/Subscriptions"), &json!({}), &body));
        self.asked.insert(id, Step::Last);
        self.requests += 1;
    }
}

/// The path of an address.
fn path_of(url: &Value) -> anyhow::Result<String> {
    let url = text(url)?;
    let (_, path) =
        url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).context("it is an address")?;
    Ok(format!("/{path}"))
}
