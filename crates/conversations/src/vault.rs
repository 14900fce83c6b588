//! Secrets at rest: those that must be recoverable, because they sign, lie encrypted in the database.
//!
//! AES-256-GCM under the master key. The sid of the row is authenticated with the text, so that a
//! stored secret cannot be moved to another row. Stored: nonce (12 bytes), ciphertext, tag (16 bytes).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA256};

use crate::ids::Ids;

/// The master key of one installation.
pub struct Vault {
    key: LessSafeKey,
    /// Made from the master key, for what only we need to recognise again.
    signing: hmac::Key,
}

impl Vault {
    /// `key` comes from the data directory's `master.key` or from the environment.
    pub fn new(key: &[u8; 32]) -> Self {
        let signing = hmac::sign(&hmac::Key::new(HMAC_SHA256, key), b"tertulia: signatures of our own");
        let key = UnboundKey::new(&AES_256_GCM, key).expect("the key has the cipher's length");
        Self { key: LessSafeKey::new(key), signing: hmac::Key::new(HMAC_SHA256, signing.as_ref()) }
    }

    /// Our signature of `text`.
    pub fn sign(&self, text: &str) -> [u8; 32] {
        let mut signature = [0; 32];
        signature.copy_from_slice(hmac::sign(&self.signing, text.as_bytes()).as_ref());
        signature
    }

    /// Whether `signature`, in hexadecimal digits, is ours of `text`, in time that does not tell how much of
    /// it is right.
    pub fn verify(&self, text: &str, signature: &str) -> bool {
        let expected = crate::hex(&self.sign(text));
        verify_slices_are_equal(expected.as_bytes(), signature.as_bytes()).is_ok()
    }

    /// What may be stored of `secret` in the row of `sid`.
    pub fn seal(&self, ids: &dyn Ids, sid: &[u8; 16], secret: &str) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&ids.secret()[..NONCE_LEN]);
        let mut sealed = secret.as_bytes().to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(unique, Aad::from(sid), &mut sealed).expect("a secret is short");
        let mut stored = nonce.to_vec();
        stored.append(&mut sealed);
        stored
    }

    /// The secret again; none where it was stored under another key or for another row.
    pub fn open(&self, sid: &[u8; 16], stored: &[u8]) -> Option<String> {
        let (nonce, sealed) = stored.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let secret = self.key.open_in_place(nonce, Aad::from(sid), &mut sealed).ok()?;
        String::from_utf8(secret.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RandomIds;

    #[test]
    fn a_secret_comes_back_only_in_its_own_row_and_under_its_own_key() {
        let (vault, ids) = (Vault::new(&[1; 32]), RandomIds::default());
        let stored = vault.seal(&ids, &[7; 16], "the token");
        assert_eq!(vault.open(&[7; 16], &stored).as_deref(), Some("the token"));
        assert_eq!(vault.open(&[8; 16], &stored), None);
        assert_eq!(Vault::new(&[2; 32]).open(&[7; 16], &stored), None);
        assert_eq!(vault.open(&[7; 16], &stored[..5]), None);
    }

    #[test]
    fn a_signature_is_of_one_text_and_one_key() {
        let vault = Vault::new(&[1; 32]);
        let signature = crate::hex(&vault.sign("text"));
        assert!(vault.verify("text", &signature));
        assert!(!vault.verify("texts", &signature));
        assert!(!vault.verify("text", &signature[..63]));
        assert!(!vault.verify("text", ""));
        assert!(!Vault::new(&[2; 32]).verify("text", &signature));
    }

    #[test]
    fn nothing_of_the_secret_shows_in_what_is_stored_and_no_two_seals_are_alike() {
        let (vault, ids) = (Vault::new(&[1; 32]), RandomIds::default());
        let once = vault.seal(&ids, &[7; 16], "the token");
        assert_ne!(once, vault.seal(&ids, &[7; 16], "the token"));
        assert!(!once.windows(5).any(|window| window == b"token"));
    }
}
