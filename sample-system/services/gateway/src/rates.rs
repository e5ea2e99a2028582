//! How often one caller may ask: an account by its token, anyone else by the address that the
//! connection comes from. Each has a bucket that fills at a steady rate up to its burst.
//!
//! Several replicas count each by itself: what is limited is how much one caller can ask of one of
//! them. The buckets of callers that have been quiet are forgotten.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use http::{HeaderValue, StatusCode, header};
use shop::config::Settings;
use shop::problem::Problem;
use shop::serve::network;
use shop::token::Caller;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often quiet callers are forgotten.
const FORGET: Duration = Duration::from_secs(60);

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Requests a second.
    pub(crate) per_second: NonZeroU32,
    /// Requests at once.
    pub(crate) burst: NonZeroU32,
}

/// The rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimits {
    /// `ACCOUNT_RATE`, `ACCOUNT_BURST` of a customer. 50 a second, 200 at once by default: a page
    /// with all its parts is ten, and nobody turns five pages a second.
    pub(crate) account: Rate,
    /// `OPERATOR_RATE`, `OPERATOR_BURST` of an operator. 500 a second, 2000 at once by default:
    /// operators stock shelves and audit by program.
    pub(crate) operator: Rate,
    /// `ANONYMOUS_RATE`, `ANONYMOUS_BURST` of an address without a token. 300 a second, 1000 at
    /// once by default: a whole office may share one address, and all of it signs in at nine.
    pub(crate) anonymous: Rate,
}

impl RateLimits {
    /// Reads the settings; `None` when one is malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let account = Rate::read(settings, "ACCOUNT", 50, 200);
        let operator = Rate::read(settings, "OPERATOR", 500, 2000);
        let anonymous = Rate::read(settings, "ANONYMOUS", 300, 1000);
        Some(Self {
            account: account?,
            operator: operator?,
            anonymous: anonymous?,
        })
    }
}

impl Rate {
    fn read(settings: &mut Settings, whose: &str, per_second: u64, burst: u64) -> Option<Self> {
        let per_second = settings.number_or(&format!("{whose}_RATE"), per_second, 1..=1_000_000);
        let burst = settings.number_or(&format!("{whose}_BURST"), burst, 1..=1_000_000);
        Some(Self {
            per_second: u32::try_from(per_second?).ok()?.try_into().ok()?,
            burst: u32::try_from(burst?).ok()?.try_into().ok()?,
        })
    }
}

/// tokio's clock, which a test can pause.
#[derive(Debug, Clone, Copy)]
struct Ticking(Instant);

impl Clock for Ticking {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

type Buckets<K> = RateLimiter<K, HashMapStateStore<K>, Ticking, NoOpMiddleware<Nanos>>;

/// The buckets. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Rates(Arc<All>);

#[derive(Debug)]
struct All {
    clock: Ticking,
    account: Buckets<Uuid>,
    operator: Buckets<Uuid>,
    anonymous: Buckets<IpAddr>,
}

fn buckets<K: std::hash::Hash + Eq + Clone>(rate: Rate, clock: Ticking) -> Buckets<K> {
    let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
    RateLimiter::hashmap_with_clock(quota, clock)
}

impl Rates {
    /// Full buckets for everybody.
    pub(crate) fn new(limits: RateLimits) -> Self {
        let clock = Ticking(Instant::now());
        Self(Arc::new(All {
            clock,
            account: buckets(limits.account, clock),
            operator: buckets(limits.operator, clock),
            anonymous: buckets(limits.anonymous, clock),
        }))
    }

    /// Takes one from the bucket of `caller`, or of `from` where there is none.
    ///
    /// # Errors
    /// 429 and when to come again, where the bucket is empty.
    pub(crate) fn take(&self, caller: Option<&Caller>, from: IpAddr) -> Result<(), Problem> {
        let all = &*self.0;
        let taken = match caller {
            Some(caller) if caller.is_operator() => all.operator.check_key(&caller.account_id),
            Some(caller) => all.account.check_key(&caller.account_id),
            None => all.anonymous.check_key(&network(from)),
        };
        taken.map_err(|early| {
            let wait = early.wait_time_from(all.clock.now());
            too_many(wait)
        })
    }

    /// Forgets quiet callers now and then, until `shutdown`.
    pub(crate) async fn forget(self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(FORGET) => {}
                () = shutdown.cancelled() => return,
            }
            let All {
                account,
                operator,
                anonymous,
                ..
            } = &*self.0;
            account.retain_recent();
            operator.retain_recent();
            anonymous.retain_recent();
        }
    }
}

fn too_many(wait: Duration) -> Problem {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let detail = format!("too many requests: come again in {seconds} s; nothing happened");
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail);
    match HeaderValue::try_from(seconds.to_string()) {
        Ok(seconds) => problem.with_header(header::RETRY_AFTER, seconds),
        Err(_) => problem,
    }
}

#[cfg(test)]
mod tests {
    use shop::token::Role;

    use super::*;

    fn rates() -> Rates {
        let rate = |per_second: u32, burst: u32| Rate {
            per_second: per_second.try_into().unwrap(),
            burst: burst.try_into().unwrap(),
        };
        Rates::new(RateLimits {
            account: rate(1, 2),
            operator: rate(1, 3),
            anonymous: rate(1, 1),
        })
    }

    fn caller(number: u128, role: Role) -> Caller {
        Caller {
            account_id: Uuid::from_u128(number),
            role,
        }
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_used_its_burst_waits_and_no_other_does() {
        let rates = rates();
        let (ada, bob) = (caller(1, Role::Customer), caller(2, Role::Customer));
        for _ in 0..2 {
            assert!(rates.take(Some(&ada), HERE).is_ok());
        }
        let refused = rates.take(Some(&ada), HERE).unwrap_err();
        assert_eq!(refused.status(), 429);
        assert!(rates.take(Some(&bob), HERE).is_ok());
        assert!(rates.take(None, HERE).is_ok());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(rates.take(Some(&ada), HERE).is_ok());
        assert!(rates.take(Some(&ada), HERE).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_operator_has_a_bucket_of_its_own() {
        let rates = rates();
        let operator = caller(1, Role::Operator);
        for _ in 0..3 {
            assert!(rates.take(Some(&operator), HERE).is_ok());
        }
        assert!(rates.take(Some(&operator), HERE).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_of_one_network_share_a_bucket() {
        let rates = rates();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(rates.take(None, address("2001:db8::1")).is_ok());
        assert!(rates.take(None, address("2001:db8::2")).is_err());
        assert!(rates.take(None, address("2001:db8:0:1::1")).is_ok());
        assert!(rates.take(None, address("::ffff:10.0.0.1")).is_ok());
        assert!(rates.take(None, address("10.0.0.1")).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn callers_that_are_quiet_are_forgotten() {
        let rates = rates();
        let shutdown = CancellationToken::new();
        let forgetting = tokio::spawn(rates.clone().forget(shutdown.clone()));
        tokio::task::yield_now().await;
        assert!(rates.take(None, HERE).is_ok());
        assert_eq!(rates.0.anonymous.len(), 1);
        tokio::time::sleep(FORGET + Duration::from_millis(1)).await;
        assert_eq!(rates.0.anonymous.len(), 0);
        shutdown.cancel();
        forgetting.await.unwrap();
    }
}
