//! The log: on standard error, as text or as JSON, a line for each thing that happened.

use tracing_subscriber::EnvFilter;

use crate::configuration::Misconfigured;

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

    /// Begins to log.
    pub fn start(self) {
        let lines = tracing_subscriber::fmt()
            .with_env_filter(self.filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
        match self.format {
            Format::Text => lines.init(),
            Format::Json => lines.json().flatten_event(true).init(),
        }
    }
}
