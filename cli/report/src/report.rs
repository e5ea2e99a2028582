//! All cases of a run: the one value that every report file and the closing lines come from.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::case::{Case, Verdict};
use crate::exit::Exit;

/// The schema name that every report begins with.
pub const SCHEMA: &str = "msvc.report/1";

/// What a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The command, for example `demo` or `contract verify`.
    pub command: String,
    /// The system's name.
    pub system: String,
    /// The run's id.
    pub run: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The verdict over all cases.
    pub verdict: Verdict,
    /// The code the command ends with.
    pub exit: u8,
    /// The cases, in the order they ran.
    pub cases: Vec<Case>,
    /// What the command adds: typed per command, under a name of its own.
    pub detail: Map<String, Value>,
}

impl Report {
    /// A report over `cases`; none at all is inconclusive, never a pass.
    #[must_use]
    pub fn over(command: &str, system: &str, run: &str, started: &str, cases: Vec<Case>) -> Self {
        let exit = cases
            .iter()
            .map(|case| case.exit)
            .reduce(Exit::and)
            .unwrap_or(Exit::Inconclusive);
        Self {
            schema: SCHEMA.to_owned(),
            command: command.to_owned(),
            system: system.to_owned(),
            run: run.to_owned(),
            started: started.to_owned(),
            seconds: 0.0,
            verdict: match exit {
                Exit::Held => Verdict::Held,
                Exit::Failed | Exit::NotUndone => Verdict::Failed,
                // Nothing could be told of what was to be tested.
                Exit::Inconclusive
                | Exit::Interrupted
                | Exit::CouldNot
                | Exit::Usage
                | Exit::Input => Verdict::Inconclusive,
            },
            exit: exit.code(),
            cases,
            detail: Map::new(),
        }
    }

    /// How many cases came out so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cases
            .iter()
            .filter(|case| case.verdict == verdict)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_without_cases_is_inconclusive_and_never_a_pass() {
        let report = Report::over("demo", "shop", "r", "", Vec::new());
        assert_eq!((report.verdict, report.exit), (Verdict::Inconclusive, 5));
    }

    #[test]
    fn one_failed_case_decides() {
        let cases = vec![
            Case::new("a", "a", Verdict::Held),
            Case::new("b", "b", Verdict::Failed),
            Case::new("c", "c", Verdict::Inconclusive),
        ];
        let report = Report::over("demo", "shop", "r", "", cases);
        assert_eq!((report.verdict, report.exit), (Verdict::Failed, 1));
    }
}
