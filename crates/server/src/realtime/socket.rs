//! A client's WebSocket: what comes is read by tungstenite, what goes is written here.
//!
//! Frames leave from where they lie, which may be where others send them from too: copied into a buffer of the
//! connection's own, each would leave the room of its longest frame behind. Those that wait together leave together.
//! A frame that has left in part is in the way of everything else, of pongs too, until the rest of it has left.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use super::connection::End;
use super::frame::MAX_FRAME;
use super::gate::Gate;
use crate::app::App;

/// Bytes that are read at a time. Less would be slow to fill, and more is memory of everybody who is silent.
const READ: usize = 1024;
/// Frames that leave at a time.
const TOGETHER: usize = 16;
/// The longest head of a message that is not masked.
const HEAD: usize = 10;

/// One end of it.
pub struct Socket<S> {
    stream: WebSocketStream<Gate<S>>,
    leaving: VecDeque<Leaving>,
    /// Bytes of the first that have left.
    gone: usize,
}

/// A message that is to leave.
enum Leaving {
    Frame(Bytes),
    Ping,
}

impl Leaving {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Frame(frame) => frame,
            Self::Ping => &[],
        }
    }

    /// RFC 6455, 5.2: whole messages, which servers do not mask.
    fn head(&self) -> ([u8; HEAD], usize) {
        let length = self.bytes().len();
        let mut head = [0; HEAD];
        head[0] = match self {
            Self::Frame(_) => 0x82,
            Self::Ping => 0x89,
        };
        let used = match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length @ ..126), _) => {
                head[1] = length;
                2
            }
            (_, Ok(length)) => {
                head[1] = 126;
                head[2..4].copy_from_slice(&length.to_be_bytes());
                4
            }
            _ => {
                head[1] = 127;
                head[2..10].copy_from_slice(&(length as u64).to_be_bytes());
                10
            }
        };
        (head, used)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// The server's end of one whose handshake is done. `part` came behind it.
    pub async fn new(gate: Gate<S>, part: Vec<u8>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_FRAME))
            .max_frame_size(Some(MAX_FRAME));
        let stream = WebSocketStream::from_partially_read(gate, part, Role::Server, Some(config)).await;
        Self { stream, leaving: VecDeque::new(), gone: 0 }
    }

    /// Whoever it is may send as much as it likes.
    pub fn open(&mut self) {
        self.stream.get_mut().open();
    }

    /// What comes next. Pings are answered below.
    pub async fn next(&mut self) -> Option<tungstenite::Result<Message>> {
        self.stream.next().await
    }

    /// Leaves a frame to be sent, behind the others.
    pub fn push(&mut self, frame: Bytes) {
        self.leaving.push_back(Leaving::Frame(frame));
    }

    /// Leaves a ping to be sent.
    pub fn push_ping(&mut self) {
        self.leaving.push_back(Leaving::Ping);
    }

    /// Whether something waits to be sent.
    pub fn is_leaving(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Sends what is left here to be sent, to somebody who takes it in time.
    pub async fn flush(&mut self, app: &App) -> Result<(), End> {
        while !self.leaving.is_empty() {
            let some = poll_fn(|context| self.poll_some(context));
            match timeout(app.settings.realtime.write_time, some).await {
                Ok(Ok(frames)) => app.metrics.realtime_frames_out.inc_by(frames),
                Ok(Err(_)) => return Err(End::Gone),
                Err(_) => return Err(End::Slow),
            };
        }
        self.leaving = VecDeque::new();
        Ok(())
    }

    /// Sends until a message or some have left. Answers how many of them are frames.
    fn poll_some(&mut self, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        if self.gone == 0 {
            // Pongs.
            ready!(Pin::new(&mut self.stream).poll_flush(context)).map_err(io::Error::other)?;
        }
        loop {
            let written = ready!(self.poll_write(context))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.gone += written;
            let mut frames = None;
            while let Some(first) = self.leaving.front() {
                let length = first.head().1 + first.bytes().len();
                if self.gone < length {
                    break;
                }
                self.gone -= length;
                *frames.get_or_insert(0) += u64::from(matches!(first, Leaving::Frame(_)));
                self.leaving.pop_front();
            }
            if let Some(frames) = frames {
                return Poll::Ready(Ok(frames));
            }
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut heads = [([0; HEAD], 0); TOGETHER];
        for (head, leaving) in heads.iter_mut().zip(&self.leaving) {
            *head = leaving.head();
        }
        let mut slices = [IoSlice::new(&[]); 2 * TOGETHER];
        let count = 2 * self.leaving.len().min(TOGETHER);
        for (pair, ((head, length), leaving)) in slices.chunks_mut(2).zip(heads.iter().zip(&self.leaving)) {
            pair.copy_from_slice(&[IoSlice::new(&head[..*length]), IoSlice::new(leaving.bytes())]);
        }
        let mut slices = &mut slices[..count];
        IoSlice::advance_slices(&mut slices, self.gone);
        Pin::new(self.stream.get_mut()).poll_write_vectored(context, slices)
    }

    /// Closes, and takes in what is still sent: closed with unread bytes, the connection would be reset, and what was
    /// told lost.
    pub async fn leave(&mut self, farewell: Option<CloseFrame>) {
        if farewell.is_some() && self.stream.close(farewell).await.is_err() {
            return;
        }
        while let Some(Ok(_)) = self.stream.next().await {}
        let mut buffer = [0; 1024];
        while matches!(self.stream.get_mut().read(&mut buffer).await, Ok(1..)) {}
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn messages_of_every_length_come_whole_however_little_is_taken_at_a_time() {
        let (ours, theirs) = tokio::io::duplex(97);
        let mut socket = Socket::new(Gate::new(ours, usize::MAX), Vec::new()).await;
        let mut frames = Vec::new();
        for length in [300, 0, 1, 125, 126, 65_535, 65_536, 70_000].into_iter().chain([2; 40]) {
            let frame = Bytes::from(vec![b'x'; length]);
            socket.push(frame.clone());
            socket.push_ping();
            frames.push(frame);
        }
        let first = poll_fn(|context| socket.poll_some(context)).now_or_never();
        assert!(first.is_none() && socket.gone > 0, "whoever waited for it has left it in the middle");
        let sending = async {
            let mut sent = 0;
            while socket.is_leaving() {
                sent += poll_fn(|context| socket.poll_some(context)).await.expect("it is taken");
            }
            sent
        };
        let taking = async {
            let mut client = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
            let (mut came, mut pings) = (Vec::new(), 0);
            while pings < frames.len() {
                match client.next().await {
                    Some(Ok(Message::Binary(frame))) => came.push(frame),
                    Some(Ok(Message::Ping(_))) => pings += 1,
                    other => panic!("there are frames and pings: {other:?}"),
                }
            }
            came
        };
        let (sent, came) = tokio::join!(sending, taking);
        assert_eq!(sent, frames.len() as u64);
        assert!(came == frames);
    }
}
