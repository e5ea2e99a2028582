//! A pipeline of CI: what starts it, which paths it is restricted to, and what its steps really do.
//! Read as YAML (GitHub, GitLab, CircleCI, Azure, Buildkite, Drone, Bitbucket, Travis, Cloud Build,
//! Woodpecker) or, a Jenkinsfile, by its `sh` steps. Steps and jobs that are switched off by a
//! constant, and jobs that need one, do nothing.

use std::collections::BTreeSet;
use std::rc::Rc;

use msvc_system::yaml::{self, Node};

use crate::delivery::{Deed, deed};
use crate::glob::lets_in;
use crate::tree::{TextFile, Tree};

mod action;
mod circleci;
mod condition;
mod gitlab;
mod jenkins;
mod job;
mod start;
#[cfg(test)]
mod tests;

use condition::Run;
pub use gitlab::included;
pub use job::Delivery;
use job::{Job, has_no_matrix, of_shell, say};

/// Local actions and workflows that call others are followed so far.
const DEPTH: u32 = 3;

/// Keys whose text is a script.
const SCRIPTS: [&str; 14] = [
    "run",
    "script",
    "before_script",
    "after_script",
    "command",
    "commands",
    "bash",
    "pwsh",
    "powershell",
    "sh",
    "before_install",
    "install",
    "after_success",
    "before_deploy",
];
/// Keys that hold no steps.
const OTHERS: [&str; 9] = [
    "env",
    "environment",
    "variables",
    "services",
    "image",
    "cache",
    "artifacts",
    "parameters",
    "name",
];
/// What a pipeline does.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    /// Why it cannot be read.
    pub unreadable: Option<String>,
    /// Whether it has any step at all.
    pub has_steps: bool,
    /// The line of its first step that does something.
    pub works: Option<u32>,
    /// What of it delivers, in order.
    pub deliveries: Vec<Delivery>,
    /// Whether a step would deliver, but only runs for pull requests.
    pub only_asked: bool,
    /// The line where it does something that cannot be told, and what.
    pub untold: Option<(u32, &'static str)>,
    /// Whether only other workflows start it.
    pub called: bool,
    /// Why steps that are there do nothing, each once.
    pub idle: BTreeSet<&'static str>,
    /// The paths that start it, where their kind of pattern is not known to its last sign.
    pub paths: BTreeSet<String>,
    /// The patterns of paths that start it, in order; those that begin with `!` do not.
    pub globs: Vec<String>,
}

/// Files of pipelines that stand in the root, for their service reads no other.
const OF_ROOT: [&str; 5] = [
    ".gitlab-ci.yml",
    ".drone.yml",
    "bitbucket-pipelines.yml",
    ".travis.yml",
    ".woodpecker.yml",
];

/// Whether a file is a pipeline, by its path.
#[must_use]
pub fn is_pipeline(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    let folders = [".github/workflows/", ".circleci/", ".buildkite/", ".ci/"];
    let within = |folder: &&str| path.starts_with(*folder) || path.contains(&format!("/{folder}"));
    // A project of Azure's may have several, each of a name of its own.
    let azure = name.starts_with("azure-pipelines") || within(&".azure-pipelines/");
    (yaml && (azure || folders.iter().any(within)))
        || OF_ROOT.contains(&name)
        || matches!(name, "Jenkinsfile" | "cloudbuild.yaml")
}

/// Why nobody reads a pipeline that stands there, if so.
#[must_use]
pub fn unheard(tree: &Tree, path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if let Some((before, after)) = path.split_once(".github/workflows/") {
        return match (before.is_empty(), after.contains('/')) {
            (true, false) => None,
            (true, true) => Some("GitHub reads no folder below .github/workflows"),
            (false, _) => Some("GitHub reads .github/workflows of the root alone"),
        };
    }
    if path.starts_with(".circleci/") {
        return circleci::unheard(tree, path);
    }
    if name == ".gitlab-ci.yml" && name != path {
        return Some("no .gitlab-ci.yml of the root includes it");
    }
    let elsewhere = path.contains("/.circleci/") || (OF_ROOT.contains(&name) && name != path);
    elsewhere.then_some("its service reads the root's alone")
}

impl Pipeline {
    /// Reads one; `gitlab` where GitLab's own includes it by whatever name.
    #[must_use]
    pub fn read(tree: &Tree, file: &TextFile, gitlab: bool) -> Self {
        if file.path.ends_with("Jenkinsfile") {
            return jenkins::read(tree, &file.text);
        }
        let root = match yaml::parse(&tree.root.join(&file.path), file.text.as_bytes()) {
            Ok(root) => root,
            // Comments alone are nothing that cannot be read.
            Err(_) if crate::tree::says_nothing(&file.text) => return Self::default(),
            Err(problems) => {
                let why = problems.to_string();
                return Self {
                    unreadable: why.lines().next().map(str::to_owned),
                    ..Self::default()
                };
            }
        };
        let mut reader = Reader {
            tree,
            found: Self::default(),
            asked: false,
            depth: DEPTH,
            runs: vec![Run::default()],
            job: Rc::default(),
            followed: 0,
        };
        if file.path.contains(".github/workflows/") {
            reader.workflow(&root);
        } else if gitlab || file.path.ends_with(".gitlab-ci.yml") {
            reader.gitlab(&root);
        } else if file.path.starts_with(".circleci/") {
            reader.circleci(&root, &file.path);
        } else {
            start::restrictions(&root, &mut reader.found.paths);
            reader.begin(&root, None);
            reader.steps(&root);
        }
        reader.found
    }

    /// Whether it delivers.
    #[must_use]
    pub fn delivers(&self) -> bool {
        !self.deliveries.is_empty()
    }

    /// Whether changes of this folder alone start it, where those source files stand in it.
    #[must_use]
    pub fn is_started_by(&self, folder: &str, files: &[&str]) -> bool {
        self.paths.iter().any(|path| names(path, folder)) || starts(&self.globs, folder, files)
    }
}

/// Whether a pattern speaks of a folder.
fn names(pattern: &str, folder: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_start_matches('/');
    let rest = pattern.strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*', '.']))
}

/// Whether patterns of paths speak of a folder, and let most of its source files in.
#[must_use]
pub fn starts(globs: &[String], folder: &str, files: &[&str]) -> bool {
    let met = files.iter().filter(|file| lets_in(globs, file)).count();
    globs.iter().any(|glob| names(glob, folder)) && met > 0 && met * 2 >= files.len()
}

struct Reader<'a> {
    tree: &'a Tree,
    found: Pipeline,
    /// Whether what is read now runs for pull requests alone.
    asked: bool,
    depth: u32,
    /// The runs in which it may deliver.
    runs: Vec<Run>,
    /// The job that is read now.
    job: Rc<Job>,
    /// Steps of CircleCI's that were followed.
    followed: u32,
}

impl Reader<'_> {
    /// A workflow of GitHub's.
    fn workflow(&mut self, root: &Node) {
        let found = &mut self.found;
        let start = start::of_workflow(root, &mut found.paths, &mut found.globs);
        let Some((start, runs)) = start else {
            self.found.idle.insert("no event starts it");
            self.found.has_steps = true;
            return;
        };
        self.found.called = start == start::Start::Called;
        self.asked = start == start::Start::Asked;
        self.runs = runs;
        self.jobs(root);
    }

    fn jobs(&mut self, root: &Node) {
        let jobs = root.get("jobs").map(Node::entries).unwrap_or_default();
        let mut off: BTreeSet<&str> = jobs
            .iter()
            .filter(|(_, job)| start::is_off(job, &self.runs) || has_no_matrix(job))
            .map(|(name, _)| name.text.as_str())
            .collect();
        // What needs a job that never runs is not run either.
        loop {
            let needs_one = |job: &Node| {
                let needs = job.get("needs").map(texts).unwrap_or_default();
                let always = job.get("if").and_then(Node::text).unwrap_or_default();
                let gone = |need: &String| !jobs.iter().any(|(name, _)| name.text == *need);
                let off = |need: &String| off.contains(need.as_str());
                needs.iter().any(gone) || (!always.contains("always()") && needs.iter().any(off))
            };
            let more: Vec<&str> = jobs
                .iter()
                .filter(|(name, job)| !off.contains(name.text.as_str()) && needs_one(job))
                .map(|(name, _)| name.text.as_str())
                .collect();
            if more.is_empty() {
                break;
            }
            off.extend(more);
        }
        for (name, job) in jobs {
            if off.contains(name.text.as_str()) {
                self.off("is switched off");
            } else {
                let around = std::mem::take(&mut self.job);
                let mut said = around.said.to_string();
                for node in ["env", "defaults"].iter().filter_map(|key| root.get(key)) {
                    say(node, &mut said);
                }
                say(job, &mut said);
                self.job = Rc::new(Job {
                    said: said.into(),
                    changes: None,
                });
                self.steps(job);
                self.job = around;
            }
        }
    }

    /// What is read next is of this job.
    fn begin(&mut self, job: &Node, changes: Option<&Vec<String>>) {
        let mut said = String::new();
        say(job, &mut said);
        self.job = Rc::new(Job {
            said: said.into(),
            changes: changes.cloned(),
        });
    }

    fn off(&mut self, why: &'static str) {
        self.found.has_steps = true;
        self.found.idle.insert(why);
    }

    /// All steps below a node.
    fn steps(&mut self, node: &Node) {
        node.items().iter().for_each(|item| self.steps(item));
        let asks = start::is_asked(node);
        if !asks && start::is_off(node, &self.runs) {
            return self.off("is switched off");
        }
        let around = self.asked;
        self.asked |= asks;
        for (key, value) in node.entries() {
            let key_text = key.text.as_str();
            if SCRIPTS.contains(&key_text)
                && (value.as_str().is_some() || !value.items().is_empty())
            {
                match of_shell(node) {
                    true => self.script(value),
                    false => self.does(Deed::Works, value.place.line),
                }
            } else if matches!(key_text, "uses" | "pipe" | "task") {
                if let Some(name) = value.text() {
                    let with = ["with", "variables", "inputs"]
                        .iter()
                        .find_map(|it| node.get(it));
                    self.action(&name, with, value.place.line);
                }
            } else if key_text == "provider"
                || (key_text == "trigger" && value.get("project").is_some())
            {
                // Travis' deployments; GitLab's pipelines of other projects.
                let deed = if key_text == "provider" {
                    Deed::Delivers
                } else {
                    Deed::Works
                };
                self.does(deed, key.place.line);
            } else if key_text == "args" && node.get("name").is_some() && !value.items().is_empty()
            {
                // Cloud Build: the builder's name, and its words.
                let builder = node.get("name").and_then(Node::text).unwrap_or_default();
                let program = builder.rsplit('/').next().unwrap_or_default();
                let program = program.split(':').next().unwrap_or_default();
                let line = format!("{program} {}", texts(value).join(" "));
                let (deed, _) = deed(self.tree, &line);
                self.does(deed, value.place.line);
            } else if !OTHERS.contains(&key_text) && !matches!(key_text, "with" | "on" | "inputs") {
                self.steps(value);
            }
        }
        self.asked = around;
    }

    fn script(&mut self, value: &Node) {
        let scripts: Vec<&Node> = match value.as_str() {
            Some(_) => vec![value],
            None => value.items().iter().collect(),
        };
        for node in scripts {
            let Some(script) = node.as_str() else {
                // A step of a mapping among those of text.
                self.steps(node);
                continue;
            };
            let (deed, line) = deed(self.tree, script);
            if deed == Deed::Nothing {
                let nothing = script.lines().all(|line| {
                    let line = line.trim_start();
                    line.is_empty() || line.starts_with('#')
                });
                self.found.idle.insert(match nothing {
                    true => "holds comments only",
                    false => "runs nothing but what prints, or what never comes to run",
                });
            }
            self.does(deed, node.place.line + line);
        }
    }

    fn does(&mut self, deed: Deed, line: u32) {
        self.found.note(deed, line, self.asked, &self.job);
    }
}

impl Pipeline {
    fn note(&mut self, deed: Deed, line: u32, asked: bool, job: &Job) {
        self.has_steps = true;
        if deed >= Deed::Works {
            self.works = self.works.or(Some(line));
        }
        if deed == Deed::Delivers && asked {
            self.only_asked = true;
        } else if deed == Deed::Delivers {
            self.deliveries.push(Delivery {
                line,
                said: Rc::clone(&job.said),
                changes: job.changes.clone(),
            });
        }
    }
}

/// A text, or the texts of a list.
fn texts(node: &Node) -> Vec<String> {
    match node.as_str() {
        Some(text) => vec![text.to_owned()],
        None => node.items().iter().filter_map(Node::text).collect(),
    }
}
