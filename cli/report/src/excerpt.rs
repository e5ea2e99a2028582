//! The line of a file that a problem is about, with a mark under what is meant: two lines of text
//! that fit a terminal, whatever the line holds.

use msvc_system::dotenv::may_be_told;
use msvc_system::problem::{Part, Place};
use unicode_width::UnicodeWidthChar as _;

mod extent;

/// Columns of a terminal that everybody has.
const COLUMNS: usize = 80;
/// Stands for what was cut off, and for what is not shown.
const CUT: char = '…';
/// Columns for a tab, which has no width of its own.
const TAB: usize = 4;

/// A line and what is meant in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The number of the line and the line, cut to fit.
    pub line: String,
    /// Spaces up to what is meant.
    pub before: String,
    /// `^`, and `~` under the rest of it.
    pub mark: String,
}

impl Excerpt {
    /// The excerpt for a part of what stands at a place, from its line as [`said`] says it.
    #[must_use]
    pub fn of(place: &Place, part: Part, line: &str, has_structure: bool) -> Option<Self> {
        let start = usize::try_from(place.column).ok()?.checked_sub(1)?;
        // A line can have nine million characters; a word that is shown has fewer.
        let chars: Vec<char> = line.chars().take(start + 5 * COLUMNS).collect();
        // One behind the last: where something is missing.
        if line.trim().is_empty() || start > chars.len() {
            return None;
        }
        let end = match part {
            // What goes on in the next line ends with this one.
            Part::Characters(many) => start.saturating_add(many).min(chars.len()),
            Part::Whole | Part::Variable { .. } | Part::Tag(_) => {
                extent::end(&chars, start, has_structure)
            }
        };
        let end = end.max(start + 1);
        let gutter = format!("{:>5} | ", place.line);
        let (cells, start, end) = window(&chars, start, end, COLUMNS - gutter.len());
        let width = |cells: &[Cell]| cells.iter().map(|cell| cell.width).sum::<usize>();
        let before = width(cells.get(..start).unwrap_or_default());
        let meant = width(cells.get(start..end.min(cells.len())).unwrap_or_default());
        let text: String = cells.iter().map(|cell| cell.text.as_str()).collect();
        Some(Self {
            line: format!("{gutter}{}", text.trim_end()),
            before: format!("{:>5} | {:before$}", "", ""),
            mark: format!("^{:~<1$}", "", meant.saturating_sub(1)),
        })
    }
}

/// A line as it may be told. Compose files, journeys and the like are shown as they stand; of a file
/// of settings (`.env`, what `env_file` names) only the names, for its values are those that people
/// keep out of the Compose file. `None` where nothing of it may be.
#[must_use]
pub fn said(has_structure: bool, line: &str) -> Option<String> {
    if has_structure {
        return Some(line.to_owned());
    }
    let (name, value) = line.split_once('=')?;
    if !may_be_told(name) {
        return None;
    }
    let hidden = if value.is_empty() { "" } else { "…" };
    Some(format!("{name}={hidden}"))
}

/// A character as a terminal shows it.
struct Cell {
    text: String,
    width: usize,
}

impl Cell {
    fn of(c: char) -> Self {
        let harmless = |c: char| {
            !c.is_control()
                && !('\u{202a}'..='\u{202e}').contains(&c)
                && !('\u{2066}'..='\u{2069}').contains(&c)
        };
        match c {
            '\t' => Self {
                text: " ".repeat(TAB),
                width: TAB,
            },
            c if harmless(c) => Self {
                text: c.to_string(),
                width: c.width().unwrap_or(0),
            },
            // It could move the cursor, or turn the order of what is read.
            _ => Self {
                text: "·".to_owned(),
                width: 1,
            },
        }
    }

    fn cut() -> Self {
        Self {
            text: CUT.to_string(),
            width: 1,
        }
    }
}

/// The part of a line around `start..end` that fits into `room` columns, and where these are in it.
fn window(chars: &[char], start: usize, end: usize, room: usize) -> (Vec<Cell>, usize, usize) {
    let cells = |range: std::ops::Range<usize>| {
        let chars = chars.get(range).unwrap_or_default();
        chars.iter().map(|c| Cell::of(*c)).collect::<Vec<_>>()
    };
    let width = |c: &char| Cell::of(*c).width;
    // Longer lines are not measured to their end: one has nine million characters.
    let fits = chars.len() <= 2 * room && chars.iter().map(width).sum::<usize>() <= room;
    if fits {
        return (cells(0..chars.len()), start, end);
    }
    // A third of the room is for what stands before, unless that is shorter.
    let mut from = start;
    let mut left = 0;
    while let Some(c) = from.checked_sub(1).and_then(|at| chars.get(at)) {
        if left + width(c) > room / 3 {
            break;
        }
        left += width(c);
        from -= 1;
    }
    let mut to = from;
    let mut used = 2;
    while let Some(c) = chars.get(to) {
        if used + width(c) > room {
            break;
        }
        used += width(c);
        to += 1;
    }
    let mut shown = cells(from..to);
    let mut shift = 0;
    if from > 0 {
        shown.insert(0, Cell::cut());
        shift = 1;
    }
    if to < chars.len() {
        shown.push(Cell::cut());
    }
    (shown, start - from + shift, end.min(to) - from + shift)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use msvc_system::files::has_structure;

    use super::*;

    fn excerpt(file: &str, column: u32, line: &str) -> Excerpt {
        let place = Place {
            file: file.into(),
            line: 7,
            column,
        };
        let has_structure = has_structure(Path::new(file));
        Excerpt::of(&place, Part::Whole, line, has_structure).unwrap()
    }

    fn meant(column: u32, line: &str) -> String {
        let it = excerpt("compose.yaml", column, line);
        format!("{}\n{}{}", it.line, it.before, it.mark)
    }

    #[test]
    fn the_mark_stands_under_the_word_that_is_meant() {
        for (column, line, mark) in [
            (3, "  imge: x", "  ^~~~"),
            (10, "  image: x y # why", "         ^~~"),
            (10, "  image: \"a: b\" # x", "         ^~~~~~"),
            (12, "ports: [a, bc, d]", "           ^~"),
            (8, "ports: [a]", "       ^"),
            (1, "a:b: c", "^~~"),
            (5, "key:", "    ^"),
        ] {
            let it = excerpt("compose.yaml", column, line);
            let drawn = format!("{}{}", it.before, it.mark);
            let wanted = mark.trim_start();
            assert!(drawn.ends_with(wanted), "{line}: {drawn}");
            assert_eq!(
                drawn.len(),
                8 + usize::try_from(column).unwrap() - 1 + wanted.len(),
                "{line}"
            );
        }
    }

    #[test]
    fn tabs_and_wide_signs_keep_the_mark_under_the_text() {
        assert_eq!(meant(3, "\t日x: 1"), "    7 |     日x: 1\n      |       ^");
        assert_eq!(meant(2, "日本: 1"), "    7 | 日本: 1\n      |   ^~");
        assert_eq!(meant(2, "\u{1b}[2J"), "    7 | ·[2J\n      |  ^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark_and_fits() {
        let line = format!("{}wrong{}", "a ".repeat(90), " b".repeat(4_000_000));
        let it = excerpt("x.txt", 181, &line);
        assert!(
            it.line.contains("…a a") && it.line.ends_with('…'),
            "{}",
            it.line
        );
        assert!(it.line.chars().count() <= 80, "{}", it.line);
        let at = it.line.chars().position(|c| c == 'w').unwrap();
        assert_eq!(it.before.len(), at);
        let wide = "日".repeat(100);
        let it = excerpt("compose.yaml", 100, &wide);
        assert_eq!(it.mark, "^~");
    }

    #[test]
    fn of_settings_only_the_name_is_told() {
        let told = |file: &str, line: &str| said(has_structure(Path::new(file)), line);
        assert_eq!(
            told(".env", "PASSWORD='hunter2").as_deref(),
            Some("PASSWORD=…")
        );
        assert_eq!(told("a/web.env", "hunter2"), None);
        assert_eq!(told("web.env", "hunter2/+=="), None);
        let line = "  PASSWORD: hunter2";
        assert_eq!(told("compose.yaml", line).as_deref(), Some(line));
    }
}
