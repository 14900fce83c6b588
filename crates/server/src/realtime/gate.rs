//! A socket that gives only so much until somebody has been let in, so that strangers fill no memory.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The socket behind it is read from until the toll is used up.
pub struct Gate<S> {
    socket: S,
    /// Bytes that may still come; none where everything may.
    left: Option<usize>,
}

impl<S> Gate<S> {
    /// Lets `bytes` come, with a buffer's length more or less.
    pub fn new(socket: S, bytes: usize) -> Self {
        Self { socket, left: Some(bytes) }
    }

    /// Lets everything come from here on.
    pub fn open(&mut self) {
        self.left = None;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == Some(0) {
            return Poll::Ready(Err(io::Error::other("too much before anybody was let in")));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        let count = buffer.filled().len() - before;
        self.left = self.left.map(|left| left.saturating_sub(count));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
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
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn it_gives_so_much_and_then_everything() {
        let socket = &[7_u8; 100][..];
        let (mut gate, mut buffer) = (Gate::new(socket, 40), [0; 20]);
        for _ in 0..2 {
            assert_eq!(gate.read(&mut buffer).await.expect("it may come"), 20);
        }
        assert!(gate.read(&mut buffer).await.is_err());
        gate.open();
        assert_eq!(gate.read_to_end(&mut Vec::new()).await.expect("everything may"), 60);
    }
}
