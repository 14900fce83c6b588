//! One client that is connected: who it is, and the way to it.

use std::sync::Arc;

use conversations::push_credentials::PushCredential;
use conversations::{Account, Actor, Call, Client, Guess, Owned, Scope, Service, Source};
use wire::Sid;

use super::outbox::Outbox;
use crate::app::App;

/// A connection whose token holds.
pub struct Connected {
    /// Of this server's connections.
    pub number: u64,
    pub account_sid: Sid<Account>,
    /// The service of the token.
    pub service_sid: Sid<Service>,
    /// Who is connected. A new token changes neither identity nor service.
    pub client: Arc<Client>,
    pub owned: Arc<Owned>,
    pub is_streamed: bool,
    /// Through which credential devices that this client registers are notified.
    pub push_credential_sid: Option<Sid<PushCredential>>,
    /// Scheme and host that the client came by.
    pub base_url: Arc<str>,
    pub outbox: Outbox,
}

impl Connected {
    /// A call on behalf of this client. `path` is what a 404 names.
    pub fn call(&self, app: &App, path: &str) -> Call {
        Call {
            account_sid: self.account_sid,
            service_sid: self.service_sid,
            scope: Scope::Client,
            actor: Actor::Client(Arc::clone(&self.client)),
            source: Source::Sdk,
            hooks: true,
            is_streamed: self.is_streamed,
            limits: app.settings.limits,
            owned: Arc::clone(&self.owned),
            base_url: Arc::clone(&self.base_url),
            path: path.to_owned(),
            ids: Arc::clone(&app.ids),
            vault: Arc::clone(&app.vault),
            guess: Guess::new(&app.known_users),
            rehearsal: None,
        }
    }
}
