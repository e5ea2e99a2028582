//! The certificate that handshakes get now. A newer file is taken up by swapping it; connections
//! that are there keep theirs.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use super::{Files, TlsError};

/// The certificate in use. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    files: Files,
    used: Arc<RwLock<Used>>,
}

#[derive(Debug)]
struct Used {
    text: String,
    certified: Arc<CertifiedKey>,
}

impl Current {
    /// The certificate of `files`, made where there is none.
    ///
    /// # Errors
    /// When there is none that can be used.
    pub(crate) fn load(files: Files) -> Result<Self, TlsError> {
        let text = files.certificate()?;
        let certified = certified(&files, &text)?;
        let used = Used { text, certified };
        Ok(Self {
            files,
            used: Arc::new(RwLock::new(used)),
        })
    }

    /// Looks at the file each `pause` until `shutdown`, renews it when it is due, and takes up what
    /// is new. One that cannot be used is told in the log, and the old one goes on.
    pub(crate) async fn follow(self, pause: Duration, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => return,
            }
            let current = self.clone();
            // Files and a lock: not for the threads that answer requests.
            match tokio::task::spawn_blocking(move || current.look()).await {
                Ok(Ok(true)) => tracing::info!("took up a new certificate"),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => tracing::error!(%error, "the old certificate goes on"),
                Err(error) => tracing::error!(%error, "the certificate was not looked at"),
            }
        }
    }

    /// Takes up what the file holds; answers whether that is new.
    pub(super) fn look(&self) -> Result<bool, TlsError> {
        let text = self.files.certificate()?;
        let used = || self.used.read().unwrap_or_else(PoisonError::into_inner);
        if used().text == text {
            return Ok(false);
        }
        let certified = certified(&self.files, &text)?;
        *self.used.write().unwrap_or_else(PoisonError::into_inner) = Used { text, certified };
        Ok(true)
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let used = self.used.read().unwrap_or_else(PoisonError::into_inner);
        Some(used.certified.clone())
    }
}

/// The certificates and the key in `text`, which must belong together.
fn certified(files: &Files, text: &str) -> Result<Arc<CertifiedKey>, TlsError> {
    let unusable = |problem: String| TlsError::Content {
        path: files.path("gateway.pem").display().to_string(),
        problem,
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let chain = chain.map_err(|error| unusable(format!("holds no certificate: {error}")))?;
    if chain.is_empty() {
        return Err(unusable("holds no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|error| unusable(format!("holds no key: {error}")))?;
    let key = any_supported_type(&key)
        .map_err(|error| unusable(format!("holds a key that cannot be used: {error}")))?;
    let certified = CertifiedKey::new(chain, key);
    certified
        .keys_match()
        .map_err(|error| unusable(format!("holds a key of another certificate: {error}")))?;
    Ok(Arc::new(certified))
}
