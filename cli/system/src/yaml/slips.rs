//! What slips into a file and is no YAML, or another than it looks: the marks of a merge that was not
//! finished, and no-break spaces as indentation or behind a colon or dash.

use super::{Key, Node, NodeValue};
use crate::problem::no_break::{TOLD, is_odd};
use crate::problem::{Part, Place, Problem};

/// What marks the two sides of a conflict, and what stands between them.
const MARKS: [&str; 3] = ["<<<<<<<", "=======", ">>>>>>>"];

/// The problem that such a thing made, where a parser stopped at `place`.
pub(super) fn blamed(place: &Place, text: &str) -> Option<Problem> {
    let no_break = || indentation(place, text).or_else(|| after_a_sign(place, text));
    conflict(place, text)
        .or_else(|| left_over(place, text))
        .or_else(no_break)
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

/// One of the marks alone, where the parser stopped: the others were taken away.
fn left_over(place: &Place, text: &str) -> Option<Problem> {
    let line = usize::try_from(place.line).ok()?;
    let lines = text.lines().zip(1_u32..).skip(line.saturating_sub(2));
    let mark_of = |line: &str| MARKS.into_iter().find(|mark| is_mark(line, mark));
    let mut marks = lines
        .take(3)
        .filter_map(|(text, line)| Some((mark_of(text)?, line)));
    let (mark, line) = marks.next()?;
    let problem = Problem::error(format!("`{mark}` is left of a merge")).at(Place {
        file: place.file.clone(),
        line,
        column: 1,
    });
    let problem = problem.about(Part::Characters(mark.len()));
    Some(problem.hint("take this line away, and what of the two sides is not to stay"))
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

/// No-break spaces behind a colon or dash, in the line where the parser stopped or just before it.
fn after_a_sign(place: &Place, text: &str) -> Option<Problem> {
    let line = usize::try_from(place.line).ok()?;
    let lines = text.lines().zip(1_u32..).skip(line.saturating_sub(2));
    let mut wrong = lines.take(2).filter_map(|(text, line)| {
        let indentation = text.len() - text.trim_start().len();
        let (at, length) = odd_after_sign(text.trim_start())?;
        let column = u32::try_from(indentation + at + 1).ok()?;
        let file = place.file.clone();
        Some((Place { file, line, column }, length))
    });
    let (place, length) = wrong.next()?;
    Some(told_after_sign(&place, length))
}

/// The problem that a text without quotes is one only because no-break spaces stand behind its colon or dash.
pub(crate) fn no_break_in(node: &Node) -> Option<Problem> {
    let NodeValue::String(text) = &node.value else {
        return None;
    };
    let (at, length) = odd_after_sign(text).filter(|_| node.plain && node.replaced.is_none())?;
    let place = Place {
        column: node.place.column.saturating_add(u32::try_from(at).ok()?),
        ..node.place.clone()
    };
    Some(told_after_sign(&place, length))
}

/// Where no-break spaces stand behind the colon of a first word, or behind a dash that begins a text, and
/// how many.
fn odd_after_sign(text: &str) -> Option<(usize, usize)> {
    let signs: Vec<char> = text.chars().collect();
    let at = signs.iter().position(|sign| is_odd(*sign))?;
    let before = signs.get(..at)?;
    let is_key = matches!(before, [word @ .., ':'] if !word.is_empty()
        && !word.iter().any(|sign| sign.is_whitespace() || matches!(sign, '#' | '"' | '\'')));
    let length = signs.iter().skip(at).take_while(|sign| is_odd(**sign));
    (is_key || before == ['-']).then(|| (at, length.count()))
}

/// The problem that a key begins with no-break spaces, which nobody sees.
pub(crate) fn no_break(key: &Key) -> Option<Problem> {
    let length = key.text.chars().take_while(|c| is_odd(*c)).count();
    (length > 0).then(|| told(&key.place, length))
}

fn told_after_sign(place: &Place, length: usize) -> Problem {
    Problem::error(format!("{TOLD}the space behind a `:` or `-`"))
        .at(place.clone())
        .about(Part::Characters(length))
        .hint("write a space in their place")
}

fn told(place: &Place, length: usize) -> Problem {
    Problem::error(format!("{TOLD}indentation"))
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
        for (mark, text) in [
            ("<<<<<<<", "services:\n  web:\n<<<<<<< HEAD\n    image: a\n"),
            ("=======", "services:\n  web:\n=======\n    image: a\n"),
            (
                ">>>>>>>",
                "services:\n  web:\n    image: a\n>>>>>>> other\n",
            ),
        ] {
            let told = problems_of(text);
            let wanted = format!("`{mark}` is left of a merge");
            assert!(told.contains(&wanted), "{told}");
            assert_eq!(told.lines().count(), 1, "{told}");
        }
        // A longer row of signs is no mark.
        let told = problems_of("services:\n  web:\n========\n    image: a\n");
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

    #[test]
    fn no_break_spaces_behind_a_sign_are_told_and_nothing_beside_them() {
        for (service, wanted) in [
            (
                "    image:\u{a0}x\n",
                ":3:11: no-break spaces, which YAML does not take for the space behind",
            ),
            (
                "    image: x\n    ports:\n      -\u{a0}\u{a0}80\n",
                ":5:8: no-break spaces, which YAML does not take for the space behind",
            ),
            (
                "    image: x\n    command:\u{a0}y\n    tty: true\n",
                ":4:13: no-break spaces, which YAML does not take for the space behind",
            ),
            (
                "    image: x\n    ports:\n      - \u{a0}80\n",
                "(take the no-break space away that it begins with)",
            ),
            (
                "    image: x\n    tty: \u{a0}true\n",
                "(take the no-break space away that it begins with)",
            ),
            (
                "\u{a0}\u{a0}image: x\n\u{a0}\u{a0}tty: true\n",
                ":3:1: no-break spaces, which YAML does not take for indentation",
            ),
            (
                "    image: x\n    environment:\n\u{a0}A: x\n\u{a0}B: x\n",
                ":5:1: no-break spaces, which YAML does not take for indentation",
            ),
        ] {
            let told = problems_of(&format!("services:\n  a:\n{service}"));
            assert!(told.contains(wanted), "{service}: {told}");
            assert_eq!(told.lines().count(), 1, "{service}: {told}");
        }
        // A text with them in it is none of these.
        let told = problems_of("services:\n  a:\n    image: x\n    ports: 'a:\u{a0}b'\n");
        assert!(told.contains("must be a list, not text"), "{told}");
    }
}
