//! The authorities that the program trusts: those that it had, and that of this run.
//!
//! Most of the variables that name authorities replace those of the system, so the file holds them all; a
//! program still calls its own servers, and with `--passthrough` everybody's.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::environment::AUTHORITIES;

/// Where systems keep the authorities that they trust: Debian, Fedora, SUSE, Alpine and macOS, FreeBSD.
const OF_SYSTEMS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The text of the file: ours first, then those that `variable` names, and else the system's.
pub fn bundle(ours: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let named: BTreeSet<PathBuf> = AUTHORITIES
        .iter()
        .filter_map(|name| fs::canonicalize(variable(name)?).ok().filter(|path| path.is_file()))
        .collect();
    let of_system = || OF_SYSTEMS.iter().map(PathBuf::from).find(|path| path.is_file());
    // Node's variable adds to what it has, and so does not stand for the system's.
    let is_replaced = AUTHORITIES[..3].iter().any(|name| variable(name).is_some_and(|path| !path.is_empty()));
    let system = if is_replaced { None } else { of_system() };
    let texts = named.into_iter().chain(system).filter_map(|path| match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) => {
            tracing::warn!("the authorities in {} are left out: {error}", path.display());
            None
        }
    });
    std::iter::once(ours.to_owned()).chain(texts).map(|text| [text.trim_end(), "\n"].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_trusted_it_trusts_still() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("corporate.pem");
        fs::write(&file, "corporate\n\n").expect("a file");
        let named = |name: &str| {
            ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"].contains(&name).then(|| file.display().to_string())
        };
        assert_eq!(bundle("ours\n", named), "ours\ncorporate\n");
        let missing = |name: &str| (name == "CURL_CA_BUNDLE").then(|| "/nowhere".to_owned());
        assert_eq!(bundle("ours", missing), "ours\n");
        let system = bundle("ours", |_| None);
        assert!(system.starts_with("ours\n"));
    }
}
