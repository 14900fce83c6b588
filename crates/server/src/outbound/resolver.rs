//! Names are looked up and judged in one step, and a connection is made to nothing else.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::{Guard, Inside};

/// Who knows the addresses of names.
pub trait Names: Send + Sync + 'static {
    /// All addresses of a name.
    fn addresses(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The operating system.
pub struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Looks up and judges.
pub struct Judged {
    guard: Arc<Guard>,
    names: Arc<dyn Names>,
}

impl Judged {
    pub fn new(guard: Arc<Guard>, names: Arc<dyn Names>) -> Self {
        Self { guard, names }
    }
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, found) = (Arc::clone(&self.guard), self.names.addresses(name.as_str().to_owned()));
        Box::pin(async move {
            let addresses = found.await?;
            // One address that is inside spoils the name: nobody mixes them by accident.
            if addresses.is_empty() || !addresses.iter().all(|address| guard.admits(*address)) {
                return Err(Inside.into());
            }
            let sockets = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}
