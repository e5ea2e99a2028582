//! JUnit's XML, as CI servers read it: one suite per command, one test case per case. What could
//! not be told is an error, what did not hold is a failure; what does not count against the run is
//! skipped, with all that it says.

use crate::case::{Case, Verdict};
use crate::report::Report;

/// The report as one document.
#[must_use]
pub fn report(report: &Report) -> String {
    let count =
        |wanted: &dyn Fn(&Case) -> bool| report.cases.iter().filter(|it| wanted(it)).count();
    let failures = count(&|it| it.counts() && it.verdict == Verdict::Failed);
    let errors = count(&|it| it.counts() && it.verdict == Verdict::Inconclusive);
    let skipped = count(&|it| !it.counts() && it.verdict != Verdict::Held);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    text.push_str(&format!(
        "  <testsuite name={} tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" \
         skipped=\"{skipped}\" time=\"{:.3}\" timestamp={}>\n",
        quoted(&format!("msvc {}", report.command)),
        report.cases.len(),
        report.seconds,
        quoted(&report.started),
    ));
    for case in &report.cases {
        text.push_str(&test_case(report, case));
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

fn test_case(report: &Report, case: &Case) -> String {
    let place = case.evidence.iter().find_map(|it| it.place.as_ref());
    let place = place.map_or_else(String::new, |place| {
        let file = quoted(&place.file.display().to_string());
        format!(" file={file} line=\"{}\"", place.line)
    });
    let mut text = format!(
        "    <testcase classname={} name={} time=\"{:.3}\"{place}",
        quoted(&format!("{}.{}", report.system, group(&case.id))),
        quoted(&case.title),
        case.seconds,
    );
    let (tag, words) = match case.verdict {
        Verdict::Failed | Verdict::Inconclusive if !case.counts() => ("skipped", "does not count"),
        Verdict::Failed => ("failure", "did not hold"),
        Verdict::Inconclusive => ("error", "could not be told"),
        Verdict::Held if case.standing.is_some() => {
            text.push_str(&format!(
                ">\n      <system-out>{}</system-out>\n    </testcase>\n",
                escaped(&said(case))
            ));
            return text;
        }
        Verdict::Held => {
            text.push_str("/>\n");
            return text;
        }
    };
    let first = case.evidence.first().map_or(words, |it| it.what.as_str());
    text.push_str(&format!(
        ">\n      <{tag} message={} type=\"{}\">{}</{tag}>\n    </testcase>\n",
        quoted(first.lines().next().unwrap_or(words)),
        case.verdict.word(),
        escaped(&said(case)),
    ));
    text
}

/// Everything that a case has to say, a line each.
fn said(case: &Case) -> String {
    let evidence = case.evidence.iter().map(|it| match &it.place {
        Some(place) => format!("{place}: {}", it.what),
        None => it.what.clone(),
    });
    let standing = case.standing.iter().cloned();
    let next = case.next.iter().map(|next| format!("next: {next}"));
    let again = case.repeat.iter().map(|again| format!("again: {again}"));
    let lines: Vec<String> = standing.chain(evidence).chain(next).chain(again).collect();
    lines.join("\n")
}

/// `journey` of `journey/checkout`.
fn group(id: &str) -> &str {
    id.split('/').next().unwrap_or(id)
}

fn quoted(text: &str) -> String {
    let text = escaped(text).replace('"', "&quot;").replace('\n', "&#10;");
    format!("\"{text}\"")
}

/// Text that XML 1.0 allows: its own signs written as entities, control characters left out.
fn escaped(text: &str) -> String {
    let allowed =
        |c: char| matches!(c, '\t' | '\n') || (c >= ' ' && !('\u{fffe}'..='\u{ffff}').contains(&c));
    let text: String = text.chars().filter(|c| allowed(*c)).collect();
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_and_errors_are_told_apart_and_nothing_breaks_out_of_its_quotes() {
        let cases = vec![
            Case::new("journey/a", "a \"good\" one", Verdict::Held),
            Case::new("journey/b", "b", Verdict::Failed).because("1 < 2 & \u{1b}[31mred"),
            Case::new("contract/c", "c", Verdict::Inconclusive),
        ];
        let mut report = Report::over("demo", "shop", "r", "2026-11-21T00:00:00Z", cases);
        report.seconds = 1.5;
        let text = super::report(&report);
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites>
  <testsuite name=\"msvc demo\" tests=\"3\" failures=\"1\" errors=\"1\" skipped=\"0\" time=\"1.500\" timestamp=\"2026-11-21T00:00:00Z\">
    <testcase classname=\"shop.journey\" name=\"a &quot;good&quot; one\" time=\"0.000\"/>
    <testcase classname=\"shop.journey\" name=\"b\" time=\"0.000\">
      <failure message=\"1 &lt; 2 &amp; [31mred\" type=\"failed\">1 &lt; 2 &amp; [31mred</failure>
    </testcase>
    <testcase classname=\"shop.contract\" name=\"c\" time=\"0.000\">
      <error message=\"could not be told\" type=\"inconclusive\"></error>
    </testcase>
  </testsuite>
</testsuites>
"
        );
    }
}
