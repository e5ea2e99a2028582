//! What readers ask of a node: lookups, its kind in words, its value, JSON.

use indexmap::IndexMap;

use super::{Key, Node, NodeValue};
use crate::problem::Place;

impl Node {
    /// Whether a file takes back here what earlier ones gave.
    pub(crate) fn is_reset(&self) -> bool {
        self.tag.as_deref() == Some("!reset")
    }

    /// A node without tag.
    #[must_use]
    pub fn new(place: Place, value: NodeValue) -> Self {
        Self {
            place,
            value,
            tag: None,
            plain: false,
            short: false,
            replaced: None,
        }
    }

    /// The same with what was written in place of what variables became; `None` where that is too long.
    pub(crate) fn as_written(&self) -> Option<Self> {
        let value = match (&self.value, self.replaced.as_deref()) {
            (_, Some("")) => return None,
            (_, Some(written)) => NodeValue::String(written.to_owned()),
            (NodeValue::Seq(items), None) => {
                let items: Option<Vec<Self>> = items.iter().map(Self::as_written).collect();
                NodeValue::Seq(items?)
            }
            (NodeValue::Map(entries), None) => {
                let entry = |(key, node): &(Key, Self)| Some((key.clone(), node.as_written()?));
                let entries: Option<Vec<(Key, Self)>> = entries.iter().map(entry).collect();
                NodeValue::Map(entries?)
            }
            (value, None) => value.clone(),
        };
        Some(Self::new(self.place.clone(), value))
    }

    /// The value of a mapping's key; `None` when absent or when this is no mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, node)| node)
    }

    /// The same with the key, for its place.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<(&Key, &Self)> {
        self.entries()
            .iter()
            .find(|(k, _)| k.text == key)
            .map(|(k, node)| (k, node))
    }

    /// The value of a mapping's key, to be changed.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.value {
            NodeValue::Map(entries) => entries
                .iter_mut()
                .find(|(k, _)| k.text == key)
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// A list's items, to be changed; none for anything else.
    pub(crate) fn items_mut(&mut self) -> &mut [Self] {
        match &mut self.value {
            NodeValue::Seq(items) => items,
            _ => &mut [],
        }
    }

    /// Takes a key out of a mapping.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Self> {
        let NodeValue::Map(entries) = &mut self.value else {
            return None;
        };
        let at = entries.iter().position(|(k, _)| k.text == key)?;
        Some(entries.remove(at).1)
    }

    /// How many nodes it is, itself included.
    pub(crate) fn count(&self) -> usize {
        let below: usize = match &self.value {
            NodeValue::Seq(items) => items.iter().map(Self::count).sum(),
            NodeValue::Map(entries) => entries.iter().map(|(_, node)| node.count()).sum(),
            _ => 0,
        };
        below + 1
    }

    /// How many bytes of text it has, its keys included.
    pub(crate) fn text_bytes(&self) -> usize {
        match &self.value {
            NodeValue::Seq(items) => items.iter().map(Self::text_bytes).sum(),
            NodeValue::Map(entries) => {
                let both = |(key, node): &(Key, Self)| key.text.len() + node.text_bytes();
                entries.iter().map(both).sum()
            }
            NodeValue::String(text) => text.len(),
            _ => 0,
        }
    }

    /// The node at a JSON pointer (`/paths/~1orders/post`); list items by number.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Self> {
        let mut node = self;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            node = match &node.value {
                NodeValue::Map(_) => node.get(&part)?,
                NodeValue::Seq(items) => items.get(part.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(node)
    }

    /// A mapping's entries in the order written; empty for anything else.
    #[must_use]
    pub fn entries(&self) -> &[(Key, Self)] {
        self.as_map().unwrap_or_default()
    }

    /// A list's items; empty for anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        self.as_seq().unwrap_or_default()
    }

    /// The entries of the mapping at a key; none where there is none.
    pub(crate) fn entries_of(&self, key: &str) -> &[(Key, Self)] {
        self.get(key).map(Self::entries).unwrap_or_default()
    }

    /// The same by name, in the order written, for somebody who looks many of them up.
    pub(crate) fn named(&self, key: &str) -> IndexMap<&str, &Self> {
        let entries = self.entries_of(key).iter();
        entries
            .map(|(key, node)| (key.text.as_str(), node))
            .collect()
    }

    /// The items of the list at a key; none where there is none.
    pub(crate) fn items_of(&self, key: &str) -> &[Self] {
        self.get(key).map(Self::items).unwrap_or_default()
    }

    /// The values of the mapping at a key, to be changed; none where there is none.
    pub(crate) fn values_of_mut(&mut self, key: &str) -> impl Iterator<Item = &mut Self> {
        let entries = match self.get_mut(key).map(|node| &mut node.value) {
            Some(NodeValue::Map(entries)) => entries.as_mut_slice(),
            _ => &mut [],
        };
        entries.iter_mut().map(|(_, node)| node)
    }

    /// The items of the list at a key, to be changed; none where there is none.
    pub(crate) fn items_of_mut(&mut self, key: &str) -> &mut [Self] {
        self.get_mut(key).map(Self::items_mut).unwrap_or_default()
    }

    /// The mapping's entries, when it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&[(Key, Self)]> {
        match &self.value {
            NodeValue::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The list's items, when it is one.
    #[must_use]
    pub fn as_seq(&self) -> Option<&[Self]> {
        match &self.value {
            NodeValue::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The text, when it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, when it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            NodeValue::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// The whole number, when it is one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self.value {
            NodeValue::Int(int) => Some(int),
            _ => None,
        }
    }

    /// The number, whole or not, when it is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self.value {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a reader of f64 asks for the nearest one"
            )]
            NodeValue::Int(int) => Some(int as f64),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a reader of f64 asks for the nearest one"
            )]
            NodeValue::Large(int) => Some(int as f64),
            NodeValue::Float(float) => Some(float),
            _ => None,
        }
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.value, NodeValue::Null)
    }

    /// A scalar as text (nothing is the empty text); `None` for lists and mappings.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match &self.value {
            NodeValue::Null => Some(String::new()),
            NodeValue::Bool(b) => Some(b.to_string()),
            NodeValue::Int(int) => Some(int.to_string()),
            NodeValue::Large(int) => Some(int.to_string()),
            NodeValue::Float(float) => Some(float.to_string()),
            NodeValue::Date(text) | NodeValue::String(text) => Some(text.clone()),
            NodeValue::Seq(_) | NodeValue::Map(_) => None,
        }
    }

    /// What it is, in words for a message.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            NodeValue::Null => "nothing",
            NodeValue::Bool(_) => "a boolean",
            NodeValue::Int(_) | NodeValue::Large(_) | NodeValue::Float(_) => "a number",
            NodeValue::Date(_) => "a date",
            NodeValue::String(_) => "text",
            NodeValue::Seq(_) => "a list",
            NodeValue::Map(_) => "a mapping",
        }
    }

    /// Whether it is one value that is not nothing, and neither list nor mapping.
    pub(crate) fn is_scalar(&self) -> bool {
        let is_one = !matches!(self.value, NodeValue::Seq(_) | NodeValue::Map(_));
        is_one && !self.is_null()
    }

    /// As JSON, without places. Numbers that JSON cannot say (infinite, none) become text.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(b) => Value::Bool(*b),
            NodeValue::Int(int) => Value::from(*int),
            NodeValue::Large(int) => Value::from(*int),
            NodeValue::Float(float) => serde_json::Number::from_f64(*float)
                .map_or_else(|| Value::String(float.to_string()), Value::Number),
            NodeValue::Date(text) | NodeValue::String(text) => Value::String(text.clone()),
            NodeValue::Seq(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            NodeValue::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.text.clone(), node.to_json()))
                    .collect(),
            ),
        }
    }
}

/// A text short enough for one line of a message.
pub(crate) fn shorten(text: &str) -> String {
    const MOST: usize = 80;
    let line: String = text
        .chars()
        .take(MOST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(MOST).is_some() {
        format!("{line}…")
    } else {
        line
    }
}
