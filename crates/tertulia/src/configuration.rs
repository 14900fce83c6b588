//! The configuration: flags over environment over file over defaults, judged once and at start.

use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use conversations::webhooks::Texts;
use conversations::{Account, ApiKey, Limits, parse_messaging_services, parse_senders};
use ipnet::IpNet;
use server::{
    Bounds, Guard, MediaSettings, PublicUrl, Rates, RealtimeSettings, S3, Settings, WebhookSettings,
};
use wire::{Prefix, RetryOn, Sid};

use crate::environment::Environment;
use crate::given::Given;
use crate::logging::{Format, Logging};
use crate::sections::{
    AccountSection, AdminSection, LimitsSection, MediaSection, Sections, ServerSection, StorageSection,
    WebhooksSection,
};

/// Something is wrong with what was asked, in words for people.
#[derive(Debug)]
pub struct Misconfigured(pub String);

impl fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misconfigured {}

/// What a server runs with.
pub struct Configuration {
    pub listen: SocketAddr,
    pub metrics: MetricsListen,
    /// Without the token of this run, which the server adds.
    pub settings: Settings,
    /// Threads that serve requests.
    pub workers: usize,
    pub storage: Storage,
    /// Whether somebody said where everything is kept.
    pub is_storage_named: bool,
    pub repeatable: Repeatable,
    pub pinned: Pinned,
    pub logging: Logging,
    /// What is odd but no reason not to start.
    pub warnings: Vec<String>,
}

/// Where metrics are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsListen {
    Off,
    /// If it is free.
    Default(SocketAddr),
    /// It must be free.
    Given(SocketAddr),
}

/// Where everything is kept, and how.
pub struct Storage {
    pub data: PathBuf,
    pub database: Option<String>,
    pub master_key: Option<[u8; 32]>,
    pub batch_max: usize,
    pub queue_max: usize,
    pub patience: Duration,
    pub readers: usize,
    /// Where files are kept that messages carry, if not in the data directory.
    pub bucket: Option<S3>,
}

/// What makes a run repeatable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeatable {
    pub is_clock_manual: bool,
    /// What ids and secrets are made from.
    pub seed: Option<u64>,
}

/// What somebody wants the first account and its key to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pinned {
    pub account_sid: Option<Sid<Account>>,
    pub auth_token: Option<String>,
    pub api_key: Option<(Sid<ApiKey>, String)>,
    pub senders: Option<Texts>,
    pub messaging_services: Option<Texts>,
}

impl Configuration {
    /// From the flags, the environment of this process, and the file that one of them names.
    pub fn read(flags: &Given) -> Result<Self, Misconfigured> {
        let (environment, unknown) = Environment::of_process().read()?;
        let mut configuration = Self::of(&gathered(flags, &environment)?)?;
        let warning = |name| format!("the environment variable {name} is not known and means nothing");
        configuration.warnings.extend(unknown.into_iter().map(warning));
        Ok(configuration)
    }

    fn of(sections: &Sections) -> Result<Self, Misconfigured> {
        let Sections { server, limits, storage, media, webhooks, account, admin, metrics, log } = sections;
        let metrics = match address("metrics.listen", &metrics.listen) {
            _ if metrics.listen.is_empty() || metrics.listen == "off" => MetricsListen::Off,
            found if metrics.is_given => MetricsListen::Given(found?),
            found => MetricsListen::Default(found?),
        };
        Ok(Self {
            listen: address("server.listen", &server.listen)?,
            metrics,
            settings: Settings {
                admin_tokens: set(&admin.token).into_iter().collect(),
                demo_tokens: admin.demo_tokens,
                media: media_settings(media)?,
                webhooks: webhook_settings(webhooks)?,
                rates: rates(limits)?,
                realtime: realtime_settings(storage),
                bounds: bounds(server, media)?,
                ..settings(server)?
            },
            workers: workers(server.workers),
            storage: Storage {
                data: PathBuf::from(&storage.data),
                database: set(&storage.database).map(|url| database(&url)).transpose()?,
                master_key: set(&storage.master_key).map(|key| master_key(&key)).transpose()?,
                batch_max: at_least_one("storage.batch_max", storage.batch_max)?,
                queue_max: at_least_one("storage.queue_max", storage.queue_max)?,
                patience: patience(storage)?,
                readers: at_least_one("storage.readers", storage.readers)?,
                bucket: bucket(media)?,
            },
            is_storage_named: storage.is_named,
            repeatable: repeatable(server)?,
            pinned: pinned(account)?,
            logging: Logging::new(&log.level, Format::parse(&log.format)?)?,
            warnings: demo_warning(admin),
        })
    }
}

fn demo_warning(admin: &AdminSection) -> Vec<String> {
    let text = "admin.demo_tokens is on: whoever reaches this server may be any of its users";
    admin.demo_tokens.then(|| text.to_owned()).into_iter().collect()
}

fn gathered(flags: &Given, environment: &Given) -> Result<Sections, Misconfigured> {
    let mut sections = match flags.place.config.as_ref().or(environment.place.config.as_ref()) {
        None => Sections::read("").map_err(Misconfigured)?,
        Some(path) => {
            let text = fs::read_to_string(path)
                .map_err(|error| Misconfigured(format!("cannot read the configuration {path}: {error}")))?;
            Sections::read(&text).map_err(|error| Misconfigured(format!("{path}: {}", error.trim_end())))?
        }
    };
    environment.apply(&mut sections);
    flags.apply(&mut sections);
    Ok(sections)
}

fn settings(server: &ServerSection) -> Result<Settings, Misconfigured> {
    let public_url = |text: String| {
        PublicUrl::parse(&text).ok_or_else(|| wrong("server.public_url", &text, "https://twilio.example.org"))
    };
    Ok(Settings {
        public_url: set(&server.public_url).map(public_url).transpose()?,
        trusted_proxies: networks("server.trusted_proxies", &server.trusted_proxies)?,
        limits: match &*server.mode {
            "strict" => Limits::Strict,
            "lenient" => Limits::Lenient,
            other => return Err(wrong("server.mode", other, "strict or lenient")),
        },
        max_connections: at_least_one("server.max_connections", server.max_connections)?,
        ..Settings::default()
    })
}

fn bounds(server: &ServerSection, media: &MediaSection) -> Result<Bounds, Misconfigured> {
    // A terabyte. The longest body that is read at all must find room in it.
    let megabytes = match server.request_megabytes {
        megabytes @ 8..=1_048_576 => megabytes,
        other => return Err(wrong("server.request_megabytes", &other.to_string(), "8 to 1048576")),
    };
    Ok(Bounds {
        requests: at_least_one("server.max_requests", server.max_requests)?,
        bytes: megabytes * 1024 * 1024,
        uploads: at_least_one("media.max_uploads", media.max_uploads)?,
        downloads: at_least_one("media.max_downloads", media.max_downloads)?,
        ..Bounds::default()
    })
}

/// No request is served for longer than a minute, which idempotency keys count on.
fn patience(storage: &StorageSection) -> Result<Duration, Misconfigured> {
    let milliseconds = between("storage.queue_milliseconds", storage.queue_milliseconds, 30_000)?;
    Ok(Duration::from_millis(milliseconds))
}

fn media_settings(media: &MediaSection) -> Result<MediaSettings, Misconfigured> {
    // A terabyte and a century: nothing that is counted on them runs over.
    let megabytes = between("media.max_megabytes", media.max_megabytes, 1024 * 1024)?;
    let seconds = between("media.unattached_seconds", media.unattached_seconds, 100 * 366 * 86_400)?;
    Ok(MediaSettings { max_bytes: megabytes * 1024 * 1024, kept: Duration::from_secs(seconds) })
}

/// Alone on its database, a server hears of every change when it happens; beside others it must look for theirs.
fn realtime_settings(storage: &StorageSection) -> RealtimeSettings {
    let seconds = if storage.database.is_empty() { 5 } else { 1 };
    RealtimeSettings { heal_every: Duration::from_secs(seconds), ..RealtimeSettings::default() }
}

fn webhook_settings(webhooks: &WebhooksSection) -> Result<WebhookSettings, Misconfigured> {
    let kind = |text: &String| {
        RetryOn::parse(text).ok_or_else(|| wrong("webhooks.retry_on", text, "4xx, 5xx, ct, rt or all"))
    };
    let allowed = networks("webhooks.allowed_networks", &webhooks.allowed_networks)?;
    let timeout = between("webhooks.timeout_milliseconds", webhooks.timeout_milliseconds, 15_000)?;
    let retention = between("webhooks.retention_hours", webhooks.retention_hours, 100 * 366 * 24)?;
    if !(2..=3600).contains(&webhooks.lease_seconds) {
        return Err(wrong("webhooks.lease_seconds", &webhooks.lease_seconds.to_string(), "2 to 3600"));
    }
    if webhooks.retry_count > 50 {
        return Err(wrong("webhooks.retry_count", &webhooks.retry_count.to_string(), "0 to 50"));
    }
    Ok(WebhookSettings {
        guard: Guard { allows_private: webhooks.allow_private, allowed },
        rest_pre_hooks: webhooks.rest_pre_hooks,
        retry_count: webhooks.retry_count,
        retry_on: webhooks.retry_on.iter().map(kind).collect::<Result<_, _>>()?,
        timeout: Duration::from_millis(timeout),
        lease: Duration::from_secs(webhooks.lease_seconds),
        standard_signature: webhooks.standard_signature,
        retention: Duration::from_secs(retention * 60 * 60),
    })
}

fn bucket(media: &MediaSection) -> Result<Option<S3>, Misconfigured> {
    let MediaSection { bucket, endpoint, region, key_id, secret, path_style, .. } = media;
    let Some(bucket) = set(bucket) else {
        let is_alone = [endpoint, key_id, secret].iter().any(|text| !text.is_empty());
        let text = "media.endpoint, media.key_id and media.secret need media.bucket, which is not set";
        return if is_alone { Err(Misconfigured(text.to_owned())) } else { Ok(None) };
    };
    let needed = |key: &str, text: &str| {
        set(text).ok_or_else(|| Misconfigured(format!("media.bucket needs {key}, which is not set")))
    };
    let endpoint = |text: String| {
        PublicUrl::parse(&text).ok_or_else(|| wrong("media.endpoint", &text, "https://s3.example.org"))
    };
    Ok(Some(S3 {
        endpoint: set(&media.endpoint).map(endpoint).transpose()?.map(|url| url.text().to_string()),
        bucket,
        region: needed("media.region", region)?,
        key_id: needed("media.key_id", key_id)?,
        secret: needed("media.secret", secret)?,
        path_style: *path_style,
    }))
}

fn rates(limits: &LimitsSection) -> Result<Rates, Misconfigured> {
    let most = |key, number| match number {
        0 => Ok(None),
        1..=10_000 => Ok(Some(number)),
        _ => Err(wrong(key, &number.to_string(), "a number from 0 to 10000")),
    };
    Ok(Rates {
        concurrency: Some(limits.concurrency).filter(|most| *most > 0),
        actions_per_second: most("limits.actions_per_second", limits.actions_per_second)?,
        global_actions_per_second: most(
            "limits.global_actions_per_second",
            limits.global_actions_per_second,
        )?,
    })
}

fn repeatable(server: &ServerSection) -> Result<Repeatable, Misconfigured> {
    let number = |text: String| text.parse().map_err(|_| wrong("server.seed", &text, "12345"));
    Ok(Repeatable {
        is_clock_manual: match &*server.clock {
            "real" => false,
            "manual" => true,
            other => return Err(wrong("server.clock", other, "real or manual")),
        },
        seed: set(&server.seed).map(number).transpose()?,
    })
}

fn pinned(account: &AccountSection) -> Result<Pinned, Misconfigured> {
    let api_key = match (set(&account.api_key_sid), set(&account.api_key_secret)) {
        (None, None) => None,
        (Some(given), Some(secret)) => Some((sid("account.api_key_sid", &given)?, secret)),
        _ => {
            let text = "account.api_key_sid and account.api_key_secret are only good together; \
                        one of them is not set";
            return Err(Misconfigured(text.to_owned()));
        }
    };
    Ok(Pinned {
        account_sid: set(&account.sid).map(|given| sid("account.sid", &given)).transpose()?,
        auth_token: set(&account.auth_token),
        api_key,
        senders: list("account.senders", &account.senders, parse_senders)?,
        messaging_services: list(
            "account.messaging_services",
            &account.messaging_services,
            parse_messaging_services,
        )?,
    })
}

fn list(
    key: &str,
    given: &[String],
    parse: impl Fn(&[&str]) -> Result<Texts, String>,
) -> Result<Option<Texts>, Misconfigured> {
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    if given.is_empty() {
        return Ok(None);
    }
    let expected = "+15017122661, whatsapp:+15017122661 or MG and 32 hexadecimal digits";
    parse(&given).map(Some).map_err(|item| wrong(key, &item, expected))
}

fn set(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn wrong(key: &str, given: &str, expected: &str) -> Misconfigured {
    Misconfigured(format!("{key}: `{given}` is not of the form {expected}"))
}

fn address(key: &str, text: &str) -> Result<SocketAddr, Misconfigured> {
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| wrong(key, text, "127.0.0.1:8080"))
}

fn between(key: &str, given: u64, most: u64) -> Result<u64, Misconfigured> {
    let is_good = (1..=most).contains(&given);
    if is_good { Ok(given) } else { Err(wrong(key, &given.to_string(), &format!("1 to {most}"))) }
}

fn networks(key: &str, texts: &[String]) -> Result<Vec<IpNet>, Misconfigured> {
    let read = |text: &String| {
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        let network = text.parse().ok().or_else(address);
        network.ok_or_else(|| wrong(key, text, "10.0.0.0/8 or 10.1.2.3"))
    };
    texts.iter().map(read).collect()
}

fn sid<R: Prefix>(key: &str, text: &str) -> Result<Sid<R>, Misconfigured> {
    Sid::parse(text).ok_or_else(|| wrong(key, text, &format!("{} and 32 hexadecimal digits", R::PREFIX)))
}

/// The URL holds a password and is not repeated.
fn database(url: &str) -> Result<String, Misconfigured> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(url.to_owned());
    }
    let text = "storage.database: the database is not of the form postgres://user:password@host/database; \
                leave it out for SQLite";
    Err(Misconfigured(text.to_owned()))
}

fn master_key(text: &str) -> Result<[u8; 32], Misconfigured> {
    let text_is_wrong = || Misconfigured("storage.master_key: it is not 64 hexadecimal digits".to_owned());
    parse_key(text).ok_or_else(text_is_wrong)
}

/// Reads 64 hexadecimal digits.
pub fn parse_key(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut key = [0; 32];
    for (byte, start) in key.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[start..start + 2], 16).ok()?;
    }
    Some(key)
}

fn at_least_one(key: &str, number: usize) -> Result<usize, Misconfigured> {
    if number > 0 { Ok(number) } else { Err(Misconfigured(format!("{key}: it must be at least 1"))) }
}

/// One core is left to the database's threads.
fn workers(given: usize) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    if given > 0 { given } else { cores().saturating_sub(1).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(set: impl FnOnce(&mut Given)) -> Given {
        let mut given = Given::default();
        set(&mut given);
        given
    }

    fn read(file: &str, environment: &Given, flags: &Given) -> Result<Configuration, Misconfigured> {
        let mut sections = Sections::read(file).map_err(Misconfigured)?;
        environment.apply(&mut sections);
        flags.apply(&mut sections);
        Configuration::of(&sections)
    }

    #[test]
    fn flags_stand_above_the_environment_and_that_above_the_file() {
        let file = "[server]\nlisten = \"127.0.0.1:1\"\nmode = \"lenient\"\n";
        let environment = given(|given| given.listen = Some("127.0.0.1:2".to_owned()));
        let flags = given(|given| given.listen = Some("127.0.0.1:3".to_owned()));
        let nothing = Given::default();
        let port = |environment: &Given, flags: &Given| {
            read(file, environment, flags).expect("nothing is wrong").listen.port()
        };
        assert_eq!(port(&nothing, &nothing), 1);
        assert_eq!(port(&environment, &nothing), 2);
        assert_eq!(port(&environment, &flags), 3);
        let configuration = read(file, &environment, &flags).expect("nothing is wrong");
        assert_eq!(configuration.settings.limits, Limits::Lenient);
        let empty = given(|given| given.listen = Some(String::new()));
        assert_eq!(port(&empty, &empty), 1, "empty text is as good as none");
    }

    #[test]
    fn metrics_can_be_left_to_chance_chosen_and_switched_off() {
        let nothing = Given::default();
        let metrics = |flags: &Given| read("", &nothing, flags).expect("nothing is wrong").metrics;
        assert!(matches!(metrics(&nothing), MetricsListen::Default(_)));
        let chosen = given(|given| given.metrics_listen = Some("127.0.0.1:9".to_owned()));
        assert!(matches!(metrics(&chosen), MetricsListen::Given(_)));
        let off = given(|given| given.metrics_listen = Some(String::new()));
        assert_eq!(metrics(&off), MetricsListen::Off);
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_key_and_secrets_are_not_repeated() {
        for (file, named) in [
            ("[server]\nlisten = \"nowhere\"", "server.listen"),
            ("[server]\npublic_url = \"example.org\"", "server.public_url"),
            ("[server]\ntrusted_proxies = [\"10.0.0.0/99\"]", "server.trusted_proxies"),
            ("[server]\nmode = \"loose\"", "server.mode"),
            ("[server]\nclock = \"stopped\"", "server.clock"),
            ("[server]\nseed = \"-1\"", "server.seed"),
            ("[server]\nmax_connections = 0", "server.max_connections"),
            ("[server]\nmax_requests = 0", "server.max_requests"),
            ("[server]\nrequest_megabytes = 7", "server.request_megabytes"),
            ("[storage]\nqueue_milliseconds = 0", "storage.queue_milliseconds"),
            ("[webhooks]\nretry_on = [\"6xx\"]", "webhooks.retry_on"),
            ("[webhooks]\nretry_count = 51", "webhooks.retry_count"),
            ("[webhooks]\nallowed_networks = [\"inside\"]", "webhooks.allowed_networks"),
            ("[webhooks]\ntimeout_milliseconds = 0", "webhooks.timeout_milliseconds"),
            ("[limits]\nactions_per_second = 10001", "limits.actions_per_second"),
            ("[storage]\nmaster_key = \"hunter2\"", "storage.master_key"),
            ("[storage]\ndatabase = \"mysql://hunter2@x\"", "storage.database"),
            ("[account]\nsid = \"CH00112233445566778899aabbccddeeff\"", "account.sid"),
            ("[account]\napi_key_secret = \"hunter2\"", "account.api_key_sid"),
            ("[account]\nsenders = [\"12345\", \"nobody\"]", "account.senders: `nobody`"),
            ("[account]\nmessaging_services = [\"MG1\"]", "account.messaging_services: `MG1`"),
            ("[media]\nbucket = \"b\"\nkey_id = \"k\"", "media.secret"),
            ("[media]\nsecret = \"hunter2\"", "media.bucket"),
            (
                "[media]\nbucket = \"b\"\nkey_id = \"k\"\nsecret = \"hunter2\"\nendpoint = \"s3\"",
                "media.endpoint",
            ),
            ("[media]\nmax_megabytes = 0", "media.max_megabytes"),
            ("[media]\nunattached_seconds = 0", "media.unattached_seconds"),
            ("[log]\nformat = \"xml\"", "log.format"),
            ("[log]\nlevel = \"=,=\"", "log.level"),
        ] {
            let Err(Misconfigured(error)) = read(file, &Given::default(), &Given::default()) else {
                panic!("{file} was taken");
            };
            assert!(error.contains(named), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_network_may_be_one_address() {
        let texts = ["10.1.2.3".to_owned(), "fd00::/8".to_owned()];
        let read = networks("key", &texts).map(|networks| networks.iter().map(ToString::to_string).collect());
        assert_eq!(read.ok(), Some(vec!["10.1.2.3/32".to_owned(), "fd00::/8".to_owned()]));
    }

    #[test]
    fn a_key_is_64_digits() {
        assert_eq!(parse_key(&"0f".repeat(32)), Some([15; 32]));
        assert_eq!(parse_key(&"0f".repeat(31)), None);
        assert_eq!(parse_key(&"+f".repeat(32)), None);
    }
}
