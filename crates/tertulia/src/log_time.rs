//! The time that a line of the log begins with, to the microsecond.
//!
//! As the library writes it, but without its division for each digit of each line.

use std::fmt;

use server::SystemClock;
use store::Clock;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use wire::Timestamp;

/// Writes what the machine's clock says.
#[derive(Clone, Copy)]
pub struct Time;

impl FormatTime for Time {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write(writer, SystemClock.now())
    }
}

fn write(writer: &mut Writer<'_>, now: Timestamp) -> fmt::Result {
    now.microseconds().written(|text| writer.write_str(text.strip_suffix("+00:00").unwrap_or(text)))?;
    writer.write_char('Z')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_has_six_decimals() {
        let mut text = String::new();
        let at = Timestamp::from_micros(1_700_000_000_000_450);
        write(&mut Writer::new(&mut text), at).expect("it is a text");
        assert_eq!(text, "2023-11-14T22:13:20.000450Z");
    }
}
