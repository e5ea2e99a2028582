//! Anchors that a later document of the same file uses. YAML knows an anchor in its own document only;
//! Docker Compose's parser remembers it.
//!
//! What comes in: the text of a file. What leaves: the same documents as the items of one list, in a
//! single document, where every anchor is known; and each line where it was.

use super::Node;
use super::NodeValue;

/// Columns that a line moves to the right to be part of an item.
const INDENT: u32 = 2;

/// A file's documents as one list.
pub(super) struct OneList {
    /// The text.
    pub(super) text: String,
    /// The lines that begin with what was `---`, and did not move; from 1, in order.
    unmoved: Vec<u32>,
}

/// The list, when the file has more than one document. A line of `---` divides documents wherever it
/// stands, also in a text in quotes or a block, so that lines alone can be looked at.
pub(super) fn one_list(text: &str) -> Option<OneList> {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut unmoved = Vec::new();
    let mut is_open = false;
    for (line, number) in text.split_inclusive('\n').zip(1_u32..) {
        let said = line.trim();
        let marker = |marker: &str| {
            let rest = line.strip_prefix(marker)?;
            (rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])).then_some(rest)
        };
        if let Some(rest) = marker("---") {
            out.push_str("-  ");
            out.push_str(rest);
            unmoved.push(number);
            is_open = true;
        } else if marker("...").is_some() || !is_open && line.starts_with('%') {
            out.push('\n');
            is_open = false;
        } else if said.is_empty() || is_open {
            out.push_str("  ");
            out.push_str(line);
        } else if said.starts_with('#') {
            out.push_str(line);
        } else {
            out.push_str("- ");
            out.push_str(line);
            is_open = true;
        }
    }
    (!unmoved.is_empty()).then_some(OneList { text: out, unmoved })
}

impl OneList {
    /// The documents out of the list, with their places in the file.
    pub(super) fn documents(&self, list: Node) -> Vec<Node> {
        let NodeValue::Seq(mut documents) = list.value else {
            return Vec::new();
        };
        for document in &mut documents {
            self.put_back(document);
        }
        documents
    }

    fn put_back(&self, node: &mut Node) {
        self.column(node.place.line, &mut node.place.column);
        match &mut node.value {
            NodeValue::Seq(items) => items.iter_mut().for_each(|item| self.put_back(item)),
            NodeValue::Map(entries) => {
                for (key, value) in entries {
                    self.column(key.place.line, &mut key.place.column);
                    self.put_back(value);
                }
            }
            _ => {}
        }
    }

    fn column(&self, line: u32, column: &mut u32) {
        if self.unmoved.binary_search(&line).is_err() {
            *column = column.saturating_sub(INDENT).max(1);
        }
    }
}
