//! Signing in with an access token: a user of a service, instead of the whole account.
//!
//! A token holds as long as its key is there, the key's account is active and the service is the account's.
//! Keys and accounts are known as for Basic credentials, so that a key that is taken back is refused within
//! its second, on every node.

use std::sync::Arc;

use conversations::push_credentials::PushCredential;
use conversations::{Account, ApiKey, Failure, Owned, Role, Service, services, users};
use wire::{AccessToken, Prefix, Problem, Sid, Timestamp, UnverifiedToken};

use super::known_credentials::Username;
use super::sign_in::known;
use crate::app::App;

/// What a token that holds is good for.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The account that the user's service belongs to.
    pub account_sid: Sid<Account>,
    /// Where the account's short paths lead.
    pub default_chat_service_sid: Sid<Service>,
    /// The one service that the user may see.
    pub service_sid: Sid<Service>,
    /// Who the user is; the service may not know it yet.
    pub identity: String,
    /// From when on the token holds no longer.
    pub expires_at: Timestamp,
    /// Which addresses and messaging services are the account's.
    pub owned: Arc<Owned>,
    /// Whether the account streams events.
    pub is_streamed: bool,
    /// What pushes to the device go out with. Nobody has looked whether it is there.
    pub push_credential_sid: Option<Sid<PushCredential>>,
    /// The role in the service that the token asks for. Nobody has looked whether it is there.
    pub deployment_role_sid: Option<Sid<Role>>,
    /// The API key that signed the token.
    pub key_sid: Sid<ApiKey>,
}

/// Judges a token at this moment. A refusal has the code that the client libraries know; a failure of the
/// store says nothing about the token.
pub async fn verify(app: &App, token: &str) -> Result<Granted, Failure> {
    let unverified = UnverifiedToken::parse(token)?;
    let issuer = || Problem::INVALID_ACCESS_TOKEN_ISSUER;
    let key_sid: Sid<ApiKey> = Sid::parse(unverified.key_sid()).ok_or_else(issuer)?;
    let account_sid: Sid<Account> = Sid::parse(unverified.account_sid()).ok_or_else(issuer)?;
    let credentials = known(app, Username::ApiKey(key_sid)).await?.ok_or_else(issuer)?;
    let key = credentials.api_key.as_ref().filter(|key| key.account_sid == account_sid);
    let secret = key.ok_or_else(issuer)?.secret(&app.vault).ok_or_else(issuer)?;
    let token = unverified.verify(&secret, app.clock.now())?;
    if !credentials.is_active {
        return Err(Problem::FORBIDDEN.into());
    }
    let AccessToken { identity, chat, expires_at, .. } = token;
    if users::judge_identity(app.settings.limits, &identity).is_err() {
        return Err(Problem::INVALID_ACCESS_TOKEN_GRANTS.into());
    }
    let service_sid = sid(&chat.service_sid)?;
    let service = app.store.read(move |tx| services::find(tx, account_sid, service_sid)).await?;
    let service = service.ok_or(Problem::INVALID_ACCESS_TOKEN_GRANTS)?;
    Ok(Granted {
        account_sid,
        default_chat_service_sid: credentials.default_chat_service_sid,
        service_sid: service.sid,
        identity,
        expires_at,
        owned: Arc::clone(&credentials.owned),
        is_streamed: credentials.is_streamed,
        push_credential_sid: chat.push_credential_sid.as_deref().map(sid).transpose()?,
        deployment_role_sid: chat.deployment_role_sid.as_deref().map(sid).transpose()?,
        key_sid,
    })
}

fn sid<R: Prefix>(text: &str) -> Result<Sid<R>, Problem> {
    Sid::parse(text).ok_or(Problem::INVALID_ACCESS_TOKEN_GRANTS)
}
