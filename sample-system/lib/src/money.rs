//! Money: an integer of minor units (cents) and a currency. Never a float, never a bare number.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The currencies whose minor unit is not a hundredth, and how many digits it has: ISO 4217, list
/// one of 2024-06-25.
const OTHER_DIGITS: &[(usize, &[&str])] = &[
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
            "VND", "VUV", "XAF", "XOF", "XPF",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];

/// Why a sum is no money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The currency is not three capital letters.
    #[error("currency {0:?} is not an ISO 4217 code: give three capital letters, like USD")]
    Currency(String),
    /// The amount is below zero.
    #[error("amount {0} is below zero: give minor units (cents), 0 or more")]
    Negative(i64),
}

/// A sum: `{"amount": 4999, "currency": "USD"}` is $49.99.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Money {
    amount: i64,
    currency: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    amount: i64,
    currency: String,
}

impl TryFrom<Unchecked> for Money {
    type Error = MoneyError;

    fn try_from(raw: Unchecked) -> Result<Self, MoneyError> {
        Money::new(raw.amount, raw.currency)
    }
}

impl Money {
    /// `amount` minor units of `currency`.
    ///
    /// # Errors
    /// When the amount is negative or the currency is not three capital letters.
    pub fn new(amount: i64, currency: impl Into<String>) -> Result<Self, MoneyError> {
        let currency = currency.into();
        if amount < 0 {
            return Err(MoneyError::Negative(amount));
        }
        if currency.len() != 3 || !currency.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return Err(MoneyError::Currency(currency));
        }
        Ok(Self { amount, currency })
    }

    /// Minor units.
    pub fn amount(&self) -> i64 {
        self.amount
    }

    /// ISO 4217 code.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// This sum `quantity` times; `None` when it does not fit.
    pub fn times(&self, quantity: u32) -> Option<Self> {
        let amount = self.amount.checked_mul(i64::from(quantity))?;
        Some(Self {
            amount,
            currency: self.currency.clone(),
        })
    }
}

/// As people read it: `49.99 USD`, `1500 JPY`, `1.500 KWD`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, currency) = (digits(&self.currency), &self.currency);
        // Never below zero, so what is missing is zeros in front.
        let padded = format!("{:0width$}", self.amount, width = digits + 1);
        match padded.split_at_checked(padded.len() - digits) {
            Some((whole, part)) if !part.is_empty() => write!(f, "{whole}.{part} {currency}"),
            _ => write!(f, "{padded} {currency}"),
        }
    }
}

/// How many digits a currency has behind the point.
fn digits(currency: &str) -> usize {
    let mut others = OTHER_DIGITS.iter();
    others
        .find(|(_, currencies)| currencies.contains(&currency))
        .map_or(2, |(digits, _)| *digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_told_with_the_digits_that_its_currency_has() {
        for (amount, currency, told) in [
            (4999, "USD", "49.99 USD"),
            (5, "EUR", "0.05 EUR"),
            (0, "EUR", "0.00 EUR"),
            (1500, "JPY", "1500 JPY"),
            (0, "JPY", "0 JPY"),
            (1500, "KWD", "1.500 KWD"),
            (7, "CLF", "0.0007 CLF"),
            (i64::MAX, "USD", "92233720368547758.07 USD"),
        ] {
            assert_eq!(Money::new(amount, currency).unwrap().to_string(), told);
        }
    }

    #[test]
    fn a_price_times_a_quantity_stays_in_cents() {
        let price = Money::new(4999, "USD").unwrap();
        assert_eq!(price.times(2).unwrap().amount(), 9998);
    }

    #[test]
    fn a_sum_that_does_not_fit_is_none_and_never_wraps() {
        assert_eq!(Money::new(i64::MAX, "USD").unwrap().times(2), None);
    }

    #[test]
    fn a_negative_amount_or_a_strange_currency_is_refused_on_reading() {
        for bad in [
            r#"{"amount":-1,"currency":"USD"}"#,
            r#"{"amount":1,"currency":"usd"}"#,
            r#"{"amount":1.5,"currency":"USD"}"#,
            r#"{"amount":1,"currency":"USD","cents":2}"#,
        ] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
    }
}
