//! The hash of a system: over what it means, not over where it stands. Comments, positions and
//! the folder that holds it do not change it.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::System;

/// Hex SHA-256 of the model without places, files and the project directory.
pub(super) fn hash(system: &System) -> String {
    let mut value = serde_json::to_value(system).unwrap_or_default();
    let root = system.root.to_string_lossy().into_owned();
    if let Some(fields) = value.as_object_mut() {
        for field in ["files", "root", "hash"] {
            fields.shift_remove(field);
        }
    }
    reduce(&mut value, &root);
    let mut hex = String::new();
    for byte in Sha256::digest(value.to_string().as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn reduce(value: &mut Value, root: &str) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !is_place(value));
            fields.values_mut().for_each(|value| reduce(value, root));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| reduce(value, root)),
        Value::String(text) => {
            if let Some(rest) = text.strip_prefix(root)
                && (rest.is_empty() || rest.starts_with('/'))
            {
                *text = format!(".{rest}");
            }
        }
        _ => {}
    }
}

/// A variable may be called `place` too; only a position has exactly these fields.
fn is_place(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| {
        fields.len() == 3
            && ["file", "line", "column"]
                .iter()
                .all(|key| fields.contains_key(*key))
    })
}
