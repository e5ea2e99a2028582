//! A private key. Only auth has one that others believe; tests make their own.

use std::fmt;

use ring::signature::{Ed25519KeyPair, KeyPair};
use uuid::Uuid;

use super::jwk::PUBLIC;
use super::{Claims, Jwk, Role, compact};

/// Bytes that make a key.
pub const SEED: usize = 32;

/// Why a token could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The seed makes no key.
    #[error("these bytes are no Ed25519 key")]
    Seed,
    /// The claims cannot be written as JSON.
    #[error("the claims cannot be written: {0}")]
    Claims(#[from] serde_json::Error),
}

/// Signs tokens.
pub struct Signer {
    pair: Ed25519KeyPair,
    public: Jwk,
}

impl Signer {
    /// The key that grows from `seed`, 32 bytes that nobody can guess.
    ///
    /// # Errors
    /// When they make no key.
    pub fn from_seed(seed: &[u8; SEED]) -> Result<Self, SignerError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_rejected| SignerError::Seed)?;
        let bytes: [u8; PUBLIC] = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| SignerError::Seed)?;
        Ok(Self {
            pair,
            public: Jwk::of(&bytes),
        })
    }

    /// The name of its key.
    pub fn kid(&self) -> &str {
        &self.public.kid
    }

    /// Its public half.
    pub fn public(&self) -> &Jwk {
        &self.public
    }

    /// The token that says `claims`.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn sign(&self, claims: &Claims) -> Result<String, SignerError> {
        let sign = |signed: &[u8]| {
            let mut signature = [0; 64];
            signature.copy_from_slice(self.pair.sign(signed).as_ref());
            signature
        };
        Ok(compact::write(&self.public.kid, claims, sign)?)
    }

    /// A token for `account`, made at `now` (seconds since 1970), good for `lifetime` seconds.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn token(
        &self,
        account: Uuid,
        role: Role,
        now: i64,
        lifetime: i64,
    ) -> Result<String, SignerError> {
        self.sign(&Claims::new(account, role, now, lifetime))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public.kid)
    }
}
