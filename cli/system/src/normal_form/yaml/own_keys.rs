//! The `x-…` keys of everybody's own, wherever a level of the file may have them: Docker Compose prints
//! them in YAML and goes without them in JSON, so that they are kept beside the normal form.
//!
//! What comes in: the tree in long form. What leaves: the keys, by the mapping that they stand in. What must
//! not enter: what they say.

use std::collections::HashMap;

use super::order;
use super::tree::{Fields, Tree};
use crate::fields::{FILE, Level, Out};
use crate::yaml::Node;

/// A key that Docker Compose takes a secret's content from, and never prints.
const CONTENT: &str = "x-#value";

/// The `x-…` keys of a mapping or list and of what stands below it.
#[derive(Debug, Default)]
pub(crate) struct OwnKeys {
    /// Its own, sorted.
    own: Fields,
    /// Those of its fields by name, of its items by number.
    below: HashMap<String, Self>,
}

impl OwnKeys {
    /// Those of a whole file.
    pub(crate) fn of(tree: &Node) -> Self {
        Self::of_level(tree, &FILE)
    }

    fn of_level(node: &Node, level: &'static Level) -> Self {
        let own = node.entries().iter().filter(|(key, _)| {
            level.extensions && key.text.starts_with("x-") && key.text != CONTENT
        });
        let mut own: Fields = own
            .map(|(key, value)| (key.text.clone(), Tree::own(value)))
            .collect();
        order::sort(&mut own);
        let mut below = HashMap::new();
        for (key, value) in node.entries() {
            let Some(field) = level.field(&key.text) else {
                continue;
            };
            let found = Self::of_field(value, field.out);
            if !found.is_empty() {
                below.insert(key.text.clone(), found);
            }
        }
        Self { own, below }
    }

    fn of_field(node: &Node, out: Out) -> Self {
        let each = |all: &mut dyn Iterator<Item = (String, &Node)>, level| {
            let all = all.map(|(key, node)| (key, Self::of_level(node, level)));
            Self {
                own: Fields::new(),
                below: all.filter(|(_, found)| !found.is_empty()).collect(),
            }
        };
        match out {
            Out::In(level) | Out::InAlways(level) => Self::of_level(node, level),
            Out::Each(level) => {
                let items = node.items().iter().enumerate();
                each(&mut items.map(|(at, it)| (at.to_string(), it)), level)
            }
            Out::Entries(level) | Out::EntriesOrNull(level) => {
                let entries = node.entries().iter();
                each(&mut entries.map(|(key, it)| (key.text.clone(), it)), level)
            }
            _ => Self::default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.own.is_empty() && self.below.is_empty()
    }

    /// Puts them into what was printed: each after the fields of its mapping, in place of what has its name.
    pub(super) fn put_into(mut self, printed: &mut Tree) {
        match printed {
            Tree::Map(entries) => {
                for (key, value) in entries.iter_mut() {
                    if let Some(keys) = self.below.remove(key.as_str()) {
                        keys.put_into(value);
                    }
                }
                if !self.own.is_empty() {
                    entries.retain(|key, _| !self.own.contains_key(key));
                    entries.extend(self.own);
                }
            }
            Tree::List(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    if let Some(keys) = self.below.remove(&at.to_string()) {
                        keys.put_into(item);
                    }
                }
            }
            _ => {}
        }
    }
}
