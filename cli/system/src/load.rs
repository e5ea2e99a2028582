//! Loading a system, in named steps. Of each file: find, read, `.env`, name, interpolate, `extends`,
//! `include`, merge, fields, long forms ([`model`]); then of all: defaults, paths, contradictions,
//! profiles, normal form, typed values, `x-msvc`, references, edges.
//!
//! What comes in: a [`LoadRequest`] and the [`Files`] to read with. What leaves: a [`Loaded`]
//! system with its warnings, or every problem found. Steps go on after a problem as long as what
//! they would say still means something. What must not enter: effects other than reading through
//! [`Files`]; the process's own environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::Value;

use crate::canonical::Variables;
use crate::files::Files;
use crate::id::{MESH, ProjectName, ServiceName};
use crate::interpolate::variables::{self, Variable};
use crate::model::System;
use crate::problem::{Problem, Problems};
use crate::typed::{self, Context};
use crate::yaml::{Key, Node, NodeValue};
use crate::{consistency, edges, normal_form, profiles, references, xmsvc};
use model::Loading;

mod find;
mod hash;
pub(crate) mod model;
mod name;
mod sources;
#[cfg(test)]
pub(crate) mod testing;

pub use sources::sources_of;

/// What to load.
#[derive(Debug, Clone, Default)]
pub struct LoadRequest {
    /// The working directory, or `-C`; absolute.
    pub directory: PathBuf,
    /// The folder from which places name files, absolute; `directory` where not given.
    pub shown_from: Option<PathBuf>,
    /// `-f`, in order; empty to look for Compose's own names.
    pub files: Vec<PathBuf>,
    /// `--project-directory`: where relative paths of the files start, absolute; else the first
    /// file's folder.
    pub project_directory: Option<PathBuf>,
    /// `--env-file`, in order, instead of `.env`.
    pub env_files: Vec<PathBuf>,
    /// `-p`.
    pub project: Option<String>,
    /// `--profile`; `*` is all of them.
    pub profiles: Vec<String>,
    /// Services that are asked for by name: they run whatever their profiles.
    pub named: Vec<String>,
    /// The caller's environment.
    pub environment: BTreeMap<String, String>,
    /// Unknown keys are warnings.
    pub lenient: bool,
    /// Steps that are left out.
    pub without: Without,
    /// `compose.msvc.yaml` is not read, and every `x-msvc` is left out.
    pub without_msvc: bool,
}

/// Steps that are left out, for who wants to see what a file says before them.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Without {
    /// Variables stay as they are written.
    pub interpolation: bool,
    /// Relative paths stay as they are written.
    pub paths: bool,
    /// What is not written is not added.
    pub normalization: bool,
    /// Files of `env_file` and `label_file` are not read.
    pub settings: bool,
    /// What contradicts itself passes.
    pub consistency: bool,
}

/// A loaded system.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The system.
    pub system: System,
    /// What the user should know, sorted by place.
    pub warnings: Vec<Problem>,
    /// The resolved Compose file: merged, interpolated, in long form, dollar signs escaped, so that
    /// it loads to the same again.
    pub resolved: serde_json::Value,
}

impl LoadRequest {
    fn shown_from(&self) -> &Path {
        self.shown_from.as_deref().unwrap_or(&self.directory)
    }
}

/// What the files of a project say, before anybody makes a system of it.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What it is called.
    pub project: ProjectName,
    /// The files it was read from, first one first.
    pub files: Vec<PathBuf>,
    /// The project directory.
    pub root: PathBuf,
    /// What is set for interpolation: the caller's environment over `.env`.
    pub environment: BTreeMap<String, String>,
    /// Docker Compose's normal form of all of it: every service, whatever its profiles.
    pub normal: serde_json::Map<String, Value>,
    /// The services that run, by their profiles.
    pub running: BTreeSet<String>,
    /// All files as one tree, in long form.
    tree: Node,
    resting: IndexMap<ServiceName, Vec<String>>,
}

/// Loads a system.
///
/// # Errors
/// Every problem found, each with file, line and column where a file is to blame.
pub fn load(request: &LoadRequest, files: &Files) -> Result<Loaded, Problems> {
    let mut problems = Problems::default();
    let loaded = resolve_into(request, files, &mut problems)
        .and_then(|resolved| system(request, files, resolved, &mut problems));
    let problems = problems.settled(files, request.shown_from());
    match loaded {
        Some(loaded) if !problems.has_errors() => Ok(Loaded {
            warnings: problems.0,
            ..loaded
        }),
        _ => Err(problems),
    }
}

/// Reads what the files of a project say, and what is to be told of it.
///
/// # Errors
/// As [`load`], but for what only a system must have.
pub fn resolve(request: &LoadRequest, files: &Files) -> Result<(Resolved, Vec<Problem>), Problems> {
    let mut problems = Problems::default();
    let resolved = resolve_into(request, files, &mut problems);
    let problems = problems.settled(files, request.shown_from());
    match resolved {
        Some(resolved) if !problems.has_errors() => Ok((resolved, problems.0)),
        _ => Err(problems),
    }
}

/// `None` when a step failed that the next ones need.
fn resolve_into(request: &LoadRequest, files: &Files, problems: &mut Problems) -> Option<Resolved> {
    let sources = sources::sources(request, files, problems)?;
    let sources::Sources {
        paths,
        root,
        mut environment,
    } = sources;
    let trees = sources::read(&paths, None, request.shown_from(), files, problems)?;
    let project = or_report(
        name::name(request.project.as_deref(), &environment, &trees, &root),
        problems,
    )?;
    environment.insert("COMPOSE_PROJECT_NAME".to_owned(), project.to_string());
    let mut loading = Loading {
        files,
        shown_from: request.shown_from(),
        lenient: request.lenient,
        variables: if request.without.interpolation {
            Variables::Written
        } else {
            Variables::Replaced
        },
        resolves_paths: !request.without.paths,
        way: paths.first().cloned().into_iter().collect(),
        nodes: 0,
    };
    let tree = loading.model_of(trees, &paths, &root, &environment, problems)?;
    let (told, before) = (problems.places(), problems.0.len());
    let mut tree = named(tree, &project);
    if request.without_msvc {
        forget_msvc(&mut tree);
    }
    consistency::declared(&tree, problems);
    let asked = profiles_asked(request, &environment);
    let (running, resting) = profiles::select(&tree, &asked, &request.named, problems);
    if request.without.interpolation {
        // A text that holds a variable is no number yet.
        let normal = serde_json::Map::new();
        return Some(Resolved {
            project,
            files: paths,
            root,
            environment,
            normal,
            running,
            tree,
            resting,
        });
    }
    let mut normal = normal_form::project(&tree, problems);
    if !request.without.normalization {
        normal_form::normalize::normalize(&mut normal, &tree, project.as_str(), &environment);
    }
    if !request.without.consistency {
        consistency::services(&tree, |name| running.contains(name), problems);
    }
    if !request.without.settings {
        let context = Context::new(&root, request.shown_from(), &environment, files, &tree);
        normal_form::settings::fill(&mut normal, &running, &context, problems);
    }
    problems.forget_echoes(before, &told);
    Some(Resolved {
        project,
        files: paths,
        root,
        environment,
        normal,
        running,
        tree,
        resting,
    })
}

impl Resolved {
    /// Docker Compose's normal form of the services that run, or of those named and what they
    /// need; with everything that is declared where `all` is asked for, else what these use.
    ///
    /// # Errors
    /// The name that no service has.
    pub fn config(&self, named: &[String], all: bool) -> Result<Value, String> {
        let mut project = self.normal.clone();
        normal_form::selection::keep(&mut project, |name| self.running.contains(name), true);
        let kept = if named.is_empty() {
            self.running.clone()
        } else {
            let kept = normal_form::selection::with_dependencies(&project, named)?;
            normal_form::selection::forget_others(&mut project, &kept);
            kept
        };
        normal_form::selection::keep(&mut project, |name| kept.contains(name), all);
        // Docker Compose's JSON goes without them.
        project.shift_remove("models");
        project.sort_keys();
        Ok(Value::Object(project))
    }

    /// The names of all services, whether they run or not.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        let services = self.tree.get("services").map(Node::entries);
        let services = services.unwrap_or_default().iter();
        services.map(|(key, _)| key.text.as_str())
    }

    /// The profiles that services name, each once, sorted.
    #[must_use]
    pub fn profiles(&self) -> Vec<String> {
        let services = self.tree.get("services").map(Node::entries);
        let services = services.unwrap_or_default().iter();
        let named = services.filter_map(|(_, service)| service.get("profiles"));
        let named: BTreeSet<String> = named
            .flat_map(|profiles| profiles.items().iter().filter_map(Node::text))
            .collect();
        named.into_iter().collect()
    }

    /// The models that are declared, by what they are.
    #[must_use]
    pub fn models(&self) -> Vec<String> {
        let models = self.tree.get("models").map(Node::entries);
        let models = models.unwrap_or_default().iter();
        models
            .filter_map(|(_, model)| model.get("model")?.text())
            .collect()
    }

    /// The variables that stand in the tree, sorted by name, once each. There are none but where
    /// [`Without::interpolation`] leaves them.
    #[must_use]
    pub fn variables(&self) -> Vec<Variable> {
        let mut found = BTreeMap::new();
        variables::of_node(&self.tree, &mut found);
        found.into_values().collect()
    }

    /// The tree as it is, variables and all: what `--no-interpolate` prints.
    #[must_use]
    pub fn written(&self) -> serde_json::Value {
        self.tree.to_json()
    }

    /// The `x-…` fields of a service, which JSON goes without.
    #[must_use]
    pub fn extensions(&self, service: &str) -> Vec<(String, serde_json::Value)> {
        let node = self.tree.get("services").and_then(|all| all.get(service));
        node.map(normal_form::extensions).unwrap_or_default()
    }
}

/// The tree with the system's name in it, first.
fn named(mut tree: Node, project: &ProjectName) -> Node {
    let place = tree.place.clone();
    if let NodeValue::Map(entries) = &mut tree.value {
        entries.retain(|(key, _)| key.text != "name");
        let key = Key {
            text: "name".to_owned(),
            place: place.clone(),
        };
        let name = Node::new(place, NodeValue::String(project.to_string()));
        entries.insert(0, (key, name));
    }
    tree
}

/// Takes every `x-msvc` away.
fn forget_msvc(node: &mut Node) {
    node.remove("x-msvc");
    match &mut node.value {
        NodeValue::Map(entries) => entries.iter_mut().for_each(|(_, it)| forget_msvc(it)),
        NodeValue::Seq(items) => items.iter_mut().for_each(forget_msvc),
        _ => {}
    }
}

/// Typed values, `x-msvc`, references and edges.
fn system(
    request: &LoadRequest,
    files: &Files,
    resolved: Resolved,
    problems: &mut Problems,
) -> Option<Loaded> {
    let told = problems.places();
    let before = problems.0.len();
    let Resolved {
        project,
        files: paths,
        root,
        environment,
        running,
        tree,
        resting,
        ..
    } = resolved;
    let shown_from = request.shown_from();
    let context = Context::new(&root, shown_from, &environment, files, &tree);
    let mut services = typed::services(&tree, &context, &running, problems);
    for (name, service) in &mut services {
        if name.as_str() == MESH {
            let what = format!("the service name `{MESH}` is taken: what carries the calls has it");
            let problem = Problem::error(what).at(service.place.clone());
            problems.push(problem.hint("give the service another name"));
        }
        let node = tree.get("services").and_then(|all| all.get(name.as_str()));
        if let Some(node) = node {
            service.x_msvc = xmsvc::service(node, service, &context, problems);
        }
    }
    let x_msvc = xmsvc::system(&tree, &context, problems);
    let volumes = typed::volumes(&tree, problems);
    let networks = typed::networks(&tree, problems);
    references::check(&mut services, &resting, problems);
    if services.is_empty() && !problems.has_errors() {
        problems.push(no_services(&tree, !resting.is_empty()));
    }
    let edges = edges::infer(&tree, &mut services, problems);
    problems.forget_echoes(before, &told);
    let mut system = System {
        name: project,
        files: paths,
        root: root.clone(),
        services,
        resting,
        volumes,
        networks,
        edges,
        x_msvc,
        hash: String::new(),
    };
    system.hash = hash::hash(&system);
    Some(Loaded {
        system,
        warnings: Vec::new(),
        resolved: escaped(tree.to_json()),
    })
}

fn no_services(tree: &Node, resting: bool) -> Problem {
    let problem = Problem::error(if resting {
        "every service needs a profile, and none of them was asked for"
    } else {
        "the system has no services"
    });
    let entry = tree.entry("services");
    let place = entry.map_or(&tree.place, |(key, _)| &key.place);
    problem.at(place.clone()).hint(if resting {
        "add --profile NAME"
    } else {
        "write them under `services:`"
    })
}

/// `--profile`, else `COMPOSE_PROFILES`.
fn profiles_asked(request: &LoadRequest, environment: &BTreeMap<String, String>) -> Vec<String> {
    if !request.profiles.is_empty() {
        return request.profiles.clone();
    }
    let set = environment
        .get("COMPOSE_PROFILES")
        .map_or("", String::as_str);
    let set = set.split(',').map(str::trim).filter(|p| !p.is_empty());
    set.map(str::to_owned).collect()
}

/// Dollar signs doubled in every text, so that nothing is interpolated again.
fn escaped(mut value: serde_json::Value) -> serde_json::Value {
    match &mut value {
        serde_json::Value::String(text) if text.contains('$') => *text = text.replace('$', "$$"),
        serde_json::Value::Array(items) => {
            for item in items {
                *item = escaped(item.take());
            }
        }
        serde_json::Value::Object(fields) => {
            for field in fields.values_mut() {
                *field = escaped(field.take());
            }
        }
        _ => {}
    }
    value
}

fn or_report<T>(result: Result<T, Problem>, problems: &mut Problems) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

#[cfg(test)]
mod given;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod tests;
