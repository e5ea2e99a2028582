//! A pipeline of CI: what starts it, which paths it is restricted to, and what its steps really do.
//! Read as YAML (GitHub, GitLab, CircleCI, Azure, Buildkite, Drone, Bitbucket, Travis, Cloud Build,
//! Woodpecker) or, a Jenkinsfile, by its `sh` steps. Steps and jobs that are switched off by a
//! constant, and jobs that need one, do nothing.

use std::collections::BTreeSet;

use msvc_system::yaml::{self, Node};

use crate::delivery::{Deed, deed, is_named};
use crate::tree::{TextFile, Tree};

mod jenkins;
mod start;
#[cfg(test)]
mod tests;

/// Local actions and workflows that call others are followed so far.
const DEPTH: u32 = 3;

/// Keys whose text is a script.
const SCRIPTS: [&str; 12] = [
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
/// Steps of others that only prepare.
const PREPARE: [&str; 5] = ["checkout", "setup", "cache", "login", "configure"];

/// What a pipeline does.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    /// Why it cannot be read.
    pub unreadable: Option<String>,
    /// Whether it has any step at all.
    pub has_steps: bool,
    /// The line of its first step that does something.
    pub works: Option<u32>,
    /// The line of its first step that delivers.
    pub delivers: Option<u32>,
    /// Whether a step would deliver, but only runs for pull requests.
    pub only_asked: bool,
    /// Whether only other workflows start it.
    pub called: bool,
    /// Why steps that are there do nothing, each once.
    pub idle: BTreeSet<&'static str>,
    /// The paths that start it.
    pub paths: BTreeSet<String>,
}

/// Whether a file is a pipeline, by its path.
#[must_use]
pub fn is_pipeline(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    let folders = [".github/workflows/", ".circleci/", ".buildkite/", ".ci/"];
    let within = |folder: &&str| path.starts_with(*folder) || path.contains(&format!("/{folder}"));
    (yaml && folders.iter().any(within))
        || matches!(
            name,
            ".gitlab-ci.yml"
                | "Jenkinsfile"
                | "azure-pipelines.yml"
                | ".drone.yml"
                | "bitbucket-pipelines.yml"
                | ".travis.yml"
                | "cloudbuild.yaml"
                | ".woodpecker.yml"
        )
}

impl Pipeline {
    /// Reads one.
    #[must_use]
    pub fn read(tree: &Tree, file: &TextFile) -> Self {
        if file.path.ends_with("Jenkinsfile") {
            return jenkins::read(tree, &file.text);
        }
        let root = match yaml::parse(&tree.root.join(&file.path), file.text.as_bytes()) {
            Ok(root) => root,
            // Comments alone are nothing that cannot be read.
            Err(_) if crate::tree::says_nothing(&file.text) => return Self::default(),
            Err(problems) => {
                let why = problems.to_string();
                let why = why.lines().next().unwrap_or_default().to_owned();
                return Self {
                    unreadable: Some(why),
                    ..Self::default()
                };
            }
        };
        let mut reader = Reader {
            tree,
            found: Self::default(),
            asked: false,
            depth: DEPTH,
        };
        if file.path.contains(".github/workflows/") {
            reader.workflow(&root);
        } else if file.path.ends_with(".gitlab-ci.yml") {
            reader.gitlab(&root);
        } else {
            start::restrictions(&root, &mut reader.found.paths);
            reader.steps(&root);
        }
        reader.found
    }

    /// Whether changes of this folder alone start it.
    #[must_use]
    pub fn is_started_by(&self, folder: &str) -> bool {
        self.paths.iter().any(|path| {
            let path = path.trim_start_matches("./").trim_start_matches('/');
            let rest = path.strip_prefix(folder);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*', '.']))
        })
    }
}

struct Reader<'a> {
    tree: &'a Tree,
    found: Pipeline,
    /// Whether what is read now runs for pull requests alone.
    asked: bool,
    depth: u32,
}

impl Reader<'_> {
    /// A workflow of GitHub's.
    fn workflow(&mut self, root: &Node) {
        let Some(start) = start::of_workflow(root, &mut self.found.paths) else {
            self.found.idle.insert("no event starts it");
            self.found.has_steps = true;
            return;
        };
        self.found.called = start == start::Start::Called;
        self.asked = start == start::Start::Asked;
        self.jobs(root);
    }

    fn jobs(&mut self, root: &Node) {
        let jobs = root.get("jobs").map(Node::entries).unwrap_or_default();
        let mut off: BTreeSet<&str> = jobs
            .iter()
            .filter(|(_, job)| start::is_off(job))
            .map(|(name, _)| name.text.as_str())
            .collect();
        // What needs a job that never runs is not run either.
        loop {
            let needs_one = |job: &Node| {
                let needs = job.get("needs").map(texts).unwrap_or_default();
                let always = job.get("if").and_then(Node::text).unwrap_or_default();
                !always.contains("always()") && needs.iter().any(|need| off.contains(need.as_str()))
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
                self.off();
            } else {
                self.steps(job);
            }
        }
    }

    /// GitLab's jobs stand at the top; hidden ones run where another takes them over.
    fn gitlab(&mut self, root: &Node) {
        start::restrictions(root, &mut self.found.paths);
        let jobs = root.entries();
        let extended: BTreeSet<String> = jobs
            .iter()
            .filter_map(|(_, job)| job.get("extends"))
            .flat_map(texts)
            .collect();
        for (name, job) in jobs {
            if !name.text.starts_with('.') || extended.contains(&name.text) {
                self.steps(job);
            }
        }
    }

    fn off(&mut self) {
        self.found.has_steps = true;
        self.found.idle.insert("is switched off");
    }

    /// All steps below a node.
    fn steps(&mut self, node: &Node) {
        node.items().iter().for_each(|item| self.steps(item));
        if start::is_off(node) {
            return self.off();
        }
        let around = self.asked;
        self.asked |= start::is_asked(node);
        for (key, value) in node.entries() {
            let key_text = key.text.as_str();
            if SCRIPTS.contains(&key_text)
                && (value.as_str().is_some() || !value.items().is_empty())
            {
                self.script(value);
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
            } else if key_text == "steps" {
                // CircleCI's may be names alone.
                for item in value.items() {
                    if let Some(step) = item.as_str() {
                        self.action(step, None, item.place.line);
                    }
                }
                self.steps(value);
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

    /// A step that somebody else wrote, or that the repository keeps elsewhere.
    fn action(&mut self, name: &str, with: Option<&Node>, line: u32) {
        self.found.has_steps = true;
        if let Some(path) = name.strip_prefix("./") {
            return self.local(path, line);
        }
        let bare = name.split('@').next().unwrap_or(name).to_lowercase();
        let own = bare.rsplit('/').next().unwrap_or(&bare);
        let says = |key: &str| with.and_then(|with| with.get(key)).and_then(Node::text);
        let pushes = says("push").is_some_and(|push| push.trim() != "false" && !push.is_empty());
        let told = ["command", "args"].iter().filter_map(|key| says(key));
        let told = told
            .map(|it| it.to_lowercase())
            .any(|it| is_named(&it) || it.ends_with("push"));
        let builds = own.contains("build-push") || own.contains("build-and-push");
        let delivers = match builds {
            true => pushes || with.is_none() || own.contains("image"),
            false => (is_named(&bare) && !own.contains("artifact")) || told,
        };
        if delivers {
            self.does(Deed::Delivers, line);
        } else if PREPARE.iter().any(|word| own.starts_with(word)) {
            self.found.idle.insert("only prepares");
        } else {
            self.does(Deed::Works, line);
        }
    }

    fn local(&mut self, path: &str, line: u32) {
        let names = [
            path.to_owned(),
            format!("{path}/action.yml"),
            format!("{path}/action.yaml"),
        ];
        let file = names.iter().find_map(|name| self.tree.text(name));
        let root = file.and_then(|file| {
            yaml::parse(&self.tree.root.join(&file.path), file.text.as_bytes()).ok()
        });
        let Some((root, depth)) = root.zip(self.depth.checked_sub(1)) else {
            self.found.idle.insert("calls what is not there");
            return;
        };
        let mut inner = Reader {
            tree: self.tree,
            found: Pipeline::default(),
            asked: self.asked,
            depth,
        };
        if root.get("jobs").is_some() {
            inner.jobs(&root);
        } else if let Some(runs) = root.get("runs") {
            inner.steps(runs);
            // A program of its own: what it does cannot be told.
            if runs.get("main").is_some() || runs.get("image").is_some() {
                inner.does(Deed::Works, line);
            }
        }
        let Pipeline {
            works,
            delivers,
            only_asked,
            idle,
            ..
        } = inner.found;
        self.found.works = self.found.works.or(works.map(|_| line));
        self.found.delivers = self.found.delivers.or(delivers.map(|_| line));
        self.found.only_asked |= only_asked;
        self.found.idle.extend(idle);
    }

    fn does(&mut self, deed: Deed, line: u32) {
        self.found.note(deed, line, self.asked);
    }
}

impl Pipeline {
    fn note(&mut self, deed: Deed, line: u32, asked: bool) {
        self.has_steps = true;
        if deed >= Deed::Works {
            self.works = self.works.or(Some(line));
        }
        if deed == Deed::Delivers && asked {
            self.only_asked = true;
        } else if deed == Deed::Delivers {
            self.delivers = self.delivers.or(Some(line));
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
