//! A socket that waits so long, and no longer, for the other end to take something of what is written.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Fails with `TimedOut` when nothing was taken for the time.
pub struct Patient<S> {
    socket: S,
    patience: Duration,
    /// Runs while the other end takes nothing.
    waited: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub fn new(socket: S, patience: Duration) -> Self {
        Self { socket, patience, waited: None }
    }

    pub fn into_inner(self) -> S {
        self.socket
    }

    fn judge(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waited = None;
            return written;
        }
        let waited = self.waited.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        ready!(waited.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the caller does not take its answer")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, parts);
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn who_takes_what_it_is_sent_is_served_and_who_takes_nothing_is_not() {
        let (ours, mut theirs) = duplex(10);
        let mut socket = Patient::new(ours, Duration::from_hours(1));
        let mut taken = [0; 60];
        let (sent, read) = tokio::join!(socket.write_all(&[1; 60]), theirs.read_exact(&mut taken));
        assert!(sent.is_ok() && read.is_ok());
        let (ours, _theirs) = duplex(10);
        let mut socket = Patient::new(ours, Duration::from_millis(1));
        let failure = socket.write_all(&[1; 11]).await.expect_err("nobody takes it");
        assert_eq!(failure.kind(), io::ErrorKind::TimedOut);
    }
}
