//! `extends`: a service takes what another one says, of this file or of another, and lays its own
//! over it by the rules of [`crate::merge`].
//!
//! What comes in: the tree of one file in long form. What leaves: the same without `extends`;
//! relative paths of another file's services start at that file's folder. Circles, missing
//! services and files are reported where `extends` stands. What must not enter: the order of
//! several files; `include`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::canonical::{self, Variables, WHOLE_FILE};
use crate::fields::{SERVICE, Shape};
use crate::files::Files;
use crate::git_source::{self, Found};
use crate::interpolate::Interpolation;
use crate::load::sources::documents;
use crate::merge;
use crate::paths::{self, Base};
use crate::problem::{Place, Problem, Problems, nearest};
use crate::shown_path::shown_path;
use crate::yaml::{MAX_NODES, Node, NodeValue, shorten};

/// The shape of a service.
static A_SERVICE: Shape = Shape::level(&SERVICE);
/// Services that one may extend through others.
const MAX_CHAIN: usize = 50;

/// What other files are read with.
pub(crate) struct Extending<'a, 'e> {
    /// How files are read.
    pub(crate) files: &'a Files,
    /// Where places are shown from.
    pub(crate) shown_from: &'a Path,
    /// What replaces variables.
    pub(crate) interpolation: Interpolation<'e>,
    /// Whether they are to be.
    variables: Variables,
    /// The home folder, where it is known.
    home: Option<String>,
    /// Other files' trees, in long form, once read; `None` when they cannot be.
    read: HashMap<PathBuf, Option<Rc<Node>>>,
    /// Nodes made so far.
    nodes: usize,
}

impl<'a, 'e> Extending<'a, 'e> {
    pub(crate) fn new(
        files: &'a Files,
        shown_from: &'a Path,
        interpolation: Interpolation<'e>,
        variables: Variables,
        home: Option<&str>,
    ) -> Self {
        Self {
            files,
            shown_from,
            interpolation,
            variables,
            home: home.map(str::to_owned),
            read: HashMap::new(),
            nodes: 0,
        }
    }

    /// Resolves every `extends` of a tree that stands in `folder`.
    pub(crate) fn resolve(
        &mut self,
        tree: &mut Node,
        file: &Path,
        folder: &Path,
        problems: &mut Problems,
    ) {
        let services = tree.entries_of("services");
        let extending: Vec<String> = services
            .iter()
            .filter(|(_, service)| service.get("extends").is_some())
            .map(|(key, _)| key.text.clone())
            .collect();
        if extending.is_empty() {
            return;
        }
        let original = tree.clone();
        for name in extending {
            let mut chain = vec![(file.to_path_buf(), name.clone())];
            let resolved = match self.service(&original, &name, folder, &mut chain, problems) {
                Ok(resolved) => resolved,
                Err(problem) => {
                    problems.push(problem);
                    let services = tree.get_mut("services");
                    if let Some(service) = services.and_then(|all| all.get_mut(&name)) {
                        told(service);
                    }
                    continue;
                }
            };
            if let Some(slot) = tree.get_mut("services").and_then(|all| all.get_mut(&name)) {
                *slot = resolved;
            }
        }
    }

    /// One service with everything that it extends.
    fn service(
        &mut self,
        tree: &Node,
        name: &str,
        folder: &Path,
        chain: &mut Vec<(PathBuf, String)>,
        problems: &mut Problems,
    ) -> Result<Node, Problem> {
        let Some(mut service) = tree.get("services").and_then(|all| all.get(name)).cloned() else {
            // Only the first one is not looked up by somebody who reports it.
            return Err(Problem::error(format!("no service `{}`", shorten(name))));
        };
        let Some(extends) = service.remove("extends") else {
            return Ok(service);
        };
        let place = extends.place.clone();
        let wanted = extends.as_str().map(str::to_owned);
        let wanted = wanted
            .or_else(|| extends.get("service").and_then(Node::text))
            .filter(|name| !name.is_empty());
        let wanted = wanted.ok_or_else(|| {
            Problem::error("`extends` does not say which `service`").at(place.clone())
        })?;
        let named = extends.get("file").and_then(Node::as_str);
        let other = match named {
            Some(file) => Some(git_source::file(file, folder, self.files, &place)?),
            None => None,
        };
        let file = match (&other, chain.last()) {
            (Some(other), _) => other.file.clone(),
            (None, Some((file, _))) => file.clone(),
            (None, None) => PathBuf::new(),
        };
        follow(chain, (file.clone(), wanted.clone()), &place)?;
        let base = match other {
            None => {
                exists(tree, &wanted, &place)?;
                self.service(tree, &wanted, folder, chain, problems)?
            }
            Some(Found { file, root }) => {
                let inner = root;
                let tree = self.file(&file, &place, problems)?;
                exists(&tree, &wanted, &place)?;
                let mut base = self.service(&tree, &wanted, &inner, chain, problems)?;
                let home = self.home.as_deref();
                let folder = &inner;
                paths::of_service(&mut base, &Base { folder, home }, problems);
                base
            }
        };
        chain.pop();
        let mut at = vec!["services".to_owned(), name.to_owned()];
        let merged = merge::over(base, service, &A_SERVICE, &mut at, problems);
        self.nodes = self.nodes.saturating_add(merged.count());
        if self.nodes > MAX_NODES {
            return Err(Problem::error(format!(
                "with `extends` followed the services have more than {MAX_NODES} nodes"
            ))
            .at(place));
        }
        Ok(merged)
    }

    /// The tree of another file.
    fn file(
        &mut self,
        path: &Path,
        place: &Place,
        problems: &mut Problems,
    ) -> Result<Rc<Node>, Problem> {
        let failed = || {
            Problem::error(format!(
                "the extended file {} cannot be used",
                path.display()
            ))
            .at(place.clone())
        };
        if let Some(read) = self.read.get(path) {
            return read.clone().ok_or_else(failed);
        }
        self.read.insert(path.to_path_buf(), None);
        let bytes = self.files.read(path).map_err(|error| {
            Problem::error(format!(
                "the extended file {} cannot be read: {error}",
                path.display()
            ))
            .at(place.clone())
        })?;
        let shown = shown_path(path, self.shown_from);
        let documents = match documents(&shown, &bytes) {
            Ok(documents) => documents,
            Err(found) => {
                problems.0.extend(found.0);
                return Err(failed());
            }
        };
        let mut merged: Option<Node> = None;
        for mut tree in documents {
            if self.variables == Variables::Replaced {
                self.interpolation.tree(&mut tree, &WHOLE_FILE, problems);
            }
            let mut tree = match merged.take() {
                None => tree,
                Some(earlier) => merge::over(earlier, tree, &WHOLE_FILE, &mut Vec::new(), problems),
            };
            canonical::lengthen(&mut tree, self.variables, problems);
            merged = Some(tree);
        }
        let tree = Rc::new(merged.unwrap_or_else(|| nothing(&shown)));
        self.read.insert(path.to_path_buf(), Some(Rc::clone(&tree)));
        Ok(tree)
    }
}

/// What a file says that has no document.
fn nothing(shown: &Path) -> Node {
    let place = Place {
        file: shown.to_path_buf(),
        line: 1,
        column: 1,
    };
    Node::new(place, NodeValue::Map(Vec::new()))
}

/// Leaves of a wrong `extends` only that there is one, so that nobody misses what it would have given.
fn told(service: &mut Node) {
    if let Some(extends) = service.get_mut("extends") {
        extends.value = NodeValue::String(String::new());
    }
}

/// Adds a service to the chain, unless it is in it.
fn follow(
    chain: &mut Vec<(PathBuf, String)>,
    next: (PathBuf, String),
    place: &Place,
) -> Result<(), Problem> {
    let circle = chain.contains(&next);
    chain.push(next);
    if circle || chain.len() > MAX_CHAIN {
        let names: Vec<&str> = chain.iter().map(|(_, name)| name.as_str()).collect();
        let what = if circle {
            "services extend each other in a circle"
        } else {
            "services extend each other too often"
        };
        return Err(
            Problem::error(format!("{what}: {}", shorten(&names.join(" -> ")))).at(place.clone()),
        );
    }
    Ok(())
}

fn exists(tree: &Node, name: &str, place: &Place) -> Result<(), Problem> {
    let services = tree.entries_of("services");
    if services.iter().any(|(key, _)| key.text == name) {
        return Ok(());
    }
    let file = &tree.place.file;
    let what = format!(
        "`extends` names the service `{}`, which {} does not have",
        shorten(name),
        file.display()
    );
    let problem = Problem::error(what).at(place.clone());
    Err(
        match nearest(name, services.iter().map(|(key, _)| key.text.as_str())) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem,
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::load::testing::{load_files, request};

    fn resolved(files: &[(&str, &str)]) -> Result<serde_json::Value, String> {
        let loaded = load_files(&request(), files).map_err(|problems| problems.to_string())?;
        Ok(loaded.resolved["services"]["a"].clone())
    }

    #[test]
    fn a_service_lays_its_own_over_what_it_extends() {
        let same = "services:\n  a: {extends: b, environment: {Y: 2}, expose: ['2']}\n  b: {extends: {service: c}, expose: ['1'], command: x}\n  c: {image: c, environment: [X=1, Y=1], command: y}\n";
        assert_eq!(
            resolved(&[("compose.yaml", same)]).unwrap(),
            serde_json::json!({"image": "c", "environment": {"X": "1", "Y": "2"}, "command": "x", "expose": ["1", "2"]})
        );
    }

    #[test]
    fn paths_of_another_file_start_at_its_folder() {
        let other = "services:\n  base: {build: ., env_file: [e.env], label_file: l.env, volumes: ['./d:/d']}\n";
        let files = [
            (
                "compose.yaml",
                "services: {a: {extends: {file: sub/base.yaml, service: base}}}\nvolumes: {v: }\n",
            ),
            ("sub/base.yaml", other),
            ("sub/e.env", "A=1\n"),
            ("sub/l.env", "a=1\n"),
        ];
        assert_eq!(
            resolved(&files).unwrap(),
            serde_json::json!({"build": {"context": "/system/sub"}, "env_file": [{"path": "/system/sub/e.env", "required": true}], "label_file": ["/system/sub/l.env"], "volumes": [{"type": "bind", "source": "/system/sub/d", "target": "/d", "bind": {"create_host_path": true}}]})
        );
    }

    #[test]
    fn circles_and_missing_bases_are_named() {
        for (text, wanted) in [
            (
                "a: {extends: b}\n  b: {extends: a}",
                "compose.yaml:3:16: services extend each other in a circle: a -> b -> a",
            ),
            (
                "a: {image: a, extends: {service: web}}\n  wb: {image: b}",
                "compose.yaml:2:26: `extends` names the service `web`, which compose.yaml does not have (did you mean `wb`?)",
            ),
            (
                "a: {image: a, extends: {service: b, file: no.yaml}}",
                "compose.yaml:2:26: the extended file /system/no.yaml cannot be read: no such file",
            ),
            (
                "a: {image: a, extends: {file: no.yaml}}",
                "compose.yaml:2:26: `extends` does not say which `service`",
            ),
        ] {
            let problems =
                resolved(&[("compose.yaml", &format!("services:\n  {text}\n"))]).unwrap_err();
            assert!(problems.contains(wanted), "{problems}");
        }
    }

    #[test]
    fn long_chains_do_not_multiply() {
        let keys: String = (0..3000).map(|i| format!("K{i}: v, ")).collect();
        let mut text = format!("services:\n  s0: {{image: a, environment: {{{keys}}}}}\n");
        for i in 1..200 {
            text.push_str(&format!("  s{i}: {{extends: s{}}}\n", (i - 1) % 40));
        }
        assert!(
            resolved(&[("compose.yaml", &text)])
                .unwrap_err()
                .contains("more than 250000 nodes")
        );
    }
}
