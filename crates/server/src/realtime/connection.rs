//! A connection, from the handshake to the farewell: who is let in goes on as a [`Session`].

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use conversations::Client;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::task::TaskTracker;

use super::door::Tunnel;
use super::frame::{self, BadFrame, Frame, MAX_HEADER, Status};
use super::gate::Gate;
use super::session::Session;
use super::socket;
use super::{Connected, Outbox, presence, sign_in};
use crate::app::App;
use crate::listen::Stops;
use crate::web::access_token::Granted;
use crate::web::edge::Counted;

/// Notifications that wait for one client.
const NOTIFICATIONS: usize = 8192;
/// What somebody may send before it is let in: a frame with a token.
const UNKNOWN: usize = MAX_HEADER + 4096;

pub type Socket = socket::Socket<TcpStream>;

/// Why a connection ends.
pub enum End {
    /// The other end is not there any more, or nothing can be sent to it.
    Gone,
    /// It has said that it goes, or was told to: it closes the socket.
    Farewell,
    /// It reads too slowly.
    Slow,
    /// It sends what cannot be read, or at the wrong time.
    Broken(CloseCode, &'static str),
    /// The server stops.
    Stopped,
}

/// Serves a connection whose handshake is done, until it ends. `read` came behind the handshake.
pub async fn serve(tunnel: Tunnel, (stream, read): (TcpStream, Bytes), (tasks, stops): (TaskTracker, Stops)) {
    let (app, stop) = (tunnel.app, stops.soft.clone());
    let _counted = Counted::new(&app.metrics.realtime_connections);
    let gate = Gate::new(stream, UNKNOWN);
    let part = read.to_vec();
    // Some bytes of the buffer of a whole head of HTTP.
    drop(read);
    // Each on the heap for as long as it is needed: clients stay for hours in between.
    let mut socket = Box::new(Box::pin(Socket::new(gate, part)).await);
    let entering = Box::pin(enter(&app, &tunnel.base_url, &mut socket));
    let end = match stop.run_until_cancelled(entering).await {
        Some(Ok(entered)) => {
            socket.open();
            let mut session = Box::new(Session::new(&app, socket, *entered, (tasks.clone(), stops)));
            let _presence = Presence::begin(&app, &session.connected, &tasks);
            let end = session.run().await;
            socket = session.socket;
            end
        }
        Some(Err(end)) => end,
        None => End::Stopped,
    };
    stop.run_until_cancelled(Box::pin(finish(&app, socket, end))).await;
}

/// A client that has been let in, for as long as this lives: it ends in every case.
struct Presence {
    app: Arc<App>,
    connected: Arc<Connected>,
    tasks: TaskTracker,
}

impl Presence {
    /// The client is here.
    fn begin(app: &Arc<App>, connected: &Arc<Connected>, tasks: &TaskTracker) -> Self {
        let Connected { number, account_sid, service_sid, client, .. } = &**connected;
        tracing::debug!(number, %account_sid, %service_sid, user_sid = %client.user_sid, "a client is here");
        app.metrics.realtime_clients.inc();
        app.hub.arrived(connected);
        presence::arrived(app, connected, tasks);
        Self { app: Arc::clone(app), connected: Arc::clone(connected), tasks: tasks.clone() }
    }
}

impl Drop for Presence {
    /// The client is gone. A request of its that still runs begins nothing any more.
    fn drop(&mut self) {
        self.connected.outbox.cut();
        self.app.hub.left(&self.connected);
        presence::left(&self.app, &self.connected, &self.tasks);
        self.app.metrics.realtime_clients.dec();
        tracing::debug!(number = self.connected.number, "a client is gone");
    }
}

/// Who has been let in, with what belongs to the connection.
pub struct Entered {
    pub granted: Granted,
    pub connected: Connected,
    pub token: String,
}

/// Waits for the first frame and judges what it says.
async fn enter(app: &Arc<App>, base_url: &Arc<str>, socket: &mut Socket) -> Result<Box<Entered>, End> {
    let init = async {
        let bytes = next(app, socket).await?;
        let Frame { header, .. } = Frame::parse(&bytes).map_err(broken)?;
        if header.method != "init" {
            return Err(End::Broken(CloseCode::Policy, "init comes first"));
        }
        Ok((header.id.clone().into_owned(), header.token()))
    };
    let init = timeout(app.settings.realtime.init_time, init).await;
    let (id, token) = init.map_err(|_| End::Broken(CloseCode::Policy, "init did not come"))??;
    let token = token.unwrap_or_default();
    let (granted, user_sid) = match sign_in::enter(app, base_url, &token).await {
        Ok(entered) => entered,
        Err(failure) => {
            let problem = sign_in::told(failure);
            let refusal = frame::acknowledgement(&id, Status::refused(&problem));
            socket.push(refusal);
            socket.flush(app).await?;
            return Err(End::Farewell);
        }
    };
    let number = app.clients.fetch_add(1, Ordering::Relaxed) + 1;
    let connected = Connected {
        number,
        account_sid: granted.account_sid,
        service_sid: granted.service_sid,
        client: Arc::new(Client { identity: granted.identity.clone(), user_sid }),
        owned: Arc::clone(&granted.owned),
        is_streamed: granted.is_streamed,
        push_credential_sid: granted.push_credential_sid,
        base_url: Arc::clone(base_url),
        outbox: Outbox::new(NOTIFICATIONS),
    };
    socket.push(frame::welcome(&id, &number.to_string()));
    socket.flush(app).await?;
    // On the heap: the task would keep room for it.
    Ok(Box::new(Entered { granted, connected, token }))
}

/// The next frame's bytes. Pings are answered below.
async fn next(app: &App, socket: &mut Socket) -> Result<Bytes, End> {
    loop {
        if let Some(frame) = binary(socket.next().await)? {
            app.metrics.realtime_frames_in.inc();
            return Ok(frame);
        }
    }
}

/// A frame's bytes, where this is one.
pub fn binary(message: Option<tungstenite::Result<Message>>) -> Result<Option<Bytes>, End> {
    use tungstenite::Error::{Capacity, Protocol, Utf8};
    match message {
        Some(Ok(Message::Binary(bytes))) => Ok(Some(bytes)),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Ok(Message::Text(_))) => Err(End::Broken(CloseCode::Unsupported, "frames are binary")),
        Some(Ok(Message::Close(_))) => Err(End::Farewell),
        Some(Err(Capacity(_))) => Err(End::Broken(CloseCode::Size, "the frame is too long")),
        Some(Err(Utf8(_))) => Err(End::Broken(CloseCode::Invalid, "this is no text")),
        Some(Err(Protocol(_))) => Err(End::Broken(CloseCode::Protocol, "this is no WebSocket")),
        Some(Err(_)) | None => Err(End::Gone),
    }
}

pub fn broken(BadFrame(reason): BadFrame) -> End {
    End::Broken(CloseCode::Protocol, reason)
}

/// Takes leave, where there is somebody to take leave of.
async fn finish(app: &App, mut socket: Box<Socket>, end: End) {
    let farewell = match end {
        End::Gone | End::Stopped => return,
        End::Slow => {
            app.metrics.realtime_cut.inc();
            return;
        }
        End::Farewell => None,
        End::Broken(code, reason) => Some(CloseFrame { code, reason: reason.into() }),
    };
    let _ = timeout(app.settings.realtime.farewell_time, socket.leave(farewell)).await;
}
