//! CircleCI's pipelines: what a job does is told where a workflow lists it and lets it run. A setup
//! compares what changed with a mapping of paths to parameters, and goes on with another file, whose
//! workflows run by these parameters.

use std::rc::Rc;

use msvc_system::yaml::{Node, NodeValue};

use super::Reader;
use super::job::{Job, say};
use crate::tree::Tree;

mod condition;
mod live;
mod setup;

use condition::{Parameters, holds};
use live::{Call, found, live, may_run};
use setup::{FIRST, Rule};

/// Commands that call commands are followed so far.
const DEPTH: u32 = 5;
/// So many steps are followed, those of commands at each call.
const MOST_STEPS: u32 = 20_000;

/// Steps of CircleCI's own that only prepare, or keep something.
const OWN: [&str; 10] = [
    "checkout",
    "setup_remote_docker",
    "save_cache",
    "restore_cache",
    "store_artifacts",
    "store_test_results",
    "persist_to_workspace",
    "attach_workspace",
    "add_ssh_keys",
    "run",
];

/// Why nobody reads a file below `.circleci`, if so.
pub(super) fn unheard(tree: &Tree, path: &str) -> Option<&'static str> {
    if path == FIRST {
        return None;
    }
    if tree.text(FIRST).is_none() {
        return Some("CircleCI begins with .circleci/config.yml, which is not there");
    }
    let is_named = setup::files(tree).contains_key(path);
    (!is_named).then_some("no setup in .circleci/config.yml goes on with it")
}

impl Reader<'_> {
    /// A file of CircleCI's.
    pub(super) fn circleci(&mut self, root: &Node, path: &str) {
        if path != FIRST {
            let way = setup::files(self.tree).remove(path).flatten();
            return self.continued(root, way, &Parameters::declared(root));
        }
        // What runs only when somebody asks for it by a parameter counts.
        let parameters = Parameters::default();
        let mut any = false;
        for (_, calls) in live(root, &parameters) {
            for call in calls {
                any = true;
                self.called(root, &call, None, &parameters);
            }
        }
        if !any && root.get("jobs").is_some() {
            self.off("stands in no workflow that runs it");
        }
        let gone_on = setup::of(root);
        let is_absent = gone_on.keys().all(|path| self.tree.text(path).is_none());
        if setup::is_one(root) && any && is_absent {
            let line = root.get("setup").map_or(1, |it| it.place.line);
            let what = "goes on with a configuration that is not in this repository";
            self.found.untold = self.found.untold.or(Some((line, what)));
        }
    }

    /// The workflows of a file that a setup goes on with, each with the paths that start it.
    fn continued(&mut self, root: &Node, way: setup::Way, declared: &Parameters) {
        let unknown = Parameters::default();
        let base = if way.is_some() { declared } else { &unknown };
        let rules = way.unwrap_or_default();
        let settled = base.without(rules.iter().map(|rule| &rule.parameter));
        let mut any = false;
        for (workflow, calls) in live(root, &unknown) {
            // A schedule has no changes, and what nobody lets run has none of its own.
            if calls.is_empty() || workflow.is_some_and(|it| it.get("triggers").is_some()) {
                self.off("is switched off");
                continue;
            }
            let runs = |parameters: &Parameters| {
                workflow.is_none_or(|it| may_run(it, parameters) != Some(false))
            };
            let mut known = settled.clone();
            // One that runs whatever changed is nobody's own.
            let mut changes = Vec::new();
            if !runs(base) {
                let sets = |rule: &&Rule| runs(&base.with(&rule.parameter, &rule.value));
                let own: Vec<&Rule> = rules.iter().filter(sets).collect();
                let Some(first) = own.first() else {
                    self.off("is switched off");
                    continue;
                };
                if own.iter().all(|rule| rule.parameter == first.parameter) {
                    known = known.with(&first.parameter, &first.value);
                }
                if own.iter().any(|rule| rule.glob.is_none()) {
                    let what = "runs for paths that cannot be told from their expression";
                    let line = workflow.map_or(1, |it| it.place.line);
                    self.found.untold = self.found.untold.or(Some((line, what)));
                }
                changes.extend(own.iter().filter_map(|rule| rule.glob.clone()));
            }
            self.found.globs.extend(changes.iter().cloned());
            for call in calls {
                any = true;
                self.called(root, &call, Some(&changes), &known);
            }
        }
        if !any && root.get("jobs").is_some() {
            self.off("stands in no workflow that runs it");
        }
    }

    /// A job as a workflow calls it.
    fn called(
        &mut self,
        root: &Node,
        call: &Call<'_>,
        changes: Option<&Vec<String>>,
        parameters: &Parameters,
    ) {
        let with = call.item.entries().first().map(|(_, with)| with);
        let with = with.filter(|_| !std::ptr::eq(call.item, call.job.unwrap_or(root)));
        let Some(job) = call.job else {
            self.begin(call.item, changes);
            if call.name.contains('/') {
                self.action(&call.name, with, call.item.place.line);
            } else {
                self.off("calls what is not there");
            }
            return;
        };
        let job = filled(job, &Given { of: job, with });
        self.begin(&job, changes);
        let around = ["pre-steps", "post-steps"].map(|key| with.and_then(|it| it.get(key)));
        let inner = [around[0], job.get("steps"), around[1]];
        for steps in inner.into_iter().flatten() {
            self.listed(root, steps, parameters, DEPTH);
        }
    }

    /// Steps, or a step.
    fn listed(&mut self, root: &Node, steps: &Node, parameters: &Parameters, depth: u32) {
        for step in steps.items() {
            self.listed(root, step, parameters, depth);
        }
        if let Some(name) = step_name(steps) {
            return self.step(root, name, None, steps, (parameters, depth));
        }
        for (key, with) in steps.entries() {
            self.step(root, &key.text, Some(with), steps, (parameters, depth));
        }
    }

    fn step(
        &mut self,
        root: &Node,
        name: &str,
        with: Option<&Node>,
        step: &Node,
        (parameters, depth): (&Parameters, u32),
    ) {
        self.followed += 1;
        if self.followed > MOST_STEPS {
            let what = "has more steps than are read";
            self.found.untold = self.found.untold.or(Some((step.place.line, what)));
            return;
        }
        let says = |key: &str| with.and_then(|with| with.get(key));
        if let ("when" | "unless", Some(condition)) = (name, says("condition")) {
            let is = holds(condition, parameters);
            if is == Some(name == "unless") {
                return self.off("is switched off");
            }
            if let Some(steps) = says("steps") {
                self.listed(root, steps, parameters, depth);
            }
        } else if ["run", "deploy"].contains(&name) && with.is_some() {
            if says("when").and_then(Node::text).as_deref() == Some("on_fail") {
                return self.off("is switched off");
            }
            self.steps(step);
        } else if OWN.contains(&name) {
            self.off("only prepares");
        } else if let Some((command, depth)) =
            found(root, "commands", name).zip(depth.checked_sub(1))
        {
            let command = filled(command, &Given { of: command, with });
            let around = Rc::clone(&self.job);
            let mut said = around.said.to_string();
            say(&command, &mut said);
            self.job = Rc::new(Job {
                said: said.into(),
                changes: around.changes.clone(),
            });
            if let Some(steps) = command.get("steps") {
                self.listed(root, steps, parameters, depth);
            }
            self.job = around;
        } else if name.contains('/') {
            self.action(name, with, step.place.line);
        } else {
            self.off("calls what is not there");
        }
    }
}

/// The name of a step that is no more than that.
fn step_name(step: &Node) -> Option<&str> {
    step.as_str().filter(|it| !it.is_empty())
}

/// The steps of a job that are given something, those behind conditions and in commands too.
fn steps_of<'a>(root: &'a Node, job: &'a Node) -> Vec<(&'a String, &'a Node)> {
    let mut all = Vec::new();
    let mut waiting: Vec<(&Node, u32)> = vec![(job, DEPTH)];
    while let Some((node, depth)) = waiting.pop() {
        if all.len() > MOST_STEPS as usize {
            break;
        }
        let steps = node.get("steps").map(Node::items).unwrap_or_default();
        for step in steps {
            let named = step_name(step).and_then(|it| found(root, "commands", it));
            let by_key = step.entries().first().map(|(key, with)| (&key.text, with));
            let called = by_key.and_then(|(name, _)| found(root, "commands", name));
            let inner = [named, called, by_key.map(|(_, with)| with)];
            if let Some(depth) = depth.checked_sub(1) {
                waiting.extend(inner.into_iter().flatten().map(|it| (it, depth)));
            }
            all.extend(by_key);
        }
    }
    all
}

/// What a job or a command is called with.
struct Given<'a> {
    of: &'a Node,
    with: Option<&'a Node>,
}

impl Given<'_> {
    /// What a parameter of it is: as the caller says, or as it declares.
    fn value(&self, name: &str) -> Option<&Node> {
        let said = self.with.and_then(|with| with.get(name));
        said.or_else(|| self.of.get("parameters")?.get(name)?.get("default"))
    }
}

/// A node with what its parameters stand for.
fn filled(node: &Node, given: &Given<'_>) -> Node {
    let value = match &node.value {
        NodeValue::Map(all) => {
            let all = all.iter().filter(|(key, _)| key.text != "parameters");
            let all = all.map(|(key, it)| (key.clone(), filled(it, given)));
            NodeValue::Map(all.collect())
        }
        NodeValue::Seq(all) => NodeValue::Seq(all.iter().map(|it| filled(it, given)).collect()),
        NodeValue::String(text) if text.contains("<<") => {
            let alone = text
                .trim()
                .strip_prefix("<<")
                .and_then(|it| it.strip_suffix(">>"));
            let alone = alone.and_then(|it| it.trim().strip_prefix("parameters."));
            match alone.and_then(|name| given.value(name)) {
                Some(whole) => return Node::new(node.place.clone(), whole.value.clone()),
                None => NodeValue::String(replaced(text, given)),
            }
        }
        _ => return node.clone(),
    };
    Node::new(node.place.clone(), value)
}

/// A text with those of its parameters that are known.
fn replaced(text: &str, given: &Given<'_>) -> String {
    let mut said = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<<") {
        let Some((name, after)) = after.split_once(">>") else {
            break;
        };
        said.push_str(before);
        let own = name.trim().strip_prefix("parameters.");
        match own.and_then(|name| given.value(name)?.text()) {
            Some(value) => said.push_str(&value),
            None => said.push_str(&format!("<<{name}>>")),
        }
        rest = after;
    }
    said + rest
}
