//! How the fields of a line of text are written: the message, then `name=value` for each other.
//!
//! The library's own way writes texts letter by letter, which for the line of every request was a tenth of what a
//! request costs. A value that could be taken for something else stands in quotes.

use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// Writes fields.
pub struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = Visitor { writer, is_first: true, done: Ok(()) };
        fields.record(&mut visitor);
        visitor.done
    }
}

struct Visitor<'writer> {
    writer: Writer<'writer>,
    is_first: bool,
    done: fmt::Result,
}

impl Visitor<'_> {
    /// Begins a field, and writes its value with `write`.
    fn put(&mut self, field: &Field, write: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.done.is_err() {
            return;
        }
        self.done = self.begin(field).and_then(|()| write(&mut self.writer));
    }

    fn begin(&mut self, field: &Field) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.writer.write_char(' ')?;
        }
        if field.name() == "message" {
            return Ok(());
        }
        if self.writer.has_ansi_escapes() {
            return write!(self.writer, "\x1b[3m{}\x1b[0m\x1b[2m=\x1b[0m", field.name());
        }
        self.writer.write_str(field.name())?;
        self.writer.write_char('=')
    }
}

impl Visit for Visitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        // Without an early end, so that it is a few instructions for sixteen letters.
        let is_odd = |byte: u8| !byte.is_ascii_graphic() || byte == b'"' || byte == b'=';
        let is_plain = !value.is_empty() && !value.bytes().fold(false, |found, byte| found | is_odd(byte));
        self.put(field, |writer| {
            if is_plain || field.name() == "message" {
                writer.write_str(value)
            } else {
                write!(writer, "{value:?}")
            }
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, |writer| write!(writer, "{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, |writer| write!(writer, "{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_lines::Lines;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Out {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_the_message_and_its_fields() {
        let out = Out::default();
        let writing = Lines::begin(out.clone()).unwrap();
        let lines = tracing_subscriber::fmt().with_writer(writing.lines()).fmt_fields(Fields).without_time();
        tracing::subscriber::with_default(lines.with_ansi(false).finish(), || {
            tracing::info!(
                target: "access", method = "POST", out_of = %5, none = None::<u32>, code = Some(50_350_u32), time = 1.2,
                odd = "two words", "POST {}", "/v1"
            );
            tracing::info!("a message with \"quotes\" = {}", 1);
        });
        drop(writing);
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            " INFO access: POST /v1 method=POST out_of=5 code=50350 time=1.2 odd=\"two words\"\n INFO \
             tertulia::log_fields::tests: a message with \"quotes\" = 1\n"
        );
    }
}
