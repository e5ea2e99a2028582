//! Who is calling: tokens that auth signs and every other service checks by itself.
//!
//! In: the `Authorization` header of a request (HTTP or gRPC) and the keys that auth publishes.
//! Out: a [`Caller`], or the reason why there is none, as problem+json or gRPC status. A private
//! key enters only in auth and in tests, which mint with a [`Signer`].
//!
//! A token is a JWT in compact form, signed with Ed25519. What it may look like is fixed here and
//! not by the token: one algorithm, one issuer, one audience, a named key, an end. The reader is
//! small and ours because the crates that read JWTs bring an implementation of RSA or a second
//! provider of cryptography with them (docs/design/dependencies.md); the signature itself is
//! checked by `ring`, as TLS is.

mod caller;
mod claims;
mod compact;
mod jwk;
mod keys;
mod signer;

pub use caller::{Caller, Operator};
pub use claims::{Claims, Role};
pub use jwk::{Jwk, JwkSet};
pub use keys::{JWKS_PATH, Keys, SourceError};
pub use signer::{SEED, Signer, SignerError};

use http::{HeaderValue, StatusCode, header};

use crate::problem::Problem;

/// Who signs (`iss`).
pub const ISSUER: &str = "auth";
/// Whom tokens are for (`aud`).
pub const AUDIENCE: &str = "shop";

/// Why a request has no caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no `Authorization: Bearer …`.
    #[error("sign in: send `Authorization: Bearer` with a token from POST /tokens")]
    Missing,
    /// It is no token of the shop.
    #[error("the token is not one of the shop's: {0}")]
    Malformed(&'static str),
    /// No key of that name is published.
    #[error("the token is signed with a key that auth does not publish: sign in again")]
    UnknownKey,
    /// The signature belongs to something else.
    #[error("the token's signature does not fit it")]
    Signature,
    /// Its time is over, or not yet there.
    #[error("the token has expired: sign in again")]
    Expired,
    /// It is good, and its role is not enough.
    #[error("this is for operators")]
    NotOperator,
    /// There are no keys to check it with.
    #[error("tokens cannot be checked now: auth's keys cannot be had; try again")]
    NoKeys,
}

impl Refusal {
    /// The status that tells it over HTTP.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotOperator => StatusCode::FORBIDDEN,
            Self::NoKeys => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// What `WWW-Authenticate` says (RFC 6750): no error code where no token was sent.
    fn challenge(&self) -> Option<HeaderValue> {
        match self {
            Self::NoKeys => None,
            Self::Missing => Some(HeaderValue::from_static("Bearer realm=\"shop\"")),
            Self::NotOperator => Some(HeaderValue::from_static(
                "Bearer realm=\"shop\", error=\"insufficient_scope\"",
            )),
            _ => Some(HeaderValue::from_static(
                "Bearer realm=\"shop\", error=\"invalid_token\"",
            )),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Self::new(refusal.status(), refusal.to_string());
        match refusal.challenge() {
            Some(challenge) => problem.with_header(header::WWW_AUTHENTICATE, challenge),
            None => problem.with_header(header::RETRY_AFTER, HeaderValue::from_static("1")),
        }
    }
}

impl From<Refusal> for tonic::Status {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::NotOperator => Self::permission_denied(message),
            Refusal::NoKeys => Self::unavailable(message),
            _ => Self::unauthenticated(message),
        }
    }
}

#[cfg(test)]
mod tests;
