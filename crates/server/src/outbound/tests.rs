//! Over real connections on loopback, of which one address is allowed.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use super::{Answered, Asked, Failed, Guard, Names, Outbound};
use crate::stopwatch;

const ALLOWED: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Answers as it is told, and with an error where nothing is left.
#[derive(Clone, Default)]
struct Told {
    answers: Arc<Mutex<VecDeque<Vec<IpAddr>>>>,
    asked: Arc<AtomicUsize>,
}

impl Names for Told {
    fn addresses(&self, _: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let next = self.answers.lock().expect("nothing panics while it is held").pop_front();
        Box::pin(async move { next.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// A client, the names that it knows, and a place that answers every connection with `answer` and closes it.
/// The place listens on all of loopback, so that whoever comes by another address arrives, and is counted.
async fn bed(answer: &'static [u8], answers: &[&[IpAddr]]) -> (Outbound, Told, SocketAddr, Arc<AtomicUsize>) {
    let names = Told::default();
    names.answers.lock().expect("nobody else has it").extend(answers.iter().map(|found| found.to_vec()));
    let allowed = vec!["127.0.0.1/32".parse().expect("a network")];
    let guard = Guard { allows_private: false, allowed };
    let outbound = Outbound::new(guard, Arc::new(names.clone())).expect("a client");
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    (outbound, names, address, came)
}

async fn ask(outbound: &Outbound, url: &str, most: usize) -> Result<Answered, Failed> {
    let url = Url::parse(url).expect("a URL");
    let (headers, body, total) = (HeaderMap::new(), Bytes::new(), Duration::from_secs(5));
    outbound.ask(Asked { method: Method::POST, url, headers, body, connect: None, total, most }).await
}

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n0123456789";

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let (outbound, names, address, came) = bed(GOOD, &[&[ALLOWED], &[INSIDE], &[ALLOWED]]).await;
    let url = format!("http://rebinding.example:{}/", address.port());
    assert_eq!(ask(&outbound, &url, 100).await.expect("it is allowed").status, 200);
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "what was judged is what was connected to");
    assert_eq!(ask(&outbound, &url, 100).await.expect_err("it is inside"), Failed::Refused);
    assert_eq!(ask(&outbound, &url, 100).await.expect("it is allowed again").status, 200);
    assert_eq!((names.asked.load(Ordering::SeqCst), came.load(Ordering::SeqCst)), (3, 2));
}

#[tokio::test]
async fn one_address_inside_spoils_a_name_and_no_address_is_no_place() {
    let answers: [&[IpAddr]; 3] = [&[ALLOWED, INSIDE], &[INSIDE, ALLOWED], &[]];
    let (outbound, _, address, came) = bed(GOOD, &answers).await;
    let url = format!("http://mixed.example:{}/", address.port());
    for _ in answers {
        assert_eq!(ask(&outbound, &url, 100).await.expect_err("it is inside"), Failed::Refused);
    }
    let failed = ask(&outbound, &url, 100).await.expect_err("nobody knows the name");
    assert_eq!((failed, came.load(Ordering::SeqCst)), (Failed::NotConnected, 0));
}

#[tokio::test]
async fn an_address_in_the_url_is_judged_too() {
    let (outbound, names, address, came) = bed(GOOD, &[]).await;
    let port = address.port();
    for host in [
        "127.0.0.2",
        "127.0.0.2.",
        "127.2",
        "2130706434",
        "017700000002",
        "0x7f000002",
        "0177.0.0x0.2",
        "127%2e0%2e0%2e2",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.2",
        "\u{2460}\u{2461}\u{2466}\u{3002}0\u{ff0e}0.\u{2461}",
        "127.0.0.1@127.0.0.2",
        "[::ffff:127.0.0.2]",
        "[::ffff:7f00:2]",
        "[::127.0.0.2]",
        "[64:ff9b::7f00:2]",
        "[2002:7f00:2::]",
    ] {
        let failed = ask(&outbound, &format!("http://{host}:{port}/"), 100).await;
        assert_eq!(failed.expect_err("it is inside"), Failed::Refused, "{host}");
    }
    assert_eq!(
        ask(&outbound, &format!("http://127.1:{port}/"), 100).await.expect("it is allowed").status,
        200
    );
    assert_eq!((names.asked.load(Ordering::SeqCst), came.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test]
async fn no_redirect_is_followed() {
    const MOVED: &[u8] = b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:9/\r\nConnection: close\r\n\
        Content-Length: 0\r\n\r\n";
    let (outbound, _, address, came) = bed(MOVED, &[]).await;
    let answered = ask(&outbound, &format!("http://127.0.0.1:{}/", address.port()), 100).await;
    assert_eq!((answered.expect("an answer").status, came.load(Ordering::SeqCst)), (307, 1));
}

#[tokio::test]
async fn no_more_is_read_than_was_asked_for() {
    let (outbound, _, address, _) = bed(GOOD, &[]).await;
    let url = format!("http://127.0.0.1:{}/", address.port());
    for (most, body, is_cut) in [(4, "0123", true), (10, "0123456789", false)] {
        let answered = ask(&outbound, &url, most).await.expect("an answer");
        assert_eq!((&answered.body[..], answered.is_cut), (body.as_bytes(), is_cut));
    }
}

/// Never answers, and counts who asks.
#[derive(Clone, Default)]
struct Silent(Arc<AtomicUsize>);

impl Names for Silent {
    fn addresses(&self, _: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn each_request_says_how_long_there_may_be_no_connection() {
    const LONG: Duration = Duration::from_secs(30);
    let outbound = Outbound::new(Guard::default(), Arc::new(Silent::default())).expect("a client");
    for (host, connect, total) in [
        // Its own limit, and not that of four seconds.
        ("a.example", Some(Duration::from_millis(100)), LONG),
        // A whole try that is short says the same of its connection, whatever else is said.
        ("b.example", None, Duration::from_millis(200)),
        ("c.example", Some(LONG), Duration::from_millis(200)),
    ] {
        let began = stopwatch::start();
        let url = Url::parse(&format!("http://{host}/")).expect("a URL");
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let asked = Asked { method: Method::POST, url, headers, body, connect, total, most: 1 };
        assert_eq!(outbound.ask(asked).await.expect_err("nobody is there"), Failed::NotConnected, "{host}");
        assert!(began.elapsed() < Duration::from_secs(3), "{host} took {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_name_that_nobody_answers_for_is_looked_up_once_at_a_time() {
    let silent = Silent::default();
    let outbound = Outbound::new(Guard::default(), Arc::new(silent.clone())).expect("a client");
    for (host, asked) in [("a.example", 1), ("a.example", 1), ("b.example", 2), ("a.example", 2)] {
        let url = Url::parse(&format!("http://{host}/")).expect("a URL");
        let (headers, body, total) = (HeaderMap::new(), Bytes::new(), Duration::from_millis(20));
        let asking = Asked { method: Method::POST, url, headers, body, connect: None, total, most: 1 };
        outbound.ask(asking).await.expect_err("nobody answers");
        assert_eq!(silent.0.load(Ordering::SeqCst), asked, "{host}");
    }
}
