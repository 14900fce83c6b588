//! What one shard does, over and over: it takes what is asked and what was touched, reads once for all of it, and
//! tells everybody.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use conversations::sync::{self, Action, Changes, Event, SyncObject};
use conversations::{Call, Failure};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use store::{StoreError, Tx};
use wire::Problem;

use super::super::connected::Connected;
use super::super::outbox::Outbox;
use super::listeners::Listeners;
use super::told::{self, Status};
use super::{Asked, Of, Shard, Wanted};
use crate::app::App;
use crate::listen::Stops;

/// Objects that are subscribed to in one reading, and roots whose changes are read in one.
pub const AT_ONCE: usize = 100;
/// Objects that one connection may listen to in one shard. A user has a thousand conversations at most, each with
/// three of them, and the shards share them.
const OBJECTS: usize = 4096;
/// Before trying again where the store does not answer.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves a shard until the server stops.
pub async fn pump(app: Arc<App>, shard: Arc<Shard>, stops: Stops) {
    let mut paced = FuturesUnordered::new();
    let serving = async {
        loop {
            // However busy the shard is: whoever waits for the rest has its turn.
            while let Some(Some(rest)) = paced.next().now_or_never() {
                shard.inbox().asked.push_back(Asked::Subscribe(rest));
            }
            match step(&app, &shard).await {
                // Who has missed much is told the rest when it has taken in the most of this.
                Done::Some(Some(rest)) => paced.push(async move {
                    rest.by.outbox.room().await;
                    rest
                }),
                Done::Some(None) => {}
                Done::Nothing => tokio::select! {
                    () = shard.wake.notified() => {}
                    Some(rest) = paced.next() => shard.inbox().asked.push_back(Asked::Subscribe(rest)),
                },
            }
        }
    };
    stops.soft.run_until_cancelled(serving).await;
}

/// Does all that there is to do now, for who does not want to wait until it is done by itself.
pub async fn tell(app: &Arc<App>) {
    for shard in app.hub.shards() {
        loop {
            match step(app, shard).await {
                Done::Some(Some(rest)) => shard.inbox().asked.push_back(Asked::Subscribe(rest)),
                Done::Some(None) => {}
                Done::Nothing => break,
            }
        }
    }
}

/// What came of a step.
enum Done {
    Nothing,
    /// Something, and perhaps there is more to tell somebody.
    Some(Option<Wanted>),
}

/// Does a part of what there is to do.
async fn step(app: &Arc<App>, shard: &Shard) -> Done {
    let listeners = &mut *shard.listeners.lock().await;
    let Some(work) = take(shard, listeners) else { return Done::Nothing };
    shard.taken.notify_waiters();
    for asked in work.simple {
        simple(shard, listeners, asked);
    }
    let touched: Vec<Touched> = work.dirty.into_iter().filter_map(|of| Touched::new(of, listeners)).collect();
    if touched.is_empty() && work.wanted.is_none() {
        return Done::Some(None);
    }
    let wanted = work.wanted.map(|wanted| Arc::new(wanted.from(listeners)));
    let touched = Arc::new(touched);
    match read(app, &touched, wanted.as_ref()).await {
        Ok(Seen { changes, replays }) => {
            for (touched, changes) in touched.iter().zip(changes) {
                live(shard, listeners, touched.of, changes);
            }
            Done::Some(wanted.and_then(|wanted| establish(shard, listeners, (&wanted, replays))))
        }
        Err(error) => {
            if !error.is_busy() {
                tracing::error!("failed to read what has changed: {error:?}");
            }
            shard.put_back(&touched, wanted.and_then(Arc::into_inner));
            tokio::time::sleep(PAUSE).await;
            Done::Some(None)
        }
    }
}

impl Shard {
    /// Sends a frame. Where too many wait, whoever keeps many of them waiting goes.
    fn send(&self, outbox: &Outbox, frame: Bytes) {
        outbox.send(frame);
        if self.frames.are_too_many() {
            outbox.yield_room();
        }
    }

    /// What could not be read is read later.
    fn put_back(&self, touched: &[Touched], wanted: Option<Wanted>) {
        let mut inbox = self.inbox();
        inbox.dirty.extend(touched.iter().map(|touched| touched.of.root()));
        if let Some(wanted) = wanted {
            inbox.asked.push_front(Asked::Subscribe(wanted));
        }
    }
}

impl Wanted {
    /// Whoever listens already has missed nothing, whatever it thinks.
    fn from(mut self, listeners: &Listeners) -> Self {
        for (object, seen) in &mut self.objects {
            if listeners.told_to(&self.by, object).is_some() {
                *seen = i64::MAX;
            }
        }
        self
    }
}

/// A part of what is in the inbox.
struct Work {
    /// What needs no reading, in its order.
    simple: Vec<Asked>,
    /// The first who wants to subscribe after it.
    wanted: Option<Wanted>,
    dirty: Vec<Of>,
}

fn take(shard: &Shard, listeners: &Listeners) -> Option<Work> {
    let mut inbox = shard.inbox();
    let (mut simple, mut wanted) = (Vec::new(), None);
    while let Some(asked) = inbox.asked.pop_front() {
        match asked {
            Asked::Subscribe(first) => {
                wanted = Some(first);
                break;
            }
            other => simple.push(other),
        }
    }
    let some: Vec<_> = inbox.dirty.iter().take(AT_ONCE).copied().collect();
    let mut dirty = Vec::with_capacity(some.len());
    for root in some {
        inbox.dirty.remove(&root);
        // Whom nobody listens to yet is read from where the first one begins.
        dirty.extend(listeners.at(root));
    }
    let is_idle = simple.is_empty() && wanted.is_none() && dirty.is_empty();
    (!is_idle).then_some(Work { simple, wanted, dirty })
}

/// What needs nothing of the store.
fn simple(shard: &Shard, listeners: &mut Listeners, asked: Asked) {
    match asked {
        Asked::Watch(connected) => {
            let root = Of::own(&connected).root();
            if connected.outbox.is_over() || listeners.watch(&connected) {
                shard.release(root, 1);
            }
            shard.touch(root);
        }
        Asked::Cancel { by, correlation_id, objects } => {
            for object in &objects {
                if listeners.cancel(by.number, Of::object(by.service_sid, object), object) {
                    shard.release(object.root(), 1);
                }
            }
            let events: Vec<Status> = objects.iter().map(Status::canceled).collect();
            told::status(&by, ("subscription_canceled", &correlation_id), &events);
        }
        Asked::Gone { number } => {
            for of in listeners.forget(number) {
                shard.release(of.root(), 1);
            }
        }
        Asked::Typing { service, conversation, identity, frame } => {
            let Some(listened) = listeners.get(Of::Conversation(service, conversation)) else { return };
            for subscriber in listened.subscribers(&SyncObject::Roster(conversation)) {
                if subscriber.connected.client.identity != identity {
                    subscriber.connected.outbox.send(frame.clone());
                }
            }
        }
        Asked::Subscribe(_) => {}
    }
}

/// A root that was touched.
struct Touched {
    of: Of,
    position: i64,
    /// Who listens to it, and may be in it no longer.
    everybody: Vec<Arc<Connected>>,
}

impl Touched {
    fn new(of: Of, listeners: &Listeners) -> Option<Self> {
        let listened = listeners.get(of)?;
        let everybody = match of {
            Of::Conversation(..) => listened.everybody(),
            Of::User(..) => Vec::new(),
        };
        // Of what was never read, nothing but its position is asked for.
        Some(Self { of, position: listened.position.unwrap_or(i64::MAX), everybody })
    }
}

/// What one reading shows.
struct Seen {
    changes: Vec<Judged>,
    replays: Vec<Result<Changes, Problem>>,
}

/// The changes of a root, and who listens to it and may not any longer: connections, each with what it may keep.
struct Judged {
    changes: Changes,
    expelled: Vec<(u64, Option<SyncObject>)>,
}

/// Reads, in one snapshot, what is live and what somebody has missed.
async fn read(
    app: &Arc<App>,
    touched: &Arc<Vec<Touched>>,
    wanted: Option<&Arc<Wanted>>,
) -> Result<Seen, StoreError> {
    let (app_there, touched, wanted) = (Arc::clone(app), Arc::clone(touched), wanted.cloned());
    let read = move |tx: &mut Tx<'_>| {
        let mut changes = Vec::with_capacity(touched.len());
        for touched in &*touched {
            changes.push(judge(tx, &app_there, touched)?);
        }
        let mut replays = Vec::new();
        if let Some(wanted) = &wanted {
            let call = wanted.by.call(&app_there, "");
            for (object, seen) in &wanted.objects {
                replays.push(replay(tx, &call, object, *seen)?);
            }
        }
        Ok(Seen { changes, replays })
    };
    app.store.read(read).await
}

fn judge(tx: &mut Tx<'_>, app: &App, touched: &Touched) -> Result<Judged, StoreError> {
    let changes = match touched.of {
        Of::Conversation(service, sid) => sync::changes_of_conversation(tx, service, sid, touched.position)?,
        Of::User(service, sid) => sync::changes_of_user(tx, service, sid, touched.position)?,
    };
    let mut expelled = Vec::new();
    let somebody_left =
        |event: &Event| matches!(event.object, SyncObject::Roster(_)) && event.action == Action::Removed;
    if let (Of::Conversation(_, sid), true) = (touched.of, changes.events.iter().any(somebody_left)) {
        let members = sync::members(tx, sid)?;
        for stranger in touched.everybody.iter().filter(|one| !members.contains(&one.client.user_sid)) {
            // Who made it, or may come in, goes on seeing what it is like.
            let document = SyncObject::Conversation(sid);
            let refusal = refused(sync::may_read(tx, &stranger.call(app, ""), &document))?;
            expelled.push((stranger.number, refusal.is_none().then_some(document)));
        }
    }
    Ok(Judged { changes, expelled })
}

fn replay(
    tx: &mut Tx<'_>,
    call: &Call,
    object: &SyncObject,
    seen: i64,
) -> Result<Result<Changes, Problem>, StoreError> {
    match refused(sync::may_read(tx, call, object))? {
        Some(problem) => Ok(Err(problem)),
        None => sync::changes_of(tx, call.service_sid, object, seen).map(Ok),
    }
}

/// A refusal is something to tell, a failure of the store is not.
fn refused(outcome: Result<(), Failure>) -> Result<Option<Problem>, StoreError> {
    match outcome {
        Ok(()) => Ok(None),
        Err(Failure::Refused(problem)) => Ok(Some(problem)),
        Err(Failure::Store(error)) => Err(error),
    }
}

/// Tells everybody who listens to a root what has changed.
fn live(shard: &Shard, listeners: &mut Listeners, of: Of, judged: Judged) {
    let Judged { changes, expelled } = judged;
    for (number, kept) in expelled {
        let count = listeners.cut(number, of, kept);
        shard.release(of.root(), count);
    }
    let Some(listened) = listeners.get(of) else { return };
    // All that somebody is told of an object at once, so that it leaves together.
    for events in changes.events.chunk_by(|one, next| one.object == next.object) {
        let mut frames: Vec<Option<Bytes>> = vec![None; events.len()];
        for subscriber in listened.subscribers(&events[0].object) {
            for (event, frame) in events.iter().zip(&mut frames) {
                // What is gone has no place among the events, and is told to all.
                if event.id > subscriber.seen || changes.is_gone {
                    let frame = frame.get_or_insert_with(|| shard.frames.counted(told::live(event)));
                    shard.send(&subscriber.connected.outbox, frame.clone());
                }
            }
        }
    }
    if changes.is_gone {
        for watcher in listened.watchers() {
            watcher.outbox.doubt();
        }
        let count = listeners.dissolve(of);
        shard.release(of.root(), count);
        return;
    }
    listeners.told(of, changes.position);
    shard.told(of, changes.position);
    if !changes.is_complete {
        shard.touch(of.root());
    }
}

/// Tells somebody what it has missed, and that it is told from now on. Answers what it is to be told later.
fn establish(
    shard: &Shard,
    listeners: &mut Listeners,
    (wanted, replays): (&Arc<Wanted>, Vec<Result<Changes, Problem>>),
) -> Option<Wanted> {
    let Wanted { by, correlation_id, objects } = &**wanted;
    if by.outbox.is_over() {
        // It has gone before this, so nothing would ever end what began now.
        for (object, _) in objects {
            shard.release(object.root(), 1);
        }
        return None;
    }
    let (mut established, mut failed, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for ((object, _), replay) in objects.iter().zip(replays) {
        let of = Of::object(by.service_sid, object);
        let told = listeners.told_to(by, object);
        let changes = match replay {
            Ok(_) if told.is_none() && listeners.count(by.number) >= OBJECTS => {
                Err(Problem::TOO_MANY_REQUESTS)
            }
            other => other,
        };
        let changes = match changes {
            Ok(changes) if changes.is_gone => Err(sync::not_found(object.object_type())),
            other => other,
        };
        match changes {
            Err(problem) => {
                if listeners.cancel(by.number, of, object) {
                    shard.release(of.root(), 1);
                }
                shard.release(of.root(), 1);
                let (sid, object_type) = (object.to_string(), object.object_type().name().to_owned());
                failed.push(Status::failed(sid, object_type, &problem));
            }
            Ok(_) if let Some(position) = told => {
                shard.release(of.root(), 1);
                established.push(Status::established(object, position));
            }
            Ok(changes) => {
                for frame in told::missed(&changes.events) {
                    shard.send(&by.outbox, shard.frames.counted(frame));
                }
                if !changes.is_complete {
                    rest.push((*object, changes.position));
                    continue;
                }
                listeners.subscribe(by, *object, changes.position);
                if let Some(position) = listeners.get(of).and_then(|listened| listened.position) {
                    shard.told(of, position);
                }
                established.push(Status::established(object, changes.position));
            }
        }
    }
    told::status(by, ("subscription_established", correlation_id), &established);
    told::status(by, ("subscription_failed", correlation_id), &failed);
    let rest = Wanted { by: Arc::clone(by), correlation_id: correlation_id.clone(), objects: rest };
    (!rest.objects.is_empty()).then_some(rest)
}
