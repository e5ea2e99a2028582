//! The edges as a table for a terminal.

use crate::model::{Edge, EdgeReason, System};

/// Columns of a terminal that is as small as they come.
const WIDTH: usize = 80;
/// The reasons begin here at the latest; a longer edge has a line of its own.
const LAST_COLUMN: usize = 40;
/// Between the columns.
const GAP: usize = 2;

/// `EDGE` and `WHY`: every edge under the name that `--edge` takes, every reason with file and line.
/// No line is wider than 80 columns, unless the edge's own name is.
#[must_use]
pub fn table(system: &System) -> String {
    if system.edges.is_empty() {
        return "no edges\n".to_owned();
    }
    let names: Vec<String> = system.edges.iter().map(Edge::to_string).collect();
    let widths = names.iter().map(|name| name.chars().count() + GAP);
    let column = widths.filter(|width| *width <= LAST_COLUMN).max();
    let column = column.unwrap_or(GAP).max("EDGE".len() + GAP);
    let mut out = format!("{:column$}WHY\n", "EDGE");
    for (edge, name) in system.edges.iter().zip(&names) {
        let mut line = format!("{name:column$}");
        if line.chars().count() > column {
            out.push_str(&format!("{name}\n"));
            line = " ".repeat(column);
        }
        for written in wrapped(&edge.reasons, WIDTH - column) {
            out.push_str(&format!("{line}{written}\n"));
            line = " ".repeat(column);
        }
    }
    out
}

/// The reasons, a comma between them, as lines of at most `width` characters.
fn wrapped(reasons: &[EdgeReason], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (i, reason) in reasons.iter().enumerate() {
        let comma = usize::from(i + 1 < reasons.len());
        let mut text = shown(reason, width - comma);
        if comma == 1 {
            text.push(',');
        }
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + text.chars().count() <= width => {
                line.push(' ');
                line.push_str(&text);
            }
            _ => lines.push(text),
        }
    }
    lines
}

/// `API_URL (compose.yaml:12)` in at most `width` characters: a path loses its beginning first,
/// then a key its end.
fn shown(reason: &EdgeReason, width: usize) -> String {
    let place = reason.place();
    let (why, line) = (plain(&reason.to_string()), place.line.to_string());
    let file = plain(&place.file.display().to_string());
    let around = " (:)".len() + line.len();
    // Of the file enough to know it by.
    let least = file.chars().count().min(16);
    let why = cut_end(&why, width.saturating_sub(around + least));
    let room = width.saturating_sub(around + why.chars().count());
    format!("{why} ({}:{line})", cut_begin(&file, room))
}

/// Without what a terminal would take for a command.
fn plain(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '?' } else { c };
    text.chars().map(plain).collect()
}

fn cut_end(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn cut_begin(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = text.chars().skip(length + 1 - width.max(1));
    format!("…{}", kept.collect::<String>())
}
