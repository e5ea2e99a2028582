//! Mappings from names that the user gives, as the normal form prints them: settings, entries of a
//! level, limits. They are sorted by their names.

use serde_json::{Map as Object, Value, json};

use super::Printing;
use crate::fields::{Level, Out};
use crate::forms::scalar_text;
use crate::yaml::{Node, NodeValue, shorten};

impl Printing<'_> {
    /// Entries of a level; one without a value is `null` where `null` says so.
    pub(super) fn entries(
        &mut self,
        node: &Node,
        level: &'static Level,
        null: bool,
    ) -> Object<String, Value> {
        let mut all = Object::new();
        for (key, entry) in node.entries() {
            let value = if entry.is_null() && null {
                Value::Null
            } else {
                self.level(entry, level).into()
            };
            all.insert(key.text.clone(), value);
        }
        all
    }

    pub(super) fn plain_settings(&mut self, node: &Node) -> Option<Value> {
        for (key, value) in node.entries() {
            if !matches!(
                value.value,
                NodeValue::String(_) | NodeValue::Int(_) | NodeValue::Null
            ) {
                let what = format!("`{}`", shorten(&key.text));
                self.problems.push(value.expected(&what, "text"));
            }
        }
        filled_object(settings(node))
    }

    /// Devices with their limits, whose names begin with capitals.
    pub(super) fn blkio(&mut self, node: &Node, level: &'static Level) -> Option<Value> {
        let mut all = Vec::new();
        for item in node.items() {
            let mut one = Object::new();
            for field in level.fields {
                let value = self.field(item.get(field.name), field);
                let mut name = field.name.to_owned();
                if let Some(first) = name.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                let nothing = match field.out {
                    Out::Bytes => json!("0"),
                    Out::Whole | Out::Count => json!(0),
                    _ => json!(""),
                };
                one.insert(name, value.unwrap_or(nothing));
            }
            all.push(Value::Object(one));
        }
        (!all.is_empty()).then_some(Value::Array(all))
    }

    pub(super) fn limits(&mut self, node: &Node, level: &'static Level) -> Option<Value> {
        let mut all = Object::new();
        for (key, limit) in node.entries() {
            let value = match limit.value {
                // A limit of 0 is none that Docker Compose keeps.
                NodeValue::Int(0) => json!({}),
                NodeValue::Int(number) => json!(number),
                NodeValue::Map(_) => {
                    for (_, one) in limit.entries() {
                        if !matches!(one.value, NodeValue::Int(_)) {
                            self.problems
                                .push(one.expected("a limit", "a whole number"));
                        }
                    }
                    self.level(limit, level).into()
                }
                NodeValue::Float(_) | NodeValue::String(_) => {
                    self.problems
                        .push(limit.expected(&format!("`{}`", key.text), "a whole number"));
                    continue;
                }
                _ => {
                    self.whole(limit);
                    continue;
                }
            };
            all.insert(key.text.clone(), value);
        }
        filled_object(all)
    }
}

/// A mapping sorted by its names, as Docker Compose prints those that the user gives.
fn sorted(mut all: Object<String, Value>) -> Object<String, Value> {
    all.sort_keys();
    all
}

pub(super) fn filled_object(all: Object<String, Value>) -> Option<Value> {
    (!all.is_empty()).then(|| Value::Object(sorted(all)))
}

/// A mapping to texts; a name without a value has the empty one.
pub(super) fn settings(node: &Node) -> Object<String, Value> {
    let entries = node.entries().iter();
    entries
        .map(|(key, value)| {
            let text = scalar_text(value).unwrap_or_else(|| value.to_json().to_string());
            (key.text.clone(), text.into())
        })
        .collect()
}

/// A mapping to texts; a name without a value has none.
pub(super) fn environment(node: &Node) -> Object<String, Value> {
    let entries = node.entries().iter();
    entries
        .map(|(key, value)| {
            let text = scalar_text(value).filter(|_| !value.is_null());
            (key.text.clone(), text.map_or(Value::Null, Value::from))
        })
        .collect()
}

pub(super) fn multi_settings(node: &Node) -> Object<String, Value> {
    let entries = node.entries().iter();
    entries
        .map(|(key, value)| {
            let texts: Vec<Value> = match value.as_seq() {
                Some(items) => items
                    .iter()
                    .filter_map(scalar_text)
                    .map(Value::from)
                    .collect(),
                None => scalar_text(value).map(Value::from).into_iter().collect(),
            };
            (key.text.clone(), texts.into())
        })
        .collect()
}
