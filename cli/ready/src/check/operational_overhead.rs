//! Operational overhead owned: who runs many services needs to see that each is alive, to be told
//! when it is not, and to know what to do then. Files prove only part of it.

use crate::finding::{Finding, Standing};
use crate::repository::Repository;

/// Words of files that say what to do when something breaks.
const RUNBOOKS: [&str; 7] = [
    "runbook",
    "playbook",
    "oncall",
    "on-call",
    "incident",
    "operations",
    "disaster",
];
/// A runbook says more than its title: so many words beside headings, which three short steps have.
const RUNBOOK_WORDS: usize = 20;

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new(
        "operational-overhead",
        "Somebody owns the running of many services",
    );
    let tree = &repository.tree;
    let deployment = |path: &str| path.ends_with(".yaml") || path.ends_with(".yml");

    let own: Vec<_> = repository
        .compose
        .iter()
        .flat_map(|compose| &compose.services)
        .filter(|service| service.build.is_some())
        .collect();
    let probed = own.iter().filter(|service| service.healthcheck).count();
    let kubernetes = tree.find(&["livenessprobe:", "readinessprobe:"], deployment);
    let probes = !kubernetes.is_empty() || (probed > 0 && probed == own.len());
    if let Some(hit) = kubernetes.first() {
        finding.saw_at(
            tree.place(&hit.file.path, hit.line),
            "probes in the deployment",
        );
    } else if let Some(why) = &repository.compose_problem {
        finding.saw(why.clone());
    } else if !own.is_empty() {
        finding.saw(format!(
            "{probed} of {} services have a healthcheck",
            own.len()
        ));
        for service in own.iter().filter(|service| !service.healthcheck).take(5) {
            finding.saw_at(service.place.clone(), format!("{} has none", service.name));
        }
    }
    let restarted = own
        .iter()
        .filter(|service| service.restart || service.limits)
        .count();
    finding.figure("services", own.len());
    finding.figure("with_healthcheck", probed);
    finding.figure("with_restart_or_limits", restarted);

    let alerts: Vec<_> = tree
        .find(
            &["alert:", "- alert", "alertmanager", "pagerduty", "opsgenie"],
            deployment,
        )
        .into_iter()
        .filter(|hit| hit.file.text.contains("expr:") || hit.word != "alert:")
        .collect();
    if let Some(hit) = alerts.first() {
        finding.saw_at(
            tree.place(&hit.file.path, hit.line),
            "somebody is told when it breaks",
        );
    } else {
        finding.saw("no alert rules");
    }

    let named = |path: &str| {
        let path = path.to_lowercase();
        let text = [".md", ".adoc", ".rst", ".txt"]
            .iter()
            .any(|end| path.ends_with(end));
        text && RUNBOOKS.iter().any(|word| path.contains(word))
    };
    let (mut runbook, mut empty) = (None, None);
    for file in tree.texts.iter().filter(|file| named(&file.path)) {
        let words = words(&file.text);
        if words >= RUNBOOK_WORDS {
            runbook = Some(file);
        } else {
            empty = Some((file, words));
        }
    }
    match (runbook, empty) {
        (Some(file), _) => {
            finding.saw_at(tree.place(&file.path, 1), "says what to do when it breaks")
        }
        (None, Some((file, words))) => {
            let says = match words {
                0 => "nothing".to_owned(),
                _ => format!("{words} words beside headings, of {RUNBOOK_WORDS} at least"),
            };
            finding.saw_at(
                tree.place(&file.path, 1),
                format!("is called a runbook and says {says}"),
            );
        }
        (None, None) => finding.saw("no runbook"),
    }
    let there = [probes, !alerts.is_empty(), runbook.is_some()];
    match there.iter().filter(|it| **it).count() {
        3 => finding.stands(
            Standing::Ready,
            "let a new colleague follow the runbook once a quarter",
        ),
        0 if repository.compose_problem.is_some() => finding.stands(
            Standing::Inconclusive,
            "mend the Compose file, then run this again",
        ),
        0 => finding.stands(
            Standing::NotReady,
            "start with a healthcheck for what runs today; then one alert, and what to do on it",
        ),
        _ => finding.stands(
            Standing::Partly,
            if !probes {
                "give every service a healthcheck"
            } else if alerts.is_empty() {
                "have somebody told when a service stays unhealthy"
            } else {
                "write down what to do when the alert comes"
            },
        ),
    }
}

/// The words of a text that are no heading.
fn words(text: &str) -> usize {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with(['#', '=']));
    lines.map(|line| line.split_whitespace().count()).sum()
}
