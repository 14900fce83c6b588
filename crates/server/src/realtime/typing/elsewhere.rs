//! Typing across nodes: where others share the store, it is written down for their clients, and what they have written
//! is looked for with every look at what no commit of this server has told. Alone, nothing is written or read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use conversations::typings::{self, Typing};
use conversations::{Conversation, Participant};
use store::{Roots, StoreError};
use wire::{Sid, Timestamp};

use super::frame_of;
use crate::app::App;
use crate::stopwatch;

/// A client says it again after five seconds. Who says it more often is written down no more often for it.
const WRITTEN_EVERY: Duration = Duration::from_secs(4);
/// Of so many it is looked who typed long ago.
const TYPISTS: usize = 1024;

/// Who was written down when, by this node.
#[derive(Default)]
pub struct Typists(Mutex<HashMap<Sid<Participant>, Instant>>);

impl Typists {
    /// Whether it is time to write somebody down, which is then taken for done.
    fn is_time(&self, participant: Sid<Participant>, now: Instant) -> bool {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < WRITTEN_EVERY;
        if written.get(&participant).is_some_and(is_recent) {
            return false;
        }
        if written.len() >= TYPISTS {
            written.retain(|_, at| is_recent(at));
        }
        written.insert(participant, now);
        true
    }
}

/// Writes down that somebody types. It may be lost: then it is said again.
pub async fn tell(app: &App, typing: Typing) {
    if !app.presence.has_others() || !app.typists.is_time(typing.participant_sid, stopwatch::start()) {
        return;
    }
    let node = app.presence.node();
    let write = move |tx: &mut store::Tx<'_>| typings::say(tx, node, &typing);
    if let Err(error) = app.store.write_behind::<_, StoreError>(Roots::none(), write).await {
        tracing::debug!("nobody elsewhere is told who types: {error:?}");
    }
}

/// What was heard from other nodes last, each with when it was said.
#[derive(Default)]
pub struct Heard(HashMap<(Sid<Conversation>, Sid<Participant>), Timestamp>);

impl Heard {
    /// What is new among this, which is all that there is.
    fn news(&mut self, all: Vec<(Typing, Timestamp)>) -> Vec<Typing> {
        let mut present = HashMap::with_capacity(all.len());
        let mut news = Vec::new();
        for (typing, said_at) in all {
            let key = (typing.conversation_sid, typing.participant_sid);
            present.insert(key, said_at);
            if self.0.get(&key) != Some(&said_at) {
                news.push(typing);
            }
        }
        self.0 = present;
        news
    }

    /// Tells the clients of this node who types elsewhere, each time that it was said once.
    pub async fn listen(&mut self, app: &Arc<App>) {
        if !app.presence.has_others() || !app.hub.has_listeners() {
            return;
        }
        let node = app.presence.node();
        match app.store.read(move |tx| typings::elsewhere(tx, node)).await {
            Ok(all) => {
                for Typing { conversation_sid, participant_sid, chat_service_sid, identity } in self.news(all)
                {
                    let frame = frame_of(&identity, (conversation_sid, participant_sid));
                    app.hub.typing((chat_service_sid, conversation_sid), &identity, frame);
                }
            }
            Err(error) if error.is_busy() => {}
            Err(error) => tracing::error!("failed to look who types elsewhere: {error:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typing(participant: u8, at: i64) -> (Typing, Timestamp) {
        let typing = Typing {
            conversation_sid: Sid::from_bytes([1; 16]),
            participant_sid: Sid::from_bytes([participant; 16]),
            chat_service_sid: Sid::from_bytes([3; 16]),
            identity: "alice".to_owned(),
        };
        (typing, Timestamp::from_micros(at))
    }

    #[test]
    fn a_typist_is_written_down_every_few_seconds() {
        let (typists, began) = (Typists::default(), stopwatch::start());
        let (alice, bob) = (Sid::from_bytes([1; 16]), Sid::from_bytes([2; 16]));
        let at = |seconds: u64| began + Duration::from_secs(seconds);
        assert!(typists.is_time(alice, at(0)) && typists.is_time(bob, at(1)));
        assert!(!typists.is_time(alice, at(3)));
        assert!(typists.is_time(alice, at(5)) && !typists.is_time(alice, at(8)));
        for number in 0..10_000_u32 {
            let mut sid = [9; 16];
            sid[..4].copy_from_slice(&number.to_be_bytes());
            typists.is_time(Sid::from_bytes(sid), at(u64::from(number)));
        }
        assert!(typists.0.lock().expect("nothing panics").len() <= TYPISTS);
    }

    #[test]
    fn what_was_heard_is_told_once() {
        let mut heard = Heard::default();
        assert_eq!(heard.news(vec![typing(1, 7), typing(2, 7)]).len(), 2);
        assert_eq!(heard.news(vec![typing(1, 7), typing(2, 8)]), [typing(2, 8).0]);
        assert!(heard.news(Vec::new()).is_empty());
        assert!(heard.0.is_empty());
    }
}
