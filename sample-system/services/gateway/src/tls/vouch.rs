//! Whether what stands in the folder belongs together, asked as those ask who connect: a CA and its
//! certificate are replaced one after the other, and whoever did so may have ended in between.

use chrono::{DateTime, Utc};
use rcgen::KeyPair;
use rustls::RootCertStore;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;

/// Whether the CA (PEM) vouches for the certificate (PEM) at `now`, for each of `names`.
pub(super) fn vouches(ca: &str, leaf: &str, names: &[String], now: DateTime<Utc>) -> bool {
    let checked = || -> Option<()> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(ca)?).ok()?;
        let leaf = certificate(leaf)?;
        let leaf = ParsedCertificate::try_from(&leaf).ok()?;
        let now = u64::try_from(now.timestamp()).ok()?;
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
        let algorithms = ring::default_provider()
            .signature_verification_algorithms
            .all;
        verify_server_cert_signed_by_trust_anchor(&leaf, &roots, &[], now, algorithms).ok()?;
        // What no client can ask for, no client is refused for.
        let names = names
            .iter()
            .filter_map(|name| ServerName::try_from(name.as_str()).ok());
        for name in names {
            verify_server_name(&leaf, &name).ok()?;
        }
        Some(())
    };
    checked().is_some()
}

/// Whether two CAs (PEM) are one to whoever trusts either: of one name and one key.
pub(super) fn is_same(ca: &str, other: &str) -> bool {
    let trusted = |ca| -> Option<Vec<_>> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(ca)?).ok()?;
        Some(roots.roots)
    };
    trusted(ca).is_some_and(|ca| trusted(other) == Some(ca))
}

/// Whether the CA (PEM) is the one of this key (PEM).
pub(super) fn is_of(ca: &str, key: &str) -> bool {
    let (Some(ca), Ok(key)) = (certificate(ca), KeyPair::from_pem(key)) else {
        return false;
    };
    // A certificate holds its public key as it is.
    let public = key.public_key_raw();
    ca.windows(public.len()).any(|part| part == public)
}

/// Whether a text is a key (PEM).
pub(super) fn is_key(pem: &str) -> bool {
    KeyPair::from_pem(pem).is_ok()
}

fn certificate(pem: &str) -> Option<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(pem.as_bytes()).ok()
}
