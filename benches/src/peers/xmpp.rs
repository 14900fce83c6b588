//! As much of an XMPP client as it takes to write into a room and to see one's message come back: an account made in
//! band (XEP-0077), SASL PLAIN, a resource, a room (XEP-0045), its archive's count (XEP-0313). No TLS: it is for
//! servers of this machine.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The host whose users these are; its rooms are below `rooms.`.
pub const HOST: &str = "localhost";

/// Somebody who is in a room.
pub struct Client {
    stream: TcpStream,
    stanzas: Stanzas,
    room: String,
}

/// Tells the elements of a stream apart. What a stream begins with (its declaration and its own opening tag) is left
/// out; comments and entities of one's own are forbidden in XMPP.
#[derive(Default)]
struct Stanzas {
    /// What came and was not taken.
    text: Vec<u8>,
    /// So much of it was looked at.
    seen: usize,
    /// Tags that are open there.
    depth: usize,
}

impl Client {
    /// Connects, makes the account and enters a room, which it makes where it is the first.
    pub async fn enter(address: SocketAddr, name: &str, room: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream, stanzas: Stanzas::default(), room: format!("{room}@rooms.{HOST}") };
        client.open().await?;
        client
            .ask(
                "register",
                &format!(
                    "<query xmlns='jabber:iq:register'><username>{name}</username><password>secret</password></query>"
                ),
            )
            .await?;
        let credentials = BASE64_STANDARD.encode(format!("\0{name}\0secret"));
        client
            .send(&format!(
                "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{credentials}</auth>"
            ))
            .await?;
        let answer = client.next().await?;
        ensure!(answer.starts_with("<success"), "{name} was not let in: {answer}");
        client.open().await?;
        client.ask("bind", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>").await?;
        let presence = format!(
            "<presence to='{}/{name}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>",
            client.room
        );
        client.send(&presence).await?;
        // The last that is told of a room is its subject.
        while !client.next().await?.contains("<subject") {}
        Ok(client)
    }

    /// Writes into the room, and waits until the room tells of it.
    pub async fn say(&mut self, id: &str, body: &str) -> anyhow::Result<()> {
        let message =
            format!("<message to='{}' type='groupchat' id='{id}'><body>{body}</body></message>", self.room);
        self.send(&message).await?;
        loop {
            let stanza = self.next().await?;
            if stanza.starts_with("<message") && attribute(&stanza, "id") == Some(id) {
                return Ok(());
            }
        }
    }

    /// How many messages the room's archive holds.
    pub async fn archived(&mut self) -> anyhow::Result<usize> {
        let query = "<query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>1</max></set></query>";
        let to = format!(" to='{}'", self.room);
        self.send(&format!("<iq type='set' id='archive'{to}>{query}</iq>")).await?;
        let answer = self.answer("archive").await?;
        let count = answer.split_once("<count>").and_then(|(_, rest)| rest.split_once("</count>"));
        count.with_context(|| format!("an archive tells its count: {answer}"))?.0.parse().context("a number")
    }

    /// Begins a stream, and waits for what it offers.
    async fn open(&mut self) -> anyhow::Result<()> {
        self.send(&format!(
            "<?xml version='1.0'?><stream:stream to='{HOST}' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
        ))
        .await?;
        let features = self.next().await?;
        ensure!(features.starts_with("<stream:features"), "a stream offers what it can: {features}");
        Ok(())
    }

    /// Asks the server, and waits for its answer, which must be a result.
    async fn ask(&mut self, id: &str, query: &str) -> anyhow::Result<()> {
        self.send(&format!("<iq type='set' id='{id}'>{query}</iq>")).await?;
        self.answer(id).await.map(|_| ())
    }

    async fn answer(&mut self, id: &str) -> anyhow::Result<String> {
        loop {
            let stanza = self.next().await?;
            if stanza.starts_with("<iq") && attribute(&stanza, "id") == Some(id) {
                return Ok(stanza);
            }
        }
    }

    async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.stream.write_all(text.as_bytes()).await?)
    }

    /// The next stanza. One that tells of an error is an error.
    async fn next(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(stanza) = self.stanzas.take()? {
                let is_refused =
                    attribute(&stanza, "type") == Some("error") || stanza.starts_with("<stream:error");
                ensure!(!is_refused, "the server refuses: {stanza}");
                return Ok(stanza);
            }
            if self.stream.read_buf(&mut self.stanzas.text).await? == 0 {
                bail!("the server has closed the stream");
            }
        }
    }
}

impl Stanzas {
    /// The next stanza that is whole.
    fn take(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            let Some(begin) = memchr::memchr(b'<', &self.text[self.seen..]).map(|at| self.seen + at) else {
                return Ok(None);
            };
            let Some(end) = end_of_tag(&self.text[begin..]).map(|length| begin + length) else {
                return Ok(None);
            };
            let tag = &self.text[begin..end];
            ensure!(!tag.starts_with(b"</stream:stream"), "the server ends the stream");
            let is_frame = tag.starts_with(b"<?") || tag.starts_with(b"<stream:stream");
            if is_frame {
                self.text.drain(..end);
                self.seen = 0;
                continue;
            }
            if tag.starts_with(b"</") {
                self.depth = self.depth.saturating_sub(1);
            } else if !tag.ends_with(b"/>") {
                self.depth += 1;
            }
            self.seen = end;
            if self.depth == 0 {
                let stanza: Vec<u8> = self.text.drain(..end).collect();
                self.seen = 0;
                return Ok(Some(String::from_utf8(stanza)?.trim_start().to_owned()));
            }
        }
    }
}

/// The length of the tag that the text begins with, where it is whole. A value may hold what otherwise ends it.
fn end_of_tag(text: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.iter().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'\'' | b'"') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// An attribute of the first tag of a stanza, as it is written.
fn attribute<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    let tag = &stanza[..end_of_tag(stanza.as_bytes())?];
    [('\'', format!(" {name}='")), ('"', format!(" {name}=\""))].into_iter().find_map(|(quote, begin)| {
        let (_, rest) = tag.split_once(&begin)?;
        rest.split_once(quote).map(|(value, _)| value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "<?xml version='1.0'?><stream:stream id='1' xmlns='jabber:client'>\
         <stream:features><a/><b>x</b></stream:features>\n<message id=\"m>1\" type='groupchat'><body>1 &gt; 0</body>\
         </message><presence/>";

    #[test]
    fn stanzas_are_told_apart_however_they_come() {
        for size in [1, 7, STREAM.len()] {
            let (mut stanzas, mut told) = (Stanzas::default(), Vec::new());
            for chunk in STREAM.as_bytes().chunks(size) {
                stanzas.text.extend(chunk);
                while let Some(stanza) = stanzas.take().unwrap() {
                    told.push(stanza);
                }
            }
            assert_eq!(told.len(), 3, "{told:?}");
            assert_eq!(told[0], "<stream:features><a/><b>x</b></stream:features>");
            assert_eq!(attribute(&told[1], "id"), Some("m>1"));
            assert_eq!(attribute(&told[1], "type"), Some("groupchat"));
            assert_eq!(told[2], "<presence/>");
        }
    }

    #[test]
    fn the_end_of_a_stream_is_an_error() {
        let mut stanzas = Stanzas::default();
        stanzas.text.extend(b"</stream:stream>");
        assert!(stanzas.take().is_err());
    }
}
