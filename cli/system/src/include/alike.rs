//! Whether what a file declares itself is what one that it includes declares, as Docker Compose tells:
//! the one as it is written, the other in long form. So a list is no mapping, `["80:80"]` is no port of
//! the same text, and `1` is neither `1.0` nor `"1"`; in which order a mapping has its keys means nothing. A
//! list without items is there to it, and in long form it is none, but where its items are told apart.
//!
//! What is read in long form here and kept short by Docker Compose is marked [`Node::short`].

use std::collections::HashMap;

use crate::fields::{Below, Same, Shape};
use crate::problem::FileName;
use crate::yaml::{Key, Node, NodeValue};

/// What is compared.
#[derive(Clone, Copy)]
pub(super) struct At<'f> {
    /// What is known of it.
    pub(super) below: Below,
    /// The file that includes: what stands in others is in long form already.
    pub(super) file: &'f FileName,
}

impl At<'_> {
    /// What stands at a key of a mapping.
    fn child(self, key: &Key) -> Self {
        let shape = self.below.shape;
        let below = shape.map_or(Below::NONE, |shape| shape.below(&key.text));
        Self { below, ..self }
    }

    /// What an item of a list is.
    fn item(self) -> Self {
        let shape = self.below.shape.and_then(Shape::item);
        let below = Below {
            shape,
            ..Below::NONE
        };
        Self { below, ..self }
    }

    /// Whether an own list is one in long form, too, though it may have no items.
    fn stays(self, own: &Node, items: &[Node]) -> bool {
        !items.is_empty() || self.below.same != Same::Never || own.place.file != *self.file
    }
}

/// The fields in which the two differ; `None` where they say the same. None at all are named where they
/// differ as a whole. `at` says what they are.
pub(super) fn differences(own: &Node, included: &Node, at: At<'_>) -> Option<Vec<String>> {
    let (Some(fields), Some(others)) = (own.as_map(), included.as_map()) else {
        return (!are_alike(own, included, at)).then(Vec::new);
    };
    let there = by_name(others);
    let mut differ = Vec::new();
    let fields = fields.iter().filter(|(_, node)| !node.is_reset());
    let mut seen = 0;
    for (key, node) in fields {
        let other = there.get(key.text.as_str());
        seen += usize::from(other.is_some());
        if other.is_none_or(|other| !are_alike(node, other, at.child(key))) {
            differ.push(key.text.clone());
        }
    }
    if seen < others.len() {
        let here = by_name(own.entries());
        let has = |name: &str| here.get(name).is_some_and(|node| !node.is_reset());
        let missing = others.iter().map(|(key, _)| &key.text);
        differ.extend(missing.filter(|name| !has(name)).cloned());
    }
    (!differ.is_empty()).then_some(differ)
}

fn by_name(entries: &[(Key, Node)]) -> HashMap<&str, &Node> {
    let entries = entries.iter();
    entries
        .map(|(key, node)| (key.text.as_str(), node))
        .collect()
}

fn are_alike(own: &Node, included: &Node, at: At<'_>) -> bool {
    match (&own.value, &included.value) {
        (NodeValue::Map(fields), NodeValue::Map(others)) => {
            let in_order = own.short && included.short;
            own.short == included.short && maps(fields, others, in_order, at)
        }
        (NodeValue::Seq(items), NodeValue::Seq(others)) => {
            own.short == included.short && at.stays(own, items) && lists(items, others, at)
        }
        (NodeValue::Seq(items), NodeValue::Map(settings)) if included.short => {
            at.stays(own, items) && are_settings(items, settings)
        }
        (NodeValue::Map(settings), NodeValue::Seq(items)) if own.short => {
            at.stays(own, items) && are_settings(items, settings)
        }
        (NodeValue::String(_), NodeValue::Seq(items)) if included.short => {
            matches!(items.as_slice(), [item] if item.value == own.value)
        }
        (NodeValue::Seq(items), NodeValue::String(_)) if own.short => {
            matches!(items.as_slice(), [item] if item.value == included.value)
        }
        (value, other) => own.short == included.short && value == other,
    }
}

fn maps(fields: &[(Key, Node)], others: &[(Key, Node)], in_order: bool, at: At<'_>) -> bool {
    let written = || fields.iter().filter(|(_, node)| !node.is_reset());
    if written().count() != others.len() {
        return false;
    }
    if in_order {
        return written().zip(others).all(|((key, node), (other, there))| {
            key.text == other.text && are_alike(node, there, at.child(key))
        });
    }
    let there = by_name(others);
    written().all(|(key, node)| {
        let other = there.get(key.text.as_str());
        other.is_some_and(|other| are_alike(node, other, at.child(key)))
    })
}

fn lists(items: &[Node], others: &[Node], at: At<'_>) -> bool {
    let at = at.item();
    let written = || items.iter().filter(|item| !item.is_reset());
    written().count() == others.len()
        && written()
            .zip(others)
            .all(|(item, other)| are_alike(item, other, at))
}

/// Whether the items of a list are `NAME=VALUE` of each setting, or `NAME` alone.
fn are_settings(items: &[Node], settings: &[(Key, Node)]) -> bool {
    let is_setting = |item: &Node, key: &Key, value: &Node| {
        let text = item
            .as_str()
            .and_then(|text| text.strip_prefix(key.text.as_str()));
        match &value.value {
            NodeValue::Null => text == Some(""),
            NodeValue::String(value) => {
                text.and_then(|text| text.strip_prefix('=')) == Some(value.as_str())
            }
            _ => false,
        }
    };
    let mut pairs = items.iter().zip(settings);
    items.len() == settings.len() && pairs.all(|(item, (key, value))| is_setting(item, key, value))
}
