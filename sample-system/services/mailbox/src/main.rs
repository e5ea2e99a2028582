//! mailbox: where the shop's mail ends up, so that it can be read back.
//!
//! It takes mail over SMTP (`LISTEN_SMTP`) and shows it over HTTP (`GET /mails?to=ADDRESS` at
//! `LISTEN`). A mail is known by its Message-ID: one that comes again is counted, not kept twice.
//! Mails are kept in a SQLite file of its own, and a mail that was answered with 250 is in it.
//! It calls nobody and passes no mail on.

mod mail;
mod mails;
mod routes;
mod smtp;

use std::process::ExitCode;

use shop::config::{Basics, Settings};
use shop::database::DatabaseError;
use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::serve::{self, Readiness, ServeError};
use tokio_util::sync::CancellationToken;

use crate::mails::Mails;

/// What the mailbox is configured with.
struct Config {
    basics: Basics,
    /// `LISTEN_SMTP`: where it takes mail, `host:port`.
    listen_smtp: String,
}

impl Config {
    fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let listen_smtp = settings.address("LISTEN_SMTP");
        Some(Self {
            basics: basics?,
            listen_smtp: listen_smtp?,
        })
    }
}

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum MailboxError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("cannot take mail (LISTEN_SMTP): {0}")]
    Smtp(ServeError),
}

fn main() -> ExitCode {
    entry::run(
        Service {
            name: "mailbox",
            health: Kind::Http,
        },
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), MailboxError> {
    let Basics {
        listen,
        data_dir,
        grace,
    } = config.basics;
    let mails = Mails::open(&data_dir)?;
    let smtp = serve::listen(&config.listen_smtp)
        .await
        .map_err(MailboxError::Smtp)?;
    let http = serve::listen(&listen).await?;
    let asked = mails.clone();
    let readiness = Readiness::new().and("the database", move || {
        let mails = asked.clone();
        async move { mails.answer().await }
    });
    let routes = routes::routes(mails.clone());
    let (served, ()) = tokio::join!(
        serve::http(http, routes, readiness, shutdown.clone(), grace),
        smtp::serve(smtp, mails, shutdown.clone(), grace),
    );
    Ok(served?)
}
