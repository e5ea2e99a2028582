//! The JSON Schema of a Compose file with its `x-msvc`, for editors.
//!
//! What comes in: the loader's own tables of keys. What leaves: one schema (draft 7, the one that
//! editors' YAML support takes whole) which stands alone: it names no other by URL, so that an editor
//! without a network checks all of it. What must not enter: rules that the loader does not have.
//!
//! Of Compose's own fields it knows what [`crate::fields`] does, but for what a variable, or a
//! second file, may change; of `x-msvc` everything, with a description of each key.

use serde_json::{Map, Value, json};

use crate::fields::{
    FILE, FLAG, Level, Map as Mapping, NOTHING, NUMBER, NameRule, SERVICE, Shape, TEXT, WHOLE,
    Words,
};

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
    names: Vec<(&'static Level, String)>,
    definitions: Map<String, Value>,
}

impl Writer {
    /// What a mapping of that level may have; it says nothing of values of other kinds.
    fn level(&mut self, level: &'static Level) -> Value {
        let mut properties = Map::new();
        for field in level.fields {
            properties.insert(field.name.to_owned(), self.shape(&field.shape));
        }
        if let Some(name) = x_msvc(level) {
            properties.insert("x-msvc".to_owned(), reference(name));
        }
        let mut written = json!({ "properties": properties });
        if level.extensions {
            written["patternProperties"] = json!({ "^x-": true });
        }
        if level.strict {
            written["additionalProperties"] = json!(false);
        }
        written
    }

    /// What a value may be. A variable may stand for any scalar, so that text is always one; an empty
    /// value takes an earlier file's away.
    fn shape(&mut self, shape: &Shape) -> Value {
        let scalars = [
            (TEXT, "string"),
            (WHOLE, "integer"),
            (NUMBER, "number"),
            (FLAG, "boolean"),
        ];
        let mut types: Vec<&str> = scalars
            .into_iter()
            .filter(|(scalar, _)| shape.scalars & scalar != 0)
            .map(|(_, name)| name)
            .collect();
        if shape.scalars & !NOTHING != 0 && !types.contains(&"string") {
            types.push("string");
        }
        let mut written = Map::new();
        if let Some(items) = shape.list {
            types.push("array");
            written.insert("items".to_owned(), self.shape(&items.shape));
        }
        match shape.map {
            Mapping::No => {}
            Mapping::Free => types.push("object"),
            Mapping::Level(level) => {
                types.push("object");
                let named = json!([self.named(level)]);
                written.insert("allOf".to_owned(), named);
            }
            Mapping::Names(names) => {
                types.push("object");
                let entry = self.shape(&names.entry);
                written.insert("additionalProperties".to_owned(), entry);
                if let Some(pattern) = pattern(names.rule).filter(|_| names.strict) {
                    written.insert("propertyNames".to_owned(), json!({ "pattern": pattern }));
                }
            }
        }
        types.push("null");
        if let Words::OneOf(words) = shape.words {
            // Of texts these, or one with a variable in it.
            let others: Vec<&&str> = types.iter().filter(|it| **it != "string").collect();
            written.insert(
                "anyOf".to_owned(),
                json!([{ "enum": words }, { "pattern": "\\$", "type": "string" }, { "type": others }]),
            );
        }
        if let Some((least, most)) = shape.range {
            written.insert("minimum".to_owned(), json!(least));
            written.insert("maximum".to_owned(), json!(most));
        }
        written.insert("type".to_owned(), json!(types));
        Value::Object(written)
    }

    fn named(&mut self, level: &'static Level) -> Value {
        let mut known = self.names.iter();
        if let Some((_, name)) = known.find(|(known, _)| std::ptr::eq(*known, level)) {
            return reference(name);
        }
        let what = level.what.replace('`', "").replace(' ', "-");
        let same = self
            .names
            .iter()
            .filter(|(known, _)| known.what == level.what);
        let name = match same.count() {
            0 => what,
            more => format!("{what}-{}", more + 1),
        };
        // Known by its name before what stands below it, so that no circle has no end.
        self.names.push((level, name.clone()));
        let written = self.level(level);
        self.definitions.insert(name.clone(), written);
        reference(&name)
    }
}

fn pattern(rule: NameRule) -> Option<&'static str> {
    match rule {
        NameRule::Identifier => Some("^[a-zA-Z0-9._-]+$"),
        NameRule::Letters => Some("^[a-z]+$"),
        NameRule::Any => None,
    }
}

/// Whose `x-msvc` may stand at that level.
fn x_msvc(level: &Level) -> Option<&'static str> {
    let secrets = FILE.fields.iter().find(|field| field.name == "secrets");
    let secret = match secrets.map(|field| field.shape.map) {
        Some(Mapping::Names(names)) => names.entry.map,
        _ => Mapping::No,
    };
    if std::ptr::eq(level, &FILE) {
        Some("x-msvc-system")
    } else if std::ptr::eq(level, &SERVICE) {
        Some("x-msvc-service")
    } else {
        let is_secret = matches!(secret, Mapping::Level(it) if std::ptr::eq(it, level));
        is_secret.then_some("x-msvc-secret")
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

#[cfg(test)]
mod tests;
