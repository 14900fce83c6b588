//! The listeners: bound before anything else is done, so that a port that is taken is known at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context;
use server::Listeners;
use tokio::net::{TcpListener, TcpSocket};

use crate::configuration::MetricsListen;

/// So many connections may wait to be accepted, unless the system allows fewer. Who comes while there are more is not
/// heard and tries again after a second or later: the 128 of the library were too few for 256 that came at once.
const WAITING: u32 = 4096;

/// Binds what the configuration asks for, within a runtime.
pub fn bind(api: SocketAddr, metrics: MetricsListen) -> anyhow::Result<Listeners> {
    let api = listener(api)?;
    let metrics = match metrics {
        MetricsListen::Off => None,
        MetricsListen::Given(address) => Some(listener(address)?),
        MetricsListen::Default(address) => match listener(address) {
            Ok(listener) => Some(listener),
            Err(error) => {
                tracing::warn!("no metrics are served: {error:#}");
                None
            }
        },
    };
    Ok(Listeners { api, metrics })
}

fn listener(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listening = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A port that was just given up can be taken again.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(WAITING)
    };
    listening().with_context(|| format!("cannot listen on {address}"))
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
    use std::time::Duration;

    use tokio::net::TcpStream;
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn many_may_come_at_once_before_any_is_accepted() {
        let listener = listener("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut coming: JoinSet<_> = (0..400).map(|_| TcpStream::connect(address)).collect();
        let mut connected = Vec::new();
        while let Some(joined) =
            timeout(Duration::from_secs(20), coming.join_next()).await.expect("all are heard")
        {
            connected.push(joined.expect("no panic").expect("there is room"));
        }
        assert_eq!(connected.len(), 400);
    }

    #[test]
    fn what_listens_everywhere_is_reached_at_home() {
        let url = |address: &str| local_url(address.parse().expect("an address"));
        assert_eq!(url("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(url("[::]:80"), "http://[::1]:80");
        assert_eq!(url("10.1.2.3:8080"), "http://10.1.2.3:8080");
    }
}
