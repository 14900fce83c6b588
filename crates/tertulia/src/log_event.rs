//! How a line of text is put together: the time, the level, the part of the program, the fields.
//!
//! Letter for letter as the library does it, but into one text that is kept, and without a style around each word:
//! every request has its line. What the library alone knows, colours and spans, is left to it.

use std::cell::Cell;
use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::registry::LookupSpan;

use crate::log_fields::{self, Fields};

thread_local! {
    /// The room of the line before.
    static LINE: Cell<String> = const { Cell::new(String::new()) };
}

/// Writes events as text, each behind its time.
pub struct Text<T> {
    time: T,
    library: Format<Full, T>,
}

impl<T: Copy> Text<T> {
    /// With what tells the time.
    pub fn new(time: T) -> Self {
        Self { time, library: Format::default().with_timer(time) }
    }
}

impl<S, T> FormatEvent<S, Fields> for Text<T>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    T: FormatTime,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Fields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if writer.has_ansi_escapes() || context.event_scope().is_some() {
            return self.library.format_event(context, writer, event);
        }
        // Taken away while it is filled: what a field writes may itself be a line.
        let mut line = LINE.take();
        line.clear();
        let done = self.put(&mut line, event).and_then(|()| writer.write_str(&line));
        LINE.set(line);
        done
    }
}

impl<T: FormatTime> Text<T> {
    fn put(&self, line: &mut String, event: &Event<'_>) -> fmt::Result {
        self.time.format_time(&mut Writer::new(line))?;
        let metadata = event.metadata();
        line.push_str(match *metadata.level() {
            Level::ERROR => " ERROR ",
            Level::WARN => "  WARN ",
            Level::INFO => "  INFO ",
            Level::DEBUG => " DEBUG ",
            Level::TRACE => " TRACE ",
        });
        line.push_str(metadata.target());
        line.push_str(": ");
        log_fields::append(line, event)?;
        line.push('\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::Dispatch;

    use super::*;

    #[derive(Clone, Copy)]
    struct Noon;

    impl FormatTime for Noon {
        fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
            writer.write_str("2026-11-22T12:00:00.000000Z")
        }
    }

    struct Out(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of the same events.
    fn logged(is_coloured: bool, is_own: bool) -> String {
        let kept = Arc::<Mutex<Vec<u8>>>::default();
        let out = Arc::clone(&kept);
        let lines =
            tracing_subscriber::fmt().with_max_level(Level::TRACE).fmt_fields(Fields).with_timer(Noon);
        let lines = lines.with_ansi(is_coloured).with_writer(move || Out(Arc::clone(&out)));
        let lines: Dispatch = if is_own { lines.event_format(Text::new(Noon)).into() } else { lines.into() };
        tracing::dispatcher::with_default(&lines, || {
            tracing::info!(
                target: "access", request_id = "RQ1", method = "GET", template = "/v1/{A}", status = 200_u16,
                code = None::<u32>, account_sid = Some("AC1"), milliseconds = 0.4, "GET /v1/{{A}} {}", 200
            );
            tracing::error!(request_id = %5, "failed: {:?}", "a\u{1b}b\n");
            tracing::warn!(odd = "two words", none = "", is = true, below = -1, share = 0.25, "warned");
            tracing::debug!(left = ?Some("x"), "a \"quoted\" = text");
            let span = tracing::info_span!("outer", of = 1);
            span.in_scope(|| tracing::trace!(only = "fields"));
        });
        String::from_utf8(kept.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn lines_are_those_of_the_library() {
        for is_coloured in [false, true] {
            let (own, library) = (logged(is_coloured, true), logged(is_coloured, false));
            assert_eq!(own, library);
            assert_eq!(own.lines().count(), 5, "{own}");
        }
    }
}
