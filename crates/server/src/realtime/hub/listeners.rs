//! Who listens to what, in one shard. Pure: it says whom something goes to, and sends nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use conversations::sync::SyncObject;
use store::Root;

use super::super::connected::Connected;
use super::Of;

/// All of a shard.
#[derive(Default)]
pub struct Listeners {
    roots: HashMap<Of, Listened>,
    /// The same by what the store calls them. Only who may listen gets this far, so each belongs to one service.
    by_root: HashMap<Root, Of>,
    /// What each connection has here, so that it can go.
    connections: HashMap<u64, HashSet<(Of, What)>>,
}

/// One root with somebody who listens.
pub struct Listened {
    /// Up to which position everybody was told. None while it was only watched, and never read.
    pub position: Option<i64>,
    /// A root has three at most.
    objects: Vec<(SyncObject, HashMap<u64, Subscriber>)>,
    watchers: HashMap<u64, Arc<Connected>>,
}

/// Somebody who listens to one object.
pub struct Subscriber {
    pub connected: Arc<Connected>,
    /// What it has seen; never before the position of the root.
    pub seen: i64,
}

/// What a connection has of a root.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    Object(SyncObject),
    Watch,
}

impl Listened {
    /// Who listens to an object.
    pub fn subscribers(&self, object: &SyncObject) -> impl Iterator<Item = &Subscriber> {
        self.of_object(object).into_iter().flat_map(HashMap::values)
    }

    fn of_object(&self, object: &SyncObject) -> Option<&HashMap<u64, Subscriber>> {
        self.objects.iter().find(|(known, _)| known == object).map(|(_, subscribers)| subscribers)
    }

    fn add(&mut self, object: SyncObject, subscriber: Subscriber) {
        let place = self.objects.iter().position(|(known, _)| *known == object).unwrap_or_else(|| {
            self.objects.reserve_exact(1);
            self.objects.push((object, HashMap::new()));
            self.objects.len() - 1
        });
        self.objects[place].1.insert(subscriber.connected.number, subscriber);
    }

    fn remove(&mut self, object: &SyncObject, number: u64) {
        self.objects.retain_mut(|(known, subscribers)| {
            if known == object {
                subscribers.remove(&number);
            }
            !subscribers.is_empty()
        });
    }

    /// Everybody who listens to anything here, each once.
    pub fn everybody(&self) -> Vec<Arc<Connected>> {
        let mut seen = HashSet::new();
        let subscribers = self.objects.iter().flat_map(|(_, subscribers)| subscribers.values());
        let new = subscribers.filter(|subscriber| seen.insert(subscriber.connected.number));
        new.map(|subscriber| Arc::clone(&subscriber.connected)).collect()
    }

    /// Whose own user this is.
    pub fn watchers(&self) -> impl Iterator<Item = &Arc<Connected>> {
        self.watchers.values()
    }
}

impl Listeners {
    pub fn get(&self, of: Of) -> Option<&Listened> {
        self.roots.get(&of)
    }

    /// What is listened to of this root.
    pub fn at(&self, root: Root) -> Option<Of> {
        self.by_root.get(&root).copied()
    }

    /// Everybody was told up to here.
    pub fn told(&mut self, of: Of, position: i64) {
        if let Some(listened) = self.roots.get_mut(&of) {
            listened.position = listened.position.max(Some(position));
        }
    }

    /// Up to where a connection was told of an object, if it listens to it.
    pub fn told_to(&self, connected: &Connected, object: &SyncObject) -> Option<i64> {
        let listened = self.roots.get(&Of::object(connected.service_sid, object))?;
        let subscriber = listened.of_object(object)?.get(&connected.number)?;
        listened.position.max(Some(subscriber.seen))
    }

    /// From now on a connection listens to an object, of which it has seen everything up to `seen`.
    pub fn subscribe(&mut self, connected: &Arc<Connected>, object: SyncObject, seen: i64) {
        let of = Of::object(connected.service_sid, &object);
        let number = connected.number;
        self.connections.entry(number).or_default().insert((of, What::Object(object)));
        let listened = self.listened(of);
        listened.position.get_or_insert(seen);
        listened.add(object, Subscriber { connected: Arc::clone(connected), seen });
    }

    /// The same of its own user, which it is told nothing of by that.
    pub fn watch(&mut self, connected: &Arc<Connected>) -> bool {
        let of = Of::own(connected);
        let number = connected.number;
        self.connections.entry(number).or_default().insert((of, What::Watch));
        self.listened(of).watchers.insert(number, Arc::clone(connected)).is_some()
    }

    fn listened(&mut self, of: Of) -> &mut Listened {
        let new = || Listened { position: None, objects: Vec::new(), watchers: HashMap::new() };
        self.by_root.insert(of.root(), of);
        self.roots.entry(of).or_insert_with(new)
    }

    /// How many objects a connection listens to.
    pub fn count(&self, number: u64) -> usize {
        self.connections.get(&number).map_or(0, HashSet::len)
    }

    /// Ends one subscription. Whether there was one.
    pub fn cancel(&mut self, number: u64, of: Of, object: &SyncObject) -> bool {
        self.end(number, of, What::Object(*object))
    }

    /// Ends everything that a connection has of one root, but the watch and what it may keep. Answers how much that
    /// was.
    pub fn cut(&mut self, number: u64, of: Of, kept: Option<SyncObject>) -> usize {
        let Some(all) = self.connections.get(&number) else { return 0 };
        let here: Vec<What> = all
            .iter()
            .filter(|(root, what)| *root == of && *what != What::Watch)
            .map(|(_, what)| *what)
            .filter(|what| kept.is_none_or(|kept| *what != What::Object(kept)))
            .collect();
        here.into_iter().filter(|what| self.end(number, of, *what)).count()
    }

    /// Ends everything that a connection has. Answers of which roots, once for each thing.
    pub fn forget(&mut self, number: u64) -> Vec<Of> {
        let all = self.connections.remove(&number).unwrap_or_default();
        all.into_iter()
            .map(|(of, what)| {
                self.remove(number, of, what);
                of
            })
            .collect()
    }

    /// Ends everything that anybody has of a root, but the watches. Answers how much that was.
    pub fn dissolve(&mut self, of: Of) -> usize {
        let Some(listened) = self.roots.get(&of) else { return 0 };
        let all: Vec<(u64, SyncObject)> = listened
            .objects
            .iter()
            .flat_map(|(object, subscribers)| subscribers.keys().map(|number| (*number, *object)))
            .collect();
        all.into_iter().filter(|(number, object)| self.cancel(*number, of, object)).count()
    }

    fn end(&mut self, number: u64, of: Of, what: What) -> bool {
        let Some(all) = self.connections.get_mut(&number) else { return false };
        let was_there = all.remove(&(of, what));
        if all.is_empty() {
            self.connections.remove(&number);
        }
        if was_there {
            self.remove(number, of, what);
        }
        was_there
    }

    fn remove(&mut self, number: u64, of: Of, what: What) {
        let Some(listened) = self.roots.get_mut(&of) else { return };
        match what {
            What::Watch => {
                listened.watchers.remove(&number);
            }
            What::Object(object) => listened.remove(&object, number),
        }
        if listened.objects.is_empty() && listened.watchers.is_empty() {
            self.roots.remove(&of);
            self.by_root.remove(&of.root());
        }
    }
}
