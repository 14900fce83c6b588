//! Signing in with HTTP Basic: an account's sid and auth token, or an API key's sid and secret.

use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use conversations::credentials::{self, Credentials};
use conversations::{Account, Failure, Owned, Service};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use memchr::memchr;
use store::StoreError;
use wire::{Problem, Sid};

use super::in_flight::Running;
use super::known_credentials::{Known, Username};
use crate::app::App;

/// Somebody whose credentials hold, for the time of one request.
pub struct SignedIn {
    /// Whose things may be seen.
    pub account_sid: Sid<Account>,
    /// Where short paths lead.
    pub default_chat_service_sid: Sid<Service>,
    /// Which addresses and messaging services are the account's.
    pub owned: Arc<Owned>,
    /// Whether the account streams events.
    pub is_streamed: bool,
    /// With which of the account's credentials.
    pub username: Username,
    /// This request among the account's others.
    pub running: Running,
}

/// Judges the credentials of a request. A wrong secret and an unknown sid take the same time and look
/// the same.
pub async fn sign_in(app: &App, headers: &HeaderMap) -> Result<SignedIn, Failure> {
    let said = basic(headers).ok_or(Problem::AUTHENTICATE)?;
    let (username, secret) = said.split_once(':').ok_or(Problem::AUTHENTICATE)?;
    let username = Username::parse(username);
    let known = match username {
        Some(username) => known(app, username).await?,
        None => None,
    };
    let is_accepted = match &known {
        Some(credentials) => credentials.accept(secret),
        None => Credentials::refuse(secret),
    };
    let (Some(credentials), Some(username), true) = (known, username, is_accepted) else {
        return Err(Problem::AUTHENTICATE.into());
    };
    if !credentials.is_active {
        return Err(Problem::FORBIDDEN.into());
    }
    Ok(SignedIn {
        account_sid: credentials.account_sid,
        default_chat_service_sid: credentials.default_chat_service_sid,
        owned: Arc::clone(&credentials.owned),
        is_streamed: credentials.is_streamed,
        username,
        running: app.in_flight.begin(credentials.account_sid),
    })
}

/// What is known of somebody, read again where that was a while ago.
pub async fn known(app: &App, username: Username) -> Result<Option<Arc<Credentials>>, StoreError> {
    let reading = match app.known_credentials.get(username, crate::stopwatch::start()) {
        Known::Yes(credentials) => return Ok(credentials),
        Known::No(reading) => reading,
    };
    let vault = Arc::clone(&app.vault);
    let found = Box::pin(app.store.read(move |tx| credentials::find(tx, &vault, &username.text()))).await?;
    let found: Option<Arc<Credentials>> = found.map(Arc::new);
    app.known_credentials.keep(&reading, found.clone());
    Ok(found)
}

/// User name and password, with a colon between them. Some clients leave the padding out.
fn basic(headers: &HeaderMap) -> Option<String> {
    const DECODER: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let encoded = said(headers, "Basic")?;
    let mut said = Vec::with_capacity(encoded.len());
    DECODER.decode_vec(encoded, &mut said).ok()?;
    String::from_utf8(said).ok()
}

/// What follows the scheme in the `Authorization` header, where it is this scheme.
pub fn after_scheme<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    said(headers, scheme).filter(|said| said.is_ascii()).and_then(|said| str::from_utf8(said).ok())
}

/// The same, whatever its letters are.
fn said<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a [u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (given, rest) = value.split_at(memchr(b' ', value)?);
    given.eq_ignore_ascii_case(scheme.as_bytes()).then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(value: &'static str) -> Option<String> {
        basic(&[(AUTHORIZATION, HeaderValue::from_static(value))].into_iter().collect())
    }

    #[test]
    fn reads_basic_credentials() {
        let expected = Some("AC1:a:b".to_owned());
        for value in ["Basic QUMxOmE6Yg==", "basic QUMxOmE6Yg", "BASIC   QUMxOmE6Yg== "] {
            assert_eq!(read(value), expected, "{value}");
        }
    }

    #[test]
    fn anything_else_is_nobody() {
        for value in ["", "Basic", "Basic !!!", "Bearer QUMxOmE6Yg==", "Basic /////w=="] {
            assert_eq!(read(value), None, "{value}");
        }
        assert_eq!(basic(&HeaderMap::new()), None);
    }
}
