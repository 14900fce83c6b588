//! The program: started, told of signals, and waited for.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use anyhow::Context;
use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use super::environment::Variable;

/// What shells answer for a program that cannot be run, and for one that is not there.
const NOT_RUNNABLE: u8 = 126;
const NOT_FOUND: u8 = 127;
/// And for one that a signal has ended, besides the signal's number.
const BY_SIGNAL: i32 = 128;

/// The signals that are for the program.
pub struct Signals {
    terminate: Stream,
    interrupt: Stream,
}

impl Signals {
    /// From here on they no longer end this process.
    pub fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.interrupt.recv() => Signal::INT,
        }
    }
}

/// Runs the program to its end. The answer is the status to end with.
pub async fn run(command: &[OsString], variables: &[Variable], signals: &mut Signals) -> anyhow::Result<u8> {
    let (name, arguments) = command.split_first().context("there is no command")?;
    let mut program = Command::new(name);
    program.args(arguments);
    for (name, value) in variables {
        match value {
            Some(value) => program.env(name, value),
            None => program.env_remove(name),
        };
    }
    let shown = name.display();
    let mut child = match program.spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("error: cannot run {shown}: {error}");
            return Ok(if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUNNABLE });
        }
    };
    loop {
        tokio::select! {
            status = child.wait() => {
                return Ok(code(status.with_context(|| format!("cannot wait for {shown}"))?));
            }
            signal = signals.next() => tell(&child, signal),
        }
    }
}

/// Passes a signal on.
fn tell(child: &Child, signal: Signal) {
    // A key at the terminal is told to both of us, and to be interrupted twice means something else to many.
    if signal == Signal::INT && is_at_the_terminal() {
        return;
    }
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(pid) = pid
        && let Err(error) = kill_process(pid, signal)
    {
        tracing::warn!("a signal did not reach the program: {error}");
    }
}

/// Whether what is typed at a terminal concerns us.
fn is_at_the_terminal() -> bool {
    let Ok(terminal) = File::open("/dev/tty") else { return false };
    tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp())
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(BY_SIGNAL + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_passed_on_and_a_signal_is_128_and_its_number() {
        assert_eq!(code(ExitStatus::from_raw(0)), 0);
        assert_eq!(code(ExitStatus::from_raw(3 << 8)), 3);
        assert_eq!(code(ExitStatus::from_raw(15)), 143);
    }
}
