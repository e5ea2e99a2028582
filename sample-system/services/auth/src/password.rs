//! Passwords: read, hashed, compared, and never shown. What leaves is a hash, or yes or no.
//!
//! Argon2id with 19 MiB, two passes and one lane: the first choice of OWASP's Password Storage
//! Cheat Sheet (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
//! A hash takes a core for about 30 ms, so only a few run at once, on threads that may block, and
//! only so many wait.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Deserializer};
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
    /// The parameters or a stored hash are broken.
    #[error("a password cannot be hashed: {0}")]
    Hash(argon2::password_hash::Error),
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
    argon: Argon2<'static>,
    random: Random,
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// What a password is compared with where there is no account, so that the answer takes as
    /// long as where there is one.
    nobody: Arc<str>,
}

impl Hasher {
    /// A hasher that does `at_once` at a time and lets `waiting` more wait.
    pub(crate) fn new(
        random: Random,
        at_once: usize,
        waiting: usize,
    ) -> Result<Self, PasswordError> {
        let parameters = Params::new(MEMORY, PASSES, LANES, None)
            .map_err(|error| PasswordError::Hash(error.into()))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        let unknowable: [u8; 32] = random.bytes()?;
        let nobody = hash(&argon, &unknowable, random.bytes()?)?;
        Ok(Self {
            argon,
            random,
            at_once: Arc::new(Semaphore::new(at_once)),
            waiting: Arc::new(Semaphore::new(at_once + waiting)),
            nobody: nobody.into(),
        })
    }

    /// The hash of `password`, with its salt and parameters (PHC string).
    pub(crate) async fn hash(&self, password: Password) -> Result<String, PasswordError> {
        let (argon, salt) = (self.argon.clone(), self.random.bytes()?);
        let hashed = self.work(|| true, move || hash(&argon, password.0.0.as_bytes(), salt));
        hashed
            .await?
            .map_or(Err(PasswordError::Busy), |(hashed, _)| hashed)
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
        let (argon, nobody) = (self.argon.clone(), Arc::clone(&self.nobody));
        let compare = move || {
            // One too long cannot be anybody's and must not cost more than another.
            let text: String = password.0.chars().take(LONGEST).collect();
            let against = stored.as_deref().unwrap_or(&nobody);
            let parsed = PasswordHash::new(against)
                .map_err(|_| PasswordError::Hash(argon2::password_hash::Error::EncodingInvalid))?;
            match argon.verify_password(text.as_bytes(), &parsed) {
                Ok(()) => Ok(stored.is_some() && text.len() == password.0.len()),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(PasswordError::Hash(error)),
            }
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
        let waiting = waiting.map_err(|_| PasswordError::Busy)?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await;
        let turn = turn.map_err(|_| PasswordError::Busy)?;
        if !still() {
            return Ok(None);
        }
        // Both places are kept until the work is done, also when the caller went away.
        let work = move || (work(), (turn, waiting));
        Ok(Some(tokio::task::spawn_blocking(work).await?))
    }
}

fn hash(argon: &Argon2<'_>, password: &[u8], salt: [u8; 16]) -> Result<String, PasswordError> {
    let hashed: PasswordHash = argon
        .hash_password_with_salt(password, &salt)
        .map_err(PasswordError::Hash)?;
    Ok(hashed.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(Secret::new(text)).unwrap()
    }

    fn hasher() -> Hasher {
        Hasher::new(Random::system(), 2, 1).unwrap()
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
        let hash = hasher.hash(password("correct horse")).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_ne!(hash, hasher.hash(password("correct horse")).await.unwrap());
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

    #[tokio::test]
    async fn what_lies_behind_the_longest_password_is_not_cut_off_in_silence() {
        let hasher = hasher();
        let longest = "a".repeat(LONGEST);
        let hash = hasher.hash(password(&longest)).await.unwrap();
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
        let each = (0..12).map(|_| hasher.hash(password("correct horse")));
        let done = futures_util::future::join_all(each).await;
        let busy = done
            .iter()
            .filter(|done| matches!(done, Err(PasswordError::Busy)));
        assert_eq!(busy.count(), 9);
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 3);
        assert!(hasher.hash(password("correct horse")).await.is_ok());
    }

    #[tokio::test]
    async fn a_comparison_whose_turn_came_too_late_is_not_made() {
        let late = hasher()
            .fits(Secret::new("correct horse"), None, || false)
            .await;
        assert!(late.unwrap().is_none());
    }
}
