//! From what was found to a verdict and an exit code, one place for each.

use msvc_mesh::receipt::Receipt;
use msvc_report::case::{Case, Evidence, Verdict};
use msvc_report::exit::Exit;
use msvc_system::problem::Place;
use std::time::Duration;

use crate::faults::ArmError;
use crate::order::shown;
use crate::recovery::{Recovery, StayedDown};

/// Connections of a receipt that evidence names.
const NAMED: usize = 5;

/// Something that decides a run. A run may come to several.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// The steady state was not met before anything was broken, so nothing was.
    UnhealthyBefore(String),
    /// The steady state was not met while the fault was in place: a weakness.
    Weakness(Case),
    /// Whether it was met cannot be told.
    Untold(String),
    /// The fault touched nothing.
    NotFelt(String),
    /// The fault ended by itself while it was needed.
    EndedBefore(String),
    /// What was to end the hold never came.
    NeverReleased(String),
    /// The killed service did not come back.
    StaysDown(String),
    /// The fault could not be put in place.
    NotArmed(ArmError),
    /// The command could not be run.
    NoCommand(String),
    /// The command that ran meanwhile did not end well.
    CommandFailed(String),
    /// The fault, or a rollback, could not be undone.
    NotUndone(String),
    /// The user ended it.
    Interrupted,
}

impl Finding {
    /// The code that this alone ends with. `in_file` tells where the names come from: what a file
    /// names and the system lacks is the file's fault.
    #[must_use]
    pub fn exit(&self, in_file: bool) -> Exit {
        match self {
            Self::UnhealthyBefore(_)
            | Self::Untold(_)
            | Self::NotFelt(_)
            | Self::EndedBefore(_)
            | Self::NeverReleased(_) => Exit::Inconclusive,
            Self::Weakness(_) | Self::StaysDown(_) | Self::CommandFailed(_) => Exit::Failed,
            Self::NotArmed(error) => match error.exit() {
                Exit::Usage if in_file => Exit::Input,
                other => other,
            },
            Self::NoCommand(_) => Exit::CouldNot,
            Self::NotUndone(_) => Exit::NotUndone,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    /// What it says, a piece of evidence each.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence> {
        let said = match self {
            Self::UnhealthyBefore(why) => {
                format!("the steady state was not met before, so nothing was broken: {why}")
            }
            Self::Weakness(case) => {
                let mut all = vec![Evidence::said(format!(
                    "a weakness: {} did not hold while the fault was in place",
                    case.title
                ))];
                all.extend(case.evidence.iter().cloned());
                return all;
            }
            Self::Untold(why) => format!("whether it held cannot be told: {why}"),
            Self::NotFelt(why)
            | Self::EndedBefore(why)
            | Self::NeverReleased(why)
            | Self::StaysDown(why)
            | Self::NoCommand(why)
            | Self::CommandFailed(why)
            | Self::NotUndone(why) => why.clone(),
            Self::NotArmed(error) => format!("the fault could not be put in place: {error}"),
            Self::Interrupted => "interrupted; the fault was lifted".to_owned(),
        };
        vec![Evidence::said(said)]
    }
}

/// The verdict that goes with a code.
#[must_use]
pub const fn verdict(exit: Exit) -> Verdict {
    match exit {
        Exit::Held => Verdict::Held,
        Exit::Failed | Exit::Usage | Exit::Input | Exit::NotUndone => Verdict::Failed,
        Exit::CouldNot | Exit::Inconclusive | Exit::Interrupted => Verdict::Inconclusive,
    }
}

/// The code over all findings; none at all holds.
#[must_use]
pub fn exit(findings: &[Finding], in_file: bool) -> Exit {
    findings
        .iter()
        .map(|finding| finding.exit(in_file))
        .fold(Exit::Held, Exit::and)
}

/// What the times of a kill say: against the service, when it did not come back within `limit`;
/// against the run, when nobody felt that it was gone. Who `interrupted` it gave nobody the time to.
#[must_use]
pub fn of_kill(recovery: &Recovery, limit: Duration, interrupted: bool) -> Vec<Finding> {
    let service = &recovery.service;
    let mut findings = Vec::new();
    match recovery.stayed_down {
        None => {}
        Some(StayedDown::Policy) => findings.push(Finding::StaysDown(format!(
            "{service} stays down: its restart policy is `no`; `msvc up` brings it back"
        ))),
        Some(StayedDown::NotInTime) => findings.push(Finding::StaysDown(format!(
            "{service} was not healthy again within {}",
            shown(limit)
        ))),
    }
    if recovery.detected.is_none() && !interrupted {
        findings.push(Finding::NotFelt(format!(
            "nobody felt that {service} was gone, so nothing is shown: something has to call it \
             meanwhile"
        )));
    }
    findings
}

/// Puts findings into a case: verdict, code, evidence, with `place` where they have none.
pub fn conclude(case: &mut Case, findings: &[Finding], place: Option<&Place>) {
    let exit = exit(findings, place.is_some());
    case.exit = exit;
    case.verdict = verdict(exit);
    let found = findings.iter().flat_map(Finding::evidence);
    // What decides stands first; what was merely seen comes after it.
    let seen = std::mem::take(&mut case.evidence);
    case.evidence = found
        .map(|evidence| Evidence {
            place: evidence.place.or_else(|| place.cloned()),
            ..evidence
        })
        .chain(seen)
        .collect();
}

/// What a receipt shows: how much was touched, and which connections first.
#[must_use]
pub fn felt(receipt: &Receipt) -> Evidence {
    let mut named: Vec<String> = Vec::new();
    let mut longest = 0;
    for touch in &receipt.touches {
        longest = longest.max(touch.held_ns);
        let connection = &touch.connection;
        let name = format!(
            "{}/{}/{}/0",
            connection.mesh,
            connection.edge.url_form(),
            connection.connection
        );
        if named.len() < NAMED && !named.contains(&name) {
            named.push(name);
        }
    }
    Evidence {
        what: format!(
            "felt by {} on {}: {}, held back for up to {} ms",
            count(receipt.connections, "connection"),
            receipt.edges.join(", "),
            count(receipt.bytes, "byte"),
            longest / 1_000_000
        ),
        place: None,
        exchanges: named,
    }
}

/// A number with its word.
#[must_use]
pub fn count(number: u64, word: &str) -> String {
    if number == 1 {
        format!("1 {word}")
    } else {
        format!("{number} {word}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_ends_with_its_documented_code() {
        let text = || "why".to_owned();
        let no_edge = ArmError::NoEdge {
            edge: "a->b".to_owned(),
            near: Vec::new(),
        };
        let table = [
            (Finding::UnhealthyBefore(text()), 5),
            (Finding::Weakness(Case::new("x", "x", Verdict::Failed)), 1),
            (Finding::Untold(text()), 5),
            (Finding::NotFelt(text()), 5),
            (Finding::EndedBefore(text()), 5),
            (Finding::NeverReleased(text()), 5),
            (Finding::StaysDown(text()), 1),
            (Finding::NotArmed(no_edge.clone()), 2),
            (Finding::NotArmed(ArmError::Refused(text())), 3),
            (Finding::NoCommand(text()), 3),
            (Finding::CommandFailed(text()), 1),
            (Finding::NotUndone(text()), 6),
            (Finding::Interrupted, 130),
        ];
        for (finding, code) in table {
            assert_eq!(finding.exit(false).code(), code, "{finding:?}");
            assert!(!finding.evidence().is_empty());
        }
        assert_eq!(Finding::NotArmed(no_edge).exit(true).code(), 4);
        assert_eq!(exit(&[], true), Exit::Held);
    }

    #[test]
    fn of_several_findings_the_weightiest_decides() {
        let weak = Finding::Weakness(Case::new("x", "x", Verdict::Failed));
        let open = Finding::NotFelt(String::new());
        let stuck = Finding::NotUndone(String::new());
        assert_eq!(exit(&[open.clone(), weak.clone()], true), Exit::Failed);
        assert_eq!(exit(&[weak, stuck, open], true), Exit::NotUndone);
    }
}
