//! Adding a key to a mapping in block style: lines after those of its last key.

use msvc_system::yaml::Node;

use super::text::Text;
use super::{Addition, Spot, WireError, line_of};

/// Spaces a level where the file does not tell.
const USUAL_STEP: usize = 2;

/// How the lines of an addition stand in the file.
#[derive(Debug, Clone, Copy)]
struct Indent {
    /// Spaces in front of the key.
    base: usize,
    /// Spaces a level below it.
    step: usize,
}

impl Indent {
    fn lines(self, lines: &[String]) -> Vec<String> {
        let indented = lines.iter().map(|line| {
            let text = line.trim_start_matches(' ');
            let level = (line.len() - text.len()) / 2;
            format!("{}{text}", " ".repeat(self.base + level * self.step))
        });
        indented.collect()
    }
}

/// Adds to a section that has keys in block style.
pub(super) fn add(
    text: &mut Text,
    tree: &Node,
    addition: &Addition,
    spot: Spot,
) -> Result<(), WireError> {
    let fault = || WireError::Section(addition.section.clone());
    let (section, node) = tree.entry(&addition.section).ok_or_else(fault)?;
    let start = line_of(section.place.line);
    let next = next_section(text, tree, start);
    // Keys that came by an alias or a merge stand elsewhere.
    let own: Vec<(usize, usize)> = node
        .entries()
        .iter()
        .map(|(key, _)| (line_of(key.place.line), line_of(key.place.column)))
        .filter(|(line, _)| (start + 1..next).contains(line))
        .collect();
    let (_, base) = *own.first().ok_or_else(fault)?;
    let indent = Indent {
        base,
        step: step(tree),
    };
    let at = match spot {
        Spot::AfterContent => content_end(text, start, next, base),
        Spot::BeforeNext => next,
    };
    let mut lines = indent.lines(&addition.lines);
    if apart(text, &own, addition) && !text.is_blank(at.saturating_sub(1)) {
        lines.insert(0, String::new());
    }
    text.insert(at, lines);
    Ok(())
}

/// Adds the first key to a section that is there and empty.
pub(super) fn add_first(
    text: &mut Text,
    tree: &Node,
    addition: &Addition,
) -> Result<(), WireError> {
    let fault = || WireError::Section(addition.section.clone());
    let (section, _) = tree.entry(&addition.section).ok_or_else(fault)?;
    let line = line_of(section.place.line);
    let rest = text
        .line(line)
        .split_once(':')
        .map(|(_, rest)| rest.trim_start());
    if rest.is_none_or(|rest| !rest.is_empty() && !rest.starts_with('#')) {
        // A written null (`~`), a tag, an anchor: what is added below would not be its value.
        return Err(fault());
    }
    let step = step(tree);
    let base = line_of(section.place.column) + step;
    let indent = Indent { base, step };
    text.insert(line + 1, indent.lines(&addition.lines));
    Ok(())
}

/// Adds a section with its first key, after all others.
pub(super) fn add_section(
    text: &mut Text,
    tree: &Node,
    addition: &Addition,
    spot: Spot,
) -> Result<(), WireError> {
    let fault = || WireError::Section(addition.section.clone());
    let places = tree.entries().iter().map(|(key, _)| &key.place);
    let last = places.max_by_key(|place| place.line).ok_or_else(fault)?;
    let (start, base) = (line_of(last.line), line_of(last.column));
    let next = next_section(text, tree, start);
    let step = step(tree);
    let mut lines = vec![
        String::new(),
        format!("{}{}:", " ".repeat(base), addition.section),
    ];
    let below = Indent {
        base: base + step,
        step,
    };
    lines.extend(below.lines(&addition.lines));
    let at = match spot {
        Spot::AfterContent => content_end(text, start, next, base),
        Spot::BeforeNext => next,
    };
    text.insert(at, lines);
    Ok(())
}

/// Spaces a level: what the first service's keys stand further in than its name, else what names
/// stand further in than their section.
fn step(tree: &Node) -> usize {
    let sections = tree.entries().iter();
    let steps = sections.flat_map(|(section, node)| {
        let entries = node.entries().iter();
        let inner = entries.clone().flat_map(|(key, value)| {
            let below = value.entries().first();
            below.map(move |(inner, _)| (key.place.clone(), inner.place.clone()))
        });
        let outer = entries.map(|(key, _)| (section.place.clone(), key.place.clone()));
        inner.chain(outer).collect::<Vec<_>>()
    });
    let further_in = steps
        .filter(|(outer, inner)| inner.line > outer.line && inner.column > outer.column)
        .map(|(outer, inner)| line_of(inner.column) - line_of(outer.column));
    further_in.into_iter().next().unwrap_or(USUAL_STEP)
}

/// The line at which what follows the section that begins at `start` begins: another section, the
/// end of the document, or the end of the file.
fn next_section(text: &Text, tree: &Node, start: usize) -> usize {
    let sections = tree
        .entries()
        .iter()
        .map(|(key, _)| line_of(key.place.line));
    let next = sections
        .filter(|line| *line > start)
        .min()
        .unwrap_or(text.lines.len());
    let marker = |line: &usize| {
        let line = text.line(*line);
        ["...", "---"].iter().any(|mark| {
            let rest = line.strip_prefix(mark);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
        })
    };
    (start + 1..next).find(marker).unwrap_or(next)
}

/// The line after the last one between `start` and `next` that belongs to the mapping whose keys
/// stand `base` spaces in: blank lines, and comments further out, belong to what follows.
fn content_end(text: &Text, start: usize, next: usize, base: usize) -> usize {
    let mut end = next;
    while end > start + 1 {
        let line = end - 1;
        let outside = text.is_comment(line) && text.indent(line) < base;
        if !text.is_blank(line) && !outside {
            break;
        }
        end = line;
    }
    end
}

/// Whether the keys of a mapping stand apart, with a blank line between them. Where there is one
/// alone, what is longer than a line is set apart from it.
fn apart(text: &Text, keys: &[(usize, usize)], addition: &Addition) -> bool {
    let [_, .., (last, _)] = keys else {
        return addition.lines.len() > 1;
    };
    let mut above = last.saturating_sub(1);
    while above > 0 && text.is_comment(above) {
        above -= 1;
    }
    text.is_blank(above)
}
