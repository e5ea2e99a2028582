//! HTTPS: a CA of the shop's own, a certificate signed by it, and a listener that speaks TLS with
//! whatever certificate is the newest.
//!
//! Both are made at first start below `DATA_DIR/tls`, where several replicas may look at once; the
//! certificate is made anew before it ends. A certificate that somebody puts there is taken up
//! too. New connections get the new one, those that are there keep theirs and are never cut.
//! Keys never leave the folder.
//!
//! # Layout
//! * [`files`]: what is in the folder, made under a lock and replaced in one step
//! * [`sign`]: makes a CA and certificates (pure)
//! * [`vouch`]: whether a CA, its key and a certificate belong together (pure)
//! * [`current`]: the certificate that handshakes get now
//! * [`listener`]: accepts connections and shakes hands, each for itself

mod current;
mod files;
mod listener;
mod sign;
mod vouch;

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;

pub(crate) use self::current::Current;
pub(crate) use self::files::Files;
pub(crate) use self::listener::TlsListener;

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file of the folder cannot be made, read or replaced.
    #[error(
        "cannot {doing} {path}: {source}; DATA_DIR must be a folder that the gateway may write"
    )]
    File {
        doing: &'static str,
        path: String,
        source: std::io::Error,
    },
    /// A file holds something else than it should.
    #[error("{path} {problem}; remove it to have a new one made")]
    Content { path: String, problem: String },
    /// A certificate cannot be made.
    #[error("cannot make a certificate: {0}; is each of TLS_NAMES a host's name or an address?")]
    Sign(#[from] rcgen::Error),
    /// TLS itself refuses the provider or its protocols.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// How handshakes are made: with `current`'s certificate, HTTP/1.1, TLS 1.2 or 1.3.
pub(crate) fn config(current: Current) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(current));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests;
