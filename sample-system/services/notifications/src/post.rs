//! Hands a mail to the SMTP server, and tells a failure that passes from one that stays.

use std::time::Duration;

use lettre::message::Message;
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncTransport as _, Tokio1Executor};

/// How long one mail may take, connecting included.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a mail was not handed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    /// The address of the server is not `host:port`.
    #[error("SMTP_ADDRESS {0:?} is not host:port, like mailbox:2525")]
    Address(String),
    /// The server will never take this mail.
    #[error("the mail server refused the mail for good: {0}")]
    Refused(lettre::transport::smtp::Error),
    /// The server is away, busy or broken; the mail may be tried again.
    #[error("the mail server did not take the mail: {0}")]
    Away(lettre::transport::smtp::Error),
    /// The time was up. The server may have the mail.
    #[error("the mail server gave no answer within {PATIENCE:?}")]
    Timeout,
}

/// The way to the SMTP server; one connection for each mail.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Post {
    /// The server at `address` (`host:port`), which is inside the system: no TLS, no password.
    pub(crate) fn new(address: &str) -> Result<Self, PostError> {
        let parts = address.rsplit_once(':');
        let (host, port) = parts
            .and_then(|(host, port)| Some((host, port.parse().ok()?)))
            .ok_or_else(|| PostError::Address(address.to_owned()))?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .hello_name(ClientId::Domain("notifications".to_owned()))
            .timeout(Some(PATIENCE))
            .build();
        Ok(Self { transport })
    }

    /// Returns once the server has taken the mail.
    pub(crate) async fn hand_over(&self, mail: &Message) -> Result<(), PostError> {
        let sent = self.transport.send(mail.clone());
        match tokio::time::timeout(PATIENCE, sent).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => Err(PostError::Refused(error)),
            Ok(Err(error)) => Err(PostError::Away(error)),
            Err(_) => Err(PostError::Timeout),
        }
    }
}
