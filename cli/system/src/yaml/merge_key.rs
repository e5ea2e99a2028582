//! The merge key `<<`: its mapping, or list of mappings, gives what the mapping it stands in does
//! not have itself; of a list, what stands first wins. The merged mappings have had their own
//! merge keys resolved already, since the tree is built from its leaves.

use std::collections::HashSet;

use super::{Key, Node, NodeValue};
use crate::problem::{Problem, Problems};

pub(super) fn merge(into: &mut Vec<(Key, Node)>, from: Node, problems: &mut Problems) {
    let mut have: HashSet<String> = into.iter().map(|(key, _)| key.text.clone()).collect();
    let sources = match from.value {
        NodeValue::Map(entries) => vec![entries],
        NodeValue::Seq(items) => items
            .into_iter()
            .filter_map(|item| match item.value {
                NodeValue::Map(entries) => Some(entries),
                _ => {
                    problems.push(wrong(&item.place));
                    None
                }
            })
            .collect(),
        _ => {
            problems.push(wrong(&from.place));
            return;
        }
    };
    for (key, node) in sources.into_iter().flatten() {
        if have.insert(key.text.clone()) {
            into.push((key, node));
        }
    }
}

fn wrong(place: &crate::problem::Place) -> Problem {
    Problem::error("`<<` takes a mapping or a list of mappings")
        .at(place.clone())
        .hint("name the anchor of one: `<<: *defaults`")
}
