//! The listeners: bound before anything else is done, so that a port that is taken is known at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context;
use server::Listeners;
use tokio::net::TcpListener;

use crate::configuration::MetricsListen;

/// Binds what the configuration asks for.
pub async fn bind(api: SocketAddr, metrics: MetricsListen) -> anyhow::Result<Listeners> {
    let api = listener(api).await?;
    let metrics = match metrics {
        MetricsListen::Off => None,
        MetricsListen::Given(address) => Some(listener(address).await?),
        MetricsListen::Default(address) => match listener(address).await {
            Ok(listener) => Some(listener),
            Err(error) => {
                tracing::warn!("no metrics are served: {error:#}");
                None
            }
        },
    };
    Ok(Listeners { api, metrics })
}

async fn listener(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// The URL by which this machine reaches what listens on `address`.
pub fn local_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_reached_at_home() {
        let url = |address: &str| local_url(address.parse().expect("an address"));
        assert_eq!(url("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(url("[::]:80"), "http://[::1]:80");
        assert_eq!(url("10.1.2.3:8080"), "http://10.1.2.3:8080");
    }
}
