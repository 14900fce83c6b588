//! The limit of open files, which is the limit of connections. Many systems give a program less than it may ask for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open besides the API's connections: those of the database, of webhooks, of media.
const OTHERS: u64 = 512;

/// Raises the limit to what the system allows, and warns where `connections` do not fit all the same.
pub fn raise(connections: usize) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    // None is no limit at all.
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!("the limit of open files stays as it is: {error}");
            current
        }
    };
    let connections = u64::try_from(connections).unwrap_or(u64::MAX);
    let is_enough = |limit: u64| limit >= connections.saturating_add(OTHERS);
    if let Some(limit) = allowed.filter(|limit| !is_enough(*limit)) {
        tracing::warn!(
            "server.max_connections is {connections}, and the system allows {limit} open files (ulimit -Hn)"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_asked_for_is_asked_for() {
        raise(1);
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
    }
}
