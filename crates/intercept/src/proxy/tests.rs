//! The proxy, over real sockets.

use std::net::Ipv6Addr;

use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use wire::Timestamp;

use super::*;

const SHORT: Duration = Duration::from_millis(50);
const HOST: &str = "conversations.twilio.com";

/// Of today, because rustls asks the machine for the time.
fn authority() -> Authority {
    #[expect(
        clippy::disallowed_methods,
        reason = "rustls, which is tested against, asks the machine as well"
    )]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Authority::new(Timestamp::from_micros(i64::try_from(now.as_micros()).expect("a year of ours")))
        .expect("an authority")
}

/// A proxy before a server that answers every connection with its whole first packet.
struct Scene {
    proxy: Proxy,
    pem: String,
    server: SocketAddr,
    tasks: TaskTracker,
}

impl Scene {
    async fn new(others: Others) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let (server, tasks) = (listener.local_addr().expect("an address"), TaskTracker::new());
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = vec![0; 4096];
                let count = stream.read(&mut buffer).await.unwrap_or_default();
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\nkeep-alive: x\r\n";
                let echo = format!("{head}content-length: {count}\r\n\r\n");
                let _ = stream.write_all(&[echo.as_bytes(), &buffer[..count]].concat()).await;
            }
        });
        let authority = authority();
        let pem = authority.pem();
        let plan = Plan { server, authority, others };
        let proxy = Proxy::start_within(plan, 10 * SHORT).await.expect("a proxy");
        Self { proxy, pem, server, tasks }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.proxy.address()).await.expect("a connection")
    }

    /// Everything that comes back for `request` until the proxy ends the connection.
    async fn answer(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_ref()).await.expect("sent");
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
        let _ = read.await.expect("an end");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A tunnel to `target`, and the status that it was given.
    async fn tunnel(&self, target: &str) -> (TcpStream, String) {
        let mut stream = self.connect().await;
        stream.write_all(format!("CONNECT {target} HTTP/1.1\r\n\r\n").as_bytes()).await.expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a whole head"));
        }
        (stream, String::from_utf8_lossy(&head[9..12]).into_owned())
    }
}

#[tokio::test]
async fn a_tunnel_to_twilio_ends_at_the_server() {
    let scene = Scene::new(Others::Refused).await;
    let (stream, status) = scene.tunnel("Conversations.Twilio.com:443").await;
    assert_eq!(status, "200");
    let mut roots = RootCertStore::empty();
    roots
        .add(rustls::pki_types::CertificateDer::from_pem_slice(scene.pem.as_bytes()).expect("a certificate"))
        .expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(HOST).expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("TLS");
    stream.write_all(b"through").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("a clean end");
    assert!(answer.ends_with("\r\n\r\nthrough"), "{answer}");
}

#[tokio::test]
async fn it_listens_on_loopback_alone() {
    let scene = Scene::new(Others::Refused).await;
    assert_eq!(scene.proxy.address().ip(), Ipv4Addr::LOCALHOST);
    let elsewhere = TcpStream::connect((Ipv6Addr::LOCALHOST, scene.proxy.address().port())).await;
    assert!(elsewhere.is_err());
}

#[tokio::test]
async fn other_hosts_are_refused() {
    let scene = Scene::new(Others::Refused).await;
    for request in [
        "CONNECT example.org:443 HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET http://example.org/ HTTP/1.1\r\nConnection: close\r\n\r\n",
    ] {
        let answer = scene.answer(request).await;
        assert!(answer.starts_with("HTTP/1.1 403 Refused by tertulia intercept\r\n"), "{answer}");
        assert!(answer.contains("example.org is not a host of Twilio's"), "{answer}");
    }
}

#[tokio::test]
async fn other_hosts_are_passed_where_they_may_and_twilios_never() {
    let scene = Scene::new(Others::Passed).await;
    let (mut stream, status) = scene.tunnel(&scene.server.to_string()).await;
    assert_eq!(status, "200");
    stream.write_all(b"as it is").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an end");
    assert!(answer.ends_with("as it is"), "{answer}");

    let server = scene.server;
    let answer = scene.answer(format!("GET http://{server}/a?b HTTP/1.1\r\nConnection: close\r\n\r\n")).await;
    assert!(answer.contains("GET /a?b HTTP/1.1\r\n") && !answer.contains("keep-alive"), "{answer}");

    let answer = scene.answer("CONNECT api.twilio.com:80 HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let (_, status) = scene.tunnel("127.0.0.1:1").await;
    assert_eq!(status, "502");
}

#[tokio::test]
async fn a_request_in_the_clear_for_twilio_is_answered() {
    let scene = Scene::new(Others::Refused).await;
    for scheme in ["http", "https"] {
        let request = format!("GET {scheme}://{HOST}/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = scene.answer(request).await;
        assert!(answer.contains("GET /v1 HTTP/1.1\r\nhost: conversations.twilio.com\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_and_what_does_not_come_is_not_waited_for() {
    let scene = Scene::new(Others::Passed).await;
    for (request, status) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), "400"),
        (b"CONNECT nowhere HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), "400"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".to_vec(), "400"),
        ([b"CONNECT a:443 HTTP/1.1\r\nX: ".as_slice(), &vec![b'x'; 2 * HEAD_BYTES]].concat(), "431"),
    ] {
        let answer = scene.answer(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    for slow in ["", "CONNECT api.twilio.com:443 HTTP/1.1\r\nX: "] {
        assert!(!scene.answer(slow).await.contains("200"), "{slow:?} was answered");
    }
}

#[tokio::test]
async fn a_stop_cuts_off_what_is_open() {
    let scene = Scene::new(Others::Passed).await;
    let (mut stream, _) = scene.tunnel(&scene.server.to_string()).await;
    let (mut waiting, _) = scene.tunnel(&format!("{HOST}:443")).await;
    scene.proxy.stop().await;
    assert_eq!(stream.read(&mut [0]).await.unwrap_or_default(), 0);
    assert_eq!(waiting.read(&mut [0]).await.unwrap_or_default(), 0);
    drop(scene.tasks);
}
