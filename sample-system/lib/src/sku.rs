//! The name of an item for sale, the same in every service.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Characters that a SKU may have at most.
const LONGEST: usize = 64;

/// The text is no SKU.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no SKU: give 1 to 64 letters, digits, dots, dashes or underscores")]
pub struct SkuError(String);

/// 1 to 64 letters, digits, dots, dashes and underscores: safe in a URL as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Sku(String);

impl Sku {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sku {
    type Error = SkuError;

    fn try_from(text: String) -> Result<Self, SkuError> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_');
        // A path of dots alone would be taken for a folder by whoever resolves the URL.
        let dots = text.bytes().all(|c| c == b'.');
        if text.is_empty() || text.len() > LONGEST || dots || !text.bytes().all(allowed) {
            return Err(SkuError(text.chars().take(LONGEST).collect()));
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_lead_elsewhere_in_a_url_is_no_sku() {
        for bad in ["", ".", "..", "a/b", "a?b", "a b", "ä", &"x".repeat(65)] {
            assert!(Sku::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
        for good in ["4521", "4521-run.1_2"] {
            assert_eq!(Sku::try_from(good.to_owned()).unwrap().as_str(), good);
        }
    }
}
