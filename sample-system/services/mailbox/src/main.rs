//! mailbox: where the shop's mail ends up, so that it can be read back.
//!
//! It takes mail over SMTP (`LISTEN_SMTP`) and shows it over HTTP to operators (`GET /mails?to=ADDRESS`
//! at `LISTEN`). A mail is known by its Message-ID: one that comes again is counted, not kept twice.
//! Mails are kept in a SQLite file of its own, and a mail that was answered with 250 is in it.
//! It calls auth for its keys and passes no mail on.

mod config;
mod mail;
mod mails;
mod routes;
mod smtp;

use std::process::ExitCode;

use shop::clock::Clock;
use shop::config::Basics;
use shop::database::DatabaseError;
use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::http_client::ClientError;
use shop::metrics::Metrics;
use shop::serve::{self, Readiness, ServeError, Serving};
use shop::token::Keys;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::mails::Mails;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum MailboxError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Client(#[from] ClientError),
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
    let database = mails.database().clone();
    let metrics = Metrics::new();
    metrics.watch_database(&database);
    let keys = Keys::published_at(&config.auth_url, &metrics, Clock::system())?;
    let connections = metrics.resource("smtp");
    let readiness = Readiness::new().and_database(&database);
    let routes = routes::routes(mails.clone(), keys.clone());
    let serving = Serving::new(readiness, metrics);
    let (served, taken, ()) = tokio::join!(
        serve::http(http, routes, serving, shutdown.clone(), grace),
        smtp::serve(smtp, mails, connections, shutdown.clone(), grace),
        keys.run(shutdown.clone()),
    );
    taken.map_err(MailboxError::Smtp)?;
    Ok(served?)
}
