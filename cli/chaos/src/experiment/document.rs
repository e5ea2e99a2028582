//! The document's own keys.

use std::path::Path;

use msvc_system::problem::{Problem, Problems};
use msvc_system::yaml::Node;

use super::activity::{action, probe, rollback};
use super::{Action, Experiment, Hypothesis, Probe, Rollback, RollbackDeed};

/// Keys that are read.
const READ: [&str; 9] = [
    "title",
    "description",
    "version",
    "tags",
    "contributions",
    "steady-state-hypothesis",
    "method",
    "rollbacks",
    "runtime",
];

/// Keys that Chaos Toolkit knows and that may only be empty here.
const NOT_HONOURED: [&str; 5] = ["configuration", "secrets", "controls", "extensions", "dry"];

/// Keys of the hypothesis that may only be empty.
const HYPOTHESIS_NOT_HONOURED: [&str; 1] = ["controls"];

/// Reads the whole document.
pub(super) fn experiment(path: &Path, node: &Node) -> Result<Experiment, Problems> {
    node.want_map("an experiment")?;
    let mut problems = Problems::default();
    keys(node, "an experiment", &READ, &NOT_HONOURED, &mut problems);
    let title = required_text(node, "title", &mut problems);
    let description = required_text(node, "description", &mut problems);
    let tags = tags(node, &mut problems);
    let contributions = contributions(node, &mut problems);
    runtime(node, &mut problems);
    let hypothesis = hypothesis(node, &mut problems);
    let action = method(node, &mut problems);
    let rollbacks = rollbacks(node, action.as_ref(), &mut problems);
    if let (Some(hypothesis), Some(action)) = (&hypothesis, &action) {
        held_by_a_probe(hypothesis, action, &mut problems);
    }
    let (Some(hypothesis), Some(action)) = (hypothesis, action) else {
        return Err(problems);
    };
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    problems.or(Experiment {
        name: name.into_owned(),
        path: path.to_owned(),
        title,
        description,
        tags,
        contributions,
        hypothesis,
        action,
        rollbacks,
        document: node.to_json(),
    })
}

/// Complains of every key that nobody knows, and of every known one that is not honoured and says
/// something.
pub(super) fn keys(
    node: &Node,
    what: &str,
    read: &[&str],
    not_honoured: &[&str],
    problems: &mut Problems,
) {
    let known: Vec<&str> = read.iter().chain(not_honoured).copied().collect();
    problems.0.extend(node.unknown_keys(what, &known));
    for (key, value) in node.entries() {
        let says_nothing = value.is_null()
            || value.as_map().is_some_and(<[_]>::is_empty)
            || value.as_seq().is_some_and(<[_]>::is_empty)
            || value.as_bool() == Some(false);
        if not_honoured.contains(&key.text.as_str()) && !says_nothing {
            problems.push(
                Problem::error(format!("`{}` of {what} is not honoured yet", key.text))
                    .at(key.place.clone())
                    .hint("leave it out"),
            );
        }
    }
}

/// A text that must be there and say something; its absence is a problem.
pub(super) fn required_text(node: &Node, key: &str, problems: &mut Problems) -> String {
    match node.get(key) {
        None => {
            problems.push(Problem::error(format!("`{key}` is missing")).at(node.place.clone()));
        }
        Some(value) => match value.want_str(&format!("`{key}`")) {
            Ok(text) if !text.trim().is_empty() => return text.to_owned(),
            Ok(_) => problems
                .push(Problem::error(format!("`{key}` must not be empty")).at(value.place.clone())),
            Err(problem) => problems.push(problem),
        },
    }
    String::new()
}

fn tags(node: &Node, problems: &mut Problems) -> Vec<String> {
    let Some(tags) = node.get("tags") else {
        return Vec::new();
    };
    let Ok(items) = tags.want_seq("`tags`").map_err(|p| problems.push(p)) else {
        return Vec::new();
    };
    let texts = items.iter().map(|tag| tag.want_str("a tag"));
    texts
        .filter_map(|tag| tag.map_err(|p| problems.push(p)).ok())
        .map(str::to_owned)
        .collect()
}

fn contributions(node: &Node, problems: &mut Problems) -> Vec<(String, String)> {
    let Some(contributions) = node.get("contributions") else {
        return Vec::new();
    };
    if let Err(problem) = contributions.want_map("`contributions`") {
        problems.push(problem);
    }
    let mut read = Vec::new();
    for (key, value) in contributions.entries() {
        match value.as_str() {
            Some(level @ ("high" | "medium" | "low" | "none")) => {
                read.push((key.text.clone(), level.to_owned()));
            }
            _ => problems.push(value.expected(
                &format!("the contribution `{}`", key.text),
                "`high`, `medium`, `low` or `none`",
            )),
        }
    }
    read
}

/// The strategies: only those that msvc follows anyway may be named.
fn runtime(node: &Node, problems: &mut Problems) {
    let Some(runtime) = node.get("runtime") else {
        return;
    };
    keys(
        runtime,
        "`runtime`",
        &["hypothesis", "rollbacks"],
        &[],
        problems,
    );
    for (of, followed) in [
        ("hypothesis", &["default"][..]),
        ("rollbacks", &["default", "always"][..]),
    ] {
        let Some(settings) = runtime.get(of) else {
            continue;
        };
        keys(
            settings,
            &format!("`runtime.{of}`"),
            &["strategy"],
            &[],
            problems,
        );
        let Some(strategy) = settings.get("strategy") else {
            continue;
        };
        if !strategy.as_str().is_some_and(|s| followed.contains(&s)) {
            let named = strategy.text().unwrap_or_default();
            problems.push(
                Problem::error(format!(
                    "the strategy `{named}` for {of} is not honoured yet"
                ))
                .at(strategy.place.clone())
                .hint(format!("`{}` is", followed.join("` and `"))),
            );
        }
    }
}

fn hypothesis(node: &Node, problems: &mut Problems) -> Option<Hypothesis> {
    let Some((key, block)) = node.entry("steady-state-hypothesis") else {
        problems.push(
            Problem::error("`steady-state-hypothesis` is missing")
                .at(node.place.clone())
                .hint("without it nothing is shown; name a journey that has to hold"),
        );
        return None;
    };
    if let Err(problem) = block.want_map("`steady-state-hypothesis`") {
        problems.push(problem);
        return None;
    }
    let what = "`steady-state-hypothesis`";
    keys(
        block,
        what,
        &["title", "probes"],
        &HYPOTHESIS_NOT_HONOURED,
        problems,
    );
    let title = required_text(block, "title", problems);
    let probes = block.get("probes");
    let items = match probes.map(|probes| probes.want_seq("`probes`")) {
        Some(Ok(items)) if !items.is_empty() => items,
        Some(Err(problem)) => {
            problems.push(problem);
            return None;
        }
        Some(Ok(_)) | None => {
            problems.push(
                Problem::error("the steady state has no probe, so nothing would be shown")
                    .at(key.place.clone())
                    .hint("name a journey: `provider: {type: msvc, journey: NAME}`"),
            );
            return None;
        }
    };
    let probes: Vec<Probe> = items
        .iter()
        .filter_map(|item| probe(item, problems))
        .collect();
    (probes.len() == items.len()).then_some(Hypothesis { title, probes })
}

fn method(node: &Node, problems: &mut Problems) -> Option<Action> {
    let Some((key, method)) = node.entry("method") else {
        problems.push(Problem::error("`method` is missing").at(node.place.clone()));
        return None;
    };
    match method.want_seq("`method`") {
        Err(problem) => {
            problems.push(problem);
            None
        }
        Ok([one]) => action(one, problems),
        Ok(items) => {
            let place = items.get(1).map_or(&key.place, |second| &second.place);
            problems.push(
                Problem::error(format!(
                    "`method` has {} activities; exactly one action is honoured yet",
                    items.len()
                ))
                .at(place.clone()),
            );
            None
        }
    }
}

fn rollbacks(node: &Node, action: Option<&Action>, problems: &mut Problems) -> Vec<Rollback> {
    let Some(rollbacks) = node.get("rollbacks") else {
        return Vec::new();
    };
    let items = match rollbacks.want_seq("`rollbacks`") {
        Ok(items) => items,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    items
        .iter()
        .filter_map(|item| rollback(item, action.map(|a| a.name.as_str()), problems))
        .collect()
}

/// A hold that a step ends must be ended by a journey that is played meanwhile.
fn held_by_a_probe(hypothesis: &Hypothesis, action: &Action, problems: &mut Problems) {
    let Some(until) = &action.until else { return };
    let played = |journey: &str| {
        let mut journeys = hypothesis.probes.iter().map(|probe| &probe.journey.value);
        journeys.any(|name| name == journey)
    };
    if !played(&until.journey.value) {
        problems.push(
            Problem::error(format!(
                "the service would stay down until a step of `{}`, which no probe plays",
                until.journey.value
            ))
            .at(until.journey.place.clone())
            .hint("name a journey of the steady state"),
        );
    }
}

impl Experiment {
    /// Journeys that it plays, each once.
    #[must_use]
    pub fn journeys(&self) -> Vec<&str> {
        let probes = self.hypothesis.probes.iter().map(|p| &p.journey.value);
        let rollbacks = self.rollbacks.iter().filter_map(|r| match &r.deed {
            RollbackDeed::Journey(journey) => Some(&journey.value),
            RollbackDeed::Undo => None,
        });
        let mut names: Vec<&str> = probes.chain(rollbacks).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
