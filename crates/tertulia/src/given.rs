//! What is given on the command line or in the environment: text, until the configuration judges it.

#![expect(clippy::doc_markdown, reason = "these comments are help texts, printed as they stand")]

use clap::Args;

use crate::sections::{Sections, WebhooksSection};

/// Everything that can be given to a command that needs the data. Flags are parsed into this; the
/// environment fills the same.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Data directory [env: TERTULIA_DATA] [default: ./tertulia-data]
    #[arg(long, value_name = "DIRECTORY")]
    pub data: Option<String>,

    /// Database: absent for SQLite in the data directory, or postgres://... [env: TERTULIA_DATABASE]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,

    /// Configuration file; `tertulia check-config --print-defaults` shows what may stand in it
    /// [env: TERTULIA_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<String>,

    #[arg(skip)]
    pub master_key: Option<String>,
}

/// Everything that can be given to a server.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    #[command(flatten)]
    pub place: Place,

    /// Where the API is served; port 0 takes a free one [env: TERTULIA_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,

    /// What clients know this server by [env: TERTULIA_PUBLIC_URL]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,

    /// Proxies whose X-Forwarded-* headers are believed, with commas [env: TERTULIA_TRUSTED_PROXIES]
    #[arg(long, value_name = "NETWORKS")]
    pub trusted_proxies: Option<String>,

    /// Where metrics are served; empty for nowhere [env: TERTULIA_METRICS_LISTEN] [default: 127.0.0.1:9464]
    #[arg(long, value_name = "ADDRESS")]
    pub metrics_listen: Option<String>,

    /// Twilio's limits, errors and quirks; the default [env: TERTULIA_MODE=strict]
    #[arg(long, conflicts_with = "lenient")]
    pub strict: bool,

    /// JSON bodies are accepted, and there are no product limits [env: TERTULIA_MODE=lenient]
    #[arg(long)]
    pub lenient: bool,

    /// real, or manual for tests: it stands still until POST /tertulia/v1/Clock moves it [env: TERTULIA_CLOCK]
    /// [default: real]
    #[arg(long, value_name = "CLOCK")]
    pub clock: Option<String>,

    /// For tests: sids, secrets and request ids are made from this number [env: TERTULIA_SEED]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<String>,

    /// text or json [env: TERTULIA_LOG_FORMAT] [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,

    /// info, debug, or by part [env: TERTULIA_LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,

    #[arg(skip)]
    pub mode: Option<String>,
    #[arg(skip)]
    pub account_sid: Option<String>,
    #[arg(skip)]
    pub auth_token: Option<String>,
    #[arg(skip)]
    pub api_key_sid: Option<String>,
    #[arg(skip)]
    pub api_key_secret: Option<String>,
    #[arg(skip)]
    pub senders: Option<String>,
    #[arg(skip)]
    pub messaging_services: Option<String>,
    #[arg(skip)]
    pub admin_token: Option<String>,
    #[arg(skip)]
    pub demo_tokens: Option<bool>,
    #[arg(skip)]
    pub s3: GivenS3,
    #[arg(skip)]
    pub webhooks: GivenWebhooks,
}

/// Where webhooks may lead, and when they are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenWebhooks {
    pub allow_private: Option<bool>,
    pub allowed_networks: Option<String>,
    pub rest_pre_hooks: Option<bool>,
}

/// The bucket that files are kept in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenS3 {
    pub bucket: Option<String>,
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub key_id: Option<String>,
    pub secret: Option<String>,
    pub path_style: Option<bool>,
}

impl Place {
    /// Puts what is given over what is there. No `..`, so that nothing new is forgotten.
    fn apply(&self, sections: &mut Sections) {
        let Self { data, database, config: _, master_key } = self;
        let storage = &mut sections.storage;
        let is_set = |given: &Option<String>| given.as_ref().is_some_and(|text| !text.is_empty());
        storage.is_named |= is_set(data) || is_set(database);
        put(data.as_deref(), &mut storage.data);
        put(database.as_deref(), &mut storage.database);
        put(master_key.as_deref(), &mut storage.master_key);
    }
}

impl Given {
    /// Puts what is given over what is there. No `..`, so that nothing new is forgotten.
    pub fn apply(&self, sections: &mut Sections) {
        #[rustfmt::skip]
        let Self {
            place, listen, public_url, trusted_proxies, metrics_listen, strict, lenient, clock, seed, log_format,
            log_level, mode, account_sid, auth_token, api_key_sid, api_key_secret, senders, messaging_services,
            admin_token, demo_tokens, s3, webhooks,
        } = self;
        place.apply(sections);
        s3.apply(sections);
        webhooks.apply(&mut sections.webhooks);
        let Sections { server, limits: _, storage: _, media: _, webhooks: _, account, admin, metrics, log } =
            sections;
        put(listen.as_deref(), &mut server.listen);
        put(public_url.as_deref(), &mut server.public_url);
        put_list(trusted_proxies.as_deref(), &mut server.trusted_proxies);
        if let Some(listen) = metrics_listen {
            let listen = if listen.is_empty() { "off" } else { listen };
            listen.clone_into(&mut metrics.listen);
            metrics.is_given = true;
        }
        put(mode.as_deref(), &mut server.mode);
        if *strict {
            "strict".clone_into(&mut server.mode);
        }
        if *lenient {
            "lenient".clone_into(&mut server.mode);
        }
        put(clock.as_deref(), &mut server.clock);
        put(seed.as_deref(), &mut server.seed);
        put(account_sid.as_deref(), &mut account.sid);
        put(auth_token.as_deref(), &mut account.auth_token);
        put(api_key_sid.as_deref(), &mut account.api_key_sid);
        put(api_key_secret.as_deref(), &mut account.api_key_secret);
        put_list(senders.as_deref(), &mut account.senders);
        put_list(messaging_services.as_deref(), &mut account.messaging_services);
        put(admin_token.as_deref(), &mut admin.token);
        admin.demo_tokens = demo_tokens.unwrap_or(admin.demo_tokens);
        put(log_format.as_deref(), &mut log.format);
        put(log_level.as_deref(), &mut log.level);
    }
}

impl GivenWebhooks {
    fn apply(&self, section: &mut WebhooksSection) {
        let Self { allow_private, allowed_networks, rest_pre_hooks } = self;
        section.allow_private = allow_private.unwrap_or(section.allow_private);
        section.rest_pre_hooks = rest_pre_hooks.unwrap_or(section.rest_pre_hooks);
        put_list(allowed_networks.as_deref(), &mut section.allowed_networks);
    }
}

impl GivenS3 {
    /// Puts what is given over what is there. No `..`, so that nothing new is forgotten.
    fn apply(&self, sections: &mut Sections) {
        let Self { bucket, endpoint, region, key_id, secret, path_style } = self;
        let media = &mut sections.media;
        put(bucket.as_deref(), &mut media.bucket);
        put(endpoint.as_deref(), &mut media.endpoint);
        put(region.as_deref(), &mut media.region);
        put(key_id.as_deref(), &mut media.key_id);
        put(secret.as_deref(), &mut media.secret);
        if let Some(path_style) = path_style {
            media.path_style = *path_style;
        }
    }
}

/// Empty text is as good as none: compose files pass variables on that nobody has set.
fn put(given: Option<&str>, value: &mut String) {
    if let Some(given) = given.filter(|given| !given.is_empty()) {
        given.clone_into(value);
    }
}

/// The same of a list with commas.
fn put_list(given: Option<&str>, list: &mut Vec<String>) {
    if let Some(given) = given.filter(|given| !given.is_empty()) {
        *list = given.split(',').map(|item| item.trim().to_owned()).collect();
    }
}
