//! Steps that somebody else wrote, or that the repository keeps elsewhere.

use msvc_system::yaml::{self, Node};

use super::condition::holds;
use super::{Pipeline, Reader};
use crate::delivery::{Deed, has_folder, is_named};

/// Steps of others that only prepare.
const PREPARE: [&str; 5] = ["checkout", "setup", "cache", "login", "configure"];

impl Reader<'_> {
    /// One of those, with what it is told.
    pub(super) fn action(&mut self, name: &str, with: Option<&Node>, line: u32) {
        self.found.has_steps = true;
        if let Some(path) = name.strip_prefix("./") {
            return self.local(path, line);
        }
        let bare = name.split('@').next().unwrap_or(name).to_lowercase();
        let own = bare.rsplit('/').next().unwrap_or(&bare);
        let says = |key: &str| with.and_then(|with| with.get(key)).and_then(Node::text);
        let told = ["command", "args"].iter().filter_map(|key| says(key));
        let told = told
            .map(|it| it.to_lowercase())
            .any(|it| is_named(&it) || it.ends_with("push"));
        let builds = own.contains("build-push") || own.contains("build-and-push");
        let delivers = match builds {
            true => self.pushes(&bare, with),
            false => (is_named(&bare) && !own.contains("artifact")) || told,
        };
        if delivers {
            self.does(Deed::Delivers, line);
        } else if name.contains("/.github/workflows/") {
            let what = "calls a workflow of another repository, which cannot be read here";
            self.found.untold = self.found.untold.or(Some((line, what)));
            self.does(Deed::Works, line);
        } else if PREPARE.iter().any(|word| own.starts_with(word)) {
            self.found.idle.insert("only prepares");
        } else {
            self.does(Deed::Works, line);
        }
    }

    /// Whether an action that builds an image pushes it too. Docker's own does so only when it is
    /// told to, and only what it can build.
    fn pushes(&self, name: &str, with: Option<&Node>) -> bool {
        let says = |key: &str| with.and_then(|with| with.get(key)).and_then(Node::text);
        if says("context").is_some_and(|folder| !has_folder(self.tree, &folder)) {
            return false;
        }
        let outputs = says("outputs").unwrap_or_default();
        if outputs.contains("type=registry") || outputs.contains("push=true") {
            return true;
        }
        match says("push").filter(|push| !push.trim().is_empty()) {
            Some(push) => {
                let is_false = |run| holds(&push, run) == Some(false);
                !self.runs.iter().all(is_false) && !super::start::asks(&push)
            }
            None => name != "docker/build-push-action",
        }
    }

    fn local(&mut self, path: &str, line: u32) {
        let path = path.trim_end_matches('/');
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
            runs: self.runs.clone(),
            job: self.job.clone(),
            followed: 0,
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
            deliveries,
            only_asked,
            untold,
            idle,
            ..
        } = inner.found;
        let untold = untold.map(|(_, what)| (line, what));
        self.found.untold = self.found.untold.or(untold);
        self.found.works = self.found.works.or(works.map(|_| line));
        let said = |it: super::Delivery| super::Delivery {
            line,
            // What the caller tells it says more of whose it is.
            said: format!("{} {}", self.job.said, it.said).into(),
            ..it
        };
        let deliveries = deliveries.into_iter().map(said).collect::<Vec<_>>();
        self.found.deliveries.extend(deliveries);
        self.found.only_asked |= only_asked;
        self.found.idle.extend(idle);
    }
}
