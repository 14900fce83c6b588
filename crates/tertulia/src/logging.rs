//! The log: on standard error, as text or as JSON, a line for each thing that happened.

use std::io::{self, IsTerminal, Stderr};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::configuration::Misconfigured;
use crate::log_event::Text;
use crate::log_fields::Fields;
use crate::log_lines::{Lines, Writing};
use crate::log_time::Time;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

impl Format {
    /// `text` or `json`.
    pub fn parse(text: &str) -> Result<Self, Misconfigured> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(Misconfigured(format!("log.format: `{other}` is neither text nor json"))),
        }
    }
}

/// What is logged, and how.
pub struct Logging {
    filter: EnvFilter,
    format: Format,
}

impl Logging {
    /// `level` is a level, or several by part of the program.
    pub fn new(level: &str, format: Format) -> Result<Self, Misconfigured> {
        let filter = EnvFilter::try_new(level)
            .map_err(|error| Misconfigured(format!("log.level: `{level}` cannot be read: {error}")))?;
        Ok(Self { filter, format })
    }

    /// Begins to log, until what is answered is dropped.
    pub fn start(self) -> anyhow::Result<Writing<Stderr>> {
        let writing = Lines::begin(io::stderr()).context("cannot start the thread that writes the log")?;
        let lines = tracing_subscriber::fmt()
            .with_env_filter(self.filter)
            .with_writer(writing.lines())
            .with_timer(Time)
            .with_ansi(io::stderr().is_terminal());
        match self.format {
            Format::Text => lines.fmt_fields(Fields).event_format(Text::new(Time)).init(),
            Format::Json => lines.json().flatten_event(true).init(),
        }
        Ok(writing)
    }
}
