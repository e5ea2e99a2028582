//! Idempotency keys: the same key again means the same request, not another one.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::problem::Problem;

/// Name of the header that carries the key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Characters that a key may have.
const LONGEST: usize = 255;

/// The key of a request: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key in `text`, where it is one.
    pub fn new(text: &str) -> Option<Self> {
        let good =
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic());
        good.then(|| Self(text.to_owned()))
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let value = given.next().ok_or_else(|| {
            Problem::bad_request("send an Idempotency-Key: a retry with the same key does no harm")
        })?;
        value
            .to_str()
            .ok()
            .filter(|_| given.next().is_none())
            .and_then(Self::new)
            .ok_or_else(|| {
                let detail =
                    format!("Idempotency-Key: give one of 1 to {LONGEST} visible characters");
                Problem::bad_request(detail)
            })
    }
}
