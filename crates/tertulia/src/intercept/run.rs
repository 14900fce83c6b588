//! From the arguments to the end of the program.

use std::ffi::OsString;
use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use conversations::{Ids, RandomIds, accounts, hex};
use intercept::{Authority, Others, Plan, Proxy};
use server::{App, Server, Settings, SystemClock, Tools};
use store::{Clock, Store};
use tempfile::TempDir;

use super::child::{self, Signals};
use super::credentials::{ACCOUNT_SID, AUTH_TOKEN, Credentials};
use super::environment::{self, Variable};
use super::trust;
use crate::arguments::Intercept;
use crate::bind::{bind, local_url};
use crate::configuration::{Configuration, Misconfigured, Pinned};
use crate::data_directory::{DataDirectory, write_private};
use crate::first_account;
use crate::given::Given;
use crate::open::{Opened, open};
use crate::run_file::RunFile;
use crate::serve::runtime;

/// What this command ends with where the program was not even started; `env` and `timeout` do the same.
const OURS: u8 = 125;

/// Runs the program. What it ends with is what we end with.
pub fn intercept(arguments: &Intercept) -> ExitCode {
    match run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(OURS)
        }
    }
}

/// The server that is Twilio for the program.
enum Place {
    /// It runs, and has credentials of its own.
    Running(SocketAddr),
    /// It is to be started, and lives as long as the program.
    Own(DataDirectory),
}

fn run(arguments: &Intercept) -> anyhow::Result<u8> {
    let Intercept { given, passthrough, ephemeral: _, command } = arguments;
    let (credentials, warnings) = Credentials::find(variable);
    let mut configuration = Configuration::read(&adapted(given, credentials))?;
    configuration.warnings.extend(warnings);
    let files = files().context("cannot make a temporary directory")?;
    let place = place(arguments, &mut configuration, &files)?;
    let Configuration {
        listen,
        metrics,
        settings,
        workers,
        storage,
        repeatable,
        pinned,
        logging,
        warnings,
        ..
    } = configuration;
    let _log = logging.start()?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let others = if *passthrough { Others::Passed } else { Others::Refused };
    let runtime = runtime(workers)?;
    let errand = Errand { command, others, files: files.path() };
    match place {
        Place::Running(address) => runtime.block_on(async {
            let mut signals = Signals::new()?;
            errand.run(address, Vec::new(), &mut signals).await
        }),
        Place::Own(directory) => {
            let listeners = runtime.block_on(async { bind(listen, metrics) })?;
            let Opened { store, tools, manual_clock } = open(&directory, &storage, &repeatable)?;
            let settings = Settings { manual_clock, ..settings };
            runtime.block_on(async {
                let mut signals = Signals::new()?;
                let (settings, variables) = prepared(&store, &tools, (settings, &pinned)).await?;
                let server = Server::start(App::new(store, tools, settings), listeners)?;
                let code = errand.run(server.address(), variables, &mut signals).await;
                tokio::select! {
                    () = server.stop() => {}
                    _ = signals.next() => bail!("stopped before everything was finished, by another signal"),
                }
                code
            })
        }
    }
}

/// A directory for what the run leaves in files, for its owner alone.
fn files() -> std::io::Result<TempDir> {
    let mut files = tempfile::Builder::new();
    files.prefix("tertulia-intercept-").permissions(Permissions::from_mode(0o700)).tempdir()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The flags, with what is another default here: a program has its server to itself, and standard error too.
fn adapted(given: &Given, credentials: Credentials) -> Given {
    let mut given = given.clone();
    given.listen.get_or_insert_with(|| "127.0.0.1:0".to_owned());
    given.metrics_listen.get_or_insert_with(|| "off".to_owned());
    given.log_level.get_or_insert_with(|| "warn".to_owned());
    credentials.pin(&mut given);
    given
}

/// Finds the server that runs on the data directory, or a directory for a new one.
fn place(arguments: &Intercept, configuration: &mut Configuration, files: &TempDir) -> anyhow::Result<Place> {
    let Configuration { storage, is_storage_named, .. } = configuration;
    if !arguments.ephemeral {
        let data = &storage.data;
        if *is_storage_named {
            DataDirectory::make(data)?;
        }
        if data.is_dir() {
            match DataDirectory::lock(data)? {
                None => return Ok(Place::Running(running(&arguments.given, data)?)),
                Some(directory) if *is_storage_named => return Ok(Place::Own(directory)),
                Some(_) => {}
            }
        }
    }
    storage.database = None;
    let data = files.path().join("data");
    DataDirectory::make(&data)?;
    Ok(Place::Own(DataDirectory::lock_for_server(&data)?))
}

/// Where the server is that runs on `data`.
fn running(given: &Given, data: &Path) -> anyhow::Result<SocketAddr> {
    let shown = data.display();
    let Some(RunFile { url, .. }) = RunFile::read(data)? else {
        bail!(
            "a process uses {shown} that is no server of `tertulia serve`, or not yet; try again, or choose \
             --ephemeral"
        );
    };
    if *given != (Given { place: given.place.clone(), ..Given::default() }) {
        let text = format!(
            "a server runs on {shown} ({url}), and what is given for a server would mean nothing to it; leave \
             it out, or choose --ephemeral"
        );
        return Err(Misconfigured(text).into());
    }
    let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    address.with_context(|| format!("cannot understand the address of the server that runs on {shown}"))
}

/// Makes the first account, and what the program is to know of it and has not.
async fn prepared(
    store: &Store,
    tools: &Tools,
    (mut settings, pinned): (Settings, &Pinned),
) -> anyhow::Result<(Settings, Vec<Variable>)> {
    let sid = first_account::prepare(store, tools, pinned).await?.sid;
    let account = store.read(move |tx| accounts::find(tx, sid)).await?;
    let tokens = account.map(|account| account.auth_tokens(&tools.vault)).unwrap_or_default();
    let known = [(ACCOUNT_SID, Some(sid.to_string())), (AUTH_TOKEN, tokens.into_iter().next())];
    let is_missing = |name: &str| variable(name).is_none_or(|value| value.is_empty());
    let mut variables: Vec<_> =
        known.into_iter().filter(|(name, value)| value.is_some() && is_missing(name)).collect();
    if settings.admin_tokens.is_empty() {
        // Never from a seed: it opens everything.
        let token = hex(&RandomIds::default().secret());
        variables.push(("TERTULIA_ADMIN_TOKEN", Some(token.clone())));
        settings.admin_tokens.push(token);
    }
    Ok((settings, variables))
}

/// What is to be done once there is a server.
struct Errand<'a> {
    command: &'a [OsString],
    others: Others,
    files: &'a Path,
}

impl Errand<'_> {
    async fn run(
        &self,
        server: SocketAddr,
        mut variables: Vec<Variable>,
        signals: &mut Signals,
    ) -> anyhow::Result<u8> {
        let authority = Authority::new(SystemClock.now());
        let authority = authority.map_err(|error| anyhow!(error)).context("cannot make an authority")?;
        let file = self.files.join("ca.pem");
        write_private(&file, trust::bundle(&authority.pem(), variable).as_bytes())?;
        let proxy = Proxy::start(Plan { server, authority, others: self.others }).await;
        let proxy = proxy.context("cannot listen on 127.0.0.1")?;
        variables.extend(environment::variables(proxy.address(), &file, &local_url(server)));
        let code = child::run(self.command, &variables, signals).await;
        proxy.stop().await;
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_in_files_is_for_its_owner_and_goes() {
        let files = files().expect("a directory");
        let path = files.path().to_owned();
        let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(files);
        assert!(!path.exists());
    }
}
