//! The question before the list: should this be split at all? Splitting buys independent change
//! and costs operation; small teams and unclear domains pay and get nothing.
//!
//! Sources: Martin Fowler, "MonolithFirst" and "MicroservicePrerequisites" (martinfowler.com/bliki)
//! for the unclear domain and for delivery and monitoring as conditions; the figure of ten to
//! fifteen engineers is a rule of thumb, not a measurement.

use std::collections::BTreeSet;

use crate::finding::{Finding, Standing};
use crate::history::is_bot;
use crate::repository::Repository;

/// Below so many engineers the cost of splitting is not earned back.
pub const FEW: usize = 10;
/// From so many on it usually is.
pub const MANY: usize = 15;
/// The last year, in seconds.
const YEAR: i64 = 365 * 24 * 3600;

/// Asks it, in the light of what the checks found.
#[must_use]
pub fn check(repository: &Repository, findings: &[Finding]) -> Finding {
    let mut finding = Finding::new("should-you", "Should you split at all?");
    let commits = &repository.history.commits;
    let newest = commits
        .iter()
        .map(|commit| commit.at)
        .max()
        .unwrap_or(repository.now);
    let people: BTreeSet<&str> = commits
        .iter()
        .filter(|commit| !is_bot(commit) && commit.at > newest - YEAR)
        .map(|commit| commit.email.as_str())
        .collect();
    finding.figure("engineers_last_year", people.len());
    let mut against = Vec::new();
    let is_partial = repository.history.shallow || repository.history.without_files;
    if commits.is_empty() {
        finding.saw(match is_partial {
            true => "this clone does not tell who works on it",
            false => "the repository has no commits: how many work on it cannot be told",
        });
    } else {
        finding.saw(format!(
            "{} author{} in the last year of {}history",
            people.len(),
            if people.len() == 1 { "" } else { "s" },
            if repository.history.shallow {
                "this shallow clone's "
            } else {
                ""
            }
        ));
        // A part of the history says how many there are at least.
        if people.len() < FEW && !repository.history.shallow {
            against.push(format!(
                "fewer than about {FEW} to {MANY} engineers work on it (a rule of thumb)"
            ));
        }
    }
    let stands = |check: &str| {
        findings
            .iter()
            .find(|f| f.check == check)
            .map(|f| f.standing)
    };
    if stands("bounded-contexts") == Some(Standing::NotReady) {
        against
            .push("the domain's boundaries are not clear yet (Fowler, MonolithFirst)".to_owned());
    }
    if stands("independent-delivery") == Some(Standing::NotReady) {
        against
            .push("nothing delivers it by itself (Fowler, MicroservicePrerequisites)".to_owned());
    }
    if stands("observability") == Some(Standing::NotReady) {
        against.push(
            "nobody would see where a request failed (Fowler, MicroservicePrerequisites)"
                .to_owned(),
        );
    }
    let is_unknown = repository.history.shallow && people.len() < FEW;
    if against.is_empty() && (commits.is_empty() || is_unknown) {
        return finding.stands(
            Standing::Inconclusive,
            "ask how many people wait for each other's releases",
        );
    }
    if against.is_empty() {
        return finding.stands(
            Standing::Ready,
            "nothing in the repository speaks against it; whether it pays is for you to say",
        );
    }
    for reason in against {
        finding.saw(format!("against it: {reason}"));
    }
    finding.stands(
        Standing::NotReady,
        "not now: keep one deployable, with clear modules inside; what follows prepares a later split",
    )
}
