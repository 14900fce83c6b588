//! How the fields of a line of text are written: the message, then `name=value` for each other.
//!
//! The library's own way writes texts letter by letter, which for the line of every request was a tenth of what a
//! request costs. A value that could be taken for something else stands in quotes.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// Writes fields.
pub struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let is_coloured = writer.has_ansi_escapes();
        let mut visitor = Visitor { out: &mut writer, is_coloured, is_first: true, done: Ok(()) };
        fields.record(&mut visitor);
        visitor.done
    }
}

/// Appends fields without colours.
pub fn append(line: &mut String, fields: impl RecordFields) -> fmt::Result {
    let mut visitor = Visitor { out: line, is_coloured: false, is_first: true, done: Ok(()) };
    fields.record(&mut visitor);
    visitor.done
}

struct Visitor<'a, W> {
    out: &'a mut W,
    is_coloured: bool,
    is_first: bool,
    done: fmt::Result,
}

impl<W: Write> Visitor<'_, W> {
    /// Begins a field, and writes its value with `write`.
    fn put(&mut self, field: &Field, write: impl FnOnce(&mut W) -> fmt::Result) {
        if self.done.is_err() {
            return;
        }
        self.done = self.begin(field).and_then(|()| write(self.out));
    }

    fn begin(&mut self, field: &Field) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.out.write_char(' ')?;
        }
        if field.name() == "message" {
            return Ok(());
        }
        if self.is_coloured {
            return write!(self.out, "\x1b[3m{}\x1b[0m\x1b[2m=\x1b[0m", field.name());
        }
        self.out.write_str(field.name())?;
        self.out.write_char('=')
    }
}

impl<W: Write> Visit for Visitor<'_, W> {
    fn record_str(&mut self, field: &Field, value: &str) {
        // Without an early end, so that it is a few instructions for sixteen letters.
        let is_odd = |byte: u8| !byte.is_ascii_graphic() || byte == b'"' || byte == b'=';
        let is_plain = || !value.is_empty() && !value.bytes().fold(false, |found, byte| found | is_odd(byte));
        self.put(field, |out| {
            if field.name() == "message" || is_plain() {
                out.write_str(value)
            } else {
                write!(out, "{value:?}")
            }
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, |out| out.write_str(itoa::Buffer::new().format(value)));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, |out| match tenths(value) {
            Some(tenths) => {
                out.write_str(itoa::Buffer::new().format(tenths / 10))?;
                out.write_char('.')?;
                out.write_str(itoa::Buffer::new().format(tenths % 10))
            }
            None => write!(out, "{value:?}"),
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, |out| write!(out, "{value:?}"));
    }
}

/// A number whose shortest text has one decimal, as the times of requests have.
fn tenths(value: f64) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what does not fit is seen below"
    )]
    let tenths = (value * 10.0 + 0.5) as u32;
    ((f64::from(tenths) / 10.0).to_bits() == value.to_bits()).then_some(tenths)
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
    fn numbers_are_written_as_ever() {
        for tenths_of in 0..200_000_u32 {
            let value = f64::from(tenths_of) / 10.0;
            assert_eq!(tenths(value), Some(tenths_of));
            assert_eq!(format!("{}.{}", tenths_of / 10, tenths_of % 10), format!("{value:?}"));
        }
        for value in [-0.0, -1.5, 0.15, 1e-9, 1e9, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(tenths(value), None, "{value}");
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
