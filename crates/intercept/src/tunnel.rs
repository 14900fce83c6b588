//! Tunnels: what a program sends after CONNECT, and what comes back.

use std::sync::Arc;
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

const HANDSHAKE: Duration = Duration::from_secs(10);

/// Hands everything to and fro. A side that goes away is the end and no error.
pub async fn relay(upgrade: OnUpgrade, mut peer: TcpStream) {
    if let Some(mut stream) = upgraded(upgrade).await {
        pass(&mut stream, &mut peer).await;
    }
}

/// Ends the TLS, and hands what is in it to and fro. The error is for people.
pub async fn relay_decrypted(
    upgrade: OnUpgrade,
    mut peer: TcpStream,
    config: Arc<ServerConfig>,
) -> Result<(), String> {
    let Some(stream) = upgraded(upgrade).await else { return Ok(()) };
    match tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await {
        Err(_) => Err("its TLS handshake took too long".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(mut stream)) => {
            pass(&mut stream, &mut peer).await;
            Ok(())
        }
    }
}

async fn upgraded(upgrade: OnUpgrade) -> Option<TokioIo<Upgraded>> {
    match upgrade.await {
        Ok(upgraded) => Some(TokioIo::new(upgraded)),
        Err(error) => {
            tracing::debug!("a tunnel ended before it began: {error}");
            None
        }
    }
}

async fn pass(
    one: &mut (impl AsyncRead + AsyncWrite + Unpin),
    other: &mut (impl AsyncRead + AsyncWrite + Unpin),
) {
    if let Err(error) = copy_bidirectional(one, other).await {
        tracing::debug!("a tunnel ended early: {error}");
    }
}
