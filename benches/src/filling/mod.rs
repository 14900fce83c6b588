//! Much that was written, made in little time: conversations, users and messages put through the store, while no
//! server runs.
//!
//! Conversations, users and participants are made by the operations that REST runs, without HTTP. Messages are too
//! many for that: theirs are rows of the product's own records, a conversation's dozens at a time, and a head that
//! has counted them. A server cannot tell them from its own; the tests below compare both, and [`Filler::check`]
//! asks the database whether its counts agree.

mod messages;
mod people;
#[cfg(test)]
mod tests;

pub use people::{EVERYWHERE, OFTEN, ONCE, member};

use std::fs::{File, OpenOptions};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use conversations::{
    Account, Actor, Call, Conversation, Failure, Guess, Limits, MIGRATIONS, Operation, Owned, Participant,
    RandomIds, Scope, Source, Vault, accounts,
};
use server::SystemClock;
use store::{Options, Row, Store, StoreError, Tx};
use wire::Sid;

use crate::bench::{Bench, Database};
use crate::home::Home;
use crate::server::{ACCOUNT_SID, Server};

/// A database that is being filled. No server runs on it meanwhile.
pub struct Filler {
    store: Store,
    call: Arc<Call>,
    operations: Vec<Operation>,
    /// That of the data directory, held as a server holds it.
    _lock: Option<File>,
}

/// What has been made, in the order in which it was made.
#[derive(Default)]
pub struct Town {
    pub conversations: Vec<Place>,
}

/// A conversation with those who talk in it.
pub struct Place {
    pub sid: Sid<Conversation>,
    /// Identity, sid of the participant.
    speakers: Vec<(String, Sid<Participant>)>,
    pub messages: u64,
}

impl Town {
    pub fn messages(&self) -> u64 {
        self.conversations.iter().map(|place| place.messages).sum()
    }

    /// The sids of its conversations.
    pub fn sids(&self) -> Vec<String> {
        self.conversations.iter().map(|place| place.sid.to_string()).collect()
    }
}

/// A new home with an account, as a first start leaves it, and a town in it.
pub fn found(
    bench: &Bench,
    database: &Database,
    conversations: usize,
    messages: u64,
) -> anyhow::Result<(Arc<Home>, Town)> {
    let home = Arc::new(Home::make(bench, database)?);
    drop(Server::start_in(bench, &home)?);
    let mut town = Town::default();
    fill(bench, &home, async |filler| {
        filler.settle_people(&mut town, conversations).await?;
        filler.grow(&mut town, messages, 0).await.map(|_| ())
    })?;
    Ok((home, town))
}

/// Opens what a server has left, lets it be filled, and closes it when its counts agree.
pub fn fill<T>(
    bench: &Bench,
    home: &Home,
    work: impl AsyncFnOnce(&Filler) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let filler = Filler::open(bench, home)?;
    let done = bench.wait(async {
        let done = work(&filler).await?;
        filler.check().await?;
        anyhow::Ok(done)
    });
    // Brings SQLite's log home.
    filler.store.close();
    let done = done?;
    home.settle(bench)?;
    Ok(done)
}

// PostgreSQL sums into a type of its own.
const COUNTED: &str = "SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT), \
     CAST(COALESCE(SUM(participants), 0) AS BIGINT) FROM conversation_heads";
const MESSAGES: &str = "SELECT COUNT(*) FROM messages";
const PARTICIPANTS: &str = "SELECT COUNT(*) FROM participants";
const MEMBERSHIPS: &str = "SELECT COUNT(*) FROM memberships";
const OF_USERS: &str = "SELECT CAST(COALESCE(SUM(memberships), 0) AS BIGINT) FROM user_heads";

impl Filler {
    fn open(bench: &Bench, home: &Home) -> anyhow::Result<Self> {
        let mut lock = None;
        let options = Options { batch_max: 64, ..Options::new(Arc::new(SystemClock)) };
        let store = if let Some(url) = home.postgres() {
            Store::open_postgres(&url, MIGRATIONS, options)
        } else {
            let file =
                OpenOptions::new().create(true).truncate(false).write(true).open(home.data().join("lock"))?;
            if file.try_lock().is_err() {
                bail!("a server runs on {}: it has to end before it is filled", home.data().display());
            }
            lock = Some(file);
            Store::open_sqlite(&home.file(), MIGRATIONS, options)
        };
        bench.wait(Self::of(store.context("cannot open the database")?, lock))
    }

    /// For the account of the harness, which is there.
    async fn of(store: Store, lock: Option<File>) -> anyhow::Result<Self> {
        let account_sid: Sid<Account> = Sid::parse(ACCOUNT_SID).context("it is a sid")?;
        let account = store.read(move |tx| accounts::find(tx, account_sid)).await?;
        let account = account.context("a server has to make the account first")?;
        let call = Call {
            account_sid,
            service_sid: account.default_chat_service_sid,
            scope: Scope::Account,
            actor: Actor::Account,
            source: Source::Api,
            hooks: false,
            is_streamed: false,
            limits: Limits::Strict,
            owned: Arc::new(Owned::default()),
            base_url: "http://127.0.0.1".into(),
            path: String::new(),
            ids: Arc::new(RandomIds::default()),
            // Nothing that is made here has a secret.
            vault: Arc::new(Vault::new(&[0; 32])),
            guess: Guess::default(),
            rehearsal: None,
        };
        Ok(Self { store, call: Arc::new(call), operations: conversations::operations(), _lock: lock })
    }

    /// Whether what is counted is what is there.
    async fn check(&self) -> anyhow::Result<()> {
        let all = |tx: &mut Tx<'_>| {
            let mut count = |sql: &str| tx.row(sql, &[], number);
            let (messages, participants) = (count(MESSAGES)?, count(PARTICIPANTS)?);
            let (memberships, of_users) = (count(MEMBERSHIPS)?, count(OF_USERS)?);
            let counted = tx.row(COUNTED, &[], |row| Ok((row.next::<i64>()?, row.next::<i64>()?)))?;
            Ok::<_, StoreError>((messages.zip(participants), counted, memberships, of_users))
        };
        let (there, counted, memberships, of_users) = self.store.read(all).await?;
        ensure!(there == counted, "messages and participants: {there:?} are there, {counted:?} are counted");
        ensure!(memberships == of_users, "{memberships:?} memberships, {of_users:?} are counted");
        Ok(())
    }
}

fn number(row: &mut Row<'_>) -> Result<i64, StoreError> {
    row.next()
}

/// Why an operation did not do what it was asked for.
fn told(failure: &Failure) -> anyhow::Error {
    anyhow::anyhow!("{failure:?}")
}
