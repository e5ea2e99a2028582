//! Which jobs of CircleCI's workflows come to run: those that a workflow lists, whose filters let
//! them, and that need none which is not there or never runs.

use msvc_system::yaml::{Key, Node};

use super::condition::{Parameters, holds};
use crate::pipeline::texts;

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
    for item in items {
        let (name, said) = match item.entries() {
            [(key, said), ..] => (key.text.clone(), Some(said)),
            [] => (item.text().unwrap_or_default(), None),
        };
        let job = found(root, "jobs", &name);
        all.push((Call { name, item, job }, said));
    }
    all.retain(|(_, said)| said.is_none_or(is_let));
    // Who needs one that is gone is gone too.
    loop {
        let is_there = |need: &str| all.iter().any(|(call, said)| is_called(call, *said, need));
        let stays = |said: Option<&Node>| {
            let needs = said.and_then(|it| it.get("requires"));
            let mut needs = needs.map(Node::items).unwrap_or_default().iter();
            needs.all(|need| match need.entries() {
                [(name, ends), ..] => {
                    let well = |it: &String| ["success", "terminal"].contains(&it.as_str());
                    is_there(&name.text) && texts(ends).iter().any(well)
                }
                [] => need.text().is_some_and(|name| is_there(&name)),
            })
        };
        let kept: Vec<bool> = all.iter().map(|(_, said)| stays(*said)).collect();
        if kept.iter().all(|it| *it) {
            break;
        }
        let mut kept = kept.into_iter();
        all.retain(|_| kept.next().unwrap_or(true));
    }
    // Somebody agrees: nothing runs.
    let is_run = |said: &Option<&Node>| {
        let kind = said.and_then(|it| it.get("type")).and_then(Node::text);
        kind.as_deref() != Some("approval")
    };
    all.retain(|(_, said)| is_run(said));
    all.into_iter().map(|(call, _)| call).collect()
}

/// Whether a job is the one that another needs by this name.
fn is_called(call: &Call<'_>, said: Option<&Node>, need: &str) -> bool {
    let says = |pointer: &str| said?.at(pointer)?.text();
    let by_matrix = says("/matrix/alias").as_deref() == Some(need)
        || (said.is_some_and(|it| it.get("matrix").is_some()) && need.starts_with(&call.name));
    by_matrix || says("/name").map_or(call.name == need, |name| name == need)
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
