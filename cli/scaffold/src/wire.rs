//! The Compose file with the service in it. It is an edit of the text at the places that the YAML
//! reader tells, so that comments, order, indentation and line ends of the file stay.
//!
//! What comes in: the bytes of the file and a fragment, a small Compose file of its own in block
//! style with two spaces a level. What leaves: the new bytes. Every edit is proven: read again, the
//! file holds what it held before and the additions, or nothing leaves. What must not enter: files,
//! and any knowledge of what a service is.

use std::path::Path;

use msvc_system::problem::Problem;
use msvc_system::yaml::{self, Node};
use serde_json::{Map, Value};

mod block;
mod flow;
mod text;

use text::Text;

/// One thing that a fragment adds: a key below a top-level key.
#[derive(Debug, Clone, PartialEq)]
pub struct Addition {
    /// The top-level key: `services`, `volumes`, `x-msvc`.
    pub section: String,
    /// The key in it.
    pub key: String,
    /// Key and value as lines, from column 1, two spaces a level.
    pub lines: Vec<String>,
    /// The value.
    pub value: Value,
}

/// Why a file cannot take the additions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The file or the fragment cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// A section is no mapping, or one that cannot be added to.
    #[error("`{0}` is not a mapping that a key could be added to")]
    Section(String),
    /// The key is there already.
    #[error("`{section}` has a `{key}` already")]
    Exists {
        /// The section.
        section: String,
        /// The key.
        key: String,
    },
    /// The file as changed does not hold what it should.
    #[error("{0}")]
    NotTheSame(String),
}

/// Where in a section something is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    /// After the last line with something in it.
    AfterContent,
    /// Before the next section, blank lines included: they may belong to a text's end.
    BeforeNext,
}

/// What the fragment adds, in its order.
///
/// # Errors
/// When the fragment cannot be read.
pub fn additions(fragment: &str) -> Result<Vec<Addition>, WireError> {
    let tree = read(fragment.as_bytes())?;
    let lines: Vec<&str> = fragment.lines().collect();
    let mut starts: Vec<usize> = Vec::new();
    for (section, node) in tree.entries() {
        starts.push(line_of(section.place.line));
        starts.extend(
            node.entries()
                .iter()
                .map(|(key, _)| line_of(key.place.line)),
        );
    }
    let mut additions = Vec::new();
    for (section, node) in tree.entries() {
        for (key, value) in node.entries() {
            let start = line_of(key.place.line);
            let next = starts.iter().copied().filter(|other| *other > start).min();
            let own = lines
                .get(start..next.unwrap_or(lines.len()))
                .unwrap_or_default();
            let kept = own
                .iter()
                .map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned());
            let mut kept: Vec<String> = kept.collect();
            while kept.last().is_some_and(|line| line.trim().is_empty()) {
                kept.pop();
            }
            additions.push(Addition {
                section: section.text.clone(),
                key: key.text.clone(),
                lines: kept,
                value: value.to_json(),
            });
        }
    }
    Ok(additions)
}

/// The file with the additions. `accept` has the last word on a result; its reason is passed on.
///
/// # Errors
/// When no edit adds just that.
pub fn wire(
    before: &[u8],
    additions: &[Addition],
    accept: &dyn Fn(&[u8]) -> Result<(), String>,
) -> Result<Vec<u8>, WireError> {
    let mut first = None;
    for spot in [Spot::AfterContent, Spot::BeforeNext] {
        match attempt(before, additions, spot, accept) {
            Ok(after) => return Ok(after),
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    Err(first.unwrap_or_else(|| WireError::NotTheSame("nothing was tried".to_owned())))
}

fn attempt(
    before: &[u8],
    additions: &[Addition],
    spot: Spot,
    accept: &dyn Fn(&[u8]) -> Result<(), String>,
) -> Result<Vec<u8>, WireError> {
    let mut text = Text::of(before).map_err(WireError::Unreadable)?;
    let old = read(before)?;
    let mut expected = old.to_json();
    for addition in additions {
        let tree = read(&text.bytes())?;
        add(&mut text, &tree, addition, spot)?;
        expect(&mut expected, addition)?;
    }
    let after = text.bytes();
    let now = read(&after)?.to_json();
    if now != expected {
        let why = "read again, it would not be the same and the service";
        return Err(WireError::NotTheSame(why.to_owned()));
    }
    accept(&after).map_err(WireError::NotTheSame)?;
    Ok(after)
}

fn read(bytes: &[u8]) -> Result<Node, WireError> {
    yaml::parse(Path::new(""), bytes).map_err(|problems| {
        let said = |problem: &Problem| match &problem.place {
            Some(place) => format!("line {}: {}", place.line, problem.what),
            None => problem.what.clone(),
        };
        WireError::Unreadable(problems.0.first().map(said).unwrap_or_default())
    })
}

/// The value that the file must have afterwards.
fn expect(expected: &mut Value, addition: &Addition) -> Result<(), WireError> {
    let section = || WireError::Section(addition.section.clone());
    let top = expected.as_object_mut().ok_or_else(section)?;
    let value = top.entry(addition.section.clone()).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    let entries = value.as_object_mut().ok_or_else(section)?;
    entries.insert(addition.key.clone(), addition.value.clone());
    Ok(())
}

fn add(text: &mut Text, tree: &Node, addition: &Addition, spot: Spot) -> Result<(), WireError> {
    let section = tree.entry(&addition.section);
    if section.is_some_and(|(_, node)| node.entry(&addition.key).is_some()) {
        return Err(WireError::Exists {
            section: addition.section.clone(),
            key: addition.key.clone(),
        });
    }
    let fault = || WireError::Section(addition.section.clone());
    if let Some(open) = text.flow_at(&tree.place) {
        let open = match section {
            // The whole file is in braces, as JSON is; so is everything in it.
            Some((_, node)) => text.flow_at(&node.place).ok_or_else(fault)?,
            None => return flow::add_section(text, open, addition).ok_or_else(fault),
        };
        return flow::add(text, open, &addition.key, &addition.value).ok_or_else(fault);
    }
    match section {
        None => block::add_section(text, tree, addition, spot),
        Some((_, node)) if node.as_map().is_some() => match text.flow_at(&node.place) {
            Some(open) => flow::add(text, open, &addition.key, &addition.value).ok_or_else(fault),
            None => block::add(text, tree, addition, spot),
        },
        Some((_, node)) if node.is_null() => block::add_first(text, tree, addition),
        Some(_) => Err(fault()),
    }
}

/// The index of a line that counts from 1.
fn line_of(line: u32) -> usize {
    usize::try_from(line)
        .unwrap_or(usize::MAX)
        .saturating_sub(1)
}

#[cfg(test)]
mod tests;
