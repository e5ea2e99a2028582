//! Variables of a whole tree: each value is what its field takes it for.

use super::{Interpolation, cast};
use crate::fields::{Below, Shape};
use crate::problem::Problems;
use crate::yaml::{Node, NodeValue};

/// Bytes of a text that are kept as they were written: a hint repeats no more.
const MOST_KEPT: usize = 60;

impl Interpolation<'_> {
    /// Replaces variables in every value of a tree of `shape`, and takes texts for what they stand
    /// for there. A value that cannot be read stays as it is.
    pub(crate) fn tree(&mut self, node: &mut Node, shape: &'static Shape, problems: &mut Problems) {
        let below = Below {
            shape: Some(shape),
            ..Below::NONE
        };
        self.node(node, &below, problems);
    }

    fn node(&mut self, node: &mut Node, below: &Below, problems: &mut Problems) {
        // Nobody reads what stands beside the tag.
        if node.is_reset() {
            return;
        }
        match &mut node.value {
            NodeValue::String(text) => {
                let has_no_variable = !text.contains('$');
                if !has_no_variable {
                    let unknown = self.untold.as_ref().map(Vec::len);
                    let new = self.told(text, &node.place, |part| part, problems);
                    let Some(new) = new else { return };
                    let written = std::mem::replace(text, new);
                    let is_short = written.len() <= MOST_KEPT;
                    node.plain = false;
                    node.replaced = Some(if is_short { written.into() } else { "".into() });
                    if self.untold.as_ref().map(Vec::len) != unknown {
                        return;
                    }
                }
                if let Err(problem) = cast::cast(node, below.cast, below.like, problems) {
                    problems.push(problem);
                }
                // Docker Compose takes only what a variable made for what it stands for.
                node.short = has_no_variable && node.as_str().is_none();
            }
            NodeValue::Seq(items) => {
                let item = Below {
                    shape: below.shape.and_then(Shape::item),
                    ..Below::NONE
                };
                for child in items {
                    self.node(child, &item, problems);
                }
            }
            NodeValue::Map(entries) => {
                for (key, child) in entries {
                    let below = below
                        .shape
                        .map_or(Below::NONE, |shape| shape.below(&key.text));
                    self.node(child, &below, problems);
                }
            }
            _ => {}
        }
    }
}
