//! The lines of the log on their way to standard error.
//!
//! A line for every request would cost every request a system call, and whoever reads slowly, or not at all, would
//! hold up the server. So a thread of its own writes what has gathered, a few milliseconds later. A line that warns
//! is written before whoever wrote it goes on, and so is everything before it. Where lines come faster than they
//! are read, those that do not fit are counted and left out.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// So much gathers at most.
const ROOM: usize = 1 << 20;
/// A buffer larger than this is given back when it has been written.
const KEPT: usize = 128 * 1024;
/// How long lines gather.
const GATHERING: Duration = Duration::from_millis(10);

/// Takes lines. Clones share what has gathered.
pub struct Lines<W>(Arc<Shared<W>>);

impl<W> Clone for Lines<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Shared<W> {
    gathered: Mutex<Gathered>,
    /// Something has gathered, or it is over.
    filled: Condvar,
    /// Held while something is written, so that lines keep their order.
    out: Mutex<Out<W>>,
}

struct Out<W> {
    to: W,
    /// Empty: lines gather here while those before them are written.
    spare: Vec<u8>,
}

#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    left_out: u64,
    is_over: bool,
}

/// The thread that writes. Dropping it writes what is left.
pub struct Writing<W: Write + Send + 'static> {
    lines: Lines<W>,
    thread: Option<JoinHandle<()>>,
}

impl<W: Write + Send + 'static> Lines<W> {
    /// Begins to write to `out`.
    pub fn begin(out: W) -> io::Result<Writing<W>> {
        let shared = Shared {
            gathered: Mutex::default(),
            filled: Condvar::new(),
            out: Mutex::new(Out { to: out, spare: Vec::new() }),
        };
        let lines = Self(Arc::new(shared));
        let of_thread = lines.clone();
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || of_thread.serve())?;
        Ok(Writing { lines, thread: Some(thread) })
    }

    fn serve(&self) {
        loop {
            let mut gathered = self.gathered();
            while gathered.is_empty() && !gathered.is_over {
                gathered = self.0.filled.wait(gathered).unwrap_or_else(PoisonError::into_inner);
            }
            if gathered.is_over {
                return;
            }
            drop(gathered);
            thread::sleep(GATHERING);
            self.write();
        }
    }

    /// Writes what has gathered.
    fn write(&self) {
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        let Out { to, spare: bytes } = &mut *out;
        let left_out = {
            let mut gathered = self.gathered();
            std::mem::swap(&mut gathered.bytes, bytes);
            std::mem::take(&mut gathered.left_out)
        };
        // Nobody can be told that the log cannot be written.
        let _ = to.write_all(bytes);
        bytes.clear();
        if bytes.capacity() > KEPT {
            *bytes = Vec::new();
        }
        if left_out > 0 {
            let _ = writeln!(to, "{left_out} lines were left out: they are read too slowly");
        }
        let _ = to.flush();
    }

    fn add(&self, line: &[u8]) {
        let mut gathered = self.gathered();
        if gathered.bytes.len() + line.len() > ROOM {
            gathered.left_out += 1;
            return;
        }
        let was_empty = gathered.is_empty();
        gathered.bytes.extend_from_slice(line);
        drop(gathered);
        // Whoever writes is awake otherwise.
        if was_empty {
            self.0.filled.notify_one();
        }
    }

    /// Nothing under this lock can panic halfway, so a poisoned one is still whole.
    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.0.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gathered {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.left_out == 0
    }
}

impl<W: Write + Send + 'static> Writing<W> {
    /// Where lines are put.
    pub fn lines(&self) -> Lines<W> {
        self.lines.clone()
    }
}

impl<W: Write + Send + 'static> Drop for Writing<W> {
    fn drop(&mut self) {
        self.lines.gathered().is_over = true;
        self.lines.0.filled.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.lines.write();
    }
}

/// One line.
pub struct Line<'a, W: Write + Send + 'static> {
    lines: &'a Lines<W>,
    is_urgent: bool,
}

impl<'a, W: Write + Send + 'static> MakeWriter<'a> for Lines<W> {
    type Writer = Line<'a, W>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { lines: self, is_urgent: false }
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Self::Writer {
        Line { lines: self, is_urgent: *of.level() <= Level::WARN }
    }
}

impl<W: Write + Send + 'static> Write for Line<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line);
        if self.is_urgent {
            self.lines.write();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was written so far, and a gate that holds whoever writes.
    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl Out {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn put(lines: &Lines<Out>, is_urgent: bool, text: &str) {
        Line { lines, is_urgent }.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn lines_keep_their_order_and_none_is_lost_at_the_end() {
        let out = Out::default();
        let writing = Lines::begin(out.clone()).unwrap();
        let expected: Vec<_> = (0..10_000).map(|number| format!("line {number}\n")).collect();
        for line in &expected {
            put(&writing.lines(), false, line);
        }
        drop(writing);
        assert_eq!(out.text(), expected.concat());
    }

    #[test]
    fn a_warning_is_there_at_once_behind_what_came_before_it() {
        let out = Out::default();
        let writing = Lines::begin(out.clone()).unwrap();
        put(&writing.lines(), false, "before\n");
        put(&writing.lines(), true, "warning\n");
        assert_eq!(out.text(), "before\nwarning\n");
    }

    #[test]
    fn where_nobody_reads_nobody_waits_and_what_is_left_out_is_counted() {
        let out = Out::default();
        let writing = Lines::begin(out.clone()).unwrap();
        let held = out.0.lock().unwrap();
        let line = "x".repeat(1023) + "\n";
        for _ in 0..4096 {
            put(&writing.lines(), false, &line);
        }
        drop(held);
        drop(writing);
        let text = out.text();
        let told: Vec<_> = text
            .lines()
            .filter(|line| line.ends_with("lines were left out: they are read too slowly"))
            .collect();
        let left_out: usize =
            told.iter().map(|line| line.split(' ').next().unwrap().parse::<usize>().unwrap()).sum();
        assert_eq!(text.lines().count() - told.len() + left_out, 4096);
        assert!(left_out >= 4096 - 2 * ROOM / 1024, "{left_out}");
    }
}
