//! Operational overhead owned: who runs many services needs to see that each is alive, to be told
//! when it is not, and to know what to do then. Files prove only part of it.

use crate::alert::{Alerts, alerts};
use crate::finding::{Finding, Standing};
use crate::kubernetes::{Document, documents};
use crate::repository::Repository;
use crate::runbook::{WORDS, runbooks};

/// Whether something asks every service for its health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probes {
    /// Each is asked.
    All,
    /// Some are, by probes; healthchecks of some alone are still to be finished.
    Some,
    /// None is.
    None,
}

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new(
        "operational-overhead",
        "Somebody owns the running of many services",
    );
    let tree = &repository.tree;
    let probes = probes(repository, &mut finding);
    let alerts = tell_alerts(repository, &mut finding);
    let books = runbooks(tree);
    let runbook = books.iter().find(|it| it.is_one && it.words >= WORDS);
    match (runbook, books.first()) {
        (Some(book), _) => finding.saw_at(
            tree.place(&book.file.path, 1),
            "says what to do when it breaks",
        ),
        (None, Some(book)) => {
            let said = match (book.is_one, book.words) {
                (true, 0) => "is called a runbook and says nothing".to_owned(),
                (true, words) => format!(
                    "is called a runbook and says {words} words beside headings, of {WORDS} at least"
                ),
                (false, _) => "may say what to do, but is not called a runbook".to_owned(),
            };
            finding.saw_at(tree.place(&book.file.path, 1), said);
        }
        (None, None) => finding.saw("no runbook"),
    }
    let doubt = probes == Probes::Some
        || alerts == Some(false)
        || books.iter().any(|book| !book.is_one && book.words >= WORDS);
    let there = [
        probes == Probes::All,
        alerts == Some(true),
        runbook.is_some(),
    ];
    match there.iter().filter(|it| **it).count() {
        3 => finding.stands(
            Standing::Ready,
            "let a new colleague follow the runbook once a quarter",
        ),
        0 if repository.compose_problem.is_some() => finding.stands(
            Standing::Inconclusive,
            "mend the Compose file, then run this again",
        ),
        0 if !doubt => finding.stands(
            Standing::NotReady,
            "start with a healthcheck for what runs today; then one alert, and what to do on it",
        ),
        _ => finding.stands(
            Standing::Partly,
            if probes != Probes::All {
                "give every service a healthcheck"
            } else if alerts != Some(true) {
                "have somebody told when a service stays unhealthy"
            } else {
                "write down what to do when the alert comes"
            },
        ),
    }
}

/// Whether each service is asked for its health: by the Compose file, or by a probe of the workload
/// that has its name.
fn probes(repository: &Repository, finding: &mut Finding) -> Probes {
    let tree = &repository.tree;
    let services = repository.compose.iter().flat_map(|it| &it.services);
    // What does not start by itself, a job for one, is nothing that anybody keeps alive.
    let own: Vec<_> = services
        .filter(|it| repository.is_part(it) && it.idle.is_none())
        .collect();
    let documents = documents(tree);
    let workloads: Vec<&Document<'_>> = documents.iter().filter(|it| it.is_workload()).collect();
    let probed: Vec<&&Document<'_>> = workloads.iter().filter(|it| it.is_probed()).collect();
    let is_of = |document: &Document<'_>, name: &str| match document.name() {
        Some(known) => known == name || known.split(['-', '_']).any(|part| part == name),
        // A template stands in its chart's folder.
        None => document.file.path.split('/').any(|part| part == name),
    };
    if let Some(why) = &repository.compose_problem {
        finding.saw(why.clone());
    }
    if let Some(first) = probed.first() {
        let said = format!(
            "{} of {} workloads have a probe",
            probed.len(),
            workloads.len()
        );
        finding.saw_at(first.place(tree), said);
    }
    let lacking: Vec<_> = own
        .iter()
        .filter(|it| !it.healthcheck && !probed.iter().any(|probe| is_of(probe, &it.name)))
        .collect();
    let asked = own.len() - lacking.len();
    if !own.is_empty() {
        let (all, with) = (own.len(), "services have a healthcheck");
        finding.saw(format!("{asked} of {all} {with}"));
        for service in lacking.iter().take(5) {
            finding.saw_at(service.place.clone(), format!("{} has none", service.name));
        }
    }
    let restarted = own.iter().filter(|it| it.restart || it.limits).count();
    finding.figure("services", own.len());
    finding.figure("with_healthcheck", asked);
    finding.figure("with_restart_or_limits", restarted);
    let (all, asked) = match own.is_empty() {
        true => (workloads.len(), probed.len()),
        false => (own.len(), asked),
    };
    // A template may be filled in for any number of services.
    let is_sure = !own.is_empty()
        || probed
            .iter()
            .all(|it| it.node.is_some() || workloads.len() > 1);
    match asked {
        asked if asked > 0 && asked == all && is_sure => Probes::All,
        _ if probed.is_empty() => Probes::None,
        _ => Probes::Some,
    }
}

/// Whether somebody is told when it breaks; `Some(false)` is a doubt.
fn tell_alerts(repository: &Repository, finding: &mut Finding) -> Option<bool> {
    let tree = &repository.tree;
    match alerts(tree) {
        Alerts::Rule(path, line) => {
            finding.saw_at(tree.place(&path, line), "somebody is told when it breaks");
            Some(true)
        }
        Alerts::Receiver(path, line) => {
            let said = "somebody would be told here, but no rule says when";
            finding.saw_at(tree.place(&path, line), said);
            Some(false)
        }
        Alerts::None => {
            finding.saw("no alert rules");
            None
        }
    }
}
