//! A webhook that asks for what was said before it was there, on a server that runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tertulia_server::{Guard, Listeners, Server, Settings, WebhookSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::harness::{FORM, Harness};

fn settings() -> Settings {
    let guard = Guard { allows_private: true, allowed: Vec::new() };
    Settings { webhooks: WebhookSettings { guard, ..WebhookSettings::default() }, ..Settings::default() }
}

/// The dispatcher looks by itself a second after it has looked: four replays in a row would take three.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_begins_when_the_webhook_is_made() {
    let harness = Harness::with(settings()).await;
    let bind = || TcpListener::bind("127.0.0.1:0");
    let (api, place) = (bind().await.expect("a port"), bind().await.expect("a port"));
    let server = Server::start(Arc::clone(&harness.app), Listeners { api, metrics: None }).expect("a server");
    let conversation = harness.ask("POST", "/v1/Conversations", &[FORM], "").await.body;
    let path = format!("/v1/Conversations/{}", conversation["sid"].as_str().expect("a sid"));
    for body in ["Body=one", "Body=two"] {
        assert_eq!(harness.ask("POST", &format!("{path}/Messages"), &[FORM], body).await.status, 201);
    }
    let address = place.local_addr().expect("it is bound");
    let form = format!(
        "Target=webhook&Configuration.Url=http://{address}/&Configuration.Filters=onMessageAdded\
         &Configuration.ReplayAfter=0"
    );
    #[expect(clippy::disallowed_methods, reason = "a test on real time")]
    let began = Instant::now();
    for _ in 0..4 {
        assert_eq!(harness.ask("POST", &format!("{path}/Webhooks"), &[FORM], &form).await.status, 201);
        let told = tokio::time::timeout(Duration::from_secs(20), place.accept()).await;
        let (mut stream, _) = told.expect("it is told").expect("a connection");
        let mut head = [0; 4096];
        let _ = stream.read(&mut head).await;
        let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).await.expect("it listens");
        stream.shutdown().await.expect("it is closed");
    }
    assert!(began.elapsed() < Duration::from_secs(2), "it took {:?}", began.elapsed());
    server.stop().await;
}
