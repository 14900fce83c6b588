//! Access tokens: what a user's client signs in with, made by whoever has an API key and its secret.
//!
//! A token is a JSON Web Token under HMAC; no other kind is read. Reading it tells which key is said to have
//! made it and for which account; nothing else of it is told before [`UnverifiedToken::verify`] has seen the
//! key's secret. Refusals come in Twilio's order: shape, header, issuer, signature, times, grants.

use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, Key};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::problem::Problem;
use crate::timestamp::Timestamp;

/// Bytes of a whole token. Other products' grants may stand in it beside ours.
const LENGTH: usize = 16 * 1024;
const CONTENT_TYPE: &str = "twilio-fpa;v=1";
const SECOND: i64 = 1_000_000;
/// The longest life of a token, in seconds.
const LIFETIME: i64 = 24 * 60 * 60;
/// By how many seconds the clock of a token's maker may go before ours.
const SKEW: i64 = 60;

/// A token whose signature nobody has looked at.
pub struct UnverifiedToken<'a> {
    /// Header and claims as they were signed.
    signed: &'a str,
    signature: &'a str,
    algorithm: hmac::Algorithm,
    claims: Map<String, Value>,
    key_sid: String,
    account_sid: String,
}

/// What a token says. Sids are as they were given: who reads them knows of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The API key that signed.
    pub key_sid: String,
    /// Whose key that is.
    pub account_sid: String,
    /// When it was made.
    pub issued_at: Option<Timestamp>,
    /// It is good from here ...
    pub not_before: Option<Timestamp>,
    /// ... and no longer good from here.
    pub expires_at: Timestamp,
    /// Who the user is.
    pub identity: String,
    /// What of the conversations the user gets.
    pub chat: ChatGrant,
}

/// The part of a token that is for Conversations. What is not set is left out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChatGrant {
    /// The conversation service.
    pub service_sid: String,
    /// A name for the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_id: Option<String>,
    /// What pushes to the device go out with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_credential_sid: Option<String>,
    /// The role that the user has in the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_role_sid: Option<String>,
}

impl<'a> UnverifiedToken<'a> {
    /// Reads a token. What it says of itself is believed nowhere yet.
    pub fn parse(token: &'a str) -> Result<Self, Problem> {
        if token.len() > LENGTH {
            return Err(Problem::INVALID_ACCESS_TOKEN);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Problem::INVALID_ACCESS_TOKEN)?;
        let (header, claims) = signed.split_once('.').ok_or(Problem::INVALID_ACCESS_TOKEN)?;
        if claims.contains('.') {
            return Err(Problem::INVALID_ACCESS_TOKEN);
        }
        let header = object(header).ok_or(Problem::INVALID_ACCESS_TOKEN_HEADER)?;
        let algorithm = algorithm(&header).ok_or(Problem::INVALID_ACCESS_TOKEN_HEADER)?;
        let claims = object(claims).ok_or(Problem::INVALID_ACCESS_TOKEN)?;
        let of_key = |name: &str| {
            let text = claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or(Problem::INVALID_ACCESS_TOKEN_ISSUER)
        };
        let (key_sid, account_sid) = (of_key("iss")?, of_key("sub")?);
        Ok(Self { signed, signature, algorithm, claims, key_sid, account_sid })
    }

    /// The API key that is said to have signed it.
    pub fn key_sid(&self) -> &str {
        &self.key_sid
    }

    /// The account that the key is said to belong to.
    pub fn account_sid(&self) -> &str {
        &self.account_sid
    }

    /// What it says, if the key's `secret` signed it and it is good `now`.
    pub fn verify(self, secret: &str, now: Timestamp) -> Result<AccessToken, Problem> {
        let key = Key::new(self.algorithm, secret.as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.decode(self.signature);
        let is_signed =
            signature.is_ok_and(|given| hmac::verify(&key, self.signed.as_bytes(), &given).is_ok());
        if !is_signed {
            return Err(Problem::INVALID_ACCESS_TOKEN_SIGNATURE);
        }
        let time = |name: &str| time(self.claims.get(name));
        let expires_at = time("exp")?.ok_or(Problem::ACCESS_TOKEN_EXPIRED)?;
        let (issued_at, not_before) = (time("iat")?, time("nbf")?);
        in_time(now, (issued_at, not_before, expires_at))?;
        let grants = self.claims.get("grants").and_then(Value::as_object);
        let grants = grants.ok_or(Problem::INVALID_ACCESS_TOKEN_GRANTS)?;
        let identity = text(grants, "identity")?.ok_or(Problem::INVALID_ACCESS_TOKEN_GRANTS)?;
        let chat = ChatGrant::of(grants)?;
        let Self { key_sid, account_sid, .. } = self;
        Ok(AccessToken { key_sid, account_sid, issued_at, not_before, expires_at, identity, chat })
    }
}

impl AccessToken {
    /// The token as text, under the key's `secret`.
    pub fn sign(&self, secret: &str) -> String {
        #[derive(Serialize)]
        struct Claims<'a> {
            jti: String,
            iss: &'a str,
            sub: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            iat: Option<i64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            nbf: Option<i64>,
            exp: i64,
            grants: Grants<'a>,
        }
        #[derive(Serialize)]
        struct Grants<'a> {
            identity: &'a str,
            chat: &'a ChatGrant,
        }
        let Self { key_sid, account_sid, issued_at, not_before, expires_at, identity, chat } = self;
        let seconds = |time: Timestamp| time.unix_seconds();
        let made_at = issued_at.or(*not_before).unwrap_or(*expires_at);
        let claims = Claims {
            jti: format!("{key_sid}-{}", seconds(made_at)),
            iss: key_sid,
            sub: account_sid,
            iat: issued_at.map(seconds),
            nbf: not_before.map(seconds),
            exp: seconds(*expires_at),
            grants: Grants { identity, chat },
        };
        let header = format!(r#"{{"typ":"JWT","alg":"HS256","cty":"{CONTENT_TYPE}"}}"#);
        let claims = serde_json::to_vec(&claims).expect("members are texts and numbers");
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(&claims));
        let signature = hmac::sign(&Key::new(HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
        format!("{signed}.{}", encode(signature.as_ref()))
    }
}

impl ChatGrant {
    /// Tokens of Programmable Chat's time have it by its old name.
    fn of(grants: &Map<String, Value>) -> Result<Self, Problem> {
        let grant = grants.get("chat").or_else(|| grants.get("ip_messaging")).and_then(Value::as_object);
        let grant = grant.ok_or(Problem::INVALID_ACCESS_TOKEN_GRANTS)?;
        Ok(Self {
            service_sid: text(grant, "service_sid")?.ok_or(Problem::INVALID_ACCESS_TOKEN_GRANTS)?,
            endpoint_id: text(grant, "endpoint_id")?,
            push_credential_sid: text(grant, "push_credential_sid")?,
            deployment_role_sid: text(grant, "deployment_role_sid")?,
        })
    }
}

/// The object that a part of a token is.
fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The algorithm of a header that is one of ours. An extension that must be understood is not.
fn algorithm(header: &Map<String, Value>) -> Option<hmac::Algorithm> {
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    let is_ours = text("typ")?.eq_ignore_ascii_case("JWT")
        && text("cty")? == CONTENT_TYPE
        && !header.contains_key("crit");
    match text("alg")? {
        "HS256" if is_ours => Some(HMAC_SHA256),
        "HS384" if is_ours => Some(HMAC_SHA384),
        "HS512" if is_ours => Some(HMAC_SHA512),
        _ => None,
    }
}

/// Seconds since 1970, whole or not. What is no number is none of a time's.
fn time(claim: Option<&Value>) -> Result<Option<Timestamp>, Problem> {
    match claim {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(seconds)) => {
            #[expect(clippy::cast_possible_truncation, reason = "it saturates, and so does the timestamp")]
            let seconds = seconds.as_i64().or_else(|| seconds.as_f64().map(|seconds| seconds.floor() as i64));
            Ok(seconds.map(|seconds| Timestamp::from_micros(seconds.saturating_mul(SECOND))))
        }
        Some(_) => Err(Problem::ACCESS_TOKEN_EXPIRED),
    }
}

/// A clock that goes after ours only shortens a token's life; one that goes before is forgiven a little.
fn in_time(
    now: Timestamp,
    (issued_at, not_before, expires_at): (Option<Timestamp>, Option<Timestamp>, Timestamp),
) -> Result<(), Problem> {
    let after = |time: Timestamp, seconds: i64| time.saturating_plus_micros(seconds * SECOND);
    if expires_at <= now {
        return Err(Problem::ACCESS_TOKEN_EXPIRED);
    }
    // What is made for later lives no longer from now, either.
    let is_too_long = issued_at.or(not_before).is_some_and(|begins| expires_at > after(begins, LIFETIME))
        || expires_at > after(now, LIFETIME + SKEW);
    if is_too_long {
        return Err(Problem::ACCESS_TOKEN_LIFETIME_TOO_LONG);
    }
    if not_before.is_some_and(|not_before| not_before > after(now, SKEW)) {
        return Err(Problem::ACCESS_TOKEN_NOT_YET_VALID);
    }
    Ok(())
}

/// A member of the grants that is text; empty is as good as none. No text of ours holds the NUL character.
fn text(grants: &Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match grants.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if !text.contains('\0') => Ok(Some(text.clone())),
        Some(_) => Err(Problem::INVALID_ACCESS_TOKEN_GRANTS),
    }
}

#[cfg(test)]
mod tests;
