//! What a customer sends to place an order, and what of it is refused before anything is done.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use shop::card::Card;
use shop::problem::Problem;
use shop::sku::Sku;

/// Units that one order may have.
const LARGEST_QUANTITY: u32 = 1000;
/// Characters that an address may have (RFC 5321 allows 254).
const LONGEST_EMAIL: usize = 254;

/// A request to place an order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderRequest {
    pub(crate) sku: Sku,
    pub(crate) quantity: u32,
    pub(crate) card: Card,
    pub(crate) email: String,
}

impl OrderRequest {
    /// Refuses what could not be an order.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if self.quantity == 0 || self.quantity > LARGEST_QUANTITY {
            let detail = format!("quantity: give 1 to {LARGEST_QUANTITY}");
            return Err(Problem::bad_request(detail));
        }
        if !is_address(&self.email) {
            return Err(Problem::bad_request(
                "email: give one address, like ada@example.com",
            ));
        }
        Ok(())
    }

    /// What tells this request from another; of the card only what may be kept.
    pub(crate) fn hash(&self) -> String {
        let parts = serde_json::json!([
            self.sku,
            self.quantity,
            self.email,
            self.card.number.last_four()
        ]);
        let digest = Sha256::digest(parts.to_string());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether `text` is one plain address. It becomes a line of a mail's header, so nothing that has
/// a meaning there may be in it.
fn is_address(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_graphic() && !b"<>()[],;:\\\"@".contains(&c);
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    text.len() <= LONGEST_EMAIL
        && !name.is_empty()
        && !host.is_empty()
        && name.bytes().all(plain)
        && host.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_could_write_into_a_mails_header_is_refused() {
        for bad in [
            "",
            "ada",
            "@x",
            "ada@",
            "a@b@c",
            "a b@c",
            "a@b\r\nBcc: c@d",
            "<a@b>",
            "a@b,c",
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
        for good in ["ada@example.com", "ada+run1.2@example.com"] {
            assert!(is_address(good), "{good:?}");
        }
    }
}
