//! Operational overhead owned: who runs many services needs to see that each is alive, to be told
//! when it is not, and to know what to do then. Files prove only part of it.

use crate::finding::{Finding, Standing};
use crate::repository::Repository;
use crate::tree::says_nothing;

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
/// A runbook says more than its title.
const RUNBOOK_WORDS: usize = 40;

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
        if !says_nothing(&file.text) && file.text.split_whitespace().count() >= RUNBOOK_WORDS {
            runbook = Some(file);
        } else {
            empty = Some(file);
        }
    }
    match (runbook, empty) {
        (Some(file), _) => {
            finding.saw_at(tree.place(&file.path, 1), "says what to do when it breaks")
        }
        (None, Some(file)) => finding.saw_at(
            tree.place(&file.path, 1),
            "is called a runbook and says nothing",
        ),
        (None, None) => finding.saw("no runbook"),
    }
    let there = [probes, !alerts.is_empty(), runbook.is_some()];
    match there.iter().filter(|it| **it).count() {
        3 => finding.stands(
            Standing::Ready,
            "let a new colleague follow the runbook once a quarter",
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
