//! A shop that the auditor finds nothing wrong with.

use serde_json::{Value, json};

use super::auditor::Audit;
use super::load;
use super::shop::{Customer, Shop};

/// A key that a client sent, and the order that it was told of.
#[derive(Debug)]
pub struct Sent(Value);

impl Sent {
    /// The order `id` was answered to `key` of `customer`.
    pub fn answered(customer: &Customer, key: &str, id: &str) -> Self {
        Self(json!({"account_id": customer.account, "key": key, "order_id": id}))
    }

    /// What a load sent, whatever it was answered.
    pub fn of(sent: &load::Sent) -> Self {
        Self(json!({"account_id": sent.account, "key": sent.key, "order_id": sent.order()}))
    }
}

impl Shop {
    /// Fails unless the auditor finds nothing: among all orders of the shop, and, of what was
    /// `sent`, each key one order. What it has seen.
    #[track_caller]
    pub fn is_found_right(&self, sent: &[Sent]) -> Audit {
        let log = tempfile::NamedTempFile::new().unwrap();
        let lines: String = sent.iter().map(|Sent(it)| format!("{it}\n")).collect();
        std::fs::write(log.path(), lines).unwrap();
        let log = log.path().to_str().unwrap();
        let audit = Audit::of(self, &["--sent", log]);
        assert_eq!(audit.code, 0, "{:#}", audit.report);
        audit
    }
}
