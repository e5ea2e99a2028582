//! The auditor over a running shop.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::running::finish;
use super::shop::{Customer, Shop};

/// A key that a client sent, and the order that it was told of.
#[derive(Debug)]
pub struct Sent(Value);

impl Sent {
    /// The order `id` was answered to `key` of `customer`.
    pub fn answered(customer: &Customer, key: &str, id: &str) -> Self {
        Self(json!({"account_id": customer.id, "key": key, "order_id": id}))
    }
}

impl Shop {
    /// Fails unless the auditor finds nothing: among all orders of the shop, and, of what was
    /// `sent`, each key one order.
    #[track_caller]
    pub fn is_found_right(&self, sent: &[Sent]) {
        // As the shop's file names it, which also builds it where it is not.
        self.system.run(&["journey", "run", "audit"]).expect(0);
        let log = tempfile::NamedTempFile::new().unwrap();
        let lines: String = sent.iter().map(|Sent(it)| format!("{it}\n")).collect();
        std::fs::write(log.path(), lines).unwrap();
        let built = Path::new(env!("CARGO_BIN_EXE_msvc")).with_file_name("auditor");
        let mut auditor = Command::new(built);
        auditor
            .args(["--gateway", &self.gateway])
            .args(["--kafka", &self.system.url("broker")])
            .arg("--password-file")
            .arg(self.system.directory.join("secrets/operator-password"))
            .arg("--sent")
            .arg(log.path())
            .args(["--format", "json"]);
        finish(auditor).expect(0);
    }
}
