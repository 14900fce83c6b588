//! The certificate authority of one run.
//!
//! Whoever trusts it trusts it for little: its certificate permits names at and below `twilio.com` and no
//! address, signs no other authority, and ends after a week. Its key is in memory and nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};
use wire::Timestamp;

/// The only names that its certificates are good for: this one and what lies below it.
const PERMITTED: &str = "twilio.com";
/// Clocks of containers and machines are not always one.
const EARLIER: Duration = Duration::hours(1);
const LIFE: Duration = Duration::days(7);
/// Hosts remembered; a program that asks for more has new certificates made.
const HOSTS: usize = 256;

/// An authority that was made for one run.
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    life: Life,
    provider: Arc<CryptoProvider>,
    known: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

#[derive(Clone, Copy)]
struct Life {
    begins: OffsetDateTime,
    ends: OffsetDateTime,
}

/// Why there is no certificate. It takes a broken source of chance, or a name that is none.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Authority {
    /// Makes one.
    pub fn new(now: Timestamp) -> Result<Self, Failure> {
        let now = OffsetDateTime::from_unix_timestamp(now.unix_seconds())?;
        let begins = now - EARLIER;
        let life = Life { begins, ends: begins + LIFE };
        let mut params = params("Tertulia intercept, for one run", life);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // An address is not below any name, so without these two every address would be permitted.
        let addresses = [CidrSubnet::V4([0; 4], [0; 4]), CidrSubnet::V6([0; 16], [0; 16])];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(PERMITTED.to_owned())],
            excluded_subtrees: addresses.map(GeneralSubtree::IpAddress).into(),
        });
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            certificate,
            issuer: Issuer::new(params, key),
            life,
            provider: Arc::new(aws_lc_rs::default_provider()),
            known: Mutex::default(),
        })
    }

    /// Its certificate, which is no secret, as clients want it in a file.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// How TLS is spoken as `host`.
    pub fn server(&self, host: &str) -> Result<Arc<ServerConfig>, Failure> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = known.get(host) {
            return Ok(Arc::clone(config));
        }
        let (certificate, key) = self.sign(host)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if known.len() >= HOSTS {
            known.clear();
        }
        let config = Arc::new(config);
        known.insert(host.to_owned(), Arc::clone(&config));
        Ok(config)
    }

    /// A certificate for `host` and its key.
    fn sign(&self, host: &str) -> Result<(Certificate, KeyPair), Failure> {
        let mut params = params("Tertulia intercept", self.life);
        params.subject_alt_names = CertificateParams::new([host.to_owned()])?.subject_alt_names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate, key))
    }
}

fn params(common_name: &str, life: Life) -> CertificateParams {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, common_name);
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name;
    params.not_before = life.begins;
    params.not_after = life.ends;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

#[cfg(test)]
mod tests {
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    /// 2026-01-01T00:00:00Z, in hours since 1970.
    const NOW: i64 = 490_896;
    const SECONDS: i64 = 3_600;

    fn authority() -> Authority {
        Authority::new(Timestamp::from_micros(NOW * SECONDS * 1_000_000)).expect("an authority")
    }

    fn time(hours: i64) -> UnixTime {
        let seconds = u64::try_from(hours * SECONDS).expect("after 1970");
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
    }

    /// Whether a client that trusts the authority takes its certificate for `signed` as that of `asked`.
    fn verified(authority: &Authority, signed: &str, asked: &str, now: i64) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate.der().clone()).expect("a root");
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&authority.provider));
        let verifier = verifier.build().expect("a verifier");
        let (certificate, _) = authority.sign(signed).expect("a certificate");
        let name = ServerName::try_from(asked).expect("a name");
        verifier.verify_server_cert(certificate.der(), &[], &name, &[], time(now)).map(|_| ())
    }

    #[test]
    fn its_certificates_are_good_for_twilios_names_and_for_no_others() {
        let authority = authority();
        for host in ["conversations.twilio.com", "a.b.c.twilio.com", "twilio.com"] {
            assert_eq!(verified(&authority, host, host, NOW), Ok(()), "{host}");
        }
        for host in ["example.com", "eviltwilio.com", "twilio.com.example", "127.0.0.1", "::1"] {
            let error = verified(&authority, host, host, NOW).expect_err(host);
            assert!(format!("{error:?}").contains("NameConstraintViolation"), "{host}: {error:?}");
        }
        assert!(verified(&authority, "api.twilio.com", "conversations.twilio.com", NOW).is_err());
    }

    #[test]
    fn its_certificates_end_within_a_week() {
        let authority = authority();
        let verified = |now| verified(&authority, "api.twilio.com", "api.twilio.com", now);
        assert_eq!(verified(NOW - 1), Ok(()));
        assert_eq!(verified(NOW + 6 * 24), Ok(()));
        assert!(verified(NOW + 7 * 24).is_err());
        assert!(verified(NOW - 2).is_err());
        assert_eq!(authority.life.ends - authority.life.begins, Duration::days(7));
    }

    #[test]
    fn another_run_has_another_authority() {
        let (one, other) = (authority(), authority());
        assert_ne!(one.pem(), other.pem());
        let (certificate, _) = one.sign("api.twilio.com").expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(other.certificate.der().clone()).expect("a root");
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&one.provider));
        let verifier = verifier.build().expect("a verifier");
        let name = ServerName::try_from("api.twilio.com").expect("a name");
        assert!(verifier.verify_server_cert(certificate.der(), &[], &name, &[], time(NOW)).is_err());
    }

    #[test]
    fn it_remembers_so_many_hosts_and_no_more() {
        let authority = authority();
        let first = authority.server("a.twilio.com").expect("a configuration");
        assert!(Arc::ptr_eq(&first, &authority.server("a.twilio.com").expect("the same")));
        for number in 0..HOSTS {
            authority.server(&format!("h{number}.twilio.com")).expect("a configuration");
        }
        assert!(authority.known.lock().expect("nobody panicked").len() <= HOSTS);
    }

    #[test]
    fn only_the_certificate_is_written() {
        let pem = authority().pem();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----") && !pem.contains("PRIVATE"), "{pem}");
    }
}
