//! What slips into a file and is no YAML, or another than it looks: the marks of a merge that was not
//! finished, and no-break spaces as indentation.

use super::Key;
use crate::problem::{Part, Place, Problem};

/// What marks the two sides of a conflict, and what stands between them.
const MARKS: [&str; 3] = ["<<<<<<<", "=======", ">>>>>>>"];

/// The problem that such a thing made, where a parser stopped at `place`.
pub(super) fn blamed(place: &Place, text: &str) -> Option<Problem> {
    conflict(place, text).or_else(|| indentation(place, text))
}

fn conflict(place: &Place, text: &str) -> Option<Problem> {
    let mut lines = text.lines().zip(1_u32..);
    let [begins, parts, ends] = MARKS;
    let (_, line) = lines.find(|(line, _)| is_mark(line, begins))?;
    lines.find(|(line, _)| is_mark(line, parts))?;
    lines.find(|(line, _)| is_mark(line, ends))?;
    let problem = Problem::error("a merge was not finished: here begin its two sides");
    let problem = problem.at(Place {
        file: place.file.clone(),
        line,
        column: 1,
    });
    let hint = format!("keep one side, and take the lines with {begins}, {parts} and {ends} away");
    Some(problem.about(Part::Characters(begins.len())).hint(hint))
}

/// Whether a line is such a mark: nothing follows it, or what it is the side of.
fn is_mark(line: &str, mark: &str) -> bool {
    let rest = line.strip_prefix(mark);
    rest.is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with(' '))
}

/// No-break spaces before what stands in the line where the parser stopped, or before it.
fn indentation(place: &Place, text: &str) -> Option<Problem> {
    let line = usize::try_from(place.line).ok()?;
    let near = line.saturating_sub(2);
    let lines = text.lines().zip(1_u32..).skip(near).take(3);
    let mut wrong = lines.filter_map(|(line, number)| {
        let before = line.len() - line.trim_start().len();
        let indentation = line.get(..before)?;
        let at = indentation.chars().position(is_odd)?;
        let length = indentation
            .chars()
            .skip(at)
            .take_while(|c| is_odd(*c))
            .count();
        Some((number, at, length))
    });
    let (line, at, length) = wrong.next()?;
    Some(told(
        &Place {
            file: place.file.clone(),
            line,
            column: u32::try_from(at + 1).ok()?,
        },
        length,
    ))
}

/// The problem that a key begins with no-break spaces, which nobody sees.
pub(crate) fn no_break(key: &Key) -> Option<Problem> {
    let length = key.text.chars().take_while(|c| is_odd(*c)).count();
    (length > 0).then(|| told(&key.place, length))
}

fn is_odd(c: char) -> bool {
    c.is_whitespace() && !c.is_ascii()
}

fn told(place: &Place, length: usize) -> Problem {
    Problem::error("no-break spaces, which YAML does not take for indentation")
        .at(place.clone())
        .about(Part::Characters(length))
        .hint("write spaces in their place")
}

#[cfg(test)]
mod tests {
    use crate::load::testing::problems_of;

    #[test]
    fn marks_of_a_merge_are_told_as_such() {
        let text =
            "services:\n  web:\n<<<<<<< HEAD\n    image: a\n=======\n    image: b\n>>>>>>> other\n";
        let told = problems_of(text);
        assert!(
            told.starts_with("compose.yaml:3:1: a merge was not finished"),
            "{told}"
        );
        // What looks like one side alone is no conflict.
        let told = problems_of("services:\n  web:\n<<<<<<< HEAD\n    image: a\n");
        assert!(told.contains("this is not YAML"), "{told}");
    }

    #[test]
    fn no_break_spaces_are_told_where_they_stand() {
        for (text, place) in [
            (
                "services:\n  web:\n    image: a\n\u{a0}\u{a0}\u{a0}\u{a0}tty: true\n",
                "4:1",
            ),
            (
                "services:\n  web:\n    image: a\n  \u{a0}\u{a0}tty: true\n",
                "4:3",
            ),
            (
                "services:\n  web:\n    image: a\n   \u{a0}tty: true\n",
                "4:4",
            ),
            (
                "services:\n  web:\n    image: a\n    \u{a0}tty: true\n",
                "4:5",
            ),
            (
                "services:\n  web:\n    image: a\n    x: [a\n\u{a0}b: c\n",
                "5:1",
            ),
        ] {
            let told = problems_of(text);
            let wanted = format!("compose.yaml:{place}: no-break spaces");
            assert!(told.contains(&wanted), "{text:?}: {told}");
        }
    }
}
