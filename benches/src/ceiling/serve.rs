//! Sockets, as `crates/server/src/listen.rs` has them: hyper's HTTP/1.1 in front of a router of axum.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::task::TaskTracker;
use tower::Service;

use super::doors;

const HEAD_TIME: Duration = Duration::from_secs(30);
const HEAD_BYTES: usize = 64 * 1024;

/// Prints its URL, and serves until its input ends.
pub fn serve(workers: Option<usize>) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = workers.unwrap_or_else(|| cores.saturating_sub(1)).max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let listener = runtime.block_on(async { listener() })?;
    println!("URL http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let tasks = TaskTracker::new();
    let of_listener = tasks.clone();
    runtime.block_on(async {
        tasks.spawn(accept(listener, doors::router(), of_listener));
    });
    std::io::stdin().read_to_end(&mut Vec::new()).context("cannot wait for the end")?;
    runtime.shutdown_background();
    Ok(())
}

/// As many connections may wait to be accepted as at the server's.
fn listener() -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    socket.listen(4096)
}

async fn accept(listener: TcpListener, router: Router, tasks: TaskTracker) {
    while let Ok((stream, _)) = listener.accept().await {
        tasks.spawn(connection(stream, router.clone()));
    }
}

async fn connection(stream: TcpStream, router: Router) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| Box::pin(answer(router.clone(), request)));
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    builder.max_header_size(HEAD_BYTES).max_buf_size(HEAD_BYTES);
    // Whoever asks may break off.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    mut router: Router,
    request: Request<Incoming>,
) -> Result<axum::response::Response, Infallible> {
    Service::call(&mut router, request).await
}
