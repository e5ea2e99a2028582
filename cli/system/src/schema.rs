//! The JSON Schema of a Compose file with its `x-msvc`, for editors.
//!
//! What comes in: the loader's own tables of keys. What leaves: one schema (draft 7, the one that
//! editors' YAML support takes whole) which stands alone: it names no other by URL, so that an editor
//! without a network checks all of it. What must not enter: rules that the loader does not have.
//!
//! Of Compose's own fields it knows the names and the kinds of their values, as [`crate::fields`]
//! does; of `x-msvc` everything, with a description of each key.

use serde_json::{Map, Value, json};

use crate::fields::{FILE, Kind, Level, SERVICE};

mod layout;
mod x_msvc;

/// The name under which the schema is published, and written beside a scaffolded Compose file.
pub const FILE_NAME: &str = "compose.schema.json";

/// The comment that tells an editor's YAML support which schema a file beside [`FILE_NAME`] has.
pub const COMMENT: &str = "# yaml-language-server: $schema=compose.schema.json";

/// The schema as it is published: JSON with a line's end.
#[must_use]
pub fn text() -> String {
    layout::lines(&compose_file())
}

/// The schema of a whole Compose file.
#[must_use]
pub fn compose_file() -> Value {
    let mut writer = Writer::default();
    let file = writer.level(&FILE);
    let mut definitions = x_msvc::definitions();
    definitions.extend(kinds().map(|(name, kind)| (name.to_owned(), kind)));
    definitions.extend(writer.definitions);
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Compose file with x-msvc",
        "type": "object",
        "description": "The Compose Specification's fields, and x-msvc: what Compose has no word for.",
    });
    if let (Some(schema), Value::Object(file)) = (schema.as_object_mut(), file) {
        schema.extend(file);
        schema.insert("definitions".to_owned(), Value::Object(definitions));
    }
    schema
}

/// Writes levels, each once.
#[derive(Default)]
struct Writer {
    definitions: Map<String, Value>,
}

impl Writer {
    /// What a mapping of that level may have. Values of other kinds have forms of their own (short
    /// ones), which the loader looks into.
    fn level(&mut self, level: &'static Level) -> Value {
        let mut properties = Map::new();
        for (key, kind) in level.keys {
            properties.insert((*key).to_owned(), self.kind(*kind));
        }
        if let Some(name) = x_msvc(level) {
            properties.insert("x-msvc".to_owned(), reference(name));
        }
        json!({
            "properties": properties,
            "patternProperties": { "^x-": true },
            "additionalProperties": false,
        })
    }

    fn kind(&mut self, kind: Kind) -> Value {
        match kind {
            Kind::Any => json!(true),
            Kind::Text => reference("kind-text"),
            Kind::Flag => reference("kind-flag"),
            Kind::Number => reference("kind-number"),
            Kind::Texts => reference("kind-texts"),
            Kind::TextOrTexts => reference("kind-text-or-texts"),
            Kind::Settings => reference("kind-settings"),
            Kind::In(level) => self.named(level),
            Kind::Each(level) => {
                let one = self.named(level);
                json!({
                    "items": one,
                    "patternProperties": { "^x-": true },
                    "additionalProperties": one,
                })
            }
        }
    }

    fn named(&mut self, level: &'static Level) -> Value {
        let name = level.what.replace('`', "").replace(' ', "-");
        if !self.definitions.contains_key(&name) {
            // Known by its name before what stands below it, so that no circle has no end.
            self.definitions.insert(name.clone(), Value::Null);
            let written = self.level(level);
            self.definitions.insert(name.clone(), written);
        }
        reference(&name)
    }
}

/// What the values of Compose's fields may be, by the names of [`Kind`]. A variable may stand for
/// each of them, so text is always one; an empty value says nothing.
fn kinds() -> [(&'static str, Value); 6] {
    let scalar = json!({ "type": ["string", "number", "boolean", "null"] });
    [
        ("kind-text", json!({ "type": ["string", "number", "null"] })),
        (
            "kind-flag",
            json!({ "type": ["boolean", "string", "null"] }),
        ),
        (
            "kind-number",
            json!({ "type": ["number", "string", "null"] }),
        ),
        (
            "kind-texts",
            json!({ "type": ["array", "null"], "items": scalar }),
        ),
        (
            "kind-text-or-texts",
            json!({ "type": ["array", "string", "number", "null"], "items": scalar }),
        ),
        (
            "kind-settings",
            json!({
                "type": ["object", "array", "null"],
                "items": scalar, "additionalProperties": scalar,
            }),
        ),
    ]
}

/// Whose `x-msvc` may stand at that level.
fn x_msvc(level: &Level) -> Option<&'static str> {
    let is_secret = match FILE.kind("secrets") {
        Some(Kind::Each(secret)) => std::ptr::eq(secret, level),
        _ => false,
    };
    if std::ptr::eq(level, &FILE) {
        Some("x-msvc-system")
    } else if std::ptr::eq(level, &SERVICE) {
        Some("x-msvc-service")
    } else {
        is_secret.then_some("x-msvc-secret")
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

#[cfg(test)]
mod tests;
