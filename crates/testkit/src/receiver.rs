//! Somebody who listens: a web server on loopback that keeps what it receives and answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, Uri};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;
use wire::Form;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A receiver that listens until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    desk: Arc<Desk>,
    serving: AbortHandle,
}

#[derive(Default)]
struct Desk {
    received: Mutex<Vec<Received>>,
    /// What is answered next; 200 without a body where nothing is said.
    answers: Mutex<VecDeque<(StatusCode, String)>>,
}

impl Receiver {
    /// Begins to listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let desk = Arc::new(Desk::default());
        let router = Router::new().fallback(take).with_state(Arc::clone(&desk));
        let tasks = TaskTracker::new();
        let serving = tasks.spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { address, desk, serving: serving.abort_handle() }
    }

    /// Where it is reached: `http://127.0.0.1:1234/hook`.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What it answers next, after what it was told before.
    pub fn answer(&self, status: u16, body: &str) {
        let status = StatusCode::from_u16(status).expect("a status");
        self.desk
            .answers
            .lock()
            .expect("nothing panics while it is held")
            .push_back((status, body.to_owned()));
    }

    /// Takes what it has received so far, in that order.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.desk.received.lock().expect("nothing panics while it is held"))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Received {
    /// Names and values, of the body or of the query, sorted by name.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let text = if self.method == Method::GET {
            self.uri.query().unwrap_or_default().as_bytes()
        } else {
            &self.body[..]
        };
        let form = Form::parse(text).expect("what is sent is a form");
        let mut pairs: Vec<_> =
            form.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        pairs.sort();
        pairs
    }

    /// One value.
    pub fn get(&self, name: &str) -> Option<String> {
        self.pairs().into_iter().find(|(there, _)| there == name).map(|(_, value)| value)
    }

    /// All of it, a line each, as a snapshot shows it.
    pub fn text(&self) -> String {
        let lines = self.pairs().into_iter().map(|(name, value)| format!("{name}={value}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

async fn take(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 16 * 1024 * 1024).await.unwrap_or_default();
    let received = Received { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    desk.received.lock().expect("nothing panics while it is held").push(received);
    let told = desk.answers.lock().expect("nothing panics while it is held").pop_front();
    let (status, body) = told.unwrap_or((StatusCode::OK, String::new()));
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}
