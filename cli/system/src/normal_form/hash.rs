//! The hash by which Docker Compose sees that a service has changed: SHA-256 over its normal form
//! without what changes no container.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The hash of a service's normal form, hexadecimal. The form is the one whose files of settings
/// have not been read ([`crate::load::Without::settings`]).
#[must_use]
pub fn of_service(service: &Value) -> String {
    let mut service = service.clone();
    if let Value::Object(fields) = &mut service {
        for field in ["build", "pull_policy", "scale", "depends_on", "profiles"] {
            fields.shift_remove(field);
        }
        if let Some(Value::Object(deploy)) = fields.get_mut("deploy") {
            deploy.shift_remove("replicas");
        }
    }
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(as_go_writes(&service).as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// JSON with what means something in HTML escaped, as Go's encoder does.
fn as_go_writes(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
