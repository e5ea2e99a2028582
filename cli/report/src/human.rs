//! Text for people: fits 80 columns, says the important thing last, and needs no colour.

use crate::case::{Case, Verdict};
use crate::report::Report;

/// The widest line the renderers aim for.
pub const COLUMNS: usize = 80;
/// Where titles and evidence begin: behind the mark.
const INDENT: usize = 10;

/// The mark in front of a case. A word, so that nothing hangs on colour.
#[must_use]
pub const fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held  ",
        Verdict::Failed => "FAILED",
        Verdict::Inconclusive => "?     ",
    }
}

/// One case: its line, and below it the evidence where it did not hold.
#[must_use]
pub fn case(case: &Case) -> String {
    if let Some(standing) = &case.standing {
        return standing_case(case, standing);
    }
    let time = format!("{:.2}s", case.seconds);
    // The title keeps clear of the time, which stands at the end of the first line.
    let mut lines = wrap(&case.title, COLUMNS - INDENT - time.len() - 2).into_iter();
    let first = lines.next().unwrap_or_default();
    let head = format!("  {}  {first}", mark(case.verdict));
    let gap = COLUMNS.saturating_sub(head.chars().count() + time.len());
    let mut text = format!("{head}{}{time}\n", " ".repeat(gap.max(2)));
    let indent = " ".repeat(INDENT);
    for line in lines {
        text.push_str(&format!("{indent}{line}\n"));
    }
    if case.verdict != Verdict::Held {
        for evidence in &case.evidence {
            let place = evidence
                .place
                .as_ref()
                .map(|p| format!("{p}: "))
                .unwrap_or_default();
            for line in wrap(
                &plain(&format!("{place}{}", evidence.what)),
                COLUMNS - INDENT,
            ) {
                text.push_str(&format!("{indent}{line}\n"));
            }
        }
        if let Some(repeat) = &case.repeat {
            text.push_str(&format!("{indent}again: {repeat}\n"));
        }
    }
    text
}

/// A case that has a word of its own: always with its evidence, and what to do next.
fn standing_case(case: &Case, standing: &str) -> String {
    let colon = if case.title.ends_with('?') { "" } else { ":" };
    let mut text = format!("{}{colon} {standing}\n", case.title);
    let mut item = |mark: &str, what: &str| {
        let broken = wrap(&plain(what), COLUMNS - 4);
        for (number, line) in broken.iter().enumerate() {
            let mark = if number == 0 { mark } else { " " };
            text.push_str(&format!("  {mark} {line}\n"));
        }
    };
    for evidence in &case.evidence {
        match &evidence.place {
            Some(place) => item(
                "-",
                &format!("{}:{}: {}", place.file.display(), place.line, evidence.what),
            ),
            None => item("-", &evidence.what),
        }
    }
    if let Some(next) = &case.next {
        item(">", next);
    }
    text.push('\n');
    text
}

/// What comes from elsewhere, without signs that a terminal obeys.
#[must_use]
pub fn plain(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => '?',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// The whole report, the verdict last.
#[must_use]
pub fn report(report: &Report) -> String {
    let mut text: String = report.cases.iter().map(case).collect();
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&summary(report));
    text.push('\n');
    text
}

/// The closing line: how many held, and the verdict.
#[must_use]
pub fn summary(report: &Report) -> String {
    let held = report.count(Verdict::Held);
    let failed = report.count(Verdict::Failed);
    let open = report.count(Verdict::Inconclusive);
    let mut parts = vec![format!("{held} held")];
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if open > 0 {
        parts.push(format!("{open} inconclusive"));
    }
    format!(
        "{} {}: {} ({}, {:.1}s)",
        report.command,
        report.system,
        report.verdict.word(),
        parts.join(", "),
        report.seconds
    )
}

/// Breaks at spaces so that no line exceeds `width` characters, where a word allows it; keeps the
/// text's own line breaks.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_words_are_never_cut() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("aaaaaaaa b", 3), ["aaaaaaaa", "b"]);
        assert_eq!(wrap("a\nb", 9), ["a", "b"]);
    }

    #[test]
    fn signs_that_a_terminal_obeys_are_not_shown() {
        let mut case = Case::new("x", "x", Verdict::Failed);
        case.evidence = vec![crate::case::Evidence::said("gate\u{1b}[31m\u{2}way\r\nb")];
        let text = super::case(&case);
        assert!(
            text.contains("gate?[31m?way") && text.contains("\n          b\n"),
            "{text:?}"
        );
        case.standing = Some("ready".to_owned());
        assert!(super::case(&case).contains("gate?[31m?way"));
    }

    #[test]
    fn a_long_title_is_broken_and_the_time_stands_at_the_end_of_the_first_line() {
        let title = "checkout: Twelve lamps are in stock, a customer orders two with a good card.";
        let text = case(&Case::new("x", title, Verdict::Held));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0].ends_with("0.00s") && lines[0].chars().count() == COLUMNS,
            "{text}"
        );
        assert!(lines[1].starts_with("          ") && lines[1].chars().count() <= COLUMNS);
    }

    #[test]
    fn a_case_that_held_is_one_line_of_at_most_eighty_columns() {
        let text = case(&Case::new("x", "checkout holds", Verdict::Held).because("unseen"));
        assert_eq!(text.lines().count(), 1);
        assert!(text.trim_end().chars().count() <= COLUMNS, "{text}");
    }
}
