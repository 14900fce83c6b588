//! More than the server can take: what is turned away, what waits, and what is there afterwards.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conversations::Limits;
use store::{Roots, Store, StoreError};
use tertulia_server::{Bounds, Listeners, Server, Settings};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::harness::{Answer, FORM, Harness};

/// Longer than anything takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A store whose writer is held by a job. It goes on when this is dropped.
pub struct Shut {
    _gate: Sender<()>,
    _job: JoinSet<Result<(), StoreError>>,
}

impl Shut {
    /// Puts a job that holds the writer into the queue.
    fn queue(store: &Store) -> (Self, Receiver<()>) {
        let ((gate, passed), (here, reached)) = (channel::<()>(), channel());
        let passed = Mutex::new(passed);
        let hold = move |_: &mut store::Tx<'_>| {
            let _ = here.send(());
            let _ = passed.lock().expect("nothing panics while it is held").recv();
            Ok(())
        };
        let (mut job, store) = (JoinSet::new(), store.clone());
        job.spawn(async move { store.write::<_, StoreError>(Roots::none(), hold).await });
        (Self { _gate: gate, _job: job }, reached)
    }

    pub async fn now(store: &Store) -> Self {
        let (shut, reached) = Self::queue(store);
        until(|| reached.try_recv().is_ok()).await;
        shut
    }
}

/// Waits for something to come about.
pub async fn until(mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("it comes about");
}

/// Creates in tasks of their own.
pub fn creates(harness: &Arc<Harness>, names: impl Iterator<Item = String>) -> JoinSet<(String, Answer)> {
    let mut tasks = JoinSet::new();
    for name in names {
        let harness = Arc::clone(harness);
        tasks.spawn(async move {
            let form = format!("UniqueName={name}");
            let answer = harness.ask("POST", "/v1/Conversations", &[FORM], &form).await;
            (name, answer)
        });
    }
    tasks
}

/// What a caller is told who is to come back.
fn is_turned_away(answer: &Answer) -> bool {
    let later = answer.header("retry-after").parse::<u8>().is_ok_and(|seconds| (1..=3).contains(&seconds));
    answer.status == 503 && answer.refusal() == (503, 20503, "Service unavailable") && later
}

/// The names of all conversations, sorted.
async fn listed(harness: &Harness) -> Vec<String> {
    let list = harness.ask("GET", "/v1/Conversations?PageSize=100", &[], "").await;
    assert_eq!(list.status, 200);
    let all = list.body["conversations"].as_array().expect("a list").iter();
    let mut names: Vec<_> =
        all.map(|one| one["unique_name"].as_str().expect("each has one").to_owned()).collect();
    names.sort();
    names
}

pub async fn started(harness: &Harness) -> Server {
    let bind = || TcpListener::bind("127.0.0.1:0");
    let (api, metrics) = (bind().await.expect("a port"), bind().await.expect("a port"));
    let listeners = Listeners { api, metrics: Some(metrics) };
    Server::start(Arc::clone(&harness.app), listeners).expect("a server")
}

/// A figure of the metrics; zero where it has never been counted.
pub fn figure(server: &Server, name: &str) -> u64 {
    let read = |address: SocketAddr| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let page = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(page).expect("it is taken");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("a page");
        text
    };
    let page = tokio::task::block_in_place(|| read(server.metrics_address().expect("they are on")));
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_turns_away_and_what_was_taken_in_is_there_and_nothing_else() {
    let harness = Arc::new(Harness::tuned(Settings::default(), |options| options.queue_max = 8).await);
    let shut = Shut::now(harness.app.store()).await;
    let mut tasks = creates(&harness, (0..40).map(|number| format!("early-{number:02}")));
    for _ in 0..32 {
        let (_, answer) = tasks.join_next().await.expect("there are more").expect("no panic");
        assert!(is_turned_away(&answer), "{}", answer.body);
    }
    // Who only reads has noticed nothing.
    assert_eq!(listed(&harness).await, Vec::<String>::new());
    let server = started(&harness).await;
    assert_eq!(figure(&server, "tertulia_store_queue_depth "), 8);
    assert!(figure(&server, "tertulia_store_refusals_total ") >= 32);
    let ready = harness.send("GET", "/healthz/ready", &[], "").await;
    assert_eq!(ready.status, 503);

    drop(shut);
    let mut taken = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (name, answer) = done.expect("no panic");
        assert_eq!(answer.status, 201, "{}", answer.body);
        taken.push(name);
    }
    taken.sort();
    assert_eq!(taken.len(), 8);
    assert_eq!(listed(&harness).await, taken);
    let next = harness.ask("POST", "/v1/Conversations", &[FORM], "UniqueName=next").await;
    assert_eq!(next.status, 201);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_waited_long_is_told_while_the_store_hangs_and_nothing_of_it_happens() {
    let patience = Duration::from_secs(1);
    let harness = Arc::new(Harness::tuned(Settings::default(), |options| options.patience = patience).await);
    let shut = Shut::now(harness.app.store()).await;
    let tasks = creates(&harness, (0..20).map(|number| format!("late-{number:02}")));
    let answers = tasks.join_all().await;
    assert!(answers.iter().all(|(_, answer)| is_turned_away(answer)));
    drop(shut);
    let next = harness.ask("POST", "/v1/Conversations", &[FORM], "UniqueName=next").await;
    assert_eq!(next.status, 201);
    assert_eq!(listed(&harness).await, ["next"]);
    let server = started(&harness).await;
    assert_eq!(figure(&server, "tertulia_store_expired_total "), 20);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_turned_away_behind_its_key_finds_the_key_free() {
    let tune = |options: &mut store::Options| {
        (options.batch_max, options.patience) = (1, Duration::from_secs(3));
    };
    let harness = Arc::new(Harness::tuned(Settings::default(), tune).await);
    let store = harness.app.store();
    let first = Shut::now(store).await;
    let ask = {
        let harness = Arc::clone(&harness);
        move || {
            let harness = Arc::clone(&harness);
            async move {
                let headers = [FORM, ("idempotency-key", "once")];
                harness.ask("POST", "/v1/Conversations", &headers, "UniqueName=a").await
            }
        }
    };
    let mut asked = JoinSet::new();
    asked.spawn(ask());
    until(|| store.queue_depth() == 1).await;
    // The key is claimed, and what it is claimed for waits behind this.
    let (second, reached) = Shut::queue(store);
    until(|| store.queue_depth() == 2).await;
    drop(first);
    until(|| reached.try_recv().is_ok()).await;
    timeout(PATIENCE, async {
        let server = started(&harness).await;
        while figure(&server, "tertulia_store_expired_total ") == 0 {
            tokio::task::yield_now().await;
        }
        drop(second);
        let answer = asked.join_next().await.expect("it runs").expect("no panic");
        assert!(is_turned_away(&answer), "{}", answer.body);
        assert_eq!(ask().await.status, 201);
        assert_eq!(ask().await.header("tertulia-idempotent-replayed"), "true");
        server.stop().await;
    })
    .await
    .expect("it comes about");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_room_for_so_many_requests_and_one_more_costs_nothing() {
    let bounds = Bounds { requests: 2, ..Bounds::default() };
    let harness = Arc::new(Harness::with(Settings { bounds, ..Settings::default() }).await);
    let shut = Shut::now(harness.app.store()).await;
    let tasks = creates(&harness, ["a", "b"].map(str::to_owned).into_iter());
    until(|| harness.app.store().queue_depth() == 2).await;
    // Nobody even asks who it is.
    assert!(is_turned_away(&harness.send("GET", "/v1/Services", &[], "").await));
    assert_eq!(harness.send("GET", "/healthz/live", &[], "").await.status, 200);
    drop(shut);
    assert!(tasks.join_all().await.iter().all(|(_, answer)| answer.status == 201));
    assert_eq!(harness.ask("GET", "/v1/Services", &[], "").await.status, 200);
    let server = started(&harness).await;
    assert_eq!(figure(&server, "tertulia_http_turned_away_total{what=\"requests\"} "), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_bodies_share_what_memory_there_is_and_short_ones_need_none_of_it() {
    let bounds = Bounds { bytes: 4 * 1024 * 1024, ..Bounds::default() };
    let settings = Settings { bounds, limits: Limits::Lenient, ..Settings::default() };
    let harness = Arc::new(Harness::with(settings).await);
    let shut = Shut::now(harness.app.store()).await;
    let long = |name: &str| format!("{name}&FriendlyName={}", "x".repeat(700 * 1024));
    let mut tasks = creates(&harness, [long("first")].into_iter());
    until(|| harness.app.store().queue_depth() == 1).await;
    let (_, second) = creates(&harness, [long("second")].into_iter()).join_all().await.remove(0);
    assert!(is_turned_away(&second), "{}", second.body);
    let mut short = creates(&harness, ["short".to_owned()].into_iter());
    until(|| harness.app.store().queue_depth() == 2).await;
    drop(shut);
    for tasks in [&mut tasks, &mut short] {
        let (_, answer) = tasks.join_next().await.expect("it runs").expect("no panic");
        assert_eq!(answer.status, 201);
    }
    let (_, again) = creates(&harness, [long("second")].into_iter()).join_all().await.remove(0);
    assert_eq!(again.status, 201);
    assert_eq!(listed(&harness).await, ["first", "second", "short"]);
    let server = started(&harness).await;
    assert_eq!(figure(&server, "tertulia_http_held_bytes "), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_of_its_answers_holds_little_and_not_for_long() {
    let bounds = Bounds { stalled: Duration::from_millis(300), ..Bounds::default() };
    let harness = Harness::with(Settings { bounds, limits: Limits::Lenient, ..Settings::default() }).await;
    for name in ["a", "b", "c"] {
        let form = format!("UniqueName={name}&FriendlyName={}", "x".repeat(500 * 1024));
        assert_eq!(harness.ask("POST", "/v1/Conversations", &[FORM], &form).await.status, 201);
    }
    let server = started(&harness).await;
    let (_, authorization) = harness.basic();
    let ask = format!("GET /v1/Conversations HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n");
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    // More than the buffers of the machine hold.
    stream.write_all(ask.repeat(60).as_bytes()).expect("it is taken");
    until(|| figure(&server, "tertulia_http_held_bytes ") > 0).await;
    // Nothing is held between two answers either, so that it is the connection that tells: who asks is the other.
    until(|| figure(&server, "tertulia_http_connections ") == 1).await;
    assert_eq!(figure(&server, "tertulia_http_held_bytes "), 0);
    let mut taken = Vec::new();
    let _ = tokio::task::block_in_place(|| stream.read_to_end(&mut taken));
    assert!(taken.len() < 60 * 1_500_000, "{}", taken.len());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_room_for_so_many_uploads_and_files_on_their_way_are_in_nobodys_memory() {
    // A file would be too long for what there is.
    let bounds = Bounds { uploads: 1, bytes: 1024, ..Bounds::default() };
    let harness = Harness::with(Settings { bounds, ..Settings::default() }).await;
    let server = started(&harness).await;
    let configuration = harness.ask("GET", "/v1/Configuration", &[], "").await.body;
    let service_sid = configuration["default_chat_service_sid"].as_str().expect("a sid");
    let media = format!("/v1/Services/{service_sid}/Media");
    let (_, authorization) = harness.basic();
    let half = "x".repeat(100_000);
    let mut slow = TcpStream::connect(server.address()).expect("a connection");
    let head = format!(
        "POST {media} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nContent-Type: text/plain\r\n\
         Connection: close\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        2 * half.len()
    );
    slow.write_all(head.as_bytes()).expect("it is taken");
    // Said when the body is asked for: the place is taken.
    let mut wanted = [0; 25];
    tokio::task::block_in_place(|| slow.read_exact(&mut wanted)).expect("an answer");
    assert_eq!(&wanted, b"HTTP/1.1 100 Continue\r\n\r\n");
    slow.write_all(half.as_bytes()).expect("it is taken");
    let beside = async || harness.ask("POST", &media, &[("content-type", "text/plain")], "beside").await;
    let refused = beside().await;
    assert!(is_turned_away(&refused), "{}", refused.body);
    slow.write_all(half.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    tokio::task::block_in_place(|| slow.read_to_string(&mut answer)).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(beside().await.status, 201);
    server.stop().await;
}
