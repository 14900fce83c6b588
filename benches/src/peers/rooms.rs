//! Servers of XMPP whose rooms keep an archive: Prosody and ejabberd, by the same clients.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use tokio::time::{Instant, timeout};

use crate::bench::Bench;
use crate::server::{as_f64, free_address};
use crate::table::percentile;

use super::process::{Process, folder};
use super::xmpp::{Client, HOST};
use super::{Peer, Running, Sent, found};

const SCRIPT: &str = "/usr/sbin/ejabberdctl";
const CLIENTS: usize = 64;
/// No round takes as long.
const LONGEST: Duration = Duration::from_mins(3);
const BODY: &str = "The parcel has left our house this morning and should be with you by Thursday";

pub const PROSODY: Peer = Peer {
    name: "Prosody",
    does: "Prosody (XMPP, rooms with an archive in files) writes each message to its room's archive, which no fsync \
           follows, and sends it back to the room. 64 clients, each alone in a room, one message under way each.",
    target: "",
    messages: 6400,
    is_installed: || found("prosody"),
    start: prosody,
};

pub const EJABBERD: Peer = Peer {
    name: "ejabberd",
    does: "ejabberd (XMPP, rooms with an archive in Mnesia) sends each message back to its room, and writes it to a \
           file of its archive, which no fsync follows, and takes longer the more the archive of a room holds. The \
           same clients.",
    target: "",
    messages: 6400,
    is_installed: || Path::new(SCRIPT).is_file() && found("erl"),
    start: ejabberd,
};

struct Rooms {
    /// They leave before it ends.
    clients: RefCell<Vec<Client>>,
    process: Process,
    /// How many messages each client has sent.
    sent: RefCell<usize>,
}

fn prosody(bench: &Bench) -> anyhow::Result<Box<dyn Running>> {
    let (address, folder) = (free_address()?, folder(bench, "prosody")?);
    let (data, port) = (folder.path().display().to_string(), address.port());
    let configuration = folder.path().join("prosody.cfg.lua");
    // It runs in the foreground as whoever runs the benchmark, and nobody else can reach it.
    let text = format!(
        r#"
data_path = "{data}"
pidfile = "{data}/prosody.pid"
run_as_root = true
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
modules_enabled = {{ "saslauth", "register_ibr", "disco" }}
modules_disabled = {{ "s2s", "tls" }}
allow_registration = true
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_hashed"
storage = "internal"
log = {{ info = "*console" }}
VirtualHost "{HOST}"
Component "rooms.{HOST}" "muc"
    modules_enabled = {{ "muc_mam" }}
    muc_log_by_default = true
    muc_room_locking = false
    muc_room_default_persistent = true
"#
    );
    std::fs::write(&configuration, text)?;
    let mut program = Command::new("prosody");
    program.args(["-F", "--config"]).arg(&configuration);
    enter(bench, Process::start(bench, folder, program, address)?, address)
}

fn ejabberd(bench: &Bench) -> anyhow::Result<Box<dyn Running>> {
    let (address, folder) = (free_address()?, folder(bench, "ejabberd")?);
    let configuration = folder.path().join("ejabberd.yml");
    let port = address.port();
    let text = format!(
        r#"
hosts: [{HOST}]
loglevel: warning
listen:
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, access: all}}
auth_method: internal
auth_password_format: plain
registration_timeout: infinity
modules:
  mod_register: {{ip_access: all, access: all, welcome_message: {{}}}}
  mod_mam: {{default: always, db_type: mnesia}}
  mod_muc:
    host: rooms.{HOST}
    default_room_options: {{mam: true, persistent: true}}
"#
    );
    std::fs::write(&configuration, text)?;
    let mnesia = folder.path().join("mnesia");
    // Erlang itself and not `ejabberdctl`: a node with a name would leave a daemon behind, which tells the names.
    let mut program = Command::new("erl");
    program
        .args(["-noinput", "+K", "true", "+P", "250000"])
        .args(["-mnesia", "dir", &format!("\"{}\"", mnesia.display()), "-s", "ejabberd"])
        .env("ERL_LIBS", libraries()?)
        .env("EJABBERD_CONFIG_PATH", &configuration)
        .env("EJABBERD_LOG_PATH", folder.path().join("ejabberd.log"))
        .env("ERL_CRASH_DUMP", folder.path().join("crash.dump"))
        .env("ERL_MAX_PORTS", "32000");
    enter(bench, Process::start(bench, folder, program, address)?, address)
}

/// Where its code lies, which its own script knows for the machine's architecture.
fn libraries() -> anyhow::Result<String> {
    let script = std::fs::read_to_string(SCRIPT).with_context(|| format!("cannot read {SCRIPT}"))?;
    let line = script.lines().find_map(|line| line.strip_prefix("ERL_LIBS="));
    Ok(line.context("ejabberdctl tells where the code lies")?.trim_matches(['\'', '"']).to_owned())
}

fn enter(bench: &Bench, process: Process, address: SocketAddr) -> anyhow::Result<Box<dyn Running>> {
    let names: Vec<_> =
        (0..CLIENTS).map(|number| (format!("client{number}"), format!("room{number}"))).collect();
    let entering = names.iter().map(|(name, room)| Client::enter(address, name, room));
    let entered = bench.wait(async { timeout(LONGEST, try_join_all(entering)).await });
    let entered = entered.context("not all clients came in")?.with_context(|| process.log())?;
    Ok(Box::new(Rooms { process, clients: RefCell::new(entered), sent: RefCell::new(0) }))
}

impl Running for Rooms {
    fn send(&self, bench: &Bench, messages: usize) -> anyhow::Result<Sent> {
        let (mut clients, mut sent) = (self.clients.borrow_mut(), self.sent.borrow_mut());
        let each = messages / CLIENTS;
        let (before, began) = (*sent, Instant::now());
        let all = clients.iter_mut().map(async |client| {
            let mut times = Vec::with_capacity(each);
            for number in before..before + each {
                let began = Instant::now();
                client.say(&format!("m{number}"), BODY).await?;
                times.push(began.elapsed().as_secs_f64() * 1000.0);
            }
            anyhow::Ok(times)
        });
        let told = bench.wait(async { timeout(LONGEST, try_join_all(all)).await });
        let took = began.elapsed().as_secs_f64();
        let mut times = told.context("not every message came back")??.concat();
        *sent += each;
        // That it has an archive is said, so it is looked at.
        let client = clients.first_mut().context("there are clients")?;
        let archived = bench.wait(client.archived())?;
        ensure!(archived == *sent, "an archive holds {archived} of {} messages", *sent);
        Ok(Sent { per_second: as_f64(times.len() as u64) / took, p99: percentile(&mut times, 0.99) })
    }

    fn process(&self) -> &Process {
        &self.process
    }
}
