//! The one factory of HTTP clients: always a timeout, never a redirect followed in silence,
//! never the host's proxy settings (what msvc calls stands on loopback).

use std::net::SocketAddr;
use std::time::Duration;

/// A client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// The TLS library refused its configuration.
    #[error("cannot set up an HTTP client: {0}")]
    Build(#[source] reqwest::Error),
    /// The CA file is no PEM certificate.
    #[error("the CA certificate cannot be read: {0}")]
    Certificate(#[source] reqwest::Error),
    /// There is none in it.
    #[error("the CA file holds no certificate (`-----BEGIN CERTIFICATE-----`)")]
    NoCertificate,
}

/// What a client is for.
#[derive(Debug, Clone)]
pub struct HttpClientOptions {
    /// From connecting to the last byte of the answer.
    pub timeout: Duration,
    /// PEM certificates to trust; the host's own are not read (147 files on a Debian).
    pub trust_pem: Option<Vec<u8>>,
    /// Host names with the address that each stands for; others are looked up.
    pub resolve: Vec<(String, SocketAddr)>,
}

impl Default for HttpClientOptions {
    /// Half a minute, and trust in nobody.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            trust_pem: None,
            resolve: Vec::new(),
        }
    }
}

/// Makes a client.
///
/// # Errors
/// When the certificate or the configuration is refused.
pub fn http_client(options: &HttpClientOptions) -> Result<reqwest::Client, HttpClientError> {
    let certificates = match &options.trust_pem {
        Some(pem) => {
            reqwest::Certificate::from_pem_bundle(pem).map_err(HttpClientError::Certificate)?
        }
        None => Vec::new(),
    };
    if options.trust_pem.is_some() && certificates.is_empty() {
        return Err(HttpClientError::NoCertificate);
    }
    let mut builder = reqwest::Client::builder()
        .timeout(options.timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_certs_only(certificates);
    for (name, address) in &options.resolve {
        builder = builder.resolve(name, *address);
    }
    builder.build().map_err(HttpClientError::Build)
}

/// Makes the process's choice of TLS provider; to be called once, first thing in main.
pub fn choose_tls_provider() {
    // An error only says that a provider was chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
