//! What the environment says: variables that begin with `TERTULIA_`.
//!
//! A secret may come from a file: `TERTULIA_AUTH_TOKEN_FILE` names it. A variable of ours that nobody
//! knows is a warning and no error, because the environment is shared with others.

use std::collections::BTreeMap;
use std::fs;

use crate::configuration::Misconfigured;
use crate::given::{Given, GivenS3, GivenWebhooks, Place};

const PREFIX: &str = "TERTULIA_";
/// What the project's own tests are told, and no server.
const OF_TESTS: &str = "TERTULIA_TEST_";

/// The variables of ours that are set.
#[derive(Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        Self::new(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let is_ours = |name: &str| name.starts_with(PREFIX) && !name.starts_with(OF_TESTS);
        Self(variables.into_iter().filter(|(name, _)| is_ours(name)).collect())
    }

    /// What it gives, and the names that nobody knows.
    pub fn read(self) -> Result<(Given, Vec<String>), Misconfigured> {
        let mut left = self.0;
        let mut plain = |name: &str| left.remove(&format!("{PREFIX}{name}"));
        let mut given = Given {
            place: Place {
                data: plain("DATA"),
                database: None,
                config: plain("CONFIG").filter(|file| !file.is_empty()),
                master_key: None,
            },
            listen: plain("LISTEN"),
            public_url: plain("PUBLIC_URL"),
            trusted_proxies: plain("TRUSTED_PROXIES"),
            metrics_listen: plain("METRICS_LISTEN"),
            log_format: plain("LOG_FORMAT"),
            log_level: plain("LOG_LEVEL"),
            mode: plain("MODE"),
            clock: plain("CLOCK"),
            seed: plain("SEED"),
            account_sid: plain("ACCOUNT_SID"),
            api_key_sid: plain("API_KEY_SID"),
            senders: plain("SENDERS"),
            messaging_services: plain("MESSAGING_SERVICES"),
            demo_tokens: boolean("DEMO_TOKENS", plain("DEMO_TOKENS").as_deref())?,
            s3: GivenS3 {
                bucket: plain("S3_BUCKET"),
                endpoint: plain("S3_ENDPOINT"),
                region: plain("S3_REGION"),
                key_id: plain("S3_KEY_ID"),
                secret: None,
                path_style: boolean("S3_PATH_STYLE", plain("S3_PATH_STYLE").as_deref())?,
            },
            webhooks: GivenWebhooks {
                allow_private: boolean("WEBHOOK_ALLOW_PRIVATE", plain("WEBHOOK_ALLOW_PRIVATE").as_deref())?,
                allowed_networks: plain("WEBHOOK_ALLOWED_NETWORKS"),
                rest_pre_hooks: boolean("REST_PRE_HOOKS", plain("REST_PRE_HOOKS").as_deref())?,
            },
            ..Given::default()
        };
        // What `tertulia intercept` tells the program that it runs, which may be one of ours.
        left.remove("TERTULIA_URL");
        given.place.database = secret(&mut left, "DATABASE")?;
        given.place.master_key = secret(&mut left, "MASTER_KEY")?;
        given.auth_token = secret(&mut left, "AUTH_TOKEN")?;
        given.api_key_secret = secret(&mut left, "API_KEY_SECRET")?;
        given.admin_token = secret(&mut left, "ADMIN_TOKEN")?;
        given.s3.secret = secret(&mut left, "S3_SECRET")?;
        Ok((given, left.into_keys().collect()))
    }
}

fn boolean(name: &str, given: Option<&str>) -> Result<Option<bool>, Misconfigured> {
    match given {
        None | Some("") => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(Misconfigured(format!("{PREFIX}{name}: `{other}` is neither true nor false"))),
    }
}

/// The value, or what the file holds that the variable with `_FILE` names.
fn secret(left: &mut BTreeMap<String, String>, name: &str) -> Result<Option<String>, Misconfigured> {
    let name = format!("{PREFIX}{name}");
    let file_name = format!("{name}_FILE");
    let value = left.remove(&name).filter(|value| !value.is_empty());
    let file = left.remove(&file_name).filter(|file| !file.is_empty());
    match (value, file) {
        (value, None) => Ok(value),
        (Some(_), Some(_)) => Err(Misconfigured(format!("{name} and {file_name} are both set; use one"))),
        (None, Some(file)) => match fs::read_to_string(&file) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(error) => Err(Misconfigured(format!("{file_name}: cannot read {file}: {error}"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<(Given, Vec<String>), Misconfigured> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment::new(owned).read()
    }

    #[test]
    fn variables_are_read_and_unknown_ones_named() {
        let (given, unknown) = read(&[
            ("TERTULIA_LISTEN", "0.0.0.0:1"),
            ("TERTULIA_AUTH_TOKEN", "secret"),
            ("TERTULIA_LISEN", "x"),
            ("HOME", "/root"),
        ])
        .expect("nothing is wrong");
        assert_eq!(given.listen.as_deref(), Some("0.0.0.0:1"));
        assert_eq!(given.auth_token.as_deref(), Some("secret"));
        assert_eq!(unknown, ["TERTULIA_LISEN"]);
    }

    #[test]
    fn a_secret_may_stand_in_a_file_but_not_in_both_places() {
        let file = std::env::temp_dir().join(format!("tertulia-secret-{}", std::process::id()));
        fs::write(&file, "from the file\n").expect("a temporary file");
        let path = file.to_str().expect("a plain path");
        let (given, _) = read(&[("TERTULIA_ADMIN_TOKEN_FILE", path)]).expect("nothing is wrong");
        assert_eq!(given.admin_token.as_deref(), Some("from the file"));
        let both = [("TERTULIA_ADMIN_TOKEN_FILE", path), ("TERTULIA_ADMIN_TOKEN", "x")];
        assert!(read(&both).is_err());
        fs::remove_file(&file).expect("it is there");
        assert!(read(&[("TERTULIA_ADMIN_TOKEN_FILE", path)]).is_err());
    }
}
