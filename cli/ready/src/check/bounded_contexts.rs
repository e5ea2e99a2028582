//! Bounded contexts identified and stable: does history respect the boundaries, and does each part
//! keep its tables to itself.
//!
//! The bands of the lift are drawn from 18 public repositories and confirmed by nobody; the figure
//! and its interval stand beside the verdict.

use crate::finding::{Finding, Standing};
use crate::history::{Crossing, STRONG_SHARED, strong_pairs};
use crate::repository::Repository;
use crate::sharing::shared_tables;

/// Up to this lift history respects the boundaries.
const GOOD: f64 = 0.45;
/// Above it, it does not.
const POOR: f64 = 0.70;
/// A pair that changes together in half of all its commits is one part in two folders.
const ONE_PART: f64 = 0.5;
/// Tables and pairs that are named.
const SHOWN: usize = 5;

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new(
        "bounded-contexts",
        "Bounded contexts are identified and stable",
    );
    let contexts = &repository.contexts;
    if contexts.all.is_empty() {
        finding.saw(fewer_than_two(repository));
        return finding.stands(
            Standing::Inconclusive,
            "give each part of the domain a folder of its own, then run this again",
        );
    }
    let names: Vec<&str> = contexts.all.iter().map(|c| c.name.as_str()).collect();
    finding.saw(format!(
        "{} contexts, {}: {}",
        names.len(),
        contexts.known.word(),
        names.join(", ")
    ));
    finding.figure("contexts", names.len());

    let tables = shared_tables(repository, &mut finding);
    let (changes, left_out) = repository.changes();
    finding.figure("usable_commits", changes.len());
    if let Some(why) = repository.too_short(changes.len(), &left_out) {
        finding.saw(why);
        return finding.stands(
            Standing::Inconclusive,
            repository.lengthen("history is too short to tell; look again in a few months"),
        );
    }
    if repository.history.shallow {
        finding.saw("the clone is shallow: what is older than it is not looked at");
    }
    let crossing = Crossing::of(&changes);
    let lift = crossing.lift().unwrap_or_default();
    finding.figure("lift", (lift * 100.0).round() / 100.0);
    let interval = crossing.interval().map_or_else(String::new, |(low, high)| {
        format!(", 95 % interval {low:.2} to {high:.2}")
    });
    finding.saw(format!(
        "{} of {} usable commits touch several contexts: {lift:.2} of what chance would give{interval}",
        crossing.across, crossing.commits
    ));
    let pairs = strong_pairs(&changes);
    finding.figure("strong_pairs", pairs.len());
    for pair in pairs.iter().take(SHOWN) {
        finding.saw(format!(
            "{} and {} change together in {} commits ({:.0} % of their own), the latest {}",
            contexts.name(pair.a),
            contexts.name(pair.b),
            pair.together,
            pair.degree * 100.0,
            pair.commits.join(", ")
        ));
    }
    let welded = pairs.first().filter(|pair| pair.degree >= ONE_PART);
    if let Some(pair) = welded {
        let (a, b) = (contexts.name(pair.a), contexts.name(pair.b));
        return finding.stands(
            Standing::NotReady,
            format!("{a} and {b} change as one: move what changes together into one of them"),
        );
    }
    // Few crossings are noise, whatever their share; so is a lift whose interval reaches lower.
    let crosses = crossing.across >= STRONG_SHARED;
    let surely = crossing.interval().is_some_and(|(low, _)| low > POOR);
    if crosses && surely {
        return finding.stands(
            Standing::NotReady,
            "history does not follow these boundaries: draw them along what changes together",
        );
    }
    if let Some(table) = tables {
        return finding.stands(
            Standing::Partly,
            format!("give the table `{table}` one owner, and let the others ask it"),
        );
    }
    if (crosses && lift > GOOD) || !pairs.is_empty() {
        return finding.stands(
            Standing::Partly,
            "look at the commits above: what keeps crossing wants to be on one side",
        );
    }
    // Commits of one file each cross nothing by construction: boundaries that mean nothing would
    // look the same.
    if crossing.interval().is_none_or(|(_, high)| high >= 1.0) {
        finding.saw("commits are so small that chance alone would cross as rarely");
        return finding.stands(
            Standing::Inconclusive,
            "history cannot tell these boundaries from others; look at what changes together by hand",
        );
    }
    finding.stands(
        Standing::Ready,
        "keep it so: a change that needs two contexts is a reason to talk",
    )
}

/// Why there are no two parts.
fn fewer_than_two(repository: &Repository) -> String {
    let contexts = &repository.contexts;
    let built = repository
        .compose
        .iter()
        .flat_map(|compose| &compose.services);
    let built = built.filter(|service| service.build.is_some()).count();
    let why = match &contexts.only {
        Some(one) => format!("there is one part only: {one}"),
        None if built == 0 && repository.compose_problem.is_none() => {
            "no two parts can be told apart: no builds in a Compose file, no build manifests, no \
             folders by convention"
                .to_owned()
        }
        None => "no two parts can be told apart: no build manifests, no folders by convention"
            .to_owned(),
    };
    match contexts.without_source.as_slice() {
        _ if repository.compose_problem.is_some() => {
            format!("{why}; the Compose file cannot be read")
        }
        [] if built > 0 && contexts.only.is_none() => {
            format!("{why}; the Compose file builds no folder below the root")
        }
        [] => why,
        none => format!(
            "{why}; of what the Compose file builds these folders have no tracked source: {}",
            none.join(", ")
        ),
    }
}
