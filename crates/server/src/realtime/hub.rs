//! Who listens to what, and what they are told.
//!
//! Clients subscribe to objects ([`SyncObject`]), each a view of what hangs on one root. When a commit has touched a
//! root that somebody listens to, what lies after the position that was shown last is read, once for all who listen,
//! and goes to each of them. Nothing is kept of what was told: whoever comes back says how far it has seen, and is
//! told what has changed since, by the same reading. Should a touch be lost, or come from another node, the positions
//! of all roots that are listened to are looked at every few seconds.
//!
//! Roots are spread over a few shards. A shard does one thing after the other ([`pump`]), and reads what is live and
//! what somebody has missed in one snapshot, so that between the two nothing is left out and nothing told twice.

mod heal;
mod listeners;
mod pump;
mod told;

use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use conversations::sync::SyncObject;
use conversations::{Conversation, Service, User};
use serde_json::Number;
use store::{Listener, Root};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use wire::{Problem, Sid};

use self::listeners::Listeners;
use super::connected::Connected;
use crate::pressure::Frames;

pub use heal::heal;
pub use pump::{pump, tell};

/// Each reads for itself; more than there are cores do not help.
const SHARDS: usize = 4;
/// What may wait to be asked of one. Some kilobytes each.
const ASKED: usize = 8192;

/// Everything that is listened to on this server.
pub struct Hub {
    shards: [Arc<Shard>; SHARDS],
}

/// A part of the roots, and what is to be done with them.
#[derive(Default)]
pub struct Shard {
    inbox: Mutex<Inbox>,
    wake: Notify,
    /// Something was taken out of the inbox.
    taken: Notify,
    /// What waits for clients, of all shards.
    frames: Arc<Frames>,
    /// Whoever does a step holds it until all have been told.
    listeners: AsyncMutex<Listeners>,
}

#[derive(Default)]
struct Inbox {
    /// How many listen to a root or are about to. What happens to others is nobody's business.
    listened: HashMap<Root, Interest>,
    dirty: HashSet<Root>,
    asked: VecDeque<Asked>,
}

/// How many listen to a root or want to, whether they may or not, and up to where those who may were told.
#[derive(Clone, Copy, Default)]
struct Interest {
    count: usize,
    told: Option<(Of, i64)>,
}

/// What a root is the root of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    Conversation(Sid<Service>, Sid<Conversation>),
    User(Sid<Service>, Sid<User>),
}

/// What is asked of a shard, in order.
enum Asked {
    Subscribe(Wanted),
    Cancel {
        by: Arc<Connected>,
        correlation_id: Number,
        objects: Vec<SyncObject>,
    },
    /// Whatever it opens, a client is bound to its user, and goes with it.
    Watch(Arc<Connected>),
    Gone {
        number: u64,
    },
    /// For all who see who takes part, but those who are called so.
    Typing {
        service: Sid<Service>,
        conversation: Sid<Conversation>,
        identity: String,
        frame: Bytes,
    },
}

/// Somebody wants to listen to these objects, from what it has seen of each.
struct Wanted {
    by: Arc<Connected>,
    correlation_id: Number,
    objects: Vec<(SyncObject, i64)>,
}

impl Of {
    fn object(service: Sid<Service>, object: &SyncObject) -> Self {
        match *object {
            SyncObject::Conversation(sid) | SyncObject::Messages(sid) | SyncObject::Roster(sid) => {
                Self::Conversation(service, sid)
            }
            SyncObject::MyConversations(sid) | SyncObject::UserInfo(sid) => Self::User(service, sid),
        }
    }

    fn own(connected: &Connected) -> Self {
        Self::User(connected.service_sid, connected.client.user_sid)
    }

    fn root(self) -> Root {
        match self {
            Self::Conversation(_, sid) => Conversation::root(sid),
            Self::User(_, sid) => User::root(sid),
        }
    }
}

impl Default for Hub {
    fn default() -> Self {
        let frames = Arc::<Frames>::default();
        let shard = |_| Arc::new(Shard { frames: Arc::clone(&frames), ..Shard::default() });
        Self { shards: std::array::from_fn(shard) }
    }
}

impl Hub {
    /// The parts, each for a task that pumps.
    pub fn shards(&self) -> impl Iterator<Item = &Arc<Shard>> {
        self.shards.iter()
    }

    /// Somebody has connected.
    pub fn arrived(&self, connected: &Arc<Connected>) {
        let own = Of::own(connected).root();
        self.of(own).ask(&[own], Asked::Watch(Arc::clone(connected)));
    }

    /// Somebody's connection is over. All that it has subscribed to ends.
    pub fn left(&self, connected: &Connected) {
        for shard in &self.shards {
            shard.ask(&[], Asked::Gone { number: connected.number });
        }
    }

    /// Waits until it can be asked for more. Meanwhile whoever wants to ask reads nothing from its socket.
    pub async fn room(&self) {
        for shard in &self.shards {
            loop {
                let mut taken = pin!(shard.taken.notified());
                // What is taken from here on is heard of.
                taken.as_mut().enable();
                if shard.inbox().asked.len() < ASKED {
                    break;
                }
                taken.await;
            }
        }
    }

    /// Subscribes to objects, from the id of the last event that was seen of each. What comes of it is told
    /// through the connection, under the correlation id: first what was missed, then that it is established.
    pub fn subscribe(&self, by: &Arc<Connected>, correlation_id: &Number, objects: Vec<(SyncObject, i64)>) {
        let mut parts: [Vec<(SyncObject, i64)>; SHARDS] = Default::default();
        for (object, seen) in objects {
            parts[place(object.root())].push((object, seen));
        }
        for (shard, objects) in self.shards.iter().zip(parts) {
            // A piece at a time, so that nobody waits for another's start with a thousand conversations.
            for objects in objects.chunks(pump::AT_ONCE) {
                let roots: Vec<Root> = objects.iter().map(|(object, _)| object.root()).collect();
                let wanted = Wanted {
                    by: Arc::clone(by),
                    correlation_id: correlation_id.clone(),
                    objects: objects.to_vec(),
                };
                shard.ask(&roots, Asked::Subscribe(wanted));
            }
        }
    }

    /// The users of a service whom somebody listens to, themselves among them.
    pub fn users_of(&self, service: Sid<Service>) -> Vec<Sid<User>> {
        let told = self.shards.iter().flat_map(|shard| shard.all_told());
        let of_service = |of| match of {
            Of::User(of, sid) if of == service => Some(sid),
            Of::User(..) | Of::Conversation(..) => None,
        };
        told.filter_map(|(of, _)| of_service(of)).collect()
    }

    /// Ends subscriptions.
    pub fn cancel(&self, by: &Arc<Connected>, correlation_id: &Number, objects: Vec<SyncObject>) {
        let mut parts: [Vec<SyncObject>; SHARDS] = Default::default();
        for object in objects {
            parts[place(object.root())].push(object);
        }
        for (shard, objects) in self.shards.iter().zip(parts) {
            if !objects.is_empty() {
                let (by, correlation_id) = (Arc::clone(by), correlation_id.clone());
                shard.ask(&[], Asked::Cancel { by, correlation_id, objects });
            }
        }
    }

    /// Tells that nothing can be called by these names.
    pub fn refuse(&self, by: &Connected, correlation_id: &Number, unknown: Vec<(String, String)>) {
        let failed = unknown.into_iter().map(|(sid, kind)| {
            let problem = Problem::not_found(&sid);
            told::Status::failed(sid, kind, &problem)
        });
        told::status(by, ("subscription_failed", correlation_id), &failed.collect::<Vec<_>>());
    }

    /// Shows `frame` to everybody who sees who takes part in a conversation, but not to those who are called as the
    /// one who types.
    pub fn typing(
        &self,
        (service, conversation): (Sid<Service>, Sid<Conversation>),
        identity: &str,
        frame: Bytes,
    ) {
        let root = Conversation::root(conversation);
        let shard = self.of(root);
        if shard.is_listened_to(root) {
            let identity = identity.to_owned();
            shard.ask(&[], Asked::Typing { service, conversation, identity, frame });
        }
    }

    /// Whether anybody listens to anything.
    pub fn has_listeners(&self) -> bool {
        self.shards.iter().any(|shard| !shard.inbox().listened.is_empty())
    }

    fn of(&self, root: Root) -> &Shard {
        &self.shards[place(root)]
    }
}

impl Listener for Hub {
    fn committed(&self, touched: &[Root]) {
        for root in touched {
            self.of(*root).touch(*root);
        }
    }
}

impl Shard {
    /// Leaves something to be done. From now on what happens to these roots is heard of.
    fn ask(&self, roots: &[Root], asked: Asked) {
        let mut inbox = self.inbox();
        for root in roots {
            inbox.listened.entry(*root).or_default().count += 1;
        }
        inbox.asked.push_back(asked);
        drop(inbox);
        self.wake.notify_one();
    }

    /// As many as listened to this root listen no longer.
    fn release(&self, root: Root, count: usize) {
        let mut inbox = self.inbox();
        if let Some(interest) = inbox.listened.get_mut(&root) {
            interest.count = interest.count.saturating_sub(count);
            if interest.count == 0 {
                inbox.listened.remove(&root);
                inbox.dirty.remove(&root);
            }
        }
    }

    fn is_listened_to(&self, root: Root) -> bool {
        self.inbox().listened.contains_key(&root)
    }

    fn touch(&self, root: Root) {
        let mut inbox = self.inbox();
        if inbox.listened.contains_key(&root) && inbox.dirty.insert(root) {
            drop(inbox);
            self.wake.notify_one();
        }
    }

    /// Everybody who listens to this root was told up to here.
    fn told(&self, of: Of, position: i64) {
        if let Some(interest) = self.inbox().listened.get_mut(&of.root()) {
            interest.told = Some((of, position));
        }
    }

    /// What was told, and up to where. What nobody was told of yet is about to be read anyway.
    fn all_told(&self) -> Vec<(Of, i64)> {
        self.inbox().listened.values().filter_map(|interest| interest.told).collect()
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which shard a root belongs to. The last bytes of our sids are chance.
fn place(root: Root) -> usize {
    usize::from(root.key()[15]) % SHARDS
}
