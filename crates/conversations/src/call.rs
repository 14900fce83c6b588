//! Who asks, for which account and service, by which door: what every operation is told besides its form.

use std::fmt::{self, Write};
use std::sync::Arc;

use wire::{Prefix, Problem, Sid, Timestamp};

use crate::accounts::Account;
use crate::events::{Cause, Reason, Rehearsal};
use crate::ids::Ids;
use crate::known_users::Guess;
use crate::owned::Owned;
use crate::services::Service;
use crate::users::User;
use crate::vault::Vault;

/// One call, judged at arrival: its credentials hold and its account is active.
#[derive(Clone)]
pub struct Call {
    /// The account of the credentials.
    pub account_sid: Sid<Account>,
    /// The service of the path, or the account's default one.
    pub service_sid: Sid<Service>,
    /// Which of the two it is.
    pub scope: Scope,
    /// On whose behalf.
    pub actor: Actor,
    /// By which door, as webhooks name it.
    pub source: Source,
    /// Whether webhooks hear of what this call changes (`X-Twilio-Webhook-Enabled`; always for the SDK).
    pub hooks: bool,
    /// Whether the account streams events, which hears of everything.
    pub is_streamed: bool,
    /// Whether Twilio's product limits hold.
    pub limits: Limits,
    /// Which addresses and messaging services the account may use.
    pub owned: Arc<Owned>,
    /// Scheme and host that clients know us by, `http://127.0.0.1:8080`.
    pub base_url: Arc<str>,
    /// The path as asked, without `/v1` and query: what a 404 names.
    pub path: String,
    /// Where new sids come from.
    pub ids: Arc<dyn Ids>,
    /// What seals secrets before they are stored.
    pub vault: Arc<Vault>,
    /// Which user the path may name.
    pub guess: Guess,
    /// Where what would be told is noted, when nothing of this call is going to stay.
    pub rehearsal: Option<Arc<Rehearsal>>,
}

/// Which of the two places that almost every resource stands at was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `/v1/...`
    Account,
    /// `/v1/Services/{ChatServiceSid}/...`
    Service,
    /// `/Client/v2/Services/{ChatServiceSid}/...`, which only clients of the SDK know.
    Client,
}

/// On whose behalf a call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The account itself: everything is allowed.
    Account,
    /// A user of the client SDK, by its access token: what its roles allow.
    Client(Arc<Client>),
    /// The server: timers and housekeeping.
    Server,
}

/// The user behind an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// As the token says it.
    pub identity: String,
    /// Who that is in the service.
    pub user_sid: Sid<User>,
}

/// The door a call came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The REST API.
    Api,
    /// The client SDK.
    Sdk,
    /// The server itself.
    Server,
}

impl Source {
    /// As webhooks name it.
    // Twilio: what timers do is told as the API's doing.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api | Self::Server => "API",
            Self::Sdk => "SDK",
        }
    }
}

/// Whether Twilio's product limits (lengths, counts) hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// They hold.
    Strict,
    /// They do not. What protects the server itself holds all the same.
    Lenient,
}

impl Limits {
    /// The limit, or none in lenient mode.
    pub fn limit(self, strict: usize) -> usize {
        match self {
            Self::Strict => strict,
            Self::Lenient => usize::MAX,
        }
    }

    /// Characters of a unique name or an identity. In lenient mode it is what an index of the databases
    /// can hold, whatever the letters.
    pub fn name_length(self) -> usize {
        match self {
            Self::Strict => 256,
            Self::Lenient => 512,
        }
    }

    /// The same for what the store counts.
    pub fn count(self, strict: i64) -> i64 {
        match self {
            Self::Strict => strict,
            Self::Lenient => i64::MAX,
        }
    }
}

impl Call {
    /// What events tell of whose doing it is.
    pub fn cause(&self) -> Cause<'_> {
        Cause {
            account_sid: self.account_sid,
            chat_service_sid: self.service_sid,
            source: self.source,
            client_identity: self.client().map(|client| client.identity.as_str()),
            reason: Reason::Api,
            is_heard: self.hooks,
            is_streamed: self.is_streamed,
            ids: &*self.ids,
            rehearsal: self.rehearsal.as_deref(),
        }
    }

    /// The user who acts, where one does.
    pub fn client(&self) -> Option<&Client> {
        match &self.actor {
            Actor::Client(client) => Some(client),
            Actor::Account | Actor::Server => None,
        }
    }

    /// A sid for something new.
    pub fn new_sid<R: Prefix>(&self, now: Timestamp) -> Sid<R> {
        Sid::from_bytes(self.ids.sid(now))
    }

    /// What may be stored of `secret` in the row of `sid`.
    pub fn seal<R>(&self, sid: Sid<R>, secret: &str) -> Vec<u8> {
        self.vault.seal(&*self.ids, sid.as_bytes(), secret)
    }

    /// The answer for what is not there: it names the path, not the thing.
    pub fn not_found(&self) -> Problem {
        Problem::not_found(&self.path)
    }

    /// The same for what clients of the SDK know by a code of its own.
    pub fn lacks(&self, of_client: Problem) -> Problem {
        if self.client().is_some() { of_client } else { self.not_found() }
    }

    /// The URL of a path below `http://127.0.0.1:8080/v1`, where resources stand whichever scope was asked.
    pub fn root_url(&self, path: fmt::Arguments<'_>) -> String {
        self.url(format_args!("/v1"), path)
    }

    /// The URL of a path below the service, in the scope that was asked.
    pub fn service_url(&self, path: fmt::Arguments<'_>) -> String {
        match self.scope {
            Scope::Account => self.root_url(path),
            Scope::Service => self.url(format_args!("/v1/Services/{}", self.service_sid), path),
            Scope::Client => self.url(format_args!("/Client/v2/Services/{}", self.service_sid), path),
        }
    }

    fn url(&self, above: fmt::Arguments<'_>, path: fmt::Arguments<'_>) -> String {
        // Room for the longest, so that it is put together in one place.
        let mut url = String::with_capacity(self.base_url.len() + 224);
        url.push_str(&self.base_url);
        url.write_fmt(above).and_then(|()| url.write_fmt(path)).expect("what is written are names and sids");
        url
    }
}
