//! What a customer sends to place an order, and what of it is refused before anything is done.

use serde::Deserialize;
use shop::card::Card;
use shop::event::Address;
use shop::idempotency::Secret;
use shop::problem::Problem;
use shop::sku::Sku;

/// Units that one order may have.
const LARGEST_QUANTITY: u32 = 1000;
/// Characters that a line of an address may have.
const LONGEST_LINE: usize = 200;

/// A request to place an order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderRequest {
    pub(crate) sku: Sku,
    pub(crate) quantity: u32,
    pub(crate) card: Card,
    pub(crate) address: GivenAddress,
}

/// Where the order goes, as the customer wrote it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenAddress {
    name: String,
    street: String,
    postal_code: String,
    city: String,
    country: String,
}

impl From<GivenAddress> for Address {
    fn from(given: GivenAddress) -> Self {
        Self {
            name: given.name,
            street: given.street,
            postal_code: given.postal_code,
            city: given.city,
            country: given.country,
        }
    }
}

impl GivenAddress {
    /// Refuses what no label can carry.
    fn check(&self) -> Result<(), Problem> {
        for (name, line) in [
            ("name", &self.name),
            ("street", &self.street),
            ("postal_code", &self.postal_code),
            ("city", &self.city),
        ] {
            let good = !line.trim().is_empty()
                && line.chars().count() <= LONGEST_LINE
                && !line.chars().any(char::is_control);
            if !good {
                let detail =
                    format!("address.{name}: give one line of 1 to {LONGEST_LINE} characters");
                return Err(Problem::bad_request(detail));
            }
        }
        let capitals = self.country.bytes().all(|c| c.is_ascii_uppercase());
        if self.country.len() != 2 || !capitals {
            let detail = "address.country: give two capital letters, like DE";
            return Err(Problem::bad_request(detail));
        }
        Ok(())
    }
}

impl OrderRequest {
    /// Refuses what could not be an order.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if self.quantity == 0 || self.quantity > LARGEST_QUANTITY {
            let detail = format!("quantity: give 1 to {LARGEST_QUANTITY}");
            return Err(Problem::bad_request(detail));
        }
        self.address.check()
    }

    /// What tells this request from another, its card included, which only who has `secret` can try.
    pub(crate) fn hash(&self, secret: &Secret) -> String {
        let GivenAddress {
            name,
            street,
            postal_code,
            city,
            country,
        } = &self.address;
        secret.hash(&serde_json::json!([
            self.sku,
            self.quantity,
            [name, street, postal_code, city, country],
            self.card.number
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> GivenAddress {
        GivenAddress {
            name: "Ada".into(),
            street: "Main Street 1".into(),
            postal_code: "12345".into(),
            city: "Berlin".into(),
            country: "DE".into(),
        }
    }

    #[test]
    fn an_address_that_no_label_can_carry_is_refused() {
        assert!(address().check().is_ok());
        for bad in ["", " ", "a\nb", "\u{0}", &"x".repeat(201)] {
            let bad_street = GivenAddress {
                street: bad.to_owned(),
                ..address()
            };
            assert!(bad_street.check().is_err(), "{bad:?}");
        }
        for bad in ["", "D", "de", "DEU", "D1", "ÄÖ"] {
            let bad_country = GivenAddress {
                country: bad.to_owned(),
                ..address()
            };
            assert!(bad_country.check().is_err(), "{bad:?}");
        }
    }
}
