//! The account that a server is started for: pinned, made at the first start, or found.
//!
//! Pinned values hold at every start: an account or key that is missing is made, a secret that differs is
//! replaced. A server with nothing pinned makes one account, once.

use std::sync::Arc;

use anyhow::{anyhow, bail};
use conversations::accounts::{self, AuthToken, CreateAccount, UpdateAccount};
use conversations::api_keys::{self, CreateApiKey};
use conversations::{Account, ApiKey, Failure};
use server::Tools;
use store::{Roots, Store, StoreError, Tx};
use wire::Sid;

use crate::configuration::Pinned;

/// What the banner tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstAccount {
    pub sid: Sid<Account>,
    /// What is known of its token.
    pub token: Token,
}

/// What is known of the auth token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// It was made just now, and is shown this once.
    Made(String),
    /// Whoever started the server gave it.
    Pinned,
    /// It was shown at an earlier start.
    Shown,
}

/// What a start has changed, for the log.
#[derive(Default)]
struct Changes(Vec<String>);

/// Why there is no account to start with. Nothing of the attempt is kept.
enum Obstacle {
    /// The database and what is pinned do not go together.
    Unfit(String),
    Failed(Failure),
}

impl From<Failure> for Obstacle {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for Obstacle {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Finds or makes the account, and what is pinned of it.
pub async fn prepare(store: &Store, tools: &Tools, pinned: &Pinned) -> anyhow::Result<FirstAccount> {
    let first = match attempt(store, tools, pinned).await {
        // Another node made it a moment ago.
        Err(Obstacle::Failed(Failure::Refused(problem))) if problem.status == 409 => {
            attempt(store, tools, pinned).await
        }
        first => first,
    };
    match first {
        Ok((first, Changes(changes))) => {
            for change in changes {
                tracing::info!("{change}");
            }
            Ok(first)
        }
        Err(Obstacle::Unfit(reason)) => bail!(reason),
        Err(Obstacle::Failed(Failure::Refused(problem))) => {
            bail!("cannot prepare the first account: {problem}")
        }
        Err(Obstacle::Failed(Failure::Store(error))) => {
            Err(anyhow!(error).context("cannot prepare the first account"))
        }
    }
}

type Prepared = (FirstAccount, Changes);

async fn attempt(store: &Store, tools: &Tools, pinned: &Pinned) -> Result<Prepared, Obstacle> {
    let (vault, ids, pinned) = (Arc::clone(&tools.vault), Arc::clone(&tools.ids), pinned.clone());
    let tools = Tools { vault, ids, metrics: Arc::clone(&tools.metrics), media: tools.media.clone() };
    store.write(Roots::none(), move |tx| within(tx, &tools, &pinned)).await
}

fn within(tx: &mut Tx<'_>, tools: &Tools, pinned: &Pinned) -> Result<Prepared, Obstacle> {
    let mut changes = Changes::default();
    let found = match pinned.account_sid {
        Some(sid) => accounts::find(tx, sid)?,
        None => accounts::list(tx)?.into_iter().next(),
    };
    let first = match found {
        None => made(tx, tools, pinned)?,
        Some(account) => {
            let tokens = account.auth_tokens(&tools.vault);
            let Some(token) = tokens.first() else {
                let reason = "the master key is not the one that this database was made with; put the \
                              right one into the data directory, or set TERTULIA_MASTER_KEY";
                return Err(Obstacle::Unfit(reason.to_owned()));
            };
            kept(tx, tools, (&account, token), (pinned, &mut changes))?
        }
    };
    if let Some((sid, secret)) = &pinned.api_key {
        key(tx, tools, first.sid, (*sid, secret), &mut changes)?;
    }
    Ok((first, changes))
}

fn made(tx: &mut Tx<'_>, tools: &Tools, pinned: &Pinned) -> Result<FirstAccount, Failure> {
    let form = CreateAccount {
        sid: pinned.account_sid,
        auth_token: pinned.auth_token.clone(),
        senders: pinned.senders.clone(),
        messaging_service_sids: pinned.messaging_services.clone(),
        ..CreateAccount::default()
    };
    let created = accounts::create_first(tx, &*tools.ids, &tools.vault, &form)?;
    let token = if pinned.auth_token.is_some() { Token::Pinned } else { Token::Made(created.auth_token) };
    Ok(FirstAccount { sid: created.account.sid, token })
}

fn kept(
    tx: &mut Tx<'_>,
    tools: &Tools,
    (account, token): (&Account, &str),
    (pinned, changes): (&Pinned, &mut Changes),
) -> Result<FirstAccount, Failure> {
    let sid = account.sid;
    lists(tx, account, (pinned, changes))?;
    let Some(wanted) = pinned.auth_token.as_deref() else {
        return Ok(FirstAccount { sid, token: Token::Shown });
    };
    if wanted != token {
        let which = (sid, AuthToken::Primary);
        accounts::set_auth_token(tx, &*tools.ids, &tools.vault, which, Some(wanted))?;
        changes.0.push(format!("the auth token of {sid} was replaced by the one that is configured"));
    }
    Ok(FirstAccount { sid, token: Token::Pinned })
}

/// Gives an account that is there the lists that are configured.
fn lists(
    tx: &mut Tx<'_>,
    account: &Account,
    (pinned, changes): (&Pinned, &mut Changes),
) -> Result<(), Failure> {
    let form = UpdateAccount {
        senders: pinned.senders.clone(),
        messaging_service_sids: pinned.messaging_services.clone(),
        ..UpdateAccount::default()
    };
    if form.senders.is_none() && form.messaging_service_sids.is_none() {
        return Ok(());
    }
    let sid = account.sid;
    if form.senders.is_some() && form.senders != account.senders {
        changes.0.push(format!("the senders of {sid} were replaced by those that are configured"));
    }
    if form.messaging_service_sids.is_some() && form.messaging_service_sids != account.messaging_service_sids
    {
        changes.0.push(format!("the messaging services of {sid} were replaced by those that are configured"));
    }
    accounts::update(tx, sid, &form)?;
    Ok(())
}

fn key(
    tx: &mut Tx<'_>,
    tools: &Tools,
    account_sid: Sid<Account>,
    (sid, secret): (Sid<ApiKey>, &str),
    changes: &mut Changes,
) -> Result<(), Obstacle> {
    if let Some(found) = api_keys::of_credentials(tx, sid)? {
        if found.account_sid != account_sid {
            let reason = format!("the API key {sid} belongs to another account than {account_sid}");
            return Err(Obstacle::Unfit(reason));
        }
        if found.secret(&tools.vault).as_deref() == Some(secret) {
            return Ok(());
        }
        api_keys::delete(tx, account_sid, sid)?;
        changes.0.push(format!("the secret of {sid} was replaced by the one that is configured"));
    }
    let form = CreateApiKey {
        friendly_name: Some("Configured key".to_owned()),
        sid: Some(sid),
        secret: Some(secret.to_owned()),
    };
    api_keys::create(tx, &*tools.ids, &tools.vault, account_sid, &form)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use conversations::{MIGRATIONS, RandomIds, Vault};
    use server::{MediaStore, Metrics, SystemClock};
    use store::Options;

    use super::*;

    const SECRET: &str = "the secret";

    /// A database that goes with its directory.
    struct Database(Store, PathBuf);

    impl Database {
        fn new(name: &str) -> Self {
            let directory =
                std::env::temp_dir().join(format!("tertulia-first-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&directory).expect("a temporary directory");
            let options = Options::new(Arc::new(SystemClock));
            let store = Store::open_sqlite(&directory.join("test.db"), MIGRATIONS, options);
            Self(store.expect("a database"), directory)
        }

        async fn prepare(&self, pinned: &Pinned) -> anyhow::Result<FirstAccount> {
            prepare(&self.0, &tools(1), pinned).await
        }

        async fn tokens(&self, sid: Sid<Account>) -> Vec<String> {
            let account = self.0.read(move |tx| accounts::find(tx, sid)).await.expect("a read");
            account.map_or_else(Vec::new, |account| account.auth_tokens(&tools(1).vault))
        }
    }

    impl Drop for Database {
        fn drop(&mut self) {
            self.0.close();
            let _ = std::fs::remove_dir_all(&self.1);
        }
    }

    fn tools(key: u8) -> Tools {
        Tools {
            vault: Arc::new(Vault::new(&[key; 32])),
            ids: Arc::new(RandomIds::default()),
            metrics: Arc::new(Metrics::new()),
            media: MediaStore::in_memory(),
        }
    }

    fn pinned(account: Option<u8>, token: Option<&str>, key: Option<u8>) -> Pinned {
        Pinned {
            account_sid: account.map(|byte| Sid::from_bytes([byte; 16])),
            auth_token: token.map(str::to_owned),
            api_key: key.map(|byte| (Sid::from_bytes([byte; 16]), SECRET.to_owned())),
            ..Pinned::default()
        }
    }

    #[tokio::test]
    async fn an_account_is_made_once_and_its_token_told_once() {
        let database = Database::new("made");
        let first = database.prepare(&Pinned::default()).await.expect("a first start");
        let Token::Made(token) = &first.token else { panic!("{first:?}") };
        assert_eq!(&database.tokens(first.sid).await, std::slice::from_ref(token));
        let second = database.prepare(&Pinned::default()).await.expect("a second start");
        assert_eq!(second, FirstAccount { sid: first.sid, token: Token::Shown });
    }

    #[tokio::test]
    async fn what_is_pinned_holds_at_every_start() {
        let database = Database::new("pinned");
        let sid = Sid::from_bytes([7; 16]);
        let expected = FirstAccount { sid, token: Token::Pinned };
        for token in ["one", "two"] {
            let first = database.prepare(&pinned(Some(7), Some(token), Some(8))).await;
            assert_eq!(first.expect("a start"), expected);
            assert_eq!(database.tokens(sid).await, [token]);
        }
        let key = database.0.read(|tx| api_keys::of_credentials(tx, Sid::from_bytes([8; 16]))).await;
        let key = key.expect("a read").expect("the key");
        assert_eq!((key.account_sid, key.secret(&tools(1).vault).as_deref()), (sid, Some(SECRET)));
    }

    #[tokio::test]
    async fn a_start_that_cannot_be_leaves_nothing_behind() {
        let database = Database::new("unfit");
        database.prepare(&pinned(Some(7), None, Some(8))).await.expect("a first start");
        let error = database.prepare(&pinned(Some(9), None, Some(8))).await.expect_err("another's key");
        assert!(error.to_string().contains("belongs to another account"), "{error}");
        assert!(database.tokens(Sid::from_bytes([9; 16])).await.is_empty());
        let error =
            prepare(&database.0, &tools(2), &Pinned::default()).await.expect_err("another master key");
        assert!(error.to_string().contains("master key"), "{error}");
    }
}
