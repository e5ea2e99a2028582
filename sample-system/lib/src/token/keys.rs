//! The published keys as one checker has them: fetched from auth, kept, fetched again at a name
//! that is not known and every few minutes, and good for as long as auth is away.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::Method;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::jwk::PublicKey;
use super::{Claims, JwkSet, Refusal, Signer, compact};
use crate::calls::Limits;
use crate::clock::Clock;
use crate::draw::Draw;
use crate::http_client::{CallError, ClientError, Peer};
use crate::metrics::Metrics;
use crate::timeouts::KEYS_TIMEOUT;
use crate::trace_context::TraceContext;

/// Where auth publishes its keys.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// The shortest time between two fetches that requests cause: what strangers make up costs auth no
/// more than that.
const BETWEEN_FETCHES: Duration = Duration::from_secs(1);
/// How often keys are fetched without a reason, so that one that was withdrawn is forgotten.
const REFRESH: Duration = Duration::from_secs(5 * 60);
/// The first wait after a try of [`Keys::run`] that failed; each further one doubles it. Where a whole
/// shop starts, auth listens a moment later than some who ask it, and the first customer comes at once.
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// The longest time between two tries while auth is away.
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// How many requests may wait for a fetch at once; a further one is told to come again.
const WAITING: usize = 64;
/// Keys that a set may have. Auth publishes three or four.
const MOST_KEYS: usize = 64;

/// Why keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Auth was not reached.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It answered something else than keys.
    #[error("auth answered {0} instead of its keys")]
    Status(http::StatusCode),
    /// Who keeps them here could not tell.
    #[error("the keys cannot be read: {0}")]
    Read(String),
    /// None of them can be used.
    #[error("there is no key among what was published that this shop signs with")]
    Empty,
}

type Fetching = Pin<Box<dyn Future<Output = Result<JwkSet, SourceError>> + Send>>;
type Source = Box<dyn Fn() -> Fetching + Send + Sync>;

/// The last fetch.
#[derive(Clone, Copy)]
struct Fetched {
    begun: Instant,
    worked: bool,
}

/// The keys; clones share them.
#[derive(Clone)]
pub struct Keys(Arc<Shared>);

struct Shared {
    known: RwLock<BTreeMap<String, PublicKey>>,
    source: Source,
    /// One fetch at a time; what the last one did.
    last: Mutex<Option<Fetched>>,
    waiting: Semaphore,
    clock: Clock,
}

impl Keys {
    /// The keys that `auth` publishes. They are fetched when the first token comes, or by
    /// [`Keys::run`], whatever is first.
    pub fn new(auth: Peer, clock: Clock) -> Self {
        let draw = Draw::system();
        Self::from_source(
            move || {
                // Nobody's request alone is what they are fetched for.
                let trace = TraceContext::default().or_drawn(&draw);
                let request = auth.request(Method::GET, JWKS_PATH, &trace);
                async move {
                    let answer = request.send().await?;
                    if !answer.status.is_success() {
                        return Err(SourceError::Status(answer.status));
                    }
                    Ok(answer.json()?)
                }
            },
            clock,
        )
    }

    /// The keys that auth at `url` publishes, with calls that are guarded and counted in `metrics`.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn published_at(url: &str, metrics: &Metrics, clock: Clock) -> Result<Self, ClientError> {
        let auth = Peer::new("auth", url, KEYS_TIMEOUT)?;
        let auth = auth.guarded(Limits::default(), metrics, &Draw::system());
        Ok(Self::new(auth, clock))
    }

    /// The keys that `source` tells, as auth itself has them.
    pub fn from_source<F>(source: impl Fn() -> F + Send + Sync + 'static, clock: Clock) -> Self
    where
        F: Future<Output = Result<JwkSet, SourceError>> + Send + 'static,
    {
        Self(Arc::new(Shared {
            known: RwLock::default(),
            source: Box::new(move || Box::pin(source())),
            last: Mutex::new(None),
            waiting: Semaphore::new(WAITING),
            clock,
        }))
    }

    /// The keys of these signers and no others, for tests of services.
    pub fn of<'s>(signers: impl IntoIterator<Item = &'s Signer>, clock: Clock) -> Self {
        let keys = signers
            .into_iter()
            .map(|signer| signer.public().clone())
            .collect();
        let set = JwkSet { keys };
        Self::from_source(move || std::future::ready(Ok(set.clone())), clock)
    }

    /// Keeps them fresh until `shutdown`. Failures are logged and tried again.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut retry = FIRST_RETRY;
        while !shutdown.is_cancelled() {
            let worked = {
                let mut last = self.0.last.lock().await;
                self.fetch(&mut last).await
            };
            let pause = if worked { REFRESH } else { retry };
            retry = if worked {
                FIRST_RETRY
            } else {
                (retry * 2).min(LONGEST_RETRY)
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// What `token` says, once its signature and its times were found to hold.
    ///
    /// # Errors
    /// Why it is not believed.
    pub async fn check(&self, token: &str) -> Result<Claims, Refusal> {
        let compact = compact::read(token)?;
        let key = match self.known(&compact.kid) {
            Some(key) => key,
            None => self.learn(&compact.kid).await?,
        };
        if !key.verifies(compact.signed, &compact.signature) {
            return Err(Refusal::Signature);
        }
        let claims = compact.claims()?;
        claims.check(self.0.clock.now().timestamp())?;
        Ok(claims)
    }

    fn known(&self, kid: &str) -> Option<PublicKey> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(kid).copied()
    }

    /// Asks for the key `kid`. Who comes within a second after a fetch waits for the next one, so
    /// that a key published in between is found and no token is refused for being early.
    async fn learn(&self, kid: &str) -> Result<PublicKey, Refusal> {
        let asked = Instant::now();
        let Ok(_place) = self.0.waiting.try_acquire() else {
            return Err(Refusal::NoKeys);
        };
        let mut last = self.0.last.lock().await;
        if let Some(key) = self.known(kid) {
            return Ok(key);
        }
        if let Some(fetched) = *last {
            let next = fetched.begun + BETWEEN_FETCHES;
            if fetched.begun > asked || (!fetched.worked && next > Instant::now()) {
                return Err(missing(fetched.worked));
            }
            tokio::time::sleep_until(next).await;
        }
        let worked = self.fetch(&mut last).await;
        self.known(kid).ok_or_else(|| missing(worked))
    }

    /// Fetches the keys and takes them in place of the old ones; keeps the old ones on a failure.
    async fn fetch(&self, last: &mut Option<Fetched>) -> bool {
        let begun = Instant::now();
        let mut fetched = Fetched {
            begun,
            worked: false,
        };
        // Set before the wait: a fetch that is cut off counts too.
        *last = Some(fetched);
        let taken = match (self.0.source)().await {
            Ok(set) => usable(&set),
            Err(error) => Err(error),
        };
        match taken {
            Ok(keys) => {
                let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
                *known = keys;
                fetched.worked = true;
            }
            Err(error) => tracing::warn!(%error, "auth's keys cannot be had"),
        }
        *last = Some(fetched);
        fetched.worked
    }
}

/// Why there is no key of a name after a fetch that worked or did not.
fn missing(worked: bool) -> Refusal {
    if worked {
        Refusal::UnknownKey
    } else {
        Refusal::NoKeys
    }
}

fn usable(set: &JwkSet) -> Result<BTreeMap<String, PublicKey>, SourceError> {
    let keys: BTreeMap<_, _> = set
        .keys
        .iter()
        .take(MOST_KEYS)
        .filter_map(|jwk| Some((jwk.kid.clone(), jwk.public()?)))
        .collect();
    if keys.is_empty() {
        return Err(SourceError::Empty);
    }
    Ok(keys)
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}
