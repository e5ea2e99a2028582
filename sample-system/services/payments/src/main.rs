//! payments: charges cards and refunds charges, each at most once however often it is asked.
//!
//! `POST /charges`, `POST /charges/{id}/refund`, `GET /charges?order_id=`; the ledger is kept in a
//! SQLite file of its own. It calls nobody. With `PROVIDER_STATES=on`, and only then, it takes the
//! states that a contract's verification needs at `POST /_pact/states`.

mod config;
mod ledger;
mod routes;
mod states;

use std::process::ExitCode;

use shop::database::DatabaseError;
use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::serve::{self, Readiness, ServeError};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::ledger::Ledger;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum PaymentsError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

fn main() -> ExitCode {
    entry::run(
        Service {
            name: "payments",
            health: Kind::Http,
        },
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), PaymentsError> {
    let ledger = Ledger::open(&config.basics.data_dir)?;
    let listener = serve::listen(&config.basics.listen).await?;
    let mut routes = routes::routes(ledger.clone());
    if config.provider_states {
        tracing::warn!("takes provider states: anyone who calls can rewrite the ledger");
        routes = routes.merge(states::routes(ledger.clone()));
    }
    let readiness = Readiness::new().and("the database", move || {
        let ledger = ledger.clone();
        async move { ledger.answers().await }
    });
    serve::http(listener, routes, readiness, shutdown, config.basics.grace).await?;
    Ok(())
}
