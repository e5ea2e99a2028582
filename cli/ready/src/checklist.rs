//! All checks, what they come to, and what the team should do first.

use std::fmt;
use std::str::FromStr;

use msvc_report::case::Case;
use msvc_report::exit::Exit;
use msvc_report::report::Report;
use serde_json::json;

use crate::absent;
use crate::check::{
    api_gateway, bounded_contexts, independent_delivery, message_broker, observability,
    operational_overhead, should_you, team_alignment,
};
use crate::finding::{Finding, Standing};
use crate::repository::Repository;

/// The names of the seven checks, in their order.
pub const CHECKS: [&str; 7] = [
    "bounded-contexts",
    "independent-delivery",
    "observability",
    "api-gateway",
    "message-broker",
    "team-alignment",
    "operational-overhead",
];

/// What was found: the question before the list, and the list.
#[derive(Debug, Clone)]
pub struct Checklist {
    /// Should you split at all?
    pub should_you: Finding,
    /// The seven checks, in the order of [`CHECKS`].
    pub findings: Vec<Finding>,
}

/// What makes the command end with another code than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// A check that is not ready.
    NotReady,
    /// One that is not ready, or inconclusive.
    Inconclusive,
    /// Nothing.
    Never,
}

/// One rule of `--fail-on`, for one check or for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What fails.
    pub fail_on: FailOn,
    /// Of which check; of all that no other rule names, when not given.
    pub check: Option<String>,
}

/// A rule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It begins with none of the three words.
    #[error("`{0}` is none of not-ready, inconclusive, never (with `:CHECK` for one check only)")]
    Word(String),
    /// There is no such check.
    #[error("there is no check `{0}`; there are {checks}", checks = CHECKS.join(", "))]
    Check(String),
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let (word, check) = match text.split_once(':') {
            Some((word, check)) => (word, Some(check)),
            None => (text, None),
        };
        let fail_on = match word {
            "not-ready" => FailOn::NotReady,
            "inconclusive" => FailOn::Inconclusive,
            "never" => FailOn::Never,
            _ => return Err(RuleError::Word(text.to_owned())),
        };
        if let Some(check) = check.filter(|check| !CHECKS.contains(check)) {
            return Err(RuleError::Check(check.to_owned()));
        }
        Ok(Self {
            fail_on,
            check: check.map(str::to_owned),
        })
    }
}

impl Checklist {
    /// Runs every check.
    #[must_use]
    pub fn of(repository: &Repository) -> Self {
        let findings = vec![
            bounded_contexts::check(repository),
            independent_delivery::check(repository),
            observability::check(repository),
            api_gateway::check(repository),
            message_broker::check(repository),
            team_alignment::check(repository),
            operational_overhead::check(repository),
        ];
        let findings = findings.into_iter();
        let findings: Vec<Finding> = findings.map(|it| absent::settled(it, repository)).collect();
        Self {
            should_you: should_you::check(repository, &findings),
            findings,
        }
    }

    /// The code: 1 when a check is not ready, else 5 when one is inconclusive, else 0; or as the
    /// rules say, the last that names a check before those for all.
    #[must_use]
    pub fn exit(&self, rules: &[Rule]) -> Exit {
        let exits = self.findings.iter().map(|finding| exit_of(finding, rules));
        exits.fold(Exit::Held, Exit::and)
    }

    /// What the team should do first: the next step of the first check that is not ready, else of
    /// the first that is partly so, else of one that could not be told.
    #[must_use]
    pub fn first(&self) -> Option<&Finding> {
        [Standing::NotReady, Standing::Partly, Standing::Inconclusive]
            .into_iter()
            .find_map(|standing| self.findings.iter().find(|f| f.standing == standing))
    }

    /// As a report; `rules` as for [`Checklist::exit`].
    #[must_use]
    pub fn report(&self, name: &str, run: &str, rules: &[Rule]) -> Report {
        let mut question = self.should_you.case();
        question.standing = Some(
            match self.should_you.standing {
                Standing::Ready => "nothing speaks against it",
                Standing::Partly | Standing::Inconclusive => "cannot be told",
                Standing::NotReady => "advised against",
            }
            .to_owned(),
        );
        // It advises; the seven decide.
        question.exit = Exit::Held;
        let mut cases = vec![question];
        cases.extend(self.findings.iter().map(|finding| Case {
            exit: exit_of(finding, rules),
            ..finding.case()
        }));
        let mut report = Report::over("ready", name, run, "", cases);
        report.exit = self.exit(rules).code();
        report
            .detail
            .insert("should_you".to_owned(), json!(self.should_you));
        report
            .detail
            .insert("checks".to_owned(), json!(self.findings));
        report
            .detail
            .insert("first".to_owned(), json!(self.first().map(|f| &f.next)));
        report
    }
}

/// The code that a check alone would end with.
fn exit_of(finding: &Finding, rules: &[Rule]) -> Exit {
    let of_it = |rule: &&Rule| rule.check.as_deref() == Some(finding.check);
    let of_all = |rule: &&Rule| rule.check.is_none();
    let last = rules.iter().rev();
    let rule = last
        .clone()
        .find(of_it)
        .or_else(|| last.clone().find(of_all));
    let fail_on = rule.map_or(FailOn::Inconclusive, |rule| rule.fail_on);
    match (finding.standing, fail_on) {
        (Standing::NotReady, FailOn::NotReady | FailOn::Inconclusive) => Exit::Failed,
        (Standing::Inconclusive, FailOn::Inconclusive) => Exit::Inconclusive,
        _ => Exit::Held,
    }
}

impl fmt::Display for Checklist {
    /// The closing lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |standing| {
            self.findings
                .iter()
                .filter(|f| f.standing == standing)
                .count()
        };
        let parts: Vec<String> = [
            Standing::Ready,
            Standing::Partly,
            Standing::NotReady,
            Standing::Inconclusive,
        ]
        .into_iter()
        .map(|standing| (standing.word(), count(standing)))
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
        writeln!(f, "{}", parts.join(", "))?;
        match self.first() {
            Some(finding) => write!(f, "do this first ({}): {}", finding.check, finding.next),
            None => f.write_str("nothing is left to do before the first split"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(standings: [Standing; 7]) -> Checklist {
        let findings = CHECKS.iter().zip(standings);
        Checklist {
            should_you: Finding::new("should-you", "").stands(Standing::NotReady, ""),
            findings: findings
                .map(|(check, standing)| Finding::new(check, "").stands(standing, *check))
                .collect(),
        }
    }

    fn code(list: &Checklist, rules: &[&str]) -> u8 {
        let rules: Vec<Rule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        list.exit(&rules).code()
    }

    #[test]
    fn one_not_ready_is_one_else_inconclusive_is_five_and_rules_replace_it() {
        use Standing::{Inconclusive, NotReady, Partly, Ready};
        let mixed = list([Ready, Partly, NotReady, Inconclusive, Ready, Ready, Ready]);
        assert_eq!(code(&mixed, &[]), 1);
        assert_eq!(code(&mixed, &["never:observability"]), 5);
        assert_eq!(code(&mixed, &["never"]), 0);
        assert_eq!(code(&mixed, &["never", "inconclusive:api-gateway"]), 5);
        let open = list([Ready, Partly, Inconclusive, Ready, Ready, Ready, Ready]);
        assert_eq!(code(&open, &[]), 5);
        assert_eq!(code(&open, &["not-ready"]), 0);
        assert_eq!(code(&list([Partly; 7]), &[]), 0);
    }

    #[test]
    fn the_first_thing_to_do_is_of_the_first_check_that_is_not_ready() {
        use Standing::{NotReady, Partly, Ready};
        let list = list([Partly, Ready, Ready, NotReady, NotReady, Ready, Ready]);
        assert_eq!(list.first().map(|f| f.check), Some("api-gateway"));
        assert!(
            list.to_string()
                .ends_with("do this first (api-gateway): api-gateway")
        );
    }

    #[test]
    fn a_rule_that_names_no_check_or_word_is_refused() {
        assert!("sometimes".parse::<Rule>().is_err());
        let said = "never:gateway".parse::<Rule>().unwrap_err().to_string();
        assert!(said.contains("api-gateway"), "{said}");
    }
}
