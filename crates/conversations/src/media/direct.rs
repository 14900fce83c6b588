//! The direct address of a file: signed, good for five minutes, and for whoever has it.

use crate::media::Media;
use crate::prelude::*;
use crate::vault::Vault;

const SECOND: i64 = 1_000_000;
/// Seconds.
const LIFETIME: i64 = 5 * 60;

/// The address, for this call's base URL.
pub fn url(call: &Call, media: &Media, now: Timestamp) -> String {
    let Media { sid, chat_service_sid, .. } = media;
    let expires = (now.micros() / SECOND + LIFETIME).to_string();
    let signature = crate::hex(&call.vault.sign(&text(*chat_service_sid, *sid, &expires)));
    format!(
        "{}/v1/Services/{chat_service_sid}/Media/{sid}/Content?Expires={expires}&Signature={signature}",
        call.base_url
    )
}

/// Whether `signature` is ours for this file, and its time has not come.
pub fn opens(
    vault: &Vault,
    (service, sid): (Sid<Service>, Sid<Media>),
    (expires, signature): (&str, &str),
    now: Timestamp,
) -> bool {
    let is_signed = vault.verify(&text(service, sid, expires), signature);
    let is_in_time = expires.parse::<i64>().is_ok_and(|expires| now.micros() / SECOND < expires);
    is_signed && is_in_time
}

fn text(service: Sid<Service>, sid: Sid<Media>, expires: &str) -> String {
    format!("media content\n{service}\n{sid}\n{expires}")
}
