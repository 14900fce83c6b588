//! `tertulia check-config`: whether a server would start with this, and the defaults to begin from.

use std::io::Write;

use conversations::Limits;
use conversations::webhooks::Texts;

use crate::configuration::{Configuration, MetricsListen};
use crate::given::Given;
use crate::sections::DEFAULTS;

/// Reads everything as `serve` does and says what came of it. Secrets are not shown.
pub fn check(flags: &Given, print_defaults: bool) -> anyhow::Result<()> {
    let text = if print_defaults { DEFAULTS.to_owned() } else { summary(&Configuration::read(flags)?) };
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(())
}

fn summary(configuration: &Configuration) -> String {
    let Configuration {
        listen,
        metrics,
        settings,
        workers,
        storage,
        is_storage_named: _,
        repeatable,
        pinned,
        logging: _,
        warnings,
    } = configuration;
    let metrics = match metrics {
        MetricsListen::Off => "off".to_owned(),
        MetricsListen::Default(address) => format!("{address} if it is free"),
        MetricsListen::Given(address) => address.to_string(),
    };
    let mode = match settings.limits {
        Limits::Strict => "strict",
        Limits::Lenient => "lenient",
    };
    let lines = [
        ("listen", listen.to_string()),
        ("public URL", settings.public_url.as_ref().map_or("of the request", |url| url.text()).to_owned()),
        ("trusted proxies", settings.trusted_proxies.len().to_string()),
        ("mode", mode.to_owned()),
        ("clock", if repeatable.is_clock_manual { "manual" } else { "real" }.to_owned()),
        ("seed", if repeatable.seed.is_some() { "given" } else { "none" }.to_owned()),
        ("workers", workers.to_string()),
        ("data", storage.data.display().to_string()),
        ("database", if storage.database.is_some() { "PostgreSQL" } else { "SQLite" }.to_owned()),
        (
            "master key",
            if storage.master_key.is_some() { "given" } else { "in the data directory" }.to_owned(),
        ),
        ("media", storage.bucket.as_ref().map_or("in the data directory", |_| "in a bucket").to_owned()),
        ("account", pinned.account_sid.map_or_else(|| "not pinned".to_owned(), |sid| sid.to_string())),
        ("senders", counted(pinned.senders.as_ref())),
        ("messaging", counted(pinned.messaging_services.as_ref())),
        ("admin token", if settings.admin_tokens.is_empty() { "none" } else { "given" }.to_owned()),
        ("metrics", metrics),
    ];
    let warnings = warnings.iter().map(|warning| ("warning", warning.clone()));
    let lines = lines.into_iter().chain(warnings).map(|(name, value)| format!("{name:16}{value}\n"));
    std::iter::once("The configuration is good.\n\n".to_owned()).chain(lines).collect()
}

/// What is listed of the first account's own.
fn counted(list: Option<&Texts>) -> String {
    list.map_or_else(|| "not listed".to_owned(), |list| list.iter().len().to_string())
}
