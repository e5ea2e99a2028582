//! catalog: which items the shop sells, under which name and for what price.
//!
//! `PUT` and `GET /items/{sku}`; the items are kept in a SQLite file of its own. It calls nobody.

mod items;
mod routes;

use std::process::ExitCode;

use shop::config::Basics;
use shop::database::DatabaseError;
use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::serve::{self, Readiness, ServeError};
use tokio_util::sync::CancellationToken;

use crate::items::Items;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum CatalogError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

fn main() -> ExitCode {
    entry::run(
        Service {
            name: "catalog",
            health: Kind::Http,
        },
        Basics::read,
        run,
    )
}

async fn run(basics: Basics, shutdown: CancellationToken) -> Result<(), CatalogError> {
    let items = Items::open(&basics.data_dir)?;
    let listener = serve::listen(&basics.listen).await?;
    let asked = items.clone();
    let readiness = Readiness::new().and("the database", move || {
        let items = asked.clone();
        async move { items.answer().await }
    });
    serve::http(
        listener,
        routes::routes(items),
        readiness,
        shutdown,
        basics.grace,
    )
    .await?;
    Ok(())
}
