//! A name is looked up once at a time, however many ask.
//!
//! A look-up by the operating system holds a thread, and cannot be broken off. Names that nobody answers for
//! would use up all threads, were each try of each webhook to begin a look-up of its own.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::resolver::Names;

/// What came of it. An error is kept as its text: it is told to several.
type Outcome = Option<Result<Vec<IpAddr>, Arc<str>>>;
type UnderWay = Arc<Mutex<HashMap<String, watch::Receiver<Outcome>>>>;

/// Asks others, each name once at a time.
pub struct Joined {
    names: Arc<dyn Names>,
    under_way: UnderWay,
    tasks: TaskTracker,
}

impl Joined {
    pub fn new(names: Arc<dyn Names>) -> Self {
        Self { names, under_way: UnderWay::default(), tasks: TaskTracker::new() }
    }

    fn begin(&self, name: String) -> watch::Receiver<Outcome> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // One whose look-up has ended without a word is no look-up any more.
        if let Some(outcome) = under_way.get(&name).filter(|outcome| outcome.has_changed().is_ok()) {
            return outcome.clone();
        }
        let (told, outcome) = watch::channel(None);
        under_way.insert(name.clone(), outcome.clone());
        let (found, under_way) = (self.names.addresses(name.clone()), Arc::clone(&self.under_way));
        self.tasks.spawn(async move {
            let found = found.await.map_err(|error| error.to_string().into());
            // Who asks from here on gets a new answer, and not one that is older than the question.
            under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
            let _ = told.send(Some(found));
        });
        outcome
    }
}

impl Names for Joined {
    fn addresses(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let mut outcome = self.begin(name);
        Box::pin(async move {
            let found = outcome.wait_for(Option::is_some).await.map_err(io::Error::other)?.clone();
            found.unwrap_or_else(|| Err("nobody knows".into())).map_err(|text| io::Error::other(&*text))
        })
    }
}
