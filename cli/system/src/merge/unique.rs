//! Items of a list that are one and the same: the later takes the earlier's place.

use std::collections::HashMap;

use crate::fields::{Below, Same, Shape};
use crate::forms::scalar_text;
use crate::volume_text;
use crate::yaml::{Node, NodeValue};

/// Keeps one of those items that are the same, in every list below.
pub(crate) fn unique(node: &mut Node, shape: &'static Shape) {
    let NodeValue::Map(entries) = &mut node.value else {
        return;
    };
    for (key, child) in entries {
        let below = shape.below(&key.text);
        one(child, &below);
    }
}

fn one(node: &mut Node, below: &Below) {
    match (&mut node.value, below.shape) {
        (NodeValue::Map(_), Some(shape)) => unique(node, shape),
        (NodeValue::Seq(items), _) if below.same != Same::Never => {
            *items = without_repetition(std::mem::take(items), below.same);
        }
        _ => {}
    }
}

fn without_repetition(items: Vec<Node>, same: Same) -> Vec<Node> {
    let mut kept: Vec<Node> = Vec::with_capacity(items.len());
    let mut positions: HashMap<String, usize> = HashMap::new();
    for item in items {
        let earlier = identity(&item, same).and_then(|id| match positions.get(&id) {
            Some(position) => Some(*position),
            None => {
                positions.insert(id, kept.len());
                None
            }
        });
        match earlier.and_then(|position| kept.get_mut(position)) {
            Some(slot) => *slot = item,
            None => kept.push(item),
        }
    }
    kept
}

/// What the item is called among its like; `None` where it is none of the kind.
fn identity(item: &Node, same: Same) -> Option<String> {
    let field = |key: &str| item.get(key).and_then(scalar_text);
    match same {
        Same::Never => None,
        Same::Name => {
            let text = item.as_str()?;
            Some(
                text.split_once('=')
                    .map_or(text, |(name, _)| name)
                    .to_owned(),
            )
        }
        Same::Text => scalar_text(item),
        Same::Mount => match item.as_str() {
            Some(text) => {
                let parts = volume_text::parts(text).ok()?;
                Some(parts.target.to_owned())
            }
            None => field("target"),
        },
        Same::Device => match item.as_str() {
            Some(text) => Some(text.split(':').nth(1).unwrap_or(text).to_owned()),
            None => field("target"),
        },
        Same::File(folder) => match item.as_str() {
            Some(text) => Some(format!("{folder}/{text}")),
            None => field("target").or_else(|| Some(format!("{folder}/{}", field("source")?))),
        },
        Same::Port if item.as_map().is_some() => {
            let host = field("host_ip").unwrap_or_else(|| "0.0.0.0".to_owned());
            let protocol = field("protocol").unwrap_or_else(|| "tcp".to_owned());
            // A number and the text of it are not the same to Docker Compose.
            let published = item.get("published").map(|it| format!("{:?}", it.value));
            let published = published.unwrap_or_default();
            Some(format!(
                "{host}:{published}:{}/{protocol}",
                field("target")?
            ))
        }
        Same::Port => scalar_text(item),
        Same::Path => field("path").or_else(|| scalar_text(item)),
    }
}
