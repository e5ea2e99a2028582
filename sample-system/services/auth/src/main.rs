//! auth: accounts, their passwords, and the keys that tokens are signed with.
//!
//! `POST /accounts`, `GET` and `PUT /accounts/me`, `POST /tokens`, `POST /keys/rotate`,
//! `GET /.well-known/jwks.json`. Accounts and keys are kept in a SQLite file of its own; each
//! change of an account is told as `ACCOUNT_CHANGED`. It calls nobody but the broker.

mod accounts;
mod config;
mod email;
mod keys;
mod operator;
mod password;
mod random;
mod routes;
mod throttle;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use shop::bugs::Bugs;
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::kafka::KafkaError;
use shop::messenger::Messenger;
use shop::metrics::Metrics;
use shop::serve::{self, Readiness, ServeError, Serving};
use shop::token::Keys;
use shop::{idempotency, lease, outbox, retention};
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::config::Config;
use crate::keys::{KeysError, SigningKeys};
use crate::operator::OperatorError;
use crate::password::{Hasher, PasswordError};
use crate::random::Random;
use crate::routes::Desk;
use crate::throttle::Throttle;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum AuthError {
    #[error("cannot make {path} readable for its owner alone: {source}")]
    File {
        path: String,
        source: std::io::Error,
    },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Operator(#[from] OperatorError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

fn main() -> ExitCode {
    entry::run(
        Service {
            name: "auth",
            health: Kind::Http,
        },
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), AuthError> {
    let (clock, random, metrics) = (Clock::system(), Random::system(), Metrics::new());
    let database = open(&config.basics.data_dir)?;
    metrics.watch_database(&database);
    metrics.watch_outbox(&database, &clock);
    let messenger = Messenger::new("auth", &config.kafka_brokers, &Bugs::none())?;
    let accounts = Accounts::new(database.clone(), messenger.outbox(), clock.clone());
    let (at_once, waiting) = (config.hashes_at_once, config.hashes_waiting);
    let wait = config.hash_wait;
    let hasher = Hasher::new(random.clone(), at_once, waiting, wait, &metrics)?;
    operator::keep(&accounts, &hasher, config.operator_password).await?;
    let lifetime = config.token_lifetime;
    let opened = SigningKeys::open(database.clone(), clock.clone(), random.clone(), lifetime);
    let signing = opened.await?;

    let listener = serve::listen(&config.basics.listen).await?;
    let rotating = signing.clone();
    tokio::spawn(rotating.rotate_by_age(config.key_age, shutdown.clone()));
    let kinds: &[retention::Prune] = &[idempotency::prune, outbox::prune];
    let keeping = retention::keep(database.clone(), clock.clone(), kinds, shutdown.clone());
    tokio::spawn(keeping);
    let relaying = tokio::spawn(messenger.relay(&database, &clock, shutdown.clone()));

    let desk = desk(accounts, signing, hasher, clock, random);
    let readiness = Readiness::new().and_database(&database);
    let serving = Serving::new(readiness, metrics);
    let grace = config.basics.grace;
    serve::http(listener, routes::routes(desk), serving, shutdown, grace).await?;
    if tokio::time::timeout(grace, relaying).await.is_err() {
        tracing::warn!("events wait in the outbox for the next start");
    }
    messenger.close().await;
    Ok(())
}

fn desk(
    accounts: Accounts,
    signing: SigningKeys,
    hasher: Hasher,
    clock: Clock,
    random: Random,
) -> Desk {
    let own = signing.clone();
    let keys = Keys::from_source(
        move || std::future::ready(Ok(own.published())),
        clock.clone(),
    );
    Desk {
        accounts,
        signing,
        keys,
        hasher,
        throttle: Arc::new(Throttle::new(clock)),
        random,
    }
}

/// Opens the database in `folder`. It holds private keys: only its owner may read the file, and
/// SQLite gives the files beside it the same mode.
fn open(folder: &Path) -> Result<Database, AuthError> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let path = folder.join("auth.sqlite");
    let failed = |source| AuthError::File {
        path: path.display().to_string(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let only_owner = std::fs::Permissions::from_mode(0o600);
    file.set_permissions(only_owner).map_err(failed)?;
    drop(file);
    let migrations = &[
        accounts::SCHEMA,
        keys::SCHEMA,
        outbox::SCHEMA,
        lease::SCHEMA,
        idempotency::SCHEMA,
    ];
    Ok(Database::open(&path, migrations)?)
}
