//! Passwords: read, hashed, compared, and never shown. What leaves is a hash, or yes or no.
//!
//! Argon2id with 19 MiB, two passes and one lane: the first choice of OWASP's Password Storage
//! Cheat Sheet (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
//! A hash takes a core for about 30 ms, so only a few run at once, on threads that may block, and
//! only so many wait.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Deserializer};
use shop::metrics::{Metrics, Resource};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::random::Random;

/// Characters that a password has at least, as NIST SP 800-63B asks for.
const SHORTEST: usize = 8;
/// Characters that it may have, so that hashing one is never much work.
const LONGEST: usize = 128;
/// Memory of a hash, in KiB.
const MEMORY: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;

/// What is reserved for a hash, of which only [`MEMORY`] is touched. glibc keeps what is freed for
/// later unless it is above 32 MiB, which goes back to the machine at once: an idle auth would
/// otherwise hold 19 MiB for every thread that ever hashed.
const RESERVED: usize = 33 * 1024;

/// Something that must not be shown: it has no `Debug`, `Display` or `Serialize`, so no log line,
/// error or answer can hold it.
pub(crate) struct Secret(String);

/// A password that may be one: 8 to 128 characters.
pub(crate) struct Password(Secret);

impl Secret {
    /// Takes `text` out of sight.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same once more, for who has to both keep and compare it.
    pub(crate) fn again(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl Password {
    /// The password in `secret`, where it can be one. Its length is counted by characters, so that
    /// no script is at a disadvantage.
    pub(crate) fn new(secret: Secret) -> Option<Self> {
        let characters = secret.0.chars().take(LONGEST + 1).count();
        (SHORTEST..=LONGEST)
            .contains(&characters)
            .then_some(Self(secret))
    }
}

/// Why a password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// More wait than there is time for.
    #[error("too many passwords are being checked: try again")]
    Busy,
    /// Whoever asked had stopped waiting when its turn came.
    #[error("nobody waited any more")]
    Late,
    /// The parameters are broken.
    #[error("a password cannot be hashed: {0}")]
    Hash(#[from] argon2::Error),
    /// A hash cannot be written or read.
    #[error("the hash of a password is broken: {0}")]
    Form(#[from] argon2::password_hash::Error),
    /// A stored hash was made in another way.
    #[error("a stored hash of a password is not one of argon2id")]
    Foreign,
    /// There are no random bytes for a salt.
    #[error("there are no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The thread that hashed went away.
    #[error("hashing was cut off: {0}")]
    CutOff(#[from] tokio::task::JoinError),
}

/// A place among those that hash at once, and one among those that wait for it.
type Places = (OwnedSemaphorePermit, OwnedSemaphorePermit);

/// What comparing a password found. It keeps its place, so that what follows from it can be written
/// down before the next one has its turn.
pub(crate) struct Compared {
    /// Whether it is the password.
    pub(crate) fits: bool,
    _places: Places,
}

/// Hashes and compares, a few at once.
#[derive(Clone)]
pub(crate) struct Hasher {
    random: Random,
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    wait: Duration,
    shown: Resource,
    /// What a password is compared with where there is no account, so that the answer takes as
    /// long as where there is one.
    nobody: Arc<str>,
}

impl Hasher {
    /// A hasher that does `at_once` at a time and lets `waiting` more wait, none longer than `wait`;
    /// shown in `metrics` as the resource `passwords`.
    pub(crate) fn new(
        random: Random,
        at_once: usize,
        waiting: usize,
        wait: Duration,
        metrics: &Metrics,
    ) -> Result<Self, PasswordError> {
        let unknowable: [u8; 32] = random.bytes()?;
        let nobody = hash(&unknowable, random.bytes()?)?;
        let places = at_once + waiting;
        let at_once = Arc::new(Semaphore::new(at_once));
        let waiting = Arc::new(Semaphore::new(places));
        let shown = metrics.resource("passwords");
        metrics.at_scrape({
            let (free, shown) = (Arc::clone(&waiting), shown.clone());
            move || {
                let taken = places.saturating_sub(free.available_permits());
                shown.waiting(u64::try_from(taken).unwrap_or(u64::MAX));
            }
        });
        Ok(Self {
            random,
            at_once,
            waiting,
            wait,
            shown,
            nobody: nobody.into(),
        })
    }

    /// The hash of `password`, with its salt and parameters (PHC string). `still` is asked when its
    /// turn has come, and no work is done where it says no.
    pub(crate) async fn hash(
        &self,
        password: Password,
        still: impl FnOnce() -> bool,
    ) -> Result<String, PasswordError> {
        let salt = self.random.bytes()?;
        let hashed = self.work(still, move || hash(password.0.0.as_bytes(), salt));
        hashed
            .await?
            .map_or(Err(PasswordError::Late), |(hashed, _)| hashed)
    }

    /// Whether `password` is the one that `stored` was made of; where there is nothing stored it is
    /// not, and finding that out takes as long. `still` is asked when its turn has come, and no
    /// work is done where it says no: that is `None`.
    pub(crate) async fn fits(
        &self,
        password: Secret,
        stored: Option<String>,
        still: impl FnOnce() -> bool,
    ) -> Result<Option<Compared>, PasswordError> {
        let nobody = Arc::clone(&self.nobody);
        let compare = move || {
            // One too long cannot be anybody's and must not cost more than another.
            let text: String = password.0.chars().take(LONGEST).collect();
            let against = stored.as_deref().unwrap_or(&nobody);
            let same = is_of(against, text.as_bytes())?;
            Ok::<_, PasswordError>(same && stored.is_some() && text.len() == password.0.len())
        };
        let Some((compared, places)) = self.work(still, compare).await? else {
            return Ok(None);
        };
        Ok(Some(Compared {
            fits: compared?,
            _places: places,
        }))
    }

    async fn work<T: Send + 'static>(
        &self,
        still: impl FnOnce() -> bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<(T, Places)>, PasswordError> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned();
        let waiting = waiting.map_err(|_| {
            self.shown.failed();
            PasswordError::Busy
        })?;
        let turn = Arc::clone(&self.at_once).acquire_owned();
        let turn = match tokio::time::timeout(self.wait, turn).await {
            Ok(Ok(turn)) => turn,
            Ok(Err(_)) | Err(_) => {
                self.shown.failed();
                return Err(PasswordError::Busy);
            }
        };
        if !still() {
            return Ok(None);
        }
        // Both places are kept until the work is done, also when the caller went away.
        let shown = self.shown.clone();
        let work = move || {
            let busy = shown.busy();
            let done = work();
            drop(busy);
            (done, (turn, waiting))
        };
        Ok(Some(tokio::task::spawn_blocking(work).await?))
    }
}

/// The hash of `password` with `salt`, as it is kept.
fn hash(password: &[u8], salt: [u8; 16]) -> Result<String, PasswordError> {
    let parameters = Params::new(MEMORY, PASSES, LANES, None)?;
    let hashed = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&parameters)?,
        salt: Some(Salt::new(&salt).map_err(|_| PasswordError::Foreign)?),
        hash: Some(argon2id(parameters, password, &salt)?),
    };
    Ok(hashed.to_string())
}

/// Whether `stored` is a hash of `password`; takes as long either way.
fn is_of(stored: &str, password: &[u8]) -> Result<bool, PasswordError> {
    let stored = PasswordHash::new(stored).map_err(|_| PasswordError::Foreign)?;
    let ours = stored.algorithm == ARGON2ID_IDENT && stored.version == Some(Version::V0x13.into());
    let (Some(salt), Some(expected), true) = (&stored.salt, &stored.hash, ours) else {
        return Err(PasswordError::Foreign);
    };
    // Outputs are compared in constant time.
    Ok(argon2id(Params::try_from(&stored)?, password, salt)? == *expected)
}

fn argon2id(parameters: Params, password: &[u8], salt: &[u8]) -> Result<Output, PasswordError> {
    let blocks = parameters.block_count();
    let mut memory = Vec::with_capacity(blocks.max(RESERVED));
    memory.resize(blocks, Block::default());
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters).hash_password_into_with_memory(
        password,
        salt,
        &mut output,
        &mut memory,
    )?;
    Output::new(&output).map_err(|_| PasswordError::Foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than anything here takes.
    const WAIT: Duration = Duration::from_secs(60);

    fn password(text: &str) -> Password {
        Password::new(Secret::new(text)).unwrap()
    }

    fn hasher() -> Hasher {
        Hasher::new(Random::system(), 2, 1, WAIT, &Metrics::new()).unwrap()
    }

    #[test]
    fn a_password_has_8_to_128_characters_whatever_their_bytes() {
        let taken = |text: &str| Password::new(Secret::new(text)).is_some();
        assert!(!taken("1234567") && taken("12345678"));
        assert!(!taken(&"ä".repeat(7)) && taken(&"ä".repeat(8)) && taken(&"漢".repeat(128)));
        assert!(!taken(&"a".repeat(129)));
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_alone_and_says_how_it_was_made() {
        let hasher = hasher();
        let hash = hasher
            .hash(password("correct horse"), || true)
            .await
            .unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_ne!(
            hash,
            hasher
                .hash(password("correct horse"), || true)
                .await
                .unwrap()
        );
        let fits = async |text: &str, stored: Option<String>| {
            let compared = hasher
                .fits(Secret::new(text), stored, || true)
                .await
                .unwrap();
            compared.map(|compared| compared.fits)
        };
        assert_eq!(fits("correct horse", Some(hash.clone())).await, Some(true));
        assert_eq!(fits("correct horsf", Some(hash.clone())).await, Some(false));
        assert_eq!(fits("", Some(hash)).await, Some(false));
        assert_eq!(fits("correct horse", None).await, Some(false));
    }

    #[test]
    fn a_hash_of_the_reference_implementation_fits() {
        let reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$\
                         CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(is_of(reference, b"password").unwrap());
        assert!(!is_of(reference, b"passwort").unwrap());
        let other = reference.replace("argon2id", "argon2i");
        assert!(is_of(&other, b"password").is_err());
    }

    #[tokio::test]
    async fn what_lies_behind_the_longest_password_is_not_cut_off_in_silence() {
        let hasher = hasher();
        let longest = "a".repeat(LONGEST);
        let hash = hasher.hash(password(&longest), || true).await.unwrap();
        let fits = async |text: String| {
            let compared = hasher.fits(Secret::new(text), Some(hash.clone()), || true);
            compared.await.unwrap().unwrap().fits
        };
        assert!(fits(longest.clone()).await);
        assert!(!fits(format!("{longest}b")).await);
        assert!(!fits("a".repeat(60_000)).await);
    }

    #[tokio::test]
    async fn more_than_may_wait_are_told_so_and_none_waits_for_ever() {
        let hasher = hasher();
        let each = (0..12).map(|_| hasher.hash(password("correct horse"), || true));
        let done = futures_util::future::join_all(each).await;
        let busy = done
            .iter()
            .filter(|done| matches!(done, Err(PasswordError::Busy)));
        assert_eq!(busy.count(), 9);
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 3);
        assert!(
            hasher
                .hash(password("correct horse"), || true)
                .await
                .is_ok()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_turn_in_time_is_told_to_come_again() {
        let hasher = Hasher::new(Random::system(), 1, 1, WAIT, &Metrics::new()).unwrap();
        let held = Arc::clone(&hasher.at_once).acquire_owned().await.unwrap();
        let begun = tokio::time::Instant::now();
        let hashed = hasher.hash(password("correct horse"), || true).await;
        assert!(matches!(hashed, Err(PasswordError::Busy)));
        assert_eq!(begun.elapsed(), WAIT);
        drop(held);
        assert!(
            hasher
                .hash(password("correct horse"), || true)
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_comparison_whose_turn_came_too_late_is_not_made() {
        let late = hasher()
            .fits(Secret::new("correct horse"), None, || false)
            .await;
        assert!(late.unwrap().is_none());
        let late = hasher().hash(password("correct horse"), || false).await;
        assert!(matches!(late, Err(PasswordError::Late)));
    }
}
