//! JSON: the report as one document, an event as one line, an early end as one document.

use msvc_system::problem::{Place, Problem, Severity};
use serde::Serialize;

use crate::event::Stamped;
use crate::report::Report;

/// What [`Failed`] says it is; its schema stands in `docs/reference/error.schema.json`.
pub const ERROR_SCHEMA: &str = "msvc.error/1";
/// Characters of a line that is told with its problem: a longer one is no reading for people.
const LONGEST_LINE: usize = 1000;

/// The report as one indented JSON document, ending in a newline.
#[must_use]
pub fn report(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}

/// An event as one line of JSON, without a newline.
#[must_use]
pub fn event(event: &Stamped) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

/// A command that ended early.
#[derive(Debug, Serialize)]
pub struct Failed<'a> {
    schema: &'static str,
    exit: u8,
    problems: Vec<Told<'a>>,
    lines: &'a [String],
}

/// A problem, and the line of the file that it is about.
#[derive(Debug, Serialize)]
struct Told<'a> {
    severity: Severity,
    place: Option<&'a Place>,
    what: &'a str,
    hint: Option<&'a str>,
    source: Option<String>,
}

impl<'a> Failed<'a> {
    /// That it ended with the code `exit` because of `problems`, each with its line where there is
    /// one; `lines` are worth seeing beside them.
    #[must_use]
    pub fn new(
        exit: u8,
        problems: impl IntoIterator<Item = (&'a Problem, Option<String>)>,
        lines: &'a [String],
    ) -> Self {
        let short = |line: &String| line.chars().nth(LONGEST_LINE).is_none();
        let told = |(problem, source): (&'a Problem, Option<String>)| Told {
            severity: problem.severity,
            place: problem.place.as_ref(),
            what: &problem.what,
            hint: problem.hint.as_deref(),
            source: source.filter(short),
        };
        Self {
            schema: ERROR_SCHEMA,
            exit,
            problems: problems.into_iter().map(told).collect(),
            lines,
        }
    }
}
