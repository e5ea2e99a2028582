//! The hash of a system: over what it means, not over where it stands. Comments, positions and
//! the folder that holds it do not change it.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::System;

impl System {
    /// Hex SHA-256 of the model without places, files and the project directory, for `run.json`
    /// and for "nothing changed"; nothing where the system was made without files. Made anew each
    /// time it is asked for.
    #[must_use]
    pub fn hash(&self) -> String {
        let Self {
            name,
            files: _,
            root,
            services,
            resting: _,
            volumes,
            networks,
            edges,
            x_msvc,
            written,
        } = self;
        if written.tree().is_none() {
            return String::new();
        }
        // As one JSON text of the whole, and never all of it in memory.
        let mut text = Text {
            digest: Sha256::new(),
            root: &root.to_string_lossy(),
        };
        text.add("{\"name\":");
        text.value(name);
        text.add(",\"services\":");
        text.map(services);
        text.add(",\"volumes\":");
        text.map(volumes);
        text.add(",\"networks\":");
        text.map(networks);
        text.add(",\"edges\":[");
        for (number, edge) in edges.iter().enumerate() {
            text.add(if number == 0 { "" } else { "," });
            text.value(edge);
        }
        text.add("],\"x_msvc\":");
        text.value(x_msvc);
        text.add("}");
        let mut hex = String::new();
        for byte in text.digest.finalize() {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

/// What is hashed, as far as it came.
struct Text<'a> {
    digest: Sha256,
    root: &'a str,
}

impl Text<'_> {
    fn add(&mut self, text: &str) {
        self.digest.update(text.as_bytes());
    }

    fn value(&mut self, value: &impl Serialize) {
        let mut value = serde_json::to_value(value).unwrap_or_default();
        reduce(&mut value, self.root);
        self.add(&value.to_string());
    }

    fn map<K: AsRef<str>>(&mut self, entries: &IndexMap<K, impl Serialize>) {
        for (number, (key, value)) in entries.iter().enumerate() {
            self.add(if number == 0 { "{" } else { "," });
            self.add(&Value::from(key.as_ref()).to_string());
            self.add(":");
            self.value(value);
        }
        self.add(if entries.is_empty() { "{}" } else { "}" });
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::testing::load;

    #[test]
    fn the_hash_is_that_of_one_text_of_the_whole() {
        for text in [
            "services: {a: {image: a}}",
            "services: {a: {image: a, build: ./x, depends_on: [b], environment: {'\"q': x}}, \
             b: {image: b, expose: [80], volumes: ['v:/v', './d:/d']}}\n\
             networks: {n: {driver: bridge}}\nvolumes: {v: {}, w: {}}\nx-msvc: {}",
        ] {
            let system = load(text).system;
            let mut value = serde_json::to_value(&system).unwrap();
            let fields = value.as_object_mut().unwrap();
            fields.shift_remove("files");
            fields.shift_remove("root");
            reduce(&mut value, &system.root.to_string_lossy());
            let whole = Sha256::digest(value.to_string().as_bytes());
            let whole: String = whole.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(system.hash(), whole);
        }
    }
}
