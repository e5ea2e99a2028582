//! gateway: the one door that customers come through, over HTTP and HTTPS.
//!
//! It keeps nothing but its certificate and decides nothing but who may ask, and how often: each
//! route is passed to the service that owns it, within a timeout, under the caller's trace, and a
//! service that cannot be reached becomes a problem+json or what it last answered.
//!
//! # Layout
//! * [`table`]: `routes.toml`, read and checked
//! * [`routes`]: the routes as the table has them
//! * [`gate`]: what happens to every request: token, rate, role
//! * [`rates`]: how often one caller may ask
//! * [`forward`]: passing on and back; [`fallback`]: when there is nobody to pass to
//! * [`home`]: five services at once; [`stock`]: HTTP here, gRPC behind
//! * [`upstreams`]: the services behind
//! * [`tls`]: CA, certificate, listener

mod config;
mod fallback;
mod forward;
mod gate;
mod home;
mod rates;
mod routes;
mod stock;
mod table;
mod tls;
mod upstreams;

use std::process::ExitCode;

use shop::clock::Clock;
use shop::draw::Draw;
use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::http_client::ClientError;
use shop::inventory::AddressError;
use shop::metrics::Metrics;
use shop::serve::door::Door;
use shop::serve::{self, HeaderLimits, Readiness, ServeError, Serving};
use shop::token::Keys;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::gate::Gate;
use crate::rates::Rates;
use crate::tls::{Current, Files, TlsError, TlsListener};
use crate::upstreams::Upstreams;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum GatewayError {
    #[error(transparent)]
    Table(#[from] table::TableError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Inventory(#[from] AddressError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the HTTPS listener is gone: {0}")]
    Listener(std::io::Error),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

fn main() -> ExitCode {
    entry::run(
        Service {
            name: "gateway",
            health: Kind::Http,
        },
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), GatewayError> {
    let table = table::read("routes.toml", table::PACKED)?;
    let (metrics, draw) = (Metrics::new(), Draw::system());
    let upstreams = Upstreams::new(&config, &metrics, &draw)?;
    let auth = upstreams.peer(upstreams::Service::Auth).clone();
    let keys = Keys::new(auth, Clock::system());
    tokio::spawn(keys.clone().run(shutdown.clone()));
    let rates = Rates::new(config.rates);
    tokio::spawn(rates.clone().forget(shutdown.clone()));
    let gate = Gate::new(
        upstreams,
        keys,
        rates,
        config.home_timeout,
        &config.bugs,
        &metrics,
    );
    let routes = routes::routes(table, gate);

    let files = Files::new(&config.data_dir, config.tls_names.clone(), Clock::system());
    let current = Current::load(files)?;
    tokio::spawn(current.clone().follow(config.tls_look, shutdown.clone()));
    let plain = serve::listen(&config.listen).await?;
    let secure = serve::listen(&config.listen_tls).await?;
    let secure = Door::new(secure, shutdown.clone()).map_err(GatewayError::Listener)?;
    let closing = secure.closing();
    let secure = TlsListener::new(secure, tls::config(current)?).map_err(GatewayError::Listener)?;

    let serving = Serving::new(Readiness::new(), metrics)
        .within(config.queue)
        .patient(config.patience)
        .headers_within(HeaderLimits::AT_THE_DOOR)
        .bodies_up_to(config.body_limit);
    let grace = config.grace;
    tokio::try_join!(
        serve::http(
            plain,
            routes.clone(),
            serving.clone(),
            shutdown.clone(),
            grace
        ),
        serve::on(secure, closing, routes, serving, shutdown, grace),
    )?;
    Ok(())
}
