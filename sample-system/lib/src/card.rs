//! A card's number: passed from the customer's request to the charge, and nowhere else. It is
//! never printed, logged or stored; what may be kept are its last four digits.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// The text is no card number. It is not repeated here: it may be one with a typing error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("card.number is no card number: give 12 to 19 digits, spaces between them allowed")]
pub struct CardError;

/// A card as it stands in requests: `{"number": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Its number.
    pub number: CardNumber,
}

/// 12 to 19 digits (ISO/IEC 7812 allows up to 19).
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CardNumber(String);

impl CardNumber {
    /// The last four digits, the part that may be kept.
    pub fn last_four(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }
}

impl TryFrom<String> for CardNumber {
    type Error = CardError;

    fn try_from(text: String) -> Result<Self, CardError> {
        let digits: String = text.chars().filter(|c| *c != ' ').collect();
        if !(12..=19).contains(&digits.len()) || !digits.bytes().all(|c| c.is_ascii_digit()) {
            return Err(CardError);
        }
        Ok(Self(digits))
    }
}

/// Only a call's body is written with the whole number.
impl Serialize for CardNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…{}", self.last_four())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_printed_by_its_last_four_digits_only() {
        let card: Card = serde_json::from_str(r#"{"number":"4111 1111 1111 4242"}"#).unwrap();
        assert_eq!(format!("{card:?}"), "Card { number: …4242 }");
    }

    #[test]
    fn what_is_no_card_number_is_refused_without_being_repeated() {
        for bad in ["4242", "411111111111424x", "41111111111142421234", ""] {
            let error = CardNumber::try_from(bad.to_owned())
                .unwrap_err()
                .to_string();
            assert!(bad.is_empty() || !error.contains(bad));
        }
    }
}
