//! The configuration file: its sections, and the defaults they begin with.
//!
//! The defaults are a file themselves, `default.toml`, which is also the documentation. What another file
//! says is laid over it, key by key.

use serde::Deserialize;
use toml::{Table, Value};

/// The documentation, and the defaults.
pub const DEFAULTS: &str = include_str!("default.toml");

/// What a file may say.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Sections {
    pub server: ServerSection,
    pub limits: LimitsSection,
    pub storage: StorageSection,
    pub media: MediaSection,
    pub webhooks: WebhooksSection,
    pub account: AccountSection,
    pub admin: AdminSection,
    pub metrics: MetricsSection,
    pub log: LogSection,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ServerSection {
    pub listen: String,
    pub public_url: String,
    pub trusted_proxies: Vec<String>,
    pub mode: String,
    pub max_connections: usize,
    pub max_requests: usize,
    pub request_megabytes: usize,
    pub workers: usize,
    pub clock: String,
    pub seed: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct LimitsSection {
    pub concurrency: u32,
    pub actions_per_second: u32,
    pub global_actions_per_second: u32,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct StorageSection {
    pub data: String,
    pub database: String,
    pub master_key: String,
    pub batch_max: usize,
    pub queue_max: usize,
    pub queue_milliseconds: u64,
    pub readers: usize,
    /// Whether somebody said where.
    #[serde(skip)]
    pub is_named: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct MediaSection {
    pub bucket: String,
    pub endpoint: String,
    pub region: String,
    pub key_id: String,
    pub secret: String,
    pub path_style: bool,
    pub max_megabytes: u64,
    pub max_uploads: usize,
    pub max_downloads: usize,
    pub unattached_seconds: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct WebhooksSection {
    pub allow_private: bool,
    pub allowed_networks: Vec<String>,
    pub rest_pre_hooks: bool,
    pub timeout_milliseconds: u64,
    pub retry_count: u32,
    pub retry_on: Vec<String>,
    pub lease_seconds: u64,
    pub standard_signature: bool,
    pub retention_hours: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct AccountSection {
    pub sid: String,
    pub auth_token: String,
    pub api_key_sid: String,
    pub api_key_secret: String,
    pub senders: Vec<String>,
    pub messaging_services: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct AdminSection {
    pub token: String,
    pub demo_tokens: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct MetricsSection {
    pub listen: String,
    /// Whether somebody chose the address: then it must be free.
    #[serde(skip)]
    pub is_given: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct LogSection {
    pub format: String,
    pub level: String,
}

impl Sections {
    /// The defaults with `file` over them. The error is for people.
    pub fn read(file: &str) -> Result<Self, String> {
        let given: Table = toml::from_str(file).map_err(|error| error.to_string())?;
        let mut table: Table = toml::from_str(DEFAULTS).map_err(|error| error.to_string())?;
        let is_given = given.get("metrics").is_some_and(|metrics| metrics.get("listen").is_some());
        let is_named = given
            .get("storage")
            .is_some_and(|storage| ["data", "database"].iter().any(|key| storage.get(key).is_some()));
        lay_over(&mut table, given);
        let mut sections: Self = table.try_into().map_err(|error: toml::de::Error| error.to_string())?;
        sections.metrics.is_given = is_given;
        sections.storage.is_named = is_named;
        Ok(sections)
    }
}

fn lay_over(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_whole() {
        let sections = Sections::read("").expect("the defaults are right");
        assert_eq!(sections.server.listen, "127.0.0.1:8080");
        assert!(!sections.metrics.is_given);
    }

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let file = "[server]\nlisten = \"0.0.0.0:80\"\n[metrics]\nlisten = \"off\"\n";
        let sections = Sections::read(file).expect("a good file");
        let defaults = Sections::read("").expect("the defaults are right");
        assert_eq!(sections.server.listen, "0.0.0.0:80");
        assert!(sections.metrics.is_given);
        assert_eq!(sections.server.mode, defaults.server.mode);
        assert_eq!(sections.storage, defaults.storage);
    }

    #[test]
    fn what_nobody_knows_is_an_error_that_names_it() {
        for (file, named) in [
            ("[server]\nlisen = \"x\"\n", "lisen"),
            ("[sever]\nlisten = \"x\"\n", "sever"),
            ("[server]\nlisten = 8080\n", "listen"),
            ("[server\n", "line 1"),
        ] {
            let error = Sections::read(file).expect_err(file);
            assert!(error.contains(named), "{error}");
        }
    }
}
