//! Teams aligned to service boundaries: who works on which part, from history; owners that files
//! declare count only where they work there.
//!
//! A major developer of a part has at least 5 % of its commits, and two. Overlap is the mean
//! Jaccard index of the parts' major developers, over pairs of parts.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, Standing};
use crate::owner::{file, of_parts, rules};
use crate::repository::Repository;

/// Two years, in seconds: who left before that owns nothing any more.
const RECENT: i64 = 2 * 365 * 24 * 3600;
/// Up to this overlap the parts have people of their own. Bands are ours and confirmed by nobody.
const APART: f64 = 0.34;
/// Above it everybody works on everything.
const SHARED: f64 = 0.67;
/// With fewer people there are no teams to tell apart.
const FEWEST_PEOPLE: usize = 3;

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new("team-alignment", "Teams are aligned to service boundaries");
    let contexts = &repository.contexts;
    let declared = declared(repository, &mut finding);
    if contexts.all.is_empty() {
        finding.saw(match &repository.contexts.only {
            Some(one) => format!("there is one part only: {one}"),
            None => "no two parts can be told apart".to_owned(),
        });
        return finding.stands(
            Standing::Inconclusive,
            "give each part of the domain a folder of its own",
        );
    }
    let (changes, left_out) = repository.changes();
    finding.figure("usable_commits", changes.len());
    if let Some(why) = repository.too_short(changes.len(), &left_out) {
        finding.saw(why);
        return finding.stands(
            Standing::Inconclusive,
            repository.lengthen("history is too short to tell who works where"),
        );
    }
    let newest = changes
        .iter()
        .map(|change| change.commit.at)
        .max()
        .unwrap_or(repository.now);
    let mut work: BTreeMap<usize, BTreeMap<&str, usize>> = BTreeMap::new();
    for change in changes
        .iter()
        .filter(|change| change.commit.at > newest - RECENT)
    {
        for context in change.touched() {
            let people = work.entry(context).or_default();
            *people.entry(change.commit.email.as_str()).or_default() += 1;
        }
    }
    let majors: BTreeMap<usize, BTreeSet<&str>> = work
        .iter()
        .map(|(context, people)| (*context, majors(people)))
        .collect();
    let everybody: BTreeSet<&str> = majors.values().flatten().copied().collect();
    finding.figure("major_developers", everybody.len());
    for (context, people) in &majors {
        let commits: usize = work
            .get(context)
            .map(|w| w.values().sum())
            .unwrap_or_default();
        finding.saw(format!(
            "{}: {} major developer{} in {commits} commit{} of the last two years",
            contexts.name(*context),
            people.len(),
            if people.len() == 1 { "" } else { "s" },
            if commits == 1 { "" } else { "s" },
        ));
    }
    if everybody.len() < FEWEST_PEOPLE {
        let people = match everybody.len() {
            1 => "1 person".to_owned(),
            count => format!("{count} people"),
        };
        finding.saw(format!("{people}: too few to be teams"));
        return finding.stands(
            Standing::Inconclusive,
            "one team can keep one deployable; split when several get in each other's way",
        );
    }
    let overlap = overlap(&majors);
    finding.figure("overlap", (overlap * 100.0).round() / 100.0);
    finding.saw(format!(
        "the parts share {:.0} % of their major developers",
        overlap * 100.0
    ));
    if overlap > SHARED {
        return finding.stands(
            Standing::NotReady,
            "everybody works on everything: give each part a team that decides about it",
        );
    }
    if overlap > APART {
        return finding.stands(
            Standing::Partly,
            "name one owning team for each part, and let it review every change",
        );
    }
    if declared {
        finding.stands(Standing::Ready, "keep owners where the work is")
    } else {
        finding.stands(
            Standing::Partly,
            "people work apart already: write the owners down (CODEOWNERS, or `x-msvc.owner`)",
        )
    }
}

fn majors<'a>(people: &BTreeMap<&'a str, usize>) -> BTreeSet<&'a str> {
    let all: usize = people.values().sum();
    people
        .iter()
        .filter(|(_, commits)| **commits >= 2 && **commits * 20 >= all)
        .map(|(email, _)| *email)
        .collect()
}

fn overlap(majors: &BTreeMap<usize, BTreeSet<&str>>) -> f64 {
    let sets: Vec<&BTreeSet<&str>> = majors.values().filter(|set| !set.is_empty()).collect();
    let (mut sum, mut pairs) = (0.0, 0_usize);
    for (i, a) in sets.iter().enumerate() {
        for b in &sets[i + 1..] {
            sum += a.intersection(b).count() as f64 / a.union(b).count().max(1) as f64;
            pairs += 1;
        }
    }
    if pairs == 0 { 0.0 } else { sum / pairs as f64 }
}

/// Whether files declare owners of the parts: each has some, and not all the same.
fn declared(repository: &Repository, finding: &mut Finding) -> bool {
    let contexts = &repository.contexts.all;
    let services = repository.compose.iter().flat_map(|it| &it.services);
    let named: BTreeSet<&str> = services.filter_map(|it| it.owner.as_deref()).collect();
    if named.len() > 1 {
        finding.saw(format!("the Compose file names {} owners", named.len()));
    }
    let owned = of_parts(repository);
    let place = file(repository).map(|file| (repository.tree.place(&file.path, 1), &file.text));
    if let Some((place, text)) = place {
        let said = if rules(text).iter().all(|rule| !rule.has_owners()) {
            "this file names nobody".to_owned()
        } else if contexts.is_empty() {
            "this file names owners".to_owned()
        } else {
            format!("of {} parts {} have an owner", contexts.len(), owned.len())
        };
        finding.saw_at(place, said);
    } else if named.is_empty() {
        return false;
    }
    let owners: BTreeSet<_> = owned.values().collect();
    finding.figure("parts_with_owner", owned.len());
    let missing = contexts.iter().filter(|it| !owned.contains_key(&it.name));
    let missing: Vec<&str> = missing.map(|it| it.name.as_str()).collect();
    if !missing.is_empty() && !owned.is_empty() {
        finding.saw(format!("nobody is named for {}", missing.join(", ")));
    }
    if owners.len() == 1 && contexts.len() > 1 {
        finding.saw("all parts that have an owner have the same: that says nothing about parts");
    }
    missing.is_empty() && owners.len() > 1
}
