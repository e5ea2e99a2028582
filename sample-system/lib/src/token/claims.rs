//! What a token says, and when it holds.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AUDIENCE, ISSUER, Refusal};

/// How far the clocks of two services may be apart, in seconds.
const LEEWAY: i64 = 30;

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Buys, and sees what is theirs.
    Customer,
    /// Runs the shop, and sees all.
    Operator,
}

impl Role {
    /// The word for it, as in tokens, events and databases.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Operator => "operator",
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "customer" => Some(Self::Customer),
            "operator" => Some(Self::Operator),
            _ => None,
        }
    }
}

/// The claims of a token. A reader ignores claims that it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who signed it: [`ISSUER`].
    pub iss: String,
    /// Whom it is for: [`AUDIENCE`].
    pub aud: String,
    /// The account's id.
    pub sub: Uuid,
    /// What the account may do.
    pub role: Role,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// When it begins, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
}

impl Claims {
    /// The claims of a token made at `now` (seconds since 1970) that holds for `lifetime` seconds.
    pub fn new(account: Uuid, role: Role, now: i64, lifetime: i64) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: account,
            role,
            iat: now,
            exp: now.saturating_add(lifetime),
            nbf: None,
        }
    }

    /// Whether they hold at `now` (seconds since 1970).
    pub(super) fn check(&self, now: i64) -> Result<(), Refusal> {
        if self.iss != ISSUER {
            return Err(Refusal::Malformed("another issuer"));
        }
        if self.aud != AUDIENCE {
            return Err(Refusal::Malformed("another audience"));
        }
        let begins = self.iat.max(self.nbf.unwrap_or(i64::MIN));
        if begins.saturating_sub(LEEWAY) > now {
            return Err(Refusal::Malformed("it begins in the future"));
        }
        if now >= self.exp.saturating_add(LEEWAY) {
            return Err(Refusal::Expired);
        }
        Ok(())
    }
}
