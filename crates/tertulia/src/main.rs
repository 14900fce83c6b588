//! The binary: arguments, configuration, start and stop, and the commands of an administrator.

mod administration;
mod arguments;
mod banner;
mod bind;
mod check_config;
mod commands;
mod configuration;
mod data_directory;
mod descriptors;
mod environment;
mod first_account;
mod given;
mod intercept;
mod log_event;
mod log_fields;
mod log_lines;
mod log_time;
mod logging;
mod open;
mod run_file;
mod sections;
mod serve;
mod webhooks;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::configuration::Misconfigured;

/// What one thread allocates another frees, all day long (docs/decisions/0010-jemalloc.md).
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(given) => serve::serve(&given),
        Command::Account(command) => commands::account(&command),
        Command::Key(command) => commands::key(&command),
        Command::Token(arguments) => commands::token(&arguments),
        Command::Template(command) => commands::template(&command),
        Command::Webhooks(command) => webhooks::webhooks(&command),
        Command::Intercept(arguments) => return intercept::intercept(&arguments),
        Command::CheckConfig { given, print_defaults } => check_config::check(&given, print_defaults),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            // Arguments that are wrong in themselves end with 2 as well.
            ExitCode::from(if error.is::<Misconfigured>() { 2 } else { 1 })
        }
    }
}
