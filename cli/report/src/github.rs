//! What GitHub Actions shows: annotations beside the lines they are about, and a summary of the
//! job in Markdown.

use std::path::Path;

use msvc_system::problem::{Problem, Severity};
use serde_json::Value;

use crate::case::{Case, Verdict};
use crate::report::Report;

/// One annotation for each case that did not hold, as workflow commands.
#[must_use]
pub fn annotations(report: &Report) -> Vec<String> {
    let open = report
        .cases
        .iter()
        .filter(|case| case.verdict != Verdict::Held);
    open.map(|case| {
        let level = match case.verdict {
            _ if !case.counts() => "notice",
            Verdict::Failed => "error",
            Verdict::Inconclusive | Verdict::Held => "warning",
        };
        let place = case.evidence.iter().find_map(|it| it.place.as_ref());
        let place = place.map(|it| (&*it.file, it.line, it.column));
        let said: Vec<&str> = case.evidence.iter().map(|it| it.what.as_str()).collect();
        command(level, place, &case.title, &said.join("\n"))
    })
    .collect()
}

/// The annotation of a problem of an input file.
#[must_use]
pub fn problem(problem: &Problem) -> String {
    let level = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = problem.place.as_ref();
    let place = place.map(|it| (&*it.file, it.line, it.column));
    let hint = problem.hint.iter().map(|hint| format!("\nhint: {hint}"));
    let said: String = std::iter::once(problem.what.clone()).chain(hint).collect();
    command(level, place, "msvc", &said)
}

fn command(level: &str, place: Option<(&Path, u32, u32)>, title: &str, said: &str) -> String {
    let mut properties = Vec::new();
    if let Some((file, line, column)) = place {
        properties.push(format!("file={}", property(&file.display().to_string())));
        properties.push(format!("line={line}"));
        properties.push(format!("col={column}"));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{level} {}::{}", properties.join(","), data(said))
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The summary of the job.
#[must_use]
pub fn summary(report: &Report) -> String {
    let mut text = format!(
        "### `msvc {}` on {}: {}{}\n\n",
        report.command,
        report.system,
        report.verdict.word(),
        match report.exit == 0 && report.verdict != Verdict::Held {
            true => " (not to count against the job)",
            false => "",
        }
    );
    text.push_str("| | case | seconds |\n|---|---|---|\n");
    for case in &report.cases {
        let word = case.standing.as_deref().unwrap_or(case.verdict.word());
        text.push_str(&format!(
            "| {word} | {} | {:.2} |\n",
            cell(&case.title),
            case.seconds
        ));
    }
    for case in report
        .cases
        .iter()
        .filter(|case| case.verdict != Verdict::Held || case.next.is_some())
    {
        text.push_str(&details(case));
    }
    let first = report.detail.get("first").and_then(Value::as_str);
    if let Some(first) = first {
        text.push_str(&format!("\n**Do this first:** {}\n", cell(first)));
    }
    text
}

fn details(case: &Case) -> String {
    let mut text = format!("\n**{}**\n\n", cell(&case.title));
    for evidence in &case.evidence {
        let place = evidence
            .place
            .as_ref()
            .map(|it| format!("`{it}`: "))
            .unwrap_or_default();
        text.push_str(&format!("- {place}{}\n", cell(&evidence.what)));
    }
    if let Some(next) = &case.next {
        text.push_str(&format!("\nNext: {}\n", cell(next)));
    }
    if let Some(again) = &case.repeat {
        text.push_str(&format!("\n```sh\n{again}\n```\n"));
    }
    text
}

/// Text within a table or a list: on one line, its own signs not taken for Markdown's.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '<' | '>' | '`' | '*' | '_' | '[' | ']' | '\\' => cell.extend(['\\', c]),
            '\n' => cell.push(' '),
            c => cell.push(c),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use msvc_system::problem::Place;

    use super::*;
    use crate::case::Evidence;

    fn failed() -> Report {
        let mut case = Case::new("contract/a", "a: b, c", Verdict::Failed);
        let place = Place {
            file: "pacts/a.json".into(),
            line: 3,
            column: 7,
        };
        case.evidence = vec![Evidence::said("50 % | no\n::error::x").at(place)];
        Report::over("contract verify", "shop", "r", "", vec![case])
    }

    #[test]
    fn an_annotation_stands_at_its_line_and_cannot_be_broken_out_of() {
        assert_eq!(
            annotations(&failed()),
            ["::error file=pacts/a.json,line=3,col=7,title=a%3A b%2C c::50 %25 | no%0A::error::x"]
        );
    }

    #[test]
    fn the_summary_has_what_to_do_next_and_first() {
        let case = |verdict, next: &str| {
            let mut case = Case::new("ready/a", "a?", verdict).because("seen");
            case.standing = Some("so".to_owned());
            case.next = Some(next.to_owned());
            case
        };
        let cases = vec![
            case(Verdict::Held, "keep `it`"),
            case(Verdict::Failed, "mend it"),
        ];
        let mut report = Report::over("ready", "shop", "r", "", cases);
        report.detail.insert("first".to_owned(), "mend it".into());
        let text = summary(&report);
        assert!(
            text.contains("**a?**\n\n- seen\n\nNext: keep \\`it\\`\n"),
            "{text}"
        );
        assert!(text.contains("Next: mend it\n"), "{text}");
        assert!(text.ends_with("**Do this first:** mend it\n"), "{text}");
    }

    #[test]
    fn the_summary_is_a_table_with_the_evidence_of_what_did_not_hold() {
        let text = summary(&failed());
        assert!(
            text.starts_with("### `msvc contract verify` on shop: failed\n"),
            "{text}"
        );
        assert!(text.contains("| failed | a: b, c | 0.00 |"), "{text}");
        assert!(
            text.contains("- `pacts/a.json:3:7`: 50 % \\| no ::error::x"),
            "{text}"
        );
    }
}
