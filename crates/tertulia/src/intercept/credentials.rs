//! Whose calls the server must take: those of the program, by the credentials that it has in its environment.

use conversations::{Account, ApiKey};
use wire::{Prefix, Sid};

use crate::given::Given;

pub const ACCOUNT_SID: &str = "TWILIO_ACCOUNT_SID";
pub const AUTH_TOKEN: &str = "TWILIO_AUTH_TOKEN";
const API_KEY: &str = "TWILIO_API_KEY";
const API_SECRET: &str = "TWILIO_API_SECRET";

/// What the program brings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    account_sid: Option<String>,
    auth_token: Option<String>,
    api_key: Option<(String, String)>,
}

impl Credentials {
    /// Looks for them; empty text is none. With them come words on those that no server can know.
    pub fn find(variable: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut warnings = Vec::new();
        let account_sid = given(ACCOUNT_SID).filter(|sid| is_sid::<Account>(ACCOUNT_SID, sid, &mut warnings));
        let api_key = given(API_KEY).filter(|sid| is_sid::<ApiKey>(API_KEY, sid, &mut warnings));
        let found =
            Self { account_sid, auth_token: given(AUTH_TOKEN), api_key: api_key.zip(given(API_SECRET)) };
        (found, warnings)
    }

    /// Pins them, above what is configured.
    pub fn pin(self, given: &mut Given) {
        let Self { account_sid, auth_token, api_key } = self;
        given.account_sid = account_sid;
        given.auth_token = auth_token;
        (given.api_key_sid, given.api_key_secret) = api_key.unzip();
    }
}

fn is_sid<R: Prefix>(name: &str, text: &str, warnings: &mut Vec<String>) -> bool {
    let is_sid = Sid::<R>::parse(text).is_some();
    if !is_sid {
        let prefix = R::PREFIX;
        warnings.push(format!(
            "{name} is not {prefix} and 32 hexadecimal digits, so calls that sign in with it will be refused"
        ));
    }
    is_sid
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "AC00112233445566778899aabbccddeeff";
    const KEY: &str = "SK00112233445566778899aabbccddeeff";

    fn found(variables: &[(&str, &str)]) -> (Credentials, Vec<String>) {
        let given = |name: &str| {
            let (_, value) = variables.iter().find(|(given, _)| *given == name)?;
            Some((*value).to_owned())
        };
        Credentials::find(given)
    }

    #[test]
    fn what_the_program_has_is_pinned() {
        let (credentials, warnings) =
            found(&[(ACCOUNT_SID, ACCOUNT), (AUTH_TOKEN, "token"), (API_KEY, KEY), (API_SECRET, "secret")]);
        assert_eq!(warnings, [""; 0]);
        let mut given = Given::default();
        credentials.pin(&mut given);
        assert_eq!(
            (given.account_sid.as_deref(), given.auth_token.as_deref()),
            (Some(ACCOUNT), Some("token"))
        );
        assert_eq!(
            (given.api_key_sid.as_deref(), given.api_key_secret.as_deref()),
            (Some(KEY), Some("secret"))
        );
    }

    #[test]
    fn what_cannot_be_used_is_left_out() {
        let (credentials, warnings) =
            found(&[(ACCOUNT_SID, "ACtest"), (AUTH_TOKEN, ""), (API_KEY, KEY), (API_SECRET, "")]);
        assert_eq!(credentials, Credentials::default());
        assert!(warnings[0].contains(ACCOUNT_SID) && warnings.len() == 1, "{warnings:?}");
    }
}
