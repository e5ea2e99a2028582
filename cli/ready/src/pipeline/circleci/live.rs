//! Which jobs of CircleCI's workflows come to run: those that a workflow lists, whose filters let
//! them, and that need none which is not there or never runs.

use std::collections::HashMap;

use msvc_system::yaml::{Key, Node};

use super::condition::{Parameters, holds};
use crate::pipeline::texts;

/// So many jobs of a workflow are looked at: nobody has more.
const MOST_JOBS: usize = 1000;
/// So often it is asked who needs what is gone.
const PASSES: usize = 20;

/// A job that a workflow lists.
#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    /// What it is called there by: a job, or one of an orb.
    pub(super) name: String,
    /// What the workflow says of it.
    pub(super) item: &'a Node,
    /// The job, where it stands in the file.
    pub(super) job: Option<&'a Node>,
}

/// The workflows that may run with these parameters, each with its jobs that do.
pub(super) fn live<'a>(
    root: &'a Node,
    parameters: &Parameters,
) -> Vec<(Option<&'a Node>, Vec<Call<'a>>)> {
    let Some(workflows) = root.get("workflows") else {
        // Without any the job of that name is run.
        let build = root.at("/jobs/build");
        let call = build.map(|job| Call {
            name: "build".to_owned(),
            item: job,
            job: Some(job),
        });
        return vec![(None, call.into_iter().collect())];
    };
    let listed = |(_, it): &&'a (Key, Node)| it.get("jobs").is_some();
    let workflows = workflows.entries().iter().filter(listed);
    let running = workflows.filter(|(_, it)| may_run(it, parameters) != Some(false));
    running.map(|(_, it)| (Some(it), calls(root, it))).collect()
}

/// Whether a workflow runs with these parameters; `None` when that cannot be known.
pub(super) fn may_run(workflow: &Node, parameters: &Parameters) -> Option<bool> {
    let when = workflow.get("when").map(|it| holds(it, parameters));
    let unless = workflow.get("unless").map(|it| holds(it, parameters));
    let unless = unless.map(|it| it.map(|is| !is));
    match (when.unwrap_or(Some(true)), unless.unwrap_or(Some(true))) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// The jobs of a workflow that run, on the way where all goes well.
fn calls<'a>(root: &'a Node, workflow: &'a Node) -> Vec<Call<'a>> {
    let items = workflow.get("jobs").map(Node::items).unwrap_or_default();
    let mut all: Vec<(Call<'a>, Option<&'a Node>)> = Vec::new();
    for item in items.iter().take(MOST_JOBS) {
        let (name, said) = match item.entries() {
            [(key, said), ..] => (key.text.clone(), Some(said)),
            [] => (item.text().unwrap_or_default(), None),
        };
        let job = found(root, "jobs", &name);
        all.push((Call { name, item, job }, said));
    }
    all.retain(|(_, said)| said.is_none_or(is_let));
    // Who needs one that is gone is gone too.
    let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, (call, said)) in all.iter().enumerate() {
        for name in names(call, *said) {
            by_name.entry(name).or_default().push(at);
        }
    }
    let mut gone = vec![false; all.len()];
    for pass in 0..PASSES {
        let before = gone.clone();
        for number in 0..all.len() {
            // A chain is listed in the one order or in the other.
            let at = match pass % 2 {
                0 => number,
                _ => all.len() - 1 - number,
            };
            let is_there = |need: &str| {
                let of = by_name.get(need).into_iter().flatten();
                let by_matrix = all.iter().zip(&gone).any(|((call, said), gone)| {
                    let is_many = said.is_some_and(|it| it.get("matrix").is_some());
                    is_many && !gone && need.starts_with(&call.name)
                });
                of.into_iter().any(|it| gone.get(*it) == Some(&false)) || by_matrix
            };
            let said = all.get(at).and_then(|(_, said)| *said);
            let stays = stays(said, &is_there);
            if let Some(gone) = gone.get_mut(at) {
                *gone |= !stays;
            }
        }
        if gone == before {
            break;
        }
    }
    let mut gone = gone.into_iter();
    all.retain(|_| gone.next() != Some(true));
    // Somebody agrees: nothing runs.
    let is_run = |said: &Option<&Node>| {
        let kind = said.and_then(|it| it.get("type")).and_then(Node::text);
        kind.as_deref() != Some("approval")
    };
    all.retain(|(_, said)| is_run(said));
    all.into_iter().map(|(call, _)| call).collect()
}

/// Whether what a job needs is there.
fn stays(said: Option<&Node>, is_there: &impl Fn(&str) -> bool) -> bool {
    let needs = said.and_then(|it| it.get("requires"));
    let mut needs = needs.map(Node::items).unwrap_or_default().iter();
    needs.all(|need| match need.entries() {
        [(name, ends), ..] => {
            let well = |it: &String| ["success", "terminal"].contains(&it.as_str());
            is_there(&name.text) && texts(ends).iter().any(well)
        }
        [] => need.text().is_some_and(|name| is_there(&name)),
    })
}

/// The names by which others need a job.
fn names(call: &Call<'_>, said: Option<&Node>) -> Vec<String> {
    let says = |pointer: &str| said?.at(pointer)?.text();
    let own = says("/name").unwrap_or_else(|| call.name.clone());
    says("/matrix/alias").into_iter().chain([own]).collect()
}

/// Whether its filters let a job run for any branch or tag.
fn is_let(said: &Node) -> bool {
    let list = |pointer: &str| said.at(pointer).map(texts);
    let is_all = |it: &String| ["/.*/", "/.+/", "/^.*$/", "/^.*/"].contains(&it.as_str());
    let passes = |only: Option<Vec<String>>, ignore: Option<Vec<String>>, otherwise: bool| {
        let only = only.map_or(otherwise, |only| !only.is_empty());
        only && !ignore.is_some_and(|ignore| ignore.iter().any(is_all))
    };
    let branch = passes(
        list("/filters/branches/only"),
        list("/filters/branches/ignore"),
        true,
    );
    let tags = said
        .at("/filters/tags")
        .is_some_and(|it| it.get("ignore").is_some());
    let tag = passes(
        list("/filters/tags/only"),
        list("/filters/tags/ignore"),
        tags,
    );
    branch || tag
}

/// A job or a command of this name: of the file, or of an orb that stands in it.
pub(super) fn found<'a>(root: &'a Node, kind: &str, name: &str) -> Option<&'a Node> {
    match name.split_once('/') {
        Some((orb, name)) => root.get("orbs")?.get(orb)?.get(kind)?.get(name),
        None => {
            let own = root.get(kind).and_then(|it| it.get(name));
            // Orbs that stand in the file call their own.
            let orbs = root.get("orbs").map(Node::entries).unwrap_or_default();
            let mut of_orbs = orbs.iter().filter_map(|(_, orb)| orb.get(kind)?.get(name));
            own.or_else(|| of_orbs.next())
        }
    }
}
